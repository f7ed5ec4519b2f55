//! `[[claim]]`: the keys of statements that the report answers.

use serde::{Deserialize, Serialize};

/// `[[claim]]`: a statement with the rule that decides it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimSpec {
    /// In words.
    pub text: String,
    /// How it is decided.
    pub check: ClaimRule,
}

/// Rules that decide claims.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClaimRule {
    /// `leader` has the lower median of `metric` over the window than `follower`, in at least 4 of 5 seeds, paired.
    Ahead {
        /// Arm.
        leader: String,
        /// Arm.
        follower: String,
        /// First and last step of the window.
        steps: [u64; 2],
        /// Column of the history.
        metric: String,
    },
    /// At the end of the runs of `arm`, the median of `metric` over the seeds is at least `level`; at most, for losses and errors.
    Reaches {
        /// Arm.
        arm: String,
        /// The level, in the unit of the metric.
        level: f64,
        /// Column of the history.
        metric: String,
    },
    /// `metric` of `arm` falls like step^(−exponent) over the window: the fitted interval contains it in at least 4 of 5 seeds.
    PowerLaw {
        /// Arm.
        arm: String,
        /// Expected exponent, positive.
        exponent: f64,
        /// First and last step of the window.
        steps: [u64; 2],
        /// Column of the history.
        metric: String,
    },
    /// Once `metric` of `arm` has been below `level`, it rises above twice `level` again, in at least 4 of 5 seeds.
    UnstableBelow {
        /// Arm.
        arm: String,
        /// The level.
        level: f64,
        /// Column of the history.
        metric: String,
    },
}

impl ClaimRule {
    /// The column of the history that it judges.
    pub fn metric(&self) -> &str {
        match self {
            Self::Ahead { metric, .. }
            | Self::Reaches { metric, .. }
            | Self::PowerLaw { metric, .. }
            | Self::UnstableBelow { metric, .. } => metric,
        }
    }

    /// First and last step of its window.
    pub fn steps(&self) -> Option<[u64; 2]> {
        match self {
            Self::Ahead { steps, .. } | Self::PowerLaw { steps, .. } => Some(*steps),
            Self::Reaches { .. } | Self::UnstableBelow { .. } => None,
        }
    }

    /// The level that its metric is held against.
    pub fn level(&self) -> Option<f64> {
        match self {
            Self::Reaches { level, .. } | Self::UnstableBelow { level, .. } => Some(*level),
            Self::Ahead { .. } | Self::PowerLaw { .. } => None,
        }
    }

    /// The arms it speaks of.
    pub fn arms(&self) -> Vec<&str> {
        match self {
            Self::Ahead { leader, follower, .. } => vec![leader, follower],
            Self::Reaches { arm, .. } | Self::PowerLaw { arm, .. } | Self::UnstableBelow { arm, .. } => vec![arm],
        }
    }
}
