//! The lower triangle of a symmetric matrix copied onto the upper one.

/// Below so many columns, other threads cost more than they bring.
const SMALLEST_PARALLEL: usize = 512;
/// Columns of a stripe that is mirrored by one task.
const STRIPE: usize = 64;
/// Rows and columns copied at a time: whole cache lines.
const TILE: usize = 8;

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
    if count <= STRIPE {
        for c in 1..count {
            let (known, column) = columns.split_at_mut(c * p);
            for (r, entry) in column[first..first + c].iter_mut().enumerate() {
                *entry = known[r * p + first + c];
            }
        }
        return;
    }
    // The left half is done with once the right half's rows have been read from it.
    let half = (count / 2).next_multiple_of(STRIPE);
    let (left, right) = columns.split_at_mut(half * p);
    let from = &*left;
    let stripe = |(number, stripe): (usize, &mut [f64])| {
        copy_transposed(p, first, half, from, first + half + number * STRIPE, stripe);
    };
    if count >= SMALLEST_PARALLEL {
        use rayon::prelude::*;
        right.par_chunks_mut(STRIPE * p).enumerate().for_each(stripe);
        rayon::join(|| mirror_columns(p, first, left), || mirror_columns(p, first + half, right));
    } else {
        right.chunks_mut(STRIPE * p).enumerate().for_each(stripe);
        mirror_columns(p, first, left);
        mirror_columns(p, first + half, right);
    }
}

/// Rows `first..first + half` of the columns `at..` in `to`, from rows `at..` of the columns `first..` in `from`.
fn copy_transposed(p: usize, first: usize, half: usize, from: &[f64], at: usize, to: &mut [f64]) {
    let count = to.len() / p;
    for block in (0..half).step_by(STRIPE) {
        let end = (block + STRIPE).min(half);
        for c0 in (0..count).step_by(TILE) {
            for r0 in (block..end).step_by(TILE) {
                if r0 + TILE <= end && c0 + TILE <= count {
                    let mut tile = [[0.0; TILE]; TILE];
                    for (r, column) in from[r0 * p..].chunks(p).take(TILE).enumerate() {
                        let row: &[f64; TILE] = column[at + c0..].first_chunk().expect("a whole tile");
                        for c in 0..TILE {
                            tile[c][r] = row[c];
                        }
                    }
                    for (column, tile) in to[c0 * p..].chunks_mut(p).zip(&tile) {
                        column[first + r0..first + r0 + TILE].copy_from_slice(tile);
                    }
                } else {
                    for c in c0..(c0 + TILE).min(count) {
                        for r in r0..(r0 + TILE).min(end) {
                            to[c * p + first + r] = from[r * p + at + c];
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_triangle_becomes_the_lower_one() {
        for p in [0, 1, 2, 7, 64, 65, 130, 515, 641] {
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
}
