//! The counting adapter: every evaluation passes through it, so work is measured, not declared.

use serde::{Deserialize, Serialize};

use crate::{
    CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, LeastSquares, Objective, Sample, Triangle,
};

/// Work done so far: exact counts and model flops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Values without gradient.
    pub values: u64,
    /// Values with gradient.
    pub gradients: u64,
    /// Points at which curvature products were prepared.
    pub linearizations: u64,
    /// Hessian and Gauss–Newton products, one a vector.
    pub products: u64,
    /// Dense Hessians, Gauss–Newton matrices and Jacobians.
    pub matrices: u64,
    /// Matrix factorizations.
    pub factorizations: u64,
    /// Model flops of all of it.
    pub flops: f64,
}

/// An objective that counts what is asked of it. Methods and solvers receive this, never the bare objective.
pub struct Counted<'a, O: ?Sized> {
    objective: &'a mut O,
    work: Work,
}

impl<'a, O: Objective + ?Sized> Counted<'a, O> {
    /// Starts counting at zero.
    pub fn new(objective: &'a mut O) -> Self {
        Self { objective, work: Work::default() }
    }

    /// Goes on counting from `work`.
    pub fn resuming(objective: &'a mut O, work: Work) -> Self {
        Self { objective, work }
    }

    /// The work so far.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Counts one factorization of `flops` model flops; solvers call it.
    pub fn count_factorization(&mut self, flops: f64) {
        self.work.factorizations += 1;
        self.work.flops += flops;
    }

    /// Adds model flops of vector work that is not an evaluation, such as triangular solves.
    pub fn count_flops(&mut self, flops: f64) {
        self.work.flops += flops;
    }
}

impl<O: Objective + ?Sized> Objective for Counted<'_, O> {
    fn dim(&self) -> usize {
        self.objective.dim()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        self.work.values += 1;
        self.work.flops += self.objective.cost().value;
        self.objective.value(theta)
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        self.work.gradients += 1;
        self.work.flops += self.objective.cost().value_and_gradient;
        self.objective.value_and_gradient(theta, gradient)
    }

    fn begin_step(&mut self, step: u64) -> Sample {
        self.objective.begin_step(step)
    }

    fn cost(&self) -> crate::Cost {
        self.objective.cost()
    }
}

impl<O: HessianProduct + ?Sized> HessianProduct for Counted<'_, O> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        let cost = self.objective.cost();
        let at = self.objective.hessian_at(theta)?;
        Ok(count_linearization(at, &mut self.work, cost.linearize).metered(&mut self.work, cost.hessian_product))
    }
}

impl<O: DenseHessian + ?Sized> DenseHessian for Counted<'_, O> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.work.matrices += 1;
        self.work.flops += self.objective.cost().dense_hessian;
        self.objective.dense_hessian(theta, triangle, out)
    }
}

impl<O: GaussNewton + ?Sized> GaussNewton for Counted<'_, O> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        let cost = self.objective.cost();
        let at = self.objective.gauss_newton_at(theta)?;
        Ok(count_linearization(at, &mut self.work, cost.linearize).metered(&mut self.work, cost.gauss_newton_product))
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.work.matrices += 1;
        self.work.flops += self.objective.cost().dense_gauss_newton;
        self.objective.dense_gauss_newton(theta, triangle, out)
    }
}

impl<O: LeastSquares + ?Sized> LeastSquares for Counted<'_, O> {
    fn residual_count(&self) -> usize {
        self.objective.residual_count()
    }

    fn residuals(&mut self, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        self.work.values += 1;
        self.work.flops += self.objective.cost().value;
        self.objective.residuals(theta, out)
    }

    fn jacobian(&mut self, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        self.work.matrices += 1;
        self.work.flops += self.objective.cost().linearize;
        self.objective.jacobian(theta, out)
    }
}

fn count_linearization<'a>(at: CurvatureAt<'a>, work: &mut Work, flops: f64) -> CurvatureAt<'a> {
    if at.is_fresh() {
        work.linearizations += 1;
        work.flops += flops;
    }
    at
}
