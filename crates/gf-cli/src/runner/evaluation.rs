//! Training loss, validation loss and metrics at a point.

use std::sync::Arc;

use gf_core::{Objective, Samples};
use gf_layers::{Batches, NetworkObjective};
use gf_utils::Metric;
use gf_utils::history::Evaluation;
use miette::Report;

use crate::study::{Problem, SeededData};

/// Evaluates a point on the training and the validation set, without allocating after set-up.
pub struct Evaluator {
    train: NetworkObjective,
    validation: NetworkObjective,
    samples: Arc<Samples>,
    outputs: Vec<f64>,
    metrics: &'static [Metric],
}

impl Evaluator {
    /// For the samples of a seed.
    ///
    /// # Errors
    /// A misfit between network, loss and samples.
    pub fn new(problem: &Problem, data: &SeededData) -> Result<Self, Report> {
        Ok(Self {
            train: problem.objective(Arc::clone(&data.train), Batches::full())?,
            validation: problem.objective(Arc::clone(&data.validation), Batches::full())?,
            samples: Arc::clone(&data.validation),
            outputs: vec![0.0; data.validation.len() * problem.network.outputs()],
            metrics: problem.metrics(),
        })
    }

    /// Columns of the history.
    pub fn metric_names(&self) -> Vec<String> {
        self.metrics.iter().map(|metric| format!("val_{}", metric.name())).collect()
    }

    /// Overwrites `out`. What cannot be computed is NaN.
    pub fn evaluate(&mut self, theta: &[f64], out: &mut Evaluation) {
        out.train_loss = self.train.value(theta).unwrap_or(f64::NAN);
        out.val_loss = self.validation.value(theta).unwrap_or(f64::NAN);
        let predicted = self.validation.predict(theta, self.samples.inputs(), &mut self.outputs).is_ok();
        for (slot, metric) in out.metrics.iter_mut().zip(self.metrics) {
            *slot = match predicted {
                true => metric.evaluate(&self.outputs, self.samples.targets()).unwrap_or(f64::NAN),
                false => f64::NAN,
            };
        }
    }
}
