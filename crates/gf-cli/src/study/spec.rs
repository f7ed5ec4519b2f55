//! The keys of a study, with their defaults. `gf init` writes a commented example.

use std::path::PathBuf;

use gf_layers::{Activation, Initialization, Layer, Network};
use gf_optim::Budget;
use gf_optim::registry::{ControlSettings, MethodSettings};
use serde::{Deserialize, Serialize};

use super::LossSpec;
use super::depth::Depth;
use super::function::FunctionSpec;

/// A whole study. A problem alone (for `gf eval`) has no arms.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Names the run folder.
    #[serde(default = "default_name")]
    pub name: String,
    /// The report's title.
    #[serde(default)]
    pub title: String,
    /// What is seen and why: the report's first paragraph.
    #[serde(default)]
    pub about: String,
    /// The network, with `loss` and `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkSpec>,
    /// The loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossSpec>,
    /// The data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSpec>,
    /// A function of a few parameters in place of network, loss and data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<FunctionSpec>,
    /// What is held out.
    #[serde(default)]
    pub validation: ValidationSpec,
    /// Steps, seeds, batches.
    #[serde(default)]
    pub run: RunSpec,
    /// The methods compared.
    #[serde(default, rename = "arm", skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<ArmSpec>,
    /// Statements that the report answers.
    #[serde(default, rename = "claim", skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimSpec>,
    /// A table of first implicit steps over many starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_steps: Option<FirstSteps>,
    /// The curvature along every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<SpectrumSpec>,
    /// Where each arm ends from every start on a grid; for functions of two parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basins: Option<Basins>,
    /// Signals through random networks of growing depth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<Depth>,
}

fn default_name() -> String {
    "study".into()
}

/// `[network]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Inputs a sample.
    pub input: usize,
    /// Dense layers, each with units and activation, and perhaps a skip connection.
    pub layers: Vec<Layer>,
    /// How initial parameters are drawn.
    #[serde(default)]
    pub initialization: Initialization,
}

impl NetworkSpec {
    /// The network.
    pub fn network(&self) -> Network {
        Network { input: self.input, layers: self.layers.clone() }
    }
}

/// `[data]`: one of `builtin`, `x` with `y`, `csv` with `target`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// A data set that gf carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builtin: Option<Builtin>,
    /// Inputs, `.npy`, n × d.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<PathBuf>,
    /// Targets, `.npy`: floats, integer labels, or one-hot rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<PathBuf>,
    /// A CSV file with a header row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csv: Option<PathBuf>,
    /// Its target columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Vec<String>>,
    /// Its input columns; all others when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// Shift and scale inputs to mean 0 and variance 1 on the training set.
    #[serde(default)]
    pub standardize: bool,
}

/// Data sets that gf carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// The original project's synthetic problem, drawn anew from each seed.
    Original,
    /// UCI handwritten digits, 1797 × 64, 10 classes.
    Digits,
    /// Fisher's irises, 150 × 4, 3 classes.
    Iris,
    /// Wines, 178 × 13, 3 classes; `standardize` them.
    Wine,
    /// Tumors of the breast, 569 × 30, 2 classes; `standardize` them.
    BreastCancer,
    /// The Chebyshev polynomial T₆ at 20 points of [−1, 1], of published runs at the edge of stability.
    Chebyshev,
}

/// `[validation]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationSpec {
    /// Share of the samples that is held out.
    pub fraction: f64,
    /// How it is chosen, from each seed.
    pub split: SplitKind,
    /// Sort the validation set by this input column (from 0), for plots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<usize>,
}

impl Default for ValidationSpec {
    fn default() -> Self {
        Self { fraction: gf_utils::data::DEFAULT_VALIDATION, split: SplitKind::Shuffled, sort_by: None }
    }
}

/// How the validation set is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitKind {
    /// Shuffle all samples, then cut.
    Shuffled,
    /// As `shuffled` within each class.
    Stratified,
    /// Hold nothing out: validation is on the training set.
    None,
}

/// `[run]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSpec {
    /// Accepted steps of each arm.
    pub steps: u64,
    /// One run of each arm per seed: data, split, start and batches come from it.
    pub seeds: Vec<u64>,
    /// Samples a batch; the whole training set when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Order of the batches.
    pub order: BatchOrder,
    /// Compare every run with the flow of the loss on the whole training set, integrated to this tolerance: adds the column `distance_to_flow`,
    /// ‖θ − θ(t)‖ at equal flow time, at the steps that are evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_tolerance: Option<f64>,
    /// Evaluate training and validation loss every so many steps.
    pub evaluate_every: u64,
    /// Write what passes through the layers, on the training set, every so many steps: `layers.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers_every: Option<u64>,
    /// Add the column `conservation_drift`: how far a run is from what the flow conserves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub conservation: bool,
    /// Stop an arm at this flow time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_time: Option<f64>,
    /// Stop an arm when the gradient's norm on its batch is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// Stop an arm when the loss on its batch is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_target: Option<f64>,
    /// Stop an arm when a step changed the loss on its batch by at most this, relative to the larger of the loss and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_change: Option<f64>,
    /// Stop an arm after so many seconds in steps. Such a run is not reproducible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time: Option<f64>,
    /// A loss above this is divergence.
    pub loss_limit: f64,
    /// Whether a failed arm makes `gf run` exit with 1.
    pub on_failure: OnFailure,
}

impl Default for RunSpec {
    fn default() -> Self {
        Self {
            steps: 500,
            seeds: vec![0],
            batch: None,
            order: BatchOrder::Fixed,
            flow_tolerance: None,
            layers_every: None,
            conservation: false,
            evaluate_every: 1,
            flow_time: None,
            gradient_norm: None,
            loss_target: None,
            loss_change: None,
            wall_time: None,
            loss_limit: 1e12,
            on_failure: OnFailure::Error,
        }
    }
}

impl RunSpec {
    /// As the driver wants it, for an arm.
    pub fn budget(&self, arm: &ArmSpec) -> Budget {
        let open = Budget::steps(arm.steps.unwrap_or(self.steps));
        Budget {
            flow_time: self.flow_time.unwrap_or(open.flow_time),
            gradient_norm: self.gradient_norm.unwrap_or(open.gradient_norm),
            loss: self.loss_target.unwrap_or(open.loss),
            loss_change: self.loss_change.unwrap_or(open.loss_change),
            loss_limit: self.loss_limit,
            ..open
        }
    }
}

/// Order of the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOrder {
    /// The same in every epoch.
    Fixed,
    /// Shuffled in every epoch.
    Shuffled,
}

/// What a failed arm means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// `gf run` exits with 1, with everything written.
    Error,
    /// Divergence is data: exit code 0.
    Record,
}

/// `[[arm]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSpec {
    /// Unique; a name for files and legends.
    pub name: String,
    /// The arm with lists that this one comes from; arms of one group are a sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `method.implicit = { h = 0.05 }` and so on; see `gf methods`.
    pub method: MethodSettings,
    /// `control.armijo = { … }` or `control.constant = {}`; the method's own when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlSettings>,
    /// Samples a batch, where they differ from `run.batch`; 0 is the whole training set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Samples a batch that the curvature is computed on, where it is not that of the gradient; 0 is the whole training set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curvature_batch: Option<usize>,
    /// θ before the first step, where it differs from the problem's; for `[problem]` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
    /// Standard deviation of a random force that is added to the gradient, new in every step, as a mini-batch does; for `[problem]` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_noise: Option<f64>,
    /// How initial parameters are drawn, where it differs from the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
    /// Skip connections around all hidden layers that are as wide as their inputs (or around none), where they differ from the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<bool>,
    /// The whole of `[loss]`, l2 included, where it differs from the problem's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossSpec>,
    /// The activation of the last layer, where it differs from the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Activation>,
    /// Steps of this arm, where they differ from `run.steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
}

impl ArmSpec {
    /// Whether every step is of the method's own size.
    pub fn has_constant_step(&self) -> bool {
        let own = self.method.settings().default_control();
        matches!(self.control.as_ref().unwrap_or(&own), ControlSettings::Constant(_))
    }
}

/// `[[claim]]`: a statement with the rule that decides it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimSpec {
    /// In words.
    pub text: String,
    /// How it is decided.
    pub check: ClaimRule,
}

/// Rules that decide claims.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClaimRule {
    /// `leader` has the lower median of `metric` over the window than `follower`, in at least 4 of 5 seeds, paired.
    Ahead {
        /// Arm.
        leader: String,
        /// Arm.
        follower: String,
        /// First and last step of the window.
        steps: [u64; 2],
        /// Column of the history.
        metric: String,
    },
    /// `metric` of `arm` falls like step^(−exponent) over the window: the fitted interval contains it in at least 4 of 5 seeds.
    PowerLaw {
        /// Arm.
        arm: String,
        /// Expected exponent, positive.
        exponent: f64,
        /// First and last step of the window.
        steps: [u64; 2],
        /// Column of the history.
        metric: String,
    },
    /// Once `metric` of `arm` has been below `level`, it rises above twice `level` again, in at least 4 of 5 seeds.
    UnstableBelow {
        /// Arm.
        arm: String,
        /// The level.
        level: f64,
        /// Column of the history.
        metric: String,
    },
}

impl ClaimRule {
    /// The column of the history that it judges.
    pub fn metric(&self) -> &str {
        match self {
            Self::Ahead { metric, .. } | Self::PowerLaw { metric, .. } | Self::UnstableBelow { metric, .. } => metric,
        }
    }

    /// First and last step of its window.
    pub fn steps(&self) -> Option<[u64; 2]> {
        match self {
            Self::Ahead { steps, .. } | Self::PowerLaw { steps, .. } => Some(*steps),
            Self::UnstableBelow { .. } => None,
        }
    }

    /// The arms it speaks of.
    pub fn arms(&self) -> Vec<&str> {
        match self {
            Self::Ahead { leader, follower, .. } => vec![leader, follower],
            Self::PowerLaw { arm, .. } | Self::UnstableBelow { arm, .. } => vec![arm],
        }
    }
}

/// `[first_steps]`: the first implicit step from many starts, under each policy for indefinite matrices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstSteps {
    /// Number of starts; their seeds are 0, 1, ….
    pub starts: u64,
    /// Step size of the implicit step.
    pub h: f64,
    /// Also measure the asymmetry of the original's Hessians by central differences of these steps (2p gradients each).
    #[serde(default)]
    pub difference_steps: Vec<f64>,
}

/// `[spectrum]`: the curvature of the loss on the whole training set along every run; the pictures are of the first seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpectrumSpec {
    /// Look at steps 0, k, 2k, ….
    pub every: u64,
    /// Highest eigenvalues of the Hessian, by Lanczos.
    pub top: usize,
    /// Lowest ones.
    pub bottom: usize,
    /// Residual of the eigenpairs, relative to the largest |λ|.
    pub tolerance: f64,
    /// The highest eigenvalue of the Gauss–Newton matrix too.
    pub gauss_newton: bool,
    /// Products with random vectors for the trace; 0: no trace.
    pub trace_probes: usize,
    /// All eigenvalues too, from the dense Hessian.
    pub full: bool,
    /// The blocks of the dense Hessian layer by layer at the end of each run; for networks.
    pub per_layer: bool,
    /// The central flow beside every arm of full-batch gradient descent (`method.explicit`): its prediction of mean loss and oscillation.
    pub central_flow: bool,
}

impl SpectrumSpec {
    /// Bytes for p parameters: the dense matrix, its copy inside the eigensolver and a block, where it is asked for.
    pub fn dense_bytes(&self, p: usize) -> usize {
        if self.full || self.per_layer { 24usize.saturating_mul(p).saturating_mul(p) } else { 0 }
    }
}

impl Default for SpectrumSpec {
    fn default() -> Self {
        Self {
            every: 10,
            top: 3,
            bottom: 1,
            tolerance: 1e-7,
            gauss_newton: false,
            trace_probes: 0,
            full: false,
            per_layer: false,
            central_flow: false,
        }
    }
}

/// `[basins]`: every arm from every start on a grid, to where its gradient vanishes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basins {
    /// Lowest and highest first parameter.
    pub x: [f64; 2],
    /// Lowest and highest second parameter.
    pub y: [f64; 2],
    /// Starts along each axis.
    pub grid: usize,
    /// Steps a run at most; it has converged when the gradient's norm is at most 1e-6.
    pub steps: u64,
}
