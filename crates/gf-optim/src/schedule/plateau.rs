//! Reduction on plateaus of the validation loss.

use serde::{Deserialize, Serialize};

use super::{ScheduleInfo, not_negative, part};
use crate::SettingsError;
use crate::settings::fraction;

/// A factor whenever the validation loss has not fallen for some epochs.
///
/// **Recurrence**: an evaluation at epoch e (counted from the end of the warm-up) with a loss below best − `min_delta` is the new best; then, or with the first
/// evaluation, waiting begins anew at r = e. Where $e − r > p$: $f ← \max(γf, m)$, and waiting begins anew at r = e + c.
/// **Symbols**: γ = `factor`, m = `minimum`, without unit; p = `patience`, c = `cooldown`, in epochs; `min_delta` in units of the loss.
/// **Properties**: f depends on the run, so that runs with different seeds have different step sizes. Evaluated once an epoch it is PyTorch's
/// `ReduceLROnPlateau` with `threshold_mode="abs"`; evaluated more often it may act between epochs. A loss that is no number is no improvement.
/// **Reference**: PyTorch, `torch.optim.lr_scheduler.ReduceLROnPlateau`; F. Chollet et al., Keras, `ReduceLROnPlateau`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Plateau {
    /// γ, strictly between 0 and 1, without unit; 0.5 by default.
    pub factor: f64,
    /// p, at least 0, in epochs: how long the loss may fail to fall; 3 by default.
    pub patience: f64,
    /// By how much the loss must fall to count, at least 0, in units of the loss; 0 by default.
    pub min_delta: f64,
    /// c, at least 0, in epochs: how long nothing is counted after a reduction; 0 by default.
    pub cooldown: f64,
    /// m, above 0 and at most 1, without unit: the smallest factor; 0.0001 by default.
    pub minimum: f64,
}

impl Default for Plateau {
    /// Half after three epochs without a lower loss.
    fn default() -> Self {
        Self { factor: 0.5, patience: 3.0, min_delta: 0.0, cooldown: 0.0, minimum: 1e-4 }
    }
}

impl Plateau {
    pub(super) fn validate(self) -> Result<(), SettingsError> {
        fraction("plateau.factor", self.factor)?;
        not_negative("plateau.patience", self.patience)?;
        not_negative("plateau.min_delta", self.min_delta)?;
        not_negative("plateau.cooldown", self.cooldown)?;
        part("plateau.minimum", self.minimum)
    }

    /// Before the first evaluation.
    pub fn watch(self) -> PlateauWatch {
        PlateauWatch { settings: self, factor: 1.0, best: f64::INFINITY, since: 0.0 }
    }
}

/// What [`Plateau`] has seen of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlateauWatch {
    settings: Plateau,
    factor: f64,
    best: f64,
    /// r, the epoch that waiting is counted from.
    since: f64,
}

impl PlateauWatch {
    /// f, the factor on the next step.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Takes in a validation loss measured at `epoch`.
    pub fn evaluated(&mut self, epoch: f64, loss: f64) {
        let Plateau { factor, patience, min_delta, cooldown, minimum } = self.settings;
        if loss < self.best - min_delta {
            self.best = loss;
            self.since = self.since.max(epoch);
        }
        // A difference of epochs misses a whole number by its rounding.
        if epoch - self.since > patience + 1e-9 {
            self.factor = (self.factor * factor).max(minimum);
            self.since = epoch + cooldown;
        }
    }

    /// All numbers that its answers depend on.
    pub fn state(&mut self) -> [&mut f64; 3] {
        [&mut self.factor, &mut self.best, &mut self.since]
    }
}

pub(super) const INFO: ScheduleInfo = ScheduleInfo {
    name: "plateau",
    formula: "times factor whenever the validation loss has not fallen for more than patience epochs",
    keys: &[
        ("factor", "0.5", "the factor of each reduction"),
        ("patience", "3", "how long the loss may fail to fall, in epochs"),
        ("min_delta", "0", "by how much it must fall to count, in units of the loss"),
        ("cooldown", "0", "how long nothing counts after a reduction, in epochs"),
        ("minimum", "0.0001", "the smallest factor"),
    ],
};
