//! Objectives from closures.

use crate::{EvalError, Objective, check_len};

/// An objective from one closure `(θ, gradient) -> L(θ)` that overwrites the gradient.
///
/// ```
/// use gf_core::{FromClosure, Objective};
/// let mut parabola = FromClosure::new(1, |theta: &[f64], gradient: &mut [f64]| {
///     gradient[0] = 2.0 * theta[0];
///     theta[0] * theta[0]
/// });
/// assert_eq!(parabola.value(&[3.0])?, 9.0);
/// # Ok::<(), gf_core::EvalError>(())
/// ```
/// Curvature is added explicitly, by [`crate::FiniteDifference`], or by implementing the traits.
pub struct FromClosure<F> {
    evaluate: F,
    scratch: Vec<f64>,
}

impl<F: FnMut(&[f64], &mut [f64]) -> f64> FromClosure<F> {
    /// A function of `dim` parameters.
    pub fn new(dim: usize, evaluate: F) -> Self {
        Self { evaluate, scratch: vec![0.0; dim] }
    }
}

impl<F: FnMut(&[f64], &mut [f64]) -> f64> Objective for FromClosure<F> {
    fn dim(&self) -> usize {
        self.scratch.len()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        check_len("theta", self.scratch.len(), theta.len())?;
        Ok((self.evaluate)(theta, &mut self.scratch))
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        check_len("theta", self.scratch.len(), theta.len())?;
        check_len("gradient", self.scratch.len(), gradient.len())?;
        Ok((self.evaluate)(theta, gradient))
    }
}
