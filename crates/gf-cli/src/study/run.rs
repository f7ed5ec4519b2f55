//! The checks of `[run]` and of the tables that say what else is computed.

use miette::Report;

use super::name::{NAME_EXPECTED, is_file_name};
use super::{Problem, Subject};

/// Starts of the table of first steps.
const MOST_STARTS: u64 = 100_000;

impl Problem {
    /// Checks the name, `[run]` and the tables beside it.
    pub(super) fn check_run(&self) -> Result<(), Report> {
        let run = &self.study.run;
        let expect = |holds: bool, key: &str, expected: &str, found: String| {
            if holds {
                Ok(())
            } else {
                Err(self.document.error_at(&["run", key], format!("expected {expected}, found {found}")))
            }
        };
        self.check_length()?;
        expect(!run.seeds.is_empty(), "seeds", "at least one seed", "none".into())?;
        let mut seeds = run.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        expect(seeds.len() == run.seeds.len(), "seeds", "different seeds", format!("{:?}", run.seeds))?;
        expect(run.batch != Some(0), "batch", "at least 1", "0".into())?;
        expect(!run.loss_limit.is_nan(), "loss_limit", "a number", run.loss_limit.to_string())?;
        expect(run.loss_target.is_none_or(|target| !target.is_nan()), "loss_target", "a number", "NaN".into())?;
        let name = &self.study.name;
        if !is_file_name(name) {
            let reason = "as the name becomes that of a folder";
            return Err(self.document.error_at(&["name"], format!("{NAME_EXPECTED}, {reason}; found \"{name}\"")));
        }
        for (key, value) in [
            ("flow_time", run.flow_time),
            ("gradient_norm", run.gradient_norm),
            ("loss_change", run.loss_change),
            ("wall_time", run.wall_time),
            ("flow_tolerance", run.flow_tolerance),
        ] {
            let Some(value) = value else { continue };
            expect(value > 0.0 && value.is_finite(), key, "a positive number", value.to_string())?;
        }
        let batched = run.batch.is_some()
            || self.study.arms.iter().any(|arm| arm.batch.is_some() || arm.curvature_batch.is_some());
        if let (Subject::Function(_), true) = (&self.subject, batched) {
            return Err(self.document.error_at(&["run", "batch"], "a function has no samples: leave batches out"));
        }
        self.check_basins()?;
        let checkpoint = &self.study.checkpoint;
        checkpoint.validate().map_err(|(key, message)| self.document.error_at(&["checkpoint", key], message))?;
        if run.layers_every.is_some() && self.study.problem.is_some() {
            return Err(self.document.error_at(&["run", "layers_every"], "expected [network] here, found a function"));
        }
        self.check_lr_range()?;
        if let Some(depth) = &self.study.depth {
            self.network()?;
            depth.validate().map_err(|(key, message)| self.document.error_at(&["depth", key], message))?;
        }
        self.check_first_steps()
    }

    /// Checks `[basins]`, where the study has it.
    fn check_basins(&self) -> Result<(), Report> {
        let Some(basins) = &self.study.basins else { return Ok(()) };
        let fault = |key: &str, message: &str| Err(self.document.error_at(&["basins", key], message));
        let is_range = |range: [f64; 2]| range[0] < range[1] && range.iter().all(|x| x.is_finite());
        match &self.subject {
            Subject::Function(function) if function.dim() == 2 => {}
            _ => return Err(self.document.error_at(&["basins"], "expected a function of two parameters")),
        }
        if !is_range(basins.x) {
            return fault("x", "expected [low, high]");
        }
        if !is_range(basins.y) {
            return fault("y", "expected [low, high]");
        }
        if !(2..=200).contains(&basins.grid) {
            return fault("grid", "expected 2 to 200");
        }
        Ok(())
    }

    /// Checks `[first_steps]`, where the study has it.
    fn check_first_steps(&self) -> Result<(), Report> {
        let Some(first_steps) = &self.study.first_steps else { return Ok(()) };
        self.network()?;
        if first_steps.starts > MOST_STARTS {
            let message = format!("expected at most {MOST_STARTS}, found {}", first_steps.starts);
            return Err(self.document.error_at(&["first_steps", "starts"], message));
        }
        if !(first_steps.h > 0.0 && first_steps.h.is_finite()) {
            let message = format!("expected a positive number, found {}", first_steps.h);
            return Err(self.document.error_at(&["first_steps", "h"], message));
        }
        if let Some(step) = first_steps.difference_steps.iter().find(|step| !(**step > 0.0 && step.is_finite())) {
            let message = format!("expected positive numbers, found {step}");
            return Err(self.document.error_at(&["first_steps", "difference_steps"], message));
        }
        Ok(())
    }

    /// Refuses what looks at samples one by one where ranks have only parts of them.
    pub(super) fn check_ranks(&self) -> Result<(), Report> {
        let alone =
            [("run", "layers_every", self.study.run.layers_every.is_some()), ("depth", "", self.study.depth.is_some())];
        for (table, key, _) in alone.into_iter().filter(|(_, _, is_set)| *is_set) {
            let path: Vec<&str> = [table, key].into_iter().filter(|key| !key.is_empty()).collect();
            self.ranks.refuse(&path.join(".")).map_err(|message| self.document.error_at(&path, message))?;
        }
        Ok(())
    }
}
