//! Products of panels that are packed once and used many times.
//!
//! out_{bc} = Σ_n left_n,b · right_n,c with the results handed out as rows of a small tile, so that the caller writes each where it
//! belongs and no product is stored. What a dense Hessian is made of: its sums over samples go straight into the matrix.
//!
//! **Rate**: a tile of 8 × 24 sums stays in registers (three vectors by eight numbers with AVX-512; pieces of it elsewhere), blocks of
//! 128 samples of one right group in the first-level cache. What comes next is fetched meanwhile: the next right group, the sums of the blocks
//! before, and the memory that the sums will go to (the first two, with aligned buffers: 417 instead of 449 ms for the Hessian of a
//! 64-64-32-10 network on one thread, Zen 5). **Zeros**: a sample where a group of either factor holds nothing but zeros adds nothing and is
//! left out: the blank pixels of an image, one-hot inputs, units of ReLU at rest (digits are 0 in 48 % of their entries: 262 instead of
//! 378 ms for the same Hessian). **Bits**: every sum is one chain of fused multiply-adds over each
//! block of 128 samples, and the blocks are added in order, on every processor and however the work is cut; finite numbers lose nothing by
//! a sample that is left out, while 0·∞ is 0 there.

mod pack;
mod tile;

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use self::pack::WORD;
pub use self::{
    pack::{Column, Combination, Packed, Product},
    tile::Tile,
};
use crate::{
    Aligned,
    fetch::{fetch, fetch_far},
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

/// Where sums are collected before they are handed out. Grows to what is needed.
#[derive(Debug, Default)]
pub struct Tiles {
    sums: Aligned,
}

/// Calls `sink` for every tile of all left columns and the right columns in `groups`, in a fixed order: once while its sums are being
/// computed, so that the memory that they go to is fetched meanwhile ([`Tile::put`] does that), and once more with the sums.
///
/// 2·n·(left columns)·(right columns) flops, right columns rounded up to whole groups; without the samples that zeros leave out.
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
            let (here, of_right) = (right.group(g, &block), right.nonzero(g, &block));
            // While this group is used, the next one is fetched, a part of it by each tile.
            let next = if g + 1 < last { right.group(g + 1, &block) } else { &[] };
            let share = next.len().div_ceil(lefts).next_multiple_of(LINE);
            for l in 0..lefts {
                let ahead = next.get(l * share..).unwrap_or(&[]);
                let ahead = &ahead[..ahead.len().min(share)];
                expect(l, g);
                let rows = left.columns - l * NARROW;
                let mut samples = [0; BLOCK / WORD];
                for ((both, of_left), of_right) in samples.iter_mut().zip(left.nonzero(l, &block)).zip(of_right) {
                    *both = of_left & of_right;
                }
                let left = left.group(l, &block);
                let tile = &mut sums[(l * count + g - first) * NARROW * WIDE..][..NARROW * WIDE];
                if add {
                    fetch(tile);
                }
                let part = Sides { left, right: here, samples, ahead };
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
    /// A bit for each sample: whether both have a number that is not 0. The others add nothing.
    samples: [u64; BLOCK / WORD],
    /// What is fetched meanwhile.
    ahead: &'a [f64],
}

impl Sides<'_> {
    /// Overwrites or adds to B rows (from `row`) and three vectors of columns (from `vector`) of a tile.
    #[inline(always)]
    fn sum<S: Simd, const B: usize>(self, simd: S, vector: usize, row: usize, add: bool, tile: &mut [f64]) {
        let Self { left, right, samples, ahead } = self;
        let (right, _) = S::as_simd_f64s(right);
        let mut sums = [[simd.splat_f64s(0.0); VECTORS]; B];
        let vectors = WIDE / S::F64_LANES;
        let count: usize = samples.iter().map(|word| word.count_ones() as usize).sum();
        let (mut ahead, step) = (ahead.as_ptr(), ahead.len() / count.max(1));
        if count == BLOCK {
            for (left, right) in left.chunks_exact(NARROW).zip(right.chunks_exact(vectors)) {
                fetch_far(ahead);
                ahead = ahead.wrapping_add(step);
                add_sample(simd, &left[row..row + B], &right[vector..vector + VECTORS], &mut sums);
            }
        } else {
            for (first, mut word) in (0..BLOCK).step_by(WORD).zip(samples) {
                while word != 0 {
                    let n = first + word.trailing_zeros() as usize;
                    word &= word - 1;
                    fetch_far(ahead);
                    ahead = ahead.wrapping_add(step);
                    let (left, right) = (&left[n * NARROW + row..], &right[n * vectors + vector..]);
                    add_sample(simd, &left[..B], &right[..VECTORS], &mut sums);
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

/// sums += the products of one sample.
#[inline(always)]
fn add_sample<S: Simd, const B: usize>(simd: S, left: &[f64], right: &[S::f64s], sums: &mut [[S::f64s; VECTORS]; B]) {
    for b in 0..B {
        let x = simd.splat_f64s(left[b]);
        for v in 0..VECTORS {
            sums[b][v] = simd.mul_add_f64s(x, right[v], sums[b][v]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Update;

    /// leftᵀ·right, row after row; columns of n numbers, packed by one thread and by several.
    fn product(n: usize, left: &[f64], right: &[f64]) -> Vec<f64> {
        let (mut a, mut b) = (Packed::<NARROW>::default(), Packed::<WIDE>::default());
        a.pack(left, n, left.len() / n);
        b.pack_in_parallel(right, n, right.len() / n);
        let columns = right.len() / n;
        let mut out = vec![f64::NAN; left.len() / n * columns];
        products(&a, &b, 0..b.groups(), &mut Tiles::default(), |tile| {
            for b in 0..tile.rows {
                let start = (tile.left + b) * columns + tile.right;
                tile.put(Update::Replace, b, 0, &mut out[start..][..tile.columns]);
            }
        });
        out
    }

    fn plain(n: usize, left: &[f64], right: &[f64]) -> Vec<f64> {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        left.chunks(n).flat_map(|x| right.chunks(n).map(move |y| dot(x, y))).collect()
    }

    fn integers(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|k| ((k * seed) % 19) as f64 - 9.0).collect()
    }

    const SHAPES: [(usize, usize, usize); 8] =
        [(1, 1, 1), (3, 8, 24), (130, 9, 25), (128, 8, 26), (257, 17, 500), (64, 3, 70), (200, 20, 41), (5, 1, 0)];

    #[test]
    fn tiles_hold_the_sums_of_the_plain_loops() {
        for (n, left, right) in SHAPES {
            let (x, y) = (integers(n * left, 7), integers(n * right, 11));
            assert_eq!(product(n, &x, &y), plain(n, &x, &y), "integers are exact: {n} {left} {right}");
        }
    }

    #[test]
    fn samples_of_zeros_change_nothing() {
        type Zero = fn(usize) -> bool;
        let patterns: [(Zero, Zero); 5] = [
            (|n| n % 3 == 0, |_| false),
            (|_| false, |n| n % 7 != 2),
            (|n| n % 2 == 0, |n| n % 5 == 1),
            (|n| n < 128, |n| n >= 128),
            (|n| n != 63, |n| n == 64),
        ];
        for (n, left, right) in SHAPES {
            for (of_left, of_right) in patterns {
                let (mut x, mut y) = (integers(n * left, 7), integers(n * right, 11));
                for (k, x) in x.iter_mut().enumerate().filter(|(k, _)| of_left(k % n)) {
                    *x = if k % 2 == 0 { 0.0 } else { -0.0 };
                }
                y.iter_mut().enumerate().filter(|(k, _)| of_right(k % n)).for_each(|(_, y)| *y = 0.0);
                assert_eq!(product(n, &x, &y), plain(n, &x, &y), "integers are exact: {n} {left} {right}");
            }
        }
    }

    #[test]
    fn numbers_that_are_not_finite_stay_unless_all_their_factors_are_zeros() {
        let (n, left, right) = (130, 9, 30);
        let (mut x, mut y) = (vec![1.0; n * left], vec![1.0; n * right]);
        // Sample 5 of the left factor's first group; its second group is one column of ones.
        x[..8 * n].iter_mut().skip(5).step_by(n).for_each(|x| *x = 0.0);
        y[5] = f64::INFINITY;
        y[n + 129] = f64::NAN;
        let out = product(n, &x, &y);
        assert_eq!(out[0], 129.0);
        assert!(out[1].is_nan());
        assert_eq!(out[8 * right], f64::INFINITY);
        assert_eq!(out[8 * right + 2], 130.0);
    }
}
