//! What the list of methods ([`METHODS`], made in `methods.rs`) holds of each: it feeds `gf methods`, the study parser, the documentation table, the benches and the conformance tests.

use std::fmt;

use gf_core::FullCurvature;
use gf_linalg::Factorization;
use serde::{Deserialize, Serialize};

use crate::control::{
    Armijo, Constant, EmbeddedError, GainRatio, Scheduled, StrongWolfe, SwitchedEvolution, TrustRadius,
};
use crate::schedule::{Schedule, Span};
use crate::settings::positive;
use crate::solver::{
    Automatic, ConjugateGradients, DEFAULT_MAX_PRODUCTS, DEFAULT_TOLERANCE, Direct, GaussNewtonMatrix, Hessian,
    MatrixCurvature, Minres, ProductCurvature,
};
use crate::stability::Amplification;
use crate::{Discretization, SettingsError, ShiftedSolver, StepController};

pub use crate::methods::{METHODS, MethodSettings};

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
    /// Work a step.
    pub cost: &'static str,
    /// Settings that make a single step the textbook's, as TOML values: what `gf eval --step` takes unless told otherwise.
    pub textbook: &'static [(&'static str, &'static str)],
}

/// Families of methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// The step is a combination of gradients.
    Explicit,
    /// The step solves a system that involves h.
    Implicit,
    /// The step applies an exponential of h times the Hessian.
    Exponential,
    /// The step minimizes a quadratic model.
    NewtonLike,
    /// The step is a gradient scaled entry by entry, by its own history: no integrator of the flow.
    Preconditioned,
}

/// The curvature that a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurvatureNeed {
    /// None.
    None,
    /// The Hessian, by products or dense.
    Hessian,
    /// The Gauss–Newton matrix, by products or dense.
    GaussNewton,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Explicit => "explicit",
            Self::Implicit => "implicit",
            Self::Exponential => "exponential",
            Self::NewtonLike => "newton-like",
            Self::Preconditioned => "preconditioned",
        })
    }
}

impl fmt::Display for CurvatureNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Hessian => "hessian",
            Self::GaussNewton => "gauss-newton",
        })
    }
}

/// What a method's settings tell the registry; written in the method's own file.
pub trait Settings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    fn validate(&self) -> Result<(), SettingsError>;

    /// The method; the settings are valid.
    fn build(&self) -> Box<AnyMethod>;

    /// The size that a controller tries first: h, or 1 for methods that scale a direction.
    fn first_step_size(&self) -> f64 {
        1.0
    }

    /// The step control used when a study names none.
    fn default_control(&self) -> ControlSettings {
        ControlSettings::Constant(ConstantSettings {})
    }

    /// Whether a constant step that cannot be proposed is shrunk, rather than ending the run.
    fn shrinks(&self) -> bool {
        false
    }

    /// Whether the method estimates its own error.
    fn estimates_error(&self) -> bool {
        false
    }

    /// Whether the method predicts the decrease of the loss from a model.
    fn predicts_decrease(&self) -> bool {
        false
    }

    /// The linear solver, for methods that have one.
    fn solver(&self) -> Option<LinearSolver> {
        None
    }

    /// Dense p × p matrices kept.
    fn dense_matrices(&self) -> usize {
        usize::from(self.solver().is_some_and(LinearSolver::is_dense))
    }

    /// What a step does on L = ½λθ², z = hλ, for methods with linear stability; [`crate::stability`] draws its conclusions.
    fn amplification(&self, z: f64) -> Option<Amplification> {
        let _ = z;
        None
    }

    /// What tells arms of this method apart, in a few words.
    fn label(&self) -> String;
}

impl MethodSettings {
    /// Checks the ranges of the settings.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.settings().validate()
    }

    /// The method, ready for [`crate::integrate`].
    ///
    /// # Errors
    /// As [`MethodSettings::validate`].
    pub fn build(&self) -> Result<Box<AnyMethod>, SettingsError> {
        self.validate()?;
        Ok(self.settings().build())
    }

    /// The step control `control` for this method; its own when none is given.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn build_control(
        &self,
        control: Option<&ControlSettings>,
    ) -> Result<Box<dyn StepController + Send>, SettingsError> {
        let settings = self.settings();
        let first = settings.first_step_size();
        Ok(match control.unwrap_or(&settings.default_control()) {
            ControlSettings::Constant(_) if settings.shrinks() => Box::new(Constant::shrinking(first)),
            ControlSettings::Constant(_) => Box::new(Constant::new(first)),
            ControlSettings::Armijo(armijo) => {
                armijo.validate()?;
                Box::new(Armijo { first: armijo.first * first, ..*armijo })
            }
            ControlSettings::Wolfe(wolfe) => {
                wolfe.validate()?;
                let mut wolfe = *wolfe;
                wolfe.first *= first;
                Box::new(wolfe)
            }
            ControlSettings::EmbeddedError(control) => {
                control.validate()?;
                if !settings.estimates_error() {
                    let expected = "a method with an embedded error estimate beside control.embedded-error";
                    return Err(SettingsError::new("method", expected, self.info().name));
                }
                let mut control = *control;
                control.first.get_or_insert(first);
                Box::new(control)
            }
            ControlSettings::SwitchedEvolution(control) => {
                control.validate()?;
                let mut control = *control;
                control.first.get_or_insert(first);
                Box::new(control)
            }
            ControlSettings::TrustRadius(control) => {
                control.validate()?;
                self.expect_model("trust-radius")?;
                let mut control = *control;
                control.first.get_or_insert(first);
                Box::new(control)
            }
            ControlSettings::GainRatio(control) => {
                control.validate()?;
                self.expect_model("gain-ratio")?;
                let mut control = *control;
                control.first.get_or_insert(first);
                Box::new(control)
            }
        })
    }

    /// The same under a schedule; `span` is the run.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key, below `schedule` or `control`; also where the control is not constant.
    pub fn build_scheduled_control(
        &self,
        control: Option<&ControlSettings>,
        schedule: &Schedule,
        span: Span,
    ) -> Result<Box<dyn StepController + Send>, SettingsError> {
        self.check_schedule(control, schedule)?;
        schedule.check(&span)?;
        let settings = self.settings();
        let first = settings.first_step_size();
        let constant = if settings.shrinks() { Constant::shrinking(first) } else { Constant::new(first) };
        Ok(Box::new(Scheduled::new(constant, *schedule, span)))
    }

    /// Checks a schedule and that the control leaves the step sizes to it.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key, below `schedule`.
    pub fn check_schedule(&self, control: Option<&ControlSettings>, schedule: &Schedule) -> Result<(), SettingsError> {
        schedule.validate()?;
        let own = self.settings().default_control();
        match control.unwrap_or(&own) {
            ControlSettings::Constant(_) => Ok(()),
            chooses => {
                let found = format!("control.{}, which chooses its own sizes", chooses.name());
                Err(SettingsError::new("", "control.constant = {} beside a schedule", found))
            }
        }
    }

    fn expect_model(&self, control: &str) -> Result<(), SettingsError> {
        if self.settings().predicts_decrease() {
            return Ok(());
        }
        let expected = format!("a method that predicts the decrease of the loss beside control.{control}");
        Err(SettingsError::new("method", &expected, self.info().name))
    }

    /// Memory of dense matrices for p = `dim` parameters, in bytes; 0 for matrix-free methods.
    pub fn dense_bytes(&self, dim: usize) -> usize {
        dim.saturating_mul(dim).saturating_mul(8 * self.settings().dense_matrices())
    }
}

/// Step control, as a study gives it: `control.armijo = { c = 1e-4 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ControlSettings {
    /// The method's own step size, always.
    Constant(ConstantSettings),
    /// Backtracking.
    Armijo(Armijo),
    /// A line search for the strong Wolfe conditions.
    Wolfe(StrongWolfe),
    /// PI control of an embedded error estimate.
    EmbeddedError(EmbeddedError),
    /// Pseudo-transient continuation.
    SwitchedEvolution(SwitchedEvolution),
    /// The radius of a trust region.
    TrustRadius(TrustRadius),
    /// Damping 1/h by Nielsen's rule.
    GainRatio(GainRatio),
}

impl ControlSettings {
    /// The name in studies.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant(_) => "constant",
            Self::Armijo(_) => "armijo",
            Self::Wolfe(_) => "wolfe",
            Self::EmbeddedError(_) => "embedded-error",
            Self::SwitchedEvolution(_) => "switched-evolution",
            Self::TrustRadius(_) => "trust-radius",
            Self::GainRatio(_) => "gain-ratio",
        }
    }
}

/// `control.constant`: nothing to set; h is the method's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConstantSettings {}

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

    fn state(&mut self) -> Vec<&mut [f64]> {
        (**self).state()
    }

    fn lowest_at_most(
        &mut self,
        objective: &mut gf_core::Counted<'_, O>,
        theta: &[f64],
        b: &[f64],
    ) -> Result<Option<f64>, crate::StepFailure> {
        (**self).lowest_at_most(objective, theta, b)
    }
}
