//! Decay by steps.

use serde::{Deserialize, Serialize};

use super::{Factor, ScheduleInfo, part};
use crate::SettingsError;
use crate::settings::positive;

/// A factor every so many epochs.
///
/// **Formula**: $f(e) = γ^{⌊e/s⌋}$.
/// **Symbols**: γ = `factor`, without unit; s = `every`, in epochs.
/// **Properties**: each stage falls to the noise floor of its h. PyTorch's `StepLR`, stepped once an epoch, is the same.
/// **Reference**: A. Krizhevsky, I. Sutskever, G. Hinton, *NIPS* 2012, section 5.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct StepDecay {
    /// γ, above 0 and at most 1, without unit; 0.1 by default.
    pub factor: f64,
    /// s > 0, in epochs; 30 by default.
    pub every: f64,
}

impl Default for StepDecay {
    /// A tenth every 30 epochs.
    fn default() -> Self {
        Self { factor: 0.1, every: 30.0 }
    }
}

impl Factor for StepDecay {
    fn validate(&self) -> Result<(), SettingsError> {
        part("step.factor", self.factor)?;
        positive("step.every", self.every)
    }

    fn at(&self, epoch: f64, _length: f64) -> f64 {
        // Three times 0.1 over 0.1 rounds to below 3.
        let stage = (epoch / self.every * (1.0 + 1e-12)).floor();
        self.factor.powf(stage)
    }
}

pub(super) const INFO: ScheduleInfo = ScheduleInfo {
    name: "step",
    formula: "factor^floor(e/every)",
    keys: &[("factor", "0.1", "the factor of each stage"), ("every", "30", "the length of a stage, in epochs")],
};
