//! `gf run`: a study from a file.

use std::path::PathBuf;

use miette::Report;

use super::{print, table};
use crate::arguments::{Common, RunArguments};
use crate::folder::{Folder, RunFolder, RunSamples, annotated_study, write_summary};
use crate::interrupt;
use crate::progress::Progress;
use crate::ranks::Ranks;
use crate::report;
use crate::runner::{self, ArmPath, ArmRun, CheckpointStore, FirstStep, Ran};
use crate::study::{Document, OnFailure, Problem, misuse};

pub(super) fn execute(arguments: &RunArguments, ranks: &Ranks) -> Result<u8, Report> {
    let document = ranks.document(|| Document::read(&arguments.study))?;
    if arguments.print_config {
        return print_config(document, &arguments.common);
    }
    Ok(run_document(document, &arguments.common, ranks)?.exit_code())
}

/// Endings that are printed; a sweep may have many.
const MOST_ENDINGS: usize = 40;

/// What a run came to.
pub(super) enum Ended {
    /// It is written.
    Complete {
        /// Where.
        folder: PathBuf,
        /// Whether an arm failed, and the study takes that for a failure.
        failed: bool,
    },
    /// Rank 0 writes it.
    OnRank0,
    /// It was interrupted.
    Interrupted,
}

impl Ended {
    /// 1 for failed runs, 130 for interrupted ones.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Complete { failed, .. } => u8::from(*failed),
            Self::OnRank0 => 0,
            Self::Interrupted => interrupt::EXIT_CODE,
        }
    }
}

/// Prints a study as it would be run.
pub(super) fn print_config(document: Document, common: &Common) -> Result<u8, Report> {
    print(annotated_study(&load(document, &assignments(common), &Ranks::default())?)?.trim_end());
    Ok(0)
}

/// A study with arms to run.
///
/// # Errors
/// When it is wrong, or has none.
pub(super) fn load(mut document: Document, assignments: &[String], ranks: &Ranks) -> Result<Problem, Report> {
    ranks.agree(document.set(assignments))?;
    let problem = Problem::load_on(ranks, document)?;
    let has_arms = match problem.study.arms.is_empty() {
        true => Err(problem.document.error_at(&["arm"], "expected at least one [[arm]] with a method, found none")),
        false => Ok(()),
    };
    ranks.agree(has_arms)?;
    Ok(problem)
}

/// Runs a study and writes its folder; prints the summary.
pub(super) fn run_document(document: Document, common: &Common, ranks: &Ranks) -> Result<Ended, Report> {
    let problem = load(document, &assignments(common), ranks)?;
    ranks.agree(threads(common.threads))?;
    let folder = ranks.on_rank_0(|| RunFolder::create(common.out.as_deref(), &problem))?;
    let Common { threads, no_report, quiet, json, .. } = *common;
    let output = Output { threads, has_report: !no_report, quiet: quiet || !ranks.is_first(), json };
    carry_on(&problem, folder, &output)
}

/// How a run shows itself, and on how many threads.
pub(super) struct Output {
    pub(super) threads: Option<usize>,
    pub(super) has_report: bool,
    pub(super) quiet: bool,
    pub(super) json: bool,
}

/// Runs what is left of the study of a folder, and writes the results; prints the summary. The folder is there on rank 0 alone.
pub(super) fn carry_on(problem: &Problem, mut run_folder: Option<RunFolder>, output: &Output) -> Result<Ended, Report> {
    interrupt::install();
    let (threads, progress) = (threads(output.threads)?, Progress::new(output.quiet));
    let spec = || problem.study.checkpoint.clone();
    let store = match &run_folder {
        Some(folder) => CheckpointStore::new(folder.checkpoints(), &folder.study(), spec()),
        None => Ok(CheckpointStore::of_text(PathBuf::new(), &[], spec())),
    };
    let store = problem.ranks.agree(store)?.shared_by(&problem.ranks);
    let (runs, first_steps, paths) = match runner::run(problem, threads, progress, &store)? {
        Ran::ToTheEnd(runs, first_steps, paths) => (runs, first_steps, paths),
        Ran::Interrupted => {
            if let Some(folder) = &mut run_folder {
                folder.keep();
                eprintln!("interrupted: `gf resume {}` continues", folder.path().display());
            }
            return Ok(Ended::Interrupted);
        }
    };
    conclude(problem, run_folder, (&runs, &paths), first_steps, output)
}

/// Computes what is no arm's, writes everything, and prints the summary: on rank 0, which has the folder.
///
/// # Errors
/// Misuse, or a file that cannot be written.
pub(super) fn conclude(
    problem: &Problem,
    run_folder: Option<RunFolder>,
    (runs, paths): (&[ArmRun], &[ArmPath]),
    first_steps: Vec<FirstStep>,
    output: &Output,
) -> Result<Ended, Report> {
    let (threads, progress) = (threads(output.threads)?, Progress::new(output.quiet));
    let samples = RunSamples::collect(problem)?;
    let depth = runner::run_depth(problem, threads, progress)?;
    let lr_range = runner::run_lr_range(problem, threads, progress)?;
    let landscape = runner::run_landscape(problem, runs, paths, threads, progress)?;
    let Some(run_folder) = run_folder else { return Ok(Ended::OnRank0) };
    let results = run_folder.results()?;
    results.write(problem, &samples, runs, first_steps)?;
    results.write_depth(&depth)?;
    results.write_lr_range(&lr_range)?;
    results.write_landscape(landscape.as_ref())?;
    let mut folder = Folder::read(results.path())?;
    if output.has_report {
        folder.summary.claims = report::write(&folder, None, progress)?;
        write_summary(&folder.path, &folder.summary)?;
    }
    let path = run_folder.finish(results)?;
    if output.json {
        print(&serde_json::to_string_pretty(&folder.summary).map_err(misuse)?);
    } else if !output.quiet {
        print(&table::summary(&folder.summary));
        if !folder.summary.claims.is_empty() {
            print(&table::verdicts(&folder.summary.claims));
        }
        let endings: Vec<String> = runs.iter().filter_map(ending).collect();
        endings.iter().take(MOST_ENDINGS).for_each(|line| print(line));
        if endings.len() > MOST_ENDINGS {
            print(&format!(
                "and {} more runs that failed or were restored: summary.json",
                endings.len() - MOST_ENDINGS
            ));
        }
        if let Some(advice) = table::advice(&folder.summary) {
            print(&advice);
        }
        match output.has_report {
            true => print(&format!("report: {}", path.join("report.html").display())),
            false => print(&format!("results: {0}; `gf report {0}` draws them", path.display())),
        }
    }
    let failed = problem.study.run.on_failure == OnFailure::Error && runs.iter().any(|run| run.failure().is_some());
    Ok(Ended::Complete { folder: path, failed })
}

/// How a run ended, where that is not after its last step with its last parameters.
fn ending(run: &ArmRun) -> Option<String> {
    let at = format!("{} (seed {}) at step {}", run.arm, run.seed, run.outcome.steps);
    match (run.failure(), run.restored) {
        (Some(reason), _) => Some(format!("{at}: {reason}")),
        (None, Some(step)) => Some(format!("{at}: {}, with the parameters of step {step}", run.outcome.stop)),
        (None, None) => None,
    }
}

/// Applies `--set` and `--seed`.
pub(super) fn apply(document: &mut Document, common: &Common) -> Result<(), Report> {
    document.set(&assignments(common))
}

fn assignments(common: &Common) -> Vec<String> {
    let seed = common.seed.map(|seed| format!("run.seeds=[{seed}]"));
    common.set.iter().cloned().chain(seed).collect()
}

/// All cores, unless a number is given.
///
/// # Errors
/// When it is not from 1 to 1024.
pub(super) fn threads(threads: Option<usize>) -> Result<usize, Report> {
    match threads {
        Some(threads @ 1..=1024) => Ok(threads),
        Some(threads) => Err(misuse(format!("--threads: expected 1 to 1024, found {threads}"))),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}
