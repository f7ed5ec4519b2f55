//! Newton with truncated conjugate gradients and a line search.

use gf_core::{Counted, Event, HessianProduct};
use serde::{Deserialize, Serialize};

use super::direction::Direction;
use super::truncated_cg::{self, TruncatedCg, Truncation};
use crate::control::Armijo;
use crate::registry::{AnyMethod, ControlSettings, CurvatureNeed, Family, MethodInfo, Settings};
use crate::solver::DEFAULT_MAX_PRODUCTS;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Newton's method, its system solved by conjugate gradients only as far as the gradient deserves.
///
/// **Recurrence**: CG on $H d = −∇L(θ_k)$ from d = 0 until $‖Hd + ∇L‖ ≤ \min(η, ‖∇L‖^{1/2}) ‖∇L‖$, or until a direction v with $v^T H v ≤ 0$: then d is the
/// iterate before it, −∇L where there is none. $θ_{k+1} = θ_k + α d$.
/// **Symbols**: $α$ = the controller's step size, without unit; $η$ = `forcing`, without unit; $H = ∇²L(θ_k)$ by products.
/// **Properties**: d descends for every H; leaves a saddle unless started on its stable directions. Superlinear convergence near a nondegenerate minimum, by the
/// forcing term. Negative curvature is recorded as `negative-curvature`. Does not follow the flow's clock.
/// **Cost**: the driver's gradient, one product an iteration a point (another α costs none), one value a trial. Memory: 4p numbers.
/// **Fails when**: a product is not finite. After `max_products` the direction is the best of that many.
/// **Reference**: J. Nocedal, S. Wright, *Numerical Optimization*, algorithm 7.1; R. Dembo, T. Steihaug, *Math. Program.* 26 (1983).
#[derive(Debug)]
pub struct NewtonCg {
    settings: NewtonCgSettings,
    cg: TruncatedCg,
    direction: Direction,
}

impl NewtonCg {
    /// With these settings.
    pub fn new(settings: NewtonCgSettings) -> Self {
        Self { settings, cg: TruncatedCg::default(), direction: Direction::default() }
    }
}

/// `method.newton-cg`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct NewtonCgSettings {
    /// η in (0, 1): the largest relative residual of the direction, without unit.
    pub forcing: f64,
    /// Products a point at most.
    pub max_products: usize,
}

impl Default for NewtonCgSettings {
    /// Relative residuals of at most ½, 2000 products.
    fn default() -> Self {
        Self { forcing: 0.5, max_products: DEFAULT_MAX_PRODUCTS }
    }
}

impl Settings for NewtonCgSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        truncated_cg::validate("newton-cg", self.forcing, self.max_products)
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(NewtonCg::new(*self))
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::Armijo(Armijo::default())
    }

    fn label(&self) -> String {
        format!("forcing {}", self.forcing)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "newton-cg",
    title: "Newton by truncated CG",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::Hessian,
    stability: "does not follow the flow",
    cost: "1 gradient + CG products + 1 value a line-search trial",
    textbook: &[],
};

impl<O: HessianProduct + ?Sized> Discretization<O> for NewtonCg {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.cg.init(dim);
        self.direction.init(dim);
        Ok(())
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        let Direction { entries, met } = &mut self.direction;
        met.clear();
        let NewtonCgSettings { forcing, max_products } = self.settings;
        let until = Truncation { forcing, max_products, radius: None };
        let found = self.cg.minimize(&mut objective.hessian_at(at.theta)?, at.gradient, until, entries)?;
        if found.negative_curvature {
            met.record(Event::NegativeCurvature);
        }
        Ok(())
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

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }
}
