//! Dense networks as objectives with exact gradients, Hessian-vector products, dense Hessians and Gauss–Newton matrices.
//!
//! A [`Network`] describes the layers; with a [`Loss`], [`gf_core::Samples`] and [`Batches`] it becomes a [`NetworkObjective`],
//! which has every capability of [`gf_core`]: value, gradient, products, matrices and contracted third derivatives, all analytic.
//!
//! ```
//! use gf_core::{Objective, Samples, Streams, Targets};
//! use gf_layers::{Activation, Batches, Initialization, Loss, Network};
//!
//! let network = Network::new(2).dense(8, Activation::Tanh).dense(1, Activation::Identity);
//! let samples = Samples::new(2, vec![0.0, 0.0, 1.0, 2.0], Targets::Values { width: 1, values: vec![0.0, 1.0] })?;
//! let mut objective = network.objective(Loss::mse(), &samples, Batches::full())?;
//! let theta = network.init(&Initialization::Auto, &mut Streams::new(0).init());
//! let mut gradient = vec![0.0; objective.dim()];
//! let loss = objective.value_and_gradient(&theta, &mut gradient)?;
//! assert!(loss > 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Parameters
//! θ holds layer after layer W (inputs × units, row-major), then b: one row-major (inputs + 1) × units matrix Θ a layer.
//!
//! # Skip connections
//! z^l = ã^{l−1} Θ^l and a^l = f(z^l), or f(z^l) + a^{l−1} where layer l has a skip connection ([`Layer::skip`]); then it has as many
//! units as inputs. Any layer may have one, the first (around which X passes, constant in θ) and the last included. Derivatives are
//! exact as everywhere: ∂L/∂a^{l−1} = δ^l W^{l ᵀ} + ∂L/∂a^l there, and likewise with one derivative more.
//!
//! # Storage inside
//! Feature-major: the samples of one unit are contiguous, so n × d arrays are column-major. Inputs of a layer carry a column of
//! ones, ã = [a, 1], and then z = ã Θ needs no special case for biases. A batch is cut into chunks of 128 samples, those into lanes
//! that threads share, and sums run over both in a fixed order: bits do not depend on the threads.

mod activation;
mod batches;
mod chunk;
mod conservation;
mod cost;
mod dense;
mod error;
mod init;
mod jacobians;
mod jets;
mod loss;
mod mean_field;
mod merge;
mod network;
mod objective;
mod part;
mod problem;
mod products;
mod shape;
mod signals;
mod tape;
mod targets;

pub use activation::Activation;
pub use batches::{Batches, LastBatch};
pub use conservation::Balancedness;
pub use error::NetworkError;
pub use init::Initialization;
pub use jacobians::{JacobianSpectra, SingularSummary};
pub use loss::{Loss, LossFunction, Reduction};
pub use mean_field::MeanField;
pub use network::{Layer, Network};
pub use objective::NetworkObjective;
pub use part::Part;
pub use signals::{LayerSignals, Moments, SATURATED, SignalProbe};
