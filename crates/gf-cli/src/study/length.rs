//! How long arms run, in steps or in epochs, and what watches or ends them.

use miette::Report;

use super::{ArmSpec, Problem, Subject};

/// Steps or epochs: more than any machine takes, and few enough for their sums.
const MOST_STEPS: u64 = 1_000_000_000_000;
const LENGTHS: &str = "1 to 10^12";

impl Problem {
    /// Steps an epoch, for an arm: the batches of the training set; 1 for a function, whose steps are its epochs.
    ///
    /// # Errors
    /// When the split is impossible.
    pub fn batches_per_epoch(&self, arm: &ArmSpec) -> Result<u64, Report> {
        match &self.subject {
            Subject::Function(_) => Ok(1),
            Subject::Network(_) => {
                // All seeds have as many samples.
                let seed = self.study.run.seeds[0];
                let samples = self.data(seed)?.train.len();
                Ok(self.batches_of(arm.batch.or(self.study.run.batch), seed).per_epoch(samples) as u64)
            }
        }
    }

    /// Whether every epoch is watched.
    pub fn monitors(&self) -> bool {
        let run = &self.study.run;
        let in_epochs = run.epochs.is_some() || self.study.arms.iter().any(|arm| arm.epochs.is_some());
        run.monitor.unwrap_or(in_epochs)
    }

    /// Refuses lengths and intervals of nothing, and early stopping that cannot work.
    pub(super) fn check_length(&self) -> Result<(), Report> {
        let run = &self.study.run;
        let fail = |path: &[&str], expected: &str, found: &str| {
            Err(self.document.error_at(path, format!("expected {expected}, found {found}")))
        };
        let is_length = |length: Option<u64>| length.is_none_or(|length| (1..=MOST_STEPS).contains(&length));
        for (key, length) in [("steps", run.steps), ("epochs", run.epochs)] {
            if !is_length(length) {
                return fail(&["run", key], LENGTHS, &length.unwrap_or(0).to_string());
            }
        }
        let never = [
            ("evaluate_every", run.evaluate_every.is_zero()),
            ("layers_every", run.layers_every.is_some_and(|every| every.is_zero())),
        ];
        if let Some((key, _)) = never.iter().find(|(_, is_zero)| *is_zero) {
            return fail(&["run", key], "at least 1", "0");
        }
        for (index, arm) in self.study.arms.iter().enumerate() {
            for (key, length) in [("steps", arm.steps), ("epochs", arm.epochs)] {
                if !is_length(length) {
                    return fail(&["arm", &index.to_string(), key], LENGTHS, &length.unwrap_or(0).to_string());
                }
            }
        }
        let Some(early) = &run.early_stopping else { return Ok(()) };
        if early.patience == 0 {
            return fail(&["run", "early_stopping", "patience"], "at least 1 evaluation", "0");
        }
        if !(early.min_delta >= 0.0 && early.min_delta.is_finite()) {
            let found = early.min_delta.to_string();
            return fail(&["run", "early_stopping", "min_delta"], "a finite number, 0 or more", &found);
        }
        Ok(())
    }
}
