//! Linear solvers by name, with their accuracy.

use gf_core::Counted;
use gf_linalg::Factorization;
use serde::{Deserialize, Serialize};

use super::{AnyObjective, AnySolver};
use crate::settings::positive;
use crate::solver::{
    Automatic, ConjugateGradients, DEFAULT_MAX_PRODUCTS, DEFAULT_TOLERANCE, Direct, GaussNewtonMatrix, Hessian,
    MatrixCurvature, Minres, ProductCurvature, SolveInfo,
};
use crate::{SettingsError, SetupError, ShiftedSolver, StepFailure};

/// The linear solvers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LinearSolver {
    /// Matrix-free, any symmetric matrix.
    Minres,
    /// Matrix-free, positive definite matrices.
    Cg,
    /// Dense, positive definite matrices.
    Cholesky,
    /// Dense, any symmetric matrix.
    Lblt,
    /// MINRES where it reaches its residual at less cost, LBLᵀ elsewhere, by a fixed rule: [`Automatic`].
    Auto,
}

impl LinearSolver {
    /// The name in studies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minres => "minres",
            Self::Cg => "cg",
            Self::Cholesky => "cholesky",
            Self::Lblt => "lblt",
            Self::Auto => "auto",
        }
    }

    /// Whether it writes the p × p matrix down.
    pub fn is_dense(self) -> bool {
        matches!(self, Self::Cholesky | Self::Lblt | Self::Auto)
    }
}

/// A solver with its accuracy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SolverSettings {
    /// Which.
    pub solver: LinearSolver,
    /// Relative residual of iterative solvers.
    pub tolerance: f64,
    /// Limit of products of iterative solvers.
    pub max_products: usize,
    /// Whether iterative solvers start from the last solution.
    pub warm_start: bool,
}

impl Default for SolverSettings {
    /// MINRES to 1e-10 in at most 2000 products.
    fn default() -> Self {
        Self {
            solver: LinearSolver::Minres,
            tolerance: DEFAULT_TOLERANCE,
            max_products: DEFAULT_MAX_PRODUCTS,
            warm_start: false,
        }
    }
}

impl SolverSettings {
    /// Checks the ranges; `method` is the key of the table that the settings stand in.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self, method: &str) -> Result<(), SettingsError> {
        positive(&format!("{method}.tolerance"), self.tolerance)?;
        if self.max_products == 0 {
            return Err(SettingsError::new(&format!("{method}.max_products"), "at least 1", 0));
        }
        Ok(())
    }

    /// As [`SolverSettings::validate`], for methods on the Gauss–Newton matrix.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate_for_gauss_newton(&self, method: &str) -> Result<(), SettingsError> {
        if self.solver == LinearSolver::Auto {
            let expected = "minres, cg, cholesky or lblt for the Gauss-Newton matrix";
            return Err(SettingsError::new(&format!("{method}.solver"), expected, self.solver.name()));
        }
        self.validate(method)
    }

    /// The solver on the exact Hessian.
    pub fn build(&self) -> Box<AnySolver> {
        match self.solver {
            LinearSolver::Auto => {
                Box::new(Automatic::new(self.tolerance, self.max_products).with_warm_start(self.warm_start))
            }
            _ => self.build_of(Hessian),
        }
    }

    /// The solver on the Gauss–Newton matrix: [`Minres`] in place of the automatic one, which knows the costs of the Hessian only.
    pub fn build_for_gauss_newton(&self) -> Box<AnySolver> {
        self.build_of(GaussNewtonMatrix)
    }

    fn build_of<C>(&self, curvature: C) -> Box<AnySolver>
    where
        C: ProductCurvature<AnyObjective> + MatrixCurvature<AnyObjective> + Send + 'static,
    {
        let Self { solver, tolerance, max_products, warm_start } = *self;
        match solver {
            LinearSolver::Minres | LinearSolver::Auto => {
                Box::new(Minres::of(curvature, tolerance, max_products).with_warm_start(warm_start))
            }
            LinearSolver::Cg => {
                Box::new(ConjugateGradients::of(curvature, tolerance, max_products).with_warm_start(warm_start))
            }
            LinearSolver::Cholesky => Box::new(Direct::of(curvature, Factorization::Cholesky)),
            LinearSolver::Lblt => Box::new(Direct::of(curvature, Factorization::Lblt)),
        }
    }
}

impl<O: ?Sized, S: ShiftedSolver<O> + ?Sized> ShiftedSolver<O> for Box<S> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        (**self).init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, theta: &[f64]) -> Result<(), StepFailure> {
        (**self).linearize(objective, theta)
    }

    fn solve(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        shift: f64,
        b: &[f64],
        x: &mut [f64],
    ) -> Result<SolveInfo, StepFailure> {
        (**self).solve(objective, theta, shift, b, x)
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        (**self).state()
    }

    fn lowest_at_most(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        b: &[f64],
    ) -> Result<Option<f64>, StepFailure> {
        (**self).lowest_at_most(objective, theta, b)
    }
}
