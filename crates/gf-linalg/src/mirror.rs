//! The lower triangle of a symmetric matrix copied onto the upper one.
//!
//! No arithmetic, so the memory decides. Columns of the result are written in long runs, eight at a time; the same eight rows are read from
//! every column on the other side, which lies on another page: what the next eight rows need is fetched ahead of its use.

use crate::{
    fetch::{fetch, fetch_near},
    transpose::{Kernel, SIDE, Tile, Tiled, with_best_kernel},
};

/// Below so many columns, other threads cost more than they bring.
const SMALLEST_PARALLEL: usize = 512;
/// Diagonal blocks of so many columns are copied entry by entry.
const LEAF: usize = 2 * SIDE;
/// Columns of a stripe that is mirrored by one task.
const STRIPE: usize = 64;
/// Columns read at a time: their pages are still known to the processor when the next rows are read from them.
const PAGES: usize = 1024;
/// How far below the rows in use the ones fetched ahead lie: two cache lines. One came too late, three brought nothing more (measured).
const AHEAD: usize = 16;

/// Copies the lower triangle of a p × p column-major matrix onto the upper one, shared among the threads of the current pool.
///
/// # Panics
/// When `matrix` does not hold p² numbers.
pub fn mirror(p: usize, matrix: &mut [f64]) {
    assert_eq!(matrix.len(), p * p, "a p x p matrix");
    mirror_columns(p, 0, matrix);
}

/// Mirrors the diagonal block of the columns `first..` that `columns` holds.
fn mirror_columns(p: usize, first: usize, columns: &mut [f64]) {
    let count = columns.len() / p.max(1);
    if count <= LEAF {
        for c in 1..count {
            let (known, column) = columns.split_at_mut(c * p);
            for (r, entry) in column[first..first + c].iter_mut().enumerate() {
                *entry = known[r * p + first + c];
            }
        }
        return;
    }
    // The left half is done with once the right half's rows have been read from it.
    let half = (count / 2).next_multiple_of(SIDE);
    let (left, right) = columns.split_at_mut(half * p);
    let from = &*left;
    let stripe = |(number, to): (usize, &mut [f64])| {
        with_best_kernel(Stripe { p, first, from, at: first + half + number * STRIPE, to });
    };
    if count >= SMALLEST_PARALLEL && rayon::current_num_threads() > 1 {
        use rayon::prelude::*;
        right.par_chunks_mut(STRIPE * p).enumerate().for_each(stripe);
        rayon::join(|| mirror_columns(p, first, left), || mirror_columns(p, first + half, right));
    } else {
        right.chunks_mut(STRIPE * p).enumerate().for_each(stripe);
        mirror_columns(p, first, left);
        mirror_columns(p, first + half, right);
    }
}

/// Columns `at..` of the matrix, in `to`, whose rows `first..` are the rows `at..` of the columns `first..`, in `from`.
/// `from` has a multiple of [`SIDE`] columns, of p numbers as those of `to`.
struct Stripe<'a> {
    p: usize,
    first: usize,
    from: &'a [f64],
    at: usize,
    to: &'a mut [f64],
}

impl Tiled for Stripe<'_> {
    #[inline(always)]
    fn run(self, kernel: impl Kernel) {
        let Self { p, first, from, at, to } = self;
        let (rows, columns) = (from.len() / p, to.len() / p);
        debug_assert!(rows % SIDE == 0);
        let tiled = columns / SIDE * SIDE;
        for block in (0..rows).step_by(PAGES) {
            let end = (block + PAGES).min(rows);
            for c in (0..tiled).step_by(SIDE) {
                for r in (block..end).step_by(SIDE) {
                    let start = |k: usize| (r + k) * p + at + c;
                    for k in 0..SIDE {
                        fetch_near(from.as_ptr().wrapping_add(start(k) + AHEAD));
                    }
                    let tile = std::array::from_fn(|k| {
                        *from[start(k)..].first_chunk().expect("a tile ends above the last row")
                    });
                    for (k, column) in kernel.transpose(tile).into_iter().enumerate() {
                        to[(c + k) * p + first + r..][..SIDE].copy_from_slice(&column);
                    }
                }
            }
            for c in tiled..columns {
                for r in block..end {
                    to[c * p + first + r] = from[r * p + at + c];
                }
            }
        }
    }
}

/// Copies the lower triangle of a square block onto the upper one: the block has a row for each of the `columns`, from row `first` of each on.
///
/// # Panics
/// When a column ends inside the block.
pub fn mirror_block(columns: &mut [&mut [f64]], first: usize) {
    with_best_kernel(Block { columns, first });
}

/// Asks for the memory of a block that [`mirror_block`] is soon called for: 4 % of the time of the Hessian of a 64-32-10 network, Zen 5.
///
/// # Panics
/// When a column ends inside the block.
pub fn fetch_block(columns: &[&mut [f64]], first: usize) {
    for column in columns {
        fetch(&column[first..][..columns.len()]);
    }
}

struct Block<'a, 'b> {
    columns: &'a mut [&'b mut [f64]],
    first: usize,
}

impl Tiled for Block<'_, '_> {
    #[inline(always)]
    fn run(self, kernel: impl Kernel) {
        let Self { columns, first } = self;
        let count = columns.len();
        let tiled = count / SIDE * SIDE;
        for c in (0..tiled).step_by(SIDE) {
            // The tile on the diagonal stays what it is below.
            let mut tile = read(columns, c, first + c);
            let mirrored = kernel.transpose(tile);
            for k in 0..SIDE {
                tile[k][..k].copy_from_slice(&mirrored[k][..k]);
                columns[c + k][first + c..][..SIDE].copy_from_slice(&tile[k]);
            }
            for r in (c + SIDE..tiled).step_by(SIDE) {
                let mirrored = kernel.transpose(read(columns, c, first + r));
                for k in 0..SIDE {
                    columns[r + k][first + c..][..SIDE].copy_from_slice(&mirrored[k]);
                }
            }
        }
        // The rows below all tiles.
        for c in 0..count {
            for r in tiled.max(c + 1)..count {
                columns[r][first + c] = columns[c][first + r];
            }
        }
    }
}

/// The tile that begins in column `c` and row `r`.
#[inline(always)]
fn read(columns: &[&mut [f64]], c: usize, r: usize) -> Tile {
    let mut tile = [[0.0; SIDE]; SIDE];
    for k in 0..SIDE {
        tile[k] = *columns[c + k][r..].first_chunk().expect("a column holds the block");
    }
    tile
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transpose::Portable;

    #[test]
    fn the_upper_triangle_becomes_the_lower_one() {
        for p in [0, 1, 2, 7, 16, 17, 64, 65, 130, 515, 641, 2 * PAGES + 23] {
            let mut matrix: Vec<f64> = (0..p * p).map(|k| k as f64).collect();
            let lower = matrix.clone();
            mirror(p, &mut matrix);
            for j in 0..p {
                for i in 0..p {
                    assert_eq!(matrix[i + j * p], lower[i.max(j) + i.min(j) * p], "{p}: ({i}, {j})");
                }
            }
        }
    }

    #[test]
    fn a_block_becomes_symmetric_and_nothing_else_changes() {
        for (count, first, p) in [(1, 0, 1), (5, 3, 9), (8, 0, 8), (17, 2, 21), (32, 5, 40)] {
            let before: Vec<f64> = (0..count * p).map(|k| k as f64).collect();
            let mut matrix = before.clone();
            mirror_block(&mut matrix.chunks_exact_mut(p).collect::<Vec<_>>(), first);
            for c in 0..count {
                for i in 0..p {
                    // Above the diagonal of the block stands what lies below it.
                    let above = (first..first + c).contains(&i);
                    let from = if above { first + c + (i - first) * p } else { i + c * p };
                    assert_eq!(matrix[i + c * p], before[from], "{count} columns: ({i}, {c})");
                }
            }
        }
    }

    #[test]
    fn every_kernel_copies_a_stripe() {
        let (p, half) = (61, 32);
        let from: Vec<f64> = (0..p * half).map(|k| k as f64).collect();
        let columns = p - half;
        let copied = |copy: fn(Stripe<'_>)| {
            let mut to = vec![-1.0; p * columns];
            copy(Stripe { p, first: 0, from: &from, at: half, to: &mut to });
            to
        };
        let expected: Vec<f64> = (0..p * columns)
            .map(|k| (k / p, k % p))
            .map(|(c, r)| if r < half { from[r * p + half + c] } else { -1.0 })
            .collect();
        assert_eq!(copied(|stripe| stripe.run(Portable)), expected);
        assert_eq!(copied(|stripe| with_best_kernel(stripe)), expected);
    }
}
