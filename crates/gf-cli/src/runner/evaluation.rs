//! Training loss, validation loss and metrics at a point.

use gf_core::{FullCurvature, Objective, Targets};
use gf_layers::Batches;
use gf_utils::Metric;
use gf_utils::data::Scaling;
use gf_utils::history::Evaluation;
use miette::Report;

use crate::study::{NetworkLoss, Problem, SampleSet, SeededData};

/// Evaluates points, without allocating after set-up.
pub enum Evaluator {
    /// On the training and the validation set of a network.
    Network(Box<NetworkEvaluator>),
    /// A function: both losses are its value, the metrics its first parameters.
    Function(Box<dyn FullCurvature>),
}

/// Evaluates a network on the training and the validation set.
pub struct NetworkEvaluator {
    train: NetworkLoss,
    validation: NetworkLoss,
    scaling: Option<Scaling>,
    metrics: &'static [Metric],
    on_validation: OnSamples,
    /// Where the first metric is wanted on the training samples too.
    on_training: Option<OnSamples>,
}

impl NetworkEvaluator {
    /// For the samples of a seed.
    ///
    /// # Errors
    /// A misfit between network, loss and samples.
    pub fn new(problem: &Problem, data: &SeededData) -> Result<Self, Report> {
        let metrics = problem.network()?.metrics();
        let validation = data.in_data_units.own().targets().clone();
        let on_training = || {
            let targets = in_data_units(data.train.own().targets(), data.scaling.as_ref());
            OnSamples::new(problem, &data.train, &targets)
        };
        Ok(Self {
            train: problem.objective(&data.train, Batches::full())?,
            validation: problem.objective(&data.validation, Batches::full())?,
            scaling: data.scaling.clone(),
            metrics,
            on_validation: OnSamples::new(problem, &data.validation, &validation)?,
            on_training: if problem.monitors() { Some(on_training()?) } else { None },
        })
    }

    /// Overwrites `out`. Losses are those that are minimized, of scaled targets where the study scales them; metrics are in the units of
    /// the data. What cannot be computed is NaN.
    pub fn evaluate(&mut self, theta: &[f64], out: &mut Evaluation) {
        out.train_loss = self.train.value(theta).unwrap_or(f64::NAN);
        out.val_loss = self.validation.value(theta).unwrap_or(f64::NAN);
        self.on_validation.predict(&mut self.validation, theta, self.scaling.as_ref());
        let mut slots = out.metrics.iter_mut();
        for (slot, metric) in slots.by_ref().take(self.metrics.len()).zip(self.metrics) {
            *slot = self.on_validation.judge(metric);
        }
        if let (Some(on_training), Some(metric), Some(slot)) =
            (&mut self.on_training, self.metrics.first(), slots.next())
        {
            on_training.predict(&mut self.train, theta, self.scaling.as_ref());
            *slot = on_training.judge(metric);
        }
    }
}

/// A set of samples with all its targets in the units of the data, and room for the outputs on them.
struct OnSamples {
    set: SampleSet,
    /// Of the samples that are here; without use where all are.
    own: Vec<f64>,
    targets: Targets,
    outputs: Vec<f64>,
}

impl OnSamples {
    /// `targets` are those of the samples that are here.
    fn new(problem: &Problem, set: &SampleSet, targets: &Targets) -> Result<Self, Report> {
        let outputs = problem.network()?.network.outputs();
        let own = set.part().map_or(0, |_| set.own().len() * outputs);
        let targets = problem.ranks.all_targets(set.part(), targets);
        Ok(Self { set: set.clone(), own: vec![0.0; own], targets, outputs: vec![0.0; set.len() * outputs] })
    }

    /// The outputs of all samples, in the units of the data; NaN where there are none.
    fn predict(&mut self, objective: &mut NetworkLoss, theta: &[f64], scaling: Option<&Scaling>) {
        let Self { set, own, outputs, .. } = self;
        let width = objective.local().network().outputs();
        let here = if set.part().is_some() { &mut *own } else { &mut *outputs };
        if objective.local_mut().predict(theta, set.own().inputs(), here).is_err() {
            here.fill(f64::NAN);
        }
        if set.part().is_some() {
            objective.communicator().spread(set.part(), width, own, outputs);
        }
        if let Some(scaling) = scaling {
            scaling.invert_targets(outputs);
        }
    }

    fn judge(&self, metric: &Metric) -> f64 {
        metric.evaluate(&self.outputs, &self.targets).unwrap_or(f64::NAN)
    }
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
