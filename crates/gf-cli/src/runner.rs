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
pub use first_steps::{FirstStep, PolicyOutcome, first_steps};

use crate::parallel::for_each_task;
use crate::progress::Progress;
use crate::study::{Problem, misuse};

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

/// Runs every arm on every seed, `threads` at a time. Results in the order of the study: arms, then seeds.
///
/// # Errors
/// Misuse only; failed arms are results.
pub fn run(problem: &Problem, threads: usize, progress: Progress) -> Result<Vec<ArmRun>, Report> {
    let seeds = &problem.study.run.seeds;
    let mut tasks: Vec<(usize, u64)> =
        (0..problem.study.arms.len()).flat_map(|arm| seeds.iter().map(move |seed| (arm, *seed))).collect();
    // Dense methods take longest: they start first, so that no thread idles at the end.
    let dim = problem.network.dim();
    tasks.sort_by_key(|(arm, _)| std::cmp::Reverse(problem.study.arms[*arm].method.dense_bytes(dim) > 0));
    let total = tasks.iter().map(|(arm, _)| problem.study.run.budget(&problem.study.arms[*arm]).steps).sum();
    let bar = progress.bar(total, "steps");
    let results = for_each_task(&tasks, threads, |(arm, seed)| run_arm(problem, *arm, *seed, &bar));
    bar.finish_and_clear();
    let mut runs = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    runs.sort_by_key(|run| (run.arm_index, seeds.iter().position(|seed| *seed == run.seed)));
    Ok(runs)
}

fn run_arm(problem: &Problem, arm_index: usize, seed: u64, bar: &ProgressBar) -> Result<ArmRun, Report> {
    let arm = &problem.study.arms[arm_index];
    let budget = problem.study.run.budget(arm);
    let data = problem.data(seed)?;
    let mut objective = problem.objective(Arc::clone(&data.train), problem.batches(seed))?;
    let mut evaluator = Evaluator::new(problem, &data)?;
    let settings = HistorySettings {
        expected_steps: budget.steps as usize,
        batches_per_epoch: objective.batches_per_epoch() as u64,
        evaluate_every: problem.study.run.evaluate_every,
        metric_names: evaluator.metric_names(),
    };
    let mut method = arm.method.build().map_err(misuse)?;
    let mut control = arm.method.build_control(&arm.control()).map_err(misuse)?;
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
