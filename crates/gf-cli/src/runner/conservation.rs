//! How far a run has drifted from what the flow conserves.

use gf_core::vector;
use miette::Report;

use crate::study::{Conserved, Problem, misuse};

/// ‖Q(θ) − Q(θ₀)‖ (Euclidean) of all conserved numbers Q together, relative to the size at θ₀ of what they are differences of.
pub(super) struct Drift {
    conserved: Conserved,
    at_start: Vec<f64>,
    now: Vec<f64>,
    size: f64,
}

impl Drift {
    /// From `theta`, where the study asks for it.
    ///
    /// # Errors
    /// When the problem conserves nothing.
    pub(super) fn new(problem: &Problem, theta: &[f64]) -> Result<Option<Self>, Report> {
        if !problem.study.run.conservation {
            return Ok(None);
        }
        let mut conserved = Conserved::new(problem).map_err(misuse)?;
        let mut at_start = vec![0.0; conserved.count()];
        let size = conserved.values(theta, &mut at_start);
        Ok(Some(Self { now: at_start.clone(), conserved, at_start, size }))
    }

    pub(super) fn at(&mut self, theta: &[f64]) -> f64 {
        let size = self.conserved.values(theta, &mut self.now);
        vector::add_scaled(&mut self.now, -1.0, &self.at_start);
        if size.is_finite() { vector::norm(&self.now) / self.size } else { f64::NAN }
    }
}
