//! Where everything of a network stands: sizes and offsets of its layers.

use crate::{Activation, Network};

/// One layer: a (inputs + 1) × units row-major block of θ at `offset`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerShape {
    pub(crate) inputs: usize,
    pub(crate) units: usize,
    pub(crate) activation: Activation,
    /// a^l = a^{l−1} + f(z^l).
    pub(crate) skip: bool,
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

/// Samples a chunk of the passes over the batch: enough for products at full speed, few enough for the caches and for threads.
const CHUNK: usize = 128;

impl Shape {
    pub(crate) fn new(network: &Network) -> Self {
        let mut layers: Vec<LayerShape> = Vec::with_capacity(network.layers.len());
        let (mut inputs, mut offset) = (network.input, 0);
        for layer in &network.layers {
            let shape =
                LayerShape { inputs, units: layer.units, activation: layer.activation, skip: layer.skip, offset };
            (inputs, offset) = (layer.units, offset + shape.len());
            layers.push(shape);
        }
        Self { layers, chunk: CHUNK }
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
}
