//! Second derivatives in the a of layers, which skip connections carry past z.
//!
//! With 𝓔_{lm} = ∂²L/∂a^l∂z^m (m > l), 𝓐_l = ∂²L/∂a^l∂a^l and 𝓔_{ll} = 𝓐_l diag(f'_l), and with s = 1 where layer l + 1 has a skip
//! connection, else 0,
//!
//! 𝓔_{lm} = W^{l+1} 𝓗_{l+1,m} + s 𝓔_{l+1,m} for m > l, and
//! 𝓐_l = 𝓔_{l,l+1} W^{l+1 ᵀ} + s (𝓐_{l+1} + 𝓔_{l+1,l+1} W^{l+1 ᵀ})ᵀ.
//!
//! So 𝓗_{lm} = diag(f'_l) 𝓔_{lm} and 𝓗_{ll} = diag(f'_l) 𝓐_l diag(f'_l) + diag(bend). Where s = 1 both layers have as many units, and 𝓔
//! and 𝓐 of one layer become those of the one before in the same place.

use gf_linalg::{Update, View, ViewMut, product};
use rayon::prelude::*;

use super::arrays::{add, mirror_triangle, product_by_stripes, room, scale, triangle_rows};
use crate::{products::Operands, shape::Shape};

/// 𝓔 and 𝓐 of one layer. Nothing is allocated before a layer needs them.
#[derive(Debug, Default)]
pub(super) struct Skips {
    /// 𝓔_{lm} as \[j\]\[r\]\[n\], for m ≥ l at \[m\].
    mixed: Vec<Vec<f64>>,
    /// 𝓐_l as \[j\]\[r\]\[n\].
    pure: Vec<f64>,
}

/// Whether layer l − 1 needs 𝓔 and 𝓐 of layer `l`.
fn is_kept(at: Operands<'_>, l: usize) -> bool {
    l > 0 && at.shape.layers[l].skip
}

impl Skips {
    /// Numbers that a sample takes, at most.
    pub(super) fn numbers_a_sample(shape: &Shape) -> usize {
        let layers = &shape.layers;
        let numbers = |l: usize| -> usize {
            // 𝓔 and 𝓐, first of layer l and then of the one before.
            let beyond: usize = layers[l..].iter().map(|far| far.units).sum();
            layers[l].units * (layers[l].units + beyond)
        };
        (1..layers.len()).filter(|l| layers[*l].skip).map(numbers).max().unwrap_or(0)
    }

    /// Whether 𝓗 of layer `l` comes from here.
    pub(super) fn concern(at: Operands<'_>, l: usize) -> bool {
        is_kept(at, l) || at.shape.layers.get(l + 1).is_some_and(|next| next.skip)
    }

    /// 𝓔 and 𝓐 of the last layer where they are needed: `curvature` is B = 𝓐_L.
    pub(super) fn start(&mut self, at: Operands<'_>, curvature: &[f64]) {
        let count = at.shape.layers.len();
        if is_kept(at, count - 1) {
            self.mixed.resize_with(count, Vec::new);
            room(&mut self.pure, curvature.len()).copy_from_slice(curvature);
            self.keep_diagonal(at, count - 1);
        }
    }

    /// 𝓔_{lm} for m > l, `theirs` being 𝓗_{l+1,m} at \[m − l − 1\].
    pub(super) fn advance(&mut self, at: Operands<'_>, l: usize, theirs: &[Vec<f64>], parallel: bool) {
        let (n, shape) = (at.tape.rows, at.shape);
        let (u, next) = (shape.layers[l].units, &shape.layers[l + 1]);
        let weights = next.part(at.theta);
        let weights = |first, count| View::columns(&weights[first * next.units..], next.units, count);
        self.mixed.resize_with(shape.layers.len(), Vec::new);
        if next.skip {
            // 𝓐_{l+1} + 𝓔_{l+1,l+1} Wᵀ, row after row, while 𝓔_{l+1,l+1} stands there.
            let (pure, mixed) = (&mut self.pure[..u * u * n], &self.mixed[l + 1][..u * u * n]);
            let add_row = |(out, row): (&mut [f64], &[f64])| {
                product(View::columns(row, n, u), weights(0, u), Update::Add, ViewMut::columns(out, n, u));
            };
            if parallel {
                pure.par_chunks_mut(u * n).zip(mixed.par_chunks(u * n)).for_each(add_row);
            } else {
                pure.chunks_mut(u * n).zip(mixed.chunks(u * n)).for_each(add_row);
            }
        }
        let update = if next.skip { Update::Add } else { Update::Replace };
        for ((mixed, source), far) in self.mixed[l + 1..].iter_mut().zip(theirs).zip(&shape.layers[l + 1..]) {
            let long = far.units * n;
            let source = View::columns(source, long, next.units);
            product_by_stripes(source, weights, update, room(mixed, long * u), long, parallel, |_, _| {});
        }
    }

    /// 𝓔_{lm}, m > l, after [`Skips::advance`].
    pub(super) fn mixed(&self, at: Operands<'_>, l: usize, m: usize) -> &[f64] {
        &self.mixed[m][..at.shape.layers[l].units * at.shape.layers[m].units * at.tape.rows]
    }

    /// Overwrites `triangle` with 𝓐_l for r ≥ j, after [`Skips::advance`], and keeps what the layer before needs.
    pub(super) fn finish(&mut self, at: Operands<'_>, l: usize, triangle: &mut [f64], parallel: bool) {
        let n = at.tape.rows;
        let (u, next) = (at.shape.layers[l].units, &at.shape.layers[l + 1]);
        let weights = next.part(at.theta);
        let (source, pure) = (&self.mixed[l + 1], &self.pure);
        let fill = |(j, row): (usize, &mut [f64])| {
            let source = View::columns(&source[j * next.units * n..], n, next.units);
            let transposed = View::columns(&weights[j * next.units..], next.units, u - j);
            product(source, transposed, Update::Replace, ViewMut::columns(row, n, u - j));
            if next.skip {
                for (r, entry) in (j..u).zip(row.chunks_exact_mut(n)) {
                    add(&pure[(r * u + j) * n..][..n], entry);
                }
            }
        };
        let rows = triangle_rows(triangle, u, n);
        if parallel {
            rows.into_par_iter().enumerate().for_each(fill);
        } else {
            rows.into_iter().enumerate().for_each(fill);
        }
        if is_kept(at, l) {
            mirror_triangle(triangle, u, n, room(&mut self.pure, u * u * n), parallel);
            self.keep_diagonal(at, l);
        }
    }

    /// 𝓔_{ll} = 𝓐_l diag(f'_l).
    fn keep_diagonal(&mut self, at: Operands<'_>, l: usize) {
        let n = at.tape.rows;
        let u = at.shape.layers[l].units;
        let mixed = room(&mut self.mixed[l], u * u * n);
        mixed.copy_from_slice(&self.pure[..u * u * n]);
        if let Some(slope) = at.tape.slope(at.shape, l) {
            mixed.chunks_exact_mut(u * n).for_each(|row| scale(slope, row));
        }
    }
}
