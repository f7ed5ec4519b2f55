//! Step sizes from a function.

use super::{Judgement, Needs, StepController, StepStart, Trial};
use crate::StepFailure;

/// Step sizes that the caller computes from what is known when a step begins, such as its number.
///
/// ```
/// use gf_core::problems::Quadratic;
/// use gf_optim::{Budget, control::StepFunction, integrate, methods::ExplicitEuler};
/// let mut decaying = StepFunction::new(|start| 0.5 / start.step as f64);
/// let outcome = integrate(&mut Quadratic::diagonal(&[1.0]), &mut ExplicitEuler, &mut decaying, &mut [], vec![1.0], &Budget::steps(2))?;
/// assert_eq!(outcome.theta, [0.5 * 0.75]);
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StepFunction<F> {
    h: F,
}

impl<F: FnMut(StepStart) -> f64> StepFunction<F> {
    /// Steps of size `h(start)`, in flow time for integrators of the flow.
    pub fn new(h: F) -> Self {
        Self { h }
    }
}

impl<F: FnMut(StepStart) -> f64> StepController for StepFunction<F> {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn follows_flow(&self) -> bool {
        true
    }

    fn first(&mut self, start: StepStart) -> f64 {
        (self.h)(start)
    }

    fn judge(&mut self, _trial: Trial<'_>) -> Judgement {
        Judgement::Accept
    }

    fn failed(&mut self, failure: StepFailure, _h: f64) -> Judgement {
        Judgement::Abort(failure)
    }
}
