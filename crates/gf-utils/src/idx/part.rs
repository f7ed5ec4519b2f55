//! Reading a part of an IDX file.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::read::{Head, Source, is_compressed};
use super::{IdxArray, IdxError};
use crate::part::Part;

/// Some records (images, labels) of an array.
#[derive(Debug, Clone, PartialEq)]
pub struct IdxPart {
    /// The records, as an array of their own.
    pub array: IdxArray,
    /// Their numbers in the file, from 0.
    pub records: Range<usize>,
    /// Records of the file.
    pub total: usize,
}

/// Reads the records of a part, as [`read_idx`](super::read_idx). The other bytes are never read, unless the file is compressed: then there
/// is no way to a record but through those before it, and the rest is read for the checksum.
///
/// # Errors
/// [`IdxError`], as of the whole file.
///
/// **Cost.** Memory for the numbers; that of a compressed file doubles as it grows, as its header is not yet proven.
pub fn read_idx_part(path: &Path, part: Part) -> Result<IdxPart, IdxError> {
    let failed = |source| IdxError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut reader = BufReader::new(file);
    if is_compressed(path, &mut reader)? {
        let mut source = Source { path, reader: GzDecoder::new(reader), length, is_compressed: true };
        let head = source.head()?;
        let range = Bytes::of(&head, part);
        let mut values = Vec::new();
        source.pass(&head, 0, range.start)?;
        source.numbers(&head, range.start, range.end - range.start, &mut values)?;
        source.pass(&head, range.end, head.bytes - range.end)?;
        source.end(&head)?;
        return Ok(range.part(head, values));
    }
    let mut source = Source { path, reader, length, is_compressed: false };
    let head = source.head()?;
    let range = Bytes::of(&head, part);
    let begin = source.reader.stream_position().map_err(failed)?;
    source.reader.seek(SeekFrom::Start(begin + range.start as u64)).map_err(failed)?;
    let mut values = Vec::with_capacity((range.end - range.start) as usize / head.element.size());
    source.numbers(&head, range.start, range.end - range.start, &mut values)?;
    Ok(range.part(head, values))
}

/// Where records stand among the bytes of all numbers.
struct Bytes {
    records: Range<usize>,
    start: u128,
    end: u128,
}

impl Bytes {
    fn of(head: &Head, part: Part) -> Self {
        let records = part.range(head.shape[0]);
        let record = head.bytes / (head.shape[0] as u128).max(1);
        Self { start: records.start as u128 * record, end: records.end as u128 * record, records }
    }

    fn part(self, head: Head, values: Vec<f64>) -> IdxPart {
        let Head { element, mut shape, .. } = head;
        let total = std::mem::replace(&mut shape[0], self.records.len());
        IdxPart { array: IdxArray { shape, element, values }, records: self.records, total }
    }
}
