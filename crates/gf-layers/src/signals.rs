//! What passes through the layers of a network: activations forward, gradients backward.

mod moments;
mod pass;

use std::sync::Arc;

use gf_core::{Samples, vector};
use gf_linalg::SingularValues;
pub use moments::Moments;
pub(crate) use pass::Pass;

use crate::{
    Loss, Network, NetworkError,
    chunk::Chunk,
    problem::Problem,
    shape::{LayerShape, Shape},
    targets::Prepared,
};

/// Entries with |f'(z)| below this are saturated: they pass on less than a hundredth of a signal.
pub const SATURATED: f64 = 0.01;

/// What one layer does to the signals, over all samples.
///
/// With z = a^{l−1} W + b and a = f(z), or a = a^{l−1} + f(z) where a skip connection leads around the layer. Signals back carry the 1/n of the loss.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LayerSignals {
    /// ‖∂L/∂Θ‖ (Frobenius), bias row and l2 included.
    pub gradient_norm: f64,
    /// Root mean square of ∂L/∂a over samples and units.
    pub pull_rms: f64,
    /// Root mean square of δ = ∂L/∂z.
    pub delta_rms: f64,
    /// Of z.
    pub preactivation: Moments,
    /// Of a.
    pub activation: Moments,
    /// Mean of f'(z)².
    pub mean_square_slope: f64,
    /// Share of units with f'(z) = 0 on every sample: none of their weights learns anything.
    pub dead: f64,
    /// Share of entries with |f'(z)| < [`SATURATED`]; for relu, the share that is off.
    pub saturated: f64,
    /// ‖Θ‖ (Frobenius), bias row included.
    pub weight_norm: f64,
    /// Largest singular value of W, without the bias row.
    pub spectral_norm: f64,
}

/// Measures [`LayerSignals`] of a network on samples, at one θ after the other. Allocates at construction only.
///
/// The network is taken as it is described: layers that the objective merges are told apart here.
///
/// **Cost**: a value with gradient and a few sums, and one singular-value problem a layer.
///
/// ```
/// use gf_core::{Samples, Streams, Targets};
/// use gf_layers::{Activation, Initialization, Loss, Network, SignalProbe};
///
/// let network = Network::new(2).dense(8, Activation::Tanh).dense(1, Activation::Identity);
/// let samples = Samples::new(2, vec![0.0, 0.0, 1.0, 2.0], Targets::Values { width: 1, values: vec![0.0, 1.0] })?;
/// let theta = network.init(&Initialization::Auto, &mut Streams::new(0).init());
/// let mut probe = SignalProbe::new(&network, Loss::mse(), samples.into(), 0.0)?;
/// let layers = probe.measure(&theta)?;
/// assert!(layers.len() == 2 && layers[0].gradient_norm > 0.0 && layers[0].dead == 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SignalProbe {
    problem: Problem,
    l2: f64,
    chunk: Chunk,
    pass: Pass,
    layers: Vec<LayerSignals>,
    gradient: Vec<f64>,
    /// Per layer and unit: whether f' was 0 on all samples so far.
    dead: Vec<Vec<bool>>,
    /// Of W, inputs × units.
    spectra: Vec<SingularValues>,
    weights: Vec<f64>,
}

impl SignalProbe {
    /// For a network with a loss, plus (λ/2)‖θ‖² with λ = `l2`, on these samples.
    ///
    /// # Errors
    /// The misfits that [`Network::objective`] names.
    pub fn new(network: &Network, loss: Loss, samples: Arc<Samples>, l2: f64) -> Result<Self, NetworkError> {
        // Checks everything; what else it builds is small beside the passes here.
        network.objective_shared(loss.clone(), Arc::clone(&samples), crate::Batches::full())?.with_l2(l2)?;
        let shape = Shape::new(network);
        let targets = Prepared::new(&loss, &samples, false)?;
        let rows: Vec<usize> = (0..samples.len()).collect();
        let room = shape.chunk.min(rows.len());
        let mut problem = Problem::new(shape.clone(), loss, samples, targets, rows.len());
        problem.set_batch(&rows);
        let transposed = |layer: &LayerShape| SingularValues::new(layer.units, layer.inputs);
        Ok(Self {
            l2,
            chunk: Chunk::new(&shape, room),
            pass: Pass::new(&shape, room),
            layers: vec![LayerSignals::default(); shape.layers.len()],
            gradient: vec![0.0; shape.dim()],
            dead: shape.layers.iter().map(|layer| vec![true; layer.units]).collect(),
            spectra: shape.layers.iter().map(transposed).collect(),
            weights: vec![0.0; shape.layers.iter().map(|layer| layer.inputs * layer.units).max().unwrap_or(0)],
            problem,
        })
    }

    /// The layers at θ, first to last.
    ///
    /// # Errors
    /// [`NetworkError::Length`] when `theta` does not have p entries; [`NetworkError::NotFinite`] with the first layer whose parameters or
    /// activations, or the last whose signals back, hold a NaN or an infinity.
    pub fn measure(&mut self, theta: &[f64]) -> Result<&[LayerSignals], NetworkError> {
        let shape = &self.problem.shape;
        if theta.len() != self.gradient.len() {
            let (what, expected, found) = ("theta", self.gradient.len(), theta.len());
            return Err(NetworkError::Length { what, expected, found });
        }
        self.layers.fill(LayerSignals::default());
        self.gradient.fill(0.0);
        self.dead.iter_mut().for_each(|dead| dead.fill(true));
        let count = self.problem.batch_len();
        let size = self.pass.capacity();
        for start in (0..count).step_by(size.max(1)) {
            self.problem.load(start..(start + size).min(count), &mut self.chunk);
            self.pass.forward(shape, theta, &self.chunk)?;
            self.pass.backward(shape, theta, &self.problem.loss, &self.chunk, self.problem.scale)?;
            self.pass.add_gradient(shape, &self.chunk, &mut self.gradient);
            for (l, signals) in self.layers.iter_mut().enumerate() {
                add_chunk(signals, &mut self.dead[l], &self.pass, shape, l);
            }
        }
        if self.l2 != 0.0 {
            vector::add_scaled(&mut self.gradient, self.l2, theta);
        }
        for (l, (layer, signals)) in shape.layers.iter().zip(&mut self.layers).enumerate() {
            let entries = (count * layer.units) as f64;
            signals.pull_rms = (signals.pull_rms / entries).sqrt();
            signals.delta_rms = (signals.delta_rms / entries).sqrt();
            signals.mean_square_slope /= entries;
            signals.saturated /= entries;
            signals.dead = self.dead[l].iter().filter(|dead| **dead).count() as f64 / layer.units as f64;
            signals.gradient_norm = vector::norm(layer.part(&self.gradient));
            signals.weight_norm = vector::norm(layer.part(theta));
            let weights = &mut self.weights[..layer.inputs * layer.units];
            weights.copy_from_slice(&layer.part(theta)[..layer.inputs * layer.units]);
            let spectrum = self.spectra[l].compute(weights);
            signals.spectral_norm = spectrum.map_err(|_| NetworkError::NotFinite { layer: l + 1, what: "weights" })?[0];
        }
        Ok(&self.layers)
    }

    /// The parts of the last measurement, for instruments that share its passes.
    pub(crate) fn parts(&mut self) -> (&Problem, &mut Chunk, &mut Pass) {
        (&self.problem, &mut self.chunk, &mut self.pass)
    }
}

/// Adds sums over one chunk; `measure` divides them.
fn add_chunk(signals: &mut LayerSignals, dead: &mut [bool], pass: &Pass, shape: &Shape, l: usize) {
    let at = pass.layer(shape, l);
    signals.pull_rms += vector::dot(at.pull, at.pull);
    signals.delta_rms += vector::dot(at.delta, at.delta);
    signals.mean_square_slope += vector::dot(at.slope, at.slope);
    signals.saturated += at.slope.iter().filter(|slope| slope.abs() < SATURATED).count() as f64;
    signals.preactivation.add(at.z);
    signals.activation.add(at.a);
    for (dead, slopes) in dead.iter_mut().zip(at.slope.chunks_exact(pass.rows())) {
        *dead &= slopes.iter().all(|slope| *slope == 0.0);
    }
}
