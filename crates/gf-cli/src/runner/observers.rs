//! Observers that pause, end and show a run.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gf_core::{Communicator, Observer, StepRecord};

use crate::interrupt;
use crate::progress::{ArmLine, Seen};
use crate::ranks::Ranks;
use crate::study::CheckpointSpec;

/// Asks for a pause when it is time for a checkpoint, or the end of the process was asked for.
pub(super) struct Pause {
    ranks: Ranks,
    every: Option<u64>,
    seconds: f64,
    since: Instant,
    is_due: bool,
}

/// The reason that a [`Pause`] gives.
pub(super) const PAUSE: &str = "checkpoint";

impl Pause {
    pub(super) fn new(spec: &CheckpointSpec, ranks: &Ranks) -> Self {
        Self { ranks: ranks.clone(), every: spec.every, seconds: spec.seconds, since: Instant::now(), is_due: false }
    }

    pub(super) fn restart(&mut self) {
        self.since = Instant::now();
    }
}

impl Observer for Pause {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        let is_due = self.every.is_some_and(|every| record.step.is_multiple_of(every))
            || self.since.elapsed().as_secs_f64() >= self.seconds
            || interrupt::is_requested();
        self.is_due = record.step > 0 && self.ranks.decision_of_rank_0(is_due);
    }

    fn stop_requested(&mut self) -> Option<&'static str> {
        self.is_due.then_some(PAUSE)
    }
}

/// Asks for the end of a run that has spent its seconds in steps.
pub(super) struct Deadline {
    ranks: Ranks,
    seconds: Option<f64>,
    spent: Duration,
    started: Option<Instant>,
}

impl Deadline {
    pub(super) fn new(seconds: Option<f64>, ranks: &Ranks) -> Self {
        Self { ranks: ranks.clone(), seconds, spent: Duration::ZERO, started: None }
    }

    /// So many seconds were spent before.
    pub(super) fn spent(&mut self, seconds: f64) {
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
        let seconds = self.seconds?;
        self.ranks.decision_of_rank_0(self.spent.as_secs_f64() >= seconds).then_some("wall-time")
    }
}

/// Shows where a run is.
pub(super) struct Ticks<'a> {
    pub(super) line: ArmLine<'a>,
    /// Left by the evaluations.
    pub(super) seen: Rc<Cell<Seen>>,
    /// Name of the metric.
    pub(super) metric: String,
}

impl Observer for Ticks<'_> {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.line.step(record, self.seen.get(), &self.metric);
    }
}
