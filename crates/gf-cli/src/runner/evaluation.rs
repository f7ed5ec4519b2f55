//! Training loss, validation loss and metrics at a point.

use std::sync::Arc;

use gf_core::{FullCurvature, Objective, Samples, Targets};
use gf_layers::{Batches, NetworkObjective};
use gf_utils::Metric;
use gf_utils::data::Scaling;
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
    /// The validation samples in the units of the data: metrics are about them.
    in_data_units: Arc<Samples>,
    scaling: Option<Scaling>,
    outputs: Vec<f64>,
    metrics: &'static [Metric],
    /// Where the first metric is wanted on the training samples too.
    on_training: Option<OnTraining>,
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
            in_data_units: Arc::clone(&data.in_data_units),
            scaling: data.scaling.clone(),
            outputs: vec![0.0; data.validation.len() * network.network.outputs()],
            metrics: network.metrics(),
            on_training: problem.monitors().then(|| OnTraining {
                samples: Arc::clone(&data.train),
                targets: in_data_units(data.train.targets(), data.scaling.as_ref()),
                outputs: vec![0.0; data.train.len() * network.network.outputs()],
            }),
        })
    }

    /// Overwrites `out`. Losses are those that are minimized, of scaled targets where the study scales them; metrics are in the units of
    /// the data. What cannot be computed is NaN.
    pub fn evaluate(&mut self, theta: &[f64], out: &mut Evaluation) {
        out.train_loss = self.train.value(theta).unwrap_or(f64::NAN);
        out.val_loss = self.validation.value(theta).unwrap_or(f64::NAN);
        let predicted = self.validation.predict(theta, self.samples.inputs(), &mut self.outputs).is_ok();
        if let Some(scaling) = &self.scaling {
            scaling.invert_targets(&mut self.outputs);
        }
        let mut slots = out.metrics.iter_mut();
        for (slot, metric) in slots.by_ref().take(self.metrics.len()).zip(self.metrics) {
            *slot = match predicted {
                true => metric.evaluate(&self.outputs, self.in_data_units.targets()).unwrap_or(f64::NAN),
                false => f64::NAN,
            };
        }
        if let (Some(OnTraining { samples, targets, outputs }), Some(metric), Some(slot)) =
            (&mut self.on_training, self.metrics.first(), slots.next())
        {
            let predicted = self.train.predict(theta, samples.inputs(), outputs).is_ok();
            if let Some(scaling) = &self.scaling {
                scaling.invert_targets(outputs);
            }
            let value = if predicted { metric.evaluate(outputs, targets).ok() } else { None };
            *slot = value.unwrap_or(f64::NAN);
        }
    }
}

/// The training samples, their targets in the units of the data, and room for the outputs on them.
struct OnTraining {
    samples: Arc<Samples>,
    targets: Targets,
    outputs: Vec<f64>,
}

/// Targets as they were before they were scaled.
fn in_data_units(targets: &Targets, scaling: Option<&Scaling>) -> Targets {
    let mut targets = targets.clone();
    if let (Targets::Values { values, .. }, Some(scaling)) = (&mut targets, scaling) {
        scaling.invert_targets(values);
    }
    targets
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
