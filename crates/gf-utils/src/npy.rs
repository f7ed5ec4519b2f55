//! NumPy's `.npy` files: 0-, 1- and 2-dimensional arrays of numbers.
//!
//! Our own reader, because a header of one line does not justify the dependencies of a general one. Sizes in a header are checked against
//! the file's length before anything is allocated.

mod header;
mod part;
mod read;
mod write;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use part::{NpyPart, read_npy_part};
pub use read::{read_npy, read_npy_from};
pub use write::write_npy;

/// An array as read, converted to `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct NpyArray {
    /// Length along each axis; empty for a single number.
    pub shape: Vec<usize>,
    /// The type in the file.
    pub element: Element,
    /// The numbers in row-major (C) order, whatever the order in the file.
    pub values: Vec<f64>,
}

/// The number types that are read (little-endian).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// `<f8`
    Float64,
    /// `<f4`
    Float32,
    /// `<i8`
    Int64,
    /// `<i4`
    Int32,
    /// `|u1`
    Uint8,
    /// `|b1`
    Bool,
}

/// Why a file could not be read or written as an array.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] crate::WriteError),
    /// The file does not begin as an array does.
    #[error("{}: not a .npy file: expected it to begin with \\x93NUMPY, found {found:?}", path.display())]
    Magic {
        /// The file.
        path: PathBuf,
        /// The first bytes as text.
        found: String,
    },
    /// A format version that does not exist yet.
    #[error("{}: .npy format version {found}; expected 1, 2 or 3", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The major version.
        found: u8,
    },
    /// The header is no description of an array.
    #[error("{}: malformed .npy header: expected {expected}, found {found:?}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// Elements of another type.
    #[error(
        "{}: elements of type {found:?}; expected '<f8', '<f4', '<i8', '<i4', '|u1' or '|b1' \
         (in NumPy: a.astype('<f8'))",
        path.display()
    )]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The `descr` of the header.
        found: String,
    },
    /// More than two axes, or a number of elements beyond the address space.
    #[error("{}: shape {found:?}; expected at most 2 axes (in NumPy: a.reshape(len(a), -1))", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The shape.
        found: Vec<usize>,
    },
    /// A single number, of which there are no parts.
    #[error("{}: expected records, found a single number", path.display())]
    NoRecords {
        /// The file.
        path: PathBuf,
    },
    /// The file's length does not fit its header.
    #[error("{}: expected {expected} bytes for {what}, found {found}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// The header, or the shape with the element type.
        what: String,
        /// Bytes that the header asks for.
        expected: u128,
        /// Bytes in the file at that place.
        found: u64,
    },
    /// An integer that `f64` cannot hold.
    #[error("{}: element {index} is {value}; expected integers up to 2^53, which double precision holds exactly", path.display())]
    Inexact {
        /// The file.
        path: PathBuf,
        /// Position in the file, from 0.
        index: usize,
        /// The integer.
        value: i64,
    },
    /// The caller's shape and numbers do not agree.
    #[error("{}: cannot write {found} numbers with shape {shape:?}; expected 1 or 2 axes whose product is that number", path.display())]
    WriteShape {
        /// The file.
        path: PathBuf,
        /// The shape asked for.
        shape: Vec<usize>,
        /// The numbers given.
        found: usize,
    },
}

/// What every array file begins with.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

impl Element {
    const ALL: [Self; 6] = [Self::Float64, Self::Float32, Self::Int64, Self::Int32, Self::Uint8, Self::Bool];

    /// The `descr` in a header.
    pub fn descr(self) -> &'static str {
        match self {
            Self::Float64 => "<f8",
            Self::Float32 => "<f4",
            Self::Int64 => "<i8",
            Self::Int32 => "<i4",
            Self::Uint8 => "|u1",
            Self::Bool => "|b1",
        }
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::Float64 | Self::Int64 => 8,
            Self::Float32 | Self::Int32 => 4,
            Self::Uint8 | Self::Bool => 1,
        }
    }

    fn from_descr(descr: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.descr() == descr)
    }
}
