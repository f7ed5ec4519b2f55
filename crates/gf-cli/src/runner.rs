//! Runs the arms of a study on every seed.

mod evaluation;
mod first_steps;

use std::sync::Arc;

use gf_core::{Observer, StepRecord};
use gf_optim::registry::AnyObjective;
use gf_optim::{Outcome, Stop, integrate};
use gf_utils::history::{Best, History, HistorySettings, Table};
use indicatif::ProgressBar;
use miette::Report;

pub use evaluation::Evaluator;
use first_steps::first_step;
pub use first_steps::{FirstStep, PolicyOutcome};

use crate::parallel::for_each_task;
use crate::progress::Progress;
use crate::study::{Problem, memory_shortage, misuse};

/// One arm on one seed.
pub struct ArmRun {
    /// The arm's name.
    pub arm: String,
    /// Its place in the study.
    pub arm_index: usize,
    /// The seed.
    pub seed: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// A loss above this is divergence.
    loss_limit: f64,
    /// One row an accepted step.
    pub history: Table,
    /// Parameters of the lowest validation loss.
    pub best: Option<Best>,
    /// Outputs on the validation set at the end, n × outputs, row-major; only of the first seed.
    pub predictions: Option<Vec<f64>>,
}

impl ArmRun {
    /// Why it counts as failed, if it does: divergence, no step, or a final loss that is no number.
    pub fn failure(&self) -> Option<String> {
        if self.outcome.stop.is_failure() {
            return Some(self.outcome.stop.to_string());
        }
        let last = self.history.rows().last()?;
        let diverged = last.val_loss.is_nan() || last.val_loss > self.loss_limit;
        diverged.then(|| format!("diverged: the final validation loss is {:e}", last.val_loss))
    }
}

/// What is run on one thread.
enum Task {
    /// An arm of the study on a seed.
    Arm(usize, u64),
    /// A start of the table of first implicit steps.
    Start(u64),
}

/// What a task came to.
enum Done {
    Arm(Box<ArmRun>),
    Start(Box<FirstStep>),
}

/// Runs every arm on every seed, and the table of first steps where the study asks for it, `threads` at a time.
/// Arms in the order of the study, each with its seeds; starts in the order of their seeds.
///
/// # Errors
/// Misuse only; failed arms are results.
pub fn run(problem: &Problem, threads: usize, progress: Progress) -> Result<(Vec<ArmRun>, Vec<FirstStep>), Report> {
    // A start is about as long as so many steps, for the progress bar.
    const STEPS_A_START: u64 = 25;
    let study = &problem.study;
    let dim = problem.network.dim();
    let mut arms: Vec<(usize, u64)> =
        (0..study.arms.len()).flat_map(|arm| study.run.seeds.iter().map(move |seed| (arm, *seed))).collect();
    // Dense methods take longest: they start first, so that no thread idles at the end.
    arms.sort_by_key(|(arm, _)| std::cmp::Reverse(study.arms[*arm].method.dense_bytes(dim) > 0));
    let starts = study.first_steps.as_ref().map_or(0, |spec| spec.starts);
    let steps: u64 = arms.iter().map(|(arm, _)| study.run.budget(&study.arms[*arm]).steps).sum();
    let bar = progress.bar(steps + STEPS_A_START * starts, "steps");
    let tasks: Vec<Task> =
        arms.into_iter().map(|(arm, seed)| Task::Arm(arm, seed)).chain((0..starts).map(Task::Start)).collect();
    check_memory(problem, &tasks, threads)?;
    let results = for_each_task(&tasks, threads, |task| match (task, &study.first_steps) {
        (Task::Arm(arm, seed), _) => run_arm(problem, *arm, *seed, &bar).map(|run| Some(Done::Arm(Box::new(run)))),
        (Task::Start(seed), Some(spec)) => {
            let row = first_step(problem, spec, *seed);
            bar.inc(STEPS_A_START);
            row.map(|row| Some(Done::Start(Box::new(row))))
        }
        (Task::Start(_), None) => Ok(None),
    });
    bar.finish_and_clear();
    let (mut runs, mut rows) = (Vec::new(), Vec::new());
    for result in results {
        match result? {
            Some(Done::Arm(run)) => runs.push(*run),
            Some(Done::Start(row)) => rows.push(*row),
            None => {}
        }
    }
    runs.sort_by_key(|run| (run.arm_index, study.run.seeds.iter().position(|seed| *seed == run.seed)));
    Ok((runs, rows))
}

/// Refuses what would not fit in memory when the `threads` tasks that need most of it run at once.
fn check_memory(problem: &Problem, tasks: &[Task], threads: usize) -> Result<(), Report> {
    let dim = problem.network.dim();
    let square = dim.saturating_mul(dim).saturating_mul(8);
    let mut bytes: Vec<usize> = tasks
        .iter()
        .map(|task| match task {
            Task::Arm(arm, _) => problem.study.arms[*arm].method.dense_bytes(dim),
            // The spectrum's matrix or a policy's, or that of differences.
            Task::Start(_) => square,
        })
        .collect();
    bytes.sort_unstable_by_key(|bytes| std::cmp::Reverse(*bytes));
    let at_once = bytes.iter().take(threads).fold(0usize, |sum, bytes| sum.saturating_add(*bytes));
    match memory_shortage(dim, at_once) {
        Some(message) => {
            Err(problem.document.error_at(&["arm"], format!("{threads} at a time: {message}, or fewer --threads")))
        }
        None => Ok(()),
    }
}

fn run_arm(problem: &Problem, arm_index: usize, seed: u64, bar: &ProgressBar) -> Result<ArmRun, Report> {
    let arm = &problem.study.arms[arm_index];
    let budget = problem.study.run.budget(arm);
    let data = problem.data(seed)?;
    let mut objective = problem.objective(Arc::clone(&data.train), problem.batches(seed))?;
    let mut evaluator = Evaluator::new(problem, &data)?;
    let settings = HistorySettings {
        // Room, not a limit: a run may end long before its last step.
        expected_steps: budget.steps.min(100_000) as usize,
        batches_per_epoch: objective.batches_per_epoch() as u64,
        evaluate_every: problem.study.run.evaluate_every,
        metric_names: evaluator.metric_names(),
    };
    let mut method = arm.method.build().map_err(misuse)?;
    let mut control = arm.method.build_control(arm.control.as_ref()).map_err(misuse)?;
    let mut ticks = Ticks(bar);
    let mut history =
        History::new(settings, |theta: &[f64], out: &mut _| evaluator.evaluate(theta, out)).map_err(misuse)?;
    let outcome = integrate(
        &mut objective as &mut AnyObjective,
        &mut *method,
        &mut *control,
        &mut [&mut history, &mut ticks],
        problem.start(seed),
        &budget,
    )
    .map_err(misuse)?;
    // Steps that a failed arm did not take.
    bar.inc(budget.steps - outcome.steps);
    history.complete(&outcome.theta);
    let best = history.best().cloned();
    let history = history.into_table();
    let predictions = match seed == problem.study.run.seeds[0] {
        true => Some(problem.network.predict(&outcome.theta, data.validation.inputs()).map_err(misuse)?),
        false => None,
    };
    let loss_limit = budget.loss_limit;
    Ok(ArmRun { arm: arm.name.clone(), arm_index, seed, outcome, loss_limit, history, best, predictions })
}

struct Ticks<'a>(&'a ProgressBar);

impl Observer for Ticks<'_> {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if record.step > 0 {
            self.0.inc(1);
        }
    }
}

/// The name of a stop for tables: `steps`, `diverged`, ….
pub fn stop_name(run: &ArmRun) -> &'static str {
    match (&run.outcome.stop, run.failure()) {
        (stop, None) => stop.name(),
        (stop, Some(_)) if stop.is_failure() => stop.name(),
        _ => Stop::Diverged { what: "" }.name(),
    }
}
