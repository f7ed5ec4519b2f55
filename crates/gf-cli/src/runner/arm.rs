//! One arm on one seed: the objective, the method, the observers, and what they leave.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gf_core::{Observer, StepRecord, Work};
use gf_optim::registry::{AnyMethod, AnyObjective};
use gf_optim::{Outcome, Start, Stop, integrate};
use gf_spectrum::SpectrumTracker;
use gf_utils::history::{Best, Evaluation, History, HistorySettings, Table};
use miette::Report;
use serde::{Deserialize, Serialize};

use super::basins::{self, BasinStart};
use super::central_flow::CentralFlowWatch;
use super::checkpoint::{self, Checkpoint, CheckpointStore};
use super::conservation::Drift;
use super::epochs::{EpochLayerRow, EpochRow, EpochWatch, epoch_layer_rows, epoch_rows};
use super::instance::{FlowDistance, Instance};
use super::layers::{LayerRow, LayerWatch};
use super::spectrum::{self, SpectrumRun};
use crate::interrupt;
use crate::progress::{ArmLine, Live, Seen};
use crate::study::{CheckpointSpec, Problem, Subject, misuse};

/// How a run of an arm ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmOutcome {
    /// Why.
    pub stop: Ending,
    /// θ after the last accepted step.
    pub theta: Vec<f64>,
    /// Accepted steps.
    pub steps: u64,
    /// Flow time, for methods that follow the flow's clock.
    pub time: Option<f64>,
    /// All work.
    pub work: Work,
    /// Model flops over those of one value and gradient.
    pub gradient_equivalents: f64,
    /// Rejected proposals.
    pub rejected: u64,
}

/// A [`Stop`] in words, which can be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    name: String,
    text: String,
    is_failure: bool,
}

impl Ending {
    /// As [`Stop::name`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As [`Stop::is_failure`].
    pub fn is_failure(&self) -> bool {
        self.is_failure
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Outcome> for ArmOutcome {
    fn from(outcome: Outcome) -> Self {
        let Outcome { stop, theta, steps, time, work, gradient_equivalents, rejected, .. } = outcome;
        let stop = Ending { name: stop.name().to_owned(), text: stop.to_string(), is_failure: stop.is_failure() };
        Self { stop, theta, steps, time, work, gradient_equivalents, rejected }
    }
}

/// One arm on one seed.
#[derive(Serialize, Deserialize)]
pub struct ArmRun {
    /// The arm's name.
    pub arm: String,
    /// Its place in the study.
    pub arm_index: usize,
    /// The seed.
    pub seed: u64,
    /// How it ended, with the final parameters: the best ones where they were restored.
    pub outcome: ArmOutcome,
    /// The step whose parameters were restored at the end, where early stopping does so.
    pub restored: Option<u64>,
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
    /// What each epoch came to, where the study watches them.
    pub epochs: Vec<EpochRow>,
    /// The same layer by layer.
    pub epoch_layers: Vec<EpochLayerRow>,
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

/// What surrounds the run of an arm.
pub(super) struct Session<'a> {
    pub(super) store: &'a CheckpointStore,
    pub(super) label: &'a checkpoint::Task<'a>,
    pub(super) live: &'a Live,
    pub(super) warn: &'a dyn Fn(String),
}

/// Runs an arm on a seed, from its newest checkpoint where there is one; none when the end was asked for, and the arm has saved where it stands.
///
/// # Errors
/// Misuse only.
pub(super) fn run_arm(
    problem: &Problem,
    arm_index: usize,
    seed: u64,
    session: &Session<'_>,
) -> Result<Option<ArmRun>, Report> {
    let Session { store, label, live, warn } = session;
    let arm = &problem.study.arms[arm_index];
    let own = problem.of_arm(arm);
    let problem = &*own;
    let mut instance = Instance::new(problem, arm, seed)?;
    let batches_per_epoch = instance.batches_per_epoch;
    let budget = problem.study.run.budget(arm, batches_per_epoch);
    let start = problem.start(seed, Some(arm));
    let checkpoint = store.newest(label, warn);
    let from = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.start.step);
    let settings = HistorySettings {
        // Room, not a limit: a run may end long before its last step.
        expected_steps: budget.steps.min(100_000) as usize,
        batches_per_epoch,
        evaluate_every: problem.study.run.evaluate_every.steps(batches_per_epoch),
        metric_names: problem.metric_names(),
    };
    let mut method = arm.method.build().map_err(misuse)?;
    let train = instance.data.as_ref().map(|data| data.train.len());
    let mut control = arm.build_control(problem.span(arm, train)).map_err(misuse)?;
    let seen = Rc::new(Cell::new(Seen { val_loss: f64::NAN, metric: None }));
    let metric =
        matches!(problem.subject, Subject::Network(_)).then(|| problem.metric_names().into_iter().next()).flatten();
    let shows_metric = metric.is_some();
    let line = live.arm(super::line_name(&arm.name, seed), from, budget.steps, batches_per_epoch);
    let mut ticks = Ticks { line, seen: Rc::clone(&seen), metric: metric.unwrap_or_default() };
    let mut deadline = Deadline::new(problem.study.run.wall_time);
    let mut pause = Pause::new(store.spec());
    let distance = Rc::new(Cell::new(f64::NAN));
    let mut flow = FlowDistance::new(problem, seed, &start, batches_per_epoch, Rc::clone(&distance))?;
    let measures_distance = flow.is_some();
    let mut drift = Drift::new(problem, &start)?;
    let drift_column = problem.names_evaluated().len();
    let mut layers = LayerWatch::new(problem, &arm.name, seed, (instance.data.as_ref(), batches_per_epoch))?;
    let evaluator = &mut instance.evaluator;
    let evaluate = |theta: &[f64], out: &mut Evaluation| {
        evaluator.evaluate(theta, out);
        seen.set(Seen { val_loss: out.val_loss, metric: out.metrics.first().copied().filter(|_| shows_metric) });
        if let Some(drift) = &mut drift {
            out.metrics[drift_column] = drift.at(theta);
        }
        if let (true, Some(last)) = (measures_distance, out.metrics.last_mut()) {
            *last = distance.get();
        }
    };
    let mut history = History::new(settings, evaluate).map_err(misuse)?;
    let early_stopping = problem.study.run.early_stopping;
    if let Some(early_stopping) = &early_stopping {
        history = history.with_early_stopping(early_stopping.patience());
    }
    let mut tracker = spectrum::tracker(problem, arm, seed)?;
    let mut epochs = EpochWatch::new(problem, arm, seed, &start)?;
    let mut central_flow = CentralFlowWatch::new(problem, arm, seed, &start)?;
    let mut start = Start::from(start);
    if let Some(saved) = checkpoint {
        deadline.spent(saved.history.rows().last().map_or(0.0, |row| row.wall_seconds));
        history = history.resume(saved.history, saved.best).map_err(misuse)?;
        if let (Some(flow), Some(state), Some(tolerance)) = (&mut flow, saved.flow, problem.study.run.flow_tolerance) {
            flow.resume(state, tolerance)?;
        }
        tracker = match (tracker, saved.spectrum) {
            (Some(tracker), Some(state)) => Some(tracker.resume(state).map_err(misuse)?),
            (tracker, _) => tracker,
        };
        central_flow = match (central_flow, saved.central_flow) {
            (Some(watch), Some(state)) => Some(watch.resume(state)?),
            (watch, _) => watch,
        };
        if let Some(layers) = &mut layers {
            layers.rows = saved.layers;
        }
        if let Some(epochs) = &mut epochs {
            epochs.resume(saved.epochs, &saved.start.theta);
        }
        start = saved.start;
        live.total().inc(start.step);
    }
    let mut could_save = true;
    let outcome = loop {
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
        if let Some(epochs) = &mut epochs {
            observers.push(epochs);
        }
        // The pause comes last: a run that ends by itself is not paused.
        observers.extend([&mut history as &mut dyn Observer, &mut ticks, &mut deadline, &mut pause]);
        let outcome = integrate(&mut *instance.objective, &mut *method, &mut *control, &mut observers, start, &budget)
            .map_err(misuse)?;
        drop(observers);
        if outcome.stop != Stop::Requested(PAUSE) {
            break outcome;
        }
        start = Start::resume::<AnyObjective, AnyMethod>(&outcome, &mut *method, &mut *control);
        let saved = store.save(
            label,
            &Checkpoint {
                start: start.clone(),
                history: history.table().clone(),
                best: history.best().cloned(),
                layers: layers.as_ref().map_or_else(Vec::new, |layers| layers.rows.clone()),
                epochs: epochs.as_ref().map_or_else(Vec::new, |epochs| epochs.sums.clone()),
                flow: flow.as_ref().map(FlowDistance::state),
                spectrum: tracker.as_ref().map(SpectrumTracker::state),
                central_flow: central_flow.as_ref().map(CentralFlowWatch::state),
            },
        );
        // The run goes on without it; an earlier one is still there. Said once, not at every attempt.
        let is_news = could_save || interrupt::is_requested();
        could_save = saved.is_ok();
        if let (Err(error), true) = (saved, is_news) {
            warn(format!(
                "{error}; `gf resume` goes on from an earlier one, or from the start, until one can be written"
            ));
        }
        if interrupt::is_requested() {
            return Ok(None);
        }
        pause.restart();
    };
    // Steps that a failed arm did not take.
    live.total().inc(budget.steps - outcome.steps);
    let mut outcome = ArmOutcome::from(outcome);
    history.complete(&outcome.theta);
    let best = history.best().cloned();
    let restores = early_stopping.is_some_and(|early_stopping| early_stopping.restore_best);
    let restored = match &best {
        Some(best) if restores && best.step != outcome.steps && !outcome.stop.is_failure() => {
            outcome.theta.copy_from_slice(&best.theta);
            Some(best.step)
        }
        _ => None,
    };
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
    let (epochs, epoch_layers) = match epochs {
        Some(EpochWatch { sums, .. }) => {
            (epoch_rows((&arm, seed), &history, &sums, batches_per_epoch), epoch_layer_rows(&arm, seed, &sums))
        }
        None => Default::default(),
    };
    Ok(Some(ArmRun {
        arm,
        arm_index,
        seed,
        outcome,
        restored,
        loss_limit,
        history,
        best,
        predictions,
        spectrum,
        basins,
        layers,
        epochs,
        epoch_layers,
    }))
}

/// Asks for a pause when it is time for a checkpoint, or the end of the process was asked for.
struct Pause {
    every: Option<u64>,
    seconds: f64,
    since: Instant,
    is_due: bool,
}

/// The reason that a [`Pause`] gives.
const PAUSE: &str = "checkpoint";

impl Pause {
    fn new(spec: &CheckpointSpec) -> Self {
        Self { every: spec.every, seconds: spec.seconds, since: Instant::now(), is_due: false }
    }

    fn restart(&mut self) {
        self.since = Instant::now();
    }
}

impl Observer for Pause {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.is_due = record.step > 0
            && (self.every.is_some_and(|every| record.step.is_multiple_of(every))
                || self.since.elapsed().as_secs_f64() >= self.seconds
                || interrupt::is_requested());
    }

    fn stop_requested(&mut self) -> Option<&'static str> {
        self.is_due.then_some(PAUSE)
    }
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

    /// So many seconds were spent before.
    fn spent(&mut self, seconds: f64) {
        self.spent = Duration::try_from_secs_f64(seconds).unwrap_or_default();
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

/// Shows where a run is.
struct Ticks<'a> {
    line: ArmLine<'a>,
    /// Left by the evaluations.
    seen: Rc<Cell<Seen>>,
    /// Name of the metric.
    metric: String,
}

impl Observer for Ticks<'_> {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.line.step(record, self.seen.get(), &self.metric);
    }
}
