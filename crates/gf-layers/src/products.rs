//! Products of the Hessian and of the Gauss–Newton matrix with vectors: the R-operator over one chunk.
//!
//! **Recurrence**, for a direction V laid out like θ, with R x the derivative of x along V:
//! Rz^l = Rã^{l−1} Θ^l + ã^{l−1} V^l and Ra = f'⊙Rz forward, Rδ^L = f'⊙B(f'⊙Rz) + bend⊙Rz and
//! Rδ^l = f'⊙(Rδ^{l+1} Wᵀ + δ^{l+1} V_Wᵀ) + bend⊙Rz backward, with bend = f''⊙∂L/∂a;
//! (HV)^l = Rã^{l−1 ᵀ} δ^l + ã^{l−1 ᵀ} Rδ^l.
//! With δ = 0 (which also removes bend) the same pass gives the Gauss–Newton product.
//!
//! **Cost** of a Hessian product: about twice a value with its gradient.
//!
//! **Reference**: Pearlmutter, *Fast exact multiplication by the Hessian* (1994); Schraudolph (2002) for the Gauss–Newton form.

use gf_linalg::{Update, View, ViewMut, product, slices};

use crate::{Loss, chunk::Chunk, shape::Shape, tape::Tape};

/// Which matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curvature {
    Hessian,
    GaussNewton,
}

/// Scratch for one chunk.
#[derive(Debug)]
pub(crate) struct Products {
    /// V column by column.
    direction_columns: Vec<f64>,
    /// Rz and Ra of each layer.
    layers: Vec<(Vec<f64>, Vec<f64>)>,
    /// R ∂L/∂a, R δ of this layer and of the next.
    pull: Vec<f64>,
    delta: Vec<f64>,
    next_delta: Vec<f64>,
    scratch: Vec<f64>,
}

/// What a product is taken of: everything but the direction.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) loss: &'a Loss,
    pub(crate) scale: f64,
    pub(crate) theta: &'a [f64],
    pub(crate) theta_columns: &'a [f64],
    pub(crate) chunk: &'a Chunk,
    pub(crate) tape: &'a Tape,
}

impl Products {
    /// Room for `capacity` samples.
    pub(crate) fn new(shape: &Shape, capacity: usize) -> Self {
        let numbers = capacity * shape.widest();
        let layer = |units: usize| (vec![0.0; capacity * units], vec![0.0; capacity * units]);
        Self {
            direction_columns: vec![0.0; shape.dim()],
            layers: shape.layers.iter().map(|l| layer(l.units)).collect(),
            pull: vec![0.0; numbers],
            delta: vec![0.0; numbers],
            next_delta: vec![0.0; numbers],
            scratch: vec![0.0; capacity],
        }
    }

    /// Takes the direction V for the chunks to come.
    pub(crate) fn set_direction(&mut self, shape: &Shape, v: &[f64]) {
        shape.transpose(v, &mut self.direction_columns);
    }

    /// Writes or adds this chunk's part of the product with `v` (which [`Products::set_direction`] has seen) to `out`.
    pub(crate) fn apply(&mut self, of: Curvature, at: Operands<'_>, v: &[f64], update: Update, out: &mut [f64]) {
        self.forward(at);
        self.backward(of, at, v, update, out);
    }

    fn forward(&mut self, at: Operands<'_>) {
        let n = at.tape.rows;
        for (l, layer) in at.shape.layers.iter().enumerate() {
            let (q, u) = (layer.rows(), layer.units);
            let (before, rest) = self.layers.split_at_mut(l);
            let (z, a) = (&mut rest[0].0[..n * u], &mut rest[0].1[..n * u]);
            let input = View::columns(at.tape.input(at.shape, at.chunk, l), n, q);
            let direction = View::columns(layer.part(&self.direction_columns), q, u);
            product(input, direction, Update::Replace, ViewMut::columns(z, n, u));
            if let Some((_, a)) = before.last() {
                let weights = View::strided(layer.part(at.theta_columns), layer.inputs, u, q);
                product(View::columns(a, n, layer.inputs), weights, Update::Add, ViewMut::columns(z, n, u));
            }
            match at.tape.slope(at.shape, l) {
                Some(slope) => slices::multiply(slope, z, a),
                None => a.copy_from_slice(z),
            }
        }
    }

    fn backward(&mut self, of: Curvature, at: Operands<'_>, v: &[f64], update: Update, out: &mut [f64]) {
        let (n, shape) = (at.tape.rows, at.shape);
        for (l, layer) in shape.layers.iter().enumerate().rev() {
            let (q, u) = (layer.rows(), layer.units);
            let pull = &mut self.pull[..n * u];
            if let Some(outer) = shape.layers.get(l + 1) {
                let weights = View::columns(outer.part(at.theta), outer.units, u);
                let delta = View::columns(&self.next_delta, n, outer.units);
                product(delta, weights, Update::Replace, ViewMut::columns(pull, n, u));
                if of == Curvature::Hessian {
                    let direction = View::columns(outer.part(v), outer.units, u);
                    let delta = View::columns(at.tape.delta(shape, l + 1), n, outer.units);
                    product(delta, direction, Update::Add, ViewMut::columns(pull, n, u));
                }
            } else {
                pull.copy_from_slice(&self.layers[l].1[..n * u]);
                let outputs = at.chunk.with_outputs(shape, at.tape.outputs(shape), at.scale);
                at.loss.apply_curvature(outputs, at.tape.curvature(shape), &mut self.scratch, pull);
            }
            let delta = &mut self.delta[..n * u];
            match at.tape.slope(shape, l) {
                Some(slope) => slices::multiply(slope, pull, delta),
                None => delta.copy_from_slice(pull),
            }
            if let (Curvature::Hessian, Some(bend)) = (of, at.tape.bend(shape, l)) {
                slices::multiply_add(bend, &self.layers[l].0[..n * u], delta);
            }
            let part = layer.part_mut(out);
            let input = View::columns(at.tape.input(shape, at.chunk, l), n, q);
            product(View::columns(delta, n, u).transpose(), input, update, ViewMut::columns(part, u, q));
            if l > 0 && of == Curvature::Hessian {
                let delta = View::columns(at.tape.delta(shape, l), n, u).transpose();
                let moved = View::columns(&self.layers[l - 1].1, n, layer.inputs);
                product(delta, moved, Update::Add, ViewMut::columns(part, u, layer.inputs));
            }
            std::mem::swap(&mut self.delta, &mut self.next_delta);
        }
    }
}
