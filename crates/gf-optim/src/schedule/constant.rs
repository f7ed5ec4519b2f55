//! A constant factor.

use serde::{Deserialize, Serialize};

use super::{Factor, ScheduleInfo};
use crate::SettingsError;
use crate::settings::positive;

/// The same factor in every step.
///
/// **Formula**: $f(e) = c$.
/// **Symbols**: c = `factor`, without unit.
/// **Properties**: with mini-batches the loss stops falling at a noise floor proportional to h.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ConstantFactor {
    /// c > 0, without unit; 1 by default.
    pub factor: f64,
}

impl Default for ConstantFactor {
    /// The method's own h.
    fn default() -> Self {
        Self { factor: 1.0 }
    }
}

impl Factor for ConstantFactor {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("constant.factor", self.factor)
    }

    fn at(&self, _epoch: f64, _length: f64) -> f64 {
        self.factor
    }
}

pub(super) const INFO: ScheduleInfo =
    ScheduleInfo { name: "constant", formula: "factor", keys: &[("factor", "1", "the factor")] };
