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
//! **Layout**: the numbers of one unit are contiguous, direction after direction, samples innermost. Both products of Rz, those of Rδ and those
//! of (HV)^l are one sum each, finished with f' and bend before it is written.
//!
//! **Cost** of a Hessian product: about twice a value with its gradient.
//!
//! **Reference**: Pearlmutter, *Fast exact multiplication by the Hessian* (1994); Schraudolph (2002) for the Gauss–Newton form.

use gf_core::vector;
use gf_linalg::{Aligned, Finish, Update, View, ViewMut, product, slices, sum_of_products};

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
            a.grow(numbers * (layer.units + 1));
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
            let (z, a) = (&mut rest[0].0[..tall * u], &mut rest[0].1[..tall * (u + 1)]);
            let input = View::columns(at.tape.input(at.shape, at.chunk, l), n, q);
            // Ra of the column of ones.
            let (a, of_ones) = a.split_at_mut(tall * u);
            of_ones.fill(0.0);
            let slope = at.tape.slope(at.shape, l).map(|slope| View::columns(slope, n, u));
            for (d, direction) in v.chunks_exact(p).enumerate() {
                let own = (input, View::columns(layer.part(direction), u, q).transpose());
                let from_before = before.last().map(|(_, a)| {
                    let weights = View::columns(layer.part(at.theta), u, layer.inputs).transpose();
                    (View::strided(&a[d * n..], n, layer.inputs, tall), weights)
                });
                let both;
                let pairs = match from_before {
                    Some(from_before) => {
                        both = [own, from_before];
                        &both[..]
                    }
                    None => &[own],
                };
                let z = ViewMut::strided(&mut z[d * n..], n, u, tall);
                match slope {
                    Some(x) => {
                        let a = ViewMut::strided(&mut a[d * n..], n, u, tall);
                        sum_of_products(pairs, Finish::Scale { x, sums: Some(z) }, a);
                    }
                    None => sum_of_products(pairs, Finish::Store(Update::Replace), z),
                }
            }
            if slope.is_none() {
                a.copy_from_slice(z);
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
            let (z, delta) = (&self.layers[l].0[..tall * u], &mut self.delta[..tall * u]);
            let slope = at.tape.slope(shape, l);
            let bend = at.tape.bend(shape, l).filter(|_| of == Curvature::Hessian);
            // Skip connections need R ∂L/∂a itself, of the next layer and of this one.
            let next = shape.layers.get(l + 1);
            let needs_pull = layer.skip || next.is_none_or(|next| next.skip);
            if let Some(outer) = next {
                let weights = View::columns(outer.part(at.theta), outer.units, u);
                for (d, direction) in v.chunks_exact(p).enumerate() {
                    let moved = View::strided(&self.next_delta[d * n..], n, outer.units, tall);
                    let fixed = View::columns(at.tape.delta(shape, l + 1), n, outer.units);
                    let pairs = [(moved, weights), (fixed, View::columns(outer.part(direction), outer.units, u))];
                    let pairs = if of == Curvature::Hessian { &pairs[..] } else { &pairs[..1] };
                    if needs_pull {
                        // What stands there is that of the next layer, as wide as this one where it has a skip connection.
                        let update = if outer.skip { Update::Add } else { Update::Replace };
                        let out = ViewMut::strided(&mut pull[d * n..], n, u, tall);
                        sum_of_products(pairs, Finish::Store(update), out);
                        continue;
                    }
                    let finish = match (slope, bend) {
                        (Some(slope), Some(bend)) => Finish::Combine {
                            x: View::columns(slope, n, u),
                            u: View::columns(bend, n, u),
                            v: View::strided(&z[d * n..], n, u, tall),
                        },
                        (Some(slope), None) => Finish::Scale { x: View::columns(slope, n, u), sums: None },
                        (None, _) => Finish::Store(Update::Replace),
                    };
                    sum_of_products(pairs, finish, ViewMut::strided(&mut delta[d * n..], n, u, tall));
                }
            } else {
                pull.copy_from_slice(&self.layers[l].1[..tall * u]);
                let outputs = at.chunk.with_outputs(shape, at.tape.outputs(shape), at.scale);
                at.loss.apply_curvature(outputs, at.tape.curvature(shape), tall / n, &mut self.scratch, pull);
            }
            if needs_pull {
                match (slope, bend) {
                    (Some(slope), Some(bend)) => each_pair((slope, pull), (bend, z), n, tall, delta),
                    (Some(slope), None) => each(slope, n, tall, pull, delta),
                    (None, _) => delta.copy_from_slice(pull),
                }
            }
            let input = View::columns(at.tape.input(shape, at.chunk, l), n, q);
            for (d, out) in out.chunks_exact_mut(p).enumerate() {
                let mine = (View::strided(&delta[d * n..], n, u, tall).transpose(), input);
                let out = ViewMut::columns(layer.part_mut(out), u, q);
                if l > 0 && of == Curvature::Hessian {
                    let delta = View::columns(at.tape.delta(shape, l), n, u).transpose();
                    let moved = View::strided(&self.layers[l - 1].1[d * n..], n, q, tall);
                    sum_of_products(&[mine, (delta, moved)], Finish::Store(update), out);
                } else {
                    product(mine.0, mine.1, update, out);
                }
            }
            std::mem::swap(&mut self.delta, &mut self.next_delta);
        }
    }
}

/// out = x⊙y for every direction, the n numbers of each unit in `x` being those of all directions.
fn each(x: &[f64], n: usize, tall: usize, y: &[f64], out: &mut [f64]) {
    for (x, (y, out)) in x.chunks_exact(n).zip(y.chunks_exact(tall).zip(out.chunks_exact_mut(tall))) {
        for (y, out) in y.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            slices::multiply(x, y, out);
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
