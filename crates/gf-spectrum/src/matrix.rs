//! Which curvature matrix is looked at, as an operator and dense.

use gf_core::{EvalError, FullCurvature, SymmetricOperator, Triangle, vector};

use crate::SpectrumError;

/// A curvature matrix of an objective at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// H = ∇²L.
    Hessian,
    /// G = Jᵀ B J, the generalized Gauss–Newton matrix.
    GaussNewton,
    /// H − G: what the curvature of the network itself adds.
    Difference,
}

impl Matrix {
    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hessian => "hessian",
            Self::GaussNewton => "gauss-newton",
            Self::Difference => "difference",
        }
    }

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hessian, Self::GaussNewton, Self::Difference];

    /// The matrix of `objective` at `theta`, known by its products.
    ///
    /// # Errors
    /// [`SpectrumError::Eval`] when the objective has no such matrix or `theta` the wrong length.
    pub fn at<'a>(self, objective: &'a mut dyn FullCurvature, theta: &'a [f64]) -> Result<MatrixAt<'a>, SpectrumError> {
        // A first look finds what is wrong with the arguments; later products cannot fail.
        if self != Self::GaussNewton {
            objective.hessian_at(theta)?;
        }
        if self != Self::Hessian {
            objective.gauss_newton_at(theta)?;
        }
        Ok(MatrixAt { matrix: self, objective, theta, scratch: Vec::new() })
    }

    /// Overwrites the lower triangle of `out` (p × p, column-major) with the matrix of `objective` at `theta`.
    ///
    /// # Errors
    /// [`SpectrumError::Eval`], and [`SpectrumError::NotFinite`] with the first entry that is.
    pub fn dense(self, objective: &mut dyn FullCurvature, theta: &[f64], out: &mut [f64]) -> Result<(), SpectrumError> {
        match self {
            Self::Hessian => objective.dense_hessian(theta, Triangle::Lower, out)?,
            Self::GaussNewton => objective.dense_gauss_newton(theta, Triangle::Lower, out)?,
            Self::Difference => {
                let mut gauss_newton = square(theta.len())?;
                objective.dense_gauss_newton(theta, Triangle::Lower, &mut gauss_newton)?;
                objective.dense_hessian(theta, Triangle::Lower, out)?;
                vector::add_scaled(out, -1.0, &gauss_newton);
            }
        }
        let p = theta.len();
        for (column, numbers) in out.chunks_exact(p).enumerate() {
            if let Some(row) = numbers[column..].iter().position(|x| !x.is_finite()) {
                let what = format!("the {} matrix, entry ({}, {column}),", self.name(), row + column);
                return Err(SpectrumError::NotFinite { what });
            }
        }
        Ok(())
    }
}

/// Room for a p × p matrix.
///
/// # Errors
/// [`SpectrumError::Memory`].
pub fn square(order: usize) -> Result<Vec<f64>, SpectrumError> {
    let mut matrix = Vec::new();
    let memory = |_| SpectrumError::Memory { order, bytes: 8.0 * (order as f64).powi(2) };
    matrix.try_reserve_exact(order.saturating_mul(order)).map_err(memory)?;
    matrix.resize(order * order, 0.0);
    Ok(matrix)
}

/// A curvature matrix at one point, by its products.
pub struct MatrixAt<'a> {
    matrix: Matrix,
    objective: &'a mut dyn FullCurvature,
    theta: &'a [f64],
    scratch: Vec<f64>,
}

impl MatrixAt<'_> {
    fn hessian(&mut self, columns: usize, v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.hessian_at(self.theta)?.apply_block(columns, v, out);
        Ok(())
    }

    fn gauss_newton(&mut self, columns: usize, v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.gauss_newton_at(self.theta)?.apply_block(columns, v, out);
        Ok(())
    }
}

impl SymmetricOperator for MatrixAt<'_> {
    fn order(&self) -> usize {
        self.theta.len()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        self.apply_block(1, v, out);
    }

    fn apply_block(&mut self, columns: usize, v: &[f64], out: &mut [f64]) {
        const CHECKED: &str = "the same evaluation succeeded when the operator was made";
        match self.matrix {
            Matrix::Hessian => self.hessian(columns, v, out).expect(CHECKED),
            Matrix::GaussNewton => self.gauss_newton(columns, v, out).expect(CHECKED),
            Matrix::Difference => {
                let mut other = std::mem::take(&mut self.scratch);
                other.resize(out.len(), 0.0);
                self.gauss_newton(columns, v, &mut other).expect(CHECKED);
                self.hessian(columns, v, out).expect(CHECKED);
                vector::add_scaled(out, -1.0, &other);
                self.scratch = other;
            }
        }
    }
}

/// The diagonal block of `operator` on the parameters `range`: its products with vectors that vanish elsewhere.
pub struct Restricted<'a> {
    operator: &'a mut dyn SymmetricOperator,
    range: std::ops::Range<usize>,
    padded: Vec<f64>,
    product: Vec<f64>,
}

impl<'a> Restricted<'a> {
    /// The block on `range`.
    ///
    /// # Panics
    /// When the range is empty or leaves 0..p.
    pub fn new(operator: &'a mut dyn SymmetricOperator, range: std::ops::Range<usize>) -> Self {
        let p = operator.order();
        assert!(range.end <= p && !range.is_empty(), "a range of parameters");
        Self { operator, range, padded: vec![0.0; p], product: vec![0.0; p] }
    }
}

impl SymmetricOperator for Restricted<'_> {
    fn order(&self) -> usize {
        self.range.len()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        self.padded[self.range.clone()].copy_from_slice(v);
        self.operator.apply(&self.padded, &mut self.product);
        out.copy_from_slice(&self.product[self.range.clone()]);
    }
}
