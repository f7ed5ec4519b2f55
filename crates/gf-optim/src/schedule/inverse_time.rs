//! Decay with the inverse of time.

use serde::{Deserialize, Serialize};

use super::{Factor, ScheduleInfo, not_negative};
use crate::SettingsError;

/// Decay with the inverse of time.
///
/// **Formula**: $f(e) = 1/(1 + ke)$.
/// **Symbols**: k = `rate`, per epoch.
/// **Properties**: Σ h diverges and Σ h² does not, the conditions under which stochastic gradients converge: any point can be reached, and the noise
/// averages out.
/// **Reference**: H. Robbins, S. Monro, *Ann. Math. Stat.* 22 (1951).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct InverseTimeDecay {
    /// k, at least 0, per epoch; 0.1 by default.
    pub rate: f64,
}

impl Default for InverseTimeDecay {
    /// Half after ten epochs.
    fn default() -> Self {
        Self { rate: 0.1 }
    }
}

impl Factor for InverseTimeDecay {
    fn validate(&self) -> Result<(), SettingsError> {
        not_negative("inverse-time.rate", self.rate)
    }

    fn at(&self, epoch: f64, _length: f64) -> f64 {
        1.0 / (1.0 + self.rate * epoch)
    }
}

pub(super) const INFO: ScheduleInfo =
    ScheduleInfo { name: "inverse-time", formula: "1/(1 + rate·e)", keys: &[("rate", "0.1", "per epoch")] };
