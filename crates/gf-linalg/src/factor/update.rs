//! The trailing update of both factorizations.

use rayon::prelude::*;

use super::tiles::{NARROW, Stripe, TALL, Tiles, whole_pairs};

/// Columns that are factorized before the rest is updated: enough for products at full speed, few enough for the slower panels.
pub(super) const PANEL: usize = 64;
/// Columns of a stripe.
const STRIPE: usize = 96;
/// Below so many rows, other threads cost more than they bring.
const SMALLEST_PARALLEL: usize = 256;

/// The columns of the current panel, as both factors of the trailing update C −= L·Rᵀ.
#[derive(Debug)]
pub(super) struct Panel {
    /// L.
    pub(super) left: Tiles<TALL>,
    /// R.
    pub(super) right: Tiles<NARROW>,
}

impl Panel {
    /// For matrices of order `p`.
    pub(super) fn new(p: usize) -> Self {
        // A 2 × 2 pivot may begin in a panel's last column.
        let (rows, width) = (whole_pairs(p), PANEL.min(p) + 1);
        Self { left: Tiles::new(rows, width), right: Tiles::new(rows, width) }
    }

    /// C −= L·Rᵀ in the lower triangle, L and R of `depth` columns. `columns` holds whole columns of C, `p` apart, from row and
    /// column 0 of the panel on, with `offset` numbers above that row; rows and columns in `range` are updated.
    ///
    /// Stripes of columns are shared among the threads of the current pool; each is computed as if it were alone.
    pub(super) fn update(
        &self,
        depth: usize,
        range: std::ops::Range<usize>,
        columns: &mut [f64],
        p: usize,
        offset: usize,
    ) {
        let (first, rows) = (range.start, range.end);
        if first >= rows {
            return;
        }
        let (left, right) = (&self.left, &self.right);
        let update = |(number, columns): (usize, &mut [f64])| {
            let column = number * STRIPE;
            Stripe { left, right, depth, first, rows, column, columns, stride: p, offset }.update();
        };
        if is_parallel(rows - first) {
            columns.par_chunks_mut(STRIPE * p).with_max_len(1).enumerate().for_each(update);
        } else {
            columns.chunks_mut(STRIPE * p).enumerate().for_each(update);
        }
    }
}

/// Whether work on `rows` rows is worth sharing.
pub(super) fn is_parallel(rows: usize) -> bool {
    rows >= SMALLEST_PARALLEL && rayon::current_num_threads() > 1
}
