//! Targets as a loss wants them, and their checks.

use gf_core::{Samples, Targets};

use crate::{Loss, LossFunction, NetworkError, Reduction};

/// Prepared targets of all samples.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// n × K values, row-major.
    Values(Vec<f64>),
    /// Labels for a softmax, with the targets of the true class and of the others, the weights w_c, and Σ_c t_c·w_c for each label.
    Labels { labels: Vec<u32>, target: SoftTarget, mass: Vec<f64>, weights: Vec<f64> },
}

/// Smoothed targets: no list of K × K numbers, as K may be large.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoftTarget {
    own: f64,
    others: f64,
}

impl SoftTarget {
    fn of(self, label: usize, class: usize) -> f64 {
        if class == label { self.own } else { self.others }
    }
}

impl Prepared {
    /// `is_part` says that the samples are not all there are.
    pub(crate) fn new(loss: &Loss, samples: &Samples, is_part: bool) -> Result<Self, NetworkError> {
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
                let labels = labels(loss, samples)?;
                if !is_part && labels.iter().all(|label| weights[*label as usize] == 0.0) {
                    return Err(NetworkError::NoWeight);
                }
                Ok(Self::of_labels(labels, *label_smoothing, weights))
            }
            LossFunction::Focal { .. } => Ok(Self::of_labels(labels(loss, samples)?, 0.0, vec![1.0; outputs])),
        }
    }

    fn of_labels(labels: Vec<u32>, label_smoothing: f64, weights: Vec<f64>) -> Self {
        let outputs = weights.len();
        let others = label_smoothing / (outputs - 1) as f64;
        let target = SoftTarget { own: 1.0 - label_smoothing, others };
        let mass = |label: usize| (0..outputs).map(|c| weights[c] * target.of(label, c)).sum();
        let mass = (0..outputs).map(mass).collect();
        Self::Labels { labels, target, mass, weights }
    }

    /// Whether samples of different classes have different weights.
    pub(crate) fn is_weighted(&self) -> bool {
        matches!(self, Self::Labels { weights, .. } if weights.iter().any(|weight| *weight != 1.0))
    }

    /// The factor 1/n, 1/S or 1 of a batch of these samples. A batch whose samples all weigh nothing gets 0: its loss is then 0,
    /// not 0/0.
    pub(crate) fn scale(&self, reduction: Reduction, rows: &[usize]) -> f64 {
        let labels = match self {
            Self::Values(_) => None,
            Self::Labels { labels, .. } => Some(&labels[..]),
        };
        self.scale_of_whole(reduction, rows, labels)
    }

    /// As [`Prepared::scale`], of samples that may be elsewhere: their `labels` are needed where samples are weighted.
    pub(crate) fn scale_of_whole(&self, reduction: Reduction, rows: &[usize], labels: Option<&[u32]>) -> f64 {
        if reduction == Reduction::Sum {
            return 1.0;
        }
        let total = match (self, labels) {
            (Self::Labels { weights, .. }, Some(labels)) => rows.iter().map(|row| weights[labels[*row] as usize]).sum(),
            _ => rows.len() as f64,
        };
        if total > 0.0 { 1.0 / total } else { 0.0 }
    }

    /// Overwrites `targets` (n × K column-major) and `mass` (n) for these samples.
    pub(crate) fn gather(&self, rows: &[usize], outputs: usize, targets: &mut [f64], mass: &mut [f64]) {
        let n = rows.len();
        for (i, &row) in rows.iter().enumerate() {
            match self {
                Self::Values(values) => {
                    for (c, y) in values[row * outputs..][..outputs].iter().enumerate() {
                        targets[c * n + i] = *y;
                    }
                }
                Self::Labels { labels, target, mass: masses, weights } => {
                    let label = labels[row] as usize;
                    mass[i] = masses[label];
                    for (c, weight) in weights.iter().enumerate() {
                        targets[c * n + i] = weight * target.of(label, c);
                    }
                }
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
