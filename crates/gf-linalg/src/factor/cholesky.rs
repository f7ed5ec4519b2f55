//! LLᵀ by panels, right-looking.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::real::Real;
use super::tiles::NARROW;
use super::triangle::eliminate;
use super::update::{Panel, is_parallel};

/// Overwrites the lower triangle of the leading q × q matrix in `data` (columns `p` apart, the last one perhaps cut short) with L. The
/// strictly upper triangle is neither read nor written.
///
/// # Errors
/// The first pivot that is not positive.
pub(super) fn factorize<T: Real, const TALL: usize>(
    panel: &mut Panel<T, TALL>,
    data: &mut [T],
    p: usize,
    q: usize,
) -> Result<(), usize> {
    for start in (0..q).step_by(panel.width) {
        let width = panel.width.min(q - start);
        let below = start + width;
        let end = (below * p).min(data.len());
        diagonal_block(&mut data[start * p..end], p, start).map_err(|k| start + k)?;
        if below == q {
            break;
        }
        for (k, column) in data[start * p..below * p].chunks(p).enumerate() {
            (k..width).for_each(|i| panel.block[i * width + k] = column[start + i]);
        }
        let columns = &mut data[start * p..below * p];
        solve_panel(panel, columns, p, below..q);
        for (k, column) in columns.chunks_mut(p).enumerate() {
            panel.left.column(k, 0, &mut column[below..q]);
        }
        let end = (q * p).min(data.len());
        panel.update(width, 0..q - below, &mut data[below * p..end], p, below);
    }
    Ok(())
}

/// The rows `rows` of `columns` (`p` apart) times L₁₁⁻ᵀ, into both factors of the panel. Tiles are shared among the threads of the pool.
fn solve_panel<T: Real, const TALL: usize>(panel: &mut Panel<T, TALL>, columns: &[T], p: usize, rows: Range<usize>) {
    let parts = TALL / NARROW;
    let width = columns.len().div_ceil(p);
    let block = &panel.block[..width * width];
    let (tall, narrow) = (panel.left.tile_len(), panel.right.tile_len());
    let solve = |(number, (left, right)): (usize, (&mut [T], &mut [T]))| {
        let row = rows.start + number * TALL;
        let count = TALL.min(rows.end - row);
        for (left, column) in left.chunks_exact_mut(TALL).zip(columns.chunks(p)) {
            left[..count].copy_from_slice(&column[row..row + count]);
        }
        Arch::new().dispatch(Solve::<T, TALL> { block, width, tile: &mut left[..width * TALL] });
        for (part, right) in right.chunks_exact_mut(narrow).enumerate() {
            for (right, left) in right.chunks_exact_mut(NARROW).zip(left.chunks_exact(TALL)).take(width) {
                right.copy_from_slice(&left[part * NARROW..][..NARROW]);
            }
        }
    };
    let count = rows.len().div_ceil(TALL);
    let left = &mut panel.left.tiles_mut()[..count * tall];
    let right = &mut panel.right.tiles_mut()[..count * parts * narrow];
    if is_parallel(rows.len()) {
        let tiles = left.par_chunks_exact_mut(tall).zip(right.par_chunks_exact_mut(parts * narrow));
        tiles.enumerate().with_min_len(8).for_each(solve);
    } else {
        left.chunks_exact_mut(tall).zip(right.chunks_exact_mut(parts * narrow)).enumerate().for_each(solve);
    }
}

/// LLᵀ of one block on the diagonal of `columns` (`p` apart, `start` numbers above the block).
fn diagonal_block<T: Real>(columns: &mut [T], p: usize, start: usize) -> Result<(), usize> {
    let width = columns.len().div_ceil(p);
    for k in 0..width {
        let (known, column) = columns.split_at_mut(k * p);
        let column = &mut column[start + k..start + width];
        eliminate(known, p, start + k, column);
        let pivot = column[0];
        // A NaN is not positive either.
        if pivot <= T::default() || !pivot.is_finite() {
            return Err(k);
        }
        let root = pivot.sqrt();
        column[0] = root;
        column[1..].iter_mut().for_each(|x| *x /= root);
    }
    Ok(())
}

/// X ← X·L⁻ᵀ for one tile of rows.
struct Solve<'a, T, const TALL: usize> {
    /// L, row by row.
    block: &'a [T],
    width: usize,
    tile: &'a mut [T],
}

impl<T: Real, const TALL: usize> WithSimd for Solve<'_, T, TALL> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        /// Columns solved at a time, so that each known column is read once for all of them.
        const COLUMNS: usize = 4;
        const VECTORS: usize = 3;
        let vectors = TALL / T::lanes::<S>();
        for first in (0..self.width).step_by(COLUMNS) {
            let count = COLUMNS.min(self.width - first);
            let rows: [&[T]; COLUMNS] =
                std::array::from_fn(|c| &self.block[(first + c.min(count - 1)) * self.width..][..self.width]);
            let (known, columns) = self.tile.split_at_mut(first * TALL);
            let (known, _) = T::vectors::<S>(known);
            let (columns, _) = T::vectors_mut::<S>(&mut columns[..count * TALL]);
            for part in (0..vectors).step_by(VECTORS) {
                let mut sums = [[T::splat(simd, T::default()); VECTORS]; COLUMNS];
                for (k, known) in known.chunks_exact(vectors).enumerate() {
                    let known = &known[part..part + VECTORS];
                    for c in 0..COLUMNS {
                        let l = T::splat(simd, rows[c][k]);
                        for v in 0..VECTORS {
                            sums[c][v] = T::fused_vectors(simd, l, known[v], sums[c][v]);
                        }
                    }
                }
                for c in 0..count {
                    let inverse = T::splat(simd, T::ONE / rows[c][first + c]);
                    for v in 0..VECTORS {
                        let mut sum = sums[c][v];
                        for d in 0..c {
                            let l = T::splat(simd, rows[c][first + d]);
                            sum = T::fused_vectors(simd, l, columns[d * vectors + part + v], sum);
                        }
                        let x = &mut columns[c * vectors + part + v];
                        *x = T::multiply_vectors(simd, T::subtract_vectors(simd, *x, sum), inverse);
                    }
                }
            }
        }
    }
}
