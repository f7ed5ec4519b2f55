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
    match is_compressed(path, &mut reader)? {
        true => Source { path, reader: GzDecoder::new(reader), length, is_compressed: true }.array(),
        false => Source { path, reader, length, is_compressed: false }.array(),
    }
}

/// Whether gzip wrote what follows.
pub(super) fn is_compressed(path: &Path, reader: &mut impl BufRead) -> Result<bool, IdxError> {
    let begin = reader.fill_buf().map_err(|source| IdxError::Io { path: path.to_owned(), source })?;
    Ok(begin.starts_with(&GZIP))
}

pub(super) struct Source<'a, R> {
    pub(super) path: &'a Path,
    /// Of the bytes after decompression.
    pub(super) reader: R,
    /// Of the file.
    pub(super) length: u64,
    pub(super) is_compressed: bool,
}

/// What a header says.
pub(super) struct Head {
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
    /// Bytes of the numbers, saturated where that is beyond any file: at most 2^32 numbers along each of 8 axes.
    pub(super) bytes: u128,
}

impl Head {
    fn what(&self) -> String {
        format!("shape {:?} of {}", self.shape, self.element.name())
    }
}

impl<R: Read> Source<'_, R> {
    fn array(&mut self) -> Result<IdxArray, IdxError> {
        let head = self.head()?;
        // Where the file is compressed, a header's promise is not yet kept: room grows with what comes.
        let room = if self.is_compressed { 0 } else { head.bytes as usize / head.element.size() };
        let mut values = Vec::with_capacity(room);
        self.numbers(&head, 0, head.bytes, &mut values)?;
        self.end(&head)?;
        Ok(IdxArray { shape: head.shape, element: head.element, values })
    }

    /// The header, once it fits the length of the file as far as that can be known.
    pub(super) fn head(&mut self) -> Result<Head, IdxError> {
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
        let bytes = shape.iter().fold(element.size() as u128, |product, &n| product.saturating_mul(n as u128));
        let head = Head { element, shape, bytes };
        if self.is_compressed {
            if bytes > u128::from(self.length) * MOST_FROM_A_BYTE {
                return Err(self.length_error(head.what(), bytes, Found::Compressed(self.length)));
            }
        } else {
            let left = self.length.saturating_sub((4 + lengths.len()) as u64);
            if bytes != u128::from(left) {
                return Err(self.length_error(head.what(), bytes, Found::Exactly(left)));
            }
        }
        Ok(head)
    }

    /// Adds the numbers of the next `count` bytes to `values`; `before` bytes of numbers were read or passed over.
    pub(super) fn numbers(
        &mut self,
        head: &Head,
        before: u128,
        count: u128,
        values: &mut Vec<f64>,
    ) -> Result<(), IdxError> {
        let size = head.element.size();
        self.pieces(head, before, count, |piece| {
            values.extend(piece.chunks_exact(size).map(|bytes| decode(head.element, bytes)));
        })
    }

    /// Passes over the next `count` bytes of numbers by reading them.
    pub(super) fn pass(&mut self, head: &Head, before: u128, count: u128) -> Result<(), IdxError> {
        self.pieces(head, before, count, |_| ())
    }

    fn pieces(&mut self, head: &Head, before: u128, count: u128, mut take: impl FnMut(&[u8])) -> Result<(), IdxError> {
        let mut piece = vec![0; count.min(64 * 1024) as usize];
        let mut read = 0;
        while read < count {
            let wanted = (count - read).min(piece.len() as u128) as usize;
            let found = self.fill(&mut piece[..wanted])?;
            take(&piece[..found]);
            read += found as u128;
            if found < wanted {
                let found = Found::Exactly((before + read) as u64);
                return Err(self.length_error(head.what(), head.bytes, found));
            }
        }
        Ok(())
    }

    /// The byte after the last number shows a file that holds more, and lets gzip compare its checksum.
    pub(super) fn end(&mut self, head: &Head) -> Result<(), IdxError> {
        match self.fill(&mut [0])? {
            0 => Ok(()),
            _ => Err(self.length_error(head.what(), head.bytes, Found::More)),
        }
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
