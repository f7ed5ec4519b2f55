//! `schedule` in `[[arm]]`: what it is checked against, and the run it is stretched over.

use gf_optim::SettingsError;
use gf_optim::schedule::Span;
use miette::Report;

use super::{ArmSpec, Problem};

impl Problem {
    /// The run of an arm with `train` training samples (none for a function), as its schedule sees it.
    pub fn span(&self, arm: &ArmSpec, train: Option<usize>) -> Span {
        let steps = |batches_per_epoch| self.study.run.steps_of(arm, batches_per_epoch);
        let Some(train) = train else { return Span { steps: steps(1), batches_per_epoch: 1, batch: None } };
        let batches = self.batches_of(arm.batch.or(self.study.run.batch), 0);
        let batches_per_epoch = batches.per_epoch(train) as u64;
        Span { steps: steps(batches_per_epoch), batches_per_epoch, batch: Some(batches.largest(train)) }
    }

    /// Checks the schedule of the arm at `index`, where it has one.
    pub(super) fn check_schedule(&self, index: usize, arm: &ArmSpec) -> Result<(), Report> {
        let Some(schedule) = &arm.schedule else { return Ok(()) };
        let index = index.to_string();
        let error = |settings: SettingsError| {
            let keys = settings.key.split('.').filter(|key| !key.is_empty());
            let path: Vec<&str> = ["arm", &index, "schedule"].into_iter().chain(keys).collect();
            self.document.error_at(&path, format!("expected {}, found {}", settings.expected, settings.found))
        };
        arm.method.check_schedule(arm.control.as_ref(), schedule).map_err(error)?;
        let train = match self.study.problem {
            Some(_) => None,
            None => Some(self.data(self.study.run.seeds[0])?.train.len()),
        };
        schedule.check(&self.span(arm, train)).map_err(error)
    }
}
