//! Passes over a triangle: solves with L and Lᵀ, and products with the symmetric matrix in the upper triangle. Each reads the triangle once.

use std::ops::Range;

use rayon::prelude::*;

use super::kernels::{GROUP, add_magnitudes, dot_and_add_columns, dot_columns, subtract_columns};
use super::real::Real;

/// x −= Σ x'_k·column_k over the `known` columns of L (`p` apart), where x stands in row `row` of L and x' = that row:
/// the update of one column of a left-looking factorization.
pub(super) fn eliminate<T: Real>(known: &[T], p: usize, row: usize, x: &mut [T]) {
    let end = row + x.len();
    let groups = known.chunks_exact(GROUP * p);
    let rest = groups.remainder();
    for group in groups {
        let columns = std::array::from_fn(|k| &group[k * p + row..k * p + end]);
        subtract_columns(columns, columns.map(|column| column[0]), x);
    }
    for column in rest.chunks_exact(p) {
        let c = column[row];
        x.iter_mut().zip(&column[row..end]).for_each(|(x, l)| *x -= c * *l);
    }
}

/// x ← L⁻¹x for the given columns of the q × q triangle in `data`; entries of x below them are updated, too. With a unit diagonal where `unit`.
pub(super) fn forward<T: Real>(data: &[T], p: usize, q: usize, columns: Range<usize>, unit: bool, x: &mut [T]) {
    for start in columns.clone().step_by(GROUP) {
        let end = (start + GROUP).min(columns.end);
        for k in start..end {
            if !unit {
                x[k] /= data[k * p + k];
            }
            let value = x[k];
            for i in k + 1..end {
                x[i] -= data[k * p + i] * value;
            }
        }
        let (known, below) = x[..q].split_at_mut(end);
        let c = std::array::from_fn(|k| known.get(start + k).copied().unwrap_or_default());
        subtract_columns(group(data, p, start, end, end, q), c, below);
    }
}

/// The entries of x that belong to the given columns ← those of L⁻ᵀx, where the entries below hold the solution already.
pub(super) fn backward<T: Real>(data: &[T], p: usize, q: usize, columns: Range<usize>, unit: bool, x: &mut [T]) {
    let groups = columns.len().div_ceil(GROUP);
    for start in (0..groups).rev().map(|group| columns.start + group * GROUP) {
        let end = (start + GROUP).min(columns.end);
        let (unknown, below) = x[..q].split_at_mut(end);
        let dots = dot_columns(group(data, p, start, end, end, q), below);
        for k in (start..end).rev() {
            let mut sum = dots[k - start];
            for i in k + 1..end {
                sum += data[k * p + i] * unknown[i];
            }
            unknown[k] -= sum;
            if !unit {
                unknown[k] /= data[k * p + k];
            }
        }
    }
}

/// out = A·v, A with the strictly upper triangle of `data` and the given diagonal.
pub(super) fn multiply(data: &[f64], shares: &mut [f64], diagonal: &[f64], v: &[f64], out: &mut [f64]) {
    let p = diagonal.len();
    // Column k has k numbers.
    let start = |share: f64| (share.sqrt() * (p / GROUP) as f64) as usize * GROUP;
    sum_shares(shares, start, out, |columns, out| multiply_columns(data, p, columns, v, out));
    for ((out, d), v) in out.iter_mut().zip(diagonal).zip(v) {
        *out += d * v;
    }
}

/// out = the sums of |x| in each row and column of A without its diagonal, A with the strictly lower triangle of `data`.
pub(super) fn sum_magnitudes(data: &[f64], shares: &mut [f64], out: &mut [f64]) {
    let p = out.len();
    // Column k has p − k − 1 numbers.
    let start = |share: f64| p - ((1.0 - share).sqrt() * p as f64) as usize;
    sum_shares(shares, start, out, |columns, out| {
        for (k, column) in columns.clone().zip(data[columns.start * p..].chunks_exact(p)) {
            out[k] += add_magnitudes(&column[k + 1..], &mut out[k + 1..]);
        }
    });
}

/// Parts into which a pass over a triangle is cut that sums up rows.
const SHARES: usize = 4;

/// The numbers that these passes want as scratch for order `p`.
pub(super) fn room_for_shares(p: usize) -> usize {
    const SMALLEST_SHARED: usize = 1024;
    if p < SMALLEST_SHARED { 0 } else { SHARES * p }
}

/// Overwrites `out` with what `add` adds for all columns; where there is room for shares in parts, which the threads of the current pool
/// take and which are summed in order. `start(x)` is the first column before which lies a part x of the work.
fn sum_shares(
    shares: &mut [f64],
    start: impl Fn(f64) -> usize + Sync,
    out: &mut [f64],
    add: impl Fn(Range<usize>, &mut [f64]) + Sync,
) {
    let p = out.len();
    out.fill(0.0);
    if shares.is_empty() {
        return add(0..p, out);
    }
    let bound = |share: usize| if share < SHARES { start(share as f64 / SHARES as f64) } else { p };
    shares.par_chunks_exact_mut(p).enumerate().for_each(|(share, sum)| {
        sum.fill(0.0);
        add(bound(share)..bound(share + 1), sum);
    });
    for sum in shares.chunks_exact(p) {
        out.iter_mut().zip(sum).for_each(|(out, x)| *out += x);
    }
}

/// out += the part of A·v, A without its diagonal, that the given columns of the strictly upper triangle stand for.
fn multiply_columns(data: &[f64], p: usize, columns: Range<usize>, v: &[f64], out: &mut [f64]) {
    for start in columns.clone().step_by(GROUP) {
        let end = (start + GROUP).min(columns.end);
        let c = std::array::from_fn(|k| v.get(start + k).copied().unwrap_or(0.0));
        let dots = dot_and_add_columns(group(data, p, start, end, 0, start), c, &v[..start], &mut out[..start]);
        for k in start..end {
            out[k] += dots[k - start];
            for i in start..k {
                out[i] += data[k * p + i] * v[k];
                out[k] += data[k * p + i] * v[i];
            }
        }
    }
}

/// Rows `top..bottom` of the columns `start..end`, at most [`GROUP`] of them; the first again for those that are missing.
fn group<T>(data: &[T], p: usize, start: usize, end: usize, top: usize, bottom: usize) -> [&[T]; GROUP] {
    std::array::from_fn(|k| {
        let column = if start + k < end { start + k } else { start };
        &data[column * p + top..column * p + bottom]
    })
}
