//! The radius of a trust region.

use gf_core::vector;
use serde::{Deserialize, Serialize};

use super::{Judgement, Needs, StepController, StepStart, Trial};
use crate::settings::positive;
use crate::{SettingsError, StepFailure};

/// Trust radius: for methods whose h is a bound of ‖δ‖ and that say what decrease their model predicts.
///
/// **Recurrence**: with the gain ratio ρ = actual/predicted decrease, accept where ρ > `accept`; the radius becomes ‖δ‖/4 where ρ < ¼, twice itself
/// where ρ > ¾ and the step ended on the boundary, at most `maximum`.
/// **Cost**: one value a trial. **Reference**: J. Nocedal, S. Wright, *Numerical Optimization*, algorithm 4.1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TrustRadius {
    /// The first radius, in units of θ [default: the method's].
    pub first: Option<f64>,
    /// The largest radius, in units of θ.
    pub maximum: f64,
    /// The smallest radius, in units of θ: below it the run ends.
    pub minimum: f64,
    /// The least gain ratio of an accepted step, in (0, ¼), without unit: a rejected step must shrink the radius.
    pub accept: f64,
    /// The current radius; 0 before the first step.
    #[serde(skip)]
    radius: f64,
}

/// The radius shrinks where the gain ratio is below this.
const SHRINK_BELOW: f64 = 0.25;

impl Default for TrustRadius {
    /// The method's radius first, from 1e-15 to 1e10, accepting from a gain ratio of 1e-4 on.
    fn default() -> Self {
        Self { first: None, maximum: 1e10, minimum: 1e-15, accept: 1e-4, radius: 0.0 }
    }
}

impl TrustRadius {
    /// From this radius on.
    pub fn from(first: f64) -> Self {
        Self { first: Some(first), ..Self::default() }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        positive("trust-radius.first", self.first.unwrap_or(1.0))?;
        positive("trust-radius.maximum", self.maximum)?;
        positive("trust-radius.minimum", self.minimum)?;
        match self.accept > 0.0 && self.accept < SHRINK_BELOW {
            true => Ok(()),
            false => Err(SettingsError::new("trust-radius.accept", "a number strictly between 0 and 1/4", self.accept)),
        }
    }

    fn shrink(&mut self, radius: f64, failure: StepFailure) -> Judgement {
        self.radius = radius;
        if radius < self.minimum { Judgement::Abort(failure) } else { Judgement::Retry(radius) }
    }
}

impl StepController for TrustRadius {
    fn needs(&self) -> Needs {
        Needs::Loss
    }

    fn follows_flow(&self) -> bool {
        false
    }

    fn first(&mut self, _start: StepStart) -> f64 {
        if self.radius == 0.0 {
            self.radius = self.first.unwrap_or(1.0);
        }
        self.radius
    }

    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        let Some(gain) = trial.gain_ratio() else { return Judgement::Accept };
        let length = vector::norm(trial.delta);
        if gain < SHRINK_BELOW || gain.is_nan() {
            self.radius = 0.25 * length.min(trial.h);
        } else if gain > 0.75 && length >= 0.99 * trial.h {
            self.radius = (2.0 * trial.h).min(self.maximum);
        }
        match gain > self.accept {
            true => Judgement::Accept,
            false => self.shrink(self.radius, StepFailure::NoDecrease { smallest: trial.h }),
        }
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        match failure.may_pass_with_a_shorter_step() {
            true => self.shrink(0.25 * h, failure),
            false => Judgement::Abort(failure),
        }
    }

    fn state(&mut self) -> Vec<&mut f64> {
        vec![&mut self.radius]
    }
}
