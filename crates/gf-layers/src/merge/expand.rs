//! Jᵀ A J written down, A being a matrix of the merged network.
//!
//! Columns come in groups: those of one row of Θ, of a few rows of Θ', or some of a layer that stays. What a group needs of AJ is one matrix
//! product, or columns of A as they are; each column is then pulled back from the cache straight into its place.

use std::sync::{Mutex, PoisonError};

use gf_linalg::{Update, View, ViewMut, product, small_product};
use rayon::prelude::*;

use super::{Merge, Pair, Part};
use crate::dense::SMALLEST_PARALLEL;

/// Columns of a group in a layer that stays.
const SAME: usize = 16;
/// Numbers of AJ that a group of rows of Θ' holds at a time: half of a second-level cache.
const ROOM: usize = 1 << 16;

impl Merge {
    /// Overwrites the lower triangle of `out` (p × p column-major) with Jᵀ `inner` J, plus the second-order term where ∇g is given.
    /// `inner` is p' × p', column-major, both triangles. `scratch` grows to one a thread.
    pub(crate) fn expand(
        &self,
        theta: &[f64],
        inner: &[f64],
        gradient: Option<&[f64]>,
        scratch: &mut Vec<Mutex<Scratch>>,
        out: &mut [f64],
    ) {
        let size = self.shape.dim();
        debug_assert!(out.len() == theta.len() * theta.len() && inner.len() == size * size);
        let pieces: Vec<Piece<'_>> = self.parts.iter().map(|part| Piece::new(*part, theta)).collect();
        let expansion = Expansion { pieces: &pieces, inner, size, gradient };
        let mut groups = expansion.groups(theta.len(), out);
        let parallel = theta.len() >= SMALLEST_PARALLEL && rayon::current_num_threads() > 1;
        let threads = if parallel { rayon::current_num_threads() } else { 1 };
        scratch.resize_with(threads.max(scratch.len()), Mutex::default);
        let write = |group: &mut Group<'_>| {
            let mine = rayon::current_thread_index().filter(|_| parallel).unwrap_or(0);
            // Nothing inside a group waits for another one, so each thread finds its own scratch free.
            // What a panicking group left there is overwritten.
            let mut scratch = scratch[mine].lock().unwrap_or_else(PoisonError::into_inner);
            expansion.write(group, &mut scratch);
        };
        if parallel {
            // One by one: the first columns are the longest.
            groups.par_iter_mut().with_max_len(1).for_each(write);
        } else {
            groups.iter_mut().for_each(write);
        }
    }
}

/// A part, with the factors of a pair at θ as the products want them.
struct Piece<'a> {
    part: Part,
    /// W', row-major: u' numbers for each of the inner units.
    weights: &'a [f64],
    /// The same, column-major.
    transposed: Vec<f64>,
    /// \[Θ, e\], column-major: ∂Φ_ar/∂Θ'_kr, e being 0 but for the last row, that of the bias.
    first: Vec<f64>,
}

impl<'a> Piece<'a> {
    fn new(part: Part, theta: &'a [f64]) -> Self {
        let Part::Pair(Pair { first, second, .. }) = part else {
            return Self { part, weights: &[], transposed: Vec::new(), first: Vec::new() };
        };
        let (rows, inner, units) = (first.rows(), first.units, second.units);
        let weights = &second.part(theta)[..inner * units];
        let transposed = (0..inner * units).map(|i| weights[i % inner * units + i / inner]).collect();
        let theta = first.part(theta);
        let bias = (0..rows).map(|a| f64::from(a == first.inputs));
        let first = (0..inner * rows).map(|i| theta[i % rows * inner + i / rows]).chain(bias).collect();
        Self { part, weights, transposed, first }
    }
}

/// Consecutive columns of the matrix that are computed together.
struct Group<'a> {
    /// The index of their part.
    part: usize,
    /// The first of them.
    column: usize,
    out: &'a mut [f64],
}

/// What a thread keeps from group to group.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Columns of AJ.
    aj: Vec<f64>,
    /// A row of Θ or Θ' that holds the diagonal.
    row: Vec<f64>,
}

/// What all groups share.
struct Expansion<'a> {
    pieces: &'a [Piece<'a>],
    /// A, p' × p'.
    inner: &'a [f64],
    /// p'.
    size: usize,
    gradient: Option<&'a [f64]>,
}

impl Expansion<'_> {
    /// All columns of `out`, in order.
    fn groups<'a>(&self, p: usize, out: &'a mut [f64]) -> Vec<Group<'a>> {
        let mut groups = Vec::new();
        let (mut rest, mut column) = (out, 0);
        let mut cut = |part: usize, total: usize, at_once: usize| {
            let (head, tail) = std::mem::take(&mut rest).split_at_mut(total * p);
            rest = tail;
            for out in head.chunks_mut(at_once * p) {
                let columns = out.len() / p;
                groups.push(Group { part, column, out });
                column += columns;
            }
        };
        for (index, piece) in self.pieces.iter().enumerate() {
            match &piece.part {
                Part::Same { layer, .. } => cut(index, layer.len(), SAME),
                Part::Pair(Pair { first, second, .. }) => {
                    cut(index, first.len(), first.units);
                    cut(index, second.len(), second.units * (ROOM / (self.size * second.units)).max(1));
                }
            }
        }
        groups
    }

    /// Writes the columns of a group.
    fn write(&self, group: &mut Group<'_>, Scratch { aj, row }: &mut Scratch) {
        let p = self.pieces.last().map_or(0, |piece| piece.end());
        let count = group.out.len() / p;
        let y = self.columns_of_aj(group, count, aj);
        for (i, (out, y)) in group.out.chunks_exact_mut(p).zip(y.chunks_exact(self.size)).enumerate() {
            let column = group.column + i;
            // Below the diagonal are rows of the column's own part and of later ones.
            for piece in &self.pieces[group.part..] {
                piece.pull_back(y, column, row, out);
            }
            if let (Part::Pair(pair), Some(gradient)) = (&self.pieces[group.part].part, self.gradient) {
                pair.add_coupling(gradient, column, out);
            }
        }
    }

    /// Columns `group.column..` of AJ, `count` of them: perhaps in `scratch`.
    fn columns_of_aj<'s>(&'s self, group: &Group<'_>, count: usize, scratch: &'s mut Vec<f64>) -> &'s [f64] {
        let (size, piece) = (self.size, &self.pieces[group.part]);
        let Pair { first, second, merged } = match &piece.part {
            Part::Same { layer, to } => {
                return &self.inner[(to + group.column - layer.offset) * size..][..count * size];
            }
            Part::Pair(pair) => pair,
        };
        let (rows, inner, units) = (first.rows(), first.units, second.units);
        if scratch.len() < count * size {
            scratch.resize(count * size, 0.0);
        }
        let from = &self.inner[merged.offset * size..];
        if group.column < second.offset {
            let a = (group.column - first.offset) / inner;
            let left = View::columns(&from[a * units * size..], size, units);
            let out = ViewMut::columns(scratch, size, inner);
            product(left, View::columns(piece.weights, units, inner), Update::Replace, out);
        } else {
            let (k, columns) = ((group.column - second.offset) / units, count / units);
            let left = View::columns(from, size * units, rows);
            let out = ViewMut::columns(scratch, size * units, columns);
            product(left, View::columns(&piece.first[k * rows..], rows, columns), Update::Replace, out);
        }
        &scratch[..count * size]
    }
}

impl Piece<'_> {
    /// One past the last of its parameters.
    fn end(&self) -> usize {
        match &self.part {
            Part::Same { layer, .. } => layer.offset + layer.len(),
            Part::Pair(Pair { second, .. }) => second.offset + second.len(),
        }
    }

    /// Its entries of Jᵀ y, from entry `from` of all on.
    fn pull_back(&self, y: &[f64], from: usize, row: &mut Vec<f64>, out: &mut [f64]) {
        match &self.part {
            Part::Same { layer, to } => {
                let skipped = from.saturating_sub(layer.offset);
                layer.part_mut(out)[skipped..].copy_from_slice(&y[to + skipped..to + layer.len()]);
            }
            Part::Pair(Pair { first, second, merged }) => {
                let (rows, inner, units) = (first.rows(), first.units, second.units);
                let y = merged.part(y);
                if from < second.offset {
                    // y W'ᵀ
                    let skipped = from.saturating_sub(first.offset);
                    product_from(skipped, (inner, &self.transposed), (units, y), row, first.part_mut(out));
                }
                // [Θ, e]ᵀ y
                let skipped = from.saturating_sub(second.offset);
                product_from(skipped, (units, y), (rows, &self.first), row, second.part_mut(out));
            }
        }
    }
}

/// The [`small_product`] of A (m rows) and B (k rows) from entry `from` of `out` on; what stands above is left as it is.
fn product_from(from: usize, (m, a): (usize, &[f64]), (k, b): (usize, &[f64]), row: &mut Vec<f64>, out: &mut [f64]) {
    if !from.is_multiple_of(m) {
        let column = from / m;
        row.resize(m, 0.0);
        small_product(m, a, k, &b[column * k..], row);
        out[from..(column + 1) * m].copy_from_slice(&row[from % m..]);
    }
    let column = from.div_ceil(m);
    small_product(m, a, k, &b[column * k..], &mut out[column * m..]);
}

impl Pair {
    /// Column `c` of the pair += its second-order entries below the diagonal.
    fn add_coupling(&self, gradient: &[f64], c: usize, column: &mut [f64]) {
        let Self { first, second, merged } = self;
        if c < second.offset {
            let (a, j) = ((c - first.offset) / first.units, (c - first.offset) % first.units);
            let row = &merged.part(gradient)[a * merged.units..][..merged.units];
            for (entry, g) in second.part_mut(column)[j * merged.units..].iter_mut().zip(row) {
                *entry += g;
            }
        }
    }
}
