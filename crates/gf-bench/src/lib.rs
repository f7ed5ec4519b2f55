//! What gf is measured on: five networks, the operations timed on them, and the speed of the machine itself.
//!
//! - [`cases`]: the networks A to E with inputs, parameters and a direction, read from the files that `peers/cases.py` writes (bit for bit what
//!   the peers get), or drawn here for benches that do without Python;
//! - [`operations`]: full Hessian, gradient, products and steps on a case, as closures to be timed;
//! - [`original`]: the steps of the original experiment, with its validation after every step;
//! - [`picture`]: the table that a bench prints;
//! - [`rate`]: the machine's matrix multiplication, and how fast it fills memory;
//! - [`scaling`]: how time and memory grow with parameters, samples, depth and threads;
//! - [`worker`]: the binary's loop over JSON lines, the same protocol as the Python peers speak (`peers/protocol.py`).
//!
//! ```
//! use gf_bench::{Bench, Case, CaseName, Operation};
//! let case = Case::synthetic(CaseName::B);
//! let mut bench = Bench::new(case)?;
//! bench.run(Operation::Gradient)?;
//! assert_eq!(bench.result(Operation::Gradient)?.len(), 1 + 2410); // the loss, then the gradient
//! # Ok::<(), anyhow::Error>(())
//! ```

pub mod cases;
pub mod operations;
pub mod original;
pub mod picture;
pub mod rate;
pub mod scaling;
pub mod worker;

pub use cases::{Case, CaseName};
pub use operations::{Bench, Operation};
pub use original::{Original, OriginalMethod};
pub use picture::Picture;

/// Runs `work` on a thread of rayon's pool.
///
/// A thread from outside sleeps until a parallel evaluation is done, and waking it takes as long as a small evaluation itself.
pub fn in_the_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}
