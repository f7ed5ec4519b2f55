//! RMSProp.

use gf_core::{Counted, Objective};
use serde::{Deserialize, Serialize};

use super::clip::{Clip, Clipped};
use super::heavy_ball::kept_part;
use super::moments::RunningMean;
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// RMSProp: gradient descent with every entry scaled by the root of its running mean square.
///
/// **Recurrence**: $v_k = αv_{k−1} + (1 − α)g_k^2$, $θ_{k+1} = θ_k − h g_k/(\sqrt{v_k} + ε)$, entry by entry, $g_k = ∇L(θ_k)$, v starts at zero.
/// **Symbols**: $h$ = `h`, the learning rate, in units of θ; $α$ = `decay`, 0 ≤ α < 1; $ε$ = `epsilon`, in units of the gradient; θ, g, v: p numbers.
/// **Properties**: a preconditioned descent for comparison, no integrator of the flow. Scaling L by a constant changes a step only through ε.
/// **Cost**: one gradient a step, the driver's; 2p numbers of memory; 7p flops.
/// **Fails when**: g² overflows.
/// **Reference**: G. Hinton, *Neural Networks for Machine Learning*, lecture 6e, 2012; ε outside the root and the defaults as in PyTorch.
#[derive(Debug, Clone)]
pub struct RmsProp {
    epsilon: f64,
    square: RunningMean,
}

impl RmsProp {
    /// With α = `decay` and ε = `epsilon`.
    pub fn new(decay: f64, epsilon: f64) -> Self {
        Self { epsilon, square: RunningMean::new(decay) }
    }
}

/// `method.rmsprop`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RmsPropSettings {
    /// Learning rate h > 0, in units of θ.
    pub h: f64,
    /// α, from 0 to below 1, without unit.
    pub decay: f64,
    /// ε > 0, in units of the gradient.
    pub epsilon: f64,
    /// The largest ‖∇L‖ used; a longer gradient is shortened to it [default: none].
    pub clip_norm: Option<f64>,
    /// The largest entry of ∇L used, by absolute value [default: none].
    pub clip_value: Option<f64>,
}

impl Default for RmsPropSettings {
    /// h = 0.01, α = 0.99 and ε = 1e-8, unclipped.
    fn default() -> Self {
        Self { h: 0.01, decay: 0.99, epsilon: 1e-8, clip_norm: None, clip_value: None }
    }
}

impl RmsPropSettings {
    fn clip(&self) -> Clip {
        Clip { norm: self.clip_norm, value: self.clip_value }
    }
}

impl Settings for RmsPropSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("rmsprop.h", self.h)?;
        kept_part("rmsprop.decay", self.decay)?;
        positive("rmsprop.epsilon", self.epsilon)?;
        self.clip().validate("rmsprop")
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(Clipped::new(RmsProp::new(self.decay, self.epsilon), self.clip()))
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn label(&self) -> String {
        format!("h = {}", self.h)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "rmsprop",
    title: "RMSProp",
    family: Family::Preconditioned,
    order: None,
    curvature: CurvatureNeed::None,
    stability: "does not follow the flow",
    cost: "1 gradient",
    textbook: &[],
};

impl<O: Objective + ?Sized> Discretization<O> for RmsProp {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.square.init(dim);
        Ok(())
    }

    fn linearize(&mut self, _objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.square.take_in(at.gradient, |g| g * g)
    }

    fn propose(
        &mut self,
        _objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        _events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        let square = self.square.next();
        for i in 0..delta.len() {
            delta[i] = -h * at.gradient[i] / (square[i].sqrt() + self.epsilon);
        }
        Ok(())
    }

    fn accepted(&mut self, _to: &[f64], _h: f64) {
        self.square.accept();
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        vec![self.square.state()]
    }
}
