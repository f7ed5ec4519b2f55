//! `[[arm]]`: the keys of a method that is compared.

use gf_layers::{Activation, Initialization};
use gf_optim::registry::{ControlSettings, MethodSettings};
use gf_optim::schedule::{Schedule, Span};
use gf_optim::{SettingsError, StepController};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::study::LossSpec;

/// `[[arm]]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmSpec {
    /// Unique; a name for files and legends.
    pub name: String,
    /// The arm with lists that this one comes from; arms of one group are a sweep [default: none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `method.implicit = { h = 0.05 }` and so on; see `gf methods`. A list in the place of a value, `h = [0.1, 0.2]`, stands for one arm a value; so in
    /// `control` and `schedule`.
    pub method: MethodSettings,
    /// `control.armijo = { … }` or `control.constant = {}` [default: the method's own].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlSettings>,
    /// How the method's h changes along the run: `schedule.cosine = { … }`, several members multiply; see `gf schedule --list`. Durations in epochs. Only beside
    /// a constant control [default: constant].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Samples a batch, where they differ from those of `[run]`; 0 is the whole training set [default: run.batch].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Samples a batch that the curvature is computed on; 0 is the whole training set [default: the batch of the gradient].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curvature_batch: Option<usize>,
    /// θ before the first step, for `[problem]` only; several, `[[1.0, 2.0], [3.0, 4.0]]`, stand for one arm a start [default: the problem's].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
    /// Standard deviation of a random force that is added to the gradient, new in every step, as a mini-batch does, in units of the gradient; for
    /// `[problem]` only [default: 0, none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_noise: Option<f64>,
    /// How initial parameters are drawn [default: as `[network]` says].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
    /// Skip connections around all hidden layers that are as wide as their inputs, or around none [default: the network's].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<bool>,
    /// The whole of `[loss]`, l2 included [default: the problem's].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossSpec>,
    /// The activation of the last layer [default: the network's].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Activation>,
    /// Steps of this arm, in place of the steps and epochs of `[run]` [default: run.steps].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Passes of this arm through the training set, in place of the steps and epochs of `[run]`; with `steps` too, whichever ends first
    /// [default: run.epochs].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
}

impl ArmSpec {
    /// A method and nothing else, named after it.
    pub fn of_method(method: MethodSettings) -> Self {
        Self {
            name: method.info().name.into(),
            group: None,
            method,
            control: None,
            schedule: None,
            batch: None,
            curvature_batch: None,
            start: None,
            gradient_noise: None,
            initialization: None,
            skip: None,
            loss: None,
            output: None,
            steps: None,
            epochs: None,
        }
    }

    /// The step size of all steps, where the method has the setting `h` and a constant step.
    pub fn h(&self) -> Option<f64> {
        let table = toml::Value::try_from(&self.method).ok()?;
        let h = table.get(self.method.info().name)?.get("h")?.as_float();
        h.filter(|_| self.has_constant_step())
    }

    /// Whether every step is of the method's own size.
    pub fn has_constant_step(&self) -> bool {
        self.schedule.is_none() && self.has_constant_control()
    }

    /// Whether no step control chooses sizes, so that they are the method's own, times those of a schedule.
    pub fn has_constant_control(&self) -> bool {
        let own = self.method.settings().default_control();
        matches!(self.control.as_ref().unwrap_or(&own), ControlSettings::Constant(_))
    }

    /// The step control, under the arm's schedule where it has one; `span` is the run.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn build_control(&self, span: Span) -> Result<Box<dyn StepController + Send>, SettingsError> {
        match &self.schedule {
            None => self.method.build_control(self.control.as_ref()),
            Some(schedule) => self.method.build_scheduled_control(self.control.as_ref(), schedule, span),
        }
    }

    /// What tells arms of one method apart, in a few words.
    pub fn label(&self) -> String {
        let members = self.schedule.iter().flat_map(Schedule::names);
        std::iter::once(self.method.settings().label())
            .chain(members.map(str::to_string))
            .collect::<Vec<_>>()
            .join(" × ")
    }
}
