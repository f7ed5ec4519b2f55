//! Explicit Euler: gradient descent.

use gf_core::{Counted, Objective, vector};
use serde::{Deserialize, Serialize};

use super::clip::{Clip, Clipped};
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Gradient descent, explicit Euler on θ' = −∇L(θ).
///
/// **Recurrence**: $θ_{k+1} = θ_k − h ∇L(θ_k)$.
/// **Symbols**: $h$ = `h`, the learning rate, in flow time; θ, ∇L: p numbers.
/// **Properties**: order 1; R(z) = 1 − z, z = hλ: monotone for 0 < z ≤ 1, oscillating to z = 2, divergent beyond; leaves a saddle like the flow,
/// at a rate 1 + h|λ| a step.
/// **Cost**: one gradient a step, the driver's; p flops.
/// **Fails when**: never proposes nothing; beyond 2/λmax the run diverges.
/// **Reference**: A. Cauchy, 1847; stability: E. Hairer, G. Wanner, *Solving ODEs II*, IV.2.
///
/// ```
/// use gf_core::problems::Quadratic;
/// use gf_optim::{Budget, control::Constant, integrate, methods::ExplicitEuler};
/// let outcome = integrate(&mut Quadratic::diagonal(&[2.0]), &mut ExplicitEuler, &mut Constant::new(0.25), &mut [],
///                         vec![1.0], &Budget::steps(3))?;
/// assert_eq!(outcome.theta, [0.125]); // R = 1 − 0.5
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ExplicitEuler;

/// `method.explicit`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ExplicitSettings {
    /// Step size h > 0 in flow time.
    pub h: f64,
    /// The largest ‖∇L‖ used; a longer gradient is shortened to it [default: none].
    pub clip_norm: Option<f64>,
    /// The largest entry of ∇L used, by absolute value [default: none].
    pub clip_value: Option<f64>,
}

impl Default for ExplicitSettings {
    /// h = 0.01 and no clipping, as in the original experiment.
    fn default() -> Self {
        Self { h: 0.01, clip_norm: None, clip_value: None }
    }
}

impl ExplicitSettings {
    fn clip(&self) -> Clip {
        Clip { norm: self.clip_norm, value: self.clip_value }
    }
}

impl Settings for ExplicitSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("explicit.h", self.h)?;
        self.clip().validate("explicit")
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(Clipped::new(ExplicitEuler, self.clip()))
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn amplification(&self, z: f64) -> Option<Amplification> {
        Some(Amplification::one_step(1.0 - z))
    }

    fn label(&self) -> String {
        format!("h = {}", self.h)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "explicit",
    title: "explicit Euler (gradient descent)",
    family: Family::Explicit,
    order: Some(1),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 2",
    cost: "1 gradient",
    textbook: &[],
};

impl<O: Objective + ?Sized> Discretization<O> for ExplicitEuler {
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
        vector::scale_into(-h, at.gradient, delta);
        Ok(())
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }
}
