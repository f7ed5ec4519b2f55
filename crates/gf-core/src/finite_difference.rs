//! Curvature by central differences of gradients: an explicit choice, never a fallback.

use crate::{
    Cost, CurvatureAt, DenseHessian, EvalError, HessianProduct, Objective, Sample, SymmetricOperator, Triangle,
    check_len, mirror,
};

/// Adds Hessian products and a dense Hessian to any objective by central differences of its gradient:
///
/// H·v ≈ (∇L(θ + εv) − ∇L(θ − εv)) / 2ε.
///
/// The error is O(ε²‖v‖³) + O(roundoff/ε), and O(1) across kinks of the gradient (ReLU). The dense matrix is symmetrized;
/// [`FiniteDifference::raw_hessian`] gives it as the differences leave it. Cost: 2 gradients a product, 2p a matrix.
pub struct FiniteDifference<O> {
    objective: O,
    epsilon: f64,
    center: Vec<f64>,
    moved: Vec<f64>,
    other: Vec<f64>,
}

impl<O: Objective> FiniteDifference<O> {
    /// Differences with the absolute step `epsilon` > 0 (in units of θ).
    pub fn new(objective: O, epsilon: f64) -> Self {
        let p = objective.dim();
        Self { objective, epsilon, center: vec![0.0; p], moved: vec![0.0; p], other: vec![0.0; p] }
    }

    /// The wrapped objective.
    pub fn into_inner(self) -> O {
        self.objective
    }

    /// The p × p column-major matrix whose column j is the difference along parameter j: in general not symmetric.
    ///
    /// # Errors
    /// [`EvalError::Length`] when a slice has the wrong length.
    pub fn raw_hessian(&mut self, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        let p = self.dim();
        check_len("theta", p, theta.len())?;
        check_len("hessian", p * p, out.len())?;
        let mut unit = vec![0.0; p];
        self.center.copy_from_slice(theta);
        for (j, column) in out.chunks_exact_mut(p).enumerate() {
            unit[j] = 1.0;
            self.apply(&unit, column);
            unit[j] = 0.0;
        }
        Ok(())
    }
}

impl<O: Objective> Objective for FiniteDifference<O> {
    fn dim(&self) -> usize {
        self.objective.dim()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        self.objective.value(theta)
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        self.objective.value_and_gradient(theta, gradient)
    }

    fn begin_step(&mut self, step: u64) -> Sample {
        self.objective.begin_step(step)
    }

    fn cost(&self) -> Cost {
        let cost = self.objective.cost();
        let product = 2.0 * cost.value_and_gradient;
        let p = self.dim() as f64;
        Cost { linearize: 0.0, hessian_product: product, dense_hessian: p * product, ..cost }
    }
}

impl<O: Objective> SymmetricOperator for FiniteDifference<O> {
    fn order(&self) -> usize {
        self.objective.dim()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        let lengths_were_checked = "lengths were checked when the point was fixed";
        for (moved, (c, v)) in self.moved.iter_mut().zip(self.center.iter().zip(v)) {
            *moved = c - self.epsilon * v;
        }
        self.objective.value_and_gradient(&self.moved, &mut self.other).expect(lengths_were_checked);
        for (moved, (c, v)) in self.moved.iter_mut().zip(self.center.iter().zip(v)) {
            *moved = c + self.epsilon * v;
        }
        self.objective.value_and_gradient(&self.moved, out).expect(lengths_were_checked);
        for (out, other) in out.iter_mut().zip(&self.other) {
            *out = (*out - other) / (2.0 * self.epsilon);
        }
    }
}

impl<O: Objective> HessianProduct for FiniteDifference<O> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        self.center.copy_from_slice(theta);
        Ok(CurvatureAt::new(self, true))
    }
}

impl<O: Objective> DenseHessian for FiniteDifference<O> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.raw_hessian(theta, out)?;
        let p = self.dim();
        for j in 0..p {
            for i in j + 1..p {
                out[i + j * p] = 0.5 * (out[i + j * p] + out[j + i * p]);
            }
        }
        if triangle == Triangle::Both {
            mirror(p, out);
        }
        Ok(())
    }
}
