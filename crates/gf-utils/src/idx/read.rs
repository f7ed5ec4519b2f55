//! Reading IDX files.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::{Element, Found, IdxArray, IdxError, MOST_AXES};

/// No compressed byte becomes more: deflate repeats at most 258 bytes with 2 bits.
const MOST_FROM_A_BYTE: u128 = 1032;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads an IDX file, plain or compressed by gzip, as its first bytes say: every type of [`Element`], 1 to 8 axes.
///
/// # Errors
/// [`IdxError`] that names the file, what was expected and what was found.
pub fn read_idx(path: &Path) -> Result<IdxArray, IdxError> {
    let failed = |source| IdxError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    read_idx_from(path, BufReader::new(file), length)
}

/// As [`read_idx`], from any source of `length` bytes; `path` is for the errors.
///
/// # Errors
/// As [`read_idx`].
pub fn read_idx_from(path: &Path, mut reader: impl BufRead, length: u64) -> Result<IdxArray, IdxError> {
    let is_compressed =
        reader.fill_buf().map_err(|source| IdxError::Io { path: path.to_owned(), source })?.starts_with(&GZIP);
    match is_compressed {
        true => Source { path, reader: GzDecoder::new(reader), length, is_compressed }.array(),
        false => Source { path, reader, length, is_compressed }.array(),
    }
}

struct Source<'a, R> {
    path: &'a Path,
    /// Of the bytes after decompression.
    reader: R,
    /// Of the file.
    length: u64,
    is_compressed: bool,
}

impl<R: Read> Source<'_, R> {
    fn array(&mut self) -> Result<IdxArray, IdxError> {
        let path = self.path.to_owned();
        let begin = self.up_to(4)?;
        let (element, axes) = match begin[..] {
            [0, 0, code, axes] => (Element::from_code(code), usize::from(axes)),
            _ => (None, 0),
        };
        let Some(element) = element else { return Err(IdxError::Magic { path, found: begin }) };
        if !(1..=MOST_AXES).contains(&axes) {
            return Err(IdxError::Axes { path, found: axes });
        }
        let lengths = self.up_to(4 * axes)?;
        if lengths.len() < 4 * axes {
            return Err(self.length_error(
                format!("the lengths of {axes} axes"),
                4 * axes as u128,
                Found::Exactly(lengths.len() as u64),
            ));
        }
        let length = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes a length")) as usize;
        let shape: Vec<usize> = lengths.chunks_exact(4).map(length).collect();
        let values = self.values(element, &shape, (4 + lengths.len()) as u64)?;
        Ok(IdxArray { shape, element, values })
    }

    /// The numbers after a header of so many bytes.
    fn values(&mut self, element: Element, shape: &[usize], header: u64) -> Result<Vec<f64>, IdxError> {
        // At most 2^32 along each of 8 axes: saturated where it is beyond any file.
        let expected = shape.iter().fold(element.size() as u128, |product, &n| product.saturating_mul(n as u128));
        let what = || format!("shape {shape:?} of {}", element.name());
        if self.is_compressed {
            if expected > u128::from(self.length) * MOST_FROM_A_BYTE {
                return Err(self.length_error(what(), expected, Found::Compressed(self.length)));
            }
        } else {
            let left = self.length.saturating_sub(header);
            if expected != u128::from(left) {
                return Err(self.length_error(what(), expected, Found::Exactly(left)));
            }
        }
        let size = element.size();
        // Where the file is compressed, a header's promise is not yet kept: room grows with what comes.
        let room = if self.is_compressed { 0 } else { expected as usize / size };
        let mut values = Vec::with_capacity(room);
        let mut piece = vec![0; expected.min(64 * 1024) as usize];
        let mut read = 0;
        while read < expected {
            let wanted = (expected - read).min(piece.len() as u128) as usize;
            let found = self.fill(&mut piece[..wanted])?;
            values.extend(piece[..found].chunks_exact(size).map(|bytes| decode(element, bytes)));
            read += found as u128;
            if found < wanted {
                return Err(self.length_error(what(), expected, Found::Exactly(read as u64)));
            }
        }
        // The byte after the last shows a file that holds more, and lets gzip compare its checksum.
        if self.fill(&mut [0])? > 0 {
            return Err(self.length_error(what(), expected, Found::More));
        }
        Ok(values)
    }

    /// As many bytes as there are, up to a few.
    fn up_to(&mut self, count: usize) -> Result<Vec<u8>, IdxError> {
        let mut bytes = vec![0; count];
        let found = self.fill(&mut bytes)?;
        bytes.truncate(found);
        Ok(bytes)
    }

    /// Overwrites the bytes as far as there are any; returns how many there were.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, IdxError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.reader.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(IdxError::Io { path: self.path.to_owned(), source }),
            }
        }
        Ok(filled)
    }

    fn length_error(&self, what: String, expected: u128, found: Found) -> IdxError {
        IdxError::Length { path: self.path.to_owned(), what, expected, found }
    }
}

/// One number of exactly `element.size()` bytes.
fn decode(element: Element, bytes: &[u8]) -> f64 {
    let four = || <[u8; 4]>::try_from(bytes).expect("four bytes per element");
    match element {
        Element::Uint8 => f64::from(bytes[0]),
        Element::Int8 => f64::from(bytes[0] as i8),
        Element::Int16 => f64::from(i16::from_be_bytes(bytes.try_into().expect("two bytes per element"))),
        Element::Int32 => f64::from(i32::from_be_bytes(four())),
        Element::Float32 => f64::from(f32::from_be_bytes(four())),
        Element::Float64 => f64::from_be_bytes(bytes.try_into().expect("eight bytes per element")),
    }
}
