//! Cosine annealing.

use serde::{Deserialize, Serialize};

use super::{Factor, ScheduleInfo, half_cosine, part, share};
use crate::SettingsError;
use crate::settings::positive;

/// Half a period of the cosine, from h down to a small part of it, and constant from there.
///
/// **Formula**: $f(e) = m + (1 − m)\tfrac12(1 + \cos(π\min(e/E, 1)))$.
/// **Symbols**: E = `epochs`; m = `minimum`, without unit.
/// **Properties**: stays near h for a third of the time, passes h/2 in the middle, and ends flat. PyTorch's `CosineAnnealingLR`, stepped once a batch with
/// `eta_min` = m·h, is the same up to its end, where it would rise again.
/// **Reference**: I. Loshchilov, F. Hutter, *SGDR*, *ICLR* 2017, equation 5, without restarts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CosineDecay {
    /// E > 0, the length, in epochs [default: the rest of the run].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// m, above 0 and at most 1, without unit: the factor at the end; 0.001 by default. A step of 0 would be none.
    pub minimum: f64,
}

impl Default for CosineDecay {
    /// Down to a thousandth at the end of the run.
    fn default() -> Self {
        Self { epochs: None, minimum: 1e-3 }
    }
}

impl Factor for CosineDecay {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("cosine.epochs", self.epochs.unwrap_or(1.0))?;
        part("cosine.minimum", self.minimum)
    }

    fn at(&self, epoch: f64, length: f64) -> f64 {
        let falling = half_cosine(share(epoch, self.epochs.unwrap_or(length)));
        // Both ends exactly.
        self.minimum * (1.0 - falling) + falling
    }
}

pub(super) const INFO: ScheduleInfo = ScheduleInfo {
    name: "cosine",
    formula: "minimum + (1 - minimum)·(1 + cos(pi·min(e/epochs, 1)))/2",
    keys: &[("epochs", "the rest of the run", "its length, in epochs"), ("minimum", "0.001", "the factor at its end")],
};
