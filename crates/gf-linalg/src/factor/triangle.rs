//! Passes over a triangle: solves with L and Lᵀ, and products with the symmetric matrix in the upper triangle. Each reads the triangle once.

use std::ops::Range;

use super::kernels::{GROUP, dot_and_add_columns, dot_columns, subtract_columns};

/// x −= Σ x'_k·column_k over the `known` columns of L (`p` apart), where x stands in row `row` of L and x' = that row:
/// the update of one column of a left-looking factorization.
pub(super) fn eliminate(known: &[f64], p: usize, row: usize, x: &mut [f64]) {
    let end = row + x.len();
    let groups = known.chunks_exact(GROUP * p);
    let rest = groups.remainder();
    for group in groups {
        let columns = std::array::from_fn(|k| &group[k * p + row..k * p + end]);
        subtract_columns(columns, columns.map(|column| column[0]), x);
    }
    for column in rest.chunks_exact(p) {
        let c = column[row];
        x.iter_mut().zip(&column[row..end]).for_each(|(x, l)| *x -= c * l);
    }
}

/// x ← L⁻¹x for the given columns of the q × q triangle in `data`; entries of x below them are updated, too. With a unit diagonal where `unit`.
pub(super) fn forward(data: &[f64], p: usize, q: usize, columns: Range<usize>, unit: bool, x: &mut [f64]) {
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
        let c = std::array::from_fn(|k| known.get(start + k).copied().unwrap_or(0.0));
        subtract_columns(group(data, p, start, end, end, q), c, below);
    }
}

/// The entries of x that belong to the given columns ← those of L⁻ᵀx, where the entries below hold the solution already.
pub(super) fn backward(data: &[f64], p: usize, q: usize, columns: Range<usize>, unit: bool, x: &mut [f64]) {
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
pub(super) fn multiply(data: &[f64], p: usize, diagonal: &[f64], v: &[f64], out: &mut [f64]) {
    for ((out, d), v) in out.iter_mut().zip(diagonal).zip(v) {
        *out = d * v;
    }
    for start in (0..p).step_by(GROUP) {
        let end = (start + GROUP).min(p);
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
fn group(data: &[f64], p: usize, start: usize, end: usize, top: usize, bottom: usize) -> [&[f64]; GROUP] {
    std::array::from_fn(|k| {
        let column = if start + k < end { start + k } else { start };
        &data[column * p + top..column * p + bottom]
    })
}
