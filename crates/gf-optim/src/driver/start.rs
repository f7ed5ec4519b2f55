//! Where a run starts: at parameters, or where another one ended.

use gf_core::{EvalError, Work, check_len};
use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::{Discretization, StepController};

/// Where a run starts: at parameters, or where another run ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Start {
    /// θ, p numbers.
    pub theta: Vec<f64>,
    /// Steps taken already.
    pub step: u64,
    /// Flow time passed already.
    pub time: f64,
    /// Work done already.
    pub work: Work,
    /// Gradient-equivalents of it.
    pub gradient_equivalents: f64,
    /// Proposals rejected already.
    pub rejected: u64,
    /// What the driver carried at its end.
    pub carried: Carried,
    /// What [`Discretization::state`] held; empty for a fresh method.
    pub method: Vec<Vec<f64>>,
    /// What [`StepController::state`] held; empty for a fresh controller.
    pub control: Vec<f64>,
}

impl From<Vec<f64>> for Start {
    fn from(theta: Vec<f64>) -> Self {
        Self { theta, ..Self::default() }
    }
}

impl Start {
    /// Where `outcome` ended, with the states of its method and its controller: a run from here takes the steps that the first one would have
    /// taken, bit for bit.
    pub fn resume<O: ?Sized, M: Discretization<O> + ?Sized>(
        outcome: &Outcome,
        method: &mut M,
        controller: &mut dyn StepController,
    ) -> Self {
        Self {
            theta: outcome.theta.clone(),
            step: outcome.steps,
            time: outcome.time.unwrap_or(0.0),
            work: outcome.work,
            gradient_equivalents: outcome.gradient_equivalents,
            rejected: outcome.rejected,
            carried: outcome.carried.clone(),
            method: method.state().into_iter().map(|part| part.to_vec()).collect(),
            control: controller.state().into_iter().map(|x| *x).collect(),
        }
    }

    /// Hands the states on to `method` and `controller`.
    pub(super) fn restore<O: ?Sized, M: Discretization<O> + ?Sized>(
        &self,
        method: &mut M,
        controller: &mut dyn StepController,
    ) -> Result<(), EvalError> {
        if !self.method.is_empty() {
            let state = method.state();
            check_len("the method's state", state.len(), self.method.len())?;
            for (into, from) in state.into_iter().zip(&self.method) {
                check_len("a part of the method's state", into.len(), from.len())?;
                into.copy_from_slice(from);
            }
        }
        if !self.control.is_empty() {
            let state = controller.state();
            check_len("the controller's state", state.len(), self.control.len())?;
            state.into_iter().zip(&self.control).for_each(|(into, from)| *into = *from);
        }
        Ok(())
    }
}

/// What the driver carries from one step to the next, beside θ and the counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Carried {
    /// The loss that the last step started from; none before the first.
    pub last_loss: Option<f64>,
    /// Loss and gradient at θ on the sample of the last step, where its controller had asked for both.
    pub known: Option<(f64, Vec<f64>)>,
}
