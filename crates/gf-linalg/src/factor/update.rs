//! The trailing update of both factorizations.

use rayon::prelude::*;

use super::real::Real;
use super::tiles::{NARROW, Stripe, Tiles, whole_pairs};

/// Columns that are factorized before the rest is updated: enough for products at full speed, few enough for the slower panels.
pub(super) const PANEL: usize = 64;
/// The same in single precision, where products are faster than the memory of what they update.
pub(super) const PANEL_SINGLE: usize = 128;
/// Columns of a stripe.
const STRIPE: usize = 96;
/// Below so many rows, other threads cost more than they bring.
const SMALLEST_PARALLEL: usize = 256;

/// The columns of the current panel, as both factors of the trailing update C −= L·Rᵀ.
#[derive(Debug)]
pub(super) struct Panel<T, const TALL: usize> {
    /// L.
    pub(super) left: Tiles<T, TALL>,
    /// R.
    pub(super) right: Tiles<T, NARROW>,
    /// Columns.
    pub(super) width: usize,
    /// The diagonal block of the factor, row by row.
    pub(super) block: Vec<T>,
}

impl<T: Real, const TALL: usize> Panel<T, TALL> {
    /// `width` columns of matrices of order `p`.
    pub(super) fn new(p: usize, width: usize) -> Self {
        // A 2 × 2 pivot may begin in a panel's last column.
        let (rows, columns) = (whole_pairs(p), width.min(p) + 1);
        Self {
            left: Tiles::new(rows, columns),
            right: Tiles::new(rows, columns),
            width,
            block: vec![T::default(); width * width],
        }
    }

    /// C −= L·Rᵀ in the lower triangle, L and R of `depth` columns. `columns` holds whole columns of C, `stride` apart, from row and
    /// column 0 of the panel on, with `offset` numbers above that row; rows and columns in `range` are updated.
    ///
    /// Stripes of columns are shared among the threads of the current pool; each is computed as if it were alone.
    pub(super) fn update(
        &self,
        depth: usize,
        range: std::ops::Range<usize>,
        columns: &mut [T],
        stride: usize,
        offset: usize,
    ) {
        let (first, rows) = (range.start, range.end);
        if first >= rows {
            return;
        }
        let (left, right) = (&self.left, &self.right);
        let update = |(number, columns): (usize, &mut [T])| {
            let column = number * STRIPE;
            Stripe { left, right, depth, first, rows, column, columns, stride, offset }.update();
        };
        if is_parallel(rows - first) {
            columns.par_chunks_mut(STRIPE * stride).with_max_len(1).enumerate().for_each(update);
        } else {
            columns.chunks_mut(STRIPE * stride).enumerate().for_each(update);
        }
    }
}

/// Whether work on `rows` rows is worth sharing.
pub(super) fn is_parallel(rows: usize) -> bool {
    rows >= SMALLEST_PARALLEL && rayon::current_num_threads() > 1
}
