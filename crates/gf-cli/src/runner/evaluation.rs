//! Training loss, validation loss and metrics at a point.

use std::sync::Arc;

use gf_core::{FullCurvature, Objective, Samples};
use gf_layers::{Batches, NetworkObjective};
use gf_utils::Metric;
use gf_utils::history::Evaluation;
use miette::Report;

use crate::study::{Problem, SeededData};

/// Evaluates points, without allocating after set-up.
pub enum Evaluator {
    /// On the training and the validation set of a network.
    Network(Box<NetworkEvaluator>),
    /// A function: both losses are its value, the metrics its first parameters.
    Function(Box<dyn FullCurvature>),
}

/// Evaluates a network on the training and the validation set.
pub struct NetworkEvaluator {
    train: NetworkObjective,
    validation: NetworkObjective,
    samples: Arc<Samples>,
    outputs: Vec<f64>,
    metrics: &'static [Metric],
    /// The training samples and room for the outputs on them, where the first metric is wanted on them too.
    on_training: Option<(Arc<Samples>, Vec<f64>)>,
}

impl NetworkEvaluator {
    /// For the samples of a seed.
    ///
    /// # Errors
    /// A misfit between network, loss and samples.
    pub fn new(problem: &Problem, data: &SeededData) -> Result<Self, Report> {
        let network = problem.network()?;
        Ok(Self {
            train: problem.objective(Arc::clone(&data.train), Batches::full())?,
            validation: problem.objective(Arc::clone(&data.validation), Batches::full())?,
            samples: Arc::clone(&data.validation),
            outputs: vec![0.0; data.validation.len() * network.network.outputs()],
            metrics: network.metrics(),
            on_training: problem.monitors().then(|| {
                let room = vec![0.0; data.train.len() * network.network.outputs()];
                (Arc::clone(&data.train), room)
            }),
        })
    }

    /// Overwrites `out`. What cannot be computed is NaN.
    pub fn evaluate(&mut self, theta: &[f64], out: &mut Evaluation) {
        out.train_loss = self.train.value(theta).unwrap_or(f64::NAN);
        out.val_loss = self.validation.value(theta).unwrap_or(f64::NAN);
        let predicted = self.validation.predict(theta, self.samples.inputs(), &mut self.outputs).is_ok();
        let mut slots = out.metrics.iter_mut();
        for (slot, metric) in slots.by_ref().take(self.metrics.len()).zip(self.metrics) {
            *slot = match predicted {
                true => metric.evaluate(&self.outputs, self.samples.targets()).unwrap_or(f64::NAN),
                false => f64::NAN,
            };
        }
        if let (Some((samples, outputs)), Some(metric), Some(slot)) =
            (&mut self.on_training, self.metrics.first(), slots.next())
        {
            let predicted = self.train.predict(theta, samples.inputs(), outputs).is_ok();
            let value = if predicted { metric.evaluate(outputs, samples.targets()).ok() } else { None };
            *slot = value.unwrap_or(f64::NAN);
        }
    }
}

impl Evaluator {
    /// Overwrites `out`. What cannot be computed is NaN.
    pub fn evaluate(&mut self, theta: &[f64], out: &mut Evaluation) {
        match self {
            Self::Network(network) => network.evaluate(theta, out),
            Self::Function(function) => {
                out.val_loss = function.value(theta).unwrap_or(f64::NAN);
                out.train_loss = out.val_loss;
                out.metrics.iter_mut().zip(theta).for_each(|(slot, x)| *slot = *x);
            }
        }
    }
}
