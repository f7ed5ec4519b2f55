//! Arrays of n numbers an entry, the samples contiguous, and packed symmetric ones.

use gf_linalg::{Update, View, ViewMut, product, slices};
use rayon::prelude::*;

/// Where row j of a packed symmetric u × u matrix starts: entries (j, r ≥ j), row after row.
pub(super) fn packed_start(u: usize, j: usize) -> usize {
    j * u - j * j.saturating_sub(1) / 2
}

/// The rows (j, r ≥ j) of a packed symmetric u × u matrix of n numbers an entry.
pub(super) fn triangle_rows(mut triangle: &mut [f64], u: usize, n: usize) -> Vec<&mut [f64]> {
    let mut rows = Vec::with_capacity(u);
    for j in 0..u {
        let (row, rest) = triangle.split_at_mut((u - j) * n);
        rows.push(row);
        triangle = rest;
    }
    rows
}

/// out = both triangles as \[j\]\[r\]\[n\].
pub(super) fn mirror_triangle(triangle: &[f64], u: usize, n: usize, out: &mut [f64], parallel: bool) {
    for_chunks(out, u * n, parallel, |j, row| {
        for (r, entry) in row.chunks_exact_mut(n).enumerate() {
            let at = packed_start(u, j.min(r)) + j.abs_diff(r);
            entry.copy_from_slice(&triangle[at * n..][..n]);
        }
    });
}

/// Calls `f` with the number and the numbers of each chunk of `size`, shared among threads.
pub(super) fn for_chunks(out: &mut [f64], size: usize, parallel: bool, f: impl Fn(usize, &mut [f64]) + Sync) {
    if parallel {
        out.par_chunks_mut(size).enumerate().for_each(|(number, chunk)| f(number, chunk));
    } else {
        out.chunks_mut(size).enumerate().for_each(|(number, chunk)| f(number, chunk));
    }
}

/// The leading `len` numbers of a buffer that grows to what is needed.
pub(super) fn room(buffer: &mut Vec<f64>, len: usize) -> &mut [f64] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

/// Rows of a product that one thread takes.
const STRIPE: usize = 8;

/// out = or += A·B, its columns shared among threads in stripes. `b(first, count)` are columns of B; `finish` gets each column of the
/// result by its number.
pub(super) fn product_by_stripes<'a>(
    a: View<'_>,
    b: impl Fn(usize, usize) -> View<'a> + Sync,
    update: Update,
    out: &mut [f64],
    long: usize,
    parallel: bool,
    finish: impl Fn(usize, &mut [f64]) + Sync,
) {
    for_chunks(out, STRIPE * long, parallel, |number, out| {
        let (first, columns) = (number * STRIPE, out.len() / long);
        product(a, b(first, columns), update, ViewMut::columns(out, long, columns));
        out.chunks_exact_mut(long).enumerate().for_each(|(c, column)| finish(first + c, column));
    });
}

/// out = out⊙x.
pub(super) fn scale(x: &[f64], out: &mut [f64]) {
    slices::update(x, out, |x, out| out * x);
}

/// Each column of n numbers of `out` times x.
pub(super) fn scale_each(x: &[f64], out: &mut [f64]) {
    out.chunks_exact_mut(x.len()).for_each(|column| scale(x, column));
}

/// out += x.
pub(super) fn add(x: &[f64], out: &mut [f64]) {
    slices::update(x, out, |x, out| out + x);
}
