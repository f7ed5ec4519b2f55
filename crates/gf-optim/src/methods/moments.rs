//! Running means of the gradient and of its squares, for RMSProp and Adam.

use gf_core::vector;

use crate::StepFailure;

/// An exponential running mean, entry by entry, from zero. What a step adds counts once the step is accepted.
#[derive(Debug, Clone)]
pub(super) struct RunningMean {
    /// The part that stays each step, 0 ≤ kept < 1.
    kept: f64,
    accepted: Vec<f64>,
    next: Vec<f64>,
}

impl RunningMean {
    pub(super) fn new(kept: f64) -> Self {
        Self { kept, accepted: Vec::new(), next: Vec::new() }
    }

    pub(super) fn init(&mut self, dim: usize) {
        self.accepted = vec![0.0; dim];
        self.next = vec![0.0; dim];
    }

    /// Takes in f(gᵢ), from the accepted mean anew.
    ///
    /// # Errors
    /// [`StepFailure::NotFinite`] where the mean overflows.
    pub(super) fn take_in(&mut self, gradient: &[f64], f: impl Fn(f64) -> f64) -> Result<(), StepFailure> {
        for i in 0..gradient.len() {
            self.next[i] = self.kept * self.accepted[i] + (1.0 - self.kept) * f(gradient[i]);
        }
        match vector::all_finite(&self.next) {
            true => Ok(()),
            false => Err(StepFailure::NotFinite { what: "a running mean of the gradient or of its squares" }),
        }
    }

    /// With the gradient that was taken in last.
    pub(super) fn next(&self) -> &[f64] {
        &self.next
    }

    pub(super) fn accept(&mut self) {
        std::mem::swap(&mut self.accepted, &mut self.next);
    }

    pub(super) fn state(&mut self) -> &mut [f64] {
        &mut self.accepted
    }
}
