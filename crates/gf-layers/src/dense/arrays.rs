//! Arrays of n numbers an entry, the samples contiguous, and packed symmetric ones.

use gf_linalg::{Update, View, ViewMut, product};
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
pub(super) fn mirror_triangle(triangle: &[f64], u: usize, n: usize, out: &mut [f64]) {
    for j in 0..u {
        let row = &triangle[packed_start(u, j) * n..][..(u - j) * n];
        out[(j * u + j) * n..(j + 1) * u * n].copy_from_slice(row);
        for r in j + 1..u {
            out[(r * u + j) * n..][..n].copy_from_slice(&row[(r - j) * n..][..n]);
        }
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

/// out = or += A·B, its columns shared among threads in stripes. `b(first, count)` are columns of B.
pub(super) fn product_by_stripes<'a>(
    a: View<'_>,
    b: impl Fn(usize, usize) -> View<'a> + Sync,
    update: Update,
    out: &mut [f64],
    long: usize,
    parallel: bool,
) {
    let stripe = |(number, out): (usize, &mut [f64])| {
        let columns = out.len() / long;
        let b = b(number * STRIPE, columns);
        product(a, b, update, ViewMut::columns(out, long, columns));
    };
    if parallel {
        out.par_chunks_mut(STRIPE * long).enumerate().for_each(stripe);
    } else {
        out.chunks_mut(STRIPE * long).enumerate().for_each(stripe);
    }
}

/// out = out⊙x.
pub(super) fn scale(x: &[f64], out: &mut [f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out *= x;
    }
}

/// out += x.
pub(super) fn add(x: &[f64], out: &mut [f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out += x;
    }
}
