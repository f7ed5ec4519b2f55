//! How good predicted classes and their probabilities are: [`Confusion`] of classes, [`Calibration`] of probabilities.
//!
//! ```
//! use gf_utils::classification::{Calibration, ClassProbabilities, Confusion, predicted_classes};
//! let logits = [2.0, -1.0, 0.5, -3.0]; // of class 1 against class 0
//! let labels = [1, 0, 0, 0];
//! let confusion = Confusion::new(2, &labels, &predicted_classes(1, &logits))?;
//! assert_eq!(confusion.counts(), [2, 1, 0, 1]); // rows: true classes
//! assert_eq!(confusion.accuracy(), 0.75);
//! let calibration = Calibration::new(&ClassProbabilities::from_logit(&logits), &labels, 10)?;
//! assert!(calibration.log_loss > 0.0 && calibration.expected_error <= calibration.largest_error);
//! # Ok::<(), gf_utils::MetricError>(())
//! ```

mod calibration;
mod confusion;
mod probabilities;

use gf_core::Targets;

pub use calibration::{Calibration, ReliabilityBin};
pub use confusion::Confusion;
pub use probabilities::ClassProbabilities;

use crate::MetricError;
use crate::metrics::{binary, largest, logit, one_hot};

/// The classes that targets name: labels, one-hot rows, or a column of 0 and 1.
///
/// # Errors
/// [`MetricError::NotAClass`] for other real targets.
pub fn class_labels(targets: &Targets) -> Result<Vec<u32>, MetricError> {
    match targets {
        Targets::Classes { labels, .. } => Ok(labels.clone()),
        Targets::Values { width, values } => values
            .chunks_exact(*width)
            .enumerate()
            .map(|(row, target)| {
                let class = if *width == 1 { binary(target[0]) } else { one_hot(target) };
                class.map(|class| class as u32).ok_or(MetricError::NotAClass { row })
            })
            .collect(),
    }
}

/// The predicted classes of n × `width` outputs: the largest of several outputs (the first of equals), class 1 where a single one is above 0;
/// none where an output is NaN.
///
/// # Panics
/// When `width` is 0.
pub fn predicted_classes(width: usize, outputs: &[f64]) -> Vec<Option<u32>> {
    let class = |row: &[f64]| if let [output] = row { logit(*output) } else { largest(row) };
    outputs.chunks_exact(width).map(|row| class(row).map(|class| class as u32)).collect()
}

/// Refuses other than one label below `classes` for each of `rows` predictions, and no predictions at all.
fn check_labels(metric: &'static str, classes: usize, labels: &[u32], rows: usize) -> Result<(), MetricError> {
    if rows == 0 {
        return Err(MetricError::Empty { metric });
    }
    if labels.len() != rows {
        return Err(MetricError::Length { metric, expected: labels.len(), found: rows });
    }
    match labels.iter().position(|label| *label as usize >= classes) {
        Some(row) => Err(MetricError::Label { metric, row, label: labels[row], classes }),
        None => Ok(()),
    }
}
