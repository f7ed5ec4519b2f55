//! Curvature on another sample than the gradient.

use crate::{Cost, CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, Sample, Triangle};

/// Values and gradients of `gradient`, curvature of `curvature`: the same function on two samples of the same data, the second usually the larger
/// one, so that the noise of a small batch does not enter H.
#[derive(Debug, Clone)]
pub struct CurvatureSample<G, C> {
    gradient: G,
    curvature: C,
}

impl<G: Objective, C: Objective> CurvatureSample<G, C> {
    /// Of two objectives with the same parameters.
    ///
    /// # Errors
    /// [`EvalError::Length`] when their dimensions differ.
    pub fn new(gradient: G, curvature: C) -> Result<Self, EvalError> {
        crate::check_len("parameters of the curvature's objective", gradient.dim(), curvature.dim())?;
        Ok(Self { gradient, curvature })
    }
}

impl<G: Objective, C: Objective> Objective for CurvatureSample<G, C> {
    fn dim(&self) -> usize {
        self.gradient.dim()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        self.gradient.value(theta)
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        self.gradient.value_and_gradient(theta, gradient)
    }

    fn begin_step(&mut self, step: u64) -> Sample {
        let changed = [self.gradient.begin_step(step), self.curvature.begin_step(step)];
        if changed.contains(&Sample::Changed) { Sample::Changed } else { Sample::Unchanged }
    }

    fn cost(&self) -> Cost {
        let Cost { value, value_and_gradient, .. } = self.gradient.cost();
        let curvature = self.curvature.cost();
        // The passes that the gradient's sample shares with its own curvature are done for this sample too.
        let linearize = curvature.linearize + curvature.value_and_gradient;
        Cost {
            value,
            value_and_gradient,
            linearize,
            dense_hessian: curvature.dense_hessian + curvature.value_and_gradient,
            dense_gauss_newton: curvature.dense_gauss_newton + curvature.value_and_gradient,
            ..curvature
        }
    }
}

impl<G: Objective, C: HessianProduct> HessianProduct for CurvatureSample<G, C> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.curvature.hessian_at(theta)
    }
}

impl<G: Objective, C: DenseHessian> DenseHessian for CurvatureSample<G, C> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.curvature.dense_hessian(theta, triangle, out)
    }
}

impl<G: Objective, C: GaussNewton> GaussNewton for CurvatureSample<G, C> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.curvature.gauss_newton_at(theta)
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.curvature.dense_gauss_newton(theta, triangle, out)
    }
}
