//! Damped Gauss–Newton.

use gf_core::{Counted, Objective, vector};
use serde::{Deserialize, Serialize};

use super::direction::Direction;
use crate::control::Armijo;
use crate::registry::{
    AnyMethod, ControlSettings, CurvatureNeed, Family, LinearSolver, MethodInfo, Settings, SolverSettings,
};
use crate::solver::{Definiteness, ShiftedSolver};
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Newton's method with the Gauss–Newton matrix in place of the Hessian.
///
/// **Recurrence**: $d = −(G + λI)^{-1} ∇L(θ_k)$, $θ_{k+1} = θ_k + α d$.
/// **Symbols**: $G = J^T B J$, p × p: J = Jacobian of the outputs, B = Hessian of the loss in the outputs; $λ$ = `damping`, in units of curvature;
/// $α$ = the controller's step size, without unit.
/// **Properties**: d descends wherever G ⪰ 0, as for convex losses. Near a minimum where the outputs fit G approaches H, and with it the convergence that of
/// Newton damped by λ. Does not follow the flow's clock.
/// **Cost**: the driver's gradient, one solve with shift λ a point (another α costs no solve), one value a trial.
/// **Fails when**: the solver does, or finds G + λI not positive definite (losses that are not convex in the outputs, such as `focal`).
/// **Reference**: J. Nocedal, S. Wright, *Numerical Optimization*, 10.3; generalized to other losses: N. Schraudolph, *Neural Comput.* 14 (2002).
#[derive(Debug)]
pub struct GaussNewtonStep<S> {
    damping: f64,
    solver: S,
    rhs: Vec<f64>,
    direction: Direction,
}

impl<S> GaussNewtonStep<S> {
    /// With this damping; `solver` is one of the Gauss–Newton matrix.
    pub fn new(damping: f64, solver: S) -> Self {
        Self { damping, solver, rhs: Vec::new(), direction: Direction::default() }
    }
}

/// `method.gauss-newton`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct GaussNewtonSettings {
    /// λ ≥ 0, added to the diagonal, in units of curvature.
    pub damping: f64,
    /// `minres`, `cg`, `cholesky` or `lblt`.
    pub solver: LinearSolver,
    /// Largest relative residual of iterative solvers, without unit.
    pub tolerance: f64,
    /// Matrix–vector products a solve at most, of iterative solvers.
    pub max_products: usize,
    /// Whether iterative solvers start from the last solution.
    pub warm_start: bool,
}

impl Default for GaussNewtonSettings {
    /// Damping 1e-4, MINRES to 1e-10.
    fn default() -> Self {
        let SolverSettings { solver, tolerance, max_products, warm_start } = SolverSettings::default();
        Self { damping: 1e-4, solver, tolerance, max_products, warm_start }
    }
}

impl GaussNewtonSettings {
    fn solver_settings(&self) -> SolverSettings {
        let Self { solver, tolerance, max_products, warm_start, .. } = *self;
        SolverSettings { solver, tolerance, max_products, warm_start }
    }
}

impl Settings for GaussNewtonSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        if !(self.damping >= 0.0 && self.damping.is_finite()) {
            return Err(SettingsError::new("gauss-newton.damping", "a number that is not negative", self.damping));
        }
        self.solver_settings().validate_for_gauss_newton("gauss-newton")
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(GaussNewtonStep::new(self.damping, self.solver_settings().build_for_gauss_newton()))
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::Armijo(Armijo::default())
    }

    fn solver(&self) -> Option<LinearSolver> {
        Some(self.solver)
    }

    fn label(&self) -> String {
        format!("damping {}", self.damping)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "gauss-newton",
    title: "damped Gauss-Newton",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::GaussNewton,
    stability: "does not follow the flow",
    cost: "1 gradient + 1 solve, shift λ + 1 value a line-search trial",
    textbook: &[("solver", "lblt")],
};

/// Solves (C + shift·I) x = rhs, and fails where the solver finds that matrix not positive definite.
pub(super) fn solve_definite<O: Objective + ?Sized, S: ShiftedSolver<O>>(
    solver: &mut S,
    objective: &mut Counted<'_, O>,
    theta: &[f64],
    shift: f64,
    rhs: &[f64],
    x: &mut [f64],
    events: &mut EventLog,
) -> Result<(), StepFailure> {
    let info = solver.solve(objective, theta, shift, rhs, x)?;
    info.report(events);
    match info.definiteness {
        Definiteness::Indefinite(evidence) => Err(StepFailure::Indefinite { shift, evidence }),
        _ => Ok(()),
    }
}

impl<O: Objective + ?Sized, S: ShiftedSolver<O>> Discretization<O> for GaussNewtonStep<S> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.rhs = vec![0.0; dim];
        self.direction.init(dim);
        self.solver.init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        let Direction { entries, met } = &mut self.direction;
        met.clear();
        vector::scale_into(-1.0, at.gradient, &mut self.rhs);
        self.solver.linearize(objective, at.theta)?;
        solve_definite(&mut self.solver, objective, at.theta, self.damping, &self.rhs, entries, met)
    }

    fn propose(
        &mut self,
        _objective: &mut Counted<'_, O>,
        _at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.direction.scaled(h, delta, events);
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.solver.state()
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }
}
