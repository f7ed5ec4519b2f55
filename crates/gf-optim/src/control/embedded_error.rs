//! Step sizes from an embedded error estimate.

use serde::{Deserialize, Serialize};

use super::{Judgement, Needs, StepController, StepStart, Trial};
use crate::settings::positive;
use crate::{SettingsError, StepFailure};

/// PI control: keeps the local error of an integrator below a tolerance.
///
/// **Recurrence**: with e = rms of the estimate over `absolute` + `relative`·max(|θ|, |θ + δ|) and k = q + 1, q the order of the embedded method:
/// accept where e ≤ 1, then h ← h·clamp(0.9·e^(−0.7/k)·e₋^(0.4/k)), e₋ the error before; else retry with h·clamp(0.9·e^(−1/k)). Factors from 0.2 to 5,
/// and at most 1 right after a rejection.
/// **Needs**: a method with an embedded error estimate. **Reference**: E. Hairer, G. Wanner, *Solving ODEs II*, IV.2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedError {
    /// The first step, in flow time [default: the method's h].
    pub first: Option<f64>,
    /// Absolute tolerance, in units of θ.
    pub absolute: f64,
    /// Relative tolerance, without unit.
    pub relative: f64,
    /// The run ends when a step falls below this, in flow time.
    pub minimum: f64,
    /// The largest step, in flow time [default: inf].
    pub maximum: f64,
    #[serde(skip)]
    memory: Memory,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Memory {
    /// The next step; 0 before the first.
    h: f64,
    /// The error of the last accepted step.
    error: f64,
    rejected: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self { h: 0.0, error: 1.0, rejected: false }
    }
}

impl Default for EmbeddedError {
    /// 1e-6 absolute and relative.
    fn default() -> Self {
        Self {
            first: None,
            absolute: 1e-6,
            relative: 1e-6,
            minimum: 1e-14,
            maximum: f64::INFINITY,
            memory: Memory::default(),
        }
    }
}

const SAFETY: f64 = 0.9;
const LEAST: f64 = 0.2;
const MOST: f64 = 5.0;

impl EmbeddedError {
    /// With the same absolute and relative tolerance.
    pub fn with_tolerance(tolerance: f64) -> Self {
        Self { absolute: tolerance, relative: tolerance, ..Self::default() }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        positive("embedded-error.first", self.first.unwrap_or(1.0))?;
        positive("embedded-error.absolute", self.absolute)?;
        positive("embedded-error.minimum", self.minimum)?;
        if !(self.relative >= 0.0 && self.relative.is_finite()) {
            return Err(SettingsError::new("embedded-error.relative", "a number that is not negative", self.relative));
        }
        if self.maximum < self.minimum || self.maximum.is_nan() {
            return Err(SettingsError::new("embedded-error.maximum", "a number above the minimum", self.maximum));
        }
        Ok(())
    }

    /// The error in units of the tolerance.
    fn error(&self, trial: &Trial<'_>) -> Option<(f64, f64)> {
        let local = trial.local_error?;
        let squares = local.estimate.iter().zip(trial.theta.iter().zip(trial.delta)).map(|(e, (theta, delta))| {
            let scale = self.absolute + self.relative * theta.abs().max((theta + delta).abs());
            (e / scale) * (e / scale)
        });
        let mean = squares.sum::<f64>() / local.estimate.len().max(1) as f64;
        Some((mean.sqrt(), f64::from(local.order) + 1.0))
    }

    fn retry(&mut self, factor: f64, h: f64, failure: StepFailure) -> Judgement {
        self.memory.rejected = true;
        self.memory.h = h * factor;
        if self.memory.h < self.minimum {
            return Judgement::Abort(StepFailure::StepTooSmall { smallest: self.minimum, last: Box::new(failure) });
        }
        Judgement::Retry(self.memory.h)
    }
}

impl StepController for EmbeddedError {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn follows_flow(&self) -> bool {
        true
    }

    fn first(&mut self, start: StepStart) -> f64 {
        if self.memory.h == 0.0 {
            // A step that moves θ by the tolerance's root, when nobody said better; at most 1.
            let guess = self.absolute.sqrt() / start.gradient_norm.max(self.absolute.sqrt());
            self.memory.h = self.first.unwrap_or(guess).min(self.maximum);
        }
        self.memory.rejected = false;
        self.memory.h
    }

    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        let Some((error, k)) = self.error(&trial) else { return Judgement::Accept };
        if !error.is_finite() {
            return self.retry(LEAST, trial.h, StepFailure::NotFinite { what: "the error estimate" });
        }
        if error > 1.0 {
            let factor = (SAFETY * error.powf(-1.0 / k)).max(LEAST);
            return self.retry(factor, trial.h, StepFailure::ErrorTooLarge { error });
        }
        let error = error.max(1e-10);
        let factor = SAFETY * error.powf(-0.7 / k) * self.memory.error.powf(0.4 / k);
        let most = if self.memory.rejected { 1.0 } else { MOST };
        self.memory.h = (trial.h * factor.clamp(LEAST, most)).min(self.maximum);
        self.memory.error = error;
        Judgement::Accept
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        match failure.may_pass_with_a_shorter_step() {
            true => self.retry(0.5, h, failure),
            false => Judgement::Abort(failure),
        }
    }

    fn state(&mut self) -> Vec<&mut f64> {
        vec![&mut self.memory.h, &mut self.memory.error]
    }
}
