//! What several tests share: small networks like the benchmark's cases, and matrices as operators.

#![allow(dead_code, clippy::unwrap_used, reason = "tests, none of which uses everything")]

use gf_core::{DenseHessian, Samples, Streams, SymmetricOperator, Targets, Triangle, standard_normal, vector};
use gf_layers::{Activation, Batches, Initialization, Loss, Network, NetworkObjective};

/// A symmetric matrix, both triangles, column-major.
pub(crate) struct Dense {
    pub(crate) p: usize,
    pub(crate) matrix: Vec<f64>,
}

impl SymmetricOperator for Dense {
    fn order(&self) -> usize {
        self.p
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (v, column) in v.iter().zip(self.matrix.chunks_exact(self.p)) {
            vector::add_scaled(out, *v, column);
        }
    }
}

/// Independent N(0, 1) numbers.
pub(crate) fn normal(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = Streams::new(seed).data();
    (0..count).map(|_| standard_normal(&mut rng)).collect()
}

/// Small networks of the kinds of the cases A to E: layers, activations and losses are theirs. Name, objective and θ.
pub(crate) fn networks() -> Vec<(&'static str, NetworkObjective, Vec<f64>)> {
    use Activation::{Identity, Relu, Tanh};
    let hidden = |input, units: &[usize], activation, outputs| {
        let start = Network::new(input);
        units.iter().fold(start, |network, &units| network.dense(units, activation)).dense(outputs, Identity)
    };
    let original = [(12, Identity), (10, Relu), (6, Relu), (6, Relu), (4, Identity), (1, Identity)];
    let original = original.into_iter().fold(Network::new(2), |network, (units, f)| network.dense(units, f));
    let cases = [
        ("A", original, Loss::mse(), 64),
        ("B", hidden(16, &[12], Tanh, 10), Loss::softmax_cross_entropy(), 64),
        ("C", hidden(16, &[16, 12], Tanh, 10), Loss::softmax_cross_entropy(), 128),
        ("D", hidden(8, &[12, 12, 12, 12], Tanh, 1), Loss::mse(), 96),
        ("E", hidden(40, &[24, 20], Relu, 10), Loss::softmax_cross_entropy(), 64),
    ];
    let make = |(name, network, loss, n): (&'static str, Network, Loss, usize)| {
        let inputs = normal(n * network.input, n as u64);
        let targets = if loss.is_classification() {
            let classes = network.outputs();
            Targets::Classes { classes, labels: (0..n).map(|i| (i * 7 % classes) as u32).collect() }
        } else {
            Targets::Values {
                width: 1,
                values: inputs.chunks_exact(network.input).map(|x| (x[0] * x[1]).sin()).collect(),
            }
        };
        let samples = Samples::new(network.input, inputs, targets).unwrap();
        let theta = network.init(&Initialization::Original, &mut Streams::new(3).init());
        (name, network.objective(loss, &samples, Batches::full()).unwrap(), theta)
    };
    cases.into_iter().map(make).collect()
}

/// The Hessian of `objective` at `theta`, both triangles.
pub(crate) fn hessian(objective: &mut NetworkObjective, theta: &[f64]) -> Dense {
    let p = theta.len();
    let mut matrix = vec![0.0; p * p];
    objective.dense_hessian(theta, Triangle::Both, &mut matrix).unwrap();
    Dense { p, matrix }
}

/// A symmetric matrix of independent normal numbers: N(0, 1/p) off the diagonal, N(0, 2/p) on it. Its spectrum fills \[−2, 2\].
pub(crate) fn goe(p: usize, seed: u64) -> Dense {
    let drawn = normal(p * p, seed);
    let scale = 1.0 / (2.0 * p as f64).sqrt();
    let matrix = (0..p * p).map(|at| scale * (drawn[at] + drawn[at / p + at % p * p])).collect();
    Dense { p, matrix }
}

/// XᵀX/n of an n × p matrix X of N(0, 1).
pub(crate) fn wishart(p: usize, n: usize, seed: u64) -> Dense {
    let x = normal(n * p, seed);
    let column = |j: usize| &x[j * n..(j + 1) * n];
    let matrix = (0..p * p).map(|at| vector::dot(column(at / p), column(at % p)) / n as f64).collect();
    Dense { p, matrix }
}
