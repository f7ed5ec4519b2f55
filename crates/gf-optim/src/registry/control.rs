//! Step control by name, and which method it serves.

use serde::{Deserialize, Serialize};

use super::MethodSettings;
use crate::control::{
    Armijo, Constant, EmbeddedError, GainRatio, Scheduled, StrongWolfe, SwitchedEvolution, TrustRadius,
};
use crate::schedule::{Schedule, Span};
use crate::{SettingsError, StepController};

/// Step control, as a study gives it: `control.armijo = { c = 1e-4 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ControlSettings {
    /// The method's own step size, always.
    Constant(ConstantSettings),
    /// Backtracking.
    Armijo(Armijo),
    /// A line search for the strong Wolfe conditions.
    Wolfe(StrongWolfe),
    /// PI control of an embedded error estimate.
    EmbeddedError(EmbeddedError),
    /// Pseudo-transient continuation.
    SwitchedEvolution(SwitchedEvolution),
    /// The radius of a trust region.
    TrustRadius(TrustRadius),
    /// Damping 1/h by Nielsen's rule.
    GainRatio(GainRatio),
}

impl ControlSettings {
    /// The name in studies.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant(_) => "constant",
            Self::Armijo(_) => "armijo",
            Self::Wolfe(_) => "wolfe",
            Self::EmbeddedError(_) => "embedded-error",
            Self::SwitchedEvolution(_) => "switched-evolution",
            Self::TrustRadius(_) => "trust-radius",
            Self::GainRatio(_) => "gain-ratio",
        }
    }
}

/// `control.constant`: nothing to set; h is the method's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConstantSettings {}

impl MethodSettings {
    /// The step control `control` for this method; its own when none is given.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn build_control(
        &self,
        control: Option<&ControlSettings>,
    ) -> Result<Box<dyn StepController + Send>, SettingsError> {
        let settings = self.settings();
        let first = settings.first_step_size();
        Ok(match control.unwrap_or(&settings.default_control()) {
            ControlSettings::Constant(_) if settings.shrinks() => Box::new(Constant::shrinking(first)),
            ControlSettings::Constant(_) => Box::new(Constant::new(first)),
            ControlSettings::Armijo(armijo) => {
                armijo.validate()?;
                Box::new(Armijo { first: armijo.first * first, ..*armijo })
            }
            ControlSettings::Wolfe(wolfe) => {
                wolfe.validate()?;
                let mut wolfe = *wolfe;
                wolfe.first *= first;
                Box::new(wolfe)
            }
            ControlSettings::EmbeddedError(control) => {
                control.validate()?;
                if !settings.estimates_error() {
                    let expected = "a method with an embedded error estimate beside control.embedded-error";
                    return Err(SettingsError::new("method", expected, self.info().name));
                }
                let mut control = *control;
                control.first.get_or_insert(first);
                Box::new(control)
            }
            ControlSettings::SwitchedEvolution(control) => {
                control.validate()?;
                let mut control = *control;
                control.first.get_or_insert(first);
                Box::new(control)
            }
            ControlSettings::TrustRadius(control) => {
                control.validate()?;
                self.expect_model("trust-radius")?;
                let mut control = *control;
                control.first.get_or_insert(first);
                Box::new(control)
            }
            ControlSettings::GainRatio(control) => {
                control.validate()?;
                self.expect_model("gain-ratio")?;
                let mut control = *control;
                control.first.get_or_insert(first);
                Box::new(control)
            }
        })
    }

    /// The same under a schedule; `span` is the run.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key, below `schedule` or `control`; also where the control is not constant.
    pub fn build_scheduled_control(
        &self,
        control: Option<&ControlSettings>,
        schedule: &Schedule,
        span: Span,
    ) -> Result<Box<dyn StepController + Send>, SettingsError> {
        self.check_schedule(control, schedule)?;
        schedule.check(&span)?;
        let settings = self.settings();
        let first = settings.first_step_size();
        let constant = if settings.shrinks() { Constant::shrinking(first) } else { Constant::new(first) };
        Ok(Box::new(Scheduled::new(constant, *schedule, span)))
    }

    /// Checks a schedule and that the control leaves the step sizes to it.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key, below `schedule`.
    pub fn check_schedule(&self, control: Option<&ControlSettings>, schedule: &Schedule) -> Result<(), SettingsError> {
        schedule.validate()?;
        let own = self.settings().default_control();
        match control.unwrap_or(&own) {
            ControlSettings::Constant(_) => Ok(()),
            chooses => {
                let found = format!("control.{}, which chooses its own sizes", chooses.name());
                Err(SettingsError::new("", "control.constant = {} beside a schedule", found))
            }
        }
    }

    fn expect_model(&self, control: &str) -> Result<(), SettingsError> {
        if self.settings().predicts_decrease() {
            return Ok(());
        }
        let expected = format!("a method that predicts the decrease of the loss beside control.{control}");
        Err(SettingsError::new("method", &expected, self.info().name))
    }
}
