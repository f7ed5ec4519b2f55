//! Gradient noise, as mini-batches make it.

use crate::{
    Cost, CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, Sample, Streams, Triangle,
    check_len, standard_normal, vector,
};

/// L(θ) + ξ_kᵀθ with a random force ξ_k ~ N(0, σ²I) that is new in every step k: its gradient is ∇L + ξ_k, its curvature that of L.
///
/// What a mini-batch does to the gradient, at a strength σ of one's choice. A force is a pure function of seed and step.
#[derive(Debug, Clone)]
pub struct Noisy<O> {
    objective: O,
    sigma: f64,
    streams: Streams,
    force: Vec<f64>,
}

impl<O: Objective> Noisy<O> {
    /// With forces of standard deviation `sigma` in each component, in units of the gradient.
    pub fn new(objective: O, sigma: f64, streams: Streams) -> Self {
        let force = vec![0.0; objective.dim()];
        Self { objective, sigma, streams, force }
    }
}

impl<O: Objective> Objective for Noisy<O> {
    fn dim(&self) -> usize {
        self.objective.dim()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        Ok(self.objective.value(theta)? + vector::dot(&self.force, theta))
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        let value = self.objective.value_and_gradient(theta, gradient)?;
        vector::add_scaled(gradient, 1.0, &self.force);
        Ok(value + vector::dot(&self.force, theta))
    }

    fn begin_step(&mut self, step: u64) -> Sample {
        self.objective.begin_step(step);
        let mut rng = self.streams.batches(step);
        self.force.iter_mut().for_each(|force| *force = self.sigma * standard_normal(&mut rng));
        Sample::Changed
    }

    fn cost(&self) -> Cost {
        self.objective.cost()
    }
}

impl<O: HessianProduct> HessianProduct for Noisy<O> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.objective.hessian_at(theta)
    }
}

impl<O: DenseHessian> DenseHessian for Noisy<O> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.dense_hessian(theta, triangle, out)
    }
}

impl<O: GaussNewton> GaussNewton for Noisy<O> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.objective.gauss_newton_at(theta)
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.dense_gauss_newton(theta, triangle, out)
    }
}
