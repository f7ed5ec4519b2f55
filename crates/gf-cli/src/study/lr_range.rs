//! `[lr_range]`: a learning-rate range test.

use miette::Report;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ArmSpec, Problem, misuse};

/// `[lr_range]`: every arm whose h is its own, on every seed, from its start with h growing geometrically, one batch a value. What the arms then run is untouched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LrRange {
    /// Names of the arms to test [default: all whose h is their own].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arms: Option<Vec<String>>,
    /// The first h, above 0, in the method's unit; 1e-6 by default.
    pub from: f64,
    /// The last h, above `from`; 1 by default.
    pub to: f64,
    /// Values of h, at least 2; 100 by default.
    pub steps: u64,
    /// β of the running mean of the losses, from 0 (none) to below 1 [default: 0.8 on mini-batches, 0 on the whole training set].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smoothing: Option<f64>,
}

impl Default for LrRange {
    /// 100 values from 1e-6 to 1.
    fn default() -> Self {
        Self { arms: None, from: 1e-6, to: 1.0, steps: 100, smoothing: None }
    }
}

impl LrRange {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The key, and what was expected and found.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        let expect = |holds: bool, key: &'static str, expected: &str, found: String| {
            if holds { Ok(()) } else { Err((key, format!("expected {expected}, found {found}"))) }
        };
        expect(self.from > 0.0 && self.from.is_finite(), "from", "a positive number", self.from.to_string())?;
        let above = format!("a number above from = {}", self.from);
        expect(self.to > self.from && self.to.is_finite(), "to", &above, self.to.to_string())?;
        expect((2..=100_000).contains(&self.steps), "steps", "2 to 100000", self.steps.to_string())?;
        let smoothing = self.smoothing.unwrap_or(0.0);
        expect((0.0..1.0).contains(&smoothing), "smoothing", "a number from 0 to below 1", smoothing.to_string())
    }

    /// The arms of a study that are tested.
    pub fn tested<'a>(&'a self, arms: &'a [ArmSpec]) -> impl Iterator<Item = &'a ArmSpec> {
        let is_named = |arm: &&ArmSpec| self.arms.as_ref().is_none_or(|names| names.contains(&arm.name));
        arms.iter().filter(|arm| arm.has_constant_control()).filter(is_named)
    }

    /// The h of step k = 1, 2, …: from·(to/from)^((k − 1)/(steps − 1)).
    pub fn h(&self, step: u64) -> f64 {
        let share = (step - 1) as f64 / (self.steps - 1) as f64;
        self.from * (self.to / self.from).powf(share)
    }
}

impl Problem {
    /// Checks `[lr_range]`, where the study has it.
    pub(super) fn check_lr_range(&self) -> Result<(), Report> {
        let Some(spec) = &self.study.lr_range else { return Ok(()) };
        spec.validate().map_err(|(key, message)| self.document.error_at(&["lr_range", key], message))?;
        for name in spec.arms.iter().flatten() {
            let tested = spec.tested(&self.study.arms).any(|arm| arm.name == *name);
            if !tested {
                let message = format!("expected names of arms whose h is their own, found \"{name}\"");
                return Err(self.document.error_at(&["lr_range", "arms"], message));
            }
        }
        match spec.tested(&self.study.arms).next().is_some() {
            true => Ok(()),
            false => Err(self
                .document
                .error_at(&["lr_range"], "expected an arm whose h is its own; all leave it to step control")),
        }
    }
}

/// Checks what the command line gave in place of `[lr_range]`.
///
/// # Errors
/// Names the flag, expected and found.
pub(crate) fn check_flags(spec: &LrRange) -> Result<(), Report> {
    spec.validate().map_err(|(key, message)| misuse(format!("--{key}: {message}")))
}
