//! Eigenpairs, as they were found.

use gf_core::vector;
use serde::{Deserialize, Serialize};

/// One eigenpair's value, as measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Eigenpair {
    /// λ.
    pub value: f64,
    /// ‖Av − λv‖ of its unit vector, measured by one more product, or after [`EigenpairSolver::find`](super::EigenpairSolver::find) as the process knows it: an eigenvalue of A
    /// lies within it.
    pub residual: f64,
    /// Whether the residual is at most the tolerance times the largest |λ|.
    pub is_converged: bool,
}

/// Eigenpairs with what they took.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Eigenpairs {
    pub(super) order: usize,
    pub(super) top: usize,
    pub(super) pairs: Vec<Eigenpair>,
    pub(super) vectors: Vec<f64>,
    /// The largest |ϑ| of all Ritz values, which residuals are compared with.
    pub(super) scale: f64,
    /// Products of the process.
    pub products: u64,
    /// Products that measured the residuals.
    pub checks: u64,
    /// Restarts of the process.
    pub restarts: u64,
}

impl Eigenpairs {
    /// The highest, descending.
    pub fn top(&self) -> &[Eigenpair] {
        &self.pairs[..self.top]
    }

    /// The lowest, ascending.
    pub fn bottom(&self) -> &[Eigenpair] {
        &self.pairs[self.top..]
    }

    /// Top, then bottom.
    pub fn all(&self) -> &[Eigenpair] {
        &self.pairs
    }

    /// The unit eigenvector of pair `k` of [`Eigenpairs::all`], p numbers.
    pub fn vector(&self, k: usize) -> &[f64] {
        &self.vectors[k * self.order..(k + 1) * self.order]
    }

    /// All eigenvectors, p × pairs, column-major.
    pub fn vectors(&self) -> &[f64] {
        &self.vectors
    }

    /// Whether every pair is within the tolerance.
    pub fn are_converged(&self) -> bool {
        self.pairs.iter().all(|pair| pair.is_converged)
    }

    /// The largest |λ| among the pairs.
    pub fn scale(&self) -> f64 {
        self.pairs.iter().fold(0.0, |largest, pair| largest.max(pair.value.abs()))
    }

    /// The largest residual over the largest |λ|; 0 where all are 0.
    pub fn largest_residual(&self) -> f64 {
        let largest = self.pairs.iter().fold(0.0, |largest: f64, pair| largest.max(pair.residual));
        if largest == 0.0 { 0.0 } else { largest / self.scale() }
    }

    /// Σᵢ (vᵢᵀx)²/‖x‖² over the first `count` pairs: the share of x in their space; 0 for x = 0.
    pub fn share(&self, count: usize, x: &[f64]) -> f64 {
        let size = vector::dot(x, x);
        let inside: f64 = (0..count.min(self.pairs.len())).map(|k| vector::dot(self.vector(k), x).powi(2)).sum();
        if size == 0.0 { 0.0 } else { inside / size }
    }
}
