//! Why a spectrum was not computed.

use gf_core::EvalError;
use gf_linalg::{ProcessError, eigen::EigenError};
use thiserror::Error;

/// A misuse, or numbers that cannot go on.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SpectrumError {
    /// More eigenpairs than the matrix has.
    #[error("{asked} eigenpairs of a matrix of order {order}; expected at least 1 and at most {order}")]
    Count {
        /// Eigenpairs asked for.
        asked: usize,
        /// The matrix's order.
        order: usize,
    },
    /// A setting outside its range.
    #[error("{name} is {found}; expected {expected}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// The range, in words.
        expected: &'static str,
        /// What was given.
        found: f64,
    },
    /// A quantity is infinite or NaN; nothing was computed from it.
    #[error("{what} is not finite")]
    NotFinite {
        /// The quantity, with where it stands.
        what: String,
    },
    /// Points that differ in fewer directions than were asked for.
    #[error("the points differ along {found} of the {asked} directions asked for")]
    Rank {
        /// Directions in which they differ, beyond rounding.
        found: usize,
        /// Directions asked for.
        asked: usize,
    },
    /// The objective was not evaluated.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The Lanczos process ended.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A dense eigenvalue problem was not solved.
    #[error(transparent)]
    Eigen(#[from] EigenError),
    /// No memory for a matrix.
    #[error("no memory for a {order} x {order} matrix ({bytes:e} bytes)")]
    Memory {
        /// The matrix's order.
        order: usize,
        /// Bytes asked for.
        bytes: f64,
    },
}
