//! The description of a dense network.

use std::sync::Arc;

use gf_core::{Samples, StreamRng};
use serde::{Deserialize, Serialize};

use crate::{
    Activation, Batches, Initialization, Loss, NetworkError, NetworkObjective, Part, chunk::Chunk, init, merge::Merge,
    shape::Shape, tape::Tape,
};

/// One dense layer: z = a W + b, then f(z), or a + f(z) where a skip connection leads around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Outputs of the layer.
    pub units: usize,
    /// f, elementwise.
    pub activation: Activation,
    /// Whether a skip connection leads around it: a^l = a^{l−1} + f(z^l); needs as many units as inputs.
    #[serde(default)]
    pub skip: bool,
}

/// A dense network: plain data, to be validated before use.
///
/// The output of a sample depends on θ and on this sample, and on nothing else: L(θ) is a mean over samples, and every derivative a sum
/// of one tensor a sample. That leaves out two customary layers. *Batch normalization* couples the samples of a batch through their mean
/// and variance, so that L would be a function of the batch and there would be no curvature of a sample. *Dropout* multiplies by random
/// numbers, so that L would be another function at each evaluation: no gradient to follow, no Hessian. Skip connections do neither.
///
/// ```
/// use gf_layers::{Activation::{Identity, Relu, Tanh}, Network};
/// let network = Network::new(2).dense(50, Identity).dense(30, Relu).dense(1, Identity);
/// assert_eq!(network.dim(), (2 + 1) * 50 + (50 + 1) * 30 + (30 + 1));
///
/// // a² = tanh(z²) + a¹ and a³ = tanh(z³) + a², both as wide as a¹.
/// let deep = Network::new(2).dense(8, Tanh).residual(Tanh).residual(Tanh).dense(1, Identity);
/// assert_eq!(deep.layers[2].units, 8);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Inputs a sample.
    pub input: usize,
    /// The layers, from the input to the output.
    pub layers: Vec<Layer>,
}

/// Far beyond any memory, and far below where products of sizes overflow.
const MOST_PARAMETERS: u128 = 1 << 48;

impl Network {
    /// No layers yet.
    pub fn new(input: usize) -> Self {
        Self { input, layers: Vec::new() }
    }

    /// Adds a layer.
    #[must_use]
    pub fn dense(mut self, units: usize, activation: Activation) -> Self {
        self.layers.push(Layer { units, activation, skip: false });
        self
    }

    /// Adds a layer with a skip connection around it, as wide as what comes before it.
    #[must_use]
    pub fn residual(mut self, activation: Activation) -> Self {
        let units = self.layers.last().map_or(self.input, |layer| layer.units);
        self.layers.push(Layer { units, activation, skip: true });
        self
    }

    /// Checks that there are layers, none of them empty, that their parameters can be counted, and that skip connections join equal widths.
    ///
    /// # Errors
    /// [`NetworkError::NoInputs`], [`NetworkError::NoLayers`], [`NetworkError::NoUnits`], [`NetworkError::TooLarge`],
    /// [`NetworkError::Skip`].
    pub fn validate(&self) -> Result<(), NetworkError> {
        if self.input == 0 {
            return Err(NetworkError::NoInputs);
        }
        if self.layers.is_empty() {
            return Err(NetworkError::NoLayers);
        }
        let (mut inputs, mut parameters) = (self.input, 0_u128);
        for (number, layer) in self.layers.iter().enumerate() {
            if layer.units == 0 {
                return Err(NetworkError::NoUnits { layer: number + 1 });
            }
            parameters = parameters.saturating_add((inputs as u128 + 1).saturating_mul(layer.units as u128));
            if parameters > MOST_PARAMETERS {
                return Err(NetworkError::TooLarge { layer: number + 1 });
            }
            if layer.skip && layer.units != inputs {
                return Err(NetworkError::Skip { layer: number + 1, inputs, units: layer.units });
            }
            inputs = layer.units;
        }
        Ok(())
    }

    /// The number p of parameters: Σ (inputs + 1)·units.
    pub fn dim(&self) -> usize {
        let inputs = std::iter::once(self.input).chain(self.layers.iter().map(|layer| layer.units));
        inputs.zip(&self.layers).map(|(inputs, layer)| (inputs + 1) * layer.units).sum()
    }

    /// Where each layer's parameters stand in θ: weights, then biases.
    pub fn layer_ranges(&self) -> Vec<std::ops::Range<usize>> {
        Shape::new(self).layers.iter().map(|layer| layer.offset..layer.offset + layer.len()).collect()
    }

    /// Outputs a sample; 0 without layers.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.units)
    }

    /// Draws initial parameters; see [`Initialization`] for the order of the random numbers.
    pub fn init(&self, initialization: &Initialization, rng: &mut StreamRng) -> Vec<f64> {
        init::draw(self, initialization, rng)
    }

    /// The outputs a^L (n × outputs, row-major) for `inputs` (n × input, row-major). Allocates; inside a loop use
    /// [`NetworkObjective::predict`].
    ///
    /// # Errors
    /// [`NetworkError::Length`] when `theta` does not have p entries, [`NetworkError::Ragged`] when `inputs` do not fill rows.
    pub fn predict(&self, theta: &[f64], inputs: &[f64]) -> Result<Vec<f64>, NetworkError> {
        self.validate()?;
        let dim = self.dim();
        if theta.len() != dim {
            return Err(NetworkError::Length { what: "theta", expected: dim, found: theta.len() });
        }
        if !inputs.len().is_multiple_of(self.input) {
            return Err(NetworkError::Ragged { width: self.input, found: inputs.len() });
        }
        let rows = inputs.len() / self.input;
        let mut phi = Vec::new();
        let (shape, theta) = match Merge::new(self) {
            None => (Shape::new(self), theta),
            Some(map) => {
                phi.resize(map.shape.dim(), 0.0);
                map.apply(theta, &mut phi);
                (map.shape, &phi[..])
            }
        };
        let mut tape = Tape::new(&shape, shape.chunk.min(rows));
        let mut chunk = Chunk::new(&shape, shape.chunk.min(rows));
        let mut outputs = vec![0.0; rows * self.outputs()];
        tape.predict(&shape, theta, &mut chunk, inputs, &mut outputs);
        Ok(outputs)
    }

    /// This network on these samples (copied) as a function of its parameters.
    ///
    /// # Errors
    /// A [`NetworkError`] that names the first misfit between network, loss, samples and batches.
    pub fn objective(&self, loss: Loss, samples: &Samples, batches: Batches) -> Result<NetworkObjective, NetworkError> {
        self.objective_shared(loss, Arc::new(samples.clone()), batches)
    }

    /// As [`Network::objective`], with samples that several objectives share.
    ///
    /// # Errors
    /// As [`Network::objective`].
    pub fn objective_shared(
        &self,
        loss: Loss,
        samples: Arc<Samples>,
        batches: Batches,
    ) -> Result<NetworkObjective, NetworkError> {
        NetworkObjective::new(self.clone(), loss, samples, None, batches)
    }

    /// The summand of the loss that belongs to these samples, a part of a whole set: the summands of all parts add up to the loss on the whole set, batch by batch.
    /// Batches are those of the whole set, and so are the factor 1/n and [`gf_core::Objective::cost`]. An l2 term belongs to one of the parts alone.
    ///
    /// # Errors
    /// As [`Network::objective`]; [`NetworkError::Length`] when the part does not have as many samples as `samples`, and [`NetworkError::PartWithoutLabels`].
    pub fn objective_of_part(
        &self,
        loss: Loss,
        samples: Arc<Samples>,
        part: &Part,
        batches: Batches,
    ) -> Result<NetworkObjective, NetworkError> {
        NetworkObjective::new(self.clone(), loss, samples, Some(part), batches)
    }
}
