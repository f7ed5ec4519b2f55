//! AdamW: [`super::Adam`] with decoupled weight decay.

use serde::{Deserialize, Serialize};

use super::adam::AdamSettings;
use crate::SettingsError;
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};

/// `method.adamw`: [`super::Adam`] with a weight decay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AdamWSettings {
    /// Learning rate h > 0, in units of θ.
    pub h: f64,
    /// β₁, from 0 to below 1, without unit.
    pub beta1: f64,
    /// β₂, from 0 to below 1, without unit.
    pub beta2: f64,
    /// ε > 0, in units of the gradient.
    pub epsilon: f64,
    /// w ≥ 0: every step takes hw of θ away, beside the loss. Per unit of θ.
    pub weight_decay: f64,
    /// The largest ‖∇L‖ used; a longer gradient is shortened to it [default: none].
    pub clip_norm: Option<f64>,
    /// The largest entry of ∇L used, by absolute value [default: none].
    pub clip_value: Option<f64>,
}

impl Default for AdamWSettings {
    /// Adam's, with PyTorch's weight decay of 0.01.
    fn default() -> Self {
        let AdamSettings { h, beta1, beta2, epsilon, clip_norm, clip_value } = AdamSettings::default();
        Self { h, beta1, beta2, epsilon, weight_decay: 0.01, clip_norm, clip_value }
    }
}

impl AdamWSettings {
    fn adam(&self) -> AdamSettings {
        let Self { h, beta1, beta2, epsilon, clip_norm, clip_value, .. } = *self;
        AdamSettings { h, beta1, beta2, epsilon, clip_norm, clip_value }
    }
}

impl Settings for AdamWSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return Err(SettingsError::new("adamw.weight_decay", "a number that is not negative", self.weight_decay));
        }
        self.adam().check("adamw")
    }

    fn build(&self) -> Box<AnyMethod> {
        self.adam().method(self.weight_decay)
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn label(&self) -> String {
        format!("h = {}, weight decay {}", self.h, self.weight_decay)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "adamw",
    title: "AdamW (Adam with decoupled weight decay)",
    family: Family::Preconditioned,
    order: None,
    curvature: CurvatureNeed::None,
    stability: "does not follow the flow",
    cost: "1 gradient",
    textbook: &[],
};
