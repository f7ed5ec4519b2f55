//! The keys of a study, with their defaults. `gf init` writes a commented example.

mod arm;
mod checkpoint;
mod claim;
mod data;
mod early_stopping;
mod every;
mod run;
mod spectrum;

use gf_layers::{Initialization, Layer, Network};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use arm::ArmSpec;
pub use checkpoint::CheckpointSpec;
pub use claim::{ClaimRule, ClaimSpec};
pub use data::{Builtin, DataSpec, SplitKind, ValidationSpec};
pub use early_stopping::EarlyStoppingSpec;
pub use every::Every;
pub use run::{BatchOrder, OnFailure, RunSpec};
pub use spectrum::SpectrumSpec;

use super::LossSpec;
use super::depth::Depth;
use super::function::FunctionSpec;
use super::landscape::LandscapeSpec;
use super::lr_range::LrRange;

/// A whole study. A problem alone (for `gf eval`) has no arms.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
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
    /// The network, with `loss` and `data` [default: none, but `problem`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkSpec>,
    /// The loss of the network [default: none, but `problem`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossSpec>,
    /// The samples of the network [default: none, but `problem`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSpec>,
    /// A function of a few parameters in place of network, loss and data [default: none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<FunctionSpec>,
    /// What is held out.
    #[serde(default)]
    pub validation: ValidationSpec,
    /// Steps, seeds, batches.
    #[serde(default)]
    pub run: RunSpec,
    /// When a run saves where it stands.
    #[serde(default)]
    pub checkpoint: CheckpointSpec,
    /// The methods compared; `gf run` needs one at least [default: none].
    #[serde(default, rename = "arm", skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<ArmSpec>,
    /// Statements that the report answers [default: none].
    #[serde(default, rename = "claim", skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimSpec>,
    /// A table of first implicit steps over many starts [default: none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_steps: Option<FirstSteps>,
    /// The curvature along every run [default: none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<SpectrumSpec>,
    /// Where each arm ends from every start on a grid; for functions of two parameters [default: none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basins: Option<Basins>,
    /// A learning-rate range test of every arm, from its start [default: none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_range: Option<LrRange>,
    /// The loss of the network on a plane, under the paths of the arms [default: none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landscape: Option<LandscapeSpec>,
    /// Signals through random networks of growing depth [default: none].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<Depth>,
}

fn default_name() -> String {
    "study".into()
}

/// `[network]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
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

/// `[first_steps]`: the first implicit step from many starts, under each policy for indefinite matrices.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstSteps {
    /// Number of starts; their seeds are 0, 1, ….
    pub starts: u64,
    /// Step size of the implicit step, in flow time.
    pub h: f64,
    /// Also measure the asymmetry of the original's Hessians by central differences of these steps (2p gradients each).
    #[serde(default)]
    pub difference_steps: Vec<f64>,
}

/// `[basins]`: every arm from every start on a grid, to where its gradient vanishes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basins {
    /// Lowest and highest first parameter of a start.
    pub x: [f64; 2],
    /// Lowest and highest second parameter of a start.
    pub y: [f64; 2],
    /// Starts along each axis.
    pub grid: usize,
    /// Steps a run at most; it has converged when the gradient's norm is at most 1e-6.
    pub steps: u64,
}
