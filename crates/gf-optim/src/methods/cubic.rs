//! Adaptive cubic regularization.

use gf_core::{Counted, DenseHessian};
use serde::{Deserialize, Serialize};

use super::secular::{Bound, ExactModel};
use super::spectrum::Spectrum;
use crate::control::GainRatio;
use crate::registry::{AnyMethod, ControlSettings, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// The global minimizer of the quadratic model with a cubic term, whose weight follows from how well the model predicts the loss (ARC).
///
/// **Recurrence**: $δ = \arg\min ∇L(θ_k)^T δ + ½ δ^T H δ + \frac{σ}{3}‖δ‖³$, $θ_{k+1} = θ_k + δ$; that is $(H + μI) δ = −∇L(θ_k)$ with
/// $H + μI$ positive semidefinite and $μ = σ‖δ‖$. The hard case is as in `trust-region`.
/// **Symbols**: $σ = 1/h$, in units of a third derivative, h the controller's; $H = ∇²L(θ_k)$, p × p.
/// **Predicted decrease**: that of the *cubic* model, $−½ ∇L^T δ + \frac16 μ‖δ‖²$: a sum of positive terms.
/// **Properties**: an implicit step of flow time 1/μ, on the near side of its pole. Leaves saddles, even started exactly on one. Near a nondegenerate minimum
/// μ falls with ‖δ‖ and the steps become Newton's. Negative curvature is recorded as `negative-curvature`. Does not follow the flow's clock.
/// **Cost**: the driver's gradient, one dense matrix and one eigendecomposition (9p³ flops) a point, 2p² flops and one value a trial. Memory: 5p² numbers.
/// **Fails when**: H is not finite.
/// **Reference**: C. Cartis, N. Gould, P. Toint, *Math. Program.* 127 (2011).
#[derive(Default)]
pub struct CubicRegularization {
    model: ExactModel,
}

/// `method.cubic`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CubicSettings {
    /// σ > 0 of the first step, in units of a third derivative.
    pub regularization: f64,
}

impl Default for CubicSettings {
    /// σ = 1 first.
    fn default() -> Self {
        Self { regularization: 1.0 }
    }
}

impl Settings for CubicSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("cubic.regularization", self.regularization)
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(CubicRegularization::default())
    }

    fn first_step_size(&self) -> f64 {
        1.0 / self.regularization
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::GainRatio(GainRatio::default())
    }

    fn predicts_decrease(&self) -> bool {
        true
    }

    fn dense_matrices(&self) -> usize {
        Spectrum::MATRICES
    }

    fn label(&self) -> String {
        format!("regularization {} first", self.regularization)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "cubic",
    title: "adaptive cubic regularization (ARC)",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::Hessian,
    stability: "does not follow the flow",
    cost: "1 gradient + 1 dense matrix + 1 eigendecomposition + 1 value a trial",
    textbook: &[],
};

impl<O: DenseHessian + ?Sized> Discretization<O> for CubicRegularization {
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
        self.model.minimize(objective, Bound::Cubic(1.0 / h), delta, events);
        Ok(())
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn predicted_decrease(&self) -> Option<f64> {
        self.model.predicted
    }
}
