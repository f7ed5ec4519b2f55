//! Products of panels that are packed once and used many times.
//!
//! out_{bc} = Σ_n left_n,b · right_n,c with the results handed out as rows of a small tile, so that the caller writes each where it
//! belongs and no product is stored. What a dense Hessian is made of: its sums over samples go straight into the matrix.
//!
//! **Rate**: a tile of 8 × 24 sums stays in registers (three vectors by eight numbers with AVX-512; pieces of it elsewhere), blocks of
//! 128 samples of one right group in the first-level cache. **Bits**: every sum is one chain of fused multiply-adds over each
//! block of 128 samples, and the blocks are added in order, on every processor and however the work is cut.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

/// Columns in a group of the left factor.
pub const NARROW: usize = 8;
/// Columns in a group of the right factor.
pub const WIDE: usize = 24;
/// Samples in a block: 24 KiB of a right group, 8 KiB of a left one.
const BLOCK: usize = 128;
/// Right groups whose sums are collected before they are handed out.
const BATCH: usize = 10;

/// An n × columns matrix in groups of W columns; a group holds n rows of W consecutive numbers. Columns beyond the last are 0.
#[derive(Debug, Clone, Default)]
pub struct Packed<const W: usize> {
    rows: usize,
    columns: usize,
    data: Vec<f64>,
}

impl<const W: usize> Packed<W> {
    /// Makes room for n = `rows` by `columns`. What the groups hold is then unspecified. Allocates only to grow.
    fn reset(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        let needed = self.groups() * W * rows;
        if self.data.len() < needed {
            self.data.resize(needed, 0.0);
        }
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.columns.div_ceil(W)
    }

    fn group(&self, group: usize) -> &[f64] {
        &self.data[group * W * self.rows..][..W * self.rows]
    }

    /// Packs columns that lie one after the other, n numbers each. Sequential over groups.
    ///
    /// # Panics
    /// When `source` is shorter than n × columns.
    pub fn pack(&mut self, source: &[f64], rows: usize, columns: usize) {
        self.reset(rows, columns);
        let size = (W * rows).max(1);
        let groups = self.data[..self.columns.div_ceil(W) * W * rows].chunks_exact_mut(size);
        for (packed, source) in groups.zip(source[..rows * columns].chunks(size)) {
            transpose_group::<W>(source, rows, packed);
        }
    }

    /// As [`Packed::pack`], the groups shared among the threads of the current pool.
    ///
    /// # Panics
    /// When `source` is shorter than n × columns.
    pub fn pack_in_parallel(&mut self, source: &[f64], rows: usize, columns: usize) {
        use rayon::prelude::*;
        self.reset(rows, columns);
        let size = (W * rows).max(1);
        let groups = self.data[..self.columns.div_ceil(W) * W * rows].par_chunks_exact_mut(size);
        groups.zip(source[..rows * columns].par_chunks(size)).for_each(|(packed, source)| {
            transpose_group::<W>(source, rows, packed);
        });
    }

    /// Packs the elementwise products of pairs of columns, `x[i]⊙y[k]` for each (i, k), both n numbers a column.
    ///
    /// # Panics
    /// When a column lies outside its matrix.
    pub fn pack_pairs(&mut self, x: &[f64], y: &[f64], rows: usize, pairs: &[(usize, usize)]) {
        self.reset(rows, pairs.len());
        let groups = self.data.chunks_exact_mut((W * rows).max(1));
        for (packed, pairs) in groups.zip(pairs.chunks(W)) {
            if pairs.len() < W {
                packed.fill(0.0);
            }
            for (b, &(i, k)) in pairs.iter().enumerate() {
                let columns = x[i * rows..][..rows].iter().zip(&y[k * rows..][..rows]);
                for (row, (x, y)) in packed.chunks_exact_mut(W).zip(columns) {
                    row[b] = x * y;
                }
            }
        }
    }
}

/// Columns of n numbers into rows of W; columns that are missing become 0.
fn transpose_group<const W: usize>(source: &[f64], rows: usize, packed: &mut [f64]) {
    if source.len() < packed.len() {
        packed.fill(0.0);
    }
    // Eight rows at a time, so that whole cache lines are read.
    const STRIP: usize = 8;
    let mut start = 0;
    for strip in packed.chunks_mut(STRIP * W) {
        let height = strip.len() / W;
        for (c, column) in source.chunks_exact(rows).enumerate() {
            for (row, x) in strip.chunks_exact_mut(W).zip(&column[start..start + height]) {
                row[c] = *x;
            }
        }
        start += height;
    }
}

/// Where sums are collected before they are handed out. Grows to what is needed.
#[derive(Debug, Default)]
pub struct Tiles {
    sums: Vec<f64>,
}

/// The sums of up to [`NARROW`] left columns with up to [`WIDE`] right ones.
#[derive(Debug, Clone, Copy)]
pub struct Tile<'a> {
    /// The first left column.
    pub left: usize,
    /// The first right column.
    pub right: usize,
    /// Left columns.
    pub rows: usize,
    /// Right columns.
    pub columns: usize,
    sums: &'a [f64],
}

impl<'a> Tile<'a> {
    /// The sums of left column `left + b` with the right columns `right`, `right + 1`, ….
    #[inline]
    pub fn row(&self, b: usize) -> &'a [f64] {
        &self.sums[b * WIDE..][..self.columns]
    }
}

/// Calls `sink` for every tile of all left columns and the right columns in `groups`, in a fixed order.
///
/// 2·n·(left columns)·(right columns) flops, columns rounded up to whole groups.
///
/// # Panics
/// When the two factors do not have the same number of rows.
pub fn products(
    left: &Packed<NARROW>,
    right: &Packed<WIDE>,
    groups: Range<usize>,
    tiles: &mut Tiles,
    mut sink: impl FnMut(Tile<'_>),
) {
    assert_eq!(left.rows, right.rows, "factors with one number of rows");
    let arch = Arch::new();
    let lefts = left.groups();
    let needed = lefts * BATCH * NARROW * WIDE;
    if tiles.sums.len() < needed {
        tiles.sums.resize(needed, 0.0);
    }
    for first in groups.clone().step_by(BATCH) {
        let last = (first + BATCH).min(groups.end);
        let sums = &mut tiles.sums[..lefts * (last - first) * NARROW * WIDE];
        if left.rows == 0 {
            sums.fill(0.0);
        }
        for start in (0..left.rows).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(left.rows);
            arch.dispatch(Block { left, right, first, last, block, sums });
        }
        for (l, sums) in sums.chunks_exact((last - first) * NARROW * WIDE).enumerate() {
            let rows = NARROW.min(left.columns - l * NARROW);
            for (g, sums) in (first..last).zip(sums.chunks_exact(NARROW * WIDE)) {
                let columns = WIDE.min(right.columns - g * WIDE);
                sink(Tile { left: l * NARROW, right: g * WIDE, rows, columns, sums });
            }
        }
    }
}

/// One block of samples of all tiles of a batch.
struct Block<'a> {
    left: &'a Packed<NARROW>,
    right: &'a Packed<WIDE>,
    first: usize,
    last: usize,
    block: Range<usize>,
    /// \[left group\]\[right group\]\[b\]\[c\].
    sums: &'a mut [f64],
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let count = self.last - self.first;
        for g in self.first..self.last {
            let right = &self.right.group(g)[self.block.start * WIDE..self.block.end * WIDE];
            for l in 0..self.left.groups() {
                let left = &self.left.group(l)[self.block.start * NARROW..self.block.end * NARROW];
                let tile = &mut self.sums[(l * count + g - self.first) * NARROW * WIDE..][..NARROW * WIDE];
                // The first block of samples overwrites.
                let add = self.block.start > 0;
                if S::REGISTER_COUNT >= 32 && S::F64_LANES == 8 {
                    tile_part::<S, 8>(simd, left, right, 0, 0, add, tile);
                } else {
                    let mut vector = 0;
                    while vector * S::F64_LANES < WIDE {
                        tile_part::<S, 4>(simd, left, right, vector, 0, add, tile);
                        tile_part::<S, 4>(simd, left, right, vector, 4, add, tile);
                        vector += VECTORS;
                    }
                }
            }
        }
    }
}

/// Vectors of a tile that are summed at a time.
const VECTORS: usize = 3;

/// Overwrites or adds to B rows (from `row`) and three vectors of columns (from `vector`) of a tile.
#[inline(always)]
fn tile_part<S: Simd, const B: usize>(
    simd: S,
    left: &[f64],
    right: &[f64],
    vector: usize,
    row: usize,
    add: bool,
    tile: &mut [f64],
) {
    let (right, _) = S::as_simd_f64s(right);
    let mut sums = [[simd.splat_f64s(0.0); VECTORS]; B];
    let vectors = WIDE / S::F64_LANES;
    for (left, right) in left.chunks_exact(NARROW).zip(right.chunks_exact(vectors)) {
        let right: &[S::f64s] = &right[vector..vector + VECTORS];
        let left = &left[row..row + B];
        for b in 0..B {
            let x = simd.splat_f64s(left[b]);
            for v in 0..VECTORS {
                sums[b][v] = simd.mul_add_f64s(x, right[v], sums[b][v]);
            }
        }
    }
    let (tile, _) = S::as_mut_simd_f64s(tile);
    for b in 0..B {
        for v in 0..VECTORS {
            let out = &mut tile[(row + b) * vectors + vector + v];
            *out = if add { simd.add_f64s(*out, sums[b][v]) } else { sums[b][v] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_hold_the_sums_of_the_plain_loops() {
        for (n, left, right) in [(1, 1, 1), (3, 8, 24), (130, 9, 25), (257, 17, 500), (64, 3, 70), (5, 1, 0)] {
            let numbers = |count: usize, seed: usize| -> Vec<f64> {
                (0..count).map(|k| ((k * seed) % 19) as f64 - 9.0).collect()
            };
            let (x, y) = (numbers(n * left, 7), numbers(n * right, 11));
            let (mut a, mut b) = (Packed::<NARROW>::default(), Packed::<WIDE>::default());
            a.pack(&x, n, left);
            b.pack_in_parallel(&y, n, right);
            let mut out = vec![f64::NAN; left * right];
            let groups = 0..b.groups();
            products(&a, &b, groups, &mut Tiles::default(), |tile| {
                for b in 0..tile.rows {
                    let start = (tile.left + b) * right + tile.right;
                    out[start..][..tile.columns].copy_from_slice(tile.row(b));
                }
            });
            for i in 0..left {
                for c in 0..right {
                    let sum: f64 = (0..n).map(|k| x[i * n + k] * y[c * n + k]).sum();
                    assert_eq!(out[i * right + c], sum, "integers are exact: {n} {left} {right}");
                }
            }
        }
    }

    #[test]
    fn pairs_are_products_of_columns() {
        let x: Vec<f64> = (0..12).map(f64::from).collect();
        let mut packed = Packed::<NARROW>::default();
        packed.pack_pairs(&x, &x, 3, &[(0, 1), (2, 3), (3, 3)]);
        let expected = [[0.0, 54.0, 81.0], [4.0, 70.0, 100.0], [10.0, 88.0, 121.0]];
        for (row, expected) in packed.group(0).chunks_exact(NARROW).zip(expected) {
            assert_eq!(row[..3], expected);
            assert_eq!(row[3..], [0.0; 5]);
        }
    }
}
