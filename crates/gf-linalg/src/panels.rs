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

use crate::{
    Aligned, Update,
    fetch::{fetch, fetch_far},
    transpose::{Kernel, SIDE, Tiled, with_best_kernel},
};

/// Columns in a group of the left factor.
pub const NARROW: usize = 8;
/// Columns in a group of the right factor.
pub const WIDE: usize = 24;
/// Samples in a block: 24 KiB of a right group, 8 KiB of a left one.
const BLOCK: usize = 128;
/// Right groups whose sums are collected before they are handed out.
const BATCH: usize = 10;
/// Numbers of a cache line.
const LINE: usize = 8;

/// An n × columns matrix in groups of W columns; a group holds n rows of W consecutive numbers. Columns beyond the last are 0.
#[derive(Debug, Default)]
pub struct Packed<const W: usize> {
    rows: usize,
    columns: usize,
    data: Aligned,
}

impl<const W: usize> Packed<W> {
    /// Makes room for n = `rows` by `columns`. What the groups hold is then unspecified. Allocates only to grow.
    fn reset(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        self.data.grow(self.groups() * W * rows);
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
        self.pack_from(rows, columns, |c| &source[c * rows..][..rows]);
    }

    /// As [`Packed::pack`], the groups shared among the threads of the current pool.
    ///
    /// # Panics
    /// When `source` is shorter than n × columns.
    pub fn pack_in_parallel(&mut self, source: &[f64], rows: usize, columns: usize) {
        use rayon::prelude::*;
        self.reset(rows, columns);
        let size = (W * rows).max(1);
        let groups = self.data[..columns.div_ceil(W) * W * rows].par_chunks_exact_mut(size);
        let column = |c: usize| &source[c * rows..][..rows];
        groups
            .enumerate()
            .for_each(|(g, packed)| with_best_kernel(Group::<W, _, _> { rows, g, columns, column, packed }));
    }

    /// Packs columns that are computed from others on the way, n numbers each.
    ///
    /// # Panics
    /// When a column has fewer than n numbers.
    pub fn pack_from<C: Column>(&mut self, rows: usize, columns: usize, column: impl Fn(usize) -> C) {
        self.reset(rows, columns);
        let groups = self.data[..columns.div_ceil(W) * W * rows].chunks_exact_mut((W * rows).max(1));
        for (g, packed) in groups.enumerate() {
            with_best_kernel(Group::<W, _, _> { rows, g, columns, column: &column, packed });
        }
    }
}

/// The numbers of a column that is packed.
pub trait Column {
    /// K of them from number `n` on.
    fn numbers<const K: usize>(&self, n: usize) -> [f64; K];
}

#[inline(always)]
fn some<const K: usize>(x: &[f64], n: usize) -> [f64; K] {
    *x[n..].first_chunk().expect("a column holds n numbers")
}

impl Column for &[f64] {
    #[inline(always)]
    fn numbers<const K: usize>(&self, n: usize) -> [f64; K] {
        some(self, n)
    }
}

/// The column x⊙y.
#[derive(Debug, Clone, Copy)]
pub struct Product<'a>(pub &'a [f64], pub &'a [f64]);

impl Column for Product<'_> {
    #[inline(always)]
    fn numbers<const K: usize>(&self, n: usize) -> [f64; K] {
        let (x, y): ([f64; K], [f64; K]) = (some(self.0, n), some(self.1, n));
        std::array::from_fn(|k| x[k] * y[k])
    }
}

/// The column x⊙y, plus a product where there is a second one.
#[derive(Debug, Clone, Copy)]
pub struct Combination<'a>(pub Product<'a>, pub Option<Product<'a>>);

impl Column for Combination<'_> {
    #[inline(always)]
    fn numbers<const K: usize>(&self, n: usize) -> [f64; K] {
        let Some(second) = self.1 else { return self.0.numbers(n) };
        let (x, y): ([f64; K], [f64; K]) = (some(self.0.0, n), some(self.0.1, n));
        let second: [f64; K] = second.numbers(n);
        std::array::from_fn(|k| x[k].mul_add(y[k], second[k]))
    }
}

/// Group `g` of a packed matrix. Columns that are missing become 0.
struct Group<'a, const W: usize, C: Column, F: Fn(usize) -> C> {
    rows: usize,
    g: usize,
    columns: usize,
    column: F,
    packed: &'a mut [f64],
}

impl<const W: usize, C: Column, F: Fn(usize) -> C> Tiled for Group<'_, W, C, F> {
    #[inline(always)]
    fn run(self, kernel: impl Kernel) {
        let Self { rows, g, columns, column, packed } = self;
        let tiled = rows / SIDE * SIDE;
        for v in (0..W).step_by(SIDE) {
            let first = g * W + v;
            let these: [Option<C>; SIDE] = std::array::from_fn(|c| (first + c < columns).then(|| column(first + c)));
            for n in (0..tiled).step_by(SIDE) {
                let tile = std::array::from_fn(|c| match &these[c] {
                    Some(column) => column.numbers(n),
                    None => [0.0; SIDE],
                });
                for (k, row) in kernel.transpose(tile).into_iter().enumerate() {
                    packed[(n + k) * W + v..][..SIDE].copy_from_slice(&row);
                }
            }
            for n in tiled..rows {
                for c in 0..SIDE {
                    packed[n * W + v + c] = these[c].as_ref().map_or(0.0, |column| column.numbers::<1>(n)[0]);
                }
            }
        }
    }
}

/// Where sums are collected before they are handed out. Grows to what is needed.
#[derive(Debug, Default)]
pub struct Tiles {
    sums: Aligned,
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
    /// None while they are being computed.
    sums: Option<&'a [f64]>,
}

impl Tile<'_> {
    /// The leading numbers of out = or += the sums of left column `left + b` with the right columns `right + c`, `right + c + 1`, …:
    /// as many as `out` takes. While the sums are being computed, `out` is fetched instead.
    ///
    /// # Panics
    /// When `out` takes more than there are.
    #[inline(always)]
    pub fn put(&self, update: Update, b: usize, c: usize, out: &mut [f64]) {
        let Some(sums) = self.sums else {
            // Two ends of a stretch that is shorter than three cache lines, and what lies between them.
            out.iter().step_by(LINE).chain(out.last()).for_each(|x| fetch_far(x));
            return;
        };
        let sums = &sums[b * WIDE + c..][..out.len()];
        match update {
            Update::Replace => copy(sums, out),
            Update::Add => {
                for (out, x) in out.iter_mut().zip(sums) {
                    *out += x;
                }
            }
        }
    }

    /// Whether there are sums already.
    #[inline(always)]
    pub fn is_known(&self) -> bool {
        self.sums.is_some()
    }

    /// The sum of left column `left + b` with right column `right + c`, once it is known.
    ///
    /// # Panics
    /// When it is not, or lies outside the tile.
    #[inline(always)]
    pub fn sum(&self, b: usize, c: usize) -> f64 {
        self.sums.expect("sums that are known")[b * WIDE + c]
    }
}

/// out = x for a few numbers: a call of `memcpy` takes longer than that.
#[inline(always)]
fn copy(x: &[f64], out: &mut [f64]) {
    #[inline(always)]
    fn pieces<const K: usize>(x: &[f64], out: &mut [f64]) -> Option<()> {
        // The last piece overlaps the one before it.
        let (from, to) = (x.last_chunk::<K>()?, out.last_chunk_mut::<K>()?);
        *to = *from;
        let whole = x.len() / K;
        for piece in 0..whole {
            let to: &mut [f64; K] = out[piece * K..].first_chunk_mut()?;
            *to = *x[piece * K..].first_chunk()?;
        }
        Some(())
    }
    let _ = match x.len() {
        8.. => pieces::<8>(x, out),
        4..8 => pieces::<4>(x, out),
        2..4 => pieces::<2>(x, out),
        _ => pieces::<1>(x, out),
    };
}

/// Calls `sink` for every tile of all left columns and the right columns in `groups`, in a fixed order: once while its sums are being
/// computed, so that the memory that they go to is fetched meanwhile ([`Tile::put`] does that), and once more with the sums.
///
/// 2·n·(left columns)·(right columns) flops, right columns rounded up to whole groups.
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
    tiles.sums.grow(lefts * BATCH * NARROW * WIDE);
    for first in groups.clone().step_by(BATCH) {
        let last = (first + BATCH).min(groups.end);
        let sums = &mut tiles.sums[..lefts * (last - first) * NARROW * WIDE];
        if left.rows == 0 {
            sums.fill(0.0);
        }
        let place = |l: usize, g: usize, sums| {
            let rows = NARROW.min(left.columns - l * NARROW);
            let columns = WIDE.min(right.columns - g * WIDE);
            Tile { left: l * NARROW, right: g * WIDE, rows, columns, sums }
        };
        for start in (0..left.rows).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(left.rows);
            let is_last = block.end == left.rows;
            let expect = |l, g| {
                if is_last {
                    sink(place(l, g, None));
                }
            };
            arch.dispatch(Block { left, right, first, last, block, sums, expect });
        }
        for (l, sums) in sums.chunks_exact((last - first) * NARROW * WIDE).enumerate() {
            for (g, sums) in (first..last).zip(sums.chunks_exact(NARROW * WIDE)) {
                sink(place(l, g, Some(sums)));
            }
        }
    }
}

/// One block of samples of all tiles of a batch.
struct Block<'a, F> {
    left: &'a Packed<NARROW>,
    right: &'a Packed<WIDE>,
    first: usize,
    last: usize,
    block: Range<usize>,
    /// \[left group\]\[right group\]\[b\]\[c\].
    sums: &'a mut [f64],
    /// Called with the left and the right group of each tile before it is computed.
    expect: F,
}

impl<F: FnMut(usize, usize)> WithSimd for Block<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, right, first, last, block, sums, mut expect } = self;
        let (lefts, count) = (left.groups(), last - first);
        // The first block of samples overwrites.
        let add = block.start > 0;
        for g in first..last {
            let here = &right.group(g)[block.start * WIDE..block.end * WIDE];
            // While this group is used, the next one is fetched, a part of it by each tile.
            let next = if g + 1 < last { &right.group(g + 1)[block.start * WIDE..block.end * WIDE] } else { &[] };
            let share = next.len().div_ceil(lefts).next_multiple_of(LINE);
            for l in 0..lefts {
                let ahead = next.get(l * share..).unwrap_or(&[]);
                let ahead = &ahead[..ahead.len().min(share)];
                expect(l, g);
                let rows = left.columns - l * NARROW;
                let left = &left.group(l)[block.start * NARROW..block.end * NARROW];
                let tile = &mut sums[(l * count + g - first) * NARROW * WIDE..][..NARROW * WIDE];
                if add {
                    fetch(tile);
                }
                let part = Sides { left, right: here, ahead };
                if S::REGISTER_COUNT >= 32 && S::F64_LANES == 8 {
                    // Fewer columns take less time.
                    match rows {
                        1 => part.sum::<S, 1>(simd, 0, 0, add, tile),
                        2 => part.sum::<S, 2>(simd, 0, 0, add, tile),
                        3 | 4 => part.sum::<S, 4>(simd, 0, 0, add, tile),
                        _ => part.sum::<S, 8>(simd, 0, 0, add, tile),
                    }
                } else {
                    let mut vector = 0;
                    while vector * S::F64_LANES < WIDE {
                        part.sum::<S, 4>(simd, vector, 0, add, tile);
                        if rows > 4 {
                            part.sum::<S, 4>(simd, vector, 4, add, tile);
                        }
                        vector += VECTORS;
                    }
                }
            }
        }
    }
}

/// Vectors of a tile that are summed at a time.
const VECTORS: usize = 3;

/// The factors of a tile, as far as one block of samples goes.
#[derive(Clone, Copy)]
struct Sides<'a> {
    left: &'a [f64],
    right: &'a [f64],
    /// What is fetched meanwhile.
    ahead: &'a [f64],
}

impl Sides<'_> {
    /// Overwrites or adds to B rows (from `row`) and three vectors of columns (from `vector`) of a tile.
    #[inline(always)]
    fn sum<S: Simd, const B: usize>(self, simd: S, vector: usize, row: usize, add: bool, tile: &mut [f64]) {
        let Self { left, right, ahead } = self;
        let (right, _) = S::as_simd_f64s(right);
        let mut sums = [[simd.splat_f64s(0.0); VECTORS]; B];
        let vectors = WIDE / S::F64_LANES;
        let (mut ahead, step) = (ahead.as_ptr(), ahead.len() * NARROW / left.len().max(1));
        for (left, right) in left.chunks_exact(NARROW).zip(right.chunks_exact(vectors)) {
            fetch_far(ahead);
            ahead = ahead.wrapping_add(step);
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
                    tile.put(Update::Replace, b, 0, &mut out[start..][..tile.columns]);
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
    fn columns_are_computed_on_the_way() {
        for n in [1, 7, 8, 19] {
            let numbers = |seed: usize| -> Vec<f64> { (0..3 * n).map(|k| ((k * seed) % 23) as f64 - 11.0).collect() };
            let (x, y, z) = (numbers(5), numbers(7), numbers(11));
            let slice = |of: &[f64], c: usize| -> Vec<f64> { of[c * n..][..n].to_vec() };
            let columns: Vec<[Vec<f64>; 3]> = (0..3).map(|c| [slice(&x, c), slice(&y, 2 - c), slice(&z, c)]).collect();
            let mut packed = Packed::<NARROW>::default();
            packed.pack_from(n, 3, |c| {
                let [x, y, z] = &columns[c];
                Combination(Product(x, y), (c != 1).then_some(Product(y, z)))
            });
            for (i, row) in packed.group(0).chunks_exact(NARROW).enumerate() {
                for c in 0..3 {
                    let [x, y, z] = &columns[c];
                    let second = if c == 1 { 0.0 } else { y[i] * z[i] };
                    assert_eq!(row[c], x[i] * y[i] + second, "{n}: ({i}, {c})");
                }
                assert_eq!(row[3..], [0.0; 5]);
            }
        }
    }
}
