//! The trust radius in units of the last step.

use crate::StepFailure;
use crate::control::{Judgement, Needs, StepController, StepStart, Trial};

/// Moré's rule for [`super::LevenbergMarquardt`], whose h is the trust radius in units of the last accepted step's scaled length.
///
/// **Recurrence**: with the gain ratio ρ = actual/predicted decrease, accept where ρ ≥ 1e-4. The next h, or the next trial's, is: where ρ ≤ ¼, τh with
/// τ = ½ if L fell, else τ = ½s/(s + L(θ) − L(θ+δ)) with the slope s = ∇Lᵀδ (the minimum of the parabola through value, slope and value), at least 1/10;
/// where ρ ≥ ¾, 2; else 1.
/// **Cost**: one value a trial.
/// **Reference**: J. J. Moré, *The Levenberg–Marquardt algorithm: implementation and theory*, Lecture Notes in Mathematics 630 (1978); MINPACK's lmder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RadiusFactor {
    next: f64,
}

/// Below this factor the radius means nothing; the method has ended the run long before.
const SMALLEST: f64 = 1e-100;
/// The least gain ratio of an accepted step.
const ACCEPT: f64 = 1e-4;

impl Default for RadiusFactor {
    /// The whole first radius.
    fn default() -> Self {
        Self { next: 1.0 }
    }
}

fn retry(h: f64, failure: StepFailure) -> Judgement {
    if h < SMALLEST { Judgement::Abort(failure) } else { Judgement::Retry(h) }
}

impl StepController for RadiusFactor {
    fn needs(&self) -> Needs {
        Needs::Loss
    }

    fn follows_flow(&self) -> bool {
        false
    }

    fn first(&mut self, _start: StepStart) -> f64 {
        self.next
    }

    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        let Some(gain) = trial.gain_ratio() else { return Judgement::Accept };
        let fell = trial.loss - trial.trial_loss.unwrap_or(f64::NAN);
        let shrink = match fell >= 0.0 {
            true => 0.5,
            // max takes 1/10 for NaN too.
            false => (0.5 * trial.slope / (trial.slope + fell)).max(0.1),
        };
        if gain.is_nan() || gain < ACCEPT {
            return retry(shrink * trial.h, StepFailure::NoDecrease { smallest: trial.h });
        }
        self.next = if gain <= 0.25 {
            shrink
        } else if gain >= 0.75 {
            2.0
        } else {
            1.0
        };
        Judgement::Accept
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        match failure.may_pass_with_a_shorter_step() {
            true => retry(0.1 * h, failure),
            false => Judgement::Abort(failure),
        }
    }

    fn state(&mut self) -> Vec<&mut f64> {
        vec![&mut self.next]
    }
}
