//! Least squares for code that speaks of all capabilities.

use crate::{Cost, CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, Sample, Triangle};

/// An objective with a Gauss–Newton matrix and no Hessian, as [`crate::FullCurvature`]: asking for the Hessian is [`EvalError::NotOffered`].
#[derive(Debug, Clone)]
pub struct WithoutHessian<O>(pub O);

const MISSING: EvalError =
    EvalError::NotOffered { what: "a Hessian: use a method that needs none, or the Gauss-Newton matrix" };

impl<O: Objective> Objective for WithoutHessian<O> {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        self.0.value(theta)
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        self.0.value_and_gradient(theta, gradient)
    }

    fn begin_step(&mut self, step: u64) -> Sample {
        self.0.begin_step(step)
    }

    fn cost(&self) -> Cost {
        self.0.cost()
    }
}

impl<O: Objective> HessianProduct for WithoutHessian<O> {
    fn hessian_at<'a>(&'a mut self, _theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        Err(MISSING)
    }
}

impl<O: Objective> DenseHessian for WithoutHessian<O> {
    fn dense_hessian(&mut self, _theta: &[f64], _triangle: Triangle, _out: &mut [f64]) -> Result<(), EvalError> {
        Err(MISSING)
    }
}

impl<O: GaussNewton> GaussNewton for WithoutHessian<O> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.0.gauss_newton_at(theta)
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.0.dense_gauss_newton(theta, triangle, out)
    }
}
