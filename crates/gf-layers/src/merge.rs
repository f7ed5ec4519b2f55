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

use gf_linalg::{Update, View, ViewMut, product};
use rayon::prelude::*;

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

    /// Overwrites the lower triangle of `out` (p × p column-major) with Jᵀ `inner` J, plus the second-order term where ∇g is given.
    /// `inner` is p' × p', column-major, both triangles.
    pub(crate) fn expand(
        &self,
        theta: &[f64],
        inner: &[f64],
        gradient: Option<&[f64]>,
        parallel: bool,
        out: &mut [f64],
    ) {
        let (p, size) = (theta.len(), self.shape.dim());
        let column = |scratch: &mut Vec<f64>, (c, column): (usize, &mut [f64])| {
            // Below the diagonal are rows of the column's own layer and of later ones.
            self.pull_back_from(theta, self.inner_column(theta, inner, c, scratch), c, column);
            if let Some(gradient) = gradient {
                self.add_coupling(gradient, c, column);
            }
        };
        debug_assert!(out.len() == p * p && inner.len() == size * size);
        if parallel {
            out.par_chunks_mut(p).with_min_len(16).enumerate().for_each_init(|| vec![0.0; size], column);
        } else {
            let mut scratch = vec![0.0; size];
            out.chunks_mut(p).enumerate().for_each(|c| column(&mut scratch, c));
        }
    }

    /// `inner`·J e_c, perhaps in `scratch`.
    fn inner_column<'a>(&self, theta: &[f64], inner: &'a [f64], c: usize, y: &'a mut [f64]) -> &'a [f64] {
        let size = self.shape.dim();
        let of = |k: usize| &inner[k * size..][..size];
        y.fill(0.0);
        for part in &self.parts {
            match part {
                Part::Same { layer, to } if c < layer.offset + layer.len() => return of(to + c - layer.offset),
                Part::Pair(pair) if c < pair.second.offset + pair.second.len() => {
                    let units = pair.merged.units;
                    if c < pair.second.offset {
                        let (a, j) =
                            ((c - pair.first.offset) / pair.first.units, (c - pair.first.offset) % pair.first.units);
                        let row = &pair.second.part(theta)[j * units..][..units];
                        for (r, w) in row.iter().enumerate() {
                            gf_core::vector::add_scaled(y, *w, of(pair.merged.offset + a * units + r));
                        }
                    } else {
                        let (k, r) = ((c - pair.second.offset) / units, (c - pair.second.offset) % units);
                        for a in 0..pair.merged.rows() {
                            let t = pair.weight(theta, a, k);
                            if t != 0.0 {
                                gf_core::vector::add_scaled(y, t, of(pair.merged.offset + a * units + r));
                            }
                        }
                    }
                    break;
                }
                _ => {}
            }
        }
        y
    }

    /// Entries `from`.. of Jᵀ y.
    fn pull_back_from(&self, theta: &[f64], y: &[f64], from: usize, out: &mut [f64]) {
        for part in &self.parts {
            match part {
                Part::Same { layer, to } => {
                    let start = from.max(layer.offset);
                    let end = layer.offset + layer.len();
                    if start < end {
                        out[start..end].copy_from_slice(&y[to + start - layer.offset..to + layer.len()]);
                    }
                }
                Part::Pair(pair) => {
                    let y = pair.merged.part(y);
                    if from < pair.second.offset {
                        pair.pull_back_first(theta, y, from, out);
                    }
                    if from < pair.second.offset + pair.second.len() {
                        pair.pull_back_second(theta, y, from, out);
                    }
                }
            }
        }
    }

    /// Column c += its second-order entries below the diagonal.
    fn add_coupling(&self, gradient: &[f64], c: usize, column: &mut [f64]) {
        for part in &self.parts {
            if let Part::Pair(Pair { first, second, merged }) = part
                && (first.offset..second.offset).contains(&c)
            {
                let (a, j) = ((c - first.offset) / first.units, (c - first.offset) % first.units);
                let row = &merged.part(gradient)[a * merged.units..][..merged.units];
                for (entry, g) in second.part_mut(column)[j * merged.units..].iter_mut().zip(row) {
                    *entry += g;
                }
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

    /// ∂Φ_ar/∂Θ'_kr: Θ_ak, or 1 for the last row and the bias.
    fn weight(&self, theta: &[f64], a: usize, k: usize) -> f64 {
        if k < self.first.units {
            self.first.part(theta)[a * self.first.units + k]
        } else {
            f64::from(a == self.first.inputs)
        }
    }

    /// Entries of Θ from `from` on: y W'ᵀ.
    fn pull_back_first(&self, theta: &[f64], y: &[f64], from: usize, out: &mut [f64]) {
        let (units, inner) = (self.second.units, self.first.units);
        let weights = self.second.part(theta);
        let skipped = from.saturating_sub(self.first.offset);
        for (index, entry) in self.first.part_mut(out).iter_mut().enumerate().skip(skipped) {
            let (a, j) = (index / inner, index % inner);
            *entry = gf_core::vector::dot(&y[a * units..][..units], &weights[j * units..][..units]);
        }
    }

    /// Entries of Θ' from the row that holds `from` on: \[Θ, e\]ᵀ y.
    fn pull_back_second(&self, theta: &[f64], y: &[f64], from: usize, out: &mut [f64]) {
        let units = self.second.units;
        let start = from.saturating_sub(self.second.offset);
        let first_row = start / units;
        let rows = self.second.part_mut(out).chunks_exact_mut(units).enumerate().skip(first_row);
        for (k, row) in rows {
            let skipped = start.saturating_sub(k * units);
            let row = &mut row[skipped..];
            row.fill(0.0);
            for a in 0..self.merged.rows() {
                let t = self.weight(theta, a, k);
                for (entry, y) in row.iter_mut().zip(&y[a * units + skipped..]) {
                    *entry += t * y;
                }
            }
        }
    }
}

/// Fewer products a sample in one layer than in two.
fn is_worth_merging(first: &LayerShape, second: &LayerShape) -> bool {
    let is_plain = !first.skip && !second.skip && first.activation == Activation::Identity;
    is_plain && first.rows() * second.units < first.len() + second.len()
}
