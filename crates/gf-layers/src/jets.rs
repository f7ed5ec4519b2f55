//! Third derivatives over one chunk: forward and backward pass with the parameters θ + ε_u u + ε_v v, where ε_u² = ε_v² = 0.
//!
//! Every number becomes a jet of four components: of 1, ε_u, ε_v and ε_u ε_v. The last one of the gradient at the jet is
//! ∇(uᵀ∇²L v), exactly. Values stand in the order 1, ε_u, ε_v, ε_u ε_v one under the other, 4n × d; adjoints in the reverse order. So
//! whatever multiplies jets by θ is one product that is four times as tall, and with both orders the last component of ãᵀδ is a single
//! product too: Σ over all 4n rows pairs ε_u ε_v with 1 and ε_u with ε_v.

use gf_linalg::{Update, View, ViewMut, product};

use crate::{
    Loss,
    chunk::Chunk,
    loss::SCRATCH,
    shape::{LayerShape, Shape},
};

/// Components of a jet.
const COMPONENTS: usize = 4;

/// What the forward pass leaves of one layer.
#[derive(Debug)]
struct LayerJets {
    /// 4n × units.
    z: Vec<f64>,
    /// ã: 4n × (units + 1); the column of ones is a constant, 1 in the first component and 0 in the others.
    a: Vec<f64>,
    /// f, f', f'' and f''' at the first component of z, n × units each.
    derivatives: [Vec<f64>; 4],
}

/// Room for one chunk. Nothing allocates after construction.
#[derive(Debug)]
pub(crate) struct Jets {
    layers: Vec<LayerJets>,
    /// ∂L/∂a of this layer and of the one before, and δ: 4n × units, in reverse order.
    pull: Vec<f64>,
    next_pull: Vec<f64>,
    delta: Vec<f64>,
    /// First component of the outputs, ∂ℓ/∂a^L and the loss Hessian, n × K.
    outputs: Vec<f64>,
    gradient: Vec<f64>,
    curvature: Vec<f64>,
    scratch: Vec<f64>,
}

/// Where and along what: everything but the chunk.
#[derive(Clone, Copy)]
pub(crate) struct Directions<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) loss: &'a Loss,
    pub(crate) scale: f64,
    pub(crate) theta: &'a [f64],
    pub(crate) u: &'a [f64],
    pub(crate) v: &'a [f64],
}

impl Jets {
    /// Room for `capacity` samples.
    pub(crate) fn new(shape: &Shape, capacity: usize) -> Self {
        let numbers = |units: usize| vec![0.0; capacity * units];
        let layer = |layer: &LayerShape| LayerJets {
            z: numbers(COMPONENTS * layer.units),
            a: numbers(COMPONENTS * (layer.units + 1)),
            derivatives: [(); 4].map(|()| numbers(layer.units)),
        };
        let widest = COMPONENTS * shape.widest();
        let outputs = shape.last().units;
        Self {
            layers: shape.layers.iter().map(layer).collect(),
            pull: numbers(widest),
            next_pull: numbers(widest),
            delta: numbers(widest),
            outputs: numbers(outputs),
            gradient: numbers(outputs),
            curvature: numbers(outputs),
            scratch: numbers(SCRATCH),
        }
    }

    /// Writes or adds this chunk's part of ∇(uᵀ∇²L v) to `out`, p numbers.
    pub(crate) fn contract(&mut self, at: Directions<'_>, chunk: &Chunk, update: Update, out: &mut [f64]) {
        self.forward(at, chunk);
        self.loss(at, chunk);
        self.backward(at, chunk, update, out);
    }

    fn forward(&mut self, at: Directions<'_>, chunk: &Chunk) {
        let n = chunk.rows;
        let tall = COMPONENTS * n;
        for (l, layer) in at.shape.layers.iter().enumerate() {
            let (q, units) = (layer.rows(), layer.units);
            let (before, rest) = self.layers.split_at_mut(l);
            let LayerJets { z, a, derivatives } = &mut rest[0];
            let (z, a) = (&mut z[..tall * units], &mut a[..tall * (units + 1)]);
            let (a, ones) = a.split_at_mut(tall * units);
            let weights = |of| View::columns(layer.part(of), units, q).transpose();
            match before.last() {
                // The samples are constants: only their first component is stored.
                None => {
                    let input = View::columns(chunk.input(), n, q);
                    for (along, to) in [(at.theta, 0), (at.u, 1), (at.v, 2)] {
                        let z = ViewMut::strided(&mut z[to * n..], n, units, tall);
                        product(input, weights(along), Update::Replace, z);
                    }
                    z.chunks_exact_mut(tall).for_each(|z| z[3 * n..].fill(0.0));
                }
                Some(before) => {
                    let input = View::columns(&before.a, tall, q);
                    product(input, weights(at.theta), Update::Replace, ViewMut::columns(z, tall, units));
                    let mut add = |from: usize, along, to: usize| {
                        let from = View::strided(&before.a[from * n..], n, q, tall);
                        product(from, weights(along), Update::Add, ViewMut::strided(&mut z[to * n..], n, units, tall));
                    };
                    add(0, at.u, 1);
                    add(0, at.v, 2);
                    add(1, at.v, 3);
                    add(2, at.u, 3);
                }
            }
            differentiate(layer, n, z, derivatives);
            apply_activation(n, z, derivatives, a);
            if layer.skip {
                match before.last() {
                    None => {
                        for (a, x) in a.chunks_exact_mut(tall).zip(chunk.input().chunks_exact(n)) {
                            add_to(&mut a[..n], x);
                        }
                    }
                    Some(before) => add_to(a, &before.a[..tall * units]),
                }
            }
            ones[..n].fill(1.0);
            ones[n..].fill(0.0);
        }
    }

    /// The jet of ∂L/∂a^L, from that of a^L.
    fn loss(&mut self, at: Directions<'_>, chunk: &Chunk) {
        let n = chunk.rows;
        let (tall, units) = (COMPONENTS * n, at.shape.last().units);
        let a = &self.layers[at.shape.layers.len() - 1].a;
        let pull = &mut self.pull[..tall * units];
        for (c, a) in a.chunks_exact(tall).take(units).enumerate() {
            self.outputs[c * n..][..n].copy_from_slice(&a[..n]);
            for (pull, a) in pull[c * tall..][..tall].chunks_exact_mut(n).zip(a.chunks_exact(n).rev()) {
                pull.copy_from_slice(a);
            }
        }
        let (gradient, curvature) = (&mut self.gradient[..n * units], &mut self.curvature[..n * units]);
        let outputs = chunk.with_outputs(at.shape, &self.outputs, at.scale);
        at.loss.derivatives(outputs, &mut self.scratch, gradient, curvature);
        at.loss.apply_jet(outputs, gradient, curvature, &mut self.scratch, pull);
    }

    fn backward(&mut self, at: Directions<'_>, chunk: &Chunk, update: Update, out: &mut [f64]) {
        let n = chunk.rows;
        let tall = COMPONENTS * n;
        for (l, layer) in at.shape.layers.iter().enumerate().rev() {
            let (q, units, inputs) = (layer.rows(), layer.units, layer.inputs);
            let (pull, delta) = (&self.pull[..tall * units], &mut self.delta[..tall * units]);
            let LayerJets { z, derivatives, .. } = &self.layers[l];
            pull_through_activation(n, z, derivatives, pull, delta);
            let part = ViewMut::columns(layer.part_mut(out), units, q);
            let Some(before) = l.checked_sub(1) else {
                let delta = View::strided(delta, n, units, tall).transpose();
                product(delta, View::columns(chunk.input(), n, q), update, part);
                return;
            };
            let before = View::columns(&self.layers[before].a, tall, q);
            product(View::columns(delta, tall, units).transpose(), before, update, part);
            let weights = |of| View::columns(layer.part(of), units, inputs);
            let next = &mut self.next_pull[..tall * inputs];
            let delta = &self.delta;
            product(
                View::columns(delta, tall, units),
                weights(at.theta),
                Update::Replace,
                ViewMut::columns(next, tall, inputs),
            );
            let mut add = |from: usize, along, to: usize| {
                let from = View::strided(&delta[from * n..], n, units, tall);
                product(from, weights(along), Update::Add, ViewMut::strided(&mut next[to * n..], n, inputs, tall));
            };
            add(3, at.u, 2);
            add(3, at.v, 1);
            add(2, at.v, 0);
            add(1, at.u, 0);
            if layer.skip {
                add_to(next, pull);
            }
            std::mem::swap(&mut self.pull, &mut self.next_pull);
        }
    }
}

/// f and its derivatives at the first component of z.
fn differentiate(layer: &LayerShape, n: usize, z: &[f64], [value, slope, bend, third]: &mut [Vec<f64>; 4]) {
    for (j, z) in z.chunks_exact(COMPONENTS * n).enumerate() {
        let z = &z[..n];
        let unit = j * n..(j + 1) * n;
        let (value, slope) = (&mut value[unit.clone()], &mut slope[unit.clone()]);
        let (bend, third) = (&mut bend[unit.clone()], &mut third[unit]);
        layer.activation.value(z, value);
        layer.activation.slope(z, value, slope);
        layer.activation.bend(z, value, slope, bend);
        layer.activation.third(z, slope, bend, third);
    }
}

/// The jet of f(z).
fn apply_activation(n: usize, z: &[f64], [value, slope, bend, _]: &[Vec<f64>; 4], a: &mut [f64]) {
    let tall = COMPONENTS * n;
    for (j, (z, a)) in z.chunks_exact(tall).zip(a.chunks_exact_mut(tall)).enumerate() {
        let [_, zu, zv, zuv] = components(n, z);
        let [value, slope, bend] = [value, slope, bend].map(|x| &x[j * n..][..n]);
        let (first, rest) = a.split_at_mut(n);
        first.copy_from_slice(value);
        let (au, rest) = rest.split_at_mut(n);
        let (av, auv) = rest.split_at_mut(n);
        for i in 0..n {
            au[i] = slope[i] * zu[i];
            av[i] = slope[i] * zv[i];
            auv[i] = slope[i] * zuv[i] + bend[i] * (zu[i] * zv[i]);
        }
    }
}

/// The jet of δ = f'(z)⊙∂L/∂a; both adjoints in reverse order.
fn pull_through_activation(
    n: usize,
    z: &[f64],
    [_, slope, bend, third]: &[Vec<f64>; 4],
    pull: &[f64],
    delta: &mut [f64],
) {
    let tall = COMPONENTS * n;
    let units = pull.chunks_exact(tall).zip(delta.chunks_exact_mut(tall)).enumerate();
    for ((j, (pull, delta)), z) in units.zip(z.chunks_exact(tall)) {
        let [_, zu, zv, zuv] = components(n, z);
        let [guv, gv, gu, g] = components(n, pull);
        let [slope, bend, third] = [slope, bend, third].map(|x| &x[j * n..][..n]);
        let (duv, rest) = delta.split_at_mut(n);
        let (dv, rest) = rest.split_at_mut(n);
        let (du, d) = rest.split_at_mut(n);
        for i in 0..n {
            let (su, sv) = (bend[i] * zu[i], bend[i] * zv[i]);
            let suv = bend[i] * zuv[i] + third[i] * (zu[i] * zv[i]);
            d[i] = slope[i] * g[i];
            du[i] = slope[i] * gu[i] + su * g[i];
            dv[i] = slope[i] * gv[i] + sv * g[i];
            duv[i] = slope[i] * guv[i] + su * gv[i] + sv * gu[i] + suv * g[i];
        }
    }
}

fn components(n: usize, x: &[f64]) -> [&[f64]; COMPONENTS] {
    std::array::from_fn(|k| &x[k * n..][..n])
}

fn add_to(out: &mut [f64], x: &[f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out += x;
    }
}
