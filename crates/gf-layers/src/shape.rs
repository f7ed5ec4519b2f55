//! Where everything of a network stands: sizes and offsets of its layers.

use crate::{Activation, Network};

/// One layer: a (inputs + 1) × units row-major block of θ at `offset`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerShape {
    pub(crate) inputs: usize,
    pub(crate) units: usize,
    pub(crate) activation: Activation,
    pub(crate) offset: usize,
}

impl LayerShape {
    /// Rows of Θ: the inputs and the bias.
    pub(crate) fn rows(&self) -> usize {
        self.inputs + 1
    }

    /// Numbers in Θ.
    pub(crate) fn len(&self) -> usize {
        self.rows() * self.units
    }

    /// The layer's part of a vector laid out like θ.
    pub(crate) fn part<'a>(&self, theta: &'a [f64]) -> &'a [f64] {
        &theta[self.offset..self.offset + self.len()]
    }

    /// As [`LayerShape::part`], to be written.
    pub(crate) fn part_mut<'a>(&self, theta: &'a mut [f64]) -> &'a mut [f64] {
        &mut theta[self.offset..self.offset + self.len()]
    }
}

/// All layers.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) layers: Vec<LayerShape>,
    /// Samples a chunk.
    pub(crate) chunk: usize,
}

/// Most samples a chunk: enough for products at full speed, few enough for the caches.
const LARGEST_CHUNK: usize = 256;
/// Fewest samples a chunk.
const SMALLEST_CHUNK: usize = 8;
/// Numbers in the tensors of a dense Hessian (64 MiB), by which wide networks get smaller chunks.
const TENSOR_BUDGET: usize = 8 << 20;
/// Beyond so many parameters nobody asks for a dense matrix (7 GB), and the chunks serve the gradient alone.
const LARGEST_DENSE: usize = 30_000;

impl Shape {
    pub(crate) fn new(network: &Network) -> Self {
        let mut layers: Vec<LayerShape> = Vec::with_capacity(network.layers.len());
        let (mut inputs, mut offset) = (network.input, 0);
        for layer in &network.layers {
            let shape = LayerShape { inputs, units: layer.units, activation: layer.activation, offset };
            (inputs, offset) = (layer.units, offset + shape.len());
            layers.push(shape);
        }
        let units: usize = layers.iter().map(|layer| layer.units).sum();
        let chunk = if offset > LARGEST_DENSE {
            LARGEST_CHUNK
        } else {
            (TENSOR_BUDGET / (units * units).max(1)).clamp(SMALLEST_CHUNK, LARGEST_CHUNK)
        };
        Self { layers, chunk }
    }

    /// The number p of parameters.
    pub(crate) fn dim(&self) -> usize {
        self.layers.iter().map(LayerShape::len).sum()
    }

    /// The first layer's inputs.
    pub(crate) fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// The last layer.
    pub(crate) fn last(&self) -> &LayerShape {
        &self.layers[self.layers.len() - 1]
    }

    /// The most units of a layer.
    pub(crate) fn widest(&self) -> usize {
        self.layers.iter().map(|layer| layer.units).max().unwrap_or(0)
    }

    /// out = every Θ column by column: what a forward product reads contiguously.
    pub(crate) fn transpose(&self, theta: &[f64], out: &mut [f64]) {
        for layer in &self.layers {
            let (rows, units) = (layer.rows(), layer.units);
            let (from, to) = (layer.part(theta), layer.part_mut(out));
            for (k, row) in from.chunks_exact(units).enumerate() {
                for (j, x) in row.iter().enumerate() {
                    to[j * rows + k] = *x;
                }
            }
        }
    }
}
