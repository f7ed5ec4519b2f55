//! The trust-region method by truncated conjugate gradients.

use gf_core::{Counted, Event, HessianProduct};
use serde::{Deserialize, Serialize};

use super::truncated_cg::{self, TruncatedCg, Truncation};
use crate::control::TrustRadius;
use crate::registry::{AnyMethod, ControlSettings, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::solver::DEFAULT_MAX_PRODUCTS;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// A trust-region step by conjugate gradients that stop at the boundary or at negative curvature.
///
/// **Recurrence**: CG on $H δ = −∇L(θ_k)$ from δ = 0 until $‖Hδ + ∇L‖ ≤ \min(η, ‖∇L‖^{1/2}) ‖∇L‖$; an iterate that would leave the ball $‖δ‖ ≤ h$ is cut at its
/// boundary, and a direction v with $v^T H v ≤ 0$ is followed to it. $θ_{k+1} = θ_k + δ$.
/// **Symbols**: $h$ = the radius, in units of θ, the controller's; $η$ = `forcing`, without unit; $H = ∇²L(θ_k)$ by products.
/// **Properties**: the model falls at least as far as along −∇L; the iterates grow in length, so that the first beyond the ball is the place to
/// stop. Leaves a saddle unless started on its stable directions. Superlinear convergence near a nondegenerate minimum, by the forcing term. Negative curvature
/// is recorded as `negative-curvature`. Does not follow the flow's clock.
/// **Cost**: the driver's gradient, one product an iteration, one value a trial. A shorter radius at the same point repeats the products inside it: keeping them
/// would take the memory of all iterates. Memory: 3p numbers.
/// **Fails when**: a product is not finite. After `max_products` the step is the best of that many.
/// **Reference**: T. Steihaug, *SIAM J. Numer. Anal.* 20 (1983); J. Nocedal, S. Wright, *Numerical Optimization*, algorithm 7.2.
#[derive(Debug, Default)]
pub struct Steihaug {
    settings: SteihaugSettings,
    cg: TruncatedCg,
    predicted: Option<f64>,
}

impl Steihaug {
    /// With these settings.
    pub fn new(settings: SteihaugSettings) -> Self {
        Self { settings, ..Self::default() }
    }
}

/// `method.steihaug`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SteihaugSettings {
    /// The first radius, in units of θ.
    pub radius: f64,
    /// η in (0, 1): the largest relative residual of the model's minimizer, without unit.
    pub forcing: f64,
    /// Products a trial at most.
    pub max_products: usize,
}

impl Default for SteihaugSettings {
    /// Radius 1, relative residuals of at most ½, 2000 products.
    fn default() -> Self {
        Self { radius: 1.0, forcing: 0.5, max_products: DEFAULT_MAX_PRODUCTS }
    }
}

impl Settings for SteihaugSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("steihaug.radius", self.radius)?;
        truncated_cg::validate("steihaug", self.forcing, self.max_products)
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(Steihaug::new(*self))
    }

    fn first_step_size(&self) -> f64 {
        self.radius
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::TrustRadius(TrustRadius::default())
    }

    fn predicts_decrease(&self) -> bool {
        true
    }

    fn label(&self) -> String {
        format!("radius {} first", self.radius)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "steihaug",
    title: "trust region by truncated CG (Steihaug)",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::Hessian,
    stability: "does not follow the flow",
    cost: "1 gradient + CG products and 1 value a trial",
    textbook: &[],
};

impl<O: HessianProduct + ?Sized> Discretization<O> for Steihaug {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.predicted = None;
        self.cg.init(dim);
        Ok(())
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
        let SteihaugSettings { forcing, max_products, .. } = self.settings;
        let until = Truncation { forcing, max_products, radius: Some(h) };
        let found = self.cg.minimize(&mut objective.hessian_at(at.theta)?, at.gradient, until, delta)?;
        if found.negative_curvature {
            events.record(Event::NegativeCurvature);
        }
        self.predicted = Some(found.decrease);
        Ok(())
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn predicted_decrease(&self) -> Option<f64> {
        self.predicted
    }
}
