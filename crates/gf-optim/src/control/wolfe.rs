//! A line search for the strong Wolfe conditions.

use serde::{Deserialize, Serialize};

use super::{Exhausted, Judgement, Needs, StepController, StepStart, Trial};
use crate::settings::positive;
use crate::{SettingsError, StepFailure};

/// Line search along a direction d: the α with φ(α) ≤ φ(0) + c₁αφ'(0) and |φ'(α)| ≤ c₂|φ'(0)|, φ(α) = L(θ + αd).
///
/// For methods whose step is h times a direction. It brackets by doubling, then zooms by safeguarded cubic interpolation. What L-BFGS wants: the second
/// condition keeps its curvature pairs positive.
/// **Cost**: one value with gradient a trial; the driver keeps the last gradient for the next step.
/// **Reference**: J. Nocedal, S. Wright, *Numerical Optimization*, algorithms 3.5 and 3.6.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct StrongWolfe {
    /// The first α of each step, without unit: the step is α times the method's.
    pub first: f64,
    /// c₁ of the sufficient decrease, 0 < c₁ < c₂, without unit.
    pub c1: f64,
    /// c₂ of the curvature condition, c₁ < c₂ < 1, without unit.
    pub c2: f64,
    /// The largest α tried, without unit.
    pub maximum: f64,
    /// Trials a step at most.
    pub max_trials: u32,
    /// What happens when the trials are spent.
    pub exhausted: Exhausted,
    #[serde(skip)]
    search: Search,
}

/// φ at one α.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sample {
    alpha: f64,
    value: f64,
    slope: f64,
}

/// The search of one step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Search {
    trials: u32,
    /// The best α so far with sufficient decrease; 0 at first.
    low: Option<Sample>,
    /// The other end, once a minimum is bracketed.
    high: Option<Sample>,
    /// The trials are spent: the next one is taken.
    last: bool,
}

impl Default for StrongWolfe {
    /// α from 1, c₁ = 1e-4, c₂ = 0.9, at most 30 trials up to α = 1e10, the best one taken when they are spent.
    fn default() -> Self {
        Self {
            first: 1.0,
            c1: 1e-4,
            c2: 0.9,
            maximum: 1e10,
            max_trials: 30,
            exhausted: Exhausted::Accept,
            search: Search::default(),
        }
    }
}

impl StrongWolfe {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        positive("wolfe.first", self.first)?;
        positive("wolfe.maximum", self.maximum)?;
        if !(self.c1 > 0.0 && self.c1 < self.c2 && self.c2 < 1.0) {
            let found = format!("c1 = {}, c2 = {}", self.c1, self.c2);
            return Err(SettingsError::new("wolfe.c1", "0 < c1 < c2 < 1", found));
        }
        if self.max_trials == 0 {
            return Err(SettingsError::new("wolfe.max_trials", "at least 1", 0));
        }
        Ok(())
    }

    /// Where a bracketed minimum is looked for next: the minimizer of the cubic through both ends, kept off them by a tenth.
    fn between(low: Sample, high: Sample) -> f64 {
        let width = high.alpha - low.alpha;
        let d1 = low.slope + high.slope - 3.0 * (low.value - high.value) / (low.alpha - high.alpha);
        let square = d1 * d1 - low.slope * high.slope;
        let d2 = square.sqrt().copysign(width);
        let cubic = high.alpha - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2);
        let share = (cubic - low.alpha) / width;
        low.alpha + width * if share.is_finite() { share.clamp(0.1, 0.9) } else { 0.5 }
    }

    fn next(&mut self, alpha: f64, smallest: f64) -> Judgement {
        if self.search.trials < self.max_trials && alpha > 0.0 {
            return Judgement::Retry(alpha);
        }
        match self.search.low.filter(|low| low.alpha > 0.0 && self.exhausted == Exhausted::Accept) {
            Some(low) => {
                self.search.last = true;
                Judgement::Retry(low.alpha)
            }
            None => Judgement::Abort(StepFailure::NoDecrease { smallest }),
        }
    }
}

impl StepController for StrongWolfe {
    fn needs(&self) -> Needs {
        Needs::LossAndGradient
    }

    fn follows_flow(&self) -> bool {
        false
    }

    fn first(&mut self, _start: StepStart) -> f64 {
        self.search = Search::default();
        self.first
    }

    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        let (Some(value), Some(slope)) = (trial.trial_loss, trial.trial_slope) else { return Judgement::Accept };
        if self.search.last {
            return Judgement::AcceptExhausted;
        }
        let start = Sample { alpha: 0.0, value: trial.loss, slope: trial.slope / trial.h };
        if start.slope == 0.0 && value <= trial.loss {
            // At a critical point there is nothing to search.
            return Judgement::Accept;
        }
        if start.slope >= 0.0 || start.slope.is_nan() {
            return Judgement::Abort(StepFailure::Ascent { slope: trial.slope });
        }
        self.search.trials += 1;
        let here = Sample { alpha: trial.h, value, slope: slope / trial.h };
        let low = self.search.low.unwrap_or(start);
        let decreases = value <= start.value + self.c1 * here.alpha * start.slope;
        // Written so that NaN brackets.
        if !(decreases && (value < low.value || low.alpha == 0.0)) {
            self.search.high = Some(here);
        } else if here.slope.abs() <= -self.c2 * start.slope {
            return Judgement::Accept;
        } else {
            let uphill = match self.search.high {
                None => here.slope >= 0.0,
                Some(high) => here.slope * (high.alpha - low.alpha) >= 0.0,
            };
            if uphill {
                self.search.high = Some(low);
            }
            self.search.low = Some(here);
        }
        let low = self.search.low.unwrap_or(start);
        let next = match self.search.high {
            Some(high) => Self::between(low, high),
            None if here.alpha >= self.maximum => {
                self.search.trials = self.max_trials;
                here.alpha
            }
            None => (2.0 * here.alpha).min(self.maximum),
        };
        self.next(next, here.alpha)
    }

    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement {
        if !failure.may_pass_with_a_shorter_step() {
            return Judgement::Abort(failure);
        }
        self.search.trials += 1;
        // It brackets like an infinite value: halfway to the best α so far.
        let wall = Sample { alpha: h, value: f64::INFINITY, slope: f64::INFINITY };
        self.search.high = Some(wall);
        let low = self.search.low.unwrap_or_default();
        self.next(Self::between(low, wall), h)
    }
}
