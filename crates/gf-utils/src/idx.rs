//! IDX files, as MNIST and its relatives come in: arrays of numbers, plain or compressed by gzip.
//!
//! Layout, integers big-endian: two zero bytes, the element type ([`Element`]), the number of axes, each length as u32, the numbers in
//! row-major order. Source: Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*.
//!
//! Memory grows with what the file holds, never with what its header claims: a compressed file is read in pieces, and no further than
//! one byte past the size that the header promises.

mod part;
mod read;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use part::{IdxPart, read_idx_part};
pub use read::{read_idx, read_idx_from};

/// An array as read, converted to `f64` as it stands: gray values stay 0 to 255.
#[derive(Debug, Clone, PartialEq)]
pub struct IdxArray {
    /// Length along each axis; at least one.
    pub shape: Vec<usize>,
    /// The type in the file.
    pub element: Element,
    /// The numbers, row-major.
    pub values: Vec<f64>,
}

/// The number types, all big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// Type 0x08.
    Uint8,
    /// Type 0x09.
    Int8,
    /// Type 0x0B.
    Int16,
    /// Type 0x0C.
    Int32,
    /// Type 0x0D.
    Float32,
    /// Type 0x0E.
    Float64,
}

/// Why a file could not be read as an array.
#[derive(Debug, Error)]
pub enum IdxError {
    /// The file cannot be read, or is not what gzip wrote.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason, or that of gzip.
        source: io::Error,
    },
    /// The file does not begin as an array does.
    #[error(
        "{}: not an IDX file: expected it to begin with 00 00, one of the types 08 09 0b 0c 0d 0e, and the number of axes, found {found:02x?}",
        path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// The first bytes, after decompression; fewer than four where the file ends.
        found: Vec<u8>,
    },
    /// No axes, or too many.
    #[error("{}: {found} axes; expected 1 to {MOST_AXES}", path.display())]
    Axes {
        /// The file.
        path: PathBuf,
        /// The number in the header.
        found: usize,
    },
    /// The file's length does not fit its header.
    #[error("{}: expected {expected} bytes for {what}, found {found}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// The lengths, or the shape with the element type.
        what: String,
        /// Bytes that the header asks for, after decompression.
        expected: u128,
        /// What is there.
        found: Found,
    },
}

/// How many bytes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// So many.
    Exactly(u64),
    /// More than were asked for; how many more was not looked at.
    More,
    /// A compressed file of so many bytes, which cannot hold what was asked for.
    Compressed(u64),
}

/// More would be a damaged header: images in color, by rows and columns, have four.
pub const MOST_AXES: usize = 8;

impl Element {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::Uint8,
            0x09 => Self::Int8,
            0x0b => Self::Int16,
            0x0c => Self::Int32,
            0x0d => Self::Float32,
            0x0e => Self::Float64,
            _ => return None,
        })
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::Uint8 | Self::Int8 => 1,
            Self::Int16 => 2,
            Self::Int32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// The name, as NumPy's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uint8 => "uint8",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(bytes) => write!(f, "{bytes}"),
            Self::More => write!(f, "more"),
            Self::Compressed(bytes) => write!(f, "{bytes} compressed bytes, which hold less"),
        }
    }
}
