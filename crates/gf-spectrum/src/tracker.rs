//! The spectrum along a run, as an observer.

use std::ops::Range;

use gf_core::{FullCurvature, Observer, StepRecord, StreamRng, vector};

use serde::{Deserialize, Serialize};

use crate::trace::{Estimate, trace_beyond};
use crate::{EigenpairSettings, EigenpairSolver, Eigenpairs, Matrix, SpectrumError, full_spectrum, square};

/// What is tracked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackerSettings {
    /// Look at steps 0, k, 2k, …; at least 1.
    pub every: u64,
    /// Eigenpairs of the Hessian.
    pub eigenpairs: EigenpairSettings,
    /// Also the highest eigenvalue of the Gauss–Newton matrix.
    pub gauss_newton: bool,
    /// Products with random vectors for the trace beyond the known eigenpairs; 0: no trace.
    pub trace_probes: usize,
    /// Also all eigenvalues, from the dense Hessian, and the exact trace with them.
    pub full: bool,
}

/// What was seen after one step. Eigenvalues, threshold and trace are in units of curvature, loss per square of θ; shares and residual have no unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectrumRow {
    /// k; 0 for the start.
    pub step: u64,
    /// Flow time, where the method follows it.
    pub time: Option<f64>,
    /// L(θ_k).
    pub loss: f64,
    /// ‖∇L(θ_k)‖.
    pub gradient_norm: f64,
    /// Highest eigenvalues of H, descending.
    pub top: Vec<f64>,
    /// Lowest eigenvalues of H, ascending.
    pub bottom: Vec<f64>,
    /// The sharpness at which the step becomes unstable, z/h; where the method has one.
    pub threshold: Option<f64>,
    /// λ₁ over that threshold.
    pub effective_sharpness: Option<f64>,
    /// Share of ‖∇L‖² in the space of the top eigenvectors.
    pub gradient_share: f64,
    /// Share of ‖θ_k − θ_{k−1}‖² there; none for the start, and where the run took no row right before.
    pub step_share: Option<f64>,
    /// λ₁ of the Gauss–Newton matrix.
    pub gauss_newton: Option<f64>,
    /// The trace of H.
    pub trace: Option<Estimate>,
    /// The largest residual of the pairs, over the largest |λ|.
    pub residual: f64,
    /// Whether all pairs reached their tolerance.
    pub is_converged: bool,
    /// Products taken.
    pub products: u64,
    /// All eigenvalues of H, ascending.
    pub all: Option<Vec<f64>>,
}

/// Where a spectrum could not be had; the tracker looks no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// The step after which it was looked for.
    pub step: u64,
    /// Why, in words: those of the [`SpectrumError`], which names the first layer whose parameters or gradient are not finite, where that is the reason.
    pub reason: String,
}

/// What a [`SpectrumTracker`] continues from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackerState {
    rng: StreamRng,
    hessian: Option<Eigenpairs>,
    gauss_newton: Option<Eigenpairs>,
    previous: Vec<f64>,
    rows: Vec<SpectrumRow>,
    interruption: Option<Interruption>,
}

/// Watches the curvature of an objective at the points of a run. It has its own objective, so that the run's work is not disturbed:
/// usually the loss on all training samples.
pub struct SpectrumTracker {
    settings: TrackerSettings,
    objective: Box<dyn FullCurvature>,
    limit: Option<f64>,
    layers: Vec<Range<usize>>,
    rng: StreamRng,
    hessian: EigenpairSolver,
    gauss_newton: EigenpairSolver,
    previous: Vec<f64>,
    gradient: Vec<f64>,
    rows: Vec<SpectrumRow>,
    interruption: Option<Interruption>,
}

impl SpectrumTracker {
    /// Watches `objective`; `limit` is the largest z = hλ at which the method that runs is stable, |R| ≤ 1, where it has one; `layers` are the
    /// parameters of each layer (empty: unknown), `rng` is for starts and probes.
    ///
    /// # Errors
    /// [`SpectrumError::Count`] and [`SpectrumError::Setting`].
    pub fn new(
        settings: TrackerSettings,
        objective: Box<dyn FullCurvature>,
        limit: Option<f64>,
        layers: Vec<Range<usize>>,
        rng: StreamRng,
    ) -> Result<Self, SpectrumError> {
        if settings.every == 0 {
            return Err(SpectrumError::Setting { name: "every", expected: "at least 1", found: 0.0 });
        }
        let p = objective.dim();
        let top = EigenpairSettings { top: 1, bottom: 0, basis: 0, ..settings.eigenpairs };
        Ok(Self {
            hessian: EigenpairSolver::new(p, settings.eigenpairs)?,
            gauss_newton: EigenpairSolver::new(p, top)?,
            previous: Vec::new(),
            gradient: vec![0.0; p],
            rows: Vec::new(),
            interruption: None,
            settings,
            objective,
            limit,
            layers,
            rng,
        })
    }

    /// What [`SpectrumTracker::resume`] continues from.
    pub fn state(&self) -> TrackerState {
        TrackerState {
            rng: self.rng.clone(),
            hessian: self.hessian.warm_start().cloned(),
            gauss_newton: self.gauss_newton.warm_start().cloned(),
            previous: self.previous.clone(),
            rows: self.rows.clone(),
            interruption: self.interruption.clone(),
        }
    }

    /// Goes on as the tracker that left `state`, made with the same settings and objective, would have, bit for bit.
    ///
    /// # Errors
    /// [`SpectrumError::Count`] where the state is that of another objective.
    pub fn resume(mut self, state: TrackerState) -> Result<Self, SpectrumError> {
        let p = self.gradient.len();
        if !state.previous.is_empty() && state.previous.len() != p {
            return Err(SpectrumError::Count { asked: state.previous.len(), order: p });
        }
        for (solver, found) in [(&mut self.hessian, state.hessian), (&mut self.gauss_newton, state.gauss_newton)] {
            found.map(|found| solver.start_from(found)).transpose()?;
        }
        (self.rng, self.previous) = (state.rng, state.previous);
        (self.rows, self.interruption) = (state.rows, state.interruption);
        Ok(self)
    }

    /// What was seen so far.
    pub fn rows(&self) -> &[SpectrumRow] {
        &self.rows
    }

    /// What was seen, and why it ended early if it did.
    pub fn into_rows(self) -> (Vec<SpectrumRow>, Option<Interruption>) {
        (self.rows, self.interruption)
    }

    fn look(&mut self, record: &StepRecord<'_>) -> Result<SpectrumRow, SpectrumError> {
        let theta = record.theta;
        self.expect_finite("the parameters", theta)?;
        let loss = self.objective.value_and_gradient(theta, &mut self.gradient)?;
        self.expect_finite("the gradient", &self.gradient)?;
        if !loss.is_finite() {
            return Err(SpectrumError::NotFinite { what: "the loss".into() });
        }
        let objective = &mut *self.objective;
        self.hessian.lean_towards(&self.gradient);
        let pairs = self.hessian.solve(&mut Matrix::Hessian.at(objective, theta)?, &mut self.rng)?;
        let count = pairs.top().len();
        let step_share = (!self.previous.is_empty()).then(|| {
            let step: Vec<f64> = theta.iter().zip(&self.previous).map(|(now, before)| now - before).collect();
            pairs.share(count, &step)
        });
        let threshold = self.limit.zip(record.step_size).map(|(limit, h)| limit / h);
        let residual = pairs.largest_residual();
        let mut products = pairs.products + pairs.checks;
        let top: Vec<f64> = pairs.top().iter().map(|pair| pair.value).collect();
        let bottom = pairs.bottom().iter().map(|pair| pair.value).collect();
        let (gradient_share, is_converged) = (pairs.share(count, &self.gradient), pairs.are_converged());
        let mut gauss_newton = None;
        if self.settings.gauss_newton {
            let pairs = self.gauss_newton.solve(&mut Matrix::GaussNewton.at(objective, theta)?, &mut self.rng)?;
            products += pairs.products + pairs.checks;
            gauss_newton = pairs.top().first().map(|pair| pair.value);
        }
        let (mut all, mut trace) = (None, None);
        if self.settings.full {
            let p = theta.len();
            let mut matrix = square(p)?;
            Matrix::Hessian.dense(objective, theta, &mut matrix)?;
            let value = matrix.iter().step_by(p + 1).sum();
            trace = Some(Estimate { value, error: 0.0, products: 0 });
            all = Some(full_spectrum(p, &matrix)?);
        } else if self.settings.trace_probes > 0 {
            let mut operator = Matrix::Hessian.at(objective, theta)?;
            let known = self.hessian.found();
            let estimate = trace_beyond(&mut operator, known, self.settings.trace_probes, &mut self.rng)?;
            products += estimate.products;
            trace = Some(estimate);
        }
        Ok(SpectrumRow {
            step: record.step,
            time: record.time,
            loss,
            gradient_norm: vector::norm(&self.gradient),
            threshold,
            effective_sharpness: threshold.zip(top.first()).map(|(threshold, sharpness)| sharpness / threshold),
            top,
            bottom,
            gradient_share,
            step_share,
            gauss_newton,
            trace,
            residual,
            is_converged,
            products,
            all,
        })
    }

    /// Names the first layer with an entry that is not finite.
    fn expect_finite(&self, what: &str, x: &[f64]) -> Result<(), SpectrumError> {
        let Some(entry) = x.iter().position(|x| !x.is_finite()) else { return Ok(()) };
        let layer = self.layers.iter().position(|range| range.contains(&entry));
        let place = layer.map_or(format!("entry {entry}"), |layer| format!("layer {}", layer + 1));
        Err(SpectrumError::NotFinite { what: format!("{what} in {place}") })
    }
}

impl Observer for SpectrumTracker {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if self.interruption.is_some() {
            return;
        }
        if record.step.is_multiple_of(self.settings.every) {
            match self.look(record) {
                Ok(row) => self.rows.push(row),
                Err(error) => self.interruption = Some(Interruption { step: record.step, reason: error.to_string() }),
            }
        }
        // The step that leads to the next row is from here.
        let next_is_looked_at = (record.step + 1).is_multiple_of(self.settings.every);
        self.previous.clear();
        if next_is_looked_at {
            self.previous.extend_from_slice(record.theta);
        }
    }
}
