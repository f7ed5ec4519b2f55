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
    /// 1/n, 1/S, or 1 for sums.
    pub(crate) scale: f64,
}

impl Problem {
    /// With room for batches of `capacity` samples; the batch is empty.
    pub(crate) fn new(shape: Shape, loss: Loss, samples: Arc<Samples>, targets: Prepared, capacity: usize) -> Self {
        Self { shape, loss, samples, targets, rows: Vec::with_capacity(capacity), scale: 0.0 }
    }

    /// Takes these samples as the batch.
    pub(crate) fn set_batch(&mut self, rows: &[usize]) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.scale = self.targets.scale(self.loss.reduction, rows);
    }

    /// Samples in the batch.
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
