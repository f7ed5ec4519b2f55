//! How a run ended, and why.

use gf_core::{EvalError, Work};
use thiserror::Error;

use super::Carried;
use crate::{SetupError, StepFailure};

/// Why a run ended. A numerical failure is an outcome: everything up to it is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// All steps were taken.
    Steps,
    /// The flow time was reached.
    FlowTime,
    /// The gradient is small enough.
    GradientNorm,
    /// The loss is small enough.
    Loss,
    /// The loss hardly changed. On mini-batches that is: between the losses that two steps started from.
    LossChange,
    /// An observer asked for the end, for this reason.
    Requested(&'static str),
    /// The loss, the gradient or θ became infinite or NaN, or the loss exceeded the limit.
    Diverged {
        /// What did.
        what: &'static str,
    },
    /// No step could be taken.
    Failed(StepFailure),
}

impl Stop {
    /// Whether the run failed, by divergence or for want of a step.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Diverged { .. } | Self::Failed(_))
    }

    /// A short name: `steps`, `flow-time`, `gradient-norm`, `loss`, `loss-change`, `diverged`, `failed`, or an observer's reason.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::FlowTime => "flow-time",
            Self::GradientNorm => "gradient-norm",
            Self::Loss => "loss",
            Self::LossChange => "loss-change",
            Self::Requested(reason) => reason,
            Self::Diverged { .. } => "diverged",
            Self::Failed(_) => "failed",
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Diverged { what } => write!(f, "diverged: {what}"),
            Self::Failed(failure) => write!(f, "failed: {failure}"),
            other => f.write_str(other.name()),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub stop: Stop,
    /// θ after the last accepted step.
    pub theta: Vec<f64>,
    /// Accepted steps.
    pub steps: u64,
    /// Flow time, for methods that follow the flow's clock.
    pub time: Option<f64>,
    /// The last loss computed by the driver, on a step's sample before its update.
    pub loss: f64,
    /// All work, that of the failed last step included.
    pub work: Work,
    /// Model flops over those of one value and gradient.
    pub gradient_equivalents: f64,
    /// Rejected proposals.
    pub rejected: u64,
    /// What the next step would have been spared, and compared with.
    pub carried: Carried,
}

/// Misuse: the run could not start, or the objective broke its contract.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RunError {
    /// Wrong lengths.
    #[error(transparent)]
    Evaluation(#[from] EvalError),
    /// Memory.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The start is not finite.
    #[error("the initial parameters are not finite: entry {index} is {value}")]
    Start {
        /// Which entry.
        index: usize,
        /// Its value.
        value: f64,
    },
}
