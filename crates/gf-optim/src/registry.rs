//! The list of methods: it feeds `gf methods`, the study parser, the documentation table, the benches and the conformance tests.

use std::fmt;

use gf_core::FullCurvature;
use serde::{Deserialize, Serialize};

use crate::control::{Armijo, Constant};
use crate::methods::{self, ExplicitSettings, ImplicitSettings, NewtonSettings, OnIndefinite};
use crate::settings::positive;
use crate::solver::{
    AUTOMATIC_MAX_PRODUCTS, Automatic, ConjugateGradients, DEFAULT_MAX_PRODUCTS, DEFAULT_TOLERANCE, Direct, Hessian,
    Minres,
};
use crate::{Discretization, SettingsError, ShiftedSolver, StepController};

/// Any objective with all capabilities, owning its data.
pub type AnyObjective = dyn FullCurvature;
/// Any method on any such objective.
pub type AnyMethod = dyn Discretization<AnyObjective> + Send;
/// Any solver on any such objective.
pub type AnySolver = dyn ShiftedSolver<AnyObjective> + Send;

/// A method's claims.
#[derive(Debug, Clone, Copy)]
pub struct MethodInfo {
    /// The name in studies and on the command line.
    pub name: &'static str,
    /// In words.
    pub title: &'static str,
    /// Its family.
    pub family: Family,
    /// Order of convergence to the flow; none when it does not follow the flow's clock.
    pub order: Option<u32>,
    /// The curvature it needs.
    pub curvature: CurvatureNeed,
    /// Linear stability, in words.
    pub stability: &'static str,
    /// The amplification factor R(z), z = hλ, on L = ½λθ².
    pub amplification: Option<fn(f64) -> f64>,
    /// Work a step.
    pub cost: &'static str,
}

/// Families of methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// The step is a combination of gradients.
    Explicit,
    /// The step solves a system that involves h.
    Implicit,
    /// The step minimizes a quadratic model.
    NewtonLike,
}

/// The curvature that a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurvatureNeed {
    /// None.
    None,
    /// The Hessian, by products or dense.
    Hessian,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Explicit => "explicit",
            Self::Implicit => "implicit",
            Self::NewtonLike => "newton-like",
        })
    }
}

impl fmt::Display for CurvatureNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Hessian => "hessian",
        })
    }
}

/// One line a method: its key in a study, its settings, its claims, how it is built.
macro_rules! methods {
    ($($key:literal $variant:ident($settings:ty), $info:expr, $build:expr;)*) => {
        /// A method with its settings, as a study gives it: `method.implicit = { h = 0.05 }`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum MethodSettings {
            $(
                #[doc = concat!("`method.", $key, "`.")]
                #[serde(rename = $key)]
                $variant($settings),
            )*
        }

        /// All methods, in the order of the documentation.
        pub const METHODS: &[MethodInfo] = &[$($info),*];

        impl MethodSettings {
            /// Every method with its default settings, in the order of [`METHODS`].
            pub fn all_defaults() -> Vec<Self> {
                vec![$(Self::$variant(<$settings>::default())),*]
            }

            /// The method's claims.
            pub fn info(&self) -> &'static MethodInfo {
                match self { $(Self::$variant(_) => { const INFO: &MethodInfo = &$info; INFO })* }
            }

            /// Checks the ranges of the settings.
            ///
            /// # Errors
            /// [`SettingsError`] that names the key.
            pub fn validate(&self) -> Result<(), SettingsError> {
                match self { $(Self::$variant(settings) => settings.validate(),)* }
            }

            /// The method, ready for [`crate::integrate`].
            ///
            /// # Errors
            /// As [`MethodSettings::validate`].
            pub fn build(&self) -> Result<Box<AnyMethod>, SettingsError> {
                self.validate()?;
                Ok(match self { $(Self::$variant(settings) => $build(settings),)* })
            }
        }
    };
}

methods! {
    "explicit" Explicit(ExplicitSettings), methods::EXPLICIT_EULER, |_| -> Box<AnyMethod> { Box::new(methods::ExplicitEuler) };
    "implicit" Implicit(ImplicitSettings), methods::LINEARLY_IMPLICIT_EULER, ImplicitSettings::build;
    "newton" Newton(NewtonSettings), methods::DAMPED_NEWTON, NewtonSettings::build;
}

impl MethodSettings {
    /// The step control used when a study names none: constant h, shrinking where the settings ask for it; Armijo for Newton.
    pub fn default_control(&self) -> ControlSettings {
        match self {
            Self::Newton(_) => ControlSettings::Armijo(Armijo::default()),
            _ => ControlSettings::Constant(ConstantSettings {}),
        }
    }

    /// The step control `control` for this method.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn build_control(&self, control: &ControlSettings) -> Result<Box<dyn StepController + Send>, SettingsError> {
        let (first, shrinks) = match self {
            Self::Explicit(settings) => (settings.h, false),
            Self::Implicit(settings) => (settings.h, settings.indefinite == OnIndefinite::Shrink),
            Self::Newton(_) => (1.0, false),
        };
        Ok(match control {
            ControlSettings::Constant(ConstantSettings {}) if shrinks => Box::new(Constant::shrinking(first)),
            ControlSettings::Constant(ConstantSettings {}) => Box::new(Constant::new(first)),
            ControlSettings::Armijo(armijo) => {
                armijo.validate()?;
                Box::new(Armijo { first: armijo.first * first, ..*armijo })
            }
        })
    }

    /// Memory of dense matrices for p = `dim` parameters, in bytes; 0 for matrix-free methods.
    pub fn dense_bytes(&self, dim: usize) -> usize {
        let solver = match self {
            Self::Explicit(_) => return 0,
            Self::Implicit(settings) => settings.solver,
            Self::Newton(settings) => settings.solver,
        };
        if solver.is_dense() { dim.saturating_mul(dim).saturating_mul(8) } else { 0 }
    }
}

/// Step control, as a study gives it: `control.armijo = { c = 1e-4 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlSettings {
    /// The method's own step size, always.
    Constant(ConstantSettings),
    /// Backtracking.
    Armijo(Armijo),
}

/// `control.constant`: nothing to set; h is the method's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstantSettings {}

/// The linear solvers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// MINRES, and LBLᵀ where it misses its residual: [`Automatic`].
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
}

impl Default for SolverSettings {
    /// MINRES to 1e-10 in at most 2000 products.
    fn default() -> Self {
        Self { solver: LinearSolver::Minres, tolerance: DEFAULT_TOLERANCE, max_products: DEFAULT_MAX_PRODUCTS }
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

    /// The solver on the exact Hessian. `auto` gives up on MINRES after [`AUTOMATIC_MAX_PRODUCTS`] products at most.
    pub fn build(&self) -> Box<AnySolver> {
        match self.solver {
            LinearSolver::Minres => Box::new(Minres::of(Hessian, self.tolerance, self.max_products)),
            LinearSolver::Cg => Box::new(ConjugateGradients::of(Hessian, self.tolerance, self.max_products)),
            LinearSolver::Cholesky => Box::new(Direct::cholesky()),
            LinearSolver::Lblt => Box::new(Direct::lblt()),
            LinearSolver::Auto => {
                Box::new(Automatic::new(self.tolerance, self.max_products.min(AUTOMATIC_MAX_PRODUCTS)))
            }
        }
    }
}

impl<O: ?Sized, S: ShiftedSolver<O> + ?Sized> ShiftedSolver<O> for Box<S> {
    fn init(&mut self, dim: usize) -> Result<(), crate::SetupError> {
        (**self).init(dim)
    }

    fn linearize(&mut self, objective: &mut gf_core::Counted<'_, O>, theta: &[f64]) -> Result<(), crate::StepFailure> {
        (**self).linearize(objective, theta)
    }

    fn solve(
        &mut self,
        objective: &mut gf_core::Counted<'_, O>,
        theta: &[f64],
        shift: f64,
        b: &[f64],
        x: &mut [f64],
    ) -> Result<crate::solver::SolveInfo, crate::StepFailure> {
        (**self).solve(objective, theta, shift, b, x)
    }
}
