//! A part of the samples of a pair of array files.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;

use super::{Array, ArraysError, Format, TargetKind, flat, samples};
use crate::data::SamplesPart;
use crate::idx::read_idx_part;
use crate::npy::read_npy_part;
use crate::part::Part;

/// Some records of an array file.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayPart {
    /// Their numbers.
    pub array: Array,
    /// Which they are in the file, from 0.
    pub records: Range<usize>,
    /// Records of the file.
    pub total: usize,
}

/// Reads the samples of a part from two files, as [`read_pair`](super::read_pair); of files that are not compressed, no other bytes than theirs.
/// Where labels are no one-hot rows, the number of classes has to be said.
///
/// # Errors
/// [`ArraysError`] that names the file and the row in it.
pub fn read_pair_part(x: &Path, y: &Path, kind: TargetKind, part: Part) -> Result<SamplesPart, ArraysError> {
    let inputs = read_array_part(x, part)?;
    let targets = read_array_part(y, part)?;
    if inputs.total != targets.total {
        let (paths, found) = ([x.to_owned(), y.to_owned()], [inputs.total, targets.total]);
        return Err(ArraysError::Records { paths, found });
    }
    if kind == (TargetKind::Classes { classes: None }) && targets.array.shape.get(1).is_none_or(|&width| width == 1) {
        return Err(ArraysError::ClassesNotSaid { path: y.to_owned() });
    }
    let (rows, total) = (inputs.records, inputs.total);
    // A file without records is refused as a whole one is; one with fewer than there are parts leaves some without samples.
    let samples = match rows.is_empty() && total > 0 {
        true => None,
        false => Some(samples([x, y], inputs.array, targets.array, rows.start, kind)?),
    };
    Ok(SamplesPart { samples, rows, total })
}

/// Reads the records of a part of an array in NumPy's format or IDX, as [`read_array`](super::read_array).
///
/// # Errors
/// [`ArraysError`] that names the file.
pub fn read_array_part(path: &Path, part: Part) -> Result<ArrayPart, ArraysError> {
    let failed = |source| ArraysError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    Ok(match Format::of(path, reader.fill_buf().map_err(failed)?)? {
        Format::Npy => {
            let part = read_npy_part(path, part)?;
            let array = Array { shape: part.array.shape, values: part.array.values };
            ArrayPart { array, records: part.records, total: part.total }
        }
        Format::Idx => {
            let part = read_idx_part(path, part)?;
            let array = part.array;
            let array = Array { shape: flat(&array.shape), values: array.values };
            ArrayPart { array, records: part.records, total: part.total }
        }
    })
}
