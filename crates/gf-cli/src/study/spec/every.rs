//! How often: in steps or in epochs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `10` steps, `"epoch"` for every epoch, or `{ epochs = 2 }` for every other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number of steps, \"epoch\", or { epochs = n } with n at least 1")]
pub enum Every {
    /// A number of steps.
    Steps(u64),
    /// The word `epoch`.
    Word(EpochWord),
    /// A number of epochs.
    Epochs(EpochCount),
}

/// The word that stands for one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EpochWord {
    /// Every epoch.
    Epoch,
}

/// `{ epochs = n }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpochCount {
    /// Passes through the training set.
    pub epochs: u64,
}

impl Every {
    /// In steps, for an arm with so many batches an epoch.
    pub fn steps(self, batches_per_epoch: u64) -> u64 {
        match self {
            Self::Steps(steps) => steps,
            Self::Word(EpochWord::Epoch) => batches_per_epoch,
            Self::Epochs(EpochCount { epochs }) => epochs.saturating_mul(batches_per_epoch),
        }
    }

    /// Whether it never comes.
    pub fn is_zero(self) -> bool {
        self.steps(1) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Key {
        every: Every,
    }

    #[test]
    fn all_spellings_are_read_and_written() {
        for (text, steps) in [("every = 10", 10), ("every = \"epoch\"", 7), ("every = { epochs = 3 }", 21)] {
            let key: Key = toml::from_str(text).unwrap();
            assert_eq!(key.every.steps(7), steps, "{text}");
            let written = toml::to_string(&key).unwrap();
            assert_eq!(toml::from_str::<Key>(&written).unwrap().every, key.every, "{written}");
        }
        for text in ["every = \"epochs\"", "every = -1", "every = { epoch = 3 }", "every = 1.5"] {
            let error = toml::from_str::<Key>(text).unwrap_err();
            assert!(error.message().contains("expected a number of steps, \"epoch\""), "{text}: {error}");
        }
    }
}
