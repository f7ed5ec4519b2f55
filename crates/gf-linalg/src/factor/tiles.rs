//! Panels of a factorization in packed form, and the kernels that run over them.
//!
//! A panel is cut into tiles of H rows, which hold their columns one after the other: both the combination of a panel's columns and the
//! products of the trailing update then read memory in order. Every result is one chain of fused multiply-adds over the columns in
//! order, subtracted once: the same bits on every processor, and however the work is cut.

use pulp::{Arch, Simd, WithSimd};

use super::real::Real;
use crate::fetch::fetch;

/// Rows of a tile of the left factor: three vectors of eight.
pub(super) const TALL: usize = 24;
/// The same in single precision: three vectors of sixteen.
pub(super) const TALL_SINGLE: usize = 48;
/// Rows of a tile of the right factor.
pub(super) const NARROW: usize = 8;
/// Vectors that a kernel sums at a time.
const VECTORS: usize = 3;

/// Rows × columns numbers in tiles of H rows.
#[derive(Debug)]
pub(super) struct Tiles<T, const H: usize> {
    /// Columns, an odd number: tiles that lie a power of two apart would fall into the same sets of the caches.
    width: usize,
    data: Vec<T>,
    /// Where a cache line begins: vectors that straddle two lines halve the speed.
    start: usize,
}

impl<T: Real, const H: usize> Tiles<T, H> {
    /// Room for `columns` columns.
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        const LINE: usize = 64;
        let width = columns | 1;
        let data = vec![T::default(); rows.div_ceil(H) * H * width + LINE / size_of::<T>()];
        let start = data.as_ptr().align_offset(LINE);
        Self { width, data, start }
    }

    /// Numbers of a tile, columns out of use included.
    pub(super) fn tile_len(&self) -> usize {
        H * self.width
    }

    /// All tiles, one after the other.
    pub(super) fn tiles_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..]
    }

    /// The first `depth` columns of a tile.
    #[inline(always)]
    fn tile(&self, tile: usize, depth: usize) -> &[T] {
        &self.data[self.start + tile * H * self.width..][..depth * H]
    }

    fn position(&self, row: usize, column: usize) -> usize {
        self.start + (row / H * self.width + column) * H + row % H
    }

    /// Overwrites `out` with the first numbers of a row.
    pub(super) fn row(&self, row: usize, out: &mut [T]) {
        let from = self.data[self.position(row, 0)..].iter().step_by(H);
        out.iter_mut().zip(from).for_each(|(out, x)| *out = *x);
    }

    /// Swaps the first `columns` numbers of two rows.
    pub(super) fn swap_rows(&mut self, a: usize, b: usize, columns: usize) {
        let (a, b) = (self.position(a, 0), self.position(b, 0));
        (0..columns).for_each(|k| self.data.swap(a + k * H, b + k * H));
    }

    /// Overwrites the rows from `row` on of a column.
    pub(super) fn set_column(&mut self, column: usize, mut row: usize, mut values: &[T]) {
        while !values.is_empty() {
            let (now, later) = values.split_at((H - row % H).min(values.len()));
            let start = self.position(row, column);
            self.data[start..start + now.len()].copy_from_slice(now);
            row += now.len();
            values = later;
        }
    }

    /// Overwrites `out` with the rows from `row` on of a column.
    pub(super) fn column(&self, column: usize, mut row: usize, mut out: &mut [T]) {
        while !out.is_empty() {
            let (now, later) = out.split_at_mut((H - row % H).min(out.len()));
            let start = self.position(row, column);
            now.copy_from_slice(&self.data[start..start + now.len()]);
            row += now.len();
            out = later;
        }
    }
}

impl Tiles<f64, TALL> {
    /// w −= (the first columns)·coefficients, in the rows from `first` (and a few above it). `w` holds whole pairs of tiles.
    pub(super) fn subtract_combination(&self, first: usize, coefficients: &[f64], w: &mut [f64]) {
        if !coefficients.is_empty() {
            Arch::new().dispatch(Combination { tiles: self, pair: first / (2 * TALL), coefficients, w });
        }
    }
}

/// Rows for which [`Tiles::subtract_combination`] wants room, at least `rows`.
pub(super) fn whole_pairs(rows: usize) -> usize {
    rows.next_multiple_of(2 * TALL)
}

struct Combination<'a> {
    tiles: &'a Tiles<f64, TALL>,
    pair: usize,
    coefficients: &'a [f64],
    w: &'a mut [f64],
}

impl WithSimd for Combination<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let depth = self.coefficients.len();
        for (pair, w) in self.w.chunks_exact_mut(2 * TALL).enumerate().skip(self.pair) {
            let tiles = [self.tiles.tile(2 * pair, depth), self.tiles.tile(2 * pair + 1, depth)];
            for part in (0..TALL / S::F64_LANES).step_by(VECTORS) {
                combine_part(simd, tiles, self.coefficients, part, w);
            }
        }
    }
}

/// Two tiles at a time: one has too few sums to hide the latency of a multiply-add.
#[inline(always)]
fn combine_part<S: Simd>(simd: S, tiles: [&[f64]; 2], coefficients: &[f64], part: usize, w: &mut [f64]) {
    let vectors = TALL / S::F64_LANES;
    let [a, b] = tiles.map(|tile| S::as_simd_f64s(tile).0.chunks_exact(vectors));
    let mut sums = [[simd.splat_f64s(0.0); VECTORS]; 2];
    for ((a, b), c) in a.zip(b).zip(coefficients) {
        let (a, b) = (&a[part..part + VECTORS], &b[part..part + VECTORS]);
        let c = simd.splat_f64s(*c);
        for v in 0..VECTORS {
            sums[0][v] = simd.mul_add_f64s(c, a[v], sums[0][v]);
            sums[1][v] = simd.mul_add_f64s(c, b[v], sums[1][v]);
        }
    }
    let (w, _) = S::as_mut_simd_f64s(w);
    for v in 0..VECTORS {
        w[part + v] = simd.sub_f64s(w[part + v], sums[0][v]);
        w[vectors + part + v] = simd.sub_f64s(w[vectors + part + v], sums[1][v]);
    }
}

/// C −= L·Rᵀ for a stripe of whole columns of the lower triangle. Rows and columns are counted from the row that the tiles begin with.
pub(super) struct Stripe<'a, T, const TALL: usize> {
    /// L.
    pub(super) left: &'a Tiles<T, TALL>,
    /// R.
    pub(super) right: &'a Tiles<T, NARROW>,
    /// Columns of L and R.
    pub(super) depth: usize,
    /// The first row and column of C that is updated.
    pub(super) first: usize,
    /// Rows.
    pub(super) rows: usize,
    /// The first column in `columns`, a multiple of [`NARROW`].
    pub(super) column: usize,
    /// The columns, `stride` numbers each, with `offset` numbers above row 0.
    pub(super) columns: &'a mut [T],
    /// Numbers from column to column.
    pub(super) stride: usize,
    /// Numbers above row 0.
    pub(super) offset: usize,
}

impl<T: Real, const TALL: usize> Stripe<'_, T, TALL> {
    /// 2·depth flops an entry. Sequential.
    pub(super) fn update(self) {
        if self.column < self.rows {
            Arch::new().dispatch(self);
        }
    }
}

/// Tiles of the left factor that stay in the second-level cache.
const BLOCK: usize = 20;

impl<T: Real, const TALL: usize> WithSimd for Stripe<'_, T, TALL> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, right, depth, first, rows, column, columns, stride, offset } = self;
        let last = rows.min(column + columns.len().div_ceil(stride));
        let tiles = rows.div_ceil(TALL);
        let mut sums = [[T::default(); TALL]; NARROW];
        let sums = sums.as_flattened_mut();
        for block in (column.max(first) / TALL..tiles).step_by(BLOCK) {
            for c0 in (column..last).step_by(NARROW) {
                let c1 = (c0 + NARROW).min(last);
                if c1 <= first {
                    continue;
                }
                let b = right.tile(c0 / NARROW, depth);
                for tile in block.max(c0.max(first) / TALL)..(block + BLOCK).min(tiles) {
                    let a = left.tile(tile, depth);
                    let (r0, r1) = (tile * TALL, (tile + 1) * TALL);
                    if r0 >= first && c0 >= first && r1 <= rows && c1 == c0 + NARROW && r0 >= c1 {
                        let out = &mut columns[(c0 - column) * stride + offset + r0..];
                        tile_product::<T, S, TALL, true>(simd, a, b, out, stride);
                    } else {
                        tile_product::<T, S, TALL, false>(simd, a, b, sums, TALL);
                        for j in c0.max(first)..c1 {
                            for i in r0.max(j)..r1.min(rows) {
                                columns[(j - column) * stride + offset + i] -= sums[(j - c0) * TALL + i - r0];
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The product of a tall and a narrow tile, subtracted from `out` or stored there.
#[inline(always)]
fn tile_product<T: Real, S: Simd, const TALL: usize, const SUBTRACT: bool>(
    simd: S,
    a: &[T],
    b: &[T],
    out: &mut [T],
    stride: usize,
) {
    if S::REGISTER_COUNT >= 32 && S::F64_LANES == 8 {
        product_part::<T, S, TALL, 8, SUBTRACT>(simd, a, b, 0, 0, out, stride);
    } else {
        for vector in (0..TALL / T::lanes::<S>()).step_by(VECTORS) {
            product_part::<T, S, TALL, 4, SUBTRACT>(simd, a, b, vector, 0, out, stride);
            product_part::<T, S, TALL, 4, SUBTRACT>(simd, a, b, vector, 4, out, stride);
        }
    }
}

/// B columns (from `column`) of three vectors (from `vector`) of a tile's product.
#[inline(always)]
fn product_part<T: Real, S: Simd, const TALL: usize, const B: usize, const SUBTRACT: bool>(
    simd: S,
    a: &[T],
    b: &[T],
    vector: usize,
    column: usize,
    out: &mut [T],
    stride: usize,
) {
    let start = |j: usize| (column + j) * stride + vector * T::lanes::<S>();
    let len = VECTORS * T::lanes::<S>();
    if SUBTRACT {
        // Consecutive columns of C lie pages apart, where the processor does not guess them.
        (0..B).for_each(|j| fetch(&out[start(j)..start(j) + len]));
    }
    let mut sums = [[T::splat(simd, T::default()); VECTORS]; B];
    let (a, _) = T::vectors::<S>(a);
    for (a, b) in a.chunks_exact(TALL / T::lanes::<S>()).zip(b.chunks_exact(NARROW)) {
        let a = &a[vector..vector + VECTORS];
        let b = &b[column..column + B];
        for j in 0..B {
            let x = T::splat(simd, b[j]);
            for v in 0..VECTORS {
                sums[j][v] = T::fused_vectors(simd, x, a[v], sums[j][v]);
            }
        }
    }
    for j in 0..B {
        let (out, _) = T::vectors_mut::<S>(&mut out[start(j)..start(j) + len]);
        for v in 0..VECTORS {
            out[v] = if SUBTRACT { T::subtract_vectors(simd, out[v], sums[j][v]) } else { sums[j][v] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|k| ((k * seed + 3) % 23) as f64 - 11.0).collect()
    }

    #[test]
    fn combinations_and_updates_match_the_plain_loops() {
        for (rows, depth, first) in [(2, 1, 0), (24, 5, 3), (50, 7, 0), (131, 64, 61), (97, 3, 96)] {
            let (l, r) = (numbers(rows * depth, 7), numbers(rows * depth, 5));
            let mut left = Tiles::<f64, TALL>::new(whole_pairs(rows), depth);
            let mut right = Tiles::<f64, NARROW>::new(rows, depth);
            for k in 0..depth {
                left.set_column(k, 0, &l[k * rows..(k + 1) * rows]);
                right.set_column(k, 0, &r[k * rows..(k + 1) * rows]);
            }
            let mut row = vec![0.0; depth];
            right.row(first, &mut row);
            let mut w = vec![1.0; whole_pairs(rows)];
            left.subtract_combination(first, &row, &mut w);
            for i in first..rows {
                let sum: f64 = (0..depth).map(|k| l[k * rows + i] * r[k * rows + first]).sum();
                assert_eq!(w[i], 1.0 - sum, "integers are exact");
            }
            let (offset, stride) = (2, rows + 5);
            let mut c = vec![1.0; rows * stride];
            for (number, columns) in c.chunks_mut(16 * stride).enumerate() {
                let (left, right, column) = (&left, &right, 16 * number);
                Stripe { left, right, depth, first, rows, column, columns, stride, offset }.update();
            }
            for j in 0..rows {
                for i in 0..stride {
                    let inside = j >= first && i >= j + offset && i < rows + offset;
                    let sum: f64 = (0..depth).map(|k| l[k * rows + (i + rows - offset) % rows] * r[k * rows + j]).sum();
                    let expected = if inside { 1.0 - sum } else { 1.0 };
                    assert_eq!(c[j * stride + i], expected, "{rows} {depth} {first}: {i} {j}");
                }
            }
        }
    }
}
