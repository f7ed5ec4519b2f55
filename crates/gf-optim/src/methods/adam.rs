//! Adam.

use gf_core::{Counted, Objective};
use serde::{Deserialize, Serialize};

use super::clip::{Clip, Clipped};
use super::heavy_ball::kept_part;
use super::moments::RunningMean;
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Adam, and with a weight decay AdamW: the running mean of the gradient over the root of that of its squares, both corrected for their start at zero.
///
/// **Recurrence**: $m_k = β_1 m_{k−1} + (1 − β_1)g_k$, $v_k = β_2 v_{k−1} + (1 − β_2)g_k^2$, $\hat m_k = m_k/(1 − β_1^k)$, $\hat v_k = v_k/(1 − β_2^k)$,
/// $θ_{k+1} = θ_k − h(\hat m_k/(\sqrt{\hat v_k} + ε) + wθ_k)$, entry by entry, $g_k$ the k-th gradient, k = 1, 2, ….
/// **Symbols**: $h$ = `h`, the learning rate, in units of θ; $β_1$, $β_2$ = `beta1`, `beta2`, from 0 to below 1; $ε$ = `epsilon`, in units of the
/// gradient; $w$ = `weight_decay`, 0 in Adam, per unit of θ; θ, g, m, v: p numbers.
/// **Properties**: a preconditioned descent for comparison, no integrator of the flow. The first step of Adam is −h g/(|g| + ε).
/// **Cost**: one gradient a step, the driver's; 4p numbers of memory; about 15p flops.
/// **Fails when**: g² overflows.
/// **Reference**: D. Kingma, J. Ba, *ICLR* 2015; I. Loshchilov, F. Hutter, *ICLR* 2019, where the decay is ηw with h = ηα (here, as in PyTorch, hw).
#[derive(Debug, Clone)]
pub struct Adam {
    beta: [f64; 2],
    epsilon: f64,
    weight_decay: f64,
    mean: RunningMean,
    square: RunningMean,
    /// β₁ᵏ and β₂ᵏ after k accepted steps.
    powers: [f64; 2],
}

impl Adam {
    /// With β₁ = `beta1`, β₂ = `beta2`, ε = `epsilon`, without weight decay.
    pub fn new(beta1: f64, beta2: f64, epsilon: f64) -> Self {
        let (mean, square) = (RunningMean::new(beta1), RunningMean::new(beta2));
        Self { beta: [beta1, beta2], epsilon, weight_decay: 0.0, mean, square, powers: [1.0; 2] }
    }

    /// AdamW with the weight decay w.
    pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

/// `method.adam`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AdamSettings {
    /// Learning rate h > 0, in units of θ.
    pub h: f64,
    /// β₁, from 0 to below 1, without unit.
    pub beta1: f64,
    /// β₂, from 0 to below 1, without unit.
    pub beta2: f64,
    /// ε > 0, in units of the gradient.
    pub epsilon: f64,
    /// The largest ‖∇L‖ used; a longer gradient is shortened to it [default: none].
    pub clip_norm: Option<f64>,
    /// The largest entry of ∇L used, by absolute value [default: none].
    pub clip_value: Option<f64>,
}

impl Default for AdamSettings {
    /// Kingma and Ba's: h = 0.001, β₁ = 0.9, β₂ = 0.999 and ε = 1e-8, unclipped.
    fn default() -> Self {
        Self { h: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip_norm: None, clip_value: None }
    }
}

impl AdamSettings {
    fn clip(&self) -> Clip {
        Clip { norm: self.clip_norm, value: self.clip_value }
    }

    /// Checks the ranges; `method` is the key of the table.
    pub(super) fn check(&self, method: &str) -> Result<(), SettingsError> {
        positive(&format!("{method}.h"), self.h)?;
        kept_part(&format!("{method}.beta1"), self.beta1)?;
        kept_part(&format!("{method}.beta2"), self.beta2)?;
        positive(&format!("{method}.epsilon"), self.epsilon)?;
        self.clip().validate(method)
    }

    pub(super) fn method(&self, weight_decay: f64) -> Box<AnyMethod> {
        let adam = Adam::new(self.beta1, self.beta2, self.epsilon).with_weight_decay(weight_decay);
        Box::new(Clipped::new(adam, self.clip()))
    }
}

impl Settings for AdamSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        self.check("adam")
    }

    fn build(&self) -> Box<AnyMethod> {
        self.method(0.0)
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn label(&self) -> String {
        format!("h = {}", self.h)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "adam",
    title: "Adam",
    family: Family::Preconditioned,
    order: None,
    curvature: CurvatureNeed::None,
    stability: "does not follow the flow",
    cost: "1 gradient",
    textbook: &[],
};

impl<O: Objective + ?Sized> Discretization<O> for Adam {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.mean.init(dim);
        self.square.init(dim);
        self.powers = [1.0; 2];
        Ok(())
    }

    fn linearize(&mut self, _objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.mean.take_in(at.gradient, |g| g)?;
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
        let correction = [0, 1].map(|i| 1.0 - self.powers[i] * self.beta[i]);
        let (mean, square) = (self.mean.next(), self.square.next());
        for i in 0..delta.len() {
            let scaled = mean[i] / correction[0] / ((square[i] / correction[1]).sqrt() + self.epsilon);
            delta[i] = -h * (scaled + self.weight_decay * at.theta[i]);
        }
        Ok(())
    }

    fn accepted(&mut self, _to: &[f64], _h: f64) {
        self.mean.accept();
        self.square.accept();
        (0..2).for_each(|i| self.powers[i] *= self.beta[i]);
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        vec![self.mean.state(), self.square.state(), &mut self.powers]
    }
}
