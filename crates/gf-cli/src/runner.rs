//! Runs the arms of a study on every seed.

mod arm;
mod basins;
mod central_flow;
mod checkpoint;
mod conservation;
mod depth;
mod epochs;
mod evaluation;
mod first_steps;
mod first_version;
mod instance;
mod landscape;
mod layers;
mod lr_range;
mod observers;
mod path;
mod piece;
mod result;
mod spectrum;
mod watches;

use gf_core::Communicator;
use gf_optim::Stop;
use miette::Report;
use serde::{Deserialize, Serialize};

use arm::{Session, run_arm};
pub use basins::BasinStart;
pub use central_flow::CentralFlowRow;
pub use checkpoint::CheckpointStore;
pub use depth::{DepthLayerRow, DepthResult, DepthRow};
pub(crate) use epochs::UPDATE_RATIO_BAND;
pub use epochs::{EpochLayerRow, EpochRow, EpochSums};
pub use evaluation::{Evaluator, NetworkEvaluator};
use first_steps::first_step;
pub use first_steps::{FirstStep, PolicyOutcome};
pub use landscape::{Cut, Landscape, LandscapeAxis, LandscapePath, run_landscape};
pub use layers::LayerRow;
pub use lr_range::{LrRangeLimits, LrRangeResult, LrRangeRow, has_linear_stability, test_lr_range};
pub use path::ArmPath;
pub(crate) use piece::{Piece, PieceEnd, check_room, run_first_steps, run_pieces};
pub use result::{ArmOutcome, ArmRun, Ending};
pub use spectrum::SpectrumRun;

use crate::parallel::for_each_task;
use crate::progress::{Live, Progress};
use crate::study::{Problem, Subject, memory_shortage};

/// What is run on one thread.
enum Task {
    /// An arm of the study on a seed.
    Arm(usize, u64),
    /// A start of the table of first implicit steps.
    Start(u64),
}

/// A start is about as long as so many steps, for the progress bar.
const STEPS_A_START: u64 = 25;

/// What a task came to.
#[derive(Serialize, Deserialize)]
enum Done {
    Arm(Box<ArmRun>, Option<ArmPath>),
    Start(Box<FirstStep>),
}

/// What became of the tasks of a study.
pub enum Ran {
    /// All ended: arms in the order of the study, each with its seeds; starts in the order of their seeds; the paths that `[landscape]` shows, in the
    /// order of the study.
    ToTheEnd(Vec<ArmRun>, Vec<FirstStep>, Vec<ArmPath>),
    /// The end was asked for before; every arm under way has saved where it stands.
    Interrupted,
}

/// Runs every arm on every seed, and the table of first steps where the study asks for it, `threads` at a time. What `store` holds of them is
/// not repeated.
///
/// # Errors
/// Misuse only; failed arms are results.
pub fn run(problem: &Problem, threads: usize, progress: Progress, store: &CheckpointStore) -> Result<Ran, Report> {
    let study = &problem.study;
    let dim = problem.dim();
    let mut arms: Vec<(usize, u64)> =
        (0..study.arms.len()).flat_map(|arm| study.run.seeds.iter().map(move |seed| (arm, *seed))).collect();
    // Dense methods take longest: they start first, so that no thread idles at the end.
    arms.sort_by_key(|(arm, _)| std::cmp::Reverse(study.arms[*arm].method.dense_bytes(dim) > 0));
    let starts = study.first_steps.as_ref().map_or(0, |spec| spec.starts);
    let mut steps: u64 = 0;
    for (arm, _) in &arms {
        let arm = &study.arms[*arm];
        steps = steps.saturating_add(study.run.steps_of(arm, problem.batches_per_epoch(arm)?));
    }
    let width = arms.iter().map(|(arm, seed)| line_name(&study.arms[*arm].name, *seed).chars().count()).max();
    let live = progress.live(steps.saturating_add(STEPS_A_START * starts), width.unwrap_or(0));
    let tasks: Vec<Task> =
        arms.into_iter().map(|(arm, seed)| Task::Arm(arm, seed)).chain((0..starts).map(Task::Start)).collect();
    check_memory(problem, &tasks, problem.ranks.tasks_at_once(threads))?;
    let results = for_each_task(&tasks, problem.ranks.tasks_at_once(threads), threads, |task| {
        if problem.ranks.are_interrupted() { Ok(None) } else { run_task(problem, task, store, &live) }
    });
    live.finish();
    if results.iter().any(|result| matches!(result, Ok(None))) {
        return Ok(Ran::Interrupted);
    }
    let (mut runs, mut rows, mut paths) = (Vec::new(), Vec::new(), Vec::new());
    for result in results {
        match result? {
            Some(Done::Arm(run, path)) => {
                paths.extend(path);
                runs.push(*run);
            }
            Some(Done::Start(row)) => rows.push(*row),
            None => {}
        }
    }
    runs.sort_by_key(|run| (run.arm_index, study.run.seeds.iter().position(|seed| *seed == run.seed)));
    paths.sort_by_key(|path| study.arms.iter().position(|arm| arm.name == path.arm));
    Ok(Ran::ToTheEnd(runs, rows, paths))
}

/// Runs a task, or takes from `store` what it came to; none when the end was asked for.
fn run_task(problem: &Problem, task: &Task, store: &CheckpointStore, live: &Live) -> Result<Option<Done>, Report> {
    let study = &problem.study;
    // No arm has a name that begins with a point.
    let (name, seed, length) = match task {
        Task::Arm(arm, seed) => {
            let arm = &study.arms[*arm];
            (&*arm.name, *seed, study.run.steps_of(arm, problem.batches_per_epoch(arm)?))
        }
        Task::Start(seed) => (".first-step", *seed, STEPS_A_START),
    };
    let data = match problem.subject {
        Subject::Network(_) => problem.fingerprint(seed)?,
        Subject::Function(_) => 0,
    };
    // Ranks have only parts of the samples.
    let of_first_version = || if problem.ranks.is_alone() { first_version::fingerprint(problem, seed) } else { None };
    let label = checkpoint::Task { name, seed, data, data_of_first_version: &of_first_version };
    let warn = |message: String| live.total().suspend(|| eprintln!("warning: {message}"));
    if let Some(done) = store.ended(&label, |message| warn(format!("{message}; running it again"))) {
        live.total().inc(length);
        return Ok(Some(done));
    }
    let done = match (task, &study.first_steps) {
        (Task::Arm(arm, _), _) => {
            let session = Session { store, label: &label, live, warn: &warn };
            run_arm(problem, *arm, seed, &session)?.map(|(run, path)| Done::Arm(Box::new(run), path))
        }
        (Task::Start(_), Some(spec)) => {
            let row = first_step(problem, spec, seed)?;
            live.total().inc(length);
            Some(Done::Start(Box::new(row)))
        }
        (Task::Start(_), None) => None,
    };
    if let Some(done) = &done {
        // Without it the task is repeated after a fault: the run itself can go on.
        store.save_results(&label, done).unwrap_or_else(|error| warn(error.to_string()));
    }
    Ok(done)
}

/// How the view of running arms names one.
fn line_name(arm: &str, seed: u64) -> String {
    format!("{arm}, seed {seed}")
}

/// Measures the networks of `[depth]`, `threads` at a time, in the order of the study; nothing where it does not ask for them.
///
/// # Errors
/// Misuse only; a network that is not finite is a result.
pub fn run_depth(problem: &Problem, threads: usize, progress: Progress) -> Result<Vec<DepthResult>, Report> {
    let Some(spec) = &problem.study.depth else { return Ok(Vec::new()) };
    let seeds = &problem.study.run.seeds;
    let tasks: Vec<_> = spec.cases().into_iter().flat_map(|case| seeds.iter().map(move |seed| (case, *seed))).collect();
    let bar = progress.bar(tasks.len() as u64, "networks");
    let results = for_each_task(&tasks, problem.ranks.tasks_at_once(threads), threads, |(case, seed)| {
        let result = depth::measure(problem, spec, case, *seed);
        bar.inc(1);
        result
    });
    bar.finish_and_clear();
    results.into_iter().collect()
}

/// Tests every arm whose h is its own on every seed, from its start, `threads` at a time; nothing where the study has no `[lr_range]`.
///
/// # Errors
/// Misuse only; a loss that blows up is a result.
pub fn run_lr_range(problem: &Problem, threads: usize, progress: Progress) -> Result<Vec<LrRangeResult>, Report> {
    let Some(spec) = &problem.study.lr_range else { return Ok(Vec::new()) };
    let seeds = &problem.study.run.seeds;
    let arms = spec.tested(&problem.study.arms);
    let tasks: Vec<_> = arms.flat_map(|arm| seeds.iter().map(move |seed| (arm, *seed))).collect();
    let bar = progress.bar(tasks.len() as u64, "range tests");
    let results = for_each_task(&tasks, problem.ranks.tasks_at_once(threads), threads, |(arm, seed)| {
        let own = problem.of_arm(arm);
        let result = test_lr_range(&own, spec, arm, *seed, &own.start(*seed, Some(arm)));
        bar.inc(1);
        result
    });
    bar.finish_and_clear();
    results.into_iter().collect()
}

/// Refuses what would not fit in memory when the `threads` tasks that need most of it run at once.
fn check_memory(problem: &Problem, tasks: &[Task], threads: usize) -> Result<(), Report> {
    let dim = problem.dim();
    let square = dim.saturating_mul(dim).saturating_mul(8);
    let spectrum = problem.study.spectrum.as_ref().map_or(0, |spec| spec.dense_bytes(dim));
    let mut bytes: Vec<usize> = tasks
        .iter()
        .map(|task| match task {
            Task::Arm(arm, _) => problem.study.arms[*arm].method.dense_bytes(dim).saturating_add(spectrum),
            // The spectrum's matrix or a policy's, or that of differences.
            Task::Start(_) => square,
        })
        .collect();
    bytes.sort_unstable_by_key(|bytes| std::cmp::Reverse(*bytes));
    let at_once = bytes.iter().take(threads).fold(0usize, |sum, bytes| sum.saturating_add(*bytes));
    // Ranks may have different memories.
    problem.ranks.agree(match memory_shortage(dim, at_once) {
        Some(message) => {
            Err(problem.document.error_at(&["arm"], format!("{threads} at a time: {message}, or fewer --threads")))
        }
        None => Ok(()),
    })
}

/// The name of a stop for tables: `steps`, `diverged`, ….
pub fn stop_name(run: &ArmRun) -> &str {
    match (&run.outcome.stop, run.failure()) {
        (stop, None) => stop.name(),
        (stop, Some(_)) if stop.is_failure() => stop.name(),
        _ => Stop::Diverged { what: "" }.name(),
    }
}
