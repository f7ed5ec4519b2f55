//! The linear scaling rule.

use serde::{Deserialize, Serialize};

use super::ScheduleInfo;
use crate::SettingsError;

/// The linear scaling rule: a step on n times the samples is n times as long.
///
/// **Formula**: $f = b/b_0$.
/// **Symbols**: b = samples a batch of the arm; b₀ = `reference`.
/// **Properties**: an epoch covers the same flow time for every b, and the noise of the trajectory, of variance proportional to h/b per unit of flow time, stays
/// the same. Holds while h stays well below 2/λmax.
/// **Reference**: P. Goyal et al., *Accurate, large minibatch SGD*, 2017, section 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchScaling {
    /// b₀, at least 1, in samples: the batch for which the method's h was chosen; needed.
    pub reference: usize,
}

impl BatchScaling {
    pub(super) fn validate(self) -> Result<(), SettingsError> {
        match self.reference {
            0 => Err(SettingsError::new("batch-scaling.reference", "at least 1 sample", 0)),
            _ => Ok(()),
        }
    }

    /// For this batch; 1 where there are no samples.
    pub(super) fn factor(self, batch: Option<usize>) -> f64 {
        batch.map_or(1.0, |batch| batch as f64 / self.reference as f64)
    }
}

pub(super) const INFO: ScheduleInfo = ScheduleInfo {
    name: "batch-scaling",
    formula: "samples a batch / reference",
    keys: &[("reference", "needed", "the batch that h was chosen for, in samples")],
};
