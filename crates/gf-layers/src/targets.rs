//! Targets as a loss wants them, and their checks.

use gf_core::{Samples, Targets};

use crate::{Loss, LossFunction, NetworkError, Reduction};

/// Prepared targets of all samples.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// n × K values, row-major.
    Values(Vec<f64>),
    /// Labels for a softmax, with t_c·w_c for (label, class) in `rows` (K × K, row-major), their sums s, and w_label.
    Labels { labels: Vec<u32>, rows: Vec<f64>, mass: Vec<f64>, weights: Vec<f64> },
}

impl Prepared {
    pub(crate) fn new(loss: &Loss, samples: &Samples) -> Result<Self, NetworkError> {
        let outputs = samples.outputs();
        match &loss.function {
            LossFunction::Mse | LossFunction::HalfMse | LossFunction::Huber { .. } => {
                Ok(Self::Values(dense_rows(samples)))
            }
            LossFunction::BceWithLogits { .. } => {
                let values = dense_rows(samples);
                match values.iter().position(|y| !(0.0..=1.0).contains(y)) {
                    Some(at) => {
                        let (row, column) = (at / outputs, at % outputs);
                        Err(NetworkError::NotProbability { row, column, found: values[at] })
                    }
                    None => Ok(Self::Values(values)),
                }
            }
            LossFunction::SoftmaxCrossEntropy { label_smoothing, class_weights } => {
                let weights = class_weights.clone().unwrap_or_else(|| vec![1.0; outputs]);
                Self::of_labels(labels(loss, samples)?, *label_smoothing, weights)
            }
            LossFunction::Focal { .. } => Self::of_labels(labels(loss, samples)?, 0.0, vec![1.0; outputs]),
        }
    }

    fn of_labels(labels: Vec<u32>, label_smoothing: f64, weights: Vec<f64>) -> Result<Self, NetworkError> {
        let outputs = weights.len();
        if labels.iter().all(|label| weights[*label as usize] == 0.0) {
            return Err(NetworkError::NoWeight);
        }
        let others = label_smoothing / (outputs - 1) as f64;
        let target = |label: usize, c: usize| if c == label { 1.0 - label_smoothing } else { others };
        let row = |label: usize| (0..outputs).map(move |c| (label, c));
        let rows: Vec<f64> = (0..outputs).flat_map(row).map(|(y, c)| weights[c] * target(y, c)).collect();
        let mass = rows.chunks_exact(outputs).map(|row| row.iter().sum()).collect();
        Ok(Self::Labels { labels, rows, mass, weights })
    }

    /// The factor 1/n, 1/S or 1 of a batch of these samples. A batch whose samples all weigh nothing gets 0: its loss is then 0,
    /// not 0/0.
    pub(crate) fn scale(&self, reduction: Reduction, rows: &[usize]) -> f64 {
        if reduction == Reduction::Sum {
            return 1.0;
        }
        let total = match self {
            Self::Values(_) => rows.len() as f64,
            Self::Labels { labels, weights, .. } => rows.iter().map(|row| weights[labels[*row] as usize]).sum(),
        };
        if total > 0.0 { 1.0 / total } else { 0.0 }
    }

    /// Overwrites `targets` (n × K column-major) and `mass` (n) for these samples.
    pub(crate) fn gather(&self, rows: &[usize], outputs: usize, targets: &mut [f64], mass: &mut [f64]) {
        let n = rows.len();
        for (i, &row) in rows.iter().enumerate() {
            let from = match self {
                Self::Values(values) => &values[row * outputs..][..outputs],
                Self::Labels { labels, rows, mass: masses, .. } => {
                    let label = labels[row] as usize;
                    mass[i] = masses[label];
                    &rows[label * outputs..][..outputs]
                }
            };
            for (c, y) in from.iter().enumerate() {
                targets[c * n + i] = *y;
            }
        }
    }
}

/// n × K values; classes become one-hot rows.
fn dense_rows(samples: &Samples) -> Vec<f64> {
    match samples.targets() {
        Targets::Values { values, .. } => values.clone(),
        Targets::Classes { classes, labels } => {
            let mut values = vec![0.0; labels.len() * classes];
            for (row, label) in values.chunks_exact_mut(*classes).zip(labels) {
                row[*label as usize] = 1.0;
            }
            values
        }
    }
}

/// One class a sample, from labels or from rows that are exactly one-hot.
fn labels(loss: &Loss, samples: &Samples) -> Result<Vec<u32>, NetworkError> {
    match samples.targets() {
        Targets::Classes { labels, .. } => Ok(labels.clone()),
        Targets::Values { width, values } => {
            let one_hot = |(row, numbers): (usize, &[f64])| {
                let ones = numbers.iter().filter(|y| **y == 1.0).count();
                let zeros = numbers.iter().filter(|y| **y == 0.0).count();
                let label = numbers.iter().position(|y| *y == 1.0);
                match label {
                    Some(label) if ones == 1 && zeros + 1 == numbers.len() => Ok(label as u32),
                    _ => Err(NetworkError::NotOneHot { loss: loss.name(), row }),
                }
            };
            values.chunks_exact(*width).enumerate().map(one_hot).collect()
        }
    }
}
