//! How signals spread through wide random networks: the mean-field prediction.

use crate::{Activation, Network, NetworkError, shape::Shape};

/// The prediction for one layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanField {
    /// Variance q of z.
    pub preactivation_variance: f64,
    /// Mean of a².
    pub mean_square: f64,
    /// χ: the mean square of ∂L/∂a^{l−1} over that of ∂L/∂a^l.
    pub backward_gain: f64,
}

impl Network {
    /// What becomes of inputs with mean 0 and mean square `input_mean_square` in a wide network with independent weights of mean 0 and the
    /// mean squares that θ has, layer by layer: v of the weights, v_b of the biases.
    ///
    /// **Formula**: with x ~ N(0, 1), q = inputs·v·E\[(a^{l−1})²\] + v_b; E\[a²\] = E\[f(√q x)²\], and χ = units·v·E\[f'(√q x)²\].
    /// With a skip connection E\[a²\] gains E\[(a^{l−1})²\] + 2 E\[a^{l−1}\] E\[f\], and χ gains 1.
    /// The ratio of gradients from layer to layer is √χ: they vanish towards the input where χ < 1 and explode where χ > 1.
    /// **Holds** at random initialization, in the limit of wide layers; a network of width n scatters about it, by more the deeper it is. χ takes
    /// gradients for independent of activations: with skip connections and an activation whose mean is not 0 (relu, gelu) they align, and
    /// gradients grow faster, at width 32 and gain 0.5 by e^0.17 a layer where √χ = e^0.06.
    /// **Errors of the integrals**: below 1e-8, also at the kink of relu.
    /// **Reference**: B. Poole et al., *NeurIPS* (2016); S. Schoenholz et al., *ICLR* (2017).
    ///
    /// # Errors
    /// [`NetworkError::Length`] when `theta` does not have p entries; those of [`Network::validate`].
    pub fn mean_field(&self, theta: &[f64], input_mean_square: f64) -> Result<Vec<MeanField>, NetworkError> {
        self.validate()?;
        if theta.len() != self.dim() {
            return Err(NetworkError::Length { what: "theta", expected: self.dim(), found: theta.len() });
        }
        let (mut mean, mut square) = (0.0, input_mean_square);
        let shape = Shape::new(self);
        let layer = |layer: &crate::shape::LayerShape| {
            let (weights, biases) = layer.part(theta).split_at(layer.inputs * layer.units);
            let mean_square = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
            let variance = mean_square(weights);
            let preactivation_variance = layer.inputs as f64 * variance * square + mean_square(biases);
            let [f, f2, slope2] = averages(layer.activation, preactivation_variance);
            let mut backward_gain = layer.units as f64 * variance * slope2;
            if layer.skip {
                square += f2 + 2.0 * mean * f;
                mean += f;
                backward_gain += 1.0;
            } else {
                (mean, square) = (f, f2);
            }
            MeanField { preactivation_variance, mean_square: square, backward_gain }
        };
        Ok(shape.layers.iter().map(layer).collect())
    }
}

/// E f, E f² and E f'² under N(0, q), by the midpoint rule on |x| < 9: its error falls faster than any power of the spacing for smooth f, and
/// midpoints lie symmetric to the kink of relu.
fn averages(activation: Activation, variance: f64) -> [f64; 3] {
    const NODES: usize = 9000;
    const SPACING: f64 = 18.0 / NODES as f64;
    let at = |k: usize| -9.0 + (k as f64 + 0.5) * SPACING;
    let z: Vec<f64> = (0..NODES).map(|k| variance.sqrt() * at(k)).collect();
    let (mut f, mut slope) = (vec![0.0; NODES], vec![0.0; NODES]);
    activation.value(&z, &mut f);
    activation.slope(&z, &f, &mut slope);
    let mut sums = [0.0; 3];
    for k in 0..NODES {
        let weight = (-0.5 * at(k) * at(k)).exp() * SPACING / (2.0 * std::f64::consts::PI).sqrt();
        sums[0] += weight * f[k];
        sums[1] += weight * f[k] * f[k];
        sums[2] += weight * slope[k] * slope[k];
    }
    sums
}
