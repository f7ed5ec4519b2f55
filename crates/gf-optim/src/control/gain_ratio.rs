//! Damping from the gain ratio.

use serde::{Deserialize, Serialize};

use super::{Judgement, Needs, StepController, StepStart, Trial};
use crate::settings::positive;
use crate::{SettingsError, StepFailure};

/// Nielsen's rule for a damping λ = 1/h, for methods that say what decrease their model predicts.
///
/// **Recurrence**: with the gain ratio ρ = actual/predicted decrease: where ρ > 0 accept and λ ← λ·max(1/3, 1 − (2ρ − 1)³), ν ← 2; else λ ← λν, ν ← 2ν,
/// and try again. The same rule serves a cubic regularization σ = 1/h.
/// **Cost**: one value a trial. **Reference**: H. B. Nielsen, *Damping parameter in Marquardt's method*, IMM-REP-1999-05.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct GainRatio {
    /// The first h = 1/λ, per unit of curvature [default: the method's].
    pub first: Option<f64>,
    /// The smallest h, per unit of curvature: below it the run ends.
    pub minimum: f64,
    /// The largest h, per unit of curvature.
    pub maximum: f64,
    #[serde(skip)]
    memory: Memory,
}

/// h and ν; zeros before the first step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Memory {
    h: f64,
    factor: f64,
}

impl Default for GainRatio {
    /// The method's h first, between 1e-20 and 1e20.
    fn default() -> Self {
        Self { first: None, minimum: 1e-20, maximum: 1e20, memory: Memory::default() }
    }
}

impl GainRatio {
    /// From h = `first` on.
    pub fn from(first: f64) -> Self {
        Self { first: Some(first), ..Self::default() }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        positive("gain-ratio.first", self.first.unwrap_or(1.0))?;
        positive("gain-ratio.minimum", self.minimum)?;
        positive("gain-ratio.maximum", self.maximum)
    }

    fn raise(&mut self, h: f64, failure: StepFailure) -> Judgement {
        self.memory = Memory { h: h / self.memory.factor, factor: 2.0 * self.memory.factor };
        if self.memory.h < self.minimum { Judgement::Abort(failure) } else { Judgement::Retry(self.memory.h) }
    }
}

impl StepController for GainRatio {
    fn needs(&self) -> Needs {
        Needs::Loss
    }

    fn follows_flow(&self) -> bool {
        true
    }

    fn first(&mut self, _start: StepStart) -> f64 {
        if self.memory.h == 0.0 {
            self.memory = Memory { h: self.first.unwrap_or(1.0), factor: 2.0 };
        }
        self.memory.h
    }

    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        let Some(gain) = trial.gain_ratio() else { return Judgement::Accept };
        if gain <= 0.0 || gain.is_nan() {
            return self.raise(trial.h, StepFailure::NoDecrease { smallest: trial.h });
        }
        let factor = (1.0 - (2.0 * gain - 1.0).powi(3)).max(1.0 / 3.0);
        self.memory = Memory { h: (trial.h / factor).min(self.maximum), factor: 2.0 };
        Judgement::Accept
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        match failure.may_pass_with_a_shorter_step() {
            true => self.raise(h, failure),
            false => Judgement::Abort(failure),
        }
    }

    fn state(&mut self) -> Vec<&mut f64> {
        vec![&mut self.memory.h, &mut self.memory.factor]
    }
}
