//! Heavy ball: gradient descent with momentum.

use gf_core::{Counted, Objective, vector};
use serde::{Deserialize, Serialize};

use super::clip::{Clip, Clipped};
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Polyak's heavy ball, from rest.
///
/// **Recurrence**: $θ_{k+1} = θ_k − h ∇L(θ_k) + β(θ_k − θ_{k−1})$, $θ_{−1} = θ_0$.
/// **Symbols**: $h$ = `h`; $β$ = `momentum`, 0 ≤ β < 1; θ, ∇L: p numbers.
/// **Properties**: in the long run a step advances along the flow by the time h/(1 − β), with order 1; it discretizes $θ'' + aθ' + ∇L = 0$ with time step √h, a = (1 − β)/√h.
/// On L = ½λθ², z = hλ: $θ_{k+1} = (1 − z + β)θ_k − βθ_{k−1}$, stable for 0 < z < 2(1 + β). The best rate on λmin … λmax is β^½ =
/// (√κ − 1)/(√κ + 1), with h = (2/(√λmin + √λmax))², κ = λmax/λmin.
/// **Cost**: one gradient a step, the driver's; 2p numbers of memory; 3p flops.
/// **Fails when**: never proposes nothing; beyond 2(1 + β)/λmax the run diverges.
/// **Reference**: B. Polyak, *USSR Comput. Math. Math. Phys.* 4 (1964).
///
/// ```
/// use gf_core::problems::Quadratic;
/// use gf_optim::{Budget, control::Constant, integrate, methods::HeavyBall};
/// let outcome = integrate(&mut Quadratic::diagonal(&[2.0]), &mut HeavyBall::new(0.5), &mut Constant::new(0.25), &mut [],
///                         vec![1.0], &Budget::steps(2))?;
/// assert_eq!(outcome.theta, [0.0]); // 1, then 1/2, then 1/2 − 1/4 + ½(1/2 − 1)
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HeavyBall {
    momentum: f64,
    /// θ_k − θ_{k−1}.
    velocity: Vec<f64>,
    /// The last proposal.
    proposed: Vec<f64>,
}

impl HeavyBall {
    /// With β = `momentum`.
    pub fn new(momentum: f64) -> Self {
        Self { momentum, velocity: Vec::new(), proposed: Vec::new() }
    }

    /// Overwrites `out` with θ_k + β(θ_k − θ_{k−1}).
    pub(super) fn coast(&self, theta: &[f64], out: &mut [f64]) {
        out.copy_from_slice(theta);
        vector::add_scaled(out, self.momentum, &self.velocity);
    }
}

/// `value` must lie in [0, 1): the part that a velocity or an average keeps each step.
pub(super) fn kept_part(key: &str, value: f64) -> Result<(), SettingsError> {
    if (0.0..1.0).contains(&value) { Ok(()) } else { Err(SettingsError::new(key, "a number from 0 to below 1", value)) }
}

/// `method.heavy-ball`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct HeavyBallSettings {
    /// Step size h > 0; a step takes the flow time h/(1 − β).
    pub h: f64,
    /// β, from 0 to below 1, without unit.
    pub momentum: f64,
    /// The largest ‖∇L‖ used; a longer gradient is shortened to it [default: none].
    pub clip_norm: Option<f64>,
    /// The largest entry of ∇L used, by absolute value [default: none].
    pub clip_value: Option<f64>,
}

impl Default for HeavyBallSettings {
    /// h = 0.01 and β = 0.9, unclipped.
    fn default() -> Self {
        Self { h: 0.01, momentum: 0.9, clip_norm: None, clip_value: None }
    }
}

impl HeavyBallSettings {
    fn clip(&self) -> Clip {
        Clip { norm: self.clip_norm, value: self.clip_value }
    }
}

impl Settings for HeavyBallSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("heavy-ball.h", self.h)?;
        kept_part("heavy-ball.momentum", self.momentum)?;
        self.clip().validate("heavy-ball")
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(Clipped::new(HeavyBall::new(self.momentum), self.clip()))
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn amplification(&self, z: f64) -> Option<Amplification> {
        Some(Amplification { current: 1.0 - z + self.momentum, previous: -self.momentum })
    }

    fn label(&self) -> String {
        format!("h = {}, β = {}", self.h, self.momentum)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "heavy-ball",
    title: "heavy ball (gradient descent with momentum)",
    family: Family::Explicit,
    order: Some(1),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 2(1 + β)",
    cost: "1 gradient",
    textbook: &[],
};

impl<O: Objective + ?Sized> Discretization<O> for HeavyBall {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.velocity = vec![0.0; dim];
        self.proposed = vec![0.0; dim];
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
        vector::scale_into(self.momentum, &self.velocity, delta);
        vector::add_scaled(delta, -h, at.gradient);
        self.proposed.copy_from_slice(delta);
        Ok(())
    }

    fn accepted(&mut self, _to: &[f64], _h: f64) {
        std::mem::swap(&mut self.velocity, &mut self.proposed);
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h / (1.0 - self.momentum))
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        vec![&mut self.velocity]
    }
}
