//! What a central flow is told, and what it tells.

use super::ComplementarityResiduals;

/// How a central flow is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CentralFlowSettings {
    /// Substeps a step of gradient descent, at least 1.
    pub substeps: usize,
    /// Eigenpairs that are always tracked, at least 1; more are while the lowest of them is a candidate.
    pub pairs: usize,
    /// From 0 to 1. Candidates for the oscillation are the eigenpairs with λ ≥ `margin`·2/h; the complementarity problem says which of them
    /// are active, or become so within the substep. An eigenvalue that crosses all that is left to 2/h within one substep is seen at the next.
    pub margin: f64,
    /// Residual of the eigenpairs, relative to the largest |λ|.
    pub tolerance: f64,
    /// Of the random vector from which the eigensolver starts.
    pub seed: u64,
}

impl Default for CentralFlowSettings {
    fn default() -> Self {
        Self { substeps: 4, pairs: 2, margin: 0.97, tolerance: 1e-9, seed: 0 }
    }
}

/// One step of length h, described by where it began.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CentralFlowStep {
    /// Whether it was a plain step of gradient descent, because λ₁ was above 2/h from the start.
    pub is_plain: bool,
    /// L(θ).
    pub loss: f64,
    /// ‖∇L(θ)‖.
    pub gradient_norm: f64,
    /// What gradient descent's loss averages to: L + tr X/h.
    pub mean_loss: f64,
    /// What its squared gradient norm averages to: ‖∇L‖² + 4 tr X/h².
    pub mean_squared_gradient_norm: f64,
    /// The tracked eigenvalues of the Hessian, descending.
    pub eigenvalues: Vec<f64>,
    /// The largest residual of a tracked eigenpair in the step, over the largest |λ|.
    pub eigen_residual: f64,
    /// X_ii: the variance of the oscillation along each candidate's eigenvector.
    pub variances: Vec<f64>,
    /// tr X: the variance of the oscillation in all.
    pub trace: f64,
    /// The rank of X: directions that oscillate.
    pub active: usize,
    /// The worst of all substeps.
    pub complementarity: ComplementarityResiduals,
    /// Values with gradients of the step.
    pub gradients: u64,
    /// Hessian products of the step.
    pub products: u64,
    /// Third derivatives of the step.
    pub contractions: u64,
}
