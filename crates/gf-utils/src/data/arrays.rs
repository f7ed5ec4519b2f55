//! Samples from a pair of `.npy` files.

use std::path::{Path, PathBuf};

use gf_core::{SampleError, Samples, Targets};
use thiserror::Error;

use super::{class_count, label, label_range};
use crate::metrics::one_hot;
use crate::npy::{NpyArray, NpyError, read_npy};

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
    /// A file cannot be read as an array.
    #[error(transparent)]
    Npy(#[from] NpyError),
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

/// Reads samples from `x.npy` (n × d, any number type) and `y.npy` (see [`TargetKind`]).
///
/// # Errors
/// [`ArraysError`] that names the file and the row.
pub fn read_npy_pair(x: &Path, y: &Path, kind: TargetKind) -> Result<Samples, ArraysError> {
    let inputs = read_npy(x)?;
    let &[_, width] = &inputs.shape[..] else {
        let expected = "samples x inputs (for one input: x.reshape(-1, 1))".to_owned();
        return Err(ArraysError::Shape { path: x.to_owned(), expected, found: inputs.shape });
    };
    let targets = read_npy(y)?;
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
        TargetKind::Classes { classes } if outputs == 1 => labels(y, &targets, classes)?,
        TargetKind::Classes { classes } if classes.is_none_or(|classes| classes == outputs) => {
            one_hot_labels(y, &targets, n, outputs)?
        }
        TargetKind::Classes { classes } => {
            let expected = format!("{n} labels or {n} x {} one-hot", classes.unwrap_or(outputs));
            return Err(ArraysError::Shape { path: y.to_owned(), expected, found: targets.shape });
        }
    };
    Samples::new(width, inputs.values, targets).map_err(|source| ArraysError::Samples {
        inputs: x.to_owned(),
        targets: y.to_owned(),
        source,
    })
}

fn labels(path: &Path, array: &NpyArray, classes: Option<usize>) -> Result<Targets, ArraysError> {
    let mut labels = Vec::with_capacity(array.values.len());
    for (row, &number) in array.values.iter().enumerate() {
        labels.push(label(number, classes).ok_or_else(|| ArraysError::NotAClass {
            path: path.to_owned(),
            row,
            expected: label_range(classes),
            found: vec![number],
        })?);
    }
    Ok(Targets::Classes { classes: class_count(&labels, classes), labels })
}

fn one_hot_labels(path: &Path, array: &NpyArray, n: usize, classes: usize) -> Result<Targets, ArraysError> {
    let mut labels = Vec::with_capacity(n);
    for (row, numbers) in array.values.chunks_exact(classes.max(1)).enumerate() {
        labels.push(one_hot(numbers).ok_or_else(|| ArraysError::NotAClass {
            path: path.to_owned(),
            row,
            expected: "one 1 and zeros".to_owned(),
            found: numbers.to_vec(),
        })? as u32);
    }
    Ok(Targets::Classes { classes, labels })
}
