//! Warm-up.

use serde::{Deserialize, Serialize};

use super::{ScheduleInfo, part, share};
use crate::SettingsError;
use crate::settings::positive;

/// A linear rise from a part of h to h over the first epochs.
///
/// **Formula**: $w(e) = s + (1 − s)\min(e/W, 1)$.
/// **Symbols**: W = `epochs`; s = `from`, without unit.
/// **Properties**: at the start the curvature is often largest, and a step beyond 2/λmax is thrown far away; while the step is small the curvature falls.
/// Every other member of the schedule begins where the warm-up ends. PyTorch's `LinearLR`, stepped once a batch, is the same.
/// **Reference**: P. Goyal et al., *Accurate, large minibatch SGD*, 2017, section 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Warmup {
    /// How long it takes, in epochs, above 0; needed.
    pub epochs: f64,
    /// The factor of the first step, above 0 and at most 1, without unit; 0.1 by default.
    #[serde(default = "from")]
    pub from: f64,
}

fn from() -> f64 {
    0.1
}

impl Warmup {
    pub(super) fn validate(self) -> Result<(), SettingsError> {
        positive("warmup.epochs", self.epochs)?;
        part("warmup.from", self.from)
    }

    /// At an epoch from the start of the run.
    pub(super) fn at(self, epoch: f64) -> f64 {
        let share = share(epoch, self.epochs);
        // Both ends exactly.
        self.from * (1.0 - share) + share
    }
}

pub(super) const INFO: ScheduleInfo = ScheduleInfo {
    name: "warmup",
    formula: "from + (1 - from)·min(e/epochs, 1); the others begin where it ends",
    keys: &[("epochs", "needed", "its length, in epochs"), ("from", "0.1", "the factor of the first step")],
};
