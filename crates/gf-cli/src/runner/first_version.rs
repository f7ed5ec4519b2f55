//! What version 1 of the formats of checkpoints and results held: they had no paths, and another fingerprint of the samples.

use gf_core::Targets;
use gf_optim::Start;
use gf_utils::history::{Best, Table};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::watches::Watched;
use super::{ArmRun, Done, FirstStep};
use crate::study::{Problem, Subject};

/// A content that version 1 of its format had too, with less in it.
pub(super) trait FirstVersion: Serialize + DeserializeOwned + From<Self::Was> {
    /// As it was.
    type Was: DeserializeOwned;
}

impl FirstVersion for Checkpoint {
    type Was = FirstCheckpoint;
}

impl FirstVersion for Done {
    type Was = FirstDone;
}

/// A [`Checkpoint`] of version 1.
#[derive(Deserialize)]
pub(super) struct FirstCheckpoint {
    start: Start,
    history: Table,
    best: Option<Best>,
    watched: Watched,
}

impl From<FirstCheckpoint> for Checkpoint {
    fn from(was: FirstCheckpoint) -> Self {
        let FirstCheckpoint { start, history, best, watched } = was;
        Self { start, history, best, watched, path: None }
    }
}

/// A [`Done`] of version 1.
#[derive(Deserialize)]
pub(super) enum FirstDone {
    Arm(Box<ArmRun>),
    Start(Box<FirstStep>),
}

impl From<FirstDone> for Done {
    fn from(was: FirstDone) -> Self {
        match was {
            FirstDone::Arm(run) => Self::Arm(run, None),
            FirstDone::Start(row) => Self::Start(row),
        }
    }
}

/// What stood for the samples of a seed: CRC-32 of inputs and targets of the training and the validation part, scaled; 0 for functions.
pub(super) fn fingerprint(problem: &Problem, seed: u64) -> Option<u32> {
    if let Subject::Function(_) = problem.subject {
        return Some(0);
    }
    let data = problem.data(seed).ok()?;
    let mut hasher = crc32fast::Hasher::new();
    for samples in [data.train.own(), data.validation.own()] {
        samples.inputs().iter().for_each(|x| hasher.update(&x.to_le_bytes()));
        match samples.targets() {
            Targets::Values { values, .. } => values.iter().for_each(|y| hasher.update(&y.to_le_bytes())),
            Targets::Classes { labels, .. } => labels.iter().for_each(|label| hasher.update(&label.to_le_bytes())),
        }
    }
    Some(hasher.finalize())
}
