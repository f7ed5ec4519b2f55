//! The first pass over a part of a CSV file: where its records begin.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::part::CsvPart;
use super::{CsvColumns, CsvOptions};
use crate::CsvError;
use crate::csv_file::{BYTE_ORDER_MARK, CsvDialect, CsvFile};
use crate::csv_scan::{Piece, STATES, State, Tokenizer};
use crate::part::Part;

/// Bytes read at a time.
const READ: usize = 64 * 1024;

/// Room for the end of a record that reaches into the next part, before the list grows.
const REACH: usize = 4 * 1024;

/// A part of a CSV file by bytes, once its records were counted: those that begin between byte ⌊rn/s⌋ and byte ⌊(r + 1)n/s⌋ of n.
///
/// 1. [`CsvScan::new`] reads the bytes of the part, keeping none of them, and [`CsvScan::note`] says what it saw.
/// 2. [`CsvScan::read`] takes the notes of all parts, which say where in quotes, records and lines the part begins, and reads its records.
/// 3. [`CsvPart::finish`] takes the second notes of all parts and makes samples of the rows.
///
/// Quoted line ends are no obstacle: a note holds what the bytes mean from each state that the tokenizer may begin them in. All parts
/// together hold what [`read_csv`](super::read_csv) reads, record by record, whatever their number.
///
/// **Cost.** Two passes over the part's own bytes, the header, and the end of a record that reaches into the next part. Memory: for the first
/// pass none that grows; then as [`read_csv_from`](super::read_csv_from) of the part's bytes.
///
/// Example: [`part`](crate::part).
#[derive(Debug)]
pub struct CsvScan {
    path: PathBuf,
    options: CsvOptions,
    part: Part,
    /// Bytes of the file.
    length: u64,
    /// Those of the part.
    bytes: Range<u64>,
    header: Vec<String>,
    piece: Piece,
}

impl CsvScan {
    /// Counts the records of a part. The first line of the file, or without header its first record, is read by all parts.
    ///
    /// # Errors
    /// [`CsvError`] for a missing or empty file, an impossible delimiter, a header as [`read_csv`](super::read_csv) refuses it.
    pub fn new(path: &Path, part: Part, options: &CsvOptions) -> Result<Self, CsvError> {
        let failed = |source| CsvError::Io { path: path.to_owned(), source };
        let dialect = options.dialect()?;
        let tokenizer = Tokenizer::new(options.delimiter);
        let mut file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let (marks, first) = first_record(&mut file, &tokenizer).map_err(failed)?;
        let header = CsvFile::parse_records(path, first, dialect, None, 1)?.header;
        let mut bytes = part.byte_range(length);
        bytes.start = bytes.start.max(marks);
        bytes.end = bytes.end.max(marks);
        let mut piece = Piece::empty();
        file.seek(SeekFrom::Start(bytes.start)).map_err(failed)?;
        let mut left = file.take(bytes.end - bytes.start);
        let mut buffer = vec![0; READ];
        loop {
            match left.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => piece.extend(&tokenizer, &buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(failed(source)),
            }
        }
        Ok(Self { path: path.to_owned(), options: *options, part, length, bytes, header, piece })
    }

    /// What the other parts have to know: 12 numbers.
    pub fn note(&self) -> Vec<f64> {
        let Piece { lines, end, records } = &self.piece;
        let states = end.iter().zip(records).flat_map(|(&state, &records)| [f64::from(state as u8), records as f64]);
        [self.length as f64, *lines as f64].into_iter().chain(states).collect()
    }

    /// Reads the records of the part into memory. `notes` are those of all parts in their order.
    ///
    /// # Errors
    /// As [`read_csv`](super::read_csv) for what can be wrong with columns and the shape of rows, with their lines in the file;
    /// [`CsvError::PartsDiffer`] where the parts are not of one file, [`CsvError::Changed`] where it is not as it was.
    ///
    /// # Panics
    /// When these are not the notes of all parts.
    pub fn read(self, columns: &CsvColumns, notes: &[Vec<f64>]) -> Result<CsvPart, CsvError> {
        assert_eq!(notes.len(), self.part.of(), "one note for each part");
        let mut begin = Begin { state: State::Between, records: 0, lines: 0 };
        let mut here = begin;
        for (part, note) in notes.iter().enumerate() {
            if part == self.part.index() {
                here = begin;
            }
            let found = note[0] as u64;
            if found != self.length {
                let found = format!("{found} bytes in part {part}, {} in part {}", self.length, self.part.index());
                return Err(CsvError::PartsDiffer { path: self.path, what: "file", found });
            }
            begin = begin.after(note);
        }
        if begin.records <= u64::from(self.options.header) {
            return Err(CsvError::Empty { path: self.path, found: "there are no rows below the header" });
        }
        let failed = |source| CsvError::Io { path: self.path.clone(), source };
        let (bytes, lines) = self.own_records(here.state).map_err(failed)?;
        let expected = self.piece.records[here.state as usize];
        // The first record of the file names the columns, where it is one of this part.
        let has_names = self.options.header && here.records == 0 && expected > 0;
        let header = (!has_names).then(|| self.header.clone());
        // One line less: before the bytes stands a line end that is not in the file.
        let first_line = (here.lines + lines) as usize;
        let file = CsvFile::parse_records(&self.path, bytes, self.options.dialect()?, header, first_line)?;
        let found = file.len() as u64 + u64::from(has_names);
        if found != expected {
            return Err(CsvError::Changed { path: self.path, expected, found });
        }
        CsvPart::new(file, columns, self.options)
    }

    /// The bytes of the records that begin in the part, behind a line end that keeps a byte-order mark in a field from being taken for one
    /// of the file; and how many line ends stand before them in the part.
    fn own_records(&self, mut state: State) -> io::Result<(Vec<u8>, u64)> {
        let tokenizer = Tokenizer::new(self.options.delimiter);
        let mut file = BufReader::with_capacity(READ, File::open(&self.path)?);
        file.seek(SeekFrom::Start(self.bytes.start))?;
        let mut at = self.bytes.start;
        let mut lines = 0;
        let mut bytes = Vec::new();
        for byte in file.bytes() {
            let byte = byte?;
            if at >= self.bytes.end && (bytes.is_empty() || state == State::Between) {
                break;
            }
            let begins = tokenizer.begins(state, byte);
            state = tokenizer.next(state, byte);
            at += 1;
            if bytes.is_empty() && begins {
                bytes.reserve_exact((self.bytes.end - at) as usize + REACH);
                bytes.push(b'\n');
            }
            if bytes.is_empty() {
                lines += u64::from(byte == b'\n');
            } else {
                bytes.push(byte);
            }
        }
        Ok((bytes, lines))
    }
}

/// What is known where a part begins, or behind the last one.
#[derive(Clone, Copy)]
struct Begin {
    state: State,
    records: u64,
    lines: u64,
}

impl Begin {
    /// Behind a part that says this.
    fn after(self, note: &[f64]) -> Self {
        let at = 2 + 2 * self.state as usize;
        Self {
            state: STATES[note[at] as usize],
            records: self.records + note[at + 1] as u64,
            lines: self.lines + note[1] as u64,
        }
    }
}

impl CsvOptions {
    pub(super) fn dialect(&self) -> Result<CsvDialect, CsvError> {
        CsvDialect { delimiter: self.delimiter, has_header: self.header }.checked()
    }
}

/// Bytes of byte-order marks that the file begins with, and the bytes up to the end of its first record.
fn first_record(file: &mut File, tokenizer: &Tokenizer) -> io::Result<(u64, Vec<u8>)> {
    let mut mark = [0; 3];
    let mark = BYTE_ORDER_MARK.encode_utf8(&mut mark).as_bytes();
    let mut state = State::Between;
    let mut marks = 0;
    let mut bytes = Vec::new();
    let mut is_begun = false;
    for byte in BufReader::with_capacity(READ, file).bytes() {
        let byte = byte?;
        bytes.push(byte);
        is_begun |= tokenizer.begins(state, byte);
        state = tokenizer.next(state, byte);
        if bytes == mark {
            marks += mark.len() as u64;
            (state, is_begun) = (State::Between, false);
            bytes.clear();
        }
        if is_begun && state == State::Between {
            break;
        }
    }
    Ok((marks, bytes))
}
