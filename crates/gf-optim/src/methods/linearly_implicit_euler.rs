//! Linearly implicit Euler: "implicit gradient descent".

use gf_core::{Counted, Event, Objective, vector};
use serde::{Deserialize, Serialize};

use super::indefinite::{AbsoluteHessian, Accept, IndefinitePolicy, IndefiniteSystem, Reject, UseGaussNewton};
use crate::registry::{AnyMethod, CurvatureNeed, Family, LinearSolver, MethodInfo, Settings, SolverSettings};
use crate::settings::positive;
use crate::solver::{Definiteness, ShiftedSolver};
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// One linearized step of backward Euler on θ' = −∇L(θ).
///
/// **Recurrence**: $δ = −(H + I/h)^{-1} ∇L(θ_k)$, $θ_{k+1} = θ_k + δ$. Equal to the textbook form
/// $θ_{k+1} = (I + hH)^{-1}(θ_k + h(Hθ_k − ∇L))$, which subtracts nearly equal numbers near a minimum; and to Newton damped by 1/h.
/// **Symbols**: $h$ = step size in flow time; $H = ∇²L(θ_k)$, p × p, by `S`.
/// **Properties**: order 1; R(z) = 1/(1 + z), z = hλ: stable and monotone for every z > 0 (L-stable). Pole at z = −1; for −1 < z < 0 it grows like
/// the flow or faster, for −2 < z < −1 it grows with the sign flipped, and for z < −2 it is spuriously *attracted* to the saddle.
/// An eigenvalue of H below −1/h is detected by the solver, recorded as `past-pole`, and handled by the policy `P`.
/// **Cost**: the driver's gradient and one solve with shift 1/h.
/// **Fails when**: the policy says so ([`Reject`]), the solver misses its residual, or h sits on the pole.
/// **Reference**: E. Hairer, G. Wanner, *Solving ODEs II*, IV.7 (Rosenbrock methods).
///
/// ```
/// use gf_core::problems::Quadratic;
/// use gf_optim::{Budget, control::Constant, integrate, methods::LinearlyImplicitEuler, solver::Minres};
/// let mut method = LinearlyImplicitEuler::new(Minres::default());
/// let outcome = integrate(&mut Quadratic::diagonal(&[2.0]), &mut method, &mut Constant::new(0.5), &mut [],
///                         vec![1.0], &Budget::steps(3))?;
/// assert_eq!(outcome.theta, [0.125]); // R = 1/(1 + 1)
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LinearlyImplicitEuler<S, P = Reject> {
    solver: S,
    policy: P,
    rhs: Vec<f64>,
}

impl<S> LinearlyImplicitEuler<S, Reject> {
    /// A step whose matrix is not positive definite is rejected; the controller may shrink it.
    pub fn new(solver: S) -> Self {
        Self::with_policy(solver, Reject)
    }
}

impl<S, P> LinearlyImplicitEuler<S, P> {
    /// With another policy for matrices that are not positive definite.
    pub fn with_policy(solver: S, policy: P) -> Self {
        Self { solver, policy, rhs: Vec::new() }
    }
}

/// `method.implicit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ImplicitSettings {
    /// Step size h > 0 in flow time.
    pub h: f64,
    /// What to do when H + I/h is not positive definite.
    pub indefinite: OnIndefinite,
    /// `minres`, `cg`, `cholesky`, `lblt`, or `auto`: minres where it reaches its residual at less cost, lblt elsewhere.
    pub solver: LinearSolver,
    /// Largest relative residual of iterative solvers, without unit.
    pub tolerance: f64,
    /// Matrix–vector products a solve at most, of iterative solvers.
    pub max_products: usize,
    /// Whether iterative solvers start from the last solution.
    pub warm_start: bool,
}

/// What to do when H + I/h is not positive definite: H has an eigenvalue below −1/h, past the pole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnIndefinite {
    /// Take the textbook step, whatever it is.
    Accept,
    /// Halve h until the matrix is positive definite. (Its step is then the exact trust-region step of its own length.)
    Shrink,
    /// Use |H| in place of H (saddle-free).
    Absolute,
    /// Use the Gauss–Newton matrix in place of H.
    GaussNewton,
    /// End the run.
    Abort,
}

impl OnIndefinite {
    /// The name in studies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Shrink => "shrink",
            Self::Absolute => "absolute",
            Self::GaussNewton => "gauss-newton",
            Self::Abort => "abort",
        }
    }
}

impl Default for ImplicitSettings {
    /// h = 0.05 as in the original experiment, MINRES to 1e-10, shrinking at the pole.
    fn default() -> Self {
        let SolverSettings { solver, tolerance, max_products, warm_start } = SolverSettings::default();
        Self { h: 0.05, indefinite: OnIndefinite::Shrink, solver, tolerance, max_products, warm_start }
    }
}

impl ImplicitSettings {
    fn solver_settings(&self) -> SolverSettings {
        let Self { solver, tolerance, max_products, warm_start, .. } = *self;
        SolverSettings { solver, tolerance, max_products, warm_start }
    }
}

impl Settings for ImplicitSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("implicit.h", self.h)?;
        self.solver_settings().validate("implicit")?;
        if self.indefinite == OnIndefinite::Accept && matches!(self.solver, LinearSolver::Cg | LinearSolver::Cholesky) {
            let expected =
                "a solver that can solve with indefinite matrices (minres, lblt, auto) beside indefinite = \"accept\"";
            return Err(SettingsError::new("implicit.solver", expected, self.solver.name()));
        }
        Ok(())
    }

    fn build(&self) -> Box<AnyMethod> {
        let solver = self.solver_settings().build();
        match self.indefinite {
            OnIndefinite::Accept => Box::new(LinearlyImplicitEuler::with_policy(solver, Accept)),
            OnIndefinite::Shrink | OnIndefinite::Abort => Box::new(LinearlyImplicitEuler::new(solver)),
            OnIndefinite::Absolute => {
                Box::new(LinearlyImplicitEuler::with_policy(solver, AbsoluteHessian::new(self.tolerance)))
            }
            OnIndefinite::GaussNewton => {
                let policy = UseGaussNewton::new(self.tolerance, self.max_products);
                Box::new(LinearlyImplicitEuler::with_policy(solver, policy))
            }
        }
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn shrinks(&self) -> bool {
        self.indefinite == OnIndefinite::Shrink
    }

    fn solver(&self) -> Option<LinearSolver> {
        Some(self.solver)
    }

    fn amplification(&self, z: f64) -> Option<Amplification> {
        Some(Amplification::one_step(1.0 / (1.0 + z)))
    }

    fn label(&self) -> String {
        format!("h = {}, {}", self.h, self.indefinite.name())
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "implicit",
    title: "linearly implicit Euler (implicit gradient descent)",
    family: Family::Implicit,
    order: Some(1),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (L-stable); pole at hλ = -1",
    cost: "1 gradient + 1 solve, shift 1/h",
    textbook: &[("solver", "lblt"), ("indefinite", "accept")],
};

impl<O, S, P> Discretization<O> for LinearlyImplicitEuler<S, P>
where
    O: Objective + ?Sized,
    S: ShiftedSolver<O>,
    P: IndefinitePolicy<O>,
{
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.rhs = vec![0.0; dim];
        self.policy.init(dim)?;
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
        let shift = 1.0 / h;
        let solved = self.solver.solve(objective, at.theta, shift, &self.rhs, delta);
        let failure = match &solved {
            Ok(info) => {
                info.report(events);
                match info.definiteness {
                    Definiteness::Indefinite(evidence) => StepFailure::Indefinite { shift, evidence },
                    _ => return Ok(()),
                }
            }
            Err(failure) if failure.indefinite_evidence().is_some() => failure.clone(),
            Err(failure) => return Err(failure.clone()),
        };
        events.record(Event::PastPole);
        let system = IndefiniteSystem { theta: at.theta, shift, rhs: &self.rhs, failure, solved: solved.is_ok() };
        self.policy.resolve(objective, system, delta, events)
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.solver.state()
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }
}
