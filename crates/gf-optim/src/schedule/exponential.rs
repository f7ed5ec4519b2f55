//! Exponential decay.

use serde::{Deserialize, Serialize};

use super::{Factor, ScheduleInfo, not_negative};
use crate::SettingsError;

/// Exponential decay.
///
/// **Formula**: $f(e) = e^{−ke}$, $e$ in the exponent the epoch.
/// **Symbols**: k = `rate`, per epoch.
/// **Properties**: the flow time left, Σ h, is finite: about B·h/k from here, however long the run. Decays between epochs too, where PyTorch's
/// `ExponentialLR` (γ = e^(−k), stepped once an epoch) is constant over each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ExponentialDecay {
    /// k, at least 0, per epoch; 0.1 by default.
    pub rate: f64,
}

impl Default for ExponentialDecay {
    /// A tenth an epoch.
    fn default() -> Self {
        Self { rate: 0.1 }
    }
}

impl Factor for ExponentialDecay {
    fn validate(&self) -> Result<(), SettingsError> {
        not_negative("exponential.rate", self.rate)
    }

    fn at(&self, epoch: f64, _length: f64) -> f64 {
        (-self.rate * epoch).exp()
    }
}

pub(super) const INFO: ScheduleInfo =
    ScheduleInfo { name: "exponential", formula: "exp(-rate·e)", keys: &[("rate", "0.1", "per epoch")] };
