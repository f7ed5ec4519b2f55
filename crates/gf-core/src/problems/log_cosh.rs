//! A bowl whose walls become straight.

use super::small_dense_problem;

/// L(x) = ln cosh x: curvature 1/cosh² x, 1 at the minimum 0 and falling with the distance.
///
/// Gradient descent with h > 2 leaves the minimum and stops at a cycle of period two, ±x with 2x = h·tanh x, where the curvature
/// averaged along the path is 2/h: the one-dimensional picture of why training past the stability limit need not diverge.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogCosh;

impl LogCosh {
    fn order(&self) -> usize {
        1
    }

    fn evaluate(&self, t: &[f64]) -> f64 {
        // |x| + ln(1 + e^(−2|x|)) − ln 2, which neither overflows nor cancels far out.
        let x = t[0].abs();
        if x < 0.5 { x.cosh().ln() } else { x + (-2.0 * x).exp().ln_1p() - std::f64::consts::LN_2 }
    }

    fn gradient(&self, t: &[f64], out: &mut [f64]) {
        out[0] = t[0].tanh();
    }

    fn hessian(&self, t: &[f64], out: &mut [f64]) {
        out[0] = 1.0 / t[0].cosh().powi(2);
    }

    fn third(&self, t: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        out[0] = -2.0 * t[0].tanh() / t[0].cosh().powi(2) * u[0] * v[0];
    }
}

small_dense_problem!(LogCosh);
