//! `[depth]`: how signals pass through networks of growing depth.

use gf_layers::{Activation, Initialization, Layer, Network};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Random networks on the study's samples: its first `[network]` input and its last layer, between them `depth` hidden layers of one width.
/// Measured at their starts, one for each of `run.seeds`; nothing is trained.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Depth {
    /// Numbers of hidden layers.
    pub depths: Vec<usize>,
    /// Units of every hidden layer.
    pub width: usize,
    /// Their activations.
    pub activations: Vec<Activation>,
    /// How weights are drawn, as in `[network]`.
    pub initializations: Vec<Initialization>,
    /// Without and with skip connections around the hidden layers, from the second on.
    #[serde(default = "both")]
    pub skip: Vec<bool>,
    /// Training samples that signals are averaged over, from the first on.
    #[serde(default = "samples")]
    pub samples: usize,
    /// Samples that singular values of Jacobians are averaged over, from the first on.
    #[serde(default = "jacobian_samples")]
    pub jacobian_samples: usize,
}

fn both() -> Vec<bool> {
    vec![false, true]
}

fn samples() -> usize {
    256
}

fn jacobian_samples() -> usize {
    4
}

/// One kind of network of the table.
#[derive(Debug, Clone, Copy)]
pub struct DepthCase {
    /// Of the hidden layers.
    pub activation: Activation,
    /// Of all weights.
    pub initialization: Initialization,
    /// Around the hidden layers.
    pub skip: bool,
    /// Hidden layers.
    pub depth: usize,
}

/// 1 GiB of them.
const MOST_WEIGHTS: usize = 1 << 27;

impl Depth {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The key, and what was expected and found.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        let expect = |holds: bool, key: &'static str, expected: &str, found: String| {
            if holds { Ok(()) } else { Err((key, format!("expected {expected}, found {found}"))) }
        };
        let depths = !self.depths.is_empty() && self.depths.iter().all(|depth| (1..=1000).contains(depth));
        expect(depths, "depths", "numbers of hidden layers from 1 to 1000", format!("{:?}", self.depths))?;
        expect((1..=4096).contains(&self.width), "width", "1 to 4096", self.width.to_string())?;
        // Both factors are bounded by now.
        let deepest = self.depths.iter().max().map_or(0, |depth| depth * self.width * self.width);
        let found = format!("{deepest} of {} units a layer", self.width);
        expect(deepest <= MOST_WEIGHTS, "depths", &format!("at most {MOST_WEIGHTS} weights in hidden layers"), found)?;
        expect(!self.activations.is_empty(), "activations", "at least one", "none".into())?;
        expect(!self.initializations.is_empty(), "initializations", "at least one", "none".into())?;
        for initialization in &self.initializations {
            initialization.validate().map_err(|error| ("initializations", error.to_string()))?;
        }
        expect(!self.skip.is_empty(), "skip", "false, true or both", "none".into())?;
        expect(self.samples > 0, "samples", "at least 1", "0".into())?;
        expect(self.jacobian_samples > 0, "jacobian_samples", "at least 1", "0".into())
    }

    /// All combinations, the depth changing fastest.
    pub fn cases(&self) -> Vec<DepthCase> {
        let mut cases = Vec::new();
        for &activation in &self.activations {
            for &initialization in &self.initializations {
                for &skip in &self.skip {
                    let case = |&depth| DepthCase { activation, initialization, skip, depth };
                    cases.extend(self.depths.iter().map(case));
                }
            }
        }
        cases
    }

    /// The network of a case, between the input and the last layer of `model`.
    pub fn network(&self, case: &DepthCase, model: &Network) -> Network {
        let hidden = |l: usize| Layer { units: self.width, activation: case.activation, skip: case.skip && l > 0 };
        let last = model.layers.last().map(|layer| Layer { skip: false, ..*layer });
        Network { input: model.input, layers: (0..case.depth).map(hidden).chain(last).collect() }
    }
}

/// A name for tables and legends.
pub fn initialization_name(initialization: &Initialization) -> String {
    match initialization {
        Initialization::Auto => "auto".into(),
        Initialization::HeNormal => "he_normal".into(),
        Initialization::XavierNormal => "xavier_normal".into(),
        Initialization::Original => "original".into(),
        Initialization::Scale(scale) => format!("scale {scale}"),
        Initialization::Gain(gain) => format!("gain {gain}"),
        Initialization::Mulberry32(seed) => format!("mulberry32 {seed}"),
    }
}
