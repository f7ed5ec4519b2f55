//! Runs the arms of a study on every seed.

mod basins;
mod central_flow;
mod conservation;
mod depth;
mod evaluation;
mod first_steps;
mod instance;
mod layers;
mod spectrum;

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gf_core::{Observer, StepRecord};
use gf_optim::{Outcome, Stop, integrate};
use gf_utils::history::{Best, Evaluation, History, HistorySettings, Table};
use indicatif::ProgressBar;
use miette::Report;

pub use basins::BasinStart;
pub use central_flow::CentralFlowRow;
use central_flow::CentralFlowWatch;
use conservation::Drift;
pub use depth::{DepthLayerRow, DepthResult, DepthRow};
pub use evaluation::{Evaluator, NetworkEvaluator};
use first_steps::first_step;
pub use first_steps::{FirstStep, PolicyOutcome};
use instance::{FlowDistance, Instance};
pub use layers::LayerRow;
use layers::LayerWatch;
pub use spectrum::SpectrumRun;

use crate::parallel::for_each_task;
use crate::progress::Progress;
use crate::study::{Problem, Subject, memory_shortage, misuse};

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
    let dim = problem.dim();
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

/// Measures the networks of `[depth]`, `threads` at a time, in the order of the study; nothing where it does not ask for them.
///
/// # Errors
/// Misuse only; a network that is not finite is a result.
pub fn run_depth(problem: &Problem, threads: usize, progress: Progress) -> Result<Vec<DepthResult>, Report> {
    let Some(spec) = &problem.study.depth else { return Ok(Vec::new()) };
    let seeds = &problem.study.run.seeds;
    let tasks: Vec<_> = spec.cases().into_iter().flat_map(|case| seeds.iter().map(move |seed| (case, *seed))).collect();
    let bar = progress.bar(tasks.len() as u64, "networks");
    let results = for_each_task(&tasks, threads, |(case, seed)| {
        let result = depth::measure(problem, spec, case, *seed);
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
    match memory_shortage(dim, at_once) {
        Some(message) => {
            Err(problem.document.error_at(&["arm"], format!("{threads} at a time: {message}, or fewer --threads")))
        }
        None => Ok(()),
    }
}

fn run_arm(problem: &Problem, arm_index: usize, seed: u64, bar: &ProgressBar) -> Result<ArmRun, Report> {
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
            Some(network.network.predict(&outcome.theta, data.validation.inputs()).map_err(misuse)?)
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

/// The name of a stop for tables: `steps`, `diverged`, ….
pub fn stop_name(run: &ArmRun) -> &'static str {
    match (&run.outcome.stop, run.failure()) {
        (stop, None) => stop.name(),
        (stop, Some(_)) if stop.is_failure() => stop.name(),
        _ => Stop::Diverged { what: "" }.name(),
    }
}
