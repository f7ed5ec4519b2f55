//! From a study's text to samples, a network and a loss that fit together.

use std::borrow::Cow;
use std::sync::Arc;

use gf_core::{Distributed, Streams, Targets};
use gf_layers::{Batches, Initialization, Loss, Network, NetworkError, NetworkObjective};
use gf_utils::Metric;
use miette::Report;

use super::data::SampleSet;
use super::loss::{LossKind, LossSpec};
use super::records::{LoadedData, Records};
use super::spec::{ArmSpec, BatchOrder, DataSpec, NetworkSpec};
use super::{Conserved, Document, FunctionSpec, Study, misuse};
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
    initialization: Initialization,
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

    /// The problem as an arm sees it: with its own initialization, skip connections, output and loss, where it has them.
    pub fn of_arm(&self, arm: &ArmSpec) -> Cow<'_, Self> {
        let is_plain = arm.initialization.is_none() && arm.skip.is_none();
        if is_plain && arm.output.is_none() && arm.loss.is_none() {
            return Cow::Borrowed(self);
        }
        let mut own = self.clone();
        if let Subject::Network(problem) = &mut own.subject {
            problem.initialization = arm.initialization.unwrap_or(problem.initialization);
            adapt(&mut problem.network, arm);
            if let Some(spec) = &arm.loss {
                problem.loss = spec.loss();
                problem.loss_spec = spec.clone();
            }
        }
        Cow::Owned(own)
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
                let part = match self.ranks.all_targets(Some(part), own.targets()) {
                    Targets::Classes { labels, .. } => part.clone().with_labels(labels).map_err(error)?,
                    Targets::Values { .. } => part.clone(),
                };
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
    pub fn names_at_a_point(&self) -> Vec<String> {
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

    fn check_run(&self) -> Result<(), Report> {
        let run = &self.study.run;
        let expect = |holds: bool, key: &str, expected: &str, found: String| {
            if holds {
                Ok(())
            } else {
                Err(self.document.error_at(&["run", key], format!("expected {expected}, found {found}")))
            }
        };
        self.check_length()?;
        expect(!run.seeds.is_empty(), "seeds", "at least one seed", "none".into())?;
        let mut seeds = run.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        expect(seeds.len() == run.seeds.len(), "seeds", "different seeds", format!("{:?}", run.seeds))?;
        expect(run.batch != Some(0), "batch", "at least 1", "0".into())?;
        expect(!run.loss_limit.is_nan(), "loss_limit", "a number", run.loss_limit.to_string())?;
        expect(run.loss_target.is_none_or(|target| !target.is_nan()), "loss_target", "a number", "NaN".into())?;
        let name = &self.study.name;
        if !is_file_name(name) {
            let reason = "as the name becomes that of a folder";
            return Err(self.document.error_at(&["name"], format!("{NAME_EXPECTED}, {reason}; found \"{name}\"")));
        }
        for (key, value) in [
            ("flow_time", run.flow_time),
            ("gradient_norm", run.gradient_norm),
            ("loss_change", run.loss_change),
            ("wall_time", run.wall_time),
            ("flow_tolerance", run.flow_tolerance),
        ] {
            let Some(value) = value else { continue };
            expect(value > 0.0 && value.is_finite(), key, "a positive number", value.to_string())?;
        }
        let batched = run.batch.is_some()
            || self.study.arms.iter().any(|arm| arm.batch.is_some() || arm.curvature_batch.is_some());
        if let (Subject::Function(_), true) = (&self.subject, batched) {
            return Err(self.document.error_at(&["run", "batch"], "a function has no samples: leave batches out"));
        }
        if let Some(basins) = &self.study.basins {
            let fault = |key: &str, message: &str| Err(self.document.error_at(&["basins", key], message));
            let is_range = |range: [f64; 2]| range[0] < range[1] && range.iter().all(|x| x.is_finite());
            match &self.subject {
                Subject::Function(function) if function.dim() == 2 => {}
                _ => return Err(self.document.error_at(&["basins"], "expected a function of two parameters")),
            }
            if !is_range(basins.x) {
                return fault("x", "expected [low, high]");
            }
            if !is_range(basins.y) {
                return fault("y", "expected [low, high]");
            }
            if !(2..=200).contains(&basins.grid) {
                return fault("grid", "expected 2 to 200");
            }
        }
        let checkpoint = &self.study.checkpoint;
        checkpoint.validate().map_err(|(key, message)| self.document.error_at(&["checkpoint", key], message))?;
        if run.layers_every.is_some() && self.study.problem.is_some() {
            return Err(self.document.error_at(&["run", "layers_every"], "expected [network] here, found a function"));
        }
        self.check_lr_range()?;
        if let Some(depth) = &self.study.depth {
            self.network()?;
            depth.validate().map_err(|(key, message)| self.document.error_at(&["depth", key], message))?;
        }
        if let Some(first_steps) = &self.study.first_steps {
            self.network()?;
            if first_steps.starts > MOST_STARTS {
                let message = format!("expected at most {MOST_STARTS}, found {}", first_steps.starts);
                return Err(self.document.error_at(&["first_steps", "starts"], message));
            }
            if !(first_steps.h > 0.0 && first_steps.h.is_finite()) {
                let message = format!("expected a positive number, found {}", first_steps.h);
                return Err(self.document.error_at(&["first_steps", "h"], message));
            }
            if let Some(step) = first_steps.difference_steps.iter().find(|step| !(**step > 0.0 && step.is_finite())) {
                let message = format!("expected positive numbers, found {step}");
                return Err(self.document.error_at(&["first_steps", "difference_steps"], message));
            }
        }
        Ok(())
    }

    fn check_arms(&self) -> Result<(), Report> {
        for (index, arm) in self.study.arms.iter().enumerate() {
            let index_text = index.to_string();
            let error = |path: &[&str], message: &dyn std::fmt::Display| {
                let path: Vec<&str> = ["arm", &index_text].iter().chain(path).copied().collect();
                self.document.error_at(&path, message)
            };
            if !is_file_name(&arm.name) {
                let reason = "as the name becomes part of file names";
                return Err(error(&["name"], &format!("{NAME_EXPECTED}, {reason}; found \"{}\"", arm.name)));
            }
            if self.study.arms[..index].iter().any(|other| other.name == arm.name) {
                return Err(error(&["name"], &format!("the name \"{}\" is taken by an earlier arm", arm.name)));
            }
            let settings = |table: &'static str| {
                move |settings: gf_optim::SettingsError| {
                    let (name, key) = settings.key.split_once('.').unwrap_or(("", &settings.key));
                    let message = format!("expected {}, found {}", settings.expected, settings.found);
                    error(&[table, name, key], &message)
                }
            };
            arm.method.validate().map_err(settings("method"))?;
            arm.method.build_control(arm.control.as_ref()).map_err(settings("control"))?;
            self.check_schedule(index, arm)?;
            if let Some(start) = &arm.start {
                match &self.subject {
                    Subject::Function(function) => {
                        function.check_start(start).map_err(|message| error(&["start"], &message))?;
                    }
                    Subject::Network(_) => return Err(error(&["start"], &"only functions, [problem], take a start")),
                }
            }
            if let Some(sigma) = arm.gradient_noise {
                if self.study.problem.is_none() {
                    return Err(error(
                        &["gradient_noise"],
                        &"only functions, [problem], take noise; a network has batches",
                    ));
                }
                if !(sigma.is_finite() && sigma >= 0.0) {
                    return Err(error(
                        &["gradient_noise"],
                        &format!("expected a number that is not negative, found {sigma}"),
                    ));
                }
            }
            let network_key = [
                ("initialization", arm.initialization.is_some()),
                ("skip", arm.skip.is_some()),
                ("output", arm.output.is_some()),
                ("loss", arm.loss.is_some()),
            ];
            if let (Some((key, _)), Some(_)) = (network_key.iter().find(|(_, is_set)| *is_set), &self.study.problem) {
                return Err(error(&[*key], &"only networks have it, [problem] has none"));
            }
            if let Some(initialization) = &arm.initialization {
                initialization.validate().map_err(|fault| error(&["initialization"], &fault))?;
            }
            self.check_loss_of(index, arm)?;
            if self.study.run.conservation {
                Conserved::new(&self.of_arm(arm)).map_err(|message| {
                    let message = format!("arm \"{}\": {message}", arm.name);
                    self.document.error_at(&["run", "conservation"], message)
                })?;
            }
            // Ranks may have different memories.
            self.ranks.agree(self.check_memory(index, &arm.method))?;
        }
        Ok(())
    }

    /// Refuses what looks at samples one by one where ranks have only parts of them.
    fn check_ranks(&self) -> Result<(), Report> {
        let alone =
            [("run", "layers_every", self.study.run.layers_every.is_some()), ("depth", "", self.study.depth.is_some())];
        for (table, key, _) in alone.into_iter().filter(|(_, _, is_set)| *is_set) {
            let path: Vec<&str> = [table, key].into_iter().filter(|key| !key.is_empty()).collect();
            self.ranks.refuse(&path.join(".")).map_err(|message| self.document.error_at(&path, message))?;
        }
        Ok(())
    }

    /// An arm's own output and loss beside each other, and the loss beside the targets of the first seed.
    fn check_loss_of(&self, index: usize, arm: &ArmSpec) -> Result<(), Report> {
        let Subject::Network(problem) = &self.subject else { return Ok(()) };
        if arm.loss.is_none() && arm.output.is_none() && arm.skip.is_none() {
            return Ok(());
        }
        let index = index.to_string();
        let error = |path: &[&str], message: String| {
            let path: Vec<&str> = ["arm", &index].iter().chain(path).copied().collect();
            self.document.error_at(&path, message)
        };
        let mut network = problem.network.clone();
        adapt(&mut network, arm);
        let Some(spec) = &arm.loss else {
            let key = if arm.output.is_some() { "output" } else { "skip" };
            return problem.loss_spec.check(&network).map_err(|fault| error(&[key], fault.message));
        };
        spec.check(&network).map_err(|fault| error(&["loss", fault.key], fault.message))?;
        let data = self.data(self.study.run.seeds[0])?;
        [data.train, data.validation].into_iter().try_for_each(|samples| {
            let own = Arc::clone(samples.own());
            let objective = match samples.part() {
                None => network.objective_shared(spec.loss(), own, Batches::full()),
                Some(part) => network.objective_of_part(spec.loss(), own, part, Batches::full()),
            };
            match objective {
                // The labels of other ranks are known when it is run.
                Ok(_) | Err(NetworkError::PartWithoutLabels) => Ok(()),
                Err(fault) => Err(error(&["loss", "kind"], fault.to_string())),
            }
        })
    }

    /// Refuses a dense matrix that does not fit in the memory of this machine.
    fn check_memory(&self, index: usize, method: &gf_optim::registry::MethodSettings) -> Result<(), Report> {
        let (dim, bytes) = (self.dim(), method.dense_bytes(self.dim()));
        if let Some(message) = memory_shortage(dim, bytes) {
            let index = index.to_string();
            return Err(self.document.error_at(&["arm", &index, "method", method.info().name], message));
        }
        Ok(())
    }

    fn check_claims(&self) -> Result<(), Report> {
        let names: Vec<&str> = self.study.arms.iter().map(|arm| arm.name.as_str()).collect();
        let mut columns = vec!["loss".to_string(), "train_loss".into(), "val_loss".into()];
        columns.extend(self.metric_names());
        for (index, claim) in self.study.claims.iter().enumerate() {
            let metric = claim.check.metric();
            let fault = match claim.check.steps() {
                Some([first, last]) if first > last => {
                    Some(format!("expected steps [first, last], found [{first}, {last}]"))
                }
                _ if claim.check.level().is_some_and(|level| !level.is_finite()) => {
                    Some("expected a level that is a number, found one that is not finite".into())
                }
                _ if !columns.iter().any(|column| column == metric) => {
                    Some(format!("expected a metric of {}, found \"{metric}\"", columns.join(", ")))
                }
                _ => None,
            };
            if let Some(message) = fault {
                return Err(self.document.error_at(&["claim", &index.to_string(), "check"], message));
            }
            for arm in claim.check.arms() {
                if !names.contains(&arm) {
                    let hint = gf_utils::suggest(arm, names.iter().copied())
                        .map(|near| format!(" (did you mean \"{near}\"?)"));
                    let message = format!("no arm has the name \"{arm}\"{}", hint.unwrap_or_default());
                    return Err(self.document.error_at(&["claim", &index.to_string(), "check"], message));
                }
            }
        }
        Ok(())
    }
}

/// Starts of the table of first steps.
const MOST_STARTS: u64 = 100_000;

/// The column of the drift from what the flow conserves.
pub const CONSERVATION_DRIFT: &str = "conservation_drift";

/// The column of ‖θ − θ(t)‖.
pub const DISTANCE_TO_FLOW: &str = "distance_to_flow";

/// The network of an arm: with its own skip connections and output, where it has them.
fn adapt(network: &mut Network, arm: &ArmSpec) {
    if let Some(skip) = arm.skip {
        set_skip(network, skip);
    }
    if let (Some(output), Some(last)) = (arm.output, network.layers.last_mut()) {
        last.activation = output;
    }
}

/// Skip connections around all hidden layers as wide as their inputs, or around no layer.
fn set_skip(network: &mut Network, skip: bool) {
    let (mut inputs, hidden) = (network.input, network.layers.len() - 1);
    for (l, layer) in network.layers.iter_mut().enumerate() {
        layer.skip = skip && l < hidden && layer.units == inputs;
        inputs = layer.units;
    }
}

/// File systems take 255 bytes; the longest file of an arm adds 60 to its name: a seed, a step, an ending and what a temporary file has.
const LONGEST_NAME: usize = 128;

const NAME_EXPECTED: &str = "expected 1 to 128 letters, digits, '-', '_' and '.', the first not a '.'";

/// Whether a name can be part of file names everywhere.
fn is_file_name(name: &str) -> bool {
    let usable = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=LONGEST_NAME).contains(&name.len()) && !name.starts_with('.') && name.chars().all(usable)
}

/// Says so when `bytes` of dense matrix for `dim` parameters exceed the memory that is free.
pub(crate) fn memory_shortage(dim: usize, bytes: usize) -> Option<String> {
    let free = available_memory()?;
    (bytes as u64 > free).then(|| {
        format!(
            "expected a dense matrix that fits in memory, found {dim} parameters: it needs {:.1} GiB of the {:.1} GiB free; use a matrix-free solver: solver = \"minres\"",
            bytes as f64 / 2f64.powi(30),
            free as f64 / 2f64.powi(30)
        )
    })
}

/// Why a network on so many samples does not fit in the memory of this machine, if it does not.
fn network_shortage(network: &Network, samples: usize) -> Option<String> {
    /// Vectors of p numbers that a run of the leanest method keeps: parameters, gradients, products, the best so far.
    const VECTORS: usize = 8;
    let (parameters, outputs) = (network.dim(), samples.saturating_mul(network.outputs()));
    let bytes = parameters.saturating_mul(VECTORS).saturating_add(outputs.saturating_mul(3)).saturating_mul(8);
    let free = available_memory()?;
    (bytes as u64 > free).then(|| {
        format!(
            "expected a network that fits in memory, found {parameters} parameters and {outputs} outputs of {samples} samples: \
             at least {:.1} GiB of the {:.1} GiB free",
            bytes as f64 / 2f64.powi(30),
            free as f64 / 2f64.powi(30)
        )
    })
}

/// Free memory in bytes, where the system says (Linux).
pub(crate) fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

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
