//! The library behind the `gf` binary: studies, the runner, run folders, reports.
//!
//! A study from its text, checked as `gf run` checks it, and the loss at its start:
//!
//! ```
//! use gf_cli::study::{Document, Problem};
//! use gf_core::Objective;
//! let text = r#"
//!     [network]
//!     input = 4
//!     layers = [{ units = 3, activation = "identity" }]
//!     [loss]
//!     kind = "softmax_cross_entropy"
//!     [data]
//!     builtin = "iris"
//!     [[arm]]
//!     name = "gd"
//!     method.explicit = { h = 0.1 }
//! "#;
//! let problem = Problem::load(Document::builtin("iris.toml", text.into()))?;
//! let mut objective = problem.objective(&problem.data(0)?.train, problem.batches(0))?;
//! assert!(objective.value(&problem.start(0, None))? < 10.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod advice;
pub mod arguments;
mod classification;
pub mod commands;
pub mod experiments;
pub mod folder;
mod interrupt;
pub mod model;
mod parallel;
mod progress;
mod ranks;
pub mod report;
pub mod runner;
mod spectrum_file;
pub mod study;
pub mod summary;
pub mod sweep;

pub use ranks::Ranks;

/// The examples of the README are documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// `docs/several-machines.md`, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/several-machines.md")]
struct SeveralMachines;
