//! Probabilities of classes from a network's outputs.

/// Probabilities p of K classes with their logarithms, each n × K, row-major.
///
/// ln p is computed from the logits, not from p, so that it is exact where p rounds to 0 or 1. A row with a NaN is all NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassProbabilities {
    classes: usize,
    probabilities: Vec<f64>,
    logarithms: Vec<f64>,
}

impl ClassProbabilities {
    /// Of one logit o a sample (n numbers): p₁ = 1/(1 + e^(−o)), p₀ = 1 − p₁.
    pub fn from_logit(logits: &[f64]) -> Self {
        let logarithms: Vec<f64> = logits.iter().flat_map(|o| [-softplus(*o), -softplus(-*o)]).collect();
        Self::from_logarithms(2, logarithms)
    }

    /// Of K logits o a sample (n × K, row-major): p_k = e^(o_k) / Σ_j e^(o_j).
    ///
    /// # Panics
    /// When `classes` is 0 or the logits do not fill rows.
    pub fn from_logits(classes: usize, logits: &[f64]) -> Self {
        assert!(classes > 0 && logits.len().is_multiple_of(classes), "rows of {classes} logits");
        let mut logarithms = logits.to_vec();
        for row in logarithms.chunks_exact_mut(classes) {
            let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut().for_each(|o| *o -= highest);
            let log_sum = row.iter().map(|o| o.exp()).sum::<f64>().ln();
            row.iter_mut().for_each(|o| *o -= log_sum);
        }
        Self::from_logarithms(classes, logarithms)
    }

    fn from_logarithms(classes: usize, logarithms: Vec<f64>) -> Self {
        let probabilities = logarithms.iter().map(|logarithm| logarithm.exp()).collect();
        Self { classes, probabilities, logarithms }
    }

    /// K.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// p, a row a sample.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.probabilities.chunks_exact(self.classes)
    }

    /// ln p, a row a sample.
    pub fn logarithms(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.logarithms.chunks_exact(self.classes)
    }
}

/// ln(1 + eˣ), without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
