//! Damped Newton.

use gf_core::{Counted, Event, Objective, vector};
use serde::{Deserialize, Serialize};

use crate::control::Armijo;
use crate::registry::{
    AnyMethod, ControlSettings, CurvatureNeed, Family, LinearSolver, MethodInfo, Settings, SolverSettings,
};
use crate::settings::positive;
use crate::solver::{Definiteness, ShiftedSolver};
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Newton's method with damping; α is the controller's, from a line search or constant.
///
/// **Recurrence**: $d = −(H + λI)^{-1} ∇L(θ_k)$, $θ_{k+1} = θ_k + α d$. With α = 1 this is linearly implicit Euler with h = 1/λ: the limit h → ∞ is Newton.
/// **Symbols**: $λ$ = `damping`, in units of curvature; $α$ = the controller's step size, without unit; $H = ∇²L(θ_k)$.
/// **Properties**: quadratic convergence near a nondegenerate minimum as λ → 0; does not follow the flow's clock. At a saddle it is attracted: with H indefinite,
/// $∇L^T d$ may be ≥ 0: the Armijo test then may accept an increase, or backtracks in vain. That is detected, recorded as `ascent-direction`, and handled by [`OnAscent`].
/// **Cost**: the driver's gradient, one solve with shift λ a point (another α costs no solve), one value a trial of the line search.
/// **Fails when**: the solver does, or the policy says so.
/// **Reference**: J. Nocedal, S. Wright, *Numerical Optimization*, ch. 3.
#[derive(Debug)]
pub struct DampedNewton<S> {
    settings: NewtonSettings,
    solver: S,
    rhs: Vec<f64>,
    direction: Vec<f64>,
    /// The direction's fate at this point: another α changes nothing about it.
    solved: Option<Result<(), StepFailure>>,
    met: EventLog,
}

impl<S> DampedNewton<S> {
    /// With `solver` in place of the one that the settings name.
    pub fn new(settings: NewtonSettings, solver: S) -> Self {
        Self { settings, solver, rhs: Vec::new(), direction: Vec::new(), solved: None, met: EventLog::new() }
    }
}

/// `method.newton`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct NewtonSettings {
    /// λ ≥ 0, added to the diagonal, in units of curvature.
    pub damping: f64,
    /// What to do when the direction points uphill.
    pub ascent: OnAscent,
    /// Explicit Euler steps before the first Newton step.
    pub warm_up_steps: u64,
    /// Their step size, in flow time.
    pub warm_up_h: f64,
    /// `lblt`, `minres`, `cholesky`, `cg`, or `auto`: minres where it reaches its residual at less cost, lblt elsewhere.
    pub solver: LinearSolver,
    /// Largest relative residual of iterative solvers, without unit.
    pub tolerance: f64,
    /// Matrix–vector products a solve at most, of iterative solvers.
    pub max_products: usize,
    /// Whether iterative solvers start from the last solution.
    pub warm_start: bool,
}

/// What to do when the Newton direction d points uphill: ∇Lᵀd ≥ 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnAscent {
    /// Use it all the same (the original project).
    Accept,
    /// Use −∇L instead.
    SteepestDescent,
    /// Raise the damping tenfold until the solver finds the matrix not indefinite and the direction descends. Values that
    /// an iterative solver proves too small, by a Ritz value of 24 products, are passed over without a solve.
    RaiseDamping,
    /// End the run.
    Abort,
}

impl OnAscent {
    /// The name in studies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::SteepestDescent => "steepest-descent",
            Self::RaiseDamping => "raise-damping",
            Self::Abort => "abort",
        }
    }
}

impl Default for NewtonSettings {
    /// Damping 1e-4 as in the original experiment, the automatic solver, raised damping on ascent, no warm-up.
    fn default() -> Self {
        let SolverSettings { tolerance, max_products, warm_start, .. } = SolverSettings::default();
        Self {
            damping: 1e-4,
            ascent: OnAscent::RaiseDamping,
            warm_up_steps: 0,
            warm_up_h: 0.01,
            solver: LinearSolver::Auto,
            tolerance,
            max_products,
            warm_start,
        }
    }
}

impl NewtonSettings {
    fn solver_settings(&self) -> SolverSettings {
        let Self { solver, tolerance, max_products, warm_start, .. } = *self;
        SolverSettings { solver, tolerance, max_products, warm_start }
    }
}

impl Settings for NewtonSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        if !(self.damping >= 0.0 && self.damping.is_finite()) {
            return Err(SettingsError::new("newton.damping", "a number that is not negative", self.damping));
        }
        positive("newton.warm_up_h", self.warm_up_h)?;
        self.solver_settings().validate("newton")
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(DampedNewton::new(self.clone(), self.solver_settings().build()))
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::Armijo(Armijo::default())
    }

    fn solver(&self) -> Option<LinearSolver> {
        Some(self.solver)
    }

    fn label(&self) -> String {
        format!("damping {}, {}", self.damping, self.ascent.name())
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "newton",
    title: "damped Newton",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::Hessian,
    stability: "does not follow the flow",
    cost: "1 gradient + 1 solve, shift λ + 1 value a line-search trial",
    textbook: &[("solver", "lblt"), ("ascent", "accept")],
};

impl<S> DampedNewton<S> {
    fn in_warm_up(&self, step: u64) -> bool {
        step <= self.settings.warm_up_steps
    }

    /// Overwrites the direction; names in `met` what it took.
    fn solve<O: Objective + ?Sized>(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure>
    where
        S: ShiftedSolver<O>,
    {
        // Tenfold from here; 60 decades cover every finite spectrum.
        const SMALLEST_RAISED: f64 = 1e-6;
        const MOST_RAISES: u32 = 60;
        let policy = self.settings.ascent;
        let mut damping = self.settings.damping;
        // No damping below this makes the matrix definite: none is tried.
        let least = match policy {
            OnAscent::RaiseDamping => self.solver.lowest_at_most(objective, at.theta, &self.rhs)?.map_or(0.0, |x| -x),
            _ => 0.0,
        };
        for raise in 0..=MOST_RAISES {
            if damping < least {
                self.met.record(Event::RaisedDamping);
            }
            while damping < least {
                damping = (10.0 * damping).max(SMALLEST_RAISED);
            }
            let solved = self.solver.solve(objective, at.theta, damping, &self.rhs, &mut self.direction);
            if let Ok(info) = &solved {
                info.report(&mut self.met);
            }
            let slope = vector::dot(at.gradient, &self.direction);
            match (policy, solved) {
                (OnAscent::RaiseDamping, Err(failure)) if failure.may_pass_with_a_shorter_step() => {}
                (_, Err(failure)) => return Err(failure),
                (OnAscent::RaiseDamping, Ok(info)) => {
                    if slope < 0.0 && !matches!(info.definiteness, Definiteness::Indefinite(_)) {
                        return Ok(());
                    }
                    if raise == 0 && slope >= 0.0 {
                        self.met.record(Event::AscentDirection);
                    }
                }
                (_, Ok(_)) if slope < 0.0 => return Ok(()),
                (OnAscent::Abort, Ok(_)) => return Err(StepFailure::Ascent { slope }),
                (OnAscent::Accept, Ok(_)) => {
                    self.met.record(Event::AscentDirection);
                    return Ok(());
                }
                (OnAscent::SteepestDescent, Ok(_)) => {
                    self.met.record(Event::AscentDirection);
                    self.met.record(Event::UsedSteepestDescent);
                    self.direction.copy_from_slice(&self.rhs);
                    return Ok(());
                }
            }
            if raise == 0 {
                self.met.record(Event::RaisedDamping);
            }
            damping = (10.0 * damping).max(SMALLEST_RAISED);
        }
        Err(StepFailure::Ascent { slope: vector::dot(at.gradient, &self.direction) })
    }
}

impl<O: Objective + ?Sized, S: ShiftedSolver<O>> Discretization<O> for DampedNewton<S> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.rhs = vec![0.0; dim];
        self.direction = vec![0.0; dim];
        self.solved = None;
        self.solver.init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.solved = None;
        self.met.clear();
        if self.in_warm_up(at.step) {
            return Ok(());
        }
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
        if self.in_warm_up(at.step) {
            events.record(Event::WarmUp);
            vector::scale_into(-self.settings.warm_up_h, at.gradient, delta);
            return Ok(());
        }
        let fate = match self.solved.take() {
            Some(fate) => fate,
            None => self.solve(objective, at),
        };
        self.met.events().iter().for_each(|event| events.record(*event));
        self.solved = Some(fate.clone());
        fate?;
        vector::scale_into(h, &self.direction, delta);
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.solver.state()
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn unconditional(&self, at: Point<'_>) -> bool {
        self.in_warm_up(at.step)
    }
}
