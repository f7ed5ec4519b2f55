//! Normalized steepest descent.

use gf_core::{Counted, Objective};
use serde::{Deserialize, Serialize};

use super::clip::rescale;
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Steepest descent by a fixed length: explicit Euler on $θ' = −∇L/‖∇L‖$, the flow parametrized by arc length.
///
/// **Recurrence**: $θ_{k+1} = θ_k − h ∇L(θ_k)/‖∇L(θ_k)‖$; where ∇L = 0, $θ_{k+1} = θ_k$.
/// **Symbols**: $h$ = `h`, a length in units of θ; θ, ∇L: p numbers.
/// **Properties**: every step has length h, so it does not follow the flow's clock and with constant h ends in a cycle about a minimum, not at it.
/// **Cost**: one gradient a step, the driver's; 5p flops.
/// **Fails when**: never proposes nothing.
/// **Reference**: S. Boyd, L. Vandenberghe, *Convex Optimization*, §9.4.
///
/// ```
/// use gf_core::problems::Quadratic;
/// use gf_optim::{Budget, control::Constant, integrate, methods::NormalizedDescent};
/// let outcome = integrate(&mut Quadratic::diagonal(&[2.0]), &mut NormalizedDescent, &mut Constant::new(0.25), &mut [],
///                         vec![1.0], &Budget::steps(3))?;
/// assert_eq!(outcome.theta, [0.25]);
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NormalizedDescent;

/// `method.normalized`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct NormalizedSettings {
    /// Length h > 0 of a step, in units of θ.
    pub h: f64,
}

impl Default for NormalizedSettings {
    /// h = 0.01.
    fn default() -> Self {
        Self { h: 0.01 }
    }
}

impl Settings for NormalizedSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("normalized.h", self.h)
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(NormalizedDescent)
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn label(&self) -> String {
        format!("h = {}", self.h)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "normalized",
    title: "normalized steepest descent",
    family: Family::Explicit,
    order: None,
    curvature: CurvatureNeed::None,
    stability: "does not follow the flow",
    cost: "1 gradient",
    textbook: &[],
};

impl<O: Objective + ?Sized> Discretization<O> for NormalizedDescent {
    fn init(&mut self, _dim: usize) -> Result<(), SetupError> {
        Ok(())
    }

    fn propose(
        &mut self,
        _objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        _events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        delta.copy_from_slice(at.gradient);
        rescale(delta, -h);
        Ok(())
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }
}
