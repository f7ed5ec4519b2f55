//! Which samples step k sees.

use gf_core::{StreamRng, Streams};
use rand::Rng;

use crate::NetworkError;

/// The mini-batches of one epoch, and their order: a pure function of the step number.
///
/// Step k = 1, 2, … sees batch (k − 1) mod B, B = ⌈n/size⌉. Where the size does not divide n, the last batch of an epoch is smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    size: Option<usize>,
    shuffle: Option<Streams>,
}

/// Which batch: the epoch counts only where it changes the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchNumber {
    pub(crate) epoch: u64,
    pub(crate) slot: usize,
}

impl Batches {
    /// All samples at every step.
    pub fn full() -> Self {
        Self { size: None, shuffle: None }
    }

    /// `size` consecutive samples, in the order of the samples, the same in every epoch.
    pub fn fixed(size: usize) -> Self {
        Self { size: Some(size), shuffle: None }
    }

    /// `size` samples in an order shuffled anew for each epoch, from [`Streams::batches`] of that epoch
    /// (Fisher–Yates; an index below m is the high half of the 128-bit product of m with one 64-bit number).
    pub fn shuffled(size: usize, streams: Streams) -> Self {
        Self { size: Some(size), shuffle: Some(streams) }
    }

    /// Batches an epoch, for `samples` samples.
    pub fn per_epoch(&self, samples: usize) -> usize {
        samples.div_ceil(self.largest(samples).max(1))
    }

    /// The size of an epoch's first batch, which no other exceeds.
    pub fn largest(&self, samples: usize) -> usize {
        self.size.map_or(samples, |size| size.min(samples))
    }

    /// The epoch = 0, 1, … that step `step` = 1, 2, … belongs to.
    pub fn epoch(&self, samples: usize, step: u64) -> u64 {
        step.saturating_sub(1) / self.per_epoch(samples).max(1) as u64
    }

    pub(crate) fn validate(&self) -> Result<(), NetworkError> {
        if self.size == Some(0) { Err(NetworkError::EmptyBatch) } else { Ok(()) }
    }

    pub(crate) fn number(&self, samples: usize, step: u64) -> BatchNumber {
        let slot = (step.saturating_sub(1) % self.per_epoch(samples) as u64) as usize;
        let epoch = if self.shuffle.is_some() { self.epoch(samples, step) } else { 0 };
        BatchNumber { epoch, slot }
    }

    /// Overwrites `order` with the samples in the order of `epoch`.
    pub(crate) fn order(&self, epoch: u64, order: &mut [usize]) {
        for (k, entry) in order.iter_mut().enumerate() {
            *entry = k;
        }
        if let Some(streams) = &self.shuffle {
            shuffle(order, &mut streams.batches(epoch));
        }
    }
}

fn shuffle(order: &mut [usize], rng: &mut StreamRng) {
    for last in (1..order.len()).rev() {
        let bound = last as u128 + 1;
        order.swap(last, ((u128::from(rng.next_u64()) * bound) >> 64) as usize);
    }
}
