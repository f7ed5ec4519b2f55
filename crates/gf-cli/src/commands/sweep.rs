//! `gf sweep`: the arms of a study by several processes, here or on many machines; and the merge of what they came to.

use std::path::Path;

use miette::Report;

use super::print;
use super::run::{Ended, Output, conclude, load, threads};
use crate::arguments::{SweepArguments, WorkerArguments};
use crate::folder::RunFolder;
use crate::interrupt;
use crate::progress::Progress;
use crate::ranks::Ranks;
use crate::runner;
use crate::study::{Document, Problem, misuse};
use crate::sweep::{self, JobScript, Shard, SweepFolder, Tally};

/// Shards of a job script, unless their number is given or there are fewer arms.
const SHARDS: usize = 20;

pub(super) fn execute(arguments: &SweepArguments) -> Result<u8, Report> {
    let SweepArguments { jobs, quiet, no_report, .. } = *arguments;
    if !(1..=1024).contains(&jobs) {
        return Err(misuse(format!("--jobs: expected 1 to 1024, found {jobs}")));
    }
    let at_once = threads(arguments.threads)?;
    let problem = load(Document::read(&arguments.study)?, &arguments.set, &Ranks::default())?;
    if let Some(shards) = arguments.slurm {
        return print_script(arguments, &problem, shards);
    }
    let folder = SweepFolder::open(arguments.out.as_deref(), &problem)?;
    let pieces = sweep::pieces(&problem, folder.path())?;
    let shard = arguments.shard.unwrap_or(Shard::WHOLE);
    let left = sweep::unfinished(&problem, &pieces, shard);
    let count_missing = || pieces.iter().filter(|piece| !piece.file().exists()).count();
    folder.begin(&problem, !left.is_empty() || count_missing() > 0)?;
    interrupt::install();
    let progress = Progress::new(quiet);
    let tally = match jobs {
        _ if left.is_empty() => Tally::default(),
        1 => sweep::run_here(&problem, &left, at_once, progress)?,
        _ => {
            let each = (at_once / jobs).max(1);
            sweep::run_by_processes(&problem, (&left, folder.path()), (jobs, each), progress)?
        }
    };
    tally.failures.iter().for_each(|failure| eprintln!("failed: {failure}"));
    if tally.is_interrupted {
        eprintln!("interrupted: the same command goes on from here");
        return Ok(interrupt::EXIT_CODE);
    }
    let path = folder.path().display();
    let is_whole = arguments.shard.is_none() && tally.failures.is_empty();
    if is_whole && folder.is_complete() && !quiet {
        print(&format!("{path}: complete, nothing is left to do"));
    } else if is_whole && !folder.is_complete() {
        let output = Output { threads: arguments.threads, has_report: !no_report, quiet, json: false };
        merge(&problem, folder.path(), &output)?;
    } else if !quiet {
        let what = arguments.shard.map_or_else(String::new, |shard| format!("shard {shard}, "));
        let there = match count_missing() {
            0 => format!("all {} are there: `gf report {path}` merges them", pieces.len()),
            missing => format!("{missing} of {} are missing", pieces.len()),
        };
        print(&format!("{what}{path}: {} arms on seeds run, {} failed; {there}", tally.ran, tally.failures.len()));
    }
    Ok(u8::from(!tally.failures.is_empty()))
}

/// Merges the arms of a sweep into the run folder that it is in.
///
/// # Errors
/// When arms are missing, or a file cannot be written.
pub(super) fn merge(problem: &Problem, folder: &Path, output: &Output) -> Result<(), Report> {
    let (runs, paths) = sweep::load_runs(problem, folder)?;
    let run_folder = RunFolder::of_sweep(folder)?;
    let first_steps = runner::run_first_steps(problem, threads(output.threads)?, Progress::new(output.quiet))?;
    // Whether arms failed is a result here, as in experiments: a sweep goes where methods diverge.
    let (Ended::Complete { .. } | Ended::OnRank0 | Ended::Interrupted) =
        conclude(problem, Some(run_folder), (&runs, &paths), first_steps, output)?;
    Ok(())
}

/// Runs what another process orders.
pub(super) fn work(arguments: &WorkerArguments) -> Result<u8, Report> {
    sweep::work(&arguments.folder, threads(arguments.threads)?)?;
    Ok(0)
}

fn print_script(arguments: &SweepArguments, problem: &Problem, shards: Option<usize>) -> Result<u8, Report> {
    let name = &problem.study.name;
    let out = SweepFolder::place(arguments.out.as_deref(), name);
    let shards = shards.unwrap_or_else(|| SHARDS.min(problem.study.arms.len()));
    let (study, threads, jobs, set) =
        (&*arguments.study, arguments.threads.unwrap_or(1), arguments.jobs, &*arguments.set);
    print(sweep::job_script(&JobScript { study, out: &out, name, shards, threads, jobs, set })?.trim_end());
    Ok(0)
}
