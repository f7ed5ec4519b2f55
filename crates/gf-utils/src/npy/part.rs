//! Reading a part of an array.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::read::Source;
use super::{NpyArray, NpyError};
use crate::part::Part;

/// Some records (rows, or numbers of a vector) of an array.
#[derive(Debug, Clone, PartialEq)]
pub struct NpyPart {
    /// The records, as an array of their own.
    pub array: NpyArray,
    /// Their numbers in the file, from 0.
    pub records: Range<usize>,
    /// Records of the file.
    pub total: usize,
}

/// Reads the records of a part: as [`read_npy`](super::read_npy), but the other bytes of the file are never read.
///
/// # Errors
/// [`NpyError`], as of the whole file but for faults among the other records; a position in it is that in the file.
///
/// **Cost.** The header and the bytes of the records: one piece of the file in C order, one a column in Fortran order. Memory for the numbers.
pub fn read_npy_part(path: &Path, part: Part) -> Result<NpyPart, NpyError> {
    let failed = |source| NpyError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let left = file.metadata().map_err(failed)?.len();
    let mut source = Source { path, reader: BufReader::new(file), left };
    let (header, element, count) = source.layout()?;
    let Some(&total) = header.shape.first() else { return Err(NpyError::NoRecords { path: path.to_owned() }) };
    let width = header.shape.get(1).map_or(1, |&width| width);
    let records = part.range(total);
    let begin = source.reader.stream_position().map_err(failed)?;
    // From which number of the file how many are read.
    let mut read = |first: usize, numbers: usize, take: &mut dyn FnMut(f64)| {
        source.reader.seek(SeekFrom::Start(begin + (first * element.size()) as u64)).map_err(failed)?;
        source.left = ((count - first) * element.size()) as u64;
        source.values(element, first, numbers, take)
    };
    let mut values = Vec::with_capacity(records.len() * width);
    if !header.fortran_order || width <= 1 {
        read(records.start * width, records.len() * width, &mut |value| values.push(value))?;
    } else if !records.is_empty() {
        values.resize(records.len() * width, 0.0);
        for column in 0..width {
            let mut of_column = values.iter_mut().skip(column).step_by(width);
            let mut put = |value| *of_column.next().expect("a place for each record") = value;
            read(column * total + records.start, records.len(), &mut put)?;
        }
    }
    let mut shape = header.shape;
    shape[0] = records.len();
    Ok(NpyPart { array: NpyArray { shape, element, values }, records, total })
}
