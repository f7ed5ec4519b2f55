//! Products with a tall basis: p × k column-major, p large, k up to hundreds.
//!
//! They are bound by reading the basis from memory, so each reads it once, in runs of rows whose part of the vectors stays in the
//! cache, shared by threads. The runs are fixed and their sums are added in order: bits do not depend on the number of threads.

use rayon::prelude::*;

use crate::{Update, View, ViewMut, product};

/// Rows at a time: a few columns of them stay in the first-level cache.
const ROWS: usize = 2048;
/// Runs of rows that threads share.
pub(crate) const RUNS: usize = 8;
/// Vectors that one thread takes at a time.
const VECTORS: usize = 4;
/// Below so many numbers in the basis, other threads cost more than they bring.
const SMALLEST_PARALLEL: usize = 1 << 17;

/// Whether a pass over so many numbers is shared by threads.
pub(crate) fn is_parallel(numbers: usize) -> bool {
    numbers >= SMALLEST_PARALLEL && rayon::current_num_threads() > 1
}

/// Rows of each of the at most [`RUNS`] runs, of p ≥ 1 rows.
pub(crate) fn rows_of_a_run(p: usize) -> usize {
    p.div_ceil(RUNS).next_multiple_of(ROWS)
}

/// Overwrites `out` (k × m, column-major) with Vᵀ W: `basis` = V is p × k, `vectors` = W is p × m. 2pkm flops.
/// `scratch` grows to what the partial sums need.
pub fn overlaps(p: usize, basis: &[f64], vectors: &[f64], scratch: &mut Vec<f64>, out: &mut [f64]) {
    let (k, m) = (basis.len() / p, vectors.len() / p);
    debug_assert!(basis.len() == k * p && vectors.len() == m * p && out.len() == k * m);
    if k == 0 || m == 0 {
        return;
    }
    let run = rows_of_a_run(p);
    let runs = p.div_ceil(run);
    if scratch.len() < runs * out.len() {
        scratch.resize(runs * out.len(), 0.0);
    }
    let sum = |(number, part): (usize, &mut [f64])| {
        let mut update = Update::Replace;
        let end = ((number + 1) * run).min(p);
        for first in (number * run..end).step_by(ROWS) {
            let rows = ROWS.min(end - first);
            let left = View::strided(&basis[first..], rows, k, p).transpose();
            product(left, View::strided(&vectors[first..], rows, m, p), update, ViewMut::columns(part, k, m));
            update = Update::Add;
        }
    };
    let parts = &mut scratch[..runs * out.len()];
    if is_parallel(basis.len()) {
        parts.par_chunks_mut(k * m).enumerate().for_each(sum);
    } else {
        parts.chunks_mut(k * m).enumerate().for_each(sum);
    }
    out.fill(0.0);
    for part in parts.chunks_exact(k * m) {
        gf_core::vector::add_scaled(out, 1.0, part);
    }
}

/// Writes or adds V C to `out` (p × m): `basis` = V is p × k, `coefficients` = C is k × m, column-major. 2pkm flops.
pub fn combine(p: usize, basis: &[f64], coefficients: &[f64], update: Update, out: &mut [f64]) {
    let (k, m) = (basis.len() / p, out.len() / p);
    debug_assert!(basis.len() == k * p && coefficients.len() == k * m && out.len() == m * p);
    if k == 0 || m == 0 {
        return;
    }
    if m <= 2 {
        // Rows are shared; of two vectors the second finds the rows of the basis in the cache.
        let rows = |(number, parts): (usize, [&mut [f64]; 2])| {
            for (part, coefficients) in parts.into_iter().zip(coefficients.chunks_exact(k)) {
                let len = part.len();
                let left = View::strided(&basis[number * ROWS / 2..], len, k, p);
                product(left, View::columns(coefficients, k, 1), update, ViewMut::columns(part, len, 1));
            }
        };
        let (first, second) = out.split_at_mut(p);
        if m == 1 {
            let one = |(number, part): (usize, &mut [f64])| rows((number, [part, &mut []]));
            if is_parallel(basis.len()) {
                first.par_chunks_mut(ROWS / 2).enumerate().for_each(one);
            } else {
                first.chunks_mut(ROWS / 2).enumerate().for_each(one);
            }
        } else if is_parallel(basis.len()) {
            let parts = first.par_chunks_mut(ROWS / 2).zip(second.par_chunks_mut(ROWS / 2));
            parts.map(<[_; 2]>::from).enumerate().for_each(rows);
        } else {
            let parts = first.chunks_mut(ROWS / 2).zip(second.chunks_mut(ROWS / 2));
            parts.map(<[_; 2]>::from).enumerate().for_each(rows);
        }
        return;
    }
    let group = |(number, out): (usize, &mut [f64])| {
        let m = out.len() / p;
        let right = View::columns(&coefficients[number * VECTORS * k..], k, m);
        for first in (0..p).step_by(ROWS) {
            let rows = ROWS.min(p - first);
            let left = View::strided(&basis[first..], rows, k, p);
            product(left, right, update, ViewMut::strided(&mut out[first..], rows, m, p));
        }
    };
    if is_parallel(basis.len()) {
        out.par_chunks_mut(VECTORS * p).enumerate().for_each(group);
    } else {
        out.chunks_mut(VECTORS * p).enumerate().for_each(group);
    }
}

/// Overwrites the leading `m` columns of `basis` = V (p × k) with V Y, Y k × m, column-major, m ≤ k; the others are then meaningless.
/// Row after row in `scratch`, so that no second basis is needed.
pub fn rotate(p: usize, basis: &mut [f64], y: &[f64], scratch: &mut Vec<f64>) {
    let k = basis.len() / p;
    let m = y.len() / k.max(1);
    debug_assert!(basis.len() == k * p && y.len() == m * k && m <= k);
    if scratch.len() < ROWS * m {
        scratch.resize(ROWS * m, 0.0);
    }
    for first in (0..p).step_by(ROWS) {
        let rows = ROWS.min(p - first);
        let rotated = &mut scratch[..rows * m];
        let left = View::strided(&basis[first..], rows, k, p);
        product(left, View::columns(y, k, m), Update::Replace, ViewMut::columns(rotated, rows, m));
        for (column, rotated) in rotated.chunks_exact(rows).enumerate() {
            basis[column * p + first..][..rows].copy_from_slice(rotated);
        }
    }
}
