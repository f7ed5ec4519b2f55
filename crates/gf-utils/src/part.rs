//! Which records of a data set are whose, where several processes share it.
//!
//! Nothing here communicates. What a process has to know of the others is a *note*, a few numbers that each part writes; the caller brings
//! the notes of all parts to every part, in their order. With a sum over the processes, as every message-passing library has one, that is
//! [`gather`].
//!
//! | data | own part | exchanged |
//! |---|---|---|
//! | `.npy`, IDX | [`read_pair_part`](crate::data::read_pair_part) | nothing: the header says how many records there are |
//! | CSV | [`CsvScan`](crate::data::CsvScan), then [`CsvPart`](crate::data::CsvPart) | where records begin; rows that are kept and names of classes |
//! | a file for each part | [`FilePattern`], then the reader of whole files or [`CsvScan`](crate::data::CsvScan) of [`Part::WHOLE`] | [`Part::rows`] of the counts; for CSV the second note |
//! | scaling | [`Scaling::note`](crate::data::Scaling::note) | counts, means, squared deviations, extremes |
//! | missing inputs | [`Gaps::note`](crate::data::Gaps::note) | counts and sums |
//! | splits | [`shuffled_rows`](crate::data::shuffled_rows), [`stratified_rows`](crate::data::stratified_rows) | nothing; for the latter the labels |
//!
//! Reading can fail in one part alone (its records hold a fault, its disk is gone). Let all parts agree that none failed before each
//! exchange, or the others wait for it.
//!
//! A CSV file in two parts, scaled as one; here the processes are threads, and their sum is behind a lock and a barrier:
//!
//! ```
//! use std::sync::{Barrier, Mutex};
//! use gf_utils::data::{CsvColumns, CsvOptions, CsvScan, Scaling, ScalingKind};
//! use gf_utils::part::{Part, gather};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("data.csv");
//! std::fs::write(&path, "x,y\n1,10\n2,20\n3,30\n4,40\n")?;
//! let (total, barrier) = (Mutex::new(Vec::new()), Barrier::new(2));
//! let sum = |values: &mut [f64]| -> Result<(), std::convert::Infallible> {
//!     total.lock().expect("no panic").resize(values.len(), 0.0);
//!     barrier.wait();
//!     total.lock().expect("no panic").iter_mut().zip(&*values).for_each(|(total, value)| *total += value);
//!     barrier.wait();
//!     values.copy_from_slice(&total.lock().expect("no panic"));
//!     if barrier.wait().is_leader() {
//!         total.lock().expect("no panic").clear();
//!     }
//!     barrier.wait();
//!     Ok(())
//! };
//! let process = |index: usize| -> Result<Vec<f64>, Box<dyn std::error::Error>> {
//!     let part = Part::new(index, 2)?;
//!     let scan = CsvScan::new(&path, part, &CsvOptions::default())?;
//!     let notes = gather(part, &scan.note(), sum)?;
//!     let rows = scan.read(&CsvColumns::values(&["y"]), &notes)?;
//!     let notes = gather(part, &rows.note(), sum)?;
//!     let data = rows.finish(part, &notes)?;
//!     let samples = data.part.samples.ok_or("no record begins here")?;
//!     let all: Vec<usize> = (0..samples.len()).collect(); // All rows train.
//!     let kinds = [ScalingKind::Standardize, ScalingKind::None];
//!     let note = Scaling::note(&samples, &all, kinds)?;
//!     let scaling = Scaling::from_notes(kinds, &gather(part, &note, sum)?)?.ok_or("nothing to scale")?;
//!     Ok(scaling.apply(&samples)?.inputs().to_vec())
//! };
//! std::thread::scope(|scope| {
//!     let second = scope.spawn(|| process(1).expect("read"));
//!     let mut scaled = process(0).expect("read");
//!     scaled.extend(second.join().expect("no panic"));
//!     assert_eq!(scaled, [-1.5, -0.5, 0.5, 1.5].map(|x| x / 1.25_f64.sqrt()));
//! });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod gather;
mod pattern;

use std::ops::Range;

use thiserror::Error;

pub use gather::gather;
pub use pattern::{FilePattern, PatternError};

/// One of several parts of equal size, contiguous and in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    index: usize,
    of: usize,
}

/// There is no such part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("part {index} of {of}: expected at least one part, and an index below their number")]
pub struct PartError {
    /// From 0.
    pub index: usize,
    /// The number of parts.
    pub of: usize,
}

impl Part {
    /// The only part.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Part `index`, from 0, of `of` parts.
    ///
    /// # Errors
    /// [`PartError`] where `index` is not below `of`.
    pub fn new(index: usize, of: usize) -> Result<Self, PartError> {
        if index < of { Ok(Self { index, of }) } else { Err(PartError { index, of }) }
    }

    /// From 0.
    pub fn index(self) -> usize {
        self.index
    }

    /// The number of parts.
    pub fn of(self) -> usize {
        self.of
    }

    /// Its records of n: from ⌊rn/s⌋ to ⌊(r + 1)n/s⌋, for part r of s. Parts differ by one record at most; none may be left for some where n < s.
    ///
    /// ```
    /// # use gf_utils::part::Part;
    /// let ranges: Vec<_> = (0..3).map(|index| Part::new(index, 3).map(|part| part.range(10))).collect::<Result<_, _>>()?;
    /// assert_eq!(ranges, [0..3, 3..6, 6..10]);
    /// # Ok::<(), gf_utils::part::PartError>(())
    /// ```
    pub fn range(self, n: usize) -> Range<usize> {
        let bytes = self.byte_range(n as u64);
        bytes.start as usize..bytes.end as usize
    }

    /// The same of the bytes of a file.
    pub(crate) fn byte_range(self, n: u64) -> Range<u64> {
        let bound = |index: usize| (index as u128 * u128::from(n) / self.of as u128) as u64;
        bound(self.index)..bound(self.index + 1)
    }

    /// Its records among all, where part r brings `counts[r]` of them, and how many there are in all.
    ///
    /// # Panics
    /// When there is not one count for each part.
    pub fn rows(self, counts: &[usize]) -> (Range<usize>, usize) {
        assert_eq!(counts.len(), self.of, "one count for each part");
        let start: usize = counts[..self.index].iter().sum();
        (start..start + counts[self.index], counts.iter().sum())
    }
}
