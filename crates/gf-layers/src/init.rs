//! Random initial parameters.

use gf_core::{StreamRng, standard_normal};
use serde::{Deserialize, Serialize};

use crate::{Network, NetworkError};

/// How initial parameters are drawn, with N(0, 1) numbers in the order of θ: layer after layer, weights row by row
/// (inputs × units), then, where biases are random, the layer's biases. What is constant draws nothing. A skip connection changes
/// nothing: the scale of deep networks with many of them is the user's to choose.
///
/// | name | weights | biases |
/// |---|---|---|
/// | `auto` | `he_normal` for relu-like layers, `xavier_normal` for the others | 0 |
/// | `he_normal` | √(2/inputs)·N(0,1) (He et al. 2015) | 0 |
/// | `xavier_normal` | √(2/(inputs+units))·N(0,1) (Glorot and Bengio 2010) | 0 |
/// | `original` | as `he_normal` | 0.01·N(0,1) |
/// | `scale` = σ | σ·N(0,1) | 0 |
/// | `mulberry32` = seed | √(1/inputs)·N(0,1), layer by layer with units outside and inputs inside, from the generator mulberry32 in place of the stream: repeats published runs | 0 |
/// | `gain` = g | g/√inputs·N(0,1); 1 is Xavier and √2 is He where all layers are as wide | 0 |
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the table above defines them")]
pub enum Initialization {
    #[default]
    Auto,
    HeNormal,
    XavierNormal,
    Original,
    /// σ ≥ 0: weights are σ·N(0, 1), in units of θ.
    Scale(f64),
    /// The seed of the generator mulberry32: repeats published runs.
    Mulberry32(u32),
    /// g ≥ 0: weights are g/√inputs·N(0, 1), without unit.
    Gain(f64),
}

impl Initialization {
    /// Checks the scale or the gain.
    ///
    /// # Errors
    /// [`NetworkError::Parameter`] unless it is finite and not negative.
    pub fn validate(&self) -> Result<(), NetworkError> {
        let (name, found) = match *self {
            Self::Scale(found) => ("scale", found),
            Self::Gain(found) => ("gain", found),
            _ => return Ok(()),
        };
        if found.is_finite() && found >= 0.0 {
            return Ok(());
        }
        Err(NetworkError::Parameter { name, expected: "a finite number of at least 0", found })
    }
}

pub(crate) fn draw(network: &Network, initialization: &Initialization, rng: &mut StreamRng) -> Vec<f64> {
    let mut theta = Vec::with_capacity(network.dim());
    let mut inputs = network.input;
    for layer in &network.layers {
        let he = (2.0 / inputs as f64).sqrt();
        let xavier = (2.0 / (inputs + layer.units) as f64).sqrt();
        let (scale, bias_scale) = match *initialization {
            Initialization::Auto => (if layer.activation.is_relu_like() { he } else { xavier }, None),
            Initialization::HeNormal => (he, None),
            Initialization::XavierNormal => (xavier, None),
            Initialization::Original => (he, Some(0.01)),
            Initialization::Scale(scale) => (scale, None),
            Initialization::Mulberry32(seed) => return draw_published(network, seed),
            Initialization::Gain(gain) => (gain / (inputs as f64).sqrt(), None),
        };
        theta.extend((0..inputs * layer.units).map(|_| scale * standard_normal(rng)));
        theta.extend((0..layer.units).map(|_| bias_scale.map_or(0.0, |scale| scale * standard_normal(rng))));
        inputs = layer.units;
    }
    theta
}

/// The generator mulberry32, and its normal numbers by Box–Muller.
struct Mulberry32(u32);

impl Mulberry32 {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x6D2B_79F5);
        let s = self.0;
        let mut t = (s ^ (s >> 15)).wrapping_mul(s | 1);
        t ^= t.wrapping_add((t ^ (t >> 7)).wrapping_mul(t | 61));
        f64::from(t ^ (t >> 14)) / 4_294_967_296.0
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The start of the published runs: weights in the order of their program, units outside.
fn draw_published(network: &Network, seed: u32) -> Vec<f64> {
    let mut generator = Mulberry32(seed);
    let mut theta = Vec::with_capacity(network.dim());
    let mut inputs = network.input;
    for layer in &network.layers {
        let scale = (1.0 / inputs as f64).sqrt();
        let published: Vec<f64> = (0..inputs * layer.units).map(|_| scale * generator.normal()).collect();
        theta.extend((0..inputs * layer.units).map(|k| published[(k % layer.units) * inputs + k / layer.units]));
        theta.extend(std::iter::repeat_n(0.0, layer.units));
        inputs = layer.units;
    }
    theta
}
