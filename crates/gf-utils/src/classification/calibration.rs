//! Whether what is predicted with probability p is right in a share p of all cases.

use super::{ClassProbabilities, check_labels};
use crate::MetricError;
use crate::metrics::largest;

/// Reliability of the most probable class, and proper scores of all probabilities.
///
/// The *confidence* of a sample is the probability of its most probable class (for two classes at least ½). With M bins of equal width,
/// bin m holds the n_m samples of confidence in ((m−1)/M, m/M]; acc_m is the share of them that is right, conf_m their mean confidence.
///
/// **Reference**: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017, section 2.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// M bins, by rising confidence; empty ones too.
    pub bins: Vec<ReliabilityBin>,
    /// ECE = Σ (n_m/n) |acc_m − conf_m|. It depends on M, and is above 0 for a calibrated classifier too: a bin of n_m samples misses by
    /// about √(acc(1 − acc)/n_m).
    pub expected_error: f64,
    /// MCE = max |acc_m − conf_m| over the bins that are not empty.
    pub largest_error: f64,
    /// Mean of (p₁ − y)² for two classes, of Σ_k (p_k − y_k)² for more: as scikit-learn scales it.
    pub brier: f64,
    /// −(1/n) Σ ln p of the true class, in nats.
    pub log_loss: f64,
}

/// A bin of confidences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Lower edge, excluded.
    pub low: f64,
    /// Upper edge, included.
    pub high: f64,
    /// Samples.
    pub count: u64,
    /// Mean confidence; NaN in an empty bin.
    pub confidence: f64,
    /// Share of right predictions; NaN in an empty bin.
    pub accuracy: f64,
}

impl Calibration {
    /// Compares probabilities with labels, in `bins` bins. Probabilities that are NaN make every number NaN, and stand in no bin.
    ///
    /// # Errors
    /// [`MetricError::Empty`], [`MetricError::Length`], [`MetricError::Label`].
    ///
    /// # Panics
    /// When `bins` is 0.
    pub fn new(probabilities: &ClassProbabilities, labels: &[u32], bins: usize) -> Result<Self, MetricError> {
        assert!(bins > 0, "at least one bin");
        let (n, classes) = (probabilities.rows().len(), probabilities.classes());
        check_labels("calibration", classes, labels, n)?;
        let mut sums = vec![(0u64, 0.0, 0u64); bins];
        let mut is_nan = false;
        for (row, label) in probabilities.rows().zip(labels) {
            let Some(class) = largest(row) else {
                is_nan = true;
                continue;
            };
            // (m−1)/M < p ≤ m/M; a confidence is at least 1/K, so above 0.
            let bin = ((row[class] * bins as f64).ceil() as usize).clamp(1, bins) - 1;
            sums[bin].0 += 1;
            sums[bin].1 += row[class];
            sums[bin].2 += u64::from(class == *label as usize);
        }
        let bins: Vec<ReliabilityBin> = sums.iter().enumerate().map(|(m, sums)| bin(m, bins, *sums)).collect();
        let gaps =
            || bins.iter().filter(|bin| bin.count > 0).map(|bin| (bin.count, (bin.accuracy - bin.confidence).abs()));
        let or_nan = |value: f64| if is_nan { f64::NAN } else { value };
        let squares = |(row, label): (&[f64], &u32)| match row {
            [_, p] => (p - f64::from(*label)).powi(2),
            row => row.iter().enumerate().map(|(k, p)| (p - f64::from(k == *label as usize)).powi(2)).sum::<f64>(),
        };
        let brier = probabilities.rows().zip(labels).map(squares).sum::<f64>() / n as f64;
        let logs = probabilities.logarithms().zip(labels).map(|(row, label)| row[*label as usize]).sum::<f64>();
        Ok(Self {
            expected_error: or_nan(gaps().map(|(count, gap)| count as f64 * gap).sum::<f64>() / n as f64),
            largest_error: or_nan(gaps().map(|(_, gap)| gap).fold(0.0, f64::max)),
            brier,
            log_loss: 0.0 - logs / n as f64,
            bins,
        })
    }
}

fn bin(m: usize, bins: usize, (count, confidences, right): (u64, f64, u64)) -> ReliabilityBin {
    let edge = |m: usize| m as f64 / bins as f64;
    let samples = count as f64;
    ReliabilityBin {
        low: edge(m),
        high: edge(m + 1),
        count,
        confidence: confidences / samples,
        accuracy: right as f64 / samples,
    }
}
