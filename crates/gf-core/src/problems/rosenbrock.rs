//! The Rosenbrock valley in any dimension.

use super::small_dense_problem;

/// L(θ) = Σ_{i<p} [100 (θ_{i+1} − θᵢ²)² + (1 − θᵢ)²], minimum 0 at (1, …, 1), p ≥ 2.
/// Reference: H. Rosenbrock, *The Computer Journal* 3 (1960), chained as usual.
#[derive(Debug, Clone, Copy)]
pub struct Rosenbrock {
    dim: usize,
}

impl Rosenbrock {
    /// In `dim` ≥ 2 parameters.
    ///
    /// # Panics
    /// When `dim` < 2.
    pub fn new(dim: usize) -> Self {
        assert!(dim >= 2, "Rosenbrock's function needs at least 2 parameters, found {dim}");
        Self { dim }
    }

    fn order(&self) -> usize {
        self.dim
    }

    fn evaluate(&self, t: &[f64]) -> f64 {
        t.windows(2).map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2)).sum()
    }

    fn gradient(&self, t: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for i in 0..self.dim - 1 {
            let r = t[i + 1] - t[i] * t[i];
            out[i] += -400.0 * t[i] * r - 2.0 * (1.0 - t[i]);
            out[i + 1] += 200.0 * r;
        }
    }

    fn hessian(&self, t: &[f64], out: &mut [f64]) {
        let p = self.dim;
        out.fill(0.0);
        for i in 0..p - 1 {
            out[i * p + i] += 1200.0 * t[i] * t[i] - 400.0 * t[i + 1] + 2.0;
            out[(i + 1) * p + i + 1] += 200.0;
            out[i * p + i + 1] = -400.0 * t[i];
            out[(i + 1) * p + i] = -400.0 * t[i];
        }
    }

    fn third(&self, t: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for i in 0..self.dim - 1 {
            out[i] += 2400.0 * t[i] * u[i] * v[i] - 400.0 * (u[i] * v[i + 1] + u[i + 1] * v[i]);
            out[i + 1] -= 400.0 * u[i] * v[i];
        }
    }
}

small_dense_problem!(Rosenbrock);
