//! The smallest deep linear network.

use super::{contract_in_the_plane, small_dense_problem};

/// L(x, y) = ½(xy − 1)²: two weights in a chain that should multiply to 1. Minima of value 0 on the hyperbola xy = 1, with curvature x² + y² across
/// it; a saddle at 0. The flow conserves x² − y².
#[derive(Debug, Clone, Copy, Default)]
pub struct ScalarChain;

impl ScalarChain {
    fn order(&self) -> usize {
        2
    }

    fn evaluate(&self, t: &[f64]) -> f64 {
        0.5 * (t[0] * t[1] - 1.0).powi(2)
    }

    fn gradient(&self, t: &[f64], out: &mut [f64]) {
        let residual = t[0] * t[1] - 1.0;
        out[0] = residual * t[1];
        out[1] = residual * t[0];
    }

    fn hessian(&self, t: &[f64], out: &mut [f64]) {
        out[0] = t[1] * t[1];
        out[1] = 2.0 * t[0] * t[1] - 1.0;
        out[2] = out[1];
        out[3] = t[0] * t[0];
    }

    fn third(&self, t: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        contract_in_the_plane([0.0, 2.0 * t[1], 2.0 * t[0], 0.0], u, v, out);
    }
}

small_dense_problem!(ScalarChain);
