//! A checksummed binary file around any serializable value. The only module that knows bincode.
//!
//! Layout, integers little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 0–7 | `\x89gf\r\n\x1a\n\0`: not text, and damaged by a transfer in text mode |
//! | 8–15 | kind, such as `gf-model` |
//! | 16–19 | format version of that kind, u32 |
//! | 20–27 | payload length, u64 |
//! | 28–31 | CRC-32 of the payload, u32 |
//! | 32– | payload: bincode 2 (serde), little-endian, fixed-width integers |
//!
//! The checksum is not optional: most single bit flips in a payload decode to another, plausible value.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::{WriteError, write_atomically};

/// Why a file is not what was saved.
#[derive(Debug, Error)]
pub enum EnvelopeError {
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
    Write(#[from] WriteError),
    /// The file does not begin as ours do.
    #[error("{}: not a file of gf (wrong first bytes)", path.display())]
    Magic {
        /// The file.
        path: PathBuf,
    },
    /// The file ends within the first 32 bytes.
    #[error("{}: truncated: expected at least {HEADER} bytes, found {found}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// Bytes in the file.
        found: usize,
    },
    /// A file of gf, but of another kind.
    #[error("{}: expected a file of kind {expected:?}, found {found:?}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The kind asked for.
        expected: String,
        /// The kind in the file.
        found: String,
    },
    /// A format version that this build does not read.
    #[error("{}: expected format version {}, found {found} (written by another version of gf)", path.display(), range(*oldest, *newest))]
    Version {
        /// The file.
        path: PathBuf,
        /// The oldest version that this build reads.
        oldest: u32,
        /// The newest.
        newest: u32,
        /// The version in the file.
        found: u32,
    },
    /// The payload is shorter than the file says.
    #[error("{}: truncated: expected a payload of {expected} bytes, found {found}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes according to the header.
        expected: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// Something follows the payload.
    #[error("{}: {extra} bytes after the end of the payload", path.display())]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// How many.
        extra: u64,
    },
    /// The payload is not the one that was written.
    #[error("{}: damaged: checksum {expected:08x} expected, {found:08x} found", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// According to the header.
        expected: u32,
        /// Of the payload.
        found: u32,
    },
    /// More than the largest payload.
    #[error("{}: a payload of {found} bytes; expected at most {LIMIT}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes.
        found: u64,
    },
    /// The payload is sound but is not of the type asked for.
    #[error("{}: the payload does not decode: {reason}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        reason: String,
    },
    /// The value cannot be serialized.
    #[error("{}: the value does not encode: {reason}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's reason.
        reason: String,
    },
}

/// The largest payload, in bytes (32 GiB): four thousand million parameters, or a checkpoint with 200 million rows of history.
pub const LIMIT: usize = 1 << 35;

// The limits of the decoder are constants of its type; each is 32 times the one before.
const SMALL: usize = 1 << 15;
const MEDIUM: usize = 1 << 20;
const LARGE: usize = 1 << 25;
const HUGE: usize = 1 << 30;

const MAGIC: [u8; 8] = *b"\x89gf\r\n\x1a\n\0";
const HEADER: usize = 32;

/// Writes `value` as a file of this kind and version, atomically.
///
/// # Errors
/// [`EnvelopeError::Encode`], [`EnvelopeError::TooLarge`], [`EnvelopeError::Write`].
pub fn write<T: Serialize>(path: &Path, kind: [u8; 8], version: u32, value: &T) -> Result<(), EnvelopeError> {
    let payload = bincode::serde::encode_to_vec(value, config())
        .map_err(|error| EnvelopeError::Encode { path: path.to_owned(), reason: error.to_string() })?;
    if payload.len() > LIMIT {
        return Err(EnvelopeError::TooLarge { path: path.to_owned(), found: payload.len() as u64 });
    }
    Ok(write_atomically(path, |out| {
        out.write_all(&MAGIC)?;
        out.write_all(&kind)?;
        out.write_all(&version.to_le_bytes())?;
        out.write_all(&(payload.len() as u64).to_le_bytes())?;
        out.write_all(&crc32fast::hash(&payload).to_le_bytes())?;
        out.write_all(&payload)
    })?)
}

/// Reads what [`write()`] wrote with the same kind and version.
///
/// # Errors
/// [`EnvelopeError`] for each way in which the file is not that; never a value that differs from the one written, short of damage that
/// keeps the checksum.
pub fn read<T: DeserializeOwned>(path: &Path, kind: [u8; 8], version: u32) -> Result<T, EnvelopeError> {
    open(path, &content(path)?, kind, version..=version)?.decode()
}

/// The content of a file.
///
/// # Errors
/// [`EnvelopeError::Io`].
pub fn content(path: &Path) -> Result<Vec<u8>, EnvelopeError> {
    fs::read(path).map_err(|source| EnvelopeError::Io { path: path.to_owned(), source })
}

/// Checks the content of a file of this kind in any of these versions, which [`Opened::version`] tells apart; `path` is for the errors.
///
/// # Errors
/// As [`read`], short of [`EnvelopeError::Io`] and [`EnvelopeError::Decode`].
pub fn open<'a>(
    path: &'a Path,
    bytes: &'a [u8],
    kind: [u8; 8],
    versions: RangeInclusive<u32>,
) -> Result<Opened<'a>, EnvelopeError> {
    let (version, payload) = check(path, bytes, kind, versions)?;
    Ok(Opened { path, version, payload })
}

/// A file whose header and checksum are right, to be decoded as the type of its version.
#[derive(Debug, Clone, Copy)]
pub struct Opened<'a> {
    path: &'a Path,
    version: u32,
    payload: &'a [u8],
}

impl Opened<'_> {
    /// The format version of the file.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The value.
    ///
    /// # Errors
    /// [`EnvelopeError::Decode`] when the payload is not exactly one value of this type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, EnvelopeError> {
        let payload = self.payload;
        let undecodable = |reason: String| EnvelopeError::Decode { path: self.path.to_owned(), reason };
        // A string that claims to be long gets its room before it is read: no more than this multiple of the payload.
        let decoder = match payload.len() {
            length if length <= SMALL => decode::<T, SMALL>,
            length if length <= MEDIUM => decode::<T, MEDIUM>,
            length if length <= LARGE => decode::<T, LARGE>,
            length if length <= HUGE => decode::<T, HUGE>,
            _ => decode::<T, LIMIT>,
        };
        let (value, read) = decoder(payload).map_err(|error| undecodable(error.to_string()))?;
        if read != payload.len() {
            return Err(undecodable(format!("the value ends after {read} of {} bytes", payload.len())));
        }
        Ok(value)
    }
}

/// Version and payload of a file whose header and checksum are right.
fn check<'a>(
    path: &Path,
    bytes: &'a [u8],
    kind: [u8; 8],
    versions: RangeInclusive<u32>,
) -> Result<(u32, &'a [u8]), EnvelopeError> {
    let path = || path.to_owned();
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
        return Err(EnvelopeError::Magic { path: path() });
    }
    let Some((header, payload)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(EnvelopeError::Header { path: path(), found: bytes.len() });
    };
    if header[8..16] != kind {
        let text = |kind: &[u8]| String::from_utf8_lossy(kind).into_owned();
        return Err(EnvelopeError::Kind { path: path(), expected: text(&kind), found: text(&header[8..16]) });
    }
    let version = u32::from_le_bytes(at(header, 16));
    if !versions.contains(&version) {
        let (oldest, newest) = versions.into_inner();
        return Err(EnvelopeError::Version { path: path(), oldest, newest, found: version });
    }
    let (expected, found) = (u64::from_le_bytes(at(header, 20)), payload.len() as u64);
    if expected > LIMIT as u64 {
        return Err(EnvelopeError::TooLarge { path: path(), found: expected });
    }
    if found < expected {
        return Err(EnvelopeError::Truncated { path: path(), expected, found });
    }
    if found > expected {
        return Err(EnvelopeError::TrailingBytes { path: path(), extra: found - expected });
    }
    let (expected, found) = (u32::from_le_bytes(at(header, 28)), crc32fast::hash(payload));
    if expected != found {
        return Err(EnvelopeError::Checksum { path: path(), expected, found });
    }
    Ok((version, payload))
}

fn range(oldest: u32, newest: u32) -> String {
    if oldest == newest { newest.to_string() } else { format!("{oldest} to {newest}") }
}

fn at<const N: usize>(header: &[u8; HEADER], start: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[start..start + N]);
    bytes
}

/// The value and the bytes that it took, if all its parts claim at most `MOST` bytes together.
fn decode<T: DeserializeOwned, const MOST: usize>(payload: &[u8]) -> Result<(T, usize), bincode::error::DecodeError> {
    bincode::serde::decode_from_slice(payload, config().with_limit::<MOST>())
}

/// Fixed widths cost a few bytes and keep every number where a hex dump is looked for it.
fn config() -> Configuration<LittleEndian, Fixint, Limit<LIMIT>> {
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<LIMIT>()
}
