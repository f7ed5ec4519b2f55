//! Identity layers merged with the layer that follows, where that is less work.
//!
//! Two affine maps in a row are one: with Θ = \[W; b\] of an identity layer and Θ' = \[W'; b'\] of the next, z' = ã Φ with
//! Φ = Θ W' + \[0; b'\]. L is then a function g of the merged parameters φ(θ), and with J = ∂φ/∂θ
//!
//! ∇L = Jᵀ∇g, ∇²L = Jᵀ ∇²g J + Σ ∂g/∂Φ ∂²Φ, G = Jᵀ G_g J:
//!
//! exact, and the sums over samples run over the parameters of g alone. The last term couples Θ with W' only:
//! ∂²L/∂Θ_aj ∂W'_kr gets \[j = k\] ∂g/∂Φ_ar.
//!
//! The original network (2161 parameters, two of five hidden layers without activation) becomes one of 521.

mod expand;

pub(crate) use expand::Scratch;
use gf_linalg::{Update, View, ViewMut, product};

use crate::{
    Activation, Layer, Network,
    shape::{LayerShape, Shape},
};

/// What becomes of a layer.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// It stays, at `to` in φ.
    Same { layer: LayerShape, to: usize },
    /// Two become one.
    Pair(Pair),
}

/// An identity layer, the next one, and the layer that they become.
#[derive(Debug, Clone, Copy)]
struct Pair {
    first: LayerShape,
    second: LayerShape,
    merged: LayerShape,
}

/// The map φ of one network.
#[derive(Debug)]
pub(crate) struct Merge {
    parts: Vec<Part>,
    /// The merged network.
    pub(crate) shape: Shape,
}

impl Merge {
    /// The map of a network, if anything in it is worth merging.
    pub(crate) fn new(network: &Network) -> Option<Self> {
        let shape = Shape::new(network);
        let layers = &shape.layers;
        let mut merged = Network { input: network.input, layers: Vec::new() };
        let mut groups = Vec::new();
        let mut l = 0;
        while l < layers.len() {
            let pair = layers.get(l + 1).filter(|next| is_worth_merging(&layers[l], next));
            let last = pair.unwrap_or(&layers[l]);
            merged.layers.push(Layer { units: last.units, activation: last.activation, skip: last.skip });
            groups.push((layers[l], pair.copied()));
            l += 1 + usize::from(pair.is_some());
        }
        if groups.len() == layers.len() {
            return None;
        }
        let shape = Shape::new(&merged);
        let part = |((first, second), merged): (&(LayerShape, Option<LayerShape>), &LayerShape)| match second {
            Some(second) => Part::Pair(Pair { first: *first, second: *second, merged: *merged }),
            None => Part::Same { layer: *first, to: merged.offset },
        };
        Some(Self { parts: groups.iter().zip(&shape.layers).map(part).collect(), shape })
    }

    /// out = φ(θ).
    pub(crate) fn apply(&self, theta: &[f64], out: &mut [f64]) {
        for part in &self.parts {
            match part {
                Part::Same { layer, to } => out[*to..*to + layer.len()].copy_from_slice(layer.part(theta)),
                Part::Pair(pair) => {
                    let out = pair.merged.part_mut(out);
                    pair.compose(theta, theta, Update::Replace, out);
                    pair.add_bias(theta, out);
                }
            }
        }
    }

    /// out = J v.
    pub(crate) fn tangent(&self, theta: &[f64], v: &[f64], out: &mut [f64]) {
        for part in &self.parts {
            match part {
                Part::Same { layer, to } => out[*to..*to + layer.len()].copy_from_slice(layer.part(v)),
                Part::Pair(pair) => {
                    let out = pair.merged.part_mut(out);
                    pair.compose(v, theta, Update::Replace, out);
                    pair.compose(theta, v, Update::Add, out);
                    pair.add_bias(v, out);
                }
            }
        }
    }

    /// out = Jᵀ g.
    pub(crate) fn pull_back(&self, theta: &[f64], g: &[f64], out: &mut [f64]) {
        for part in &self.parts {
            match part {
                Part::Same { layer, to } => layer.part_mut(out).copy_from_slice(&g[*to..*to + layer.len()]),
                Part::Pair(pair) => {
                    let g = pair.merged.part(g);
                    pair.distribute(g, theta, Update::Replace, out);
                    let (rows, units) = (pair.merged.rows(), pair.merged.units);
                    pair.bias_mut(out).copy_from_slice(&g[(rows - 1) * units..]);
                }
            }
        }
    }

    /// out += (Σ gradient ∂²φ) v, `gradient` being ∇g.
    pub(crate) fn add_second_order(&self, gradient: &[f64], v: &[f64], out: &mut [f64]) {
        for part in &self.parts {
            if let Part::Pair(pair) = part {
                pair.distribute(pair.merged.part(gradient), v, Update::Add, out);
            }
        }
    }
}

impl Pair {
    /// Φ (rows × u', row-major) = or += Θ W' with Θ from `x` and W' from `y`.
    fn compose(&self, x: &[f64], y: &[f64], update: Update, out: &mut [f64]) {
        let (rows, inner, units) = (self.first.rows(), self.first.units, self.second.units);
        let weights = View::columns(self.second.part(y), units, inner);
        product(weights, View::columns(self.first.part(x), inner, rows), update, ViewMut::columns(out, units, rows));
    }

    /// The last row of Φ += b' from `x`.
    fn add_bias(&self, x: &[f64], out: &mut [f64]) {
        let bias = &self.second.part(x)[self.second.inputs * self.second.units..];
        for (out, b) in out[self.first.inputs * self.second.units..].iter_mut().zip(bias) {
            *out += b;
        }
    }

    /// b' of a vector laid out like θ.
    fn bias_mut<'a>(&self, x: &'a mut [f64]) -> &'a mut [f64] {
        &mut self.second.part_mut(x)[self.second.inputs * self.second.units..]
    }

    /// Θ part = or += g W'ᵀ and W' part = or += Θᵀ g, with Θ and W' from `x`.
    fn distribute(&self, g: &[f64], x: &[f64], update: Update, out: &mut [f64]) {
        let (rows, inner, units) = (self.first.rows(), self.first.units, self.second.units);
        let g = View::columns(g, units, rows);
        let weights = View::columns(self.second.part(x), units, inner).transpose();
        product(weights, g, update, ViewMut::columns(self.first.part_mut(out), inner, rows));
        let first = View::columns(self.first.part(x), inner, rows).transpose();
        product(g, first, update, ViewMut::columns(self.second.part_mut(out), units, inner));
    }
}

/// Fewer products a sample in one layer than in two.
fn is_worth_merging(first: &LayerShape, second: &LayerShape) -> bool {
    let is_plain = !first.skip && !second.skip && first.activation == Activation::Identity;
    is_plain && first.rows() * second.units < first.len() + second.len()
}
