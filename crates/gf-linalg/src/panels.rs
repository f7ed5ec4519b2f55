//! Products of panels that are packed once and used many times.
//!
//! out_{bc} = Σ_n left_n,b · right_n,c with the results handed out as rows of a small tile, so that the caller writes each where it
//! belongs and no product is stored. What a dense Hessian is made of: its sums over samples go straight into the matrix.
//!
//! **Rate**: a tile of 8 × 24 sums stays in registers (three vectors by eight numbers with AVX-512; pieces of it elsewhere), blocks of
//! 128 samples of one right group in the first-level cache. What comes next is fetched meanwhile: the next right group, the sums of the blocks
//! before, and the memory that the sums will go to (the first two, with aligned buffers: 417 instead of 449 ms for the Hessian of a
//! 64-64-32-10 network on one thread, Zen 5). **Bits**: every sum is one chain of fused multiply-adds over each
//! block of 128 samples, and the blocks are added in order, on every processor and however the work is cut.

mod pack;
mod tile;

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

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
    use crate::Update;

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
}
