//! Shared by the tests.
#![allow(dead_code, reason = "not every test uses all of it")]

use gf_core::{Samples, Streams, Targets, standard_normal};
use gf_layers::{Activation, Initialization, Loss, LossFunction, Network};

/// max|a − b| / max|b|.
pub(crate) fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    a.iter().zip(b).fold(0.0f64, |m, (a, b)| if (a - b).is_nan() { f64::NAN } else { m.max((a - b).abs()) }) / largest
}

/// A·v for a p × p column-major matrix.
pub(crate) fn times(matrix: &[f64], v: &[f64]) -> Vec<f64> {
    let p = v.len();
    let mut out = vec![0.0; p];
    for (column, v) in matrix.chunks_exact(p).zip(v) {
        gf_core::vector::add_scaled(&mut out, *v, column);
    }
    out
}

/// `len` numbers from N(0, 1).
pub(crate) fn normals(seed: u64, len: usize) -> Vec<f64> {
    let mut rng = Streams::new(seed).probes();
    (0..len).map(|_| standard_normal(&mut rng)).collect()
}

/// Random inputs with targets that suit the loss.
pub(crate) fn samples(seed: u64, rows: usize, network: &Network, loss: &Loss) -> Samples {
    let outputs = network.outputs();
    let numbers = normals(seed, rows * outputs);
    let targets = if loss.is_classification() {
        let labels = numbers.iter().step_by(outputs).map(|x| (x.abs() * 7.0) as u32 % outputs as u32).collect();
        Targets::Classes { classes: outputs, labels }
    } else if matches!(loss.function, LossFunction::BceWithLogits { .. }) {
        Targets::Values { width: outputs, values: numbers.iter().map(|x| f64::from(*x > 0.0)).collect() }
    } else {
        Targets::Values { width: outputs, values: numbers }
    };
    Samples::new(network.input, normals(seed + 1000, rows * network.input), targets).unwrap()
}

/// Initial parameters whose biases are not zero.
pub(crate) fn parameters(seed: u64, network: &Network) -> Vec<f64> {
    let mut theta = network.init(&Initialization::Auto, &mut Streams::new(seed).init());
    theta.iter_mut().zip(normals(seed + 2000, network.dim())).for_each(|(x, z)| *x += 0.1 * z);
    theta
}

/// The network of the original experiment: p = 2161.
pub(crate) fn original_network() -> Network {
    use Activation::{Identity, Relu};
    Network::new(2)
        .dense(50, Identity)
        .dense(30, Relu)
        .dense(10, Relu)
        .dense(10, Relu)
        .dense(5, Identity)
        .dense(1, Identity)
}
