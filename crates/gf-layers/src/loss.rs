//! Losses: their settings, and their values and derivatives over one chunk.

mod focal;
mod jet;
mod kernel;
mod settings;
mod text;

pub(crate) use kernel::{Outputs, SCRATCH};
pub use settings::{Loss, LossFunction, Reduction};
