//! A double well.

use super::small_dense_problem;

/// L(x) = ¼(x² − 1)² + t·x with the tilt t. Without tilt: minima of value 0 and curvature 2 at ±1, a maximum of value ¼ and curvature −1 between them,
/// and the flow x' = x − x³ has the solution x(t) = x₀ / √(x₀² + (1 − x₀²)e^{−2t}). With 0 < t < 2/(3√3) the right one of the two minima is the poor one.
#[derive(Debug, Clone, Copy, Default)]
pub struct DoubleWell {
    /// t.
    pub tilt: f64,
}

impl DoubleWell {
    /// θ(t) of the flow from `theta`, one number; without tilt.
    ///
    /// # Panics
    /// With a tilt: the flow has no closed form then.
    pub fn flow(&self, theta: &[f64], t: f64) -> Vec<f64> {
        assert_eq!(self.tilt, 0.0, "the closed form is that without tilt");
        let x = theta[0];
        vec![x / (x * x + (1.0 - x * x) * (-2.0 * t).exp()).sqrt()]
    }

    fn order(&self) -> usize {
        1
    }

    fn evaluate(&self, t: &[f64]) -> f64 {
        0.25 * (t[0] * t[0] - 1.0).powi(2) + self.tilt * t[0]
    }

    fn gradient(&self, t: &[f64], out: &mut [f64]) {
        out[0] = t[0] * (t[0] * t[0] - 1.0) + self.tilt;
    }

    fn hessian(&self, t: &[f64], out: &mut [f64]) {
        out[0] = 3.0 * t[0] * t[0] - 1.0;
    }

    fn third(&self, t: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        out[0] = 6.0 * t[0] * u[0] * v[0];
    }
}

small_dense_problem!(DoubleWell);
