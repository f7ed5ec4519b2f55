//! The steps of the original experiment: mini-batches of 64 in fixed order, and the validation error on all data after every step.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use gf_core::{Observer, Samples, StepRecord, Streams, Work};
use gf_layers::{Batches, Initialization, Loss, NetworkObjective};
use gf_optim::registry::{AnyMethod, AnyObjective, ControlSettings, MethodSettings};
use gf_optim::{Budget, StepController, integrate};
use gf_utils::data::{TargetKind, original, read_pair};
use gf_utils::metrics::mae;
use gf_utils::npy::read_npy;
use serde::Deserialize;

use crate::cases::{original_network, vector};

/// The batch size.
const BATCH: usize = 64;
/// The part of the data that is trained on.
const TRAINING: usize = 3200;
/// The study of the main experiment: its textbook arms are the original's settings.
const STUDY: &str = include_str!("../../gf-cli/src/experiments/convergence.toml");

/// The original's three methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OriginalMethod {
    /// Gradient descent, h = 0.01.
    Explicit,
    /// Linearly implicit Euler, h = 0.05.
    Implicit,
    /// Newton with damping 1e-4 and backtracking.
    Newton,
}

impl OriginalMethod {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Explicit, Self::Implicit, Self::Newton];

    /// The name of the operation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Explicit => "original-explicit",
            Self::Implicit => "original-implicit",
            Self::Newton => "original-newton",
        }
    }

    /// The operation of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Its arm of the main experiment.
    fn arm(self) -> Result<Arm> {
        let name = self.name().trim_start_matches("original-");
        let study: Study = toml::from_str(STUDY).context("reading the main experiment's study")?;
        study.arm.into_iter().find(|arm| arm.name == name).with_context(|| format!("the study has no arm {name}"))
    }
}

#[derive(Deserialize)]
struct Study {
    arm: Vec<Arm>,
}

#[derive(Deserialize)]
struct Arm {
    name: String,
    method: MethodSettings,
    control: Option<ControlSettings>,
}

/// The original experiment's problem, ready to run a few steps from its start.
pub struct Original {
    objective: NetworkObjective,
    validation: Validation,
    theta: Vec<f64>,
    arms: Vec<ReadyArm>,
    work: Work,
}

/// A method with its step control, set up once: a run of the experiment takes hundreds of steps, not the few that are timed.
struct ReadyArm {
    method: OriginalMethod,
    discretization: Box<AnyMethod>,
    control: Box<dyn StepController + Send>,
}

impl Original {
    /// From `x.npy`, `y.npy`, `train.npy` (the rows that are trained on, in order) and `theta.npy` in `folder`.
    ///
    /// # Errors
    /// A file that is missing, or does not fit.
    pub fn read(folder: &Path) -> Result<Self> {
        let samples = read_pair(&folder.join("x.npy"), &folder.join("y.npy"), TargetKind::Values)?;
        let rows = folder.join("train.npy");
        let train: Vec<usize> = read_npy(&rows)?.values.into_iter().map(|row| row as usize).collect();
        ensure!(
            train.len() == TRAINING && train.iter().all(|&row| row < samples.len()),
            "{}: expected {TRAINING} rows of {} samples",
            rows.display(),
            samples.len()
        );
        let theta = vector(&folder.join("theta.npy"), original_network().dim())?;
        Self::new(samples, &train, theta)
    }

    /// With data and start drawn here, for benches and tests that do without Python.
    ///
    /// # Errors
    /// Never.
    pub fn synthetic() -> Result<Self> {
        let streams = Streams::new(0);
        let samples = original(&streams);
        // Every fifth sample is left for validation; 64 consecutive ones would be neighbors on the curve.
        let train: Vec<usize> = (0..samples.len()).map(|k| k * 1009 % samples.len()).take(TRAINING).collect();
        let theta = original_network().init(&Initialization::Original, &mut streams.init());
        Self::new(samples, &train, theta)
    }

    fn new(samples: Samples, train: &[usize], theta: Vec<f64>) -> Result<Self> {
        let network = original_network();
        let objective = network.objective(Loss::mse(), &samples.select(train), Batches::fixed(BATCH))?;
        let samples = Arc::new(samples);
        let predictor = network.objective_shared(Loss::mse(), Arc::clone(&samples), Batches::full())?;
        let outputs = vec![0.0; samples.len()];
        let validation = Validation { predictor, samples, outputs, mae: f64::NAN };
        let arms = OriginalMethod::ALL.into_iter().map(ReadyArm::new).collect::<Result<_>>()?;
        Ok(Self { objective, validation, theta, arms, work: Work::default() })
    }

    /// θ after `steps` steps of `method` from the start, with the validation error on all data after every step.
    ///
    /// # Errors
    /// A run that ended before.
    pub fn run(&mut self, method: OriginalMethod, steps: u64) -> Result<Vec<f64>> {
        let arm = self.arms.iter_mut().find(|arm| arm.method == method).context("every method has an arm")?;
        let outcome = integrate(
            &mut self.objective as &mut AnyObjective,
            &mut *arm.discretization,
            &mut *arm.control,
            &mut [&mut self.validation],
            self.theta.clone(),
            &Budget::steps(steps),
        )?;
        ensure!(outcome.steps == steps, "{}: {} after {} steps", method.name(), outcome.stop, outcome.steps);
        ensure!(self.validation.mae.is_finite(), "{}: the validation error is not finite", method.name());
        self.work = outcome.work;
        Ok(outcome.theta)
    }

    /// The mean absolute error on all data after the last step.
    pub fn validation_error(&self) -> f64 {
        self.validation.mae
    }

    /// The work of the last run.
    pub fn work(&self) -> Work {
        self.work
    }
}

impl ReadyArm {
    fn new(method: OriginalMethod) -> Result<Self> {
        let arm = method.arm()?;
        let (discretization, control) = (arm.method.build()?, arm.method.build_control(arm.control.as_ref())?);
        Ok(Self { method, discretization, control })
    }
}

/// Computes the mean absolute error on all data after every step.
struct Validation {
    predictor: NetworkObjective,
    samples: Arc<Samples>,
    outputs: Vec<f64>,
    mae: f64,
}

impl Observer for Validation {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if record.step == 0 {
            return;
        }
        let predicted = self.predictor.predict(record.theta, self.samples.inputs(), &mut self.outputs);
        self.mae = match predicted {
            Ok(()) => mae(&self.outputs, self.samples.targets()).unwrap_or(f64::NAN),
            Err(_) => f64::NAN,
        };
    }
}
