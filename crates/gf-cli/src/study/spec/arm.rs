//! `[[arm]]`: the keys of a method that is compared.

use gf_layers::{Activation, Initialization};
use gf_optim::registry::{ControlSettings, MethodSettings};
use serde::{Deserialize, Serialize};

use crate::study::LossSpec;

/// `[[arm]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSpec {
    /// Unique; a name for files and legends.
    pub name: String,
    /// The arm with lists that this one comes from; arms of one group are a sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `method.implicit = { h = 0.05 }` and so on; see `gf methods`.
    pub method: MethodSettings,
    /// `control.armijo = { … }` or `control.constant = {}`; the method's own when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlSettings>,
    /// Samples a batch, where they differ from `run.batch`; 0 is the whole training set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Samples a batch that the curvature is computed on, where it is not that of the gradient; 0 is the whole training set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curvature_batch: Option<usize>,
    /// θ before the first step, where it differs from the problem's; for `[problem]` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
    /// Standard deviation of a random force that is added to the gradient, new in every step, as a mini-batch does; for `[problem]` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_noise: Option<f64>,
    /// How initial parameters are drawn, where it differs from the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
    /// Skip connections around all hidden layers that are as wide as their inputs (or around none), where they differ from the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<bool>,
    /// The whole of `[loss]`, l2 included, where it differs from the problem's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossSpec>,
    /// The activation of the last layer, where it differs from the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Activation>,
    /// Steps of this arm, in place of the steps and epochs of `[run]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Passes of this arm through the training set, in place of the steps and epochs of `[run]`; with `steps` too, whichever ends first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
}

impl ArmSpec {
    /// The step size of all steps, where the method has the setting `h` and a constant step.
    pub fn h(&self) -> Option<f64> {
        let table = toml::Value::try_from(&self.method).ok()?;
        let h = table.get(self.method.info().name)?.get("h")?.as_float();
        h.filter(|_| self.has_constant_step())
    }

    /// Whether every step is of the method's own size.
    pub fn has_constant_step(&self) -> bool {
        let own = self.method.settings().default_control();
        matches!(self.control.as_ref().unwrap_or(&own), ControlSettings::Constant(_))
    }
}
