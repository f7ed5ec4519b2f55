//! The curvature along a run.

use gf_core::Streams;
use gf_optim::stability;
use gf_spectrum::{
    Blocks, EigenpairSettings, Interruption, Matrix, SpectrumRow, SpectrumTracker, TrackerSettings, square,
};
use miette::Report;
use serde::{Deserialize, Serialize};

use super::central_flow::{CentralFlowRow, CentralFlowWatch};
use super::instance::on_all_training_samples;
use crate::study::{ArmSpec, Problem, Subject, misuse};

/// What a tracker saw along one run.
#[derive(Serialize, Deserialize)]
pub struct SpectrumRun {
    /// A row a look.
    pub rows: Vec<SpectrumRow>,
    /// Why it ended early, if it did.
    pub interruption: Option<Interruption>,
    /// Why the central flow ended early, if it did.
    pub central_flow_interruption: Option<Interruption>,
    /// The Hessian layer by layer at the end, where it was asked for and is finite.
    pub blocks: Option<Blocks>,
    /// The central flow beside the run, where it was asked for.
    pub central_flow: Vec<CentralFlowRow>,
}

impl SpectrumRun {
    /// Of the run of `arm` on `seed` that ended at `theta`.
    ///
    /// # Errors
    /// Misfits of network, loss and samples.
    pub(super) fn new(
        problem: &Problem,
        (arm, seed): (&ArmSpec, u64),
        theta: &[f64],
        tracker: SpectrumTracker,
        central_flow: Option<CentralFlowWatch>,
    ) -> Result<Self, Report> {
        let (mut rows, interruption) = tracker.into_rows();
        // No step leads to the start; where all are equal, the one that leaves it is known.
        let start = rows.first_mut().filter(|row| row.step == 0 && row.time.is_some() && arm.has_constant_step());
        if let (Some(row), Some(limit)) = (start, limit(arm)) {
            let threshold = limit / arm.method.settings().first_step_size();
            row.threshold = Some(threshold);
            row.effective_sharpness = row.top.first().map(|sharpness| sharpness / threshold);
        }
        let (central_flow, central_flow_interruption) =
            central_flow.map_or_else(Default::default, |watch| (watch.rows, watch.interruption));
        let mut blocks = None;
        if let (Subject::Network(network), true) = (&problem.subject, interruption.is_none())
            && problem.study.spectrum.as_ref().is_some_and(|spec| spec.per_layer)
        {
            let mut objective = on_all_training_samples(problem, seed)?;
            let p = theta.len();
            let mut matrix = square(p).map_err(misuse)?;
            let found = Matrix::Hessian.dense(&mut *objective, theta, &mut matrix);
            // A run that diverged after the last look has no finite Hessian; its interruption is its own record.
            blocks = found.and_then(|()| gf_spectrum::blocks(p, &matrix, &network.network.layer_ranges())).ok();
        }
        Ok(Self { rows, interruption, central_flow_interruption, blocks, central_flow })
    }

    /// Where and why it ended early, in words.
    pub fn interruptions(&self) -> Option<String> {
        let of = |name: &str, found: &Option<Interruption>| {
            found.as_ref().map(|found| format!("{name}step {}: {}", found.step, found.reason))
        };
        let found = [of("", &self.interruption), of("the central flow at ", &self.central_flow_interruption)];
        let found: Vec<String> = found.into_iter().flatten().collect();
        (!found.is_empty()).then(|| found.join("; "))
    }
}

/// The largest z = hλ at which the method of an arm is stable, where it has one.
fn limit(arm: &ArmSpec) -> Option<f64> {
    stability::limit(arm.method.settings()).filter(|z| z.is_finite())
}

/// The tracker of an arm on a seed, where the study asks for one.
///
/// # Errors
/// Misfits of network, loss and samples.
pub(super) fn tracker(problem: &Problem, arm: &ArmSpec, seed: u64) -> Result<Option<SpectrumTracker>, Report> {
    let Some(spec) = &problem.study.spectrum else { return Ok(None) };
    let settings = TrackerSettings {
        every: spec.every,
        eigenpairs: EigenpairSettings {
            top: spec.top,
            bottom: spec.bottom,
            tolerance: spec.tolerance,
            ..EigenpairSettings::default()
        },
        gauss_newton: spec.gauss_newton,
        trace_probes: spec.trace_probes,
        full: spec.full,
    };
    let layers = match &problem.subject {
        Subject::Network(network) => network.network.layer_ranges(),
        Subject::Function(_) => Vec::new(),
    };
    let objective = on_all_training_samples(problem, seed)?;
    let rng = Streams::new(seed).probes();
    SpectrumTracker::new(settings, objective, limit(arm), layers, rng).map(Some).map_err(misuse)
}
