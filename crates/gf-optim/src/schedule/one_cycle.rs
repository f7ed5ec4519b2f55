//! The 1cycle policy.

use serde::{Deserialize, Serialize};

use super::{Factor, ScheduleInfo, half_cosine, share};
use crate::SettingsError;
use crate::settings::{fraction, positive};

/// One cycle: up from a part of h to h, and down to far below where it began, both along half a cosine. The method's h is the peak.
///
/// **Formula**: with x = min(e/E, 1) and c(x) = ½(1 + cos πx): $f = 1 + (1/a − 1)\,c(x/r)$ for x < r, then $f = 1/(ab) + (1 − 1/(ab))\,c((x − r)/(1 − r))$.
/// **Symbols**: E = `epochs`; r = `rise`; a = `start_divisor`; b = `end_divisor`, without units.
/// **Properties**: the large steps in the middle skip sharp minima; the descent at the end lets the noise die. Momentum is left alone. Smith's rise and fall
/// are linear; the cosine is fastai's and that of PyTorch's `OneCycleLR`, whose peak and end lie one step before ours.
/// **Reference**: L. Smith, *A disciplined approach to neural network hyper-parameters*, 2018, section 4.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct OneCycle {
    /// E > 0, the length, in epochs [default: the rest of the run].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// r, strictly between 0 and 1: the share of the cycle that rises; 0.3 by default.
    pub rise: f64,
    /// a > 0, without unit: the first step is h/a; 25 by default.
    pub start_divisor: f64,
    /// b > 0, without unit: the last step is h/(ab); 10000 by default.
    pub end_divisor: f64,
}

impl Default for OneCycle {
    /// Over the whole run, a third of it rising, from h/25 to h to h/250000.
    fn default() -> Self {
        Self { epochs: None, rise: 0.3, start_divisor: 25.0, end_divisor: 1e4 }
    }
}

impl Factor for OneCycle {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("one-cycle.epochs", self.epochs.unwrap_or(1.0))?;
        fraction("one-cycle.rise", self.rise)?;
        positive("one-cycle.start_divisor", self.start_divisor)?;
        positive("one-cycle.end_divisor", self.end_divisor)?;
        positive("one-cycle.start_divisor times end_divisor", self.start_divisor * self.end_divisor)
    }

    fn at(&self, epoch: f64, length: f64) -> f64 {
        let x = share(epoch, self.epochs.unwrap_or(length));
        let (start, end) = (1.0 / self.start_divisor, 1.0 / (self.start_divisor * self.end_divisor));
        let between = |low: f64, high: f64, share: f64| low * (1.0 - share) + high * share;
        match x < self.rise {
            true => between(1.0, start, half_cosine(x / self.rise)),
            false => between(end, 1.0, half_cosine((x - self.rise) / (1.0 - self.rise))),
        }
    }
}

pub(super) const INFO: ScheduleInfo = ScheduleInfo {
    name: "one-cycle",
    formula: "1/start_divisor up to 1, then down to 1/(start_divisor·end_divisor), along half cosines",
    keys: &[
        ("epochs", "the rest of the run", "its length, in epochs"),
        ("rise", "0.3", "the share of it that rises"),
        ("start_divisor", "25", "the first step is h over this"),
        ("end_divisor", "10000", "the last step is the first over this"),
    ],
};
