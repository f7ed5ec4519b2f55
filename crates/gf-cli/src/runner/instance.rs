//! What an arm runs on, for one seed.

use std::cell::Cell;
use std::rc::Rc;

use gf_core::{CurvatureSample, Observer, StepRecord, vector};
use gf_layers::Batches;
use gf_optim::registry::AnyObjective;
use gf_optim::{Flow, FlowError, FlowState};
use miette::Report;

use super::evaluation::{Evaluator, NetworkEvaluator};
use crate::study::{ArmSpec, Problem, SeededData, Subject, misuse};

/// The objective of an arm with what evaluates its points.
pub(super) struct Instance {
    pub(super) objective: Box<AnyObjective>,
    pub(super) evaluator: Evaluator,
    pub(super) batches_per_epoch: u64,
    /// The samples; none for a function.
    pub(super) data: Option<SeededData>,
}

impl Instance {
    /// For an arm on a seed.
    ///
    /// # Errors
    /// Misfits of network, loss and samples.
    pub(super) fn new(problem: &Problem, arm: &ArmSpec, seed: u64) -> Result<Self, Report> {
        let function = match &problem.subject {
            Subject::Function(function) => function,
            Subject::Network(_) => return Self::of_network(problem, arm, seed),
        };
        Ok(Self {
            objective: match arm.gradient_noise {
                Some(sigma) => function.noisy_objective(seed, sigma),
                None => function.objective(seed),
            },
            evaluator: Evaluator::Function(function.objective(seed)),
            batches_per_epoch: 1,
            data: None,
        })
    }

    fn of_network(problem: &Problem, arm: &ArmSpec, seed: u64) -> Result<Self, Report> {
        let data = problem.data(seed)?;
        let batches = problem.batches_of(arm.batch.or(problem.study.run.batch), seed);
        let objective = problem.objective(&data.train, batches)?;
        let batches_per_epoch = objective.local().batches_per_epoch() as u64;
        let objective: Box<AnyObjective> = match arm.curvature_batch {
            None => Box::new(objective),
            Some(size) => {
                let curvature = problem.objective(&data.train, problem.batches_of(Some(size), seed))?;
                Box::new(CurvatureSample::new(objective, curvature).map_err(misuse)?)
            }
        };
        let evaluator = Evaluator::Network(Box::new(NetworkEvaluator::new(problem, &data)?));
        Ok(Self { objective, evaluator, batches_per_epoch, data: Some(data) })
    }
}

/// The function, or the loss on the whole training set.
///
/// # Errors
/// Misfits of network, loss and samples.
pub(super) fn on_all_training_samples(problem: &Problem, seed: u64) -> Result<Box<AnyObjective>, Report> {
    Ok(match &problem.subject {
        Subject::Function(function) => function.objective(seed),
        Subject::Network(_) => Box::new(problem.objective(&problem.data(seed)?.train, Batches::full())?),
    })
}

/// Follows the flow of the loss on the whole training set beside a run, and measures how far the run is from it.
pub(super) struct FlowDistance {
    objective: Box<AnyObjective>,
    /// None once it could not go on.
    flow: Option<Flow>,
    on_flow: Vec<f64>,
    every: u64,
    distance: Rc<Cell<f64>>,
}

impl FlowDistance {
    /// For a run on `seed` from `theta`, where the study asks for it; the distance is left in `distance`.
    ///
    /// # Errors
    /// Misfits of network, loss and samples.
    pub(super) fn new(
        problem: &Problem,
        seed: u64,
        theta: &[f64],
        batches_per_epoch: u64,
        distance: Rc<Cell<f64>>,
    ) -> Result<Option<Self>, Report> {
        let Some(tolerance) = problem.study.run.flow_tolerance else { return Ok(None) };
        let mut objective = on_all_training_samples(problem, seed)?;
        let flow = Flow::new(&mut *objective, theta.to_vec(), tolerance).ok();
        let every = problem.study.run.evaluate_every.steps(batches_per_epoch);
        Ok(Some(Self { objective, flow, on_flow: vec![0.0; theta.len()], every, distance }))
    }

    /// Where the flow stands; none once it could not go on.
    pub(super) fn state(&self) -> Option<FlowState> {
        self.flow.as_ref().map(|flow| flow.state().clone())
    }

    /// Goes on from there.
    ///
    /// # Errors
    /// When the state is that of another study.
    pub(super) fn resume(&mut self, state: Option<FlowState>, tolerance: f64) -> Result<(), Report> {
        let resumed = state.map(|state| Flow::resume(&mut *self.objective, state, tolerance));
        self.flow = match resumed {
            Some(Err(error @ FlowError::Evaluation(_))) => return Err(misuse(error)),
            // The step under way had not been found before either.
            Some(Err(_)) | None => None,
            Some(Ok(flow)) => Some(flow),
        };
        Ok(())
    }
}

impl Observer for FlowDistance {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.distance.set(f64::NAN);
        let (Some(flow), Some(time)) = (&mut self.flow, record.time) else { return };
        if !record.step.is_multiple_of(self.every) {
            return;
        }
        if flow.at(&mut *self.objective, time, &mut self.on_flow).is_err() {
            self.flow = None;
            return;
        }
        vector::add_scaled(&mut self.on_flow, -1.0, record.theta);
        self.distance.set(vector::norm(&self.on_flow));
    }
}
