//! Least squares: L(θ) = ½‖r(θ)‖² with residuals and their Jacobian.

use crate::{
    Cost, CurvatureAt, EvalError, GaussNewton, Objective, SymmetricOperator, Triangle, check_len, mirror, vector,
};

/// An objective L(θ) = ½‖r(θ)‖² of m residuals in n parameters, with the exact Jacobian J = ∂r/∂θ.
///
/// Then ∇L = Jᵀr, and the Gauss–Newton matrix is JᵀJ. Methods that are given r and J need not form JᵀJ, which squares the condition.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not given as residuals with a Jacobian",
    note = "`gf_core::LeastSquaresFunction` makes one from two closures"
)]
pub trait LeastSquares: Objective {
    /// The number m of residuals.
    fn residual_count(&self) -> usize;

    /// Overwrites `out` with r(θ), m numbers. They may be infinite or NaN.
    ///
    /// # Errors
    /// [`EvalError::Length`] when a slice has the wrong length.
    fn residuals(&mut self, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError>;

    /// Overwrites `out` with J(θ), m × n column-major: entry (i, j) is ∂rᵢ/∂θⱼ.
    ///
    /// # Errors
    /// [`EvalError::Length`] when a slice has the wrong length.
    fn jacobian(&mut self, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError>;
}

/// Least squares from two closures that overwrite: `(θ, r)` and `(θ, J)` with J m × n column-major.
///
/// Both are remembered for the last θ each was asked for, so value, gradient, residuals and Jacobian at one point cost one call of each.
/// It offers the Gauss–Newton matrix but no Hessian: nothing here is made of differences.
///
/// ```
/// use gf_core::{LeastSquaresFunction, Objective};
/// // r = (θ₁ − 1, 2θ₂)
/// let mut line = LeastSquaresFunction::new("line", 2, 2,
///     |t: &[f64], r: &mut [f64]| r.copy_from_slice(&[t[0] - 1.0, 2.0 * t[1]]),
///     |_: &[f64], j: &mut [f64]| j.copy_from_slice(&[1.0, 0.0, 0.0, 2.0]));
/// let mut gradient = [0.0; 2];
/// assert_eq!(line.value_and_gradient(&[3.0, 1.0], &mut gradient)?, 4.0);
/// assert_eq!(gradient, [2.0, 4.0]);
/// # Ok::<(), gf_core::EvalError>(())
/// ```
pub struct LeastSquaresFunction<R, J> {
    name: String,
    evaluate: R,
    differentiate: J,
    residuals: Memo,
    jacobian: Memo,
    /// J·v, m numbers.
    image: Vec<f64>,
    dim: usize,
}

/// What a closure gave at the last point it was asked for.
struct Memo {
    /// Empty before the first call.
    at: Vec<f64>,
    values: Vec<f64>,
    calls: u64,
}

impl Memo {
    fn new(dim: usize, len: usize) -> Self {
        Self { at: Vec::with_capacity(dim), values: vec![0.0; len], calls: 0 }
    }

    /// Whether the closure was called.
    fn at(&mut self, theta: &[f64], call: &mut impl FnMut(&[f64], &mut [f64])) -> bool {
        if self.at == theta {
            return false;
        }
        self.at.clear();
        self.at.extend_from_slice(theta);
        self.calls += 1;
        call(theta, &mut self.values);
        true
    }
}

/// How often the closures of a [`LeastSquaresFunction`] were called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evaluations {
    /// Calls for residuals.
    pub residuals: u64,
    /// Calls for Jacobians.
    pub jacobians: u64,
}

impl<R: FnMut(&[f64], &mut [f64]), J: FnMut(&[f64], &mut [f64])> LeastSquaresFunction<R, J> {
    /// `m` residuals in `n` parameters.
    pub fn new(name: impl Into<String>, m: usize, n: usize, residuals: R, jacobian: J) -> Self {
        Self {
            name: name.into(),
            evaluate: residuals,
            differentiate: jacobian,
            residuals: Memo::new(n, m),
            jacobian: Memo::new(n, m * n),
            image: vec![0.0; m],
            dim: n,
        }
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls of the closures so far.
    pub fn evaluations(&self) -> Evaluations {
        Evaluations { residuals: self.residuals.calls, jacobians: self.jacobian.calls }
    }

    fn residuals_at(&mut self, theta: &[f64]) -> Result<&[f64], EvalError> {
        check_len("theta", self.dim, theta.len())?;
        self.residuals.at(theta, &mut self.evaluate);
        Ok(&self.residuals.values)
    }

    fn jacobian_at(&mut self, theta: &[f64]) -> Result<bool, EvalError> {
        check_len("theta", self.dim, theta.len())?;
        Ok(self.jacobian.at(theta, &mut self.differentiate))
    }

    fn columns(&self) -> impl Iterator<Item = &[f64]> {
        self.jacobian.values.chunks_exact(self.image.len().max(1))
    }
}

impl<R: FnMut(&[f64], &mut [f64]), J: FnMut(&[f64], &mut [f64])> Objective for LeastSquaresFunction<R, J> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        let r = self.residuals_at(theta)?;
        Ok(0.5 * vector::dot(r, r))
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        check_len("gradient", self.dim, gradient.len())?;
        let value = self.value(theta)?;
        self.jacobian_at(theta)?;
        for (g, column) in gradient.iter_mut().zip(self.columns()) {
            *g = vector::dot(column, &self.residuals.values);
        }
        Ok(value)
    }

    /// By convention a residual is worth n flops, and a Jacobian two sets of residuals.
    fn cost(&self) -> Cost {
        let (n, mn) = (self.dim as f64, (self.image.len() * self.dim) as f64);
        Cost {
            value: mn,
            value_and_gradient: 5.0 * mn,
            linearize: 2.0 * mn,
            gauss_newton_product: 4.0 * mn,
            dense_gauss_newton: 2.0 * mn + n * mn,
            ..Cost::of_unknown_function(self.dim)
        }
    }
}

impl<R: FnMut(&[f64], &mut [f64]), J: FnMut(&[f64], &mut [f64])> LeastSquares for LeastSquaresFunction<R, J> {
    fn residual_count(&self) -> usize {
        self.image.len()
    }

    fn residuals(&mut self, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        check_len("residuals", self.image.len(), out.len())?;
        out.copy_from_slice(self.residuals_at(theta)?);
        Ok(())
    }

    fn jacobian(&mut self, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        check_len("jacobian", self.jacobian.values.len(), out.len())?;
        self.jacobian_at(theta)?;
        out.copy_from_slice(&self.jacobian.values);
        Ok(())
    }
}

/// v ↦ Jᵀ(J v) at the point of the last Jacobian.
impl<R: FnMut(&[f64], &mut [f64]), J: FnMut(&[f64], &mut [f64])> SymmetricOperator for LeastSquaresFunction<R, J> {
    fn order(&self) -> usize {
        self.dim
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        let m = self.image.len().max(1);
        self.image.fill(0.0);
        for (v, column) in v.iter().zip(self.jacobian.values.chunks_exact(m)) {
            vector::add_scaled(&mut self.image, *v, column);
        }
        for (out, column) in out.iter_mut().zip(self.jacobian.values.chunks_exact(m)) {
            *out = vector::dot(column, &self.image);
        }
    }
}

impl<R: FnMut(&[f64], &mut [f64]), J: FnMut(&[f64], &mut [f64])> GaussNewton for LeastSquaresFunction<R, J> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        let fresh = self.jacobian_at(theta)?;
        Ok(CurvatureAt::new(self, fresh))
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        let n = self.dim;
        check_len("gauss-newton", n * n, out.len())?;
        self.jacobian_at(theta)?;
        for (j, right) in self.columns().enumerate() {
            for (i, left) in self.columns().enumerate().skip(j) {
                out[i + j * n] = vector::dot(left, right);
            }
        }
        if triangle == Triangle::Both {
            mirror(n, out);
        }
        Ok(())
    }
}
