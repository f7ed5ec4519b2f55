//! `summary.json`: what a run came to, per arm and seed.

use std::collections::BTreeMap;

use gf_optim::registry::MethodSettings;
use gf_utils::Machine;
use gf_utils::stats::quartiles;
use serde::{Deserialize, Serialize};

use crate::advice::{Advice, Circumstances, advice};
use crate::report::ClaimVerdict;
use crate::runner::{ArmRun, FirstStep, SpectrumRun, stop_name};
use crate::study::{ArmSpec, Problem, Subject};

/// The whole file. Numbers that do not exist or are not finite are null.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// The study's name.
    pub name: String,
    /// Version and commit of gf.
    pub version: String,
    /// The machine it ran on; null in the folders of older versions.
    #[serde(default)]
    pub machine: Option<Machine>,
    /// Parameters p.
    pub dim: usize,
    /// Training samples.
    pub train_samples: usize,
    /// Validation samples.
    pub validation_samples: usize,
    /// What the classes are called, in the order of their labels; left out where the data do not name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_names: Option<Vec<String>>,
    /// Rows of the data that were left out, as they miss a value; left out where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_rows: usize,
    /// Missing inputs that were replaced by means of the training set; left out where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub filled_values: usize,
    /// Per arm.
    pub arms: Vec<ArmSummary>,
    /// Verdicts on the study's claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimVerdict>,
    /// The table of first implicit steps, where the study asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_steps: Vec<FirstStep>,
}

/// One arm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArmSummary {
    /// Its name.
    pub name: String,
    /// The method's name.
    pub method: String,
    /// The method with all settings, as TOML.
    pub settings: String,
    /// 25 %, 50 % and 75 % of the final validation loss over seeds; failed runs count as infinite, shown as null.
    pub final_val_loss_quartiles: [Option<f64>; 3],
    /// Per seed.
    pub runs: Vec<RunSummary>,
}

/// One arm on one seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunSummary {
    /// The seed.
    pub seed: u64,
    /// `steps`, `flow-time`, `gradient-norm`, `loss`, `loss-change`, `early-stopping`, `wall-time`, `diverged` or `failed`.
    pub stop: String,
    /// Why it failed; null if it did not.
    pub failure: Option<String>,
    /// Accepted steps.
    pub steps: u64,
    /// Flow time; null for methods that do not follow the flow's clock.
    pub time: Option<f64>,
    /// Losses and metrics of the final parameters: those of the best step where early stopping restored it.
    pub last: BTreeMap<String, Option<f64>>,
    /// The step of the lowest validation loss.
    pub best_step: Option<u64>,
    /// The step whose parameters are the final ones, restored by early stopping; left out where they are those of the last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_step: Option<u64>,
    /// The lowest validation loss.
    pub best_val_loss: Option<f64>,
    /// Work in values-with-gradient.
    pub grad_equivalents: f64,
    /// Counts of the work.
    pub work: BTreeMap<String, u64>,
    /// Rejected proposals.
    pub rejected: u64,
    /// How many steps met each event.
    pub events: BTreeMap<String, u64>,
    /// Why and where the spectrum could not be followed to the end; left out where it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectrum_interrupted: Option<String>,
    /// What to try where the run went badly; left out where it did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<Advice>,
    /// Seconds in steps, validation not included.
    pub wall_s: f64,
}

/// The version shown in files and reports.
pub(crate) fn version() -> String {
    format!("gf {} (commit {})", env!("CARGO_PKG_VERSION"), env!("GF_COMMIT"))
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Summary {
    /// Of runs in the order of the study.
    pub fn new(problem: &Problem, runs: &[ArmRun], first_steps: Vec<FirstStep>, sizes: [usize; 2]) -> Self {
        let arms = problem
            .study
            .arms
            .iter()
            .enumerate()
            .map(|(index, arm)| {
                let runs: Vec<RunSummary> =
                    runs.iter().filter(|run| run.arm_index == index).map(|run| RunSummary::new(run, arm)).collect();
                let finals: Vec<f64> = runs.iter().map(RunSummary::final_val_loss).collect();
                ArmSummary {
                    name: arm.name.clone(),
                    method: arm.method.info().name.into(),
                    settings: settings_text(&arm.method),
                    final_val_loss_quartiles: quartiles(&finals).map_or([None; 3], |q| q.map(finite)),
                    runs,
                }
            })
            .collect();
        let data = match &problem.subject {
            Subject::Network(network) => Some(&network.data),
            Subject::Function(_) => None,
        };
        Self {
            name: problem.study.name.clone(),
            version: version(),
            machine: Some(Machine::here()),
            dim: problem.dim(),
            train_samples: sizes[0],
            validation_samples: sizes[1],
            class_names: data.and_then(|data| data.class_names.clone()),
            dropped_rows: data.map_or(0, |data| data.dropped_rows),
            filled_values: data.map_or(0, |data| data.missing),
            arms,
            claims: Vec::new(),
            first_steps,
        }
    }
}

impl ArmSummary {
    /// The first piece of advice among its runs, with how many runs got some; none where none did.
    pub(crate) fn advice(&self) -> Option<(&Advice, usize)> {
        let first = self.runs.iter().find_map(|run| run.advice.first())?;
        Some((first, self.runs.iter().filter(|run| !run.advice.is_empty()).count()))
    }
}

impl RunSummary {
    fn new(run: &ArmRun, arm: &ArmSpec) -> Self {
        let mut last = BTreeMap::new();
        let mut events = BTreeMap::new();
        let count = run.history.rows().len();
        let at = run.restored.and_then(|step| run.history.rows().iter().position(|row| row.step == step));
        let at = at.or(count.checked_sub(1));
        if let Some((index, row)) = at.map(|index| (index, &run.history.rows()[index])) {
            last.insert("train_loss".to_string(), finite(row.train_loss));
            last.insert("val_loss".to_string(), finite(row.val_loss));
            let metrics = run.history.metrics(index);
            for (name, value) in run.history.metric_names().iter().zip(metrics) {
                last.insert(name.clone(), finite(*value));
            }
        }
        for index in 0..count {
            for event in run.history.reason(index).split('+').filter(|event| !event.is_empty()) {
                *events.entry(event.to_string()).or_insert(0) += 1;
            }
        }
        let work = run.outcome.work;
        let counts = [
            ("values", work.values),
            ("gradients", work.gradients),
            ("linearizations", work.linearizations),
            ("products", work.products),
            ("matrices", work.matrices),
            ("factorizations", work.factorizations),
        ];
        Self {
            seed: run.seed,
            stop: stop_name(run).into(),
            failure: run.failure(),
            steps: run.outcome.steps,
            time: run.outcome.time,
            last,
            best_step: run.best.as_ref().map(|best| best.step),
            restored_step: run.restored,
            best_val_loss: run.best.as_ref().and_then(|best| finite(best.val_loss)),
            grad_equivalents: run.outcome.gradient_equivalents,
            work: counts.into_iter().map(|(name, count)| (name.to_string(), count)).collect(),
            rejected: run.outcome.rejected,
            events,
            spectrum_interrupted: run.spectrum.as_ref().and_then(SpectrumRun::interruptions),
            advice: advice_for(run, arm),
            wall_s: run.history.rows().last().map_or(0.0, |row| row.wall_seconds),
        }
    }

    /// Infinite for a failed run.
    fn final_val_loss(&self) -> f64 {
        match self.failure {
            Some(_) => f64::INFINITY,
            None => self.last.get("val_loss").copied().flatten().unwrap_or(f64::INFINITY),
        }
    }
}

/// Of an arm whose steps are all of the size h that its study sets.
fn advice_for(run: &ArmRun, arm: &ArmSpec) -> Vec<Advice> {
    let Some(h) = arm.h() else { return Vec::new() };
    let limit = gf_optim::stability::limit(arm.method.settings()).filter(|limit| limit.is_finite());
    let looks = run.spectrum.iter().flat_map(|spectrum| &spectrum.rows);
    let sharpest =
        looks.filter_map(|row| Some((row.step, *row.top.first()?))).filter(|(_, sharpness)| *sharpness > 0.0);
    let sharpest = sharpest.max_by(|a, b| a.1.total_cmp(&b.1));
    let stable_up_to = limit.zip(sharpest).map(|(limit, (step, sharpness))| (step, limit / sharpness));
    let is_noisy = arm.gradient_noise.is_some_and(|sigma| sigma > 0.0);
    let diverged = stop_name(run) == "diverged";
    let case = Circumstances { method: arm.method.info().name, h, is_noisy, diverged, stable_up_to };
    advice(run.history.rows(), case)
}

/// `implicit = { h = 0.05, … }` on one line.
fn settings_text(method: &MethodSettings) -> String {
    let table = toml::Value::try_from(method).unwrap_or(toml::Value::Boolean(false));
    match &table {
        toml::Value::Table(table) => {
            table.iter().map(|(name, settings)| format!("{name} = {settings}")).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// JSON has no infinities and no NaN: they are written as null, and null is read as NaN.
pub(crate) mod null_is_nan {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        super::finite(*value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}
