//! What the flow of a study's problem conserves.

use gf_layers::{Balancedness, NetworkError};

use super::{FunctionSpec, Problem, Subject};

/// A conserved quantity.
pub enum Conserved {
    /// Between layers.
    Balancedness(Balancedness),
    /// x² − y² of ½(xy − 1)².
    Chain,
}

impl Conserved {
    /// Of a problem.
    ///
    /// # Errors
    /// Says what has a conserved quantity, and what was found.
    pub fn new(problem: &Problem) -> Result<Self, String> {
        match &problem.subject {
            Subject::Network(network) => Balancedness::new(&network.network, network.loss_spec.l2)
                .map(Self::Balancedness)
                .map_err(|error: NetworkError| error.to_string()),
            Subject::Function(FunctionSpec::ScalarChain(_)) => Ok(Self::Chain),
            Subject::Function(other) => Err(format!(
                "expected a problem whose flow conserves something: a network without l2 that has a hidden layer with activation identity, relu or \
                 leaky_relu, or [problem.scalar_chain]; found [problem.{}]",
                other.name()
            )),
        }
    }

    /// How many numbers are conserved.
    pub fn count(&self) -> usize {
        match self {
            Self::Balancedness(balancedness) => balancedness.len(),
            Self::Chain => 1,
        }
    }

    /// Overwrites `out` with them at θ and returns the size of what they are differences of; NaN where θ does not fit.
    pub fn values(&mut self, theta: &[f64], out: &mut [f64]) -> f64 {
        match self {
            Self::Balancedness(balancedness) => balancedness.values(theta, out).unwrap_or(f64::NAN),
            Self::Chain => {
                let [x, y] = [theta[0] * theta[0], theta[1] * theta[1]];
                out[0] = x - y;
                x.hypot(y)
            }
        }
    }
}
