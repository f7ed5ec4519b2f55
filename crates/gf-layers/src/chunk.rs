//! Some samples of the current batch.

use gf_linalg::Aligned;

use crate::{loss::Outputs, shape::Shape, targets::Prepared};

/// Some samples, feature-major. Buffers keep the size of the largest chunk; `rows` says how much of them is in use.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) rows: usize,
    /// ã⁰: inputs with a column of ones, rows × (inputs + 1).
    input: Aligned,
    /// rows × K.
    targets: Vec<f64>,
    mass: Vec<f64>,
}

impl Chunk {
    /// Room for `capacity` samples.
    pub(crate) fn new(shape: &Shape, capacity: usize) -> Self {
        Self {
            rows: 0,
            input: Aligned::zeros(capacity * shape.layers[0].rows()),
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

    /// Takes the targets of the samples `rows`, each of `outputs` numbers.
    pub(crate) fn set_targets(&mut self, targets: &Prepared, rows: &[usize], outputs: usize) {
        targets.gather(rows, outputs, &mut self.targets, &mut self.mass);
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
