//! The iterates of a run that are kept for the plane of `[landscape]`.

use gf_core::{Observer, StepRecord, vector};
use serde::{Deserialize, Serialize};

use crate::study::{ArmSpec, Problem};

/// Some of the iterates of an arm, in order: 8p bytes each.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmPath {
    /// The arm.
    pub arm: String,
    /// Accepted steps before each point, ascending.
    pub steps: Vec<u64>,
    /// The points, p numbers each.
    pub points: Vec<f64>,
    /// Points of steps 0, k, 2k, … were kept; the last one besides.
    pub every: u64,
}

impl ArmPath {
    /// The points.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = &[f64]> {
        let p = self.points.len() / self.steps.len().max(1);
        self.points.chunks_exact(p.max(1))
    }

    fn push(&mut self, step: u64, theta: &[f64]) {
        self.steps.push(step);
        self.points.extend_from_slice(theta);
    }

    /// Keeps every other point, from the first on.
    fn thin(&mut self) {
        let p = self.points.len() / self.steps.len();
        let count = self.steps.len().div_ceil(2);
        for k in 1..count {
            self.steps[k] = self.steps[2 * k];
            self.points.copy_within(2 * k * p..(2 * k + 1) * p, k * p);
        }
        self.steps.truncate(count);
        self.points.truncate(count * p);
        self.every *= 2;
    }
}

/// Keeps iterates outside the timed region of steps. Points that are not finite are left out: they lie on no plane.
pub(super) struct PathWatch {
    path: ArmPath,
    /// Points kept before every other one goes; none where the study says which steps.
    most: Option<usize>,
}

impl PathWatch {
    /// For an arm that `[landscape]` shows, on the first seed.
    pub(super) fn new(problem: &Problem, arm: &ArmSpec, seed: u64, batches_per_epoch: u64) -> Option<Self> {
        let study = &problem.study;
        let spec = study.landscape.as_ref().filter(|spec| spec.shows(arm) && seed == study.run.seeds[0])?;
        let every = spec.every.map(|every| every.steps(batches_per_epoch));
        let most = every.is_none().then(|| spec.most_points(&study.arms));
        let path = ArmPath { arm: arm.name.clone(), every: every.unwrap_or(1), ..ArmPath::default() };
        Some(Self { path, most })
    }

    /// What [`PathWatch::resume`] continues from.
    pub(super) fn state(&self) -> ArmPath {
        self.path.clone()
    }

    /// Goes on from there.
    pub(super) fn resume(&mut self, path: ArmPath) {
        self.path = path;
    }

    /// The path up to its end at `theta`, after `step` steps.
    pub(super) fn finish(mut self, step: u64, theta: &[f64]) -> ArmPath {
        if self.path.steps.last() != Some(&step) && vector::all_finite(theta) {
            self.path.push(step, theta);
        }
        self.path
    }
}

impl Observer for PathWatch {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if !record.step.is_multiple_of(self.path.every) || !vector::all_finite(record.theta) {
            return;
        }
        if self.most == Some(self.path.steps.len()) {
            self.path.thin();
        }
        if record.step.is_multiple_of(self.path.every) {
            self.path.push(record.step, record.theta);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many steps as there are, thinned at every moment: always steps 0, k, 2k, … and at most as many as allowed.
    #[test]
    fn an_open_path_keeps_evenly_spaced_steps_and_its_end() {
        for steps in [0, 1, 6, 7, 8, 13, 14, 100, 1000] {
            let mut watch = PathWatch { path: ArmPath { every: 1, ..ArmPath::default() }, most: Some(7) };
            for step in 0..=steps {
                let theta = [step as f64, -(step as f64)];
                let record = StepRecord {
                    step,
                    time: None,
                    step_size: None,
                    learning_rate: None,
                    theta: &theta,
                    loss: 0.0,
                    gradient: &[],
                    gradient_norm: 0.0,
                    step_norm: 0.0,
                    update_ratio: 0.0,
                    work: Default::default(),
                    gradient_equivalents: 0.0,
                    rejected: 0,
                    events: &[],
                };
                watch.accepted(&record);
                assert!(watch.path.steps.len() <= 7);
            }
            let path = watch.finish(steps, &[steps as f64, -(steps as f64)]);
            let last = path.steps.len() - 1;
            assert!(path.steps[..last].iter().enumerate().all(|(k, step)| *step == k as u64 * path.every), "{path:?}");
            assert_eq!(path.steps[last], steps);
            assert!(path.points().zip(&path.steps).all(|(point, step)| point == [*step as f64, -(*step as f64)]));
            assert!(steps < 7 || path.steps.len() >= 4, "{path:?}");
        }
    }
}
