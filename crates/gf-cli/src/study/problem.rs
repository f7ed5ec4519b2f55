//! From a study's text to samples, a network and a loss that fit together.

use std::sync::Arc;

use gf_core::{Distributed, Streams, Targets};
use gf_layers::{Batches, Initialization, Loss, Network, NetworkError, NetworkObjective};
use gf_utils::Metric;
use gf_utils::classification::class_labels;
use miette::Report;

use super::data::SampleSet;
use super::loss::{LossKind, LossSpec};
use super::memory::network_shortage;
use super::records::{LoadedData, Records};
use super::spec::{ArmSpec, BatchOrder, DataSpec, NetworkSpec};
use super::{Document, FunctionSpec, Study, misuse};
use crate::ranks::Ranks;

/// The loss of a network on samples that several ranks may share.
pub type NetworkLoss = Distributed<NetworkObjective, Ranks>;

/// A checked study.
#[derive(Clone)]
pub struct Problem {
    /// Its keys.
    pub study: Study,
    /// Its text, for errors.
    pub document: Document,
    /// What is minimized.
    pub subject: Subject,
    /// Who runs it together.
    pub ranks: Ranks,
}

/// What is minimized.
#[derive(Clone)]
pub enum Subject {
    /// The loss of a network on data.
    Network(Box<NetworkProblem>),
    /// A function of a few parameters.
    Function(FunctionSpec),
}

/// A network with its loss and its samples.
#[derive(Clone)]
pub struct NetworkProblem {
    /// The network.
    pub network: Network,
    /// How initial parameters are drawn.
    pub(super) initialization: Initialization,
    /// The loss, without l2.
    pub loss: Loss,
    /// Its keys.
    pub loss_spec: LossSpec,
    /// That of the study, by which all arms are judged.
    judged_as: LossKind,
    /// The samples before they are split and scaled.
    pub(crate) data: LoadedData,
}

impl NetworkProblem {
    /// Whether accuracy is the metric: for all arms alike, whatever their own losses.
    pub fn is_classification(&self) -> bool {
        let is_of_classes = |records: &Records| matches!(records.targets(), Targets::Classes { .. });
        self.judged_as.is_classification() || self.data.records.as_ref().is_some_and(is_of_classes)
    }

    /// The metrics evaluated on the validation set.
    pub fn metrics(&self) -> &'static [Metric] {
        match self.is_classification() {
            true => &[Metric::Accuracy],
            false => &[Metric::Mae, Metric::R2, Metric::RangeAccuracy],
        }
    }
}

impl Problem {
    /// Reads and checks everything that can be checked before running: keys, files, shapes, losses, arms, claims.
    ///
    /// # Errors
    /// Names file, key, expected and found.
    pub fn load(document: Document) -> Result<Self, Report> {
        Self::load_on(&Ranks::default(), document)
    }

    /// As [`Problem::load`], to be run by several ranks together, each with its part of the samples.
    ///
    /// # Errors
    /// As [`Problem::load`], of any rank; and what needs all samples in one process.
    pub fn load_on(ranks: &Ranks, document: Document) -> Result<Self, Report> {
        let problem = ranks.agree(Self::load_part(ranks, document))?;
        ranks.agree(problem.check())?;
        Ok(problem)
    }

    fn check(&self) -> Result<(), Report> {
        self.check_run()?;
        self.check_arms()?;
        self.check_claims()?;
        self.check_spectrum()?;
        self.check_landscape()?;
        self.check_ranks()?;
        if let Subject::Network(_) = self.subject {
            // The first seed's data and objective: misfits of shapes come out here, before anything runs.
            let data = self.data(self.study.run.seeds[0])?;
            self.objective(&data.train, Batches::full())?;
            self.objective(&data.validation, Batches::full())?;
        }
        Ok(())
    }

    /// Reads and checks what the evaluation of a point needs: network, loss and data. Other keys are parsed and otherwise ignored.
    ///
    /// # Errors
    /// Names file, key, expected and found.
    pub fn load_point(document: Document) -> Result<Self, Report> {
        Self::load_part(&Ranks::default(), document)
    }

    fn load_part(ranks: &Ranks, mut document: Document) -> Result<Self, Report> {
        super::expand::expand_lists(&mut document)?;
        let study: Study = document.parse()?;
        let subject = match (&study.problem, &study.network, &study.loss, &study.data) {
            (Some(function), None, None, None) => {
                let path = |key| ["problem", function.name(), key];
                function.validate().map_err(|(key, message)| document.error_at(&path(key), message))?;
                Subject::Function(function.clone())
            }
            (None, Some(network), Some(loss), Some(data)) => {
                Subject::Network(Box::new(load_network(&document, network, loss, data, ranks)?))
            }
            (Some(_), ..) => {
                let message = "expected either [problem] or [network] with [loss] and [data], found both";
                return Err(document.error_at(&["problem"], message));
            }
            (None, network, loss, data) => {
                let missing = [("network", network.is_none()), ("loss", loss.is_none()), ("data", data.is_none())];
                let missing: Vec<String> =
                    missing.iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| format!("[{name}]")).collect();
                let message = format!(
                    "expected [network], [loss] and [data], or [problem.NAME] with a function; missing: {}",
                    missing.join(", ")
                );
                return Err(misuse(format!("{}: {message}", document.name)));
            }
        };
        Ok(Self { study, document, subject, ranks: ranks.clone() })
    }

    /// The number p of parameters.
    pub fn dim(&self) -> usize {
        match &self.subject {
            Subject::Network(network) => network.network.dim(),
            Subject::Function(function) => function.dim(),
        }
    }

    /// The network.
    ///
    /// # Errors
    /// When the study has a function in its place.
    pub fn network(&self) -> Result<&NetworkProblem, Report> {
        match &self.subject {
            Subject::Network(network) => Ok(network),
            Subject::Function(_) => {
                Err(self.document.error_at(&["problem"], "expected [network] here, found a function"))
            }
        }
    }

    /// The objective on these samples, l2 included: the sum over ranks.
    ///
    /// # Errors
    /// A misfit between network, loss and samples.
    pub fn objective(&self, samples: &SampleSet, batches: Batches) -> Result<NetworkLoss, Report> {
        let error = |error: NetworkError| {
            let key: &[&str] = match &error {
                NetworkError::Inputs { .. } => &["network", "input"],
                NetworkError::Outputs { .. } => &["network", "layers"],
                NetworkError::EmptyBatch => &["run", "batch"],
                _ => &["data"],
            };
            self.document.error_at(key, error)
        };
        let problem = self.network()?;
        let (network, loss, own) = (&problem.network, problem.loss.clone(), Arc::clone(samples.own()));
        let (objective, l2) = match samples.part() {
            None => (network.objective_shared(loss, own, batches), problem.loss_spec.l2),
            Some(part) => {
                let mut part = part.clone();
                if problem.loss_spec.class_weights.is_some() {
                    // A batch weighs what its classes weigh, wherever its samples are.
                    let targets = self.ranks.all_targets(Some(&part), own.targets());
                    let labels = class_labels(&targets).map_err(|fault| self.document.error_at(&["data"], fault))?;
                    part = part.with_labels(labels).map_err(error)?;
                }
                // The sum over ranks has the term once.
                let l2 = if self.ranks.is_first() { problem.loss_spec.l2 } else { 0.0 };
                (network.objective_of_part(loss, own, &part, batches), l2)
            }
        };
        let objective = objective.map_err(error)?.with_l2(l2);
        let objective = objective.map_err(|error| self.document.error_at(&["loss", "l2"], error))?;
        Ok(Distributed::new(objective, self.ranks.clone()))
    }

    /// The study's batches of a seed.
    pub fn batches(&self, seed: u64) -> Batches {
        self.batches_of(self.study.run.batch, seed)
    }

    /// Batches of `size` samples (none or 0: the whole training set) in the study's order.
    pub fn batches_of(&self, size: Option<usize>, seed: u64) -> Batches {
        let batches = match (size, self.study.run.order) {
            (None | Some(0), _) => Batches::full(),
            (Some(size), BatchOrder::Fixed) => Batches::fixed(size),
            (Some(size), BatchOrder::Shuffled) => Batches::shuffled(size, Streams::new(seed)),
        };
        batches.with_last(self.study.run.last_batch)
    }

    /// The start of a seed, for an arm.
    pub fn start(&self, seed: u64, arm: Option<&ArmSpec>) -> Vec<f64> {
        match &self.subject {
            Subject::Network(problem) => problem.network.init(&problem.initialization, &mut Streams::new(seed).init()),
            Subject::Function(function) => arm.and_then(|arm| arm.start.clone()).unwrap_or_else(|| function.start()),
        }
    }

    /// Names of the metric columns of the history.
    pub fn metric_names(&self) -> Vec<String> {
        let mut names = self.names_evaluated();
        names.extend(self.study.run.conservation.then(|| CONSERVATION_DRIFT.to_string()));
        names.extend(self.study.run.flow_tolerance.map(|_| DISTANCE_TO_FLOW.to_string()));
        names
    }

    /// Names of the metrics that are evaluated on samples or read off a point: those of the training set only where epochs are watched.
    pub fn names_evaluated(&self) -> Vec<String> {
        let mut names = self.names_at_a_point();
        if let (Subject::Network(problem), true) = (&self.subject, self.monitors()) {
            names.extend(problem.metrics().iter().take(1).map(|metric| format!("train_{}", metric.name())));
        }
        names
    }

    /// Names of the metrics that a point has without the run that led to it.
    fn names_at_a_point(&self) -> Vec<String> {
        /// Functions of more parameters do not keep their path.
        const MOST_COORDINATES: usize = 3;
        match &self.subject {
            Subject::Network(problem) => {
                problem.metrics().iter().map(|metric| format!("val_{}", metric.name())).collect()
            }
            Subject::Function(function) if function.dim() <= MOST_COORDINATES => {
                (0..function.dim()).map(|k| format!("theta_{k}")).collect()
            }
            Subject::Function(_) => Vec::new(),
        }
    }
}

/// The column of the drift from what the flow conserves.
pub const CONSERVATION_DRIFT: &str = "conservation_drift";

/// The column of ‖θ − θ(t)‖.
pub const DISTANCE_TO_FLOW: &str = "distance_to_flow";

fn load_network(
    document: &Document,
    network_spec: &NetworkSpec,
    loss_spec: &LossSpec,
    data: &DataSpec,
    ranks: &Ranks,
) -> Result<NetworkProblem, Report> {
    let network = network_spec.network();
    network.validate().map_err(|error| document.error_at(&["network"], error))?;
    let initialization = network_spec.initialization;
    initialization.validate().map_err(|error| document.error_at(&["network", "initialization"], error))?;
    loss_spec.check(&network).map_err(|fault| document.error_at(&["loss", fault.key], fault.message))?;
    let loss = loss_spec.loss();
    let data = LoadedData::load(document, data, loss_spec.kind, &network, ranks)?;
    let samples = data.records.as_ref().map_or(0, |records| records.samples.len());
    if let Some(message) = network_shortage(&network, samples) {
        return Err(document.error_at(&["network"], message));
    }
    let judged_as = loss_spec.kind;
    Ok(NetworkProblem { network, initialization, loss, loss_spec: loss_spec.clone(), judged_as, data })
}
