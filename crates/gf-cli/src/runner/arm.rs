//! One arm on one seed, from its start or its checkpoint to its end.

use std::cell::Cell;
use std::rc::Rc;

use gf_core::Observer;
use gf_optim::registry::{AnyMethod, AnyObjective};
use gf_optim::{Start, Stop, integrate};
use gf_utils::history::{Evaluation, History, HistorySettings};
use miette::Report;

use super::basins;
use super::checkpoint::{self, Checkpoint, CheckpointStore};
use super::conservation::Drift;
use super::instance::Instance;
use super::observers::{Deadline, PAUSE, Pause, Ticks};
use super::path::ArmPath;
use super::result::{ArmOutcome, ArmRun};
use super::watches::{Seen, Watches};
use crate::interrupt;
use crate::progress::{self, Live};
use crate::study::{Problem, Subject, misuse};

/// What surrounds the run of an arm.
pub(super) struct Session<'a> {
    pub(super) store: &'a CheckpointStore,
    pub(super) label: &'a checkpoint::Task<'a>,
    pub(super) live: &'a Live,
    pub(super) warn: &'a dyn Fn(String),
}

/// Runs an arm on a seed, from its newest checkpoint where there is one, with its path where the study shows it; none when the end was asked for, and the arm has saved where it stands.
///
/// # Errors
/// Misuse only.
pub(super) fn run_arm(
    problem: &Problem,
    arm_index: usize,
    seed: u64,
    session: &Session<'_>,
) -> Result<Option<(ArmRun, Option<ArmPath>)>, Report> {
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
    let seen = Rc::new(Cell::new(progress::Seen { val_loss: f64::NAN, metric: None }));
    let metric =
        matches!(problem.subject, Subject::Network(_)).then(|| problem.metric_names().into_iter().next()).flatten();
    let shows_metric = metric.is_some();
    let line = live.arm(super::line_name(&arm.name, seed), from, budget.steps, batches_per_epoch);
    let mut ticks = Ticks { line, seen: Rc::clone(&seen), metric: metric.unwrap_or_default() };
    let mut deadline = Deadline::new(problem.study.run.wall_time, &problem.ranks);
    let mut pause = Pause::new(store.spec(), &problem.ranks);
    let distance = Rc::new(Cell::new(f64::NAN));
    let mut watches = Watches::new(problem, (arm, seed), &start, &instance, &distance)?;
    let measures_distance = watches.measure_distance();
    let mut drift = Drift::new(problem, &start)?;
    let drift_column = problem.names_evaluated().len();
    let evaluator = &mut instance.evaluator;
    let evaluate = |theta: &[f64], out: &mut Evaluation| {
        evaluator.evaluate(theta, out);
        seen.set(progress::Seen {
            val_loss: out.val_loss,
            metric: out.metrics.first().copied().filter(|_| shows_metric),
        });
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
    let mut start = Start::from(start);
    if let Some(saved) = checkpoint {
        deadline.spent(saved.history.rows().last().map_or(0.0, |row| row.wall_seconds));
        history = history.resume(saved.history, saved.best).map_err(misuse)?;
        watches = watches.resume(problem, (saved.watched, saved.path), &saved.start.theta)?;
        start = saved.start;
        live.total().inc(start.step);
    }
    let mut could_save = true;
    let outcome = loop {
        let mut observers = watches.observers();
        // The pause comes last: a run that ends by itself is not paused.
        observers.extend([&mut history as &mut dyn Observer, &mut ticks, &mut deadline, &mut pause]);
        let outcome = integrate(&mut *instance.objective, &mut *method, &mut *control, &mut observers, start, &budget)
            .map_err(misuse)?;
        drop(observers);
        if outcome.stop != Stop::Requested(PAUSE) {
            break outcome;
        }
        start = Start::resume::<AnyObjective, AnyMethod>(&outcome, &mut *method, &mut *control);
        let (history, best) = (history.table().clone(), history.best().cloned());
        let (watched, path) = (watches.state(), watches.path());
        let saved = store.save(label, &Checkpoint { start: start.clone(), history, best, watched, path });
        // The run goes on without it; an earlier one is still there. Said once, not at every attempt.
        let is_news = could_save || interrupt::is_requested();
        could_save = saved.is_ok();
        if let (Err(error), true) = (saved, is_news) {
            warn(format!(
                "{error}; `gf resume` goes on from an earlier one, or from the start, until one can be written"
            ));
        }
        if problem.ranks.are_interrupted() {
            return Ok(None);
        }
        pause.restart();
    };
    // Steps that a failed arm did not take.
    live.total().inc(budget.steps - outcome.steps);
    let mut outcome = ArmOutcome::from(outcome);
    history.complete(&outcome.theta);
    let best = history.best().cloned();
    let last = outcome.theta.clone();
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
            let (own, part) = (data.validation.own(), data.validation.part());
            let outputs = network.network.predict(&outcome.theta, own.inputs()).map_err(misuse)?;
            let mut outputs = problem.ranks.all_rows(part, network.network.outputs(), &outputs);
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
    let Seen { spectrum, layers, epochs, epoch_layers, path } =
        watches.finish(problem, (arm, seed), (&outcome.theta, &last), &history)?;
    let arm = arm.name.clone();
    let run = ArmRun {
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
    };
    Ok(Some((run, path)))
}
