//! All capabilities of a small problem, through its dense Hessian.

use crate::{
    Cost, CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, Sample, SymmetricOperator,
    ThirdDerivative, Triangle, check_len,
};

/// A problem with a dense Hessian, with products through that matrix: p² flops each. A Gauss–Newton matrix it has not: asking for one is
/// [`EvalError::NotOffered`].
#[derive(Debug, Clone)]
pub struct ThroughDense<O> {
    objective: O,
    matrix: Vec<f64>,
    /// Where the matrix is that of: none before the first product or after the sample changed.
    theta: Option<Vec<f64>>,
}

impl<O: DenseHessian> ThroughDense<O> {
    /// Allocates p² numbers.
    pub fn new(objective: O) -> Self {
        let p = objective.dim();
        Self { objective, matrix: vec![0.0; p * p], theta: None }
    }
}

impl<O: Objective> Objective for ThroughDense<O> {
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
        let sample = self.objective.begin_step(step);
        if sample == Sample::Changed {
            self.theta = None;
        }
        sample
    }

    fn cost(&self) -> Cost {
        self.objective.cost()
    }
}

impl<O: Objective> SymmetricOperator for ThroughDense<O> {
    fn order(&self) -> usize {
        self.objective.dim()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (column, v) in self.matrix.chunks_exact(v.len().max(1)).zip(v) {
            crate::vector::add_scaled(out, *v, column);
        }
    }
}

impl<O: DenseHessian> HessianProduct for ThroughDense<O> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        check_len("theta", self.objective.dim(), theta.len())?;
        let fresh = self.theta.as_deref() != Some(theta);
        if fresh {
            self.objective.dense_hessian(theta, Triangle::Both, &mut self.matrix)?;
            let known = self.theta.get_or_insert_with(Vec::new);
            known.clear();
            known.extend_from_slice(theta);
        }
        Ok(CurvatureAt::new(self, fresh))
    }
}

impl<O: DenseHessian> DenseHessian for ThroughDense<O> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.dense_hessian(theta, triangle, out)
    }
}

impl<O: ThirdDerivative> ThirdDerivative for ThroughDense<O> {
    fn curvature_gradient(&mut self, theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.curvature_gradient(theta, u, v, out)
    }
}

impl<O: DenseHessian> GaussNewton for ThroughDense<O> {
    fn gauss_newton_at<'a>(&'a mut self, _theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        Err(EvalError::NotOffered { what: "a Gauss-Newton matrix" })
    }

    fn dense_gauss_newton(&mut self, _theta: &[f64], _triangle: Triangle, _out: &mut [f64]) -> Result<(), EvalError> {
        Err(EvalError::NotOffered { what: "a Gauss-Newton matrix" })
    }
}
