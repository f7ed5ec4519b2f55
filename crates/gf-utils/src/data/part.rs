//! A part of the samples of a data set.

use std::ops::Range;

use gf_core::Samples;

/// What one of several processes holds of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplesPart {
    /// The samples; none where no record is left for the part.
    pub samples: Option<Samples>,
    /// Their rows in the whole set, from 0: as many as there are samples.
    pub rows: Range<usize>,
    /// Samples of the whole set.
    pub total: usize,
}

impl SamplesPart {
    /// Where in these samples those of `rows` (of the whole set) stand that are here, in the order of `rows`: the part's share of a split or a
    /// mini-batch.
    pub fn own(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().filter(|row| self.rows.contains(row)).map(|row| row - self.rows.start).collect()
    }
}
