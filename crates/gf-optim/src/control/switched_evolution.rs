//! Pseudo-transient continuation.

use serde::{Deserialize, Serialize};

use super::{Judgement, Needs, StepController, StepStart, Trial};
use crate::settings::positive;
use crate::{SettingsError, StepFailure};

/// Switched evolution relaxation: h grows as the gradient falls, so that an implicit step follows the flow far away and is Newton's near a minimum.
///
/// **Recurrence**: $h_{k+1} = h_k ‖∇L(θ_k)‖/‖∇L(θ_{k+1})‖$, at most `maximum`; halved where the method cannot propose, as past the pole.
/// **Properties**: with linearly implicit Euler superlinear convergence near a nondegenerate minimum.
/// **Reference**: C. T. Kelley, D. E. Keyes, *SIAM J. Numer. Anal.* 35 (1998).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SwitchedEvolution {
    /// The first step, in flow time [default: the method's h].
    pub first: Option<f64>,
    /// The largest step, in flow time.
    pub maximum: f64,
    #[serde(skip)]
    memory: Memory,
}

/// The last step and the gradient norm at its start; zeros before the first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Memory {
    h: f64,
    gradient_norm: f64,
}

impl Default for SwitchedEvolution {
    /// The method's h first, up to 1e12.
    fn default() -> Self {
        Self { first: None, maximum: 1e12, memory: Memory::default() }
    }
}

impl SwitchedEvolution {
    /// From this step size on.
    pub fn from(first: f64) -> Self {
        Self { first: Some(first), ..Self::default() }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        positive("switched-evolution.first", self.first.unwrap_or(1.0))?;
        positive("switched-evolution.maximum", self.maximum)
    }
}

impl StepController for SwitchedEvolution {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn follows_flow(&self) -> bool {
        true
    }

    fn first(&mut self, start: StepStart) -> f64 {
        let Memory { h, gradient_norm } = self.memory;
        let h = match h == 0.0 {
            true => self.first.unwrap_or(1.0),
            false => h * gradient_norm / start.gradient_norm.max(f64::MIN_POSITIVE),
        };
        self.memory = Memory { h: h.min(self.maximum), gradient_norm: start.gradient_norm };
        self.memory.h
    }

    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        self.memory.h = trial.h;
        Judgement::Accept
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        let smallest = 1e-14;
        match failure.may_pass_with_a_shorter_step() {
            true if 0.5 * h < smallest => {
                Judgement::Abort(StepFailure::StepTooSmall { smallest, last: Box::new(failure) })
            }
            true => Judgement::Retry(0.5 * h),
            false => Judgement::Abort(failure),
        }
    }

    fn state(&mut self) -> Vec<&mut f64> {
        vec![&mut self.memory.h, &mut self.memory.gradient_norm]
    }
}
