//! A valley that gets steeper as one goes down it.

use super::{contract_in_the_plane, small_dense_problem};

/// L(x, y) = ½ y x² − r y: across the valley (x = 0) the curvature is y, and along it the loss falls at the rate r while y grows.
///
/// The flow sharpens without end: y' = r − ½x². Gradient descent does not: where y > 2/h, |x| grows by |1 − hy| a step until ½x² > r
/// turns y back, so y hovers around 2/h with ½⟨x²⟩ = r: progressive sharpening and its self-stabilization in two dimensions.
///
/// Reference for the mechanism: Damian, Nichani, Lee, *Self-stabilization: the implicit bias of gradient descent at the edge of stability* (2023).
#[derive(Debug, Clone, Copy)]
pub struct Sharpening {
    /// r > 0.
    pub rate: f64,
}

impl Sharpening {
    fn order(&self) -> usize {
        2
    }

    fn evaluate(&self, t: &[f64]) -> f64 {
        0.5 * t[1] * t[0] * t[0] - self.rate * t[1]
    }

    fn gradient(&self, t: &[f64], out: &mut [f64]) {
        out[0] = t[1] * t[0];
        out[1] = 0.5 * t[0] * t[0] - self.rate;
    }

    fn hessian(&self, t: &[f64], out: &mut [f64]) {
        out[0] = t[1];
        out[1] = t[0];
        out[2] = t[0];
        out[3] = 0.0;
    }

    fn third(&self, _t: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        contract_in_the_plane([0.0, 1.0, 0.0, 0.0], u, v, out);
    }
}

small_dense_problem!(Sharpening);
