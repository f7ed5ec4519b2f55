//! Arms on seeds one by one, each stored under a name of its own: what sweeps are made of.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use miette::Report;
use serde::{Deserialize, Serialize};

use super::arm::{Session, run_arm};
use super::checkpoint::{self, CheckpointStore};
use super::first_steps::{FirstStep, first_step};
use super::{ArmPath, ArmRun, Done, Task, check_memory, line_name};
use crate::interrupt;
use crate::parallel::for_each_task;
use crate::progress::{Live, Progress};
use crate::study::{Problem, misuse};

/// One arm on one seed, with the place of what it comes to.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The arm's place in the study.
    pub(crate) arm: usize,
    pub(crate) seed: u64,
    /// Tells apart all that numbers depend on; with the seed it names the files.
    name: String,
    /// CRC-32 of the samples of the seed.
    data: u32,
    store: CheckpointStore,
}

/// What became of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PieceEnd {
    /// It ended, and its file is written.
    Stored,
    /// The end was asked for before; it has saved where it stands.
    Interrupted,
    /// It cannot be run, for this reason.
    Refused(String),
}

impl Piece {
    /// Of the arm and seed that `specification` describes, called `name`, in `folder`.
    pub(crate) fn new(
        problem: &Problem,
        (arm, seed): (usize, u64),
        (name, specification): (String, &str),
        data: u32,
        folder: PathBuf,
    ) -> Self {
        let spec = problem.study.checkpoint.clone();
        let store = CheckpointStore::of_text(folder, specification.as_bytes(), spec);
        Self { arm, seed, name, data, store }
    }

    /// The file of what it comes to.
    pub(crate) fn file(&self) -> PathBuf {
        self.store.results(&self.label())
    }

    /// Its name.
    pub(crate) fn file_name(&self) -> String {
        self.file().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What it came to, where it has ended; tells `warn` of a file that is not that.
    pub(crate) fn result(&self, problem: &Problem, warn: impl FnOnce(String)) -> Option<(ArmRun, Option<ArmPath>)> {
        let name = &problem.study.arms[self.arm].name;
        match self.store.ended(&self.label(), warn)? {
            Done::Arm(run, path) => {
                Some((run.of_arm(name, self.arm), path.map(|path| ArmPath { arm: name.clone(), ..path })))
            }
            Done::Start(_) => None,
        }
    }

    /// How it is called in messages.
    pub(crate) fn title(&self, problem: &Problem) -> String {
        line_name(&problem.study.arms[self.arm].name, self.seed)
    }

    fn label(&self) -> checkpoint::Task<'_> {
        checkpoint::Task { name: &self.name, seed: self.seed, data: self.data, data_of_first_version: &|| None }
    }

    /// Runs it, from its newest checkpoint where there is one.
    ///
    /// # Errors
    /// When what it came to cannot be written.
    fn run(&self, problem: &Problem, live: &Live) -> Result<PieceEnd, Report> {
        if interrupt::is_requested() {
            return Ok(PieceEnd::Interrupted);
        }
        let label = self.label();
        let warn = |message: String| live.total().suspend(|| eprintln!("warning: {message}"));
        let session = Session { store: &self.store, label: &label, live, warn: &warn };
        let (run, path) = match run_arm(problem, self.arm, self.seed, &session) {
            Ok(Some(run)) => run,
            Ok(None) => return Ok(PieceEnd::Interrupted),
            Err(report) => return Ok(PieceEnd::Refused(report.to_string())),
        };
        self.store.save_results(&label, &Done::Arm(Box::new(run), path)).map_err(misuse)?;
        Ok(PieceEnd::Stored)
    }
}

/// Runs pieces, `threads` at a time; what became of each, in order.
///
/// # Errors
/// When they need more memory than there is, or a file cannot be written: no other piece is begun then.
pub(crate) fn run_pieces(
    problem: &Problem,
    pieces: &[&Piece],
    threads: usize,
    progress: Progress,
) -> Result<Vec<PieceEnd>, Report> {
    check_room(problem, pieces, threads)?;
    let mut steps: u64 = 0;
    for piece in pieces {
        let arm = &problem.study.arms[piece.arm];
        steps = steps.saturating_add(problem.study.run.steps_of(arm, problem.batches_per_epoch(arm)?));
    }
    let width = pieces.iter().map(|piece| piece.title(problem).chars().count()).max();
    let live = progress.live(steps, width.unwrap_or(0));
    let is_stuck = AtomicBool::new(false);
    let ends = for_each_task(pieces, threads, threads, |piece| {
        if is_stuck.load(Ordering::Relaxed) {
            return Ok(PieceEnd::Interrupted);
        }
        let end = piece.run(problem, &live);
        is_stuck.fetch_or(end.is_err(), Ordering::Relaxed);
        end
    });
    live.finish();
    ends.into_iter().collect()
}

/// Refuses what would not fit in memory when `at_once` pieces run at a time.
///
/// # Errors
/// Names what they need and what there is.
pub(crate) fn check_room(problem: &Problem, pieces: &[&Piece], at_once: usize) -> Result<(), Report> {
    let tasks: Vec<Task> = pieces.iter().map(|piece| Task::Arm(piece.arm, piece.seed)).collect();
    check_memory(problem, &tasks, at_once)
}

/// The table of first implicit steps, `threads` starts at a time; nothing where the study does not ask for it.
///
/// # Errors
/// Misuse only.
pub(crate) fn run_first_steps(problem: &Problem, threads: usize, progress: Progress) -> Result<Vec<FirstStep>, Report> {
    let Some(spec) = &problem.study.first_steps else { return Ok(Vec::new()) };
    let tasks: Vec<Task> = (0..spec.starts).map(Task::Start).collect();
    check_memory(problem, &tasks, threads)?;
    let bar = progress.bar(spec.starts, "starts");
    let seeds: Vec<u64> = (0..spec.starts).collect();
    let rows = for_each_task(&seeds, problem.ranks.tasks_at_once(threads), threads, |seed| {
        let row = first_step(problem, spec, *seed);
        bar.inc(1);
        row
    });
    bar.finish_and_clear();
    rows.into_iter().collect()
}
