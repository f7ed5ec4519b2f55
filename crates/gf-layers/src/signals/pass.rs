//! Forward and backward over one chunk, every layer as it is described.
//!
//! Apart from the objective's passes, which merge layers and leave out what no derivative needs: here each layer's f' is wanted.

use gf_core::vector;
use gf_linalg::{Update, View, ViewMut, product, slices};

use crate::{
    Loss, NetworkError,
    chunk::Chunk,
    loss::SCRATCH,
    shape::{LayerShape, Shape},
};

/// One layer; feature-major arrays of rows × units.
#[derive(Debug)]
struct LayerPass {
    z: Vec<f64>,
    /// ã: a with a column of ones.
    a: Vec<f64>,
    slope: Vec<f64>,
    pull: Vec<f64>,
    delta: Vec<f64>,
}

/// The passes over one chunk.
#[derive(Debug)]
pub(crate) struct Pass {
    rows: usize,
    capacity: usize,
    layers: Vec<LayerPass>,
    curvature: Vec<f64>,
    scratch: Vec<f64>,
}

/// What the passes left of one layer, rows × units each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerView<'a> {
    pub(crate) z: &'a [f64],
    pub(crate) a: &'a [f64],
    /// f'(z).
    pub(crate) slope: &'a [f64],
    /// ∂L/∂a.
    pub(crate) pull: &'a [f64],
    /// ∂L/∂z.
    pub(crate) delta: &'a [f64],
}

impl Pass {
    pub(crate) fn new(shape: &Shape, capacity: usize) -> Self {
        let layer = |layer: &LayerShape| {
            let numbers = || vec![0.0; capacity * layer.units];
            let a = vec![0.0; capacity * (layer.units + 1)];
            LayerPass { z: numbers(), a, slope: numbers(), pull: numbers(), delta: numbers() }
        };
        Self {
            rows: 0,
            capacity,
            layers: shape.layers.iter().map(layer).collect(),
            curvature: vec![0.0; capacity * shape.last().units],
            scratch: vec![0.0; SCRATCH * capacity],
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn layer(&self, shape: &Shape, l: usize) -> LayerView<'_> {
        let (layer, used) = (&self.layers[l], ..self.rows * shape.layers[l].units);
        LayerView {
            z: &layer.z[used],
            a: &layer.a[used],
            slope: &layer.slope[used],
            pull: &layer.pull[used],
            delta: &layer.delta[used],
        }
    }

    /// z, f' and a of all layers.
    pub(crate) fn forward(&mut self, shape: &Shape, theta: &[f64], chunk: &Chunk) -> Result<(), NetworkError> {
        let n = chunk.rows;
        self.rows = n;
        for (l, layer) in shape.layers.iter().enumerate() {
            let fault = |what| NetworkError::NotFinite { layer: l + 1, what };
            if !vector::all_finite(layer.part(theta)) {
                return Err(fault("parameters"));
            }
            let (before, rest) = self.layers.split_at_mut(l);
            let input = before.last().map_or(chunk.input(), |layer| &layer.a);
            let (q, u) = (layer.rows(), layer.units);
            let (z, slope) = (&mut rest[0].z[..n * u], &mut rest[0].slope[..n * u]);
            let weights = View::columns(layer.part(theta), u, q).transpose();
            product(View::columns(input, n, q), weights, Update::Replace, ViewMut::columns(z, n, u));
            let (a, ones) = rest[0].a[..n * (u + 1)].split_at_mut(n * u);
            layer.activation.value(z, a);
            layer.activation.slope(z, a, slope);
            if layer.skip {
                vector::add_scaled(a, 1.0, &input[..n * u]);
            }
            ones.fill(1.0);
            if !(vector::all_finite(z) && vector::all_finite(a)) {
                return Err(fault("activations"));
            }
        }
        Ok(())
    }

    /// ∂L/∂a and δ of all layers, after a forward pass.
    pub(crate) fn backward(
        &mut self,
        shape: &Shape,
        theta: &[f64],
        loss: &Loss,
        chunk: &Chunk,
        scale: f64,
    ) -> Result<(), NetworkError> {
        let n = self.rows;
        for (l, layer) in shape.layers.iter().enumerate().rev() {
            let u = layer.units;
            let (before, after) = self.layers.split_at_mut(l + 1);
            let LayerPass { a, slope, pull, delta, .. } = &mut before[l];
            let (slope, pull, delta) = (&slope[..n * u], &mut pull[..n * u], &mut delta[..n * u]);
            match after.first() {
                None => {
                    let outputs = chunk.with_outputs(shape, a, scale);
                    loss.derivatives(outputs, &mut self.scratch, pull, &mut self.curvature[..n * u]);
                }
                Some(next) => {
                    let outer = &shape.layers[l + 1];
                    let weights = View::columns(outer.part(theta), outer.units, u);
                    let next_delta = View::columns(&next.delta, n, outer.units);
                    product(next_delta, weights, Update::Replace, ViewMut::columns(pull, n, u));
                    if outer.skip {
                        vector::add_scaled(pull, 1.0, &next.pull[..n * u]);
                    }
                }
            }
            slices::multiply(slope, pull, delta);
            if !vector::all_finite(delta) {
                return Err(NetworkError::NotFinite { layer: l + 1, what: "backpropagated signals" });
            }
        }
        Ok(())
    }

    /// Adds ã^{l−1 ᵀ} δ^l of all layers to `gradient`, after a backward pass.
    pub(crate) fn add_gradient(&self, shape: &Shape, chunk: &Chunk, gradient: &mut [f64]) {
        let n = self.rows;
        for (l, layer) in shape.layers.iter().enumerate() {
            let (q, u) = (layer.rows(), layer.units);
            let input = if l == 0 { chunk.input() } else { &self.layers[l - 1].a };
            let delta = View::columns(&self.layers[l].delta, n, u).transpose();
            let out = ViewMut::columns(layer.part_mut(gradient), u, q);
            product(delta, View::columns(input, n, q), Update::Add, out);
        }
    }
}
