//! Samples from a pair of array files, `.npy` or IDX.

mod part;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use gf_core::{SampleError, Samples, Targets};
use thiserror::Error;

pub use part::{ArrayPart, read_array_part, read_pair_part};

use super::{class_count, label, label_range};
use crate::idx::{IdxError, read_idx_from};
use crate::metrics::one_hot;
use crate::npy::{NpyError, read_npy_from};

/// What the targets' file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// Real targets: n, or n × outputs.
    Values,
    /// Classes: n labels from 0, or n × k one-hot rows.
    Classes {
        /// The number of classes; taken from the file if not said.
        classes: Option<usize>,
    },
}

/// Why two files do not make samples.
#[derive(Debug, Error)]
pub enum ArraysError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file begins as no array does.
    #[error(
        "{}: expected an array, .npy (it begins with \\x93NUMPY) or IDX (00 00, a type from 08 to 0e; compressed 1f 8b), found {found:02x?}",
        path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// A file cannot be read as a `.npy` array.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A file cannot be read as an IDX array.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// An array has another shape than it should.
    #[error("{}: expected {expected}, found shape {found:?}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The shape that was expected, in words.
        expected: String,
        /// The shape that was found.
        found: Vec<usize>,
    },
    /// A target is not a class.
    #[error("{}, row {row}: expected {expected}, found {found:?}", path.display())]
    NotAClass {
        /// The file.
        path: PathBuf,
        /// From 0, as NumPy counts.
        row: usize,
        /// What was expected.
        expected: String,
        /// The row.
        found: Vec<f64>,
    },
    /// Of the two files, one has more records.
    #[error("{} and {}: expected as many targets as inputs, found {} inputs and {} targets", paths[0].display(), paths[1].display(), found[0], found[1])]
    Records {
        /// Inputs and targets.
        paths: [PathBuf; 2],
        /// Records of each.
        found: [usize; 2],
    },
    /// The number of classes, which a part of the labels does not tell.
    #[error("{}: expected the number of classes to be said where a part of the labels is read", path.display())]
    ClassesNotSaid {
        /// The targets' file.
        path: PathBuf,
    },
    /// The arrays are empty, differ in length, or hold numbers that are not finite.
    #[error("{} and {}: {source}", inputs.display(), targets.display())]
    Samples {
        /// The inputs' file.
        inputs: PathBuf,
        /// The targets' file.
        targets: PathBuf,
        /// The fault.
        source: SampleError,
    },
}

/// Reads samples from two files, each in NumPy's format or IDX (MNIST's, also compressed), as its first bytes say.
///
/// - Inputs: n × d of any number type; an IDX file of more axes (images) is flattened to rows, its numbers left as they are: gray values
///   stay 0 to 255.
/// - Targets: see [`TargetKind`].
///
/// # Errors
/// [`ArraysError`] that names the file and the row.
pub fn read_pair(x: &Path, y: &Path, kind: TargetKind) -> Result<Samples, ArraysError> {
    samples([x, y], read_array(x)?, read_array(y)?, 0, kind)
}

/// Samples from the arrays of two files, of which these are the rows from `first` on.
fn samples(
    paths: [&Path; 2],
    inputs: Array,
    targets: Array,
    first: usize,
    kind: TargetKind,
) -> Result<Samples, ArraysError> {
    let [x, y] = paths;
    let &[_, width] = &inputs.shape[..] else {
        let expected = "samples x inputs (for one input: x.reshape(-1, 1))".to_owned();
        return Err(ArraysError::Shape { path: x.to_owned(), expected, found: inputs.shape });
    };
    let (n, outputs) = match targets.shape[..] {
        [n] => (n, 1),
        [n, outputs] => (n, outputs),
        _ => {
            let expected = "one target, or one row of targets, a sample".to_owned();
            return Err(ArraysError::Shape { path: y.to_owned(), expected, found: targets.shape });
        }
    };
    let targets = match kind {
        TargetKind::Values => Targets::Values { width: outputs, values: targets.values },
        TargetKind::Classes { classes } if outputs == 1 => labels(y, &targets, first, classes)?,
        TargetKind::Classes { classes } if classes.is_none_or(|classes| classes == outputs) => {
            one_hot_labels(y, &targets, first, outputs)?
        }
        TargetKind::Classes { classes } => {
            let expected = format!("{n} labels or {n} x {} one-hot", classes.unwrap_or(outputs));
            return Err(ArraysError::Shape { path: y.to_owned(), expected, found: targets.shape });
        }
    };
    Samples::new(width, inputs.values, targets).map_err(|source| {
        let source = match source {
            SampleError::NotFinite { what, row, column, value } => {
                SampleError::NotFinite { what, row: first + row, column, value }
            }
            other => other,
        };
        ArraysError::Samples { inputs: x.to_owned(), targets: y.to_owned(), source }
    })
}

/// What the first bytes of a file say that it is.
enum Format {
    Npy,
    Idx,
}

impl Format {
    fn of(path: &Path, begin: &[u8]) -> Result<Self, ArraysError> {
        const SHOWN: usize = 8;
        match begin {
            [0x93, ..] => Ok(Self::Npy),
            [0, 0, ..] | [0x1f, 0x8b, ..] => Ok(Self::Idx),
            _ => Err(ArraysError::Format { path: path.to_owned(), found: begin[..begin.len().min(SHOWN)].to_vec() }),
        }
    }
}

/// The numbers of a file of either format.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// At most two axes.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f64>,
}

/// Reads an array in NumPy's format or IDX, as its first bytes say; the axes of IDX beyond the first are flattened to one.
///
/// # Errors
/// [`ArraysError`] that names the file.
pub fn read_array(path: &Path) -> Result<Array, ArraysError> {
    let failed = |source| ArraysError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut reader = BufReader::new(file);
    match Format::of(path, reader.fill_buf().map_err(failed)?)? {
        Format::Npy => {
            let array = read_npy_from(path, reader, length)?;
            Ok(Array { shape: array.shape, values: array.values })
        }
        Format::Idx => {
            let array = read_idx_from(path, reader, length)?;
            Ok(Array { shape: flat(&array.shape), values: array.values })
        }
    }
}

/// The axes of IDX, of which there is at least one, as at most two.
fn flat(shape: &[usize]) -> Vec<usize> {
    match *shape {
        [n, ref record @ ..] if !record.is_empty() => {
            vec![n, record.iter().fold(1, |product: usize, &length| product.saturating_mul(length))]
        }
        _ => shape.to_vec(),
    }
}

fn labels(path: &Path, array: &Array, first: usize, classes: Option<usize>) -> Result<Targets, ArraysError> {
    let mut labels = Vec::with_capacity(array.values.len());
    for (row, &number) in array.values.iter().enumerate() {
        labels.push(label(number, classes).ok_or_else(|| ArraysError::NotAClass {
            path: path.to_owned(),
            row: first + row,
            expected: label_range(classes),
            found: vec![number],
        })?);
    }
    Ok(Targets::Classes { classes: class_count(&labels, classes), labels })
}

fn one_hot_labels(path: &Path, array: &Array, first: usize, classes: usize) -> Result<Targets, ArraysError> {
    let mut labels = Vec::with_capacity(array.values.len() / classes.max(1));
    for (row, numbers) in array.values.chunks_exact(classes.max(1)).enumerate() {
        labels.push(one_hot(numbers).ok_or_else(|| ArraysError::NotAClass {
            path: path.to_owned(),
            row: first + row,
            expected: "one 1 and zeros".to_owned(),
            found: numbers.to_vec(),
        })? as u32);
    }
    Ok(Targets::Classes { classes, labels })
}
