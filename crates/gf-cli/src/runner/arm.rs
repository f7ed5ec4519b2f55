//! One arm on one seed: the objective, the method, the observers, and what they leave.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gf_core::{Observer, StepRecord};
use gf_optim::{Outcome, integrate};
use gf_utils::history::{Best, Evaluation, History, HistorySettings, Table};
use indicatif::ProgressBar;
use miette::Report;

use super::basins::{self, BasinStart};
use super::central_flow::CentralFlowWatch;
use super::conservation::Drift;
use super::instance::{FlowDistance, Instance};
use super::layers::{LayerRow, LayerWatch};
use super::spectrum::{self, SpectrumRun};
use crate::study::{Problem, Subject, misuse};

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
    /// Outputs on the validation set at the end, in the units of the data, n × outputs, row-major; only of the first seed.
    pub predictions: Option<Vec<f64>>,
    /// The curvature along the run, where the study asks for it.
    pub spectrum: Option<SpectrumRun>,
    /// Where it ends from other starts, where the study asks for it; only of the first seed.
    pub basins: Vec<BasinStart>,
    /// What passed through the layers, where the study asks for it.
    pub layers: Vec<LayerRow>,
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

/// Runs an arm on a seed.
///
/// # Errors
/// Misuse only.
pub(super) fn run_arm(problem: &Problem, arm_index: usize, seed: u64, bar: &ProgressBar) -> Result<ArmRun, Report> {
    let arm = &problem.study.arms[arm_index];
    let own = problem.of_arm(arm);
    let problem = &*own;
    let budget = problem.study.run.budget(arm);
    let mut instance = Instance::new(problem, arm, seed)?;
    let start = problem.start(seed, Some(arm));
    let settings = HistorySettings {
        // Room, not a limit: a run may end long before its last step.
        expected_steps: budget.steps.min(100_000) as usize,
        batches_per_epoch: instance.batches_per_epoch,
        evaluate_every: problem.study.run.evaluate_every,
        metric_names: problem.metric_names(),
    };
    let mut method = arm.method.build().map_err(misuse)?;
    let mut control = arm.method.build_control(arm.control.as_ref()).map_err(misuse)?;
    let mut ticks = Ticks(bar);
    let mut deadline = Deadline::new(problem.study.run.wall_time);
    let distance = Rc::new(Cell::new(f64::NAN));
    let mut flow = FlowDistance::new(problem, seed, &start, Rc::clone(&distance))?;
    let measures_distance = flow.is_some();
    let mut drift = Drift::new(problem, &start)?;
    let drift_column = problem.names_at_a_point().len();
    let mut layers = LayerWatch::new(problem, &arm.name, seed, instance.data.as_ref())?;
    let evaluator = &mut instance.evaluator;
    let evaluate = |theta: &[f64], out: &mut Evaluation| {
        evaluator.evaluate(theta, out);
        if let Some(drift) = &mut drift {
            out.metrics[drift_column] = drift.at(theta);
        }
        if let (true, Some(last)) = (measures_distance, out.metrics.last_mut()) {
            *last = distance.get();
        }
    };
    let mut history = History::new(settings, evaluate).map_err(misuse)?;
    let mut tracker = spectrum::tracker(problem, arm, seed)?;
    let mut central_flow = CentralFlowWatch::new(problem, arm, seed, &start)?;
    // The distance is measured before the history asks for it.
    let mut observers: Vec<&mut dyn Observer> = Vec::new();
    if let Some(flow) = &mut flow {
        observers.push(flow);
    }
    if let Some(tracker) = &mut tracker {
        observers.push(tracker);
    }
    if let Some(central_flow) = &mut central_flow {
        observers.push(central_flow);
    }
    if let Some(layers) = &mut layers {
        observers.push(layers);
    }
    observers.extend([&mut history as &mut dyn Observer, &mut ticks, &mut deadline]);
    let outcome = integrate(&mut *instance.objective, &mut *method, &mut *control, &mut observers, start, &budget)
        .map_err(misuse)?;
    drop(observers);
    // Steps that a failed arm did not take.
    bar.inc(budget.steps - outcome.steps);
    history.complete(&outcome.theta);
    let best = history.best().cloned();
    let history = history.into_table();
    let predictions = match (&problem.subject, &instance.data) {
        (Subject::Network(network), Some(data)) if seed == problem.study.run.seeds[0] => {
            let mut outputs = network.network.predict(&outcome.theta, data.validation.inputs()).map_err(misuse)?;
            data.scaling.iter().for_each(|scaling| scaling.invert_targets(&mut outputs));
            Some(outputs)
        }
        _ => None,
    };
    let basins = match (&problem.subject, &problem.study.basins) {
        (Subject::Function(function), Some(spec)) if seed == problem.study.run.seeds[0] => {
            basins::basins(function, arm, seed, spec)?
        }
        _ => Vec::new(),
    };
    let loss_limit = budget.loss_limit;
    let end = &outcome.theta;
    let spectrum =
        tracker.map(|tracker| SpectrumRun::new(problem, (arm, seed), end, tracker, central_flow)).transpose()?;
    let layers = layers.map(|watch| watch.rows).unwrap_or_default();
    let arm = arm.name.clone();
    Ok(ArmRun { arm, arm_index, seed, outcome, loss_limit, history, best, predictions, spectrum, basins, layers })
}

/// Asks for the end of a run that has spent its seconds in steps.
struct Deadline {
    seconds: Option<f64>,
    spent: Duration,
    started: Option<Instant>,
}

impl Deadline {
    fn new(seconds: Option<f64>) -> Self {
        Self { seconds, spent: Duration::ZERO, started: None }
    }
}

impl Observer for Deadline {
    fn step_started(&mut self) {
        self.started = Some(Instant::now());
    }

    fn step_finished(&mut self) {
        self.spent += self.started.take().map_or(Duration::ZERO, |started| started.elapsed());
    }

    fn accepted(&mut self, _record: &StepRecord<'_>) {}

    fn stop_requested(&mut self) -> Option<&'static str> {
        self.seconds.filter(|seconds| self.spent.as_secs_f64() >= *seconds).map(|_| "wall-time")
    }
}

struct Ticks<'a>(&'a ProgressBar);

impl Observer for Ticks<'_> {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if record.step > 0 {
            self.0.inc(1);
        }
    }
}
