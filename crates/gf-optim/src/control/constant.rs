//! A constant step size.

use super::{Judgement, Needs, StepController, StepStart, Trial};
use crate::StepFailure;

/// Every step has size `h`. Where the method cannot propose it, the step is shrunk, or the run ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constant {
    /// The step size, in flow time for integrators of the flow.
    pub h: f64,
    /// Factor in (0, 1) by which a step that could not be proposed is shrunk; none ends the run.
    pub shrink: Option<f64>,
    /// The run ends when a step shrinks below this.
    pub minimum: f64,
}

impl Constant {
    /// Never shrinks.
    pub fn new(h: f64) -> Self {
        Self { h, shrink: None, minimum: 0.0 }
    }

    /// Halves a step that cannot be proposed, down to 1e-12·h. The next step starts from `h` again.
    pub fn shrinking(h: f64) -> Self {
        Self { h, shrink: Some(0.5), minimum: 1e-12 * h }
    }
}

impl StepController for Constant {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn follows_flow(&self) -> bool {
        true
    }

    fn first(&mut self, _start: StepStart) -> f64 {
        self.h
    }

    fn judge(&mut self, _trial: Trial<'_>) -> Judgement {
        Judgement::Accept
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        let Some(factor) = self.shrink.filter(|_| failure.may_pass_with_a_shorter_step()) else {
            return Judgement::Abort(failure);
        };
        let next = h * factor;
        if next < self.minimum {
            Judgement::Abort(StepFailure::StepTooSmall { smallest: self.minimum, last: Box::new(failure) })
        } else {
            Judgement::Retry(next)
        }
    }
}
