//! The quartic: a degenerate minimum with a known flow.

use super::small_dense_problem;

/// L(θ) = Σ θᵢ⁴/4. The Hessian vanishes at the minimum; the flow is θᵢ(t) = θᵢ(0)/√(1 + 2θᵢ(0)²t), a power law.
#[derive(Debug, Clone, Copy)]
pub struct Quartic {
    dim: usize,
}

impl Quartic {
    /// In `dim` parameters.
    pub fn new(dim: usize) -> Self {
        Self { dim }
    }

    /// The exact flow: θ at time `t` from `theta` (p numbers) at time 0.
    pub fn flow(&self, theta: &[f64], t: f64) -> Vec<f64> {
        theta.iter().map(|x| x / (1.0 + 2.0 * x * x * t).sqrt()).collect()
    }

    fn order(&self) -> usize {
        self.dim
    }

    fn evaluate(&self, t: &[f64]) -> f64 {
        t.iter().map(|x| 0.25 * x.powi(4)).sum()
    }

    fn gradient(&self, t: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(t).for_each(|(out, x)| *out = x.powi(3));
    }

    fn hessian(&self, t: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        t.iter().enumerate().for_each(|(i, x)| out[i * self.dim + i] = 3.0 * x * x);
    }

    fn third(&self, t: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        for (out, (x, (u, v))) in out.iter_mut().zip(t.iter().zip(u.iter().zip(v))) {
            *out = 6.0 * x * u * v;
        }
    }
}

small_dense_problem!(Quartic);
