//! The central flow beside a run of gradient descent, and how far the run is from what it predicts.

use gf_core::{Observer, StepRecord, vector};
use gf_layers::Batches;
use gf_optim::registry::MethodSettings;
use gf_spectrum::{CentralFlow, CentralFlowSettings, CentralFlowState, Interruption, SpectrumError};
use miette::Report;
use serde::{Deserialize, Serialize};

use crate::study::{ArmSpec, Problem, Smooth, Subject, misuse};

/// A row of `central-flow.csv`. Before each step, beside what gradient descent did there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CentralFlowRow {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// Steps before: 0 is the start.
    pub step: u64,
    /// Gradient descent's loss on its batch, which is all training samples.
    pub loss: f64,
    /// ‖∇L‖² there.
    pub squared_gradient_norm: f64,
    /// ‖(θ_{k+1} − 2θ_k + θ_{k−1})/4‖², the squared amplitude of what alternates from step to step; empty for the start.
    pub oscillation: Option<f64>,
    /// ‖θ_k − central flow‖.
    pub distance: f64,
    /// The loss on the central flow.
    pub central_loss: f64,
    /// What the loss is predicted to average to, L + tr X/h.
    pub mean_loss: f64,
    /// What the squared gradient norm is predicted to average to, ‖∇L‖² + 4 tr X/h².
    pub mean_squared_gradient_norm: f64,
    /// Predicted variance of the oscillation, tr X.
    pub variance: f64,
    /// Directions that oscillate.
    pub active: usize,
    /// λ₁ on the central flow.
    pub sharpness: f64,
    /// 2/h.
    pub threshold: f64,
    /// 1 where the step was one of plain gradient descent, because λ₁ was above 2/h from the start.
    pub is_plain: u8,
    /// Smallest eigenvalue of X: 0 but for rounding.
    pub residual_variance: f64,
    /// Smallest eigenvalue of the slack of the constraint.
    pub residual_slack: f64,
    /// Their product, which complementarity makes 0.
    pub residual_product: f64,
    /// Worst residual of an eigenpair, over |λ|max.
    pub eigen_residual: f64,
    /// Products, and third derivatives, of the step.
    pub products: u64,
    /// Third derivatives.
    pub contractions: u64,
}

/// Follows the central flow beside a run.
pub(super) struct CentralFlowWatch {
    arm: String,
    seed: u64,
    h: f64,
    objective: Box<dyn Smooth>,
    flow: CentralFlow,
    theta: Vec<f64>,
    /// The run's last two points.
    before: [Vec<f64>; 2],
    /// What is known of the step that is under way: the central flow's part.
    pending: Option<CentralFlowRow>,
    pub(super) rows: Vec<CentralFlowRow>,
    /// Where and why it ended early, if it did.
    pub(super) interruption: Option<Interruption>,
}

/// What a [`CentralFlowWatch`] continues from.
#[derive(Serialize, Deserialize)]
pub(super) struct CentralFlowWatchState {
    flow: CentralFlowState,
    theta: Vec<f64>,
    before: [Vec<f64>; 2],
    pending: Option<CentralFlowRow>,
    rows: Vec<CentralFlowRow>,
    interruption: Option<Interruption>,
}

impl CentralFlowWatch {
    /// For an arm of gradient descent, where the study asks for it; none for other methods.
    ///
    /// # Errors
    /// Misfits of network, loss and samples.
    pub(super) fn new(problem: &Problem, arm: &ArmSpec, seed: u64, theta: &[f64]) -> Result<Option<Self>, Report> {
        let asked = problem.study.spectrum.as_ref().is_some_and(|spec| spec.central_flow);
        let (true, MethodSettings::Explicit(_)) = (asked, &arm.method) else { return Ok(None) };
        let objective: Box<dyn Smooth> = match &problem.subject {
            Subject::Network(_) => Box::new(problem.objective(&problem.data(seed)?.train, Batches::full())?),
            Subject::Function(function) => match function.smooth_objective(seed) {
                Some(objective) => objective,
                None => return Ok(None),
            },
        };
        let h = arm.method.settings().first_step_size();
        let flow = CentralFlow::new(h, CentralFlowSettings { seed, ..Default::default() }).map_err(misuse)?;
        Ok(Some(Self {
            arm: arm.name.clone(),
            seed,
            h,
            objective,
            flow,
            theta: theta.to_vec(),
            before: [theta.to_vec(), Vec::new()],
            pending: None,
            rows: Vec::new(),
            interruption: None,
        }))
    }

    /// What [`CentralFlowWatch::resume`] continues from.
    pub(super) fn state(&self) -> CentralFlowWatchState {
        CentralFlowWatchState {
            flow: self.flow.state(),
            theta: self.theta.clone(),
            before: self.before.clone(),
            pending: self.pending.clone(),
            rows: self.rows.clone(),
            interruption: self.interruption.clone(),
        }
    }

    /// Goes on from there.
    ///
    /// # Errors
    /// When the state is that of another study.
    pub(super) fn resume(mut self, state: CentralFlowWatchState) -> Result<Self, Report> {
        self.flow = self.flow.resume(self.theta.len(), state.flow).map_err(misuse)?;
        (self.theta, self.before, self.pending) = (state.theta, state.before, state.pending);
        (self.rows, self.interruption) = (state.rows, state.interruption);
        Ok(self)
    }

    /// Describes where the central flow stands, and moves it by a step.
    fn advance(&mut self, step: u64, run: &[f64]) -> Result<CentralFlowRow, SpectrumError> {
        let distance = run.iter().zip(&self.theta).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let found = self.flow.advance(&mut *self.objective, &mut self.theta)?;
        Ok(CentralFlowRow {
            arm: self.arm.clone(),
            seed: self.seed,
            step,
            loss: f64::NAN,
            squared_gradient_norm: f64::NAN,
            oscillation: None,
            distance,
            central_loss: found.loss,
            mean_loss: found.mean_loss,
            mean_squared_gradient_norm: found.mean_squared_gradient_norm,
            variance: found.trace,
            active: found.active,
            sharpness: found.eigenvalues.first().copied().unwrap_or(f64::NAN),
            threshold: 2.0 / self.h,
            is_plain: u8::from(found.is_plain),
            residual_variance: found.complementarity.variance,
            residual_slack: found.complementarity.slack,
            residual_product: found.complementarity.product,
            eigen_residual: found.eigen_residual,
            products: found.products,
            contractions: found.contractions,
        })
    }
}

impl Observer for CentralFlowWatch {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if self.interruption.is_some() {
            return;
        }
        // The record of step k + 1 knows loss and gradient at θ_k, which the row of step k waits for.
        if let Some(mut row) = self.pending.take() {
            row.loss = record.loss;
            row.squared_gradient_norm = record.gradient_norm.powi(2);
            let [now, earlier] = &self.before;
            if earlier.len() == now.len() {
                let alternating = record.theta.iter().zip(now).zip(earlier).map(|((c, b), a)| (c - 2.0 * b + a) / 4.0);
                row.oscillation = Some(alternating.map(|x| x * x).sum());
            }
            self.rows.push(row);
        }
        if record.step > 0 {
            self.before.swap(0, 1);
            self.before[0].clear();
            self.before[0].extend_from_slice(record.theta);
        }
        if !vector::all_finite(record.theta) {
            return;
        }
        match self.advance(record.step, record.theta) {
            Ok(row) => self.pending = Some(row),
            Err(error) => self.interruption = Some(Interruption { step: record.step, reason: error.to_string() }),
        }
    }
}
