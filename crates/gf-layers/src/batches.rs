//! Which samples step k sees.

use std::ops::Range;

use gf_core::{StreamRng, Streams};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::NetworkError;

/// The mini-batches of one epoch, and their order: a pure function of the step number.
///
/// Step k = 1, 2, … sees batch (k − 1) mod B of n samples. A size above n is n. Where the size does not divide n, [`LastBatch`] says what
/// becomes of the rest; an epoch is B steps, also where it leaves samples out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    size: Option<usize>,
    shuffle: Option<Streams>,
    last: LastBatch,
}

/// What becomes of the n mod size samples that do not fill a batch at the end of an epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LastBatch {
    /// They are a smaller batch: B = ⌈n/size⌉. Each of them weighs more in its step than others in theirs.
    #[default]
    Keep,
    /// They are left out of this epoch: B = ⌊n/size⌋. In a fixed order the same samples are never seen.
    Drop,
    /// They join the batch before, which becomes larger, by less than size: B = ⌊n/size⌋.
    Merge,
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
        Self { size: None, shuffle: None, last: LastBatch::Keep }
    }

    /// `size` consecutive samples, in the order of the samples, the same in every epoch.
    pub fn fixed(size: usize) -> Self {
        Self { size: Some(size), shuffle: None, last: LastBatch::Keep }
    }

    /// `size` samples in an order shuffled anew for each epoch, from [`Streams::batches`] of that epoch
    /// (Fisher–Yates; an index below m is the high half of the 128-bit product of m with one 64-bit number).
    pub fn shuffled(size: usize, streams: Streams) -> Self {
        Self { size: Some(size), shuffle: Some(streams), last: LastBatch::Keep }
    }

    /// With another end of the epoch than [`LastBatch::Keep`].
    #[must_use]
    pub fn with_last(mut self, last: LastBatch) -> Self {
        self.last = last;
        self
    }

    /// Batches an epoch, for `samples` samples.
    pub fn per_epoch(&self, samples: usize) -> usize {
        let size = self.size_of(samples).max(1);
        match self.last {
            LastBatch::Keep => samples.div_ceil(size),
            LastBatch::Drop | LastBatch::Merge => samples / size,
        }
    }

    /// The size that no batch exceeds.
    pub fn largest(&self, samples: usize) -> usize {
        let size = self.size_of(samples);
        match self.last {
            LastBatch::Keep | LastBatch::Drop => size,
            LastBatch::Merge => size + samples % size.max(1),
        }
    }

    /// Where the batch of this number in its epoch stands in the order of the samples.
    pub(crate) fn range(&self, samples: usize, slot: usize) -> Range<usize> {
        let size = self.size_of(samples);
        let start = slot * size;
        let is_merged = self.last == LastBatch::Merge && slot + 1 == self.per_epoch(samples);
        start..if is_merged { samples } else { (start + size).min(samples) }
    }

    fn size_of(&self, samples: usize) -> usize {
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
