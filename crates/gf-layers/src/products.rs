//! Products of the Hessian and of the Gauss–Newton matrix with k vectors at once: the R-operator over one chunk.
//!
//! **Recurrence**, for a direction V laid out like θ, with R x the derivative of x along V:
//! Rz^l = Rã^{l−1} Θ^l + ã^{l−1} V^l and Ra = f'⊙Rz forward, Rδ^L = f'⊙B(f'⊙Rz) + bend⊙Rz and
//! Rδ^l = f'⊙(Rδ^{l+1} Wᵀ + δ^{l+1} V_Wᵀ) + bend⊙Rz backward, with bend = f''⊙∂L/∂a;
//! (HV)^l = Rã^{l−1 ᵀ} δ^l + ã^{l−1 ᵀ} Rδ^l.
//! Where layer l has a skip connection, Ra^l gets Ra^{l−1} (that of the inputs is 0) and R ∂L/∂a^{l−1} = Rδ^l Wᵀ + δ^l V_Wᵀ gets
//! R ∂L/∂a^l.
//! With δ = 0 (which also removes bend) the same pass gives the Gauss–Newton product.
//!
//! **Layout**: the numbers of one unit are contiguous, direction after direction, samples innermost. So the products with Θ and W run
//! over all directions at once, k times as tall.
//!
//! **Cost** of a Hessian product: about twice a value with its gradient.
//!
//! **Reference**: Pearlmutter, *Fast exact multiplication by the Hessian* (1994); Schraudolph (2002) for the Gauss–Newton form.

use gf_core::vector;
use gf_linalg::{Aligned, Update, View, ViewMut, product, slices};

use crate::{Loss, chunk::Chunk, shape::Shape, tape::Tape};

/// Which matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curvature {
    Hessian,
    GaussNewton,
}

/// Numbers in Rz of all layers (256 KiB): with Ra and the tape they stay in the second-level cache.
const TALL: usize = 32 << 10;

/// Directions that one pass over `rows` samples takes.
pub(crate) fn directions_at_a_time(shape: &Shape, rows: usize) -> usize {
    let units: usize = shape.layers.iter().map(|layer| layer.units).sum();
    (TALL / (rows * units).max(1)).max(1)
}

/// Scratch for one chunk. The first product, and the first of a wider block, allocate.
#[derive(Debug, Default)]
pub(crate) struct Products {
    /// Rz and Ra of each layer.
    layers: Vec<(Aligned, Aligned)>,
    /// R ∂L/∂a, R δ of this layer and of the next.
    pull: Aligned,
    delta: Aligned,
    next_delta: Aligned,
    scratch: Vec<f64>,
}

/// What a product is taken of: everything but the direction.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) loss: &'a Loss,
    pub(crate) scale: f64,
    pub(crate) theta: &'a [f64],
    pub(crate) chunk: &'a Chunk,
    pub(crate) tape: &'a Tape,
}

impl Products {
    /// Makes room for `numbers` = samples × directions.
    fn reserve(&mut self, shape: &Shape, numbers: usize, rows: usize) {
        self.layers.resize_with(shape.layers.len(), Default::default);
        for (layer, (z, a)) in shape.layers.iter().zip(&mut self.layers) {
            z.grow(numbers * layer.units);
            a.grow(numbers * layer.units);
        }
        for buffer in [&mut self.pull, &mut self.delta, &mut self.next_delta] {
            buffer.grow(numbers * shape.widest());
        }
        if self.scratch.len() < rows {
            self.scratch.resize(rows, 0.0);
        }
    }

    /// Writes or adds this chunk's part of the products with the vectors in `v` to `out`, both p numbers a vector.
    pub(crate) fn apply(&mut self, of: Curvature, at: Operands<'_>, v: &[f64], update: Update, out: &mut [f64]) {
        let count = v.len() / at.theta.len();
        self.reserve(at.shape, at.tape.rows * count, at.tape.rows);
        self.forward(at, v);
        self.backward(of, at, v, update, out);
    }

    fn forward(&mut self, at: Operands<'_>, v: &[f64]) {
        let n = at.tape.rows;
        let p = at.theta.len();
        let tall = n * (v.len() / p);
        for (l, layer) in at.shape.layers.iter().enumerate() {
            let (q, u) = (layer.rows(), layer.units);
            let (before, rest) = self.layers.split_at_mut(l);
            let (z, a) = (&mut rest[0].0[..tall * u], &mut rest[0].1[..tall * u]);
            let input = View::columns(at.tape.input(at.shape, at.chunk, l), n, q);
            for (d, direction) in v.chunks_exact(p).enumerate() {
                let direction = View::columns(layer.part(direction), u, q).transpose();
                product(input, direction, Update::Replace, ViewMut::strided(&mut z[d * n..], n, u, tall));
            }
            if let Some((_, a)) = before.last() {
                let weights = View::columns(layer.part(at.theta), u, layer.inputs).transpose();
                product(View::columns(a, tall, layer.inputs), weights, Update::Add, ViewMut::columns(z, tall, u));
            }
            match at.tape.slope(at.shape, l) {
                Some(slope) => each(slope, n, tall, z, a, slices::multiply),
                None => a.copy_from_slice(z),
            }
            if let (true, Some((_, before))) = (layer.skip, before.last()) {
                vector::add_scaled(a, 1.0, &before[..tall * u]);
            }
        }
    }

    fn backward(&mut self, of: Curvature, at: Operands<'_>, v: &[f64], update: Update, out: &mut [f64]) {
        let (n, shape) = (at.tape.rows, at.shape);
        let p = at.theta.len();
        let tall = n * (v.len() / p);
        for (l, layer) in shape.layers.iter().enumerate().rev() {
            let (q, u) = (layer.rows(), layer.units);
            let pull = &mut self.pull[..tall * u];
            if let Some(outer) = shape.layers.get(l + 1) {
                let weights = View::columns(outer.part(at.theta), outer.units, u);
                let delta = View::columns(&self.next_delta, tall, outer.units);
                // What stands there is R ∂L/∂a of the next layer, as wide as this one where it has a skip connection.
                let update = if outer.skip { Update::Add } else { Update::Replace };
                product(delta, weights, update, ViewMut::columns(pull, tall, u));
                if of == Curvature::Hessian {
                    let delta = View::columns(at.tape.delta(shape, l + 1), n, outer.units);
                    for (d, direction) in v.chunks_exact(p).enumerate() {
                        let direction = View::columns(outer.part(direction), outer.units, u);
                        product(delta, direction, Update::Add, ViewMut::strided(&mut pull[d * n..], n, u, tall));
                    }
                }
            } else {
                pull.copy_from_slice(&self.layers[l].1[..tall * u]);
                let outputs = at.chunk.with_outputs(shape, at.tape.outputs(shape), at.scale);
                at.loss.apply_curvature(outputs, at.tape.curvature(shape), tall / n, &mut self.scratch, pull);
            }
            let (z, delta) = (&self.layers[l].0[..tall * u], &mut self.delta[..tall * u]);
            let bend = at.tape.bend(shape, l).filter(|_| of == Curvature::Hessian);
            match (at.tape.slope(shape, l), bend) {
                (Some(slope), Some(bend)) => each_pair((slope, pull), (bend, z), n, tall, delta),
                (Some(slope), None) => each(slope, n, tall, pull, delta, slices::multiply),
                (None, _) => delta.copy_from_slice(pull),
            }
            let input = View::columns(at.tape.input(shape, at.chunk, l), n, q);
            for (d, out) in out.chunks_exact_mut(p).enumerate() {
                let part = layer.part_mut(out);
                let mine = View::strided(&delta[d * n..], n, u, tall).transpose();
                product(mine, input, update, ViewMut::columns(part, u, q));
                if l > 0 && of == Curvature::Hessian {
                    let delta = View::columns(at.tape.delta(shape, l), n, u).transpose();
                    let moved = View::strided(&self.layers[l - 1].1[d * n..], n, layer.inputs, tall);
                    product(delta, moved, Update::Add, ViewMut::columns(part, u, layer.inputs));
                }
            }
            std::mem::swap(&mut self.delta, &mut self.next_delta);
        }
    }
}

/// Applies `f(x, y, out)` with the n numbers of each unit in `x` to every direction of that unit.
fn each(x: &[f64], n: usize, tall: usize, y: &[f64], out: &mut [f64], f: impl Fn(&[f64], &[f64], &mut [f64])) {
    if tall == n {
        return f(x, y, out);
    }
    for (x, (y, out)) in x.chunks_exact(n).zip(y.chunks_exact(tall).zip(out.chunks_exact_mut(tall))) {
        for (y, out) in y.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            f(x, y, out);
        }
    }
}

/// out = x⊙y + u⊙v for every direction, the n numbers of each unit in `x` and in `u` being those of all directions.
fn each_pair((x, y): (&[f64], &[f64]), (u, v): (&[f64], &[f64]), n: usize, tall: usize, out: &mut [f64]) {
    if tall == n {
        return slices::combine(x, y, u, v, out);
    }
    let fixed = x.chunks_exact(n).zip(u.chunks_exact(n));
    let moving = y.chunks_exact(tall).zip(v.chunks_exact(tall)).zip(out.chunks_exact_mut(tall));
    for ((x, u), ((y, v), out)) in fixed.zip(moving) {
        for (out, (y, v)) in out.chunks_exact_mut(n).zip(y.chunks_exact(n).zip(v.chunks_exact(n))) {
            slices::combine(x, y, u, v, out);
        }
    }
}
