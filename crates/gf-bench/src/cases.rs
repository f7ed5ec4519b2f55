//! The five networks of the benchmarks; `peers/cases.py` is the same table in Python.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use gf_core::{Samples, Streams, Targets, standard_normal};
use gf_layers::{Activation, Batches, Initialization, Loss, Network, NetworkObjective};
use gf_utils::data::{TargetKind, read_pair};
use gf_utils::npy::read_npy;

/// The step size of the implicit steps, in flow time.
pub const STEP_SIZE: f64 = 0.05;

/// Which case.
///
/// | case | network | loss | samples | p |
/// |---|---|---|---|---|
/// | A | 2-50-30-10-10-5-1, the original's: identity, relu, relu, relu, identity, identity | mse | 64 | 2161 |
/// | B | 64-32-10, tanh | softmax cross-entropy | 256 | 2410 |
/// | C | 64-64-32-10, tanh | softmax cross-entropy | 1024 | 6570 |
/// | D | 8-32-32-32-32-1, tanh | mse | 512 | 3489 |
/// | E | 784-512-512-10, relu | softmax cross-entropy | 256 | 669706 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table above defines them")]
pub enum CaseName {
    A,
    B,
    C,
    D,
    E,
}

impl CaseName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::A, Self::B, Self::C, Self::D, Self::E];

    /// The letter.
    pub fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        }
    }

    /// The case of a letter.
    pub fn from_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.letter() == letter)
    }

    /// The network.
    pub fn network(self) -> Network {
        use Activation::{Identity, Relu, Tanh};
        let hidden = |input, units: &[usize], activation, outputs| {
            let start = Network::new(input);
            units.iter().fold(start, |network, &units| network.dense(units, activation)).dense(outputs, Identity)
        };
        match self {
            Self::A => original_network(),
            Self::B => hidden(64, &[32], Tanh, 10),
            Self::C => hidden(64, &[64, 32], Tanh, 10),
            Self::D => hidden(8, &[32, 32, 32, 32], Tanh, 1),
            Self::E => hidden(784, &[512, 512], Relu, 10),
        }
    }

    /// The loss.
    pub fn loss(self) -> Loss {
        match self {
            Self::A | Self::D => Loss::mse(),
            Self::B | Self::C | Self::E => Loss::softmax_cross_entropy(),
        }
    }

    /// The number n of samples.
    pub fn samples(self) -> usize {
        match self {
            Self::A => 64,
            Self::B | Self::E => 256,
            Self::C => 1024,
            Self::D => 512,
        }
    }

    /// Whether its p × p matrices fit into the memory of a small machine.
    pub fn is_dense(self) -> bool {
        self != Self::E
    }

    /// Whether H + I/h is indefinite at the case's parameters, so that no Cholesky factorization of it exists.
    pub fn is_indefinite(self) -> bool {
        self == Self::A
    }
}

/// The network of the original experiment, 2-50-30-10-10-5-1.
pub fn original_network() -> Network {
    use Activation::{Identity, Relu};
    let layers = [(50, Identity), (30, Relu), (10, Relu), (10, Relu), (5, Identity), (1, Identity)];
    layers.into_iter().fold(Network::new(2), |network, (units, activation)| network.dense(units, activation))
}

/// A case with its numbers.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which.
    pub name: CaseName,
    /// Inputs and targets.
    pub samples: Samples,
    /// The parameters θ, p numbers.
    pub theta: Vec<f64>,
    /// A direction of length 1, p numbers.
    pub direction: Vec<f64>,
}

impl Case {
    /// From `x.npy`, `y.npy`, `theta.npy` and `direction.npy` in `folder`, as `peers/cases.py` writes them.
    ///
    /// # Errors
    /// A file that is missing, or does not fit the case.
    pub fn read(name: CaseName, folder: &Path) -> Result<Self> {
        let kind = match name.loss().is_classification() {
            true => TargetKind::Classes { classes: Some(name.network().outputs()) },
            false => TargetKind::Values,
        };
        let samples = read_pair(&folder.join("x.npy"), &folder.join("y.npy"), kind)?;
        let case = Self {
            name,
            samples,
            theta: vector(&folder.join("theta.npy"), name.network().dim())?,
            direction: vector(&folder.join("direction.npy"), name.network().dim())?,
        };
        let found = case.samples.len();
        ensure!(found == name.samples(), "case {name:?} has {} samples, the files {found}", name.samples());
        Ok(case)
    }

    /// The same shapes with numbers drawn here, for benches and tests that do without Python.
    ///
    /// Inputs are N(0, 1) for A and D, U(0, 1)-like (|N(0, 1)| cut at 1) for the images of the others.
    pub fn synthetic(name: CaseName) -> Self {
        let (streams, network, n) = (Streams::new(name as u64), name.network(), name.samples());
        let mut rng = streams.data();
        let mut normal = |count: usize| -> Vec<f64> { (0..count).map(|_| standard_normal(&mut rng)).collect() };
        let mut inputs = normal(n * network.input);
        let targets = if name.loss().is_classification() {
            inputs.iter_mut().for_each(|x| *x = x.abs().min(1.0));
            let classes = network.outputs();
            Targets::Classes { classes, labels: (0..n).map(|i| (i * 7 % classes) as u32).collect() }
        } else {
            Targets::Values { width: 1, values: normal(n).iter().map(|y| (0.5 * y).abs()).collect() }
        };
        let mut direction = normal(network.dim());
        let length = gf_core::vector::norm(&direction);
        direction.iter_mut().for_each(|v| *v /= length);
        let samples = Samples::new(network.input, inputs, targets).expect("drawn numbers are finite and fill rows");
        let theta = network.init(&Initialization::Original, &mut streams.init());
        Self { name, samples, theta, direction }
    }

    /// The number p of parameters.
    pub fn dim(&self) -> usize {
        self.theta.len()
    }

    /// The loss on all samples of the case as a function of θ.
    ///
    /// # Errors
    /// Never for a case as read or drawn.
    pub fn objective(&self) -> Result<NetworkObjective> {
        Ok(self.name.network().objective(self.name.loss(), &self.samples, Batches::full())?)
    }
}

/// A vector of `expected` numbers from a file.
pub(crate) fn vector(path: &Path, expected: usize) -> Result<Vec<f64>> {
    let values = read_npy(path)?.values;
    ensure!(values.len() == expected, "{}: expected {expected} numbers, found {}", path.display(), values.len());
    Ok(values)
}

/// The inputs of a case below the folder that `peers/cases.py` filled.
///
/// # Errors
/// As [`Case::read`].
pub fn read_below(inputs: &Path, name: CaseName) -> Result<Case> {
    Case::read(name, &inputs.join(name.letter())).with_context(|| format!("reading case {}", name.letter()))
}
