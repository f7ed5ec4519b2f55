//! The forward and backward pass over one chunk, and what they leave behind.

use gf_linalg::{Aligned, Finish, Update, View, ViewMut, product, slices, sum_of_products};

use crate::{
    Loss,
    chunk::Chunk,
    loss::SCRATCH,
    shape::{LayerShape, Shape},
};

/// What is known of one layer; feature-major arrays of rows × units, `rows` of the last forward pass.
#[derive(Debug, Default)]
struct LayerTape {
    z: Aligned,
    /// f(z), of which derivatives are made, where a skip connection makes a another number; elsewhere empty, and a is f(z).
    f: Aligned,
    /// ã: a with a column of ones.
    a: Aligned,
    /// f'(z); unset where the activation is the identity, empty without a backward pass.
    slope: Aligned,
    /// ∂L/∂a.
    pull: Aligned,
    /// δ = ∂L/∂z.
    delta: Aligned,
    /// f''(z)⊙∂L/∂a; unset where the activation is piecewise linear.
    bend: Aligned,
}

/// The passes over one chunk.
#[derive(Debug)]
pub(crate) struct Tape {
    pub(crate) rows: usize,
    capacity: usize,
    layers: Vec<LayerTape>,
    /// The loss Hessian in the outputs, as [`Loss::derivatives`] gives it.
    curvature: Vec<f64>,
    scratch: Vec<f64>,
}

impl Tape {
    /// Room for the forward pass over `capacity` samples.
    pub(crate) fn new(shape: &Shape, capacity: usize) -> Self {
        let layer = |layer: &LayerShape| LayerTape {
            z: Aligned::zeros(capacity * layer.units),
            f: Aligned::zeros(if layer.skip { capacity * layer.units } else { 0 }),
            a: Aligned::zeros(capacity * (layer.units + 1)),
            ..LayerTape::default()
        };
        Self {
            rows: 0,
            capacity,
            layers: shape.layers.iter().map(layer).collect(),
            curvature: Vec::new(),
            scratch: vec![0.0; SCRATCH * capacity],
        }
    }

    /// Room for the backward pass too.
    pub(crate) fn with_backward(shape: &Shape, capacity: usize) -> Self {
        let mut tape = Self::new(shape, capacity);
        for layer in &mut tape.layers {
            let numbers = layer.z.len();
            layer.slope.grow(numbers);
            layer.pull.grow(numbers);
            layer.delta.grow(numbers);
        }
        tape.curvature.resize(capacity * shape.last().units, 0.0);
        tape
    }

    /// The most samples there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Numbers of a sample in a chunk and in its passes.
    pub(crate) fn numbers_a_sample(shape: &Shape) -> usize {
        // z, a, f', ∂L/∂a, δ and f''⊙∂L/∂a of every unit, and f(z) of some.
        let numbers = |layer: &LayerShape| (6 + usize::from(layer.skip)) * (layer.units + 1);
        shape.inputs() + shape.layers.iter().map(numbers).sum::<usize>()
    }

    fn column_range(&self, numbers_a_row: usize) -> std::ops::Range<usize> {
        0..self.rows * numbers_a_row
    }

    /// ã^{l−1}, the input of layer `l` (from 0) with its column of ones: rows × (inputs + 1).
    pub(crate) fn input<'a>(&'a self, shape: &Shape, chunk: &'a Chunk, l: usize) -> &'a [f64] {
        let from = if l == 0 { chunk.input() } else { &self.layers[l - 1].a };
        &from[self.column_range(shape.layers[l].rows())]
    }

    /// f'(z) of layer `l`, or none where it is 1.
    pub(crate) fn slope(&self, shape: &Shape, l: usize) -> Option<&[f64]> {
        let layer = &shape.layers[l];
        (!is_identity(layer)).then(|| &self.layers[l].slope[self.column_range(layer.units)])
    }

    /// f''(z)⊙∂L/∂a of layer `l`, or none where it is 0.
    pub(crate) fn bend(&self, shape: &Shape, l: usize) -> Option<&[f64]> {
        let layer = &shape.layers[l];
        (!layer.activation.is_piecewise_linear()).then(|| &self.layers[l].bend[self.column_range(layer.units)])
    }

    /// δ of layer `l`.
    pub(crate) fn delta(&self, shape: &Shape, l: usize) -> &[f64] {
        &self.layers[l].delta[self.column_range(shape.layers[l].units)]
    }

    /// The outputs a^L.
    pub(crate) fn outputs(&self, shape: &Shape) -> &[f64] {
        &self.layers[shape.layers.len() - 1].a[self.column_range(shape.last().units)]
    }

    /// What [`Loss::derivatives`] gave.
    pub(crate) fn curvature(&self, shape: &Shape) -> &[f64] {
        &self.curvature[self.column_range(shape.last().units)]
    }

    /// z = ã Θ and a = f(z), or f(z) + a^{l−1}, layer after layer; f'(z) too in a tape with a backward pass.
    pub(crate) fn forward(&mut self, shape: &Shape, theta: &[f64], chunk: &Chunk) {
        let n = chunk.rows;
        debug_assert!(n <= self.capacity);
        self.rows = n;
        for (l, layer) in shape.layers.iter().enumerate() {
            let (before, rest) = self.layers.split_at_mut(l);
            let input = before.last().map_or(chunk.input(), |layer| &layer.a);
            let (q, u) = (layer.rows(), layer.units);
            let LayerTape { z, f, a, slope, .. } = &mut rest[0];
            let (z, a) = (&mut z[..n * u], &mut a[..n * (u + 1)]);
            let has_slope = !slope.is_empty() && !is_identity(layer);
            let slope = if has_slope { &mut slope[..n * u] } else { &mut [] };
            let weights = View::columns(layer.part(theta), u, q).transpose();
            product(View::columns(input, n, q), weights, Update::Replace, ViewMut::columns(z, n, u));
            let (a, ones) = a.split_at_mut(n * u);
            if layer.skip {
                value_and_slope(layer, z, &mut f[..n * u], slope);
                for (a, (f, input)) in a.iter_mut().zip(f.iter().zip(input)) {
                    *a = f + input;
                }
            } else {
                value_and_slope(layer, z, a, slope);
            }
            ones.fill(1.0);
        }
    }

    /// This chunk's part of the loss, after a forward pass.
    pub(crate) fn loss(&mut self, shape: &Shape, loss: &Loss, chunk: &Chunk, scale: f64) -> f64 {
        let outputs = &self.layers[shape.layers.len() - 1].a;
        loss.value(chunk.with_outputs(shape, outputs, scale), &mut self.scratch)
    }

    /// ∂L/∂a and δ of all layers and the loss Hessian, after a forward pass. Returns this chunk's part of the loss.
    pub(crate) fn backward(&mut self, shape: &Shape, theta: &[f64], loss: &Loss, chunk: &Chunk, scale: f64) -> f64 {
        let n = self.rows;
        let mut value = 0.0;
        for (l, layer) in shape.layers.iter().enumerate().rev() {
            let u = layer.units;
            let (before, after) = self.layers.split_at_mut(l + 1);
            let tape = &mut before[l];
            let a = &tape.a[..n * u];
            let (slope, pull, delta) = (&tape.slope[..n * u], &mut tape.pull[..n * u], &mut tape.delta[..n * u]);
            let is_identity = is_identity(layer);
            let Some(next) = after.first() else {
                let curvature = &mut self.curvature[..n * u];
                let outputs = chunk.with_outputs(shape, a, scale);
                value = loss.derivatives(outputs, &mut self.scratch, pull, curvature);
                if is_identity {
                    delta.copy_from_slice(pull)
                } else {
                    slices::multiply(slope, pull, delta)
                }
                continue;
            };
            let outer = &shape.layers[l + 1];
            let from_next =
                [(View::columns(&next.delta, n, outer.units), View::columns(outer.part(theta), outer.units, u))];
            if is_identity || outer.skip {
                let update = if outer.skip { Update::Add } else { Update::Replace };
                if outer.skip {
                    pull.copy_from_slice(&next.pull[..n * u]);
                }
                sum_of_products(&from_next, Finish::Store(update), ViewMut::columns(pull, n, u));
                if is_identity { delta.copy_from_slice(pull) } else { slices::multiply(slope, pull, delta) }
            } else {
                let finish = Finish::Scale { x: View::columns(slope, n, u), sums: Some(ViewMut::columns(pull, n, u)) };
                sum_of_products(&from_next, finish, ViewMut::columns(delta, n, u));
            }
        }
        value
    }

    /// Writes or adds ã^{l−1 ᵀ} δ^l of all layers to `gradient`, after a backward pass.
    pub(crate) fn gradient(&self, shape: &Shape, chunk: &Chunk, update: Update, gradient: &mut [f64]) {
        let n = self.rows;
        for (l, layer) in shape.layers.iter().enumerate() {
            let (q, u) = (layer.rows(), layer.units);
            let delta = View::columns(self.delta(shape, l), n, u).transpose();
            let input = View::columns(self.input(shape, chunk, l), n, q);
            product(delta, input, update, ViewMut::columns(layer.part_mut(gradient), u, q));
        }
    }

    /// f''⊙∂L/∂a of all layers, after a backward pass. The first call allocates.
    pub(crate) fn linearize(&mut self, shape: &Shape) {
        for (layer, tape) in shape.layers.iter().zip(&mut self.layers) {
            if layer.activation.is_piecewise_linear() {
                continue;
            }
            tape.bend.grow(tape.z.len());
            let used = self.rows * layer.units;
            let f = if layer.skip { &tape.f } else { &tape.a };
            for start in (0..used).step_by(BLOCK) {
                let block = start..(start + BLOCK).min(used);
                let bend = &mut tape.bend[block.clone()];
                layer.activation.bend(&tape.z[block.clone()], &f[block.clone()], &tape.slope[block.clone()], bend);
                slices::update(&tape.pull[block], bend, |pull, bend| bend * pull);
            }
        }
    }

    /// The outputs (rows × K, row-major) for `inputs` (rows × inputs, row-major), any number of them, through `chunk`.
    pub(crate) fn predict(
        &mut self,
        shape: &Shape,
        theta: &[f64],
        chunk: &mut Chunk,
        inputs: &[f64],
        outputs: &mut [f64],
    ) {
        let (width, units) = (shape.inputs(), shape.last().units);
        let size = self.capacity.max(1);
        for (inputs, outputs) in inputs.chunks(size * width).zip(outputs.chunks_mut(size * units)) {
            let n = inputs.len() / width;
            chunk.set_inputs(width, n, |i| &inputs[i * width..][..width]);
            self.forward(shape, theta, chunk);
            for (c, column) in self.outputs(shape).chunks_exact(n).enumerate() {
                for (i, o) in column.iter().enumerate() {
                    outputs[i * units + c] = *o;
                }
            }
        }
    }
}

/// Numbers that pass through several functions while they are in the first-level cache.
const BLOCK: usize = 512;

/// f(z), and f'(z) unless `slope` is empty.
fn value_and_slope(layer: &LayerShape, z: &[f64], f: &mut [f64], slope: &mut [f64]) {
    if slope.is_empty() {
        return layer.activation.value(z, f);
    }
    for ((z, f), slope) in z.chunks(BLOCK).zip(f.chunks_mut(BLOCK)).zip(slope.chunks_mut(BLOCK)) {
        layer.activation.value(z, f);
        layer.activation.slope(z, f, slope);
    }
}

fn is_identity(layer: &LayerShape) -> bool {
    layer.activation == crate::Activation::Identity
}
