//! Himmelblau's function: four minima, four saddles, one maximum.

use super::{contract_in_the_plane, small_dense_problem};

/// L(x, y) = (x² + y − 11)² + (x + y² − 7)². Minima of value 0 at (3, 2), (−2.805118, 3.131312), (−3.779310, −3.283186)
/// and (3.584428, −1.848126). Reference: D. Himmelblau, *Applied Nonlinear Programming*, 1972.
#[derive(Debug, Clone, Copy, Default)]
pub struct Himmelblau;

impl Himmelblau {
    fn order(&self) -> usize {
        2
    }

    fn evaluate(&self, t: &[f64]) -> f64 {
        let (x, y) = (t[0], t[1]);
        (x * x + y - 11.0).powi(2) + (x + y * y - 7.0).powi(2)
    }

    fn gradient(&self, t: &[f64], out: &mut [f64]) {
        let (x, y) = (t[0], t[1]);
        let (a, b) = (x * x + y - 11.0, x + y * y - 7.0);
        out[0] = 4.0 * x * a + 2.0 * b;
        out[1] = 2.0 * a + 4.0 * y * b;
    }

    fn hessian(&self, t: &[f64], out: &mut [f64]) {
        let (x, y) = (t[0], t[1]);
        out[0] = 12.0 * x * x + 4.0 * y - 42.0;
        out[3] = 12.0 * y * y + 4.0 * x - 26.0;
        out[1] = 4.0 * (x + y);
        out[2] = out[1];
    }

    fn third(&self, t: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        contract_in_the_plane([24.0 * t[0], 4.0, 4.0, 24.0 * t[1]], u, v, out);
    }
}

small_dense_problem!(Himmelblau);
