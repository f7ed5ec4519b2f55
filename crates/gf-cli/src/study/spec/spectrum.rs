//! `[spectrum]`: the keys of the curvature along a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[spectrum]`: the curvature of the loss on the whole training set along every run; the pictures are of the first seed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpectrumSpec {
    /// Look at steps 0, k, 2k, ….
    pub every: u64,
    /// Highest eigenvalues of the Hessian, by Lanczos.
    pub top: usize,
    /// Lowest ones.
    pub bottom: usize,
    /// Residual of the eigenpairs, relative to the largest |λ|.
    pub tolerance: f64,
    /// The highest eigenvalue of the Gauss–Newton matrix too.
    pub gauss_newton: bool,
    /// Products with random vectors for the trace; 0: no trace.
    pub trace_probes: usize,
    /// All eigenvalues too, from the dense Hessian.
    pub full: bool,
    /// The blocks of the dense Hessian layer by layer at the end of each run; for networks.
    pub per_layer: bool,
    /// The central flow beside every arm of full-batch gradient descent (`method.explicit`): its prediction of mean loss and oscillation.
    pub central_flow: bool,
}

impl SpectrumSpec {
    /// Bytes for p parameters: the dense matrix, its copy inside the eigensolver and a block, where it is asked for.
    pub fn dense_bytes(&self, p: usize) -> usize {
        if self.full || self.per_layer { 24usize.saturating_mul(p).saturating_mul(p) } else { 0 }
    }
}

impl Default for SpectrumSpec {
    fn default() -> Self {
        Self {
            every: 10,
            top: 3,
            bottom: 1,
            tolerance: 1e-7,
            gauss_newton: false,
            trace_probes: 0,
            full: false,
            per_layer: false,
            central_flow: false,
        }
    }
}
