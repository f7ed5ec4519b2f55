//! When to give up waiting for a lower validation loss.

/// Early stopping: a run ends when `patience` evaluations in a row brought no improvement.
///
/// **Rule.** Let b be the lowest value that counted as an improvement so far, +∞ before the first. A value v improves on it when
/// v < b − Δ with Δ = `min_delta`; then b = v, and the count of evaluations without improvement starts again from 0. NaN never improves.
/// Values that creep down by less than Δ each are compared with the last improvement, not with each other: together they may count.
///
/// The same as `EarlyStopping` of Keras (`mode="min"`) and of PyTorch Lightning (`mode="min"`, `check_finite=False`), with the start,
/// before any update, as a first value.
///
/// The whole state follows from the values seen: a run that is resumed replays those of its rows.
///
/// ```
/// use gf_utils::history::Patience;
/// let mut patience = Patience::new(2, 0.0);
/// let ended: Vec<bool> = [1.0, 0.5, 0.6, 0.5].iter().map(|loss| patience.is_exhausted_by(*loss)).collect();
/// assert_eq!(ended, [false, false, false, true]);
/// ```
///
/// **Reference.** L. Prechelt, Early Stopping – But When?, Neural Networks: Tricks of the Trade, 1998 (criterion UP).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    patience: u64,
    min_delta: f64,
    best: f64,
    waited: u64,
}

impl Patience {
    /// Waits for `patience` ≥ 1 evaluations; an improvement is larger than `min_delta` ≥ 0, in units of the loss.
    pub fn new(patience: u64, min_delta: f64) -> Self {
        Self { patience, min_delta, best: f64::INFINITY, waited: 0 }
    }

    /// Takes the next validation loss; whether it was the last one to wait for.
    pub fn is_exhausted_by(&mut self, val_loss: f64) -> bool {
        if val_loss < self.best - self.min_delta {
            (self.best, self.waited) = (val_loss, 0);
        } else {
            self.waited += 1;
        }
        self.waited >= self.patience
    }
}
