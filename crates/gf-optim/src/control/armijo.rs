//! Backtracking to a sufficient decrease.

use serde::{Deserialize, Serialize};

use super::{Judgement, Needs, StepController, StepStart, Trial};
use crate::settings::{fraction, positive};
use crate::{SettingsError, StepFailure};

/// Backtracking line search: from α = `first`, shrink by `factor` until L(θ + αd) ≤ L(θ) + c·α·∇Lᵀd.
///
/// With an *ascending* direction (∇Lᵀd > 0) this textbook test may accept an increase, of up to c·α·∇Lᵀd, or backtracks in vain;
/// methods detect that and name it.
/// **Cost**: one value a trial. **Reference**: L. Armijo, *Pacific J. Math.* 16 (1966).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Armijo {
    /// The first α of each step, without unit: the step is α times the method's.
    pub first: f64,
    /// c in (0, 1) of the sufficient decrease, without unit.
    pub c: f64,
    /// Backtracking factor in (0, 1), without unit.
    pub factor: f64,
    /// The smallest α tried, without unit.
    pub minimum: f64,
    /// What happens when no α down to `minimum` decreases the loss enough.
    pub exhausted: Exhausted,
}

/// What a line search does that found no sufficient decrease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Exhausted {
    /// Take the smallest step tried, and name it in the record.
    Accept,
    /// End the run.
    Abort,
}

impl Default for Armijo {
    /// The original project's: α from 1 by factors of 0.2 down to 1e-8, c = 1e-4, the last step taken.
    fn default() -> Self {
        Self { first: 1.0, c: 1e-4, factor: 0.2, minimum: 1e-8, exhausted: Exhausted::Accept }
    }
}

impl Armijo {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        positive("armijo.first", self.first)?;
        fraction("armijo.c", self.c)?;
        fraction("armijo.factor", self.factor)?;
        positive("armijo.minimum", self.minimum)
    }
}

impl StepController for Armijo {
    fn needs(&self) -> Needs {
        Needs::Loss
    }

    fn follows_flow(&self) -> bool {
        false
    }

    fn first(&mut self, _start: StepStart) -> f64 {
        self.first
    }

    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        // Written so that a NaN is not a decrease.
        if trial.trial_loss.is_some_and(|loss| loss <= trial.loss + self.c * trial.slope) {
            return Judgement::Accept;
        }
        let next = trial.h * self.factor;
        if next >= self.minimum {
            return Judgement::Retry(next);
        }
        match self.exhausted {
            Exhausted::Accept if trial.trial_loss.is_some_and(f64::is_finite) => Judgement::AcceptExhausted,
            _ => Judgement::Abort(StepFailure::NoDecrease { smallest: trial.h }),
        }
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        match failure.may_pass_with_a_shorter_step() && h * self.factor >= self.minimum {
            true => Judgement::Retry(h * self.factor),
            false => Judgement::Abort(failure),
        }
    }
}
