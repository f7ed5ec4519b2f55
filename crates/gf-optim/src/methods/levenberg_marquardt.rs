//! Levenberg–Marquardt.

use gf_core::{Counted, Objective, vector};
use serde::{Deserialize, Serialize};

use super::gauss_newton::solve_definite;
use crate::control::GainRatio;
use crate::registry::{
    AnyMethod, ControlSettings, CurvatureNeed, Family, LinearSolver, MethodInfo, Settings, SolverSettings,
};
use crate::settings::positive;
use crate::solver::ShiftedSolver;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Gauss–Newton with a damping that follows from how well its model predicts the loss.
///
/// **Recurrence**: $(G + I/h) δ = −∇L(θ_k)$, $θ_{k+1} = θ_k + δ$; the damping is $λ = 1/h$, and h the controller's.
/// **Symbols**: $G = J^T B J$, p × p: J = Jacobian of the outputs, B = Hessian of the loss in the outputs; $h$ has the unit of a flow time.
/// **Predicted decrease**: $−∇L^T δ − ½ δ^T G δ = −½ ∇L^T δ + ½ ‖δ‖²/h$, since the system says $δ^T G δ = −∇L^T δ − ‖δ‖²/h$: no product, and a sum
/// of positive terms; exact up to the residual of the solve.
/// **Properties**: from small steps along −∇L (h small) to Gauss–Newton steps (h large). Does not follow the flow's clock.
/// For networks; on small least squares a QR factorization of $[J; λ^{1/2} I]$ would not square the condition of J.
/// **Cost**: the driver's gradient, one solve with shift 1/h and one value a trial. Another h at the same point writes down no new matrix (dense solvers) and
/// reuses the Krylov space (MINRES).
/// **Fails when**: the solver does; a G that is not positive definite with its damping (losses that are not convex in the outputs) asks for a smaller h.
/// **Reference**: K. Levenberg, 1944; D. Marquardt, 1963; the damping: H. B. Nielsen, IMM-REP-1999-05.
#[derive(Debug)]
pub struct LevenbergMarquardt<S> {
    solver: S,
    rhs: Vec<f64>,
    predicted: Option<f64>,
}

impl<S> LevenbergMarquardt<S> {
    /// `solver` is one of the Gauss–Newton matrix.
    pub fn new(solver: S) -> Self {
        Self { solver, rhs: Vec::new(), predicted: None }
    }
}

/// `method.levenberg-marquardt`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LevenbergMarquardtSettings {
    /// λ > 0 of the first step, in units of curvature.
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

impl Default for LevenbergMarquardtSettings {
    /// Damping 1e-3 first, MINRES to 1e-10.
    fn default() -> Self {
        let SolverSettings { solver, tolerance, max_products, warm_start } = SolverSettings::default();
        Self { damping: 1e-3, solver, tolerance, max_products, warm_start }
    }
}

impl LevenbergMarquardtSettings {
    fn solver_settings(&self) -> SolverSettings {
        let Self { solver, tolerance, max_products, warm_start, .. } = *self;
        SolverSettings { solver, tolerance, max_products, warm_start }
    }
}

impl Settings for LevenbergMarquardtSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("levenberg-marquardt.damping", self.damping)?;
        self.solver_settings().validate_for_gauss_newton("levenberg-marquardt")
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(LevenbergMarquardt::new(self.solver_settings().build_for_gauss_newton()))
    }

    fn first_step_size(&self) -> f64 {
        1.0 / self.damping
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::GainRatio(GainRatio::default())
    }

    fn predicts_decrease(&self) -> bool {
        true
    }

    fn solver(&self) -> Option<LinearSolver> {
        Some(self.solver)
    }

    fn label(&self) -> String {
        format!("damping {} first", self.damping)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "levenberg-marquardt",
    title: "Levenberg-Marquardt",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::GaussNewton,
    stability: "does not follow the flow",
    cost: "1 gradient + 1 solve, shift 1/h, and 1 value a trial",
    textbook: &[("solver", "lblt")],
};

impl<O: Objective + ?Sized, S: ShiftedSolver<O>> Discretization<O> for LevenbergMarquardt<S> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.rhs = vec![0.0; dim];
        self.predicted = None;
        self.solver.init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        vector::scale_into(-1.0, at.gradient, &mut self.rhs);
        self.solver.linearize(objective, at.theta)
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.predicted = None;
        solve_definite(&mut self.solver, objective, at.theta, 1.0 / h, &self.rhs, delta, events)?;
        let descent = vector::dot(&self.rhs, delta);
        self.predicted = Some(0.5 * descent + 0.5 * vector::dot(delta, delta) / h);
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.solver.state()
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn predicted_decrease(&self) -> Option<f64> {
        self.predicted
    }
}
