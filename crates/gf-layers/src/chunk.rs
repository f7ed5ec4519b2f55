//! The samples of the current batch, cut into chunks.

use gf_core::Samples;

use crate::{loss::Outputs, shape::Shape, targets::Prepared};

/// Some samples, feature-major. Buffers keep the size of the largest chunk; `rows` says how much of them is in use.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) rows: usize,
    /// ã⁰: inputs with a column of ones, rows × (inputs + 1).
    input: Vec<f64>,
    /// rows × K.
    targets: Vec<f64>,
    mass: Vec<f64>,
}

impl Chunk {
    /// Room for `capacity` samples.
    pub(crate) fn new(shape: &Shape, capacity: usize) -> Self {
        Self {
            rows: 0,
            input: vec![0.0; capacity * shape.layers[0].rows()],
            targets: vec![0.0; capacity * shape.last().units],
            mass: vec![0.0; capacity],
        }
    }

    /// ã⁰.
    pub(crate) fn input(&self) -> &[f64] {
        &self.input
    }

    /// Takes `rows` samples, sample i being `inputs(i)`.
    pub(crate) fn set_inputs<'a>(&mut self, width: usize, rows: usize, inputs: impl Fn(usize) -> &'a [f64]) {
        self.rows = rows;
        for i in 0..rows {
            for (k, x) in inputs(i).iter().enumerate() {
                self.input[k * rows + i] = *x;
            }
        }
        self.input[width * rows..(width + 1) * rows].fill(1.0);
    }

    /// These outputs beside the chunk's targets.
    pub(crate) fn with_outputs<'a>(&'a self, shape: &Shape, outputs: &'a [f64], scale: f64) -> Outputs<'a> {
        let numbers = self.rows * shape.last().units;
        Outputs {
            rows: self.rows,
            scale,
            outputs: &outputs[..numbers],
            targets: &self.targets[..numbers],
            mass: &self.mass[..self.rows],
        }
    }
}

/// The current batch.
#[derive(Debug)]
pub(crate) struct Batch {
    chunks: Vec<Chunk>,
    used: usize,
    /// 1/n, or 1/S.
    pub(crate) scale: f64,
    /// Samples.
    pub(crate) rows: usize,
}

impl Batch {
    /// Room for `capacity` samples.
    pub(crate) fn new(shape: &Shape, capacity: usize) -> Self {
        let sizes = (0..capacity).step_by(shape.chunk).map(|start| shape.chunk.min(capacity - start));
        Self { chunks: sizes.map(|size| Chunk::new(shape, size)).collect(), used: 0, scale: 0.0, rows: 0 }
    }

    /// The chunks in use.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks[..self.used]
    }

    /// Takes these samples.
    pub(crate) fn gather(&mut self, shape: &Shape, samples: &Samples, targets: &Prepared, rows: &[usize]) {
        let (width, outputs) = (samples.width(), shape.last().units);
        self.scale = targets.scale(rows);
        self.rows = rows.len();
        self.used = rows.len().div_ceil(shape.chunk);
        for (chunk, rows) in self.chunks.iter_mut().zip(rows.chunks(shape.chunk)) {
            chunk.set_inputs(width, rows.len(), |i| &samples.inputs()[rows[i] * width..][..width]);
            targets.gather(rows, outputs, &mut chunk.targets, &mut chunk.mass);
        }
    }
}
