//! The trust-region method, its subproblem solved exactly.

use gf_core::{Counted, DenseHessian};
use serde::{Deserialize, Serialize};

use super::secular::{Bound, ExactModel};
use super::spectrum::Spectrum;
use crate::control::TrustRadius;
use crate::registry::{AnyMethod, ControlSettings, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// The global minimizer of the quadratic model within a ball.
///
/// **Recurrence**: $δ = \arg\min_{‖δ‖ ≤ h} ∇L(θ_k)^T δ + ½ δ^T H δ$, $θ_{k+1} = θ_k + δ$; that is $(H + μI) δ = −∇L(θ_k)$ with the least μ ≥ 0 that makes
/// $H + μI$ positive semidefinite and $‖δ‖ ≤ h$. Where ∇L has no part along the lowest eigenvectors (the hard case) δ is filled up along one of them.
/// **Symbols**: $h$ = the radius, in units of θ, the controller's; $H = ∇²L(θ_k)$, p × p.
/// **Properties**: the implicit step of flow time 1/μ, on the near side of its pole, with a length that is given. Leaves saddles, even started exactly on
/// one. Near a nondegenerate minimum the radius ceases to bind: Newton's steps. Negative curvature is recorded as `negative-curvature`. Does not follow the
/// flow's clock.
/// **Cost**: the driver's gradient, one dense matrix and one eigendecomposition (9p³ flops) a point, 2p² flops and one value a trial. Memory: 5p² numbers.
/// **Fails when**: H is not finite.
/// **Reference**: J. Moré, D. Sorensen, *SIAM J. Sci. Stat. Comput.* 4 (1983); J. Nocedal, S. Wright, *Numerical Optimization*, 4.3.
#[derive(Default)]
pub struct TrustRegion {
    model: ExactModel,
}

/// `method.trust-region`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TrustRegionSettings {
    /// The first radius, in units of θ.
    pub radius: f64,
}

impl Default for TrustRegionSettings {
    /// Radius 1.
    fn default() -> Self {
        Self { radius: 1.0 }
    }
}

impl Settings for TrustRegionSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("trust-region.radius", self.radius)
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(TrustRegion::default())
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

    fn dense_matrices(&self) -> usize {
        Spectrum::MATRICES
    }

    fn label(&self) -> String {
        format!("radius {} first", self.radius)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "trust-region",
    title: "trust region, solved exactly",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::Hessian,
    stability: "does not follow the flow",
    cost: "1 gradient + 1 dense matrix + 1 eigendecomposition + 1 value a trial",
    textbook: &[],
};

impl<O: DenseHessian + ?Sized> Discretization<O> for TrustRegion {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.model.init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.model.spectrum.linearize(objective, at)
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        _at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.model.minimize(objective, Bound::Radius(h), delta, events);
        Ok(())
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn predicted_decrease(&self) -> Option<f64> {
        self.model.predicted
    }
}
