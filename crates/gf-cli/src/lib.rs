//! The library behind the `gf` binary: studies, the runner, run folders, reports.

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
pub mod report;
pub mod runner;
mod spectrum_file;
pub mod study;
pub mod summary;

/// The examples of the README are documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
