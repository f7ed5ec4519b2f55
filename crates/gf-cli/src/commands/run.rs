//! `gf run`: a study from a file.

use std::path::PathBuf;

use miette::Report;

use super::{print, table};
use crate::arguments::{Common, RunArguments};
use crate::folder::{Folder, RunFolder, annotated_study, write_summary};
use crate::interrupt;
use crate::progress::Progress;
use crate::report;
use crate::runner::{self, CheckpointStore, Ran};
use crate::study::{Document, OnFailure, Problem, misuse};

pub(super) fn execute(arguments: &RunArguments) -> Result<u8, Report> {
    let document = Document::read(&arguments.study)?;
    if arguments.print_config {
        return print_config(document, &arguments.common);
    }
    Ok(run_document(document, &arguments.common)?.exit_code())
}

/// What a run came to.
pub(super) enum Ended {
    /// It is written.
    Complete {
        /// Where.
        folder: PathBuf,
        /// Whether an arm failed, and the study takes that for a failure.
        failed: bool,
    },
    /// It was interrupted.
    Interrupted,
}

impl Ended {
    /// 1 for failed runs, 130 for interrupted ones.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Complete { failed, .. } => u8::from(*failed),
            Self::Interrupted => interrupt::EXIT_CODE,
        }
    }
}

/// Prints a study as it would be run.
pub(super) fn print_config(document: Document, common: &Common) -> Result<u8, Report> {
    print(annotated_study(&load(document, common)?)?.trim_end());
    Ok(0)
}

fn load(mut document: Document, common: &Common) -> Result<Problem, Report> {
    apply(&mut document, common)?;
    let problem = Problem::load(document)?;
    match problem.study.arms.is_empty() {
        true => Err(problem.document.error_at(&["arm"], "expected at least one [[arm]] with a method, found none")),
        false => Ok(problem),
    }
}

/// Runs a study and writes its folder; prints the summary.
pub(super) fn run_document(document: Document, common: &Common) -> Result<Ended, Report> {
    let problem = load(document, common)?;
    threads(common.threads)?;
    let folder = RunFolder::create(common.out.as_deref(), &problem)?;
    let Common { threads, no_report, quiet, json, .. } = *common;
    let output = Output { threads, has_report: !no_report, quiet, json };
    carry_on(&problem, folder, &output)
}

/// How a run shows itself, and on how many threads.
pub(super) struct Output {
    pub(super) threads: Option<usize>,
    pub(super) has_report: bool,
    pub(super) quiet: bool,
    pub(super) json: bool,
}

/// Runs what is left of the study of a folder, and writes the results; prints the summary.
pub(super) fn carry_on(problem: &Problem, mut run_folder: RunFolder, output: &Output) -> Result<Ended, Report> {
    interrupt::install();
    let (threads, progress) = (threads(output.threads)?, Progress::new(output.quiet));
    let store = CheckpointStore::new(run_folder.checkpoints(), &run_folder.study(), problem.study.checkpoint.clone())?;
    let (runs, first_steps, paths) = match runner::run(problem, threads, progress, &store)? {
        Ran::ToTheEnd(runs, first_steps, paths) => (runs, first_steps, paths),
        Ran::Interrupted => {
            run_folder.keep();
            eprintln!("interrupted: `gf resume {}` continues", run_folder.path().display());
            return Ok(Ended::Interrupted);
        }
    };
    let results = run_folder.results()?;
    results.write(problem, &runs, first_steps)?;
    results.write_depth(&runner::run_depth(problem, threads, progress)?)?;
    results.write_lr_range(&runner::run_lr_range(problem, threads, progress)?)?;
    results.write_landscape(runner::run_landscape(problem, &runs, &paths, threads, progress)?.as_ref())?;
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
        for run in &runs {
            let at = format!("{} (seed {}) at step {}", run.arm, run.seed, run.outcome.steps);
            if let Some(reason) = run.failure() {
                print(&format!("{at}: {reason}"));
            } else if let Some(step) = run.restored {
                print(&format!("{at}: {}, with the parameters of step {step}", run.outcome.stop));
            }
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

/// Applies `--set` and `--seed`.
pub(super) fn apply(document: &mut Document, common: &Common) -> Result<(), Report> {
    let mut assignments = common.set.clone();
    assignments.extend(common.seed.map(|seed| format!("run.seeds=[{seed}]")));
    document.set(&assignments)
}

fn threads(threads: Option<usize>) -> Result<usize, Report> {
    match threads {
        Some(threads @ 1..=1024) => Ok(threads),
        Some(threads) => Err(misuse(format!("--threads: expected 1 to 1024, found {threads}"))),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}
