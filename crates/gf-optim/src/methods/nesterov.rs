//! Nesterov's accelerated gradient with constant momentum.

use gf_core::{Counted, Objective, vector};
use serde::{Deserialize, Serialize};

use super::clip::{Clip, Clipped};
use super::heavy_ball::{HeavyBall, kept_part};
use crate::discretization::STAGE;
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Nesterov's method with constant momentum, from rest: the heavy ball with the gradient where the momentum leads.
///
/// **Recurrence**: $y_k = θ_k + β(θ_k − θ_{k−1})$, $θ_{k+1} = y_k − h ∇L(y_k)$, $θ_{−1} = θ_0$.
/// **Symbols**: $h$ = `h`; $β$ = `momentum`, 0 ≤ β < 1; θ, y, ∇L: p numbers.
/// **Properties**: in the long run a step advances along the flow by the time h/(1 − β), with order 1. On L = ½λθ², z = hλ:
/// $θ_{k+1} = (1 − z)(1 + β)θ_k − (1 − z)βθ_{k−1}$, stable for 0 < z < 2(1 + β)/(1 + 2β).
/// **Cost**: one gradient a step, at y, beside the driver's at θ, which the method does not use; 4p numbers of memory; 5p flops.
/// **Fails when**: ∇L(y) is not finite; beyond the limit the run diverges.
/// **Reference**: Y. Nesterov, *Introductory Lectures on Convex Optimization*, 2004, §2.2.
#[derive(Debug, Clone)]
pub struct Nesterov {
    /// Sees ∇L(y), clipped where that is asked for.
    ball: Clipped<HeavyBall>,
    ahead: Vec<f64>,
    gradient: Vec<f64>,
}

impl Nesterov {
    /// With β = `momentum`.
    pub fn new(momentum: f64) -> Self {
        Self::clipped(momentum, Clip::default())
    }

    /// With β = `momentum`, clipping ∇L(y).
    pub fn clipped(momentum: f64, clip: Clip) -> Self {
        Self { ball: Clipped::new(HeavyBall::new(momentum), clip), ahead: Vec::new(), gradient: Vec::new() }
    }
}

/// `method.nesterov`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct NesterovSettings {
    /// Step size h > 0; a step takes the flow time h/(1 − β).
    pub h: f64,
    /// β, from 0 to below 1, without unit.
    pub momentum: f64,
    /// The largest ‖∇L(y)‖ used; a longer gradient is shortened to it [default: none].
    pub clip_norm: Option<f64>,
    /// The largest entry of ∇L(y) used, by absolute value [default: none].
    pub clip_value: Option<f64>,
}

impl Default for NesterovSettings {
    /// h = 0.01 and β = 0.9, unclipped.
    fn default() -> Self {
        Self { h: 0.01, momentum: 0.9, clip_norm: None, clip_value: None }
    }
}

impl NesterovSettings {
    fn clip(&self) -> Clip {
        Clip { norm: self.clip_norm, value: self.clip_value }
    }
}

impl Settings for NesterovSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("nesterov.h", self.h)?;
        kept_part("nesterov.momentum", self.momentum)?;
        self.clip().validate("nesterov")
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(Nesterov::clipped(self.momentum, self.clip()))
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn amplification(&self, z: f64) -> Option<Amplification> {
        let (euler, beta) = (1.0 - z, self.momentum);
        Some(Amplification { current: euler * (1.0 + beta), previous: -euler * beta })
    }

    fn label(&self) -> String {
        format!("h = {}, β = {}", self.h, self.momentum)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "nesterov",
    title: "Nesterov's accelerated gradient, constant momentum",
    family: Family::Explicit,
    order: Some(1),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 2(1 + β)/(1 + 2β)",
    cost: "2 gradients (1 for records only)",
    textbook: &[],
};

impl<O: Objective + ?Sized> Discretization<O> for Nesterov {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.ahead = vec![0.0; dim];
        self.gradient = vec![0.0; dim];
        Discretization::<O>::init(&mut self.ball, dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        // Here and not in `propose`: y does not depend on h.
        self.ball.method().coast(at.theta, &mut self.ahead);
        objective.value_and_gradient(&self.ahead, &mut self.gradient)?;
        if !vector::all_finite(&self.gradient) {
            return Err(StepFailure::NotFinite { what: STAGE });
        }
        self.ball.linearize(objective, Point { gradient: &self.gradient, ..at })
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.ball.propose(objective, Point { gradient: &self.gradient, ..at }, h, delta, events)
    }

    fn accepted(&mut self, to: &[f64], h: f64) {
        Discretization::<O>::accepted(&mut self.ball, to, h);
    }

    fn time(&self, h: f64) -> Option<f64> {
        Discretization::<O>::time(&self.ball, h)
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        Discretization::<O>::state(&mut self.ball)
    }
}
