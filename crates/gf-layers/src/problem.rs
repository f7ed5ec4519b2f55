//! The function without the point: a network's shape, the loss, and the samples of the current batch.

use std::{ops::Range, sync::Arc};

use gf_core::Samples;

use crate::{Loss, chunk::Chunk, shape::Shape, targets::Prepared};

/// L as a function of θ on the current batch.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) shape: Shape,
    pub(crate) loss: Loss,
    pub(crate) samples: Arc<Samples>,
    targets: Prepared,
    /// The samples of the batch, in order.
    rows: Vec<usize>,
    /// 1/n, 1/S, or 1 for sums: of the whole batch, where these samples are a part of it.
    pub(crate) scale: f64,
    /// Samples in the whole batch.
    whole_len: usize,
}

impl Problem {
    /// With room for batches of `capacity` samples; the batch is empty.
    pub(crate) fn new(shape: Shape, loss: Loss, samples: Arc<Samples>, targets: Prepared, capacity: usize) -> Self {
        Self { shape, loss, samples, targets, rows: Vec::with_capacity(capacity), scale: 0.0, whole_len: 0 }
    }

    /// Takes these samples as the batch.
    pub(crate) fn set_batch(&mut self, rows: &[usize]) {
        let scale = self.targets.scale(self.loss.reduction, rows);
        self.set(rows, rows.len(), scale);
    }

    /// Takes `rows`, the samples of a part, as its share of the batch `whole`, numbers in the whole set.
    pub(crate) fn set_part_of_batch(&mut self, rows: &[usize], whole: &[usize], labels: Option<&[u32]>) {
        let scale = self.targets.scale_of_whole(self.loss.reduction, whole, labels);
        self.set(rows, whole.len(), scale);
    }

    fn set(&mut self, rows: &[usize], whole_len: usize, scale: f64) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        (self.whole_len, self.scale) = (whole_len, scale);
    }

    /// Samples in the whole batch.
    pub(crate) fn whole_len(&self) -> usize {
        self.whole_len
    }

    /// Samples in the batch, of this part.
    pub(crate) fn batch_len(&self) -> usize {
        self.rows.len()
    }

    /// The samples of the batch.
    pub(crate) fn batch_rows(&self) -> &[usize] {
        &self.rows
    }

    /// Fills `chunk` with the samples at `range` of the batch.
    pub(crate) fn load(&self, range: Range<usize>, chunk: &mut Chunk) {
        let rows = &self.rows[range];
        let width = self.samples.width();
        chunk.set_inputs(width, rows.len(), |i| &self.samples.inputs()[rows[i] * width..][..width]);
        chunk.set_targets(&self.targets, rows, self.shape.last().units);
    }
}
