//! Step sizes by a schedule.

use super::{Judgement, Needs, StepController, StepStart, Trial};
use crate::StepFailure;
use crate::schedule::{PlateauWatch, Schedule, Span};

/// A controller whose first size of every step is multiplied by a [`Schedule`]'s factor.
///
/// **Requirements**: a controller that proposes the same size in every step, as [`super::Constant`] does; others find their sizes from those before,
/// and would undo the factor or compound it.
#[derive(Debug, Clone)]
pub struct Scheduled<C> {
    control: C,
    schedule: Schedule,
    span: Span,
    plateau: Option<PlateauWatch>,
    /// The last step begun, as a number among those of [`StepController::state`].
    step: f64,
}

impl<C: StepController> Scheduled<C> {
    /// `control` under a valid schedule, for a run over `span`.
    pub fn new(control: C, schedule: Schedule, span: Span) -> Self {
        Self { control, schedule, span, plateau: schedule.plateau.map(|plateau| plateau.watch()), step: 0.0 }
    }
}

impl<C: StepController> StepController for Scheduled<C> {
    fn needs(&self) -> Needs {
        self.control.needs()
    }

    fn follows_flow(&self) -> bool {
        self.control.follows_flow()
    }

    fn first(&mut self, start: StepStart) -> f64 {
        self.step = start.step as f64;
        let plateau = self.plateau.map_or(1.0, |plateau| plateau.factor());
        self.control.first(start) * self.schedule.factor(&self.span, start.step) * plateau
    }

    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        self.control.judge(trial)
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        self.control.failed(failure, h)
    }

    fn validated(&mut self, loss: f64) {
        self.control.validated(loss);
        let Some(plateau) = &mut self.plateau else { return };
        let epoch = self.step / self.span.batches_per_epoch as f64 - self.schedule.warmup_epochs();
        if epoch >= 0.0 {
            plateau.evaluated(epoch, loss);
        }
    }

    fn state(&mut self) -> Vec<&mut f64> {
        let mut state = self.control.state();
        if let Some(plateau) = &mut self.plateau {
            state.extend(plateau.state());
            state.push(&mut self.step);
        }
        state
    }
}
