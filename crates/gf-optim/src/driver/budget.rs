//! When a run ends.

/// When a run ends by itself. Conditions that are not wanted keep their neutral values of [`Budget::steps`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Accepted steps at most.
    pub steps: u64,
    /// Flow time; infinite means no limit. The last step may go beyond.
    pub flow_time: f64,
    /// Ends when ‖∇L‖ on the step's sample is at most this.
    pub gradient_norm: f64,
    /// Ends when the loss on the step's sample is at most this; −∞ means never.
    pub loss: f64,
    /// Ends when a step changed the loss on its sample by at most this, relative to the larger of the loss and 1; 0 means never.
    pub loss_change: f64,
    /// A loss above this counts as divergence, as infinity and NaN always do.
    pub loss_limit: f64,
}

impl Budget {
    /// Ends after `steps` accepted steps, or by divergence or failure.
    pub fn steps(steps: u64) -> Self {
        Self {
            steps,
            flow_time: f64::INFINITY,
            gradient_norm: 0.0,
            loss: f64::NEG_INFINITY,
            loss_change: 0.0,
            loss_limit: f64::INFINITY,
        }
    }
}
