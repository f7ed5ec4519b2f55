//! Losses: their settings, and their values and derivatives over one chunk.

mod jet;
mod kernel;
mod settings;

pub(crate) use kernel::{Outputs, SCRATCH};
pub use settings::Loss;
