//! `gf run`: a study from a file.

use std::path::PathBuf;

use miette::Report;

use super::{print, table};
use crate::arguments::{Common, RunArguments};
use crate::folder::{Folder, FolderWriter, write_summary};
use crate::progress::Progress;
use crate::report;
use crate::runner;
use crate::study::{Document, OnFailure, Problem, misuse};

pub(super) fn execute(arguments: &RunArguments) -> Result<u8, Report> {
    let document = Document::read(&arguments.study)?;
    let finished = run_document(document, &arguments.common)?;
    Ok(u8::from(finished.failed && finished.on_failure == OnFailure::Error))
}

/// A run that is written.
pub(super) struct Finished {
    pub(super) folder: PathBuf,
    /// Whether an arm failed.
    pub(super) failed: bool,
    on_failure: OnFailure,
}

/// Runs a study and writes its folder; prints the summary.
pub(super) fn run_document(mut document: Document, common: &Common) -> Result<Finished, Report> {
    apply(&mut document, common)?;
    let problem = Problem::load(document)?;
    if problem.study.arms.is_empty() {
        return Err(problem.document.error_at(&["arm"], "expected at least one [[arm]] with a method, found none"));
    }
    let threads = threads(common)?;
    let progress = Progress::new(common.quiet);
    let writer = FolderWriter::create(common.out.as_deref(), &problem.study.name)?;
    let (runs, first_steps) = runner::run(&problem, threads, progress)?;
    writer.write(&problem, &runs, first_steps)?;
    writer.write_depth(&runner::run_depth(&problem, threads, progress)?)?;
    let mut folder = Folder::read(writer.path())?;
    folder.summary.claims = report::write(&folder, progress)?;
    write_summary(&folder.path, &folder.summary)?;
    let path = writer.finish()?;
    if common.json {
        print(&serde_json::to_string_pretty(&folder.summary).map_err(misuse)?);
    } else if !common.quiet {
        print(&table::summary(&folder.summary));
        if !folder.summary.claims.is_empty() {
            print(&table::verdicts(&folder.summary.claims));
        }
        for run in &runs {
            if let Some(reason) = run.failure() {
                print(&format!("{} (seed {}) at step {}: {reason}", run.arm, run.seed, run.outcome.steps));
            }
        }
        if let Some(advice) = table::advice(&folder.summary) {
            print(&advice);
        }
        print(&format!("report: {}", path.join("report.html").display()));
    }
    let failed = runs.iter().any(|run| run.failure().is_some());
    Ok(Finished { folder: path, failed, on_failure: problem.study.run.on_failure })
}

/// Applies `--set` and `--seed`.
pub(super) fn apply(document: &mut Document, common: &Common) -> Result<(), Report> {
    let mut assignments = common.set.clone();
    assignments.extend(common.seed.map(|seed| format!("run.seeds=[{seed}]")));
    document.set(&assignments)
}

fn threads(common: &Common) -> Result<usize, Report> {
    match common.threads {
        Some(threads @ 1..=1024) => Ok(threads),
        Some(threads) => Err(misuse(format!("--threads: expected 1 to 1024, found {threads}"))),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}
