//! L(θ) = ½ (θ−c)ᵀ A (θ−c) with a prescribed spectrum.

use crate::{
    Cost, CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, StreamRng, SymmetricOperator,
    ThirdDerivative, Triangle, check_curvature_gradient_lens, check_len, standard_normal, vector,
};

/// A quadratic with Hessian A = Q diag(λ) Qᵀ, Q a product of two Householder reflections (the identity without a generator).
///
/// Its flow is known: θ(t) = c + Q exp(−λt) Qᵀ (θ₀ − c), see [`Quadratic::flow`]. Negative eigenvalues are allowed. Cost of a gradient: O(p).
/// As Gauss–Newton matrix it offers A itself (the model is linear least squares when λ ≥ 0).
#[derive(Debug, Clone)]
pub struct Quadratic {
    eigenvalues: Vec<f64>,
    center: Vec<f64>,
    reflections: Vec<Vec<f64>>,
    scratch: Vec<f64>,
}

impl Quadratic {
    /// L = ½ Σ λᵢθᵢ² with these p eigenvalues: Q = I, c = 0.
    pub fn diagonal(eigenvalues: &[f64]) -> Self {
        let p = eigenvalues.len();
        Self { eigenvalues: eigenvalues.to_vec(), center: vec![0.0; p], reflections: vec![], scratch: vec![0.0; p] }
    }

    /// With these p eigenvalues, random eigenvectors and a center c ~ N(0, I) from `rng`.
    pub fn rotated(eigenvalues: &[f64], rng: &mut StreamRng) -> Self {
        let mut normal = || -> Vec<f64> { eigenvalues.iter().map(|_| standard_normal(rng)).collect() };
        let reflections = (0..2)
            .map(|_| {
                let mut u = normal();
                let length = vector::norm(&u);
                u.iter_mut().for_each(|u| *u /= length);
                u
            })
            .collect();
        let center = normal();
        Self { center, reflections, ..Self::diagonal(eigenvalues) }
    }

    /// The p eigenvalues, in the order given.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// The critical point c, p numbers.
    pub fn center(&self) -> &[f64] {
        &self.center
    }

    /// Overwrites `x` (p numbers) with Qᵀx: its coordinates along the eigenvectors.
    pub fn to_eigenbasis(&self, x: &mut [f64]) {
        self.reflections.iter().for_each(|u| reflect(u, x));
    }

    /// Overwrites `x` (p numbers) with Qx.
    pub fn from_eigenbasis(&self, x: &mut [f64]) {
        self.reflections.iter().rev().for_each(|u| reflect(u, x));
    }

    /// The exact flow: θ at time `t` from `theta` (p numbers) at time 0.
    pub fn flow(&self, theta: &[f64], t: f64) -> Vec<f64> {
        let mut x: Vec<f64> = theta.iter().zip(&self.center).map(|(a, c)| a - c).collect();
        self.to_eigenbasis(&mut x);
        x.iter_mut().zip(&self.eigenvalues).for_each(|(x, lambda)| *x *= (-lambda * t).exp());
        self.from_eigenbasis(&mut x);
        x.iter().zip(&self.center).map(|(x, c)| x + c).collect()
    }

    fn multiply(&self, v: &[f64], out: &mut [f64]) {
        out.copy_from_slice(v);
        self.to_eigenbasis(out);
        out.iter_mut().zip(&self.eigenvalues).for_each(|(x, lambda)| *x *= lambda);
        self.from_eigenbasis(out);
    }
}

/// x − 2u(uᵀx), ‖u‖ = 1.
fn reflect(u: &[f64], x: &mut [f64]) {
    let twice = -2.0 * vector::dot(u, x);
    vector::add_scaled(x, twice, u);
}

impl Objective for Quadratic {
    fn dim(&self) -> usize {
        self.eigenvalues.len()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        let mut x = std::mem::take(&mut self.scratch);
        x.iter_mut().zip(theta.iter().zip(&self.center)).for_each(|(x, (a, c))| *x = a - c);
        self.to_eigenbasis(&mut x);
        let value = 0.5 * x.iter().zip(&self.eigenvalues).map(|(x, lambda)| lambda * x * x).sum::<f64>();
        self.scratch = x;
        Ok(value)
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        check_len("gradient", self.dim(), gradient.len())?;
        let mut x = std::mem::take(&mut self.scratch);
        x.iter_mut().zip(theta.iter().zip(&self.center)).for_each(|(x, (a, c))| *x = a - c);
        self.multiply(&x, gradient);
        let value = 0.5 * vector::dot(&x, gradient);
        self.scratch = x;
        Ok(value)
    }

    fn cost(&self) -> Cost {
        let p = self.dim() as f64;
        let product = p * (1.0 + 8.0 * self.reflections.len() as f64);
        Cost {
            value: product,
            value_and_gradient: product,
            linearize: 0.0,
            hessian_product: product,
            dense_hessian: p * product,
            gauss_newton_product: product,
            dense_gauss_newton: p * product,
        }
    }
}

impl SymmetricOperator for Quadratic {
    fn order(&self) -> usize {
        self.eigenvalues.len()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        self.multiply(v, out);
    }
}

impl HessianProduct for Quadratic {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        check_len("theta", self.eigenvalues.len(), theta.len())?;
        Ok(CurvatureAt::new(self, false))
    }
}

impl DenseHessian for Quadratic {
    fn dense_hessian(&mut self, theta: &[f64], _triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        let p = self.eigenvalues.len();
        check_len("theta", p, theta.len())?;
        check_len("hessian", p * p, out.len())?;
        let mut unit = vec![0.0; p];
        for (j, column) in out.chunks_exact_mut(p).enumerate() {
            unit[j] = 1.0;
            self.multiply(&unit, column);
            unit[j] = 0.0;
        }
        // The products are symmetric only up to rounding; the matrix is symmetric exactly.
        crate::mirror(p, out);
        Ok(())
    }
}

impl ThirdDerivative for Quadratic {
    fn curvature_gradient(&mut self, theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        check_curvature_gradient_lens(self.eigenvalues.len(), theta, u, v, out)?;
        out.fill(0.0);
        Ok(())
    }
}

impl GaussNewton for Quadratic {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.hessian_at(theta)
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.dense_hessian(theta, triangle, out)
    }
}
