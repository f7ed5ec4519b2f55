//! Reading arrays.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::header::{self, Header};
use super::{Element, MAGIC, NpyArray, NpyError};

/// Reads a file written by `numpy.save`: format versions 1 to 3, the types of [`Element`], C or Fortran order, at most 2 axes.
///
/// # Errors
/// [`NpyError`] that names the file, what was expected and what was found.
///
/// **Cost.** Memory for the numbers, and once more for a matrix in Fortran order.
pub fn read_npy(path: &Path) -> Result<NpyArray, NpyError> {
    let failed = |source| NpyError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    read_npy_from(path, BufReader::new(file), length)
}

/// As [`read_npy`], from any source of `length` bytes; `path` is for the errors.
///
/// # Errors
/// As [`read_npy`].
pub fn read_npy_from(path: &Path, reader: impl Read, length: u64) -> Result<NpyArray, NpyError> {
    let mut source = Source { path, reader, left: length };
    let (header, element, count) = source.layout()?;
    let mut values = Vec::with_capacity(count);
    source.values(element, 0, count, |value| values.push(value))?;
    let values = match header.shape[..] {
        [rows, columns] if header.fortran_order => to_row_major(rows, columns, &values),
        _ => values,
    };
    Ok(NpyArray { shape: header.shape, element, values })
}

/// A file with the bytes that are left in it.
pub(super) struct Source<'a, R> {
    pub(super) path: &'a Path,
    pub(super) reader: R,
    pub(super) left: u64,
}

impl<R: Read> Source<'_, R> {
    fn path(&self) -> PathBuf {
        self.path.to_owned()
    }

    /// The header, once it describes the bytes that follow; the type and the number of the elements.
    pub(super) fn layout(&mut self) -> Result<(Header, Element, usize), NpyError> {
        let header = self.header()?;
        let element = Element::from_descr(&header.descr)
            .ok_or_else(|| NpyError::ElementType { path: self.path(), found: header.descr.clone() })?;
        if header.shape.len() > 2 {
            return Err(NpyError::Shape { path: self.path(), found: header.shape });
        }
        let count = self.check_length(&header, element)?;
        Ok((header, element, count))
    }

    fn bytes<const N: usize>(&mut self, what: &str) -> Result<[u8; N], NpyError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, what)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8], what: &str) -> Result<(), NpyError> {
        let wanted = bytes.len() as u64;
        if wanted > self.left {
            let (what, expected) = (what.to_owned(), u128::from(wanted));
            return Err(NpyError::Length { path: self.path(), what, expected, found: self.left });
        }
        self.reader.read_exact(bytes).map_err(|source| NpyError::Io { path: self.path(), source })?;
        self.left -= wanted;
        Ok(())
    }

    fn header(&mut self) -> Result<Header, NpyError> {
        let mut begin = Vec::with_capacity(MAGIC.len());
        let read = self.reader.by_ref().take(MAGIC.len() as u64).read_to_end(&mut begin);
        read.map_err(|source| NpyError::Io { path: self.path(), source })?;
        if begin != MAGIC {
            return Err(NpyError::Magic { path: self.path(), found: String::from_utf8_lossy(&begin).into_owned() });
        }
        self.left = self.left.saturating_sub(MAGIC.len() as u64);
        let [major, _minor] = self.bytes("the format version")?;
        let length = match major {
            1 => usize::from(u16::from_le_bytes(self.bytes("the header's length")?)),
            2 | 3 => u32::from_le_bytes(self.bytes("the header's length")?) as usize,
            found => return Err(NpyError::Version { path: self.path(), found }),
        };
        if length as u64 > self.left {
            let (what, expected) = ("the header".to_owned(), length as u128);
            return Err(NpyError::Length { path: self.path(), what, expected, found: self.left });
        }
        let mut text = vec![0; length];
        self.fill(&mut text, "the header")?;
        let malformed = |expected, found: &str| NpyError::Header {
            path: self.path(),
            expected,
            found: found.chars().take(80).collect(),
        };
        let text = str::from_utf8(&text).map_err(|_| malformed("text", &String::from_utf8_lossy(&text)))?;
        header::parse(text).map_err(|(expected, found)| malformed(expected, found))
    }

    /// The number of elements, once the file is known to hold exactly them.
    fn check_length(&self, header: &Header, element: Element) -> Result<usize, NpyError> {
        let elements: u128 = header.shape.iter().map(|&length| length as u128).product(); // At most two factors of 64 bits.
        let expected = elements.saturating_mul(element.size() as u128);
        if expected != u128::from(self.left) {
            let what = format!("shape {:?} of {}", header.shape, element.descr());
            return Err(NpyError::Length { path: self.path(), what, expected, found: self.left });
        }
        usize::try_from(elements).map_err(|_| NpyError::Shape { path: self.path(), found: header.shape.clone() })
    }

    /// The next `count` numbers, of which the first has this index in the file.
    pub(super) fn values(
        &mut self,
        element: Element,
        first: usize,
        count: usize,
        mut take: impl FnMut(f64),
    ) -> Result<(), NpyError> {
        let size = element.size();
        let mut buffer = vec![0; (64 * 1024).min(count * size)];
        let mut read = 0;
        while read < count {
            let bytes = ((count - read) * size).min(buffer.len());
            self.fill(&mut buffer[..bytes], "the numbers")?;
            for bytes in buffer[..bytes].chunks_exact(size) {
                let index = first + read;
                take(decode(element, bytes).map_err(|value| NpyError::Inexact { path: self.path(), index, value })?);
                read += 1;
            }
        }
        Ok(())
    }
}

/// One number of exactly `element.size()` bytes; an integer that would be rounded is the error.
fn decode(element: Element, bytes: &[u8]) -> Result<f64, i64> {
    let four = || <[u8; 4]>::try_from(bytes).expect("four bytes per element");
    let eight = || <[u8; 8]>::try_from(bytes).expect("eight bytes per element");
    Ok(match element {
        Element::Float64 => f64::from_le_bytes(eight()),
        Element::Float32 => f64::from(f32::from_le_bytes(four())),
        Element::Int32 => f64::from(i32::from_le_bytes(four())),
        Element::Uint8 => f64::from(bytes[0]),
        Element::Bool => f64::from(u8::from(bytes[0] != 0)),
        Element::Int64 => {
            let integer = i64::from_le_bytes(eight());
            if integer.unsigned_abs() > 1 << 53 {
                return Err(integer);
            }
            integer as f64
        }
    })
}

fn to_row_major(rows: usize, columns: usize, values: &[f64]) -> Vec<f64> {
    (0..rows * columns).map(|i| values[i / columns + (i % columns) * rows]).collect()
}
