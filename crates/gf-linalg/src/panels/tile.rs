//! What a product hands out.

use super::{LINE, WIDE};
use crate::{Update, fetch::fetch_far};

/// The sums of up to [`NARROW`](super::NARROW) left columns with up to [`WIDE`] right ones.
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
    pub(super) sums: Option<&'a [f64]>,
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
            // Its last line may be one more than its numbers fill.
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
