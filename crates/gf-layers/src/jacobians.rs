//! Singular values of what the layers do to small changes.

use std::ops::Range;

use gf_linalg::{GradedProduct, SingularValues};

use crate::{NetworkError, SignalProbe};

/// The singular values of one map, averaged over samples: of each, the geometric mean over the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SingularSummary {
    /// The largest.
    pub largest: f64,
    /// The smallest, 0 where one vanishes on some sample.
    pub smallest: f64,
    /// The median of those that do not vanish.
    pub median: f64,
    /// The geometric mean of those that do not vanish.
    pub geometric_mean: f64,
    /// How many do not vanish, on average.
    pub rank: f64,
}

/// The layers' Jacobians and their product.
#[derive(Debug, Clone, PartialEq)]
pub struct JacobianSpectra {
    /// ∂a^l/∂a^{l−1} = diag(f'(z^l)) W^lᵀ, plus the identity where a skip connection leads around; one a layer.
    pub layers: Vec<SingularSummary>,
    /// Their product.
    pub product: SingularSummary,
}

/// Singular values of a layer below so much of its largest are rounding and count as zero.
const ROUNDING: f64 = 1e-14;

impl SignalProbe {
    /// The Jacobians of `layers` (from 0, end excluded) at the first `samples` samples.
    ///
    /// **Accuracy**: a layer's values are right to 1e-15 of its largest; those below 1e-14 of it count as zero. The product is accumulated
    /// factor by factor ([`GradedProduct`]), so that its small values keep their digits.
    ///
    /// # Errors
    /// As [`SignalProbe::measure`]; [`NetworkError::Parameter`] for an empty range of layers or without samples.
    pub fn jacobians(
        &mut self,
        theta: &[f64],
        samples: usize,
        layers: Range<usize>,
    ) -> Result<JacobianSpectra, NetworkError> {
        let (problem, chunk, pass) = self.parts();
        let shape = &problem.shape;
        if theta.len() != shape.dim() {
            return Err(NetworkError::Length { what: "theta", expected: shape.dim(), found: theta.len() });
        }
        let count = samples.min(problem.batch_len()).min(pass.capacity());
        let range = |name, found: usize| NetworkError::Parameter { name, expected: "at least 1", found: found as f64 };
        if count == 0 {
            return Err(range("the number of samples", samples));
        }
        if layers.is_empty() || layers.end > shape.layers.len() {
            return Err(range("the number of layers", layers.len().min(shape.layers.len())));
        }
        problem.load(0..count, chunk);
        pass.forward(shape, theta, chunk)?;
        let used = &shape.layers[layers.clone()];
        let mut solvers: Vec<SingularValues> =
            used.iter().map(|layer| SingularValues::new(layer.units, layer.inputs)).collect();
        let mut sums = vec![Sum::default(); used.len()];
        let mut product_sum = Sum::default();
        let mut jacobian = Vec::new();
        for sample in 0..count {
            let mut product = GradedProduct::new(used[0].inputs);
            for (k, layer) in used.iter().enumerate() {
                let fault = |_| NetworkError::NotFinite { layer: layers.start + k + 1, what: "Jacobians" };
                let slope = pass.layer(shape, layers.start + k).slope;
                let weights = layer.part(theta);
                jacobian.clear();
                for i in 0..layer.inputs {
                    let row = weights[i * layer.units..(i + 1) * layer.units].iter().enumerate();
                    jacobian.extend(row.map(|(j, w)| {
                        let skip = if layer.skip && i == j { 1.0 } else { 0.0 };
                        slope[j * count + sample] * w + skip
                    }));
                }
                let values = solvers[k].compute(&jacobian).map_err(fault)?;
                let floor = ROUNDING * values[0];
                sums[k].add(values.iter().map(|value| if *value <= floor { f64::NEG_INFINITY } else { value.ln() }));
                product.multiply(layer.units, &jacobian);
            }
            let fault = |_| NetworkError::NotFinite { layer: layers.end, what: "Jacobians" };
            product_sum.add(product.log_singular_values().map_err(fault)?.into_iter());
        }
        let summary = |sum: &Sum| sum.mean(count as f64);
        Ok(JacobianSpectra { layers: sums.iter().map(summary).collect(), product: summary(&product_sum) })
    }
}

/// Sums of logarithms over samples.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    largest: f64,
    smallest: f64,
    median: f64,
    mean: f64,
    rank: f64,
}

impl Sum {
    /// Logarithms in descending order, −∞ for what vanishes.
    fn add(&mut self, logarithms: impl Iterator<Item = f64> + Clone) {
        let all = logarithms.clone().count();
        let rank = logarithms.clone().take_while(|x| *x > f64::NEG_INFINITY).count();
        let mut at = logarithms.clone();
        self.largest += at.next().unwrap_or(f64::NEG_INFINITY);
        self.smallest += if rank == all { at.last().unwrap_or(self.largest) } else { f64::NEG_INFINITY };
        let nth = |k: usize| logarithms.clone().nth(k).unwrap_or(f64::NEG_INFINITY);
        self.median += if rank == 0 { f64::NEG_INFINITY } else { 0.5 * (nth((rank - 1) / 2) + nth(rank / 2)) };
        self.mean += if rank == 0 { f64::NEG_INFINITY } else { logarithms.take(rank).sum::<f64>() / rank as f64 };
        self.rank += rank as f64;
    }

    fn mean(&self, count: f64) -> SingularSummary {
        SingularSummary {
            largest: (self.largest / count).exp(),
            smallest: (self.smallest / count).exp(),
            median: (self.median / count).exp(),
            geometric_mean: (self.mean / count).exp(),
            rank: self.rank / count,
        }
    }
}
