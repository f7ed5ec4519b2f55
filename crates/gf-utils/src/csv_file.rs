//! A CSV file in memory, with line numbers for errors. Shared by data files and histories.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::CsvError;

/// What some programs write before the text.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CsvDialect {
    /// What stands between fields.
    pub(crate) delimiter: u8,
    /// Whether the first line names the columns; without, they are called by their numbers, from 0.
    pub(crate) has_header: bool,
}

impl CsvDialect {
    /// Commas, below a line of names.
    pub(crate) const NAMED: Self = Self { delimiter: b',', has_header: true };

    /// Refuses what cannot stand between fields.
    pub(crate) fn checked(self) -> Result<Self, CsvError> {
        if !self.delimiter.is_ascii() || matches!(self.delimiter, b'"' | b'\r' | b'\n') {
            return Err(CsvError::Delimiter { found: char::from(self.delimiter) });
        }
        Ok(self)
    }
}

/// The header and the rows of a file; every row is as long as the header, and there is at least one.
///
/// All fields lie in one text, so that memory stays a small multiple of the file however short its lines are.
#[derive(Debug)]
pub(crate) struct CsvFile {
    pub(crate) path: PathBuf,
    pub(crate) header: Vec<String>,
    source: String,
    /// The line of the source's first byte in the file.
    first_line: usize,
    /// The fields one after the other, rows in order.
    fields: String,
    /// Where each field ends in them.
    ends: Vec<usize>,
    /// Where each row begins in the source.
    starts: Vec<usize>,
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct CsvRow<'a> {
    file: &'a CsvFile,
    number: usize,
}

impl CsvFile {
    /// Reads a file of columns that are named and separated by commas.
    pub(crate) fn read(path: &Path) -> Result<Self, CsvError> {
        let bytes = fs::read(path).map_err(|source| CsvError::Io { path: path.to_owned(), source })?;
        Self::parse(path, bytes, CsvDialect::NAMED)
    }

    /// Checks the shape of a file's content. Fields are trimmed; empty lines are skipped; a byte-order mark is dropped.
    pub(crate) fn parse(path: &Path, bytes: Vec<u8>, dialect: CsvDialect) -> Result<Self, CsvError> {
        let file = Self::parse_records(path, bytes, dialect, None, 1)?;
        if file.starts.is_empty() {
            return Err(CsvError::Empty { path: path.to_owned(), found: "there are no rows below the header" });
        }
        Ok(file)
    }

    /// As [`CsvFile::parse`], of bytes that begin at this line, where there may be no rows. Where the header is given, all records are rows.
    pub(crate) fn parse_records(
        path: &Path,
        bytes: Vec<u8>,
        dialect: CsvDialect,
        mut header: Option<Vec<String>>,
        first_line: usize,
    ) -> Result<Self, CsvError> {
        let mut source = String::from_utf8(bytes).map_err(|error| {
            let line = line_at(&error.as_bytes()[..error.utf8_error().valid_up_to()], first_line);
            CsvError::NotUtf8 { path: path.to_owned(), line }
        })?;
        source.drain(..source.len() - source.trim_start_matches(BYTE_ORDER_MARK).len());
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.delimiter)
            .trim(csv::Trim::All)
            .from_reader(source.as_bytes());
        // Neither reading from memory nor UTF-8 text nor flexible lengths can fail here, but the crate's signature says so.
        let io = |error: csv::Error| CsvError::Io { path: path.to_owned(), source: error.into() };
        let (mut fields, mut ends, mut starts) = (String::new(), Vec::new(), Vec::new());
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(io)? {
            let start = record.position().map_or(0, |position| position.byte() as usize);
            let Some(columns) = &header else {
                let columns: Vec<String> = match dialect.has_header {
                    true => record.iter().map(str::to_owned).collect(),
                    false => (0..record.len()).map(|column| column.to_string()).collect(),
                };
                check_header(path, &columns, &record, dialect)?;
                header = Some(columns);
                if !dialect.has_header {
                    push(&record, &mut fields, &mut ends);
                    starts.push(start);
                }
                continue;
            };
            let (expected, found) = (columns.len(), record.len());
            if expected != found {
                let line = line_of(&source, start, first_line);
                return Err(CsvError::Ragged { path: path.to_owned(), line, expected, found });
            }
            push(&record, &mut fields, &mut ends);
            starts.push(start);
        }
        let header = header.ok_or_else(|| CsvError::Empty { path: path.to_owned(), found: "the file is empty" })?;
        Ok(Self { path: path.to_owned(), header, source, first_line, fields, ends, starts })
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = CsvRow<'_>> {
        (0..self.len()).map(|number| CsvRow { file: self, number })
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The position of a column.
    pub(crate) fn column(&self, name: &str) -> Result<usize, CsvError> {
        self.header.iter().position(|column| column == name).ok_or_else(|| CsvError::MissingColumn {
            path: self.path.clone(),
            name: name.to_owned(),
            suggestion: crate::suggest::hint(name, self.header.iter().map(String::as_str)),
            found: self.header.clone(),
        })
    }
}

impl<'a> CsvRow<'a> {
    /// The line, from 1. The crate's own count is off after empty lines, so this one looks at the text.
    pub(crate) fn line(self) -> usize {
        line_of(&self.file.source, self.file.starts[self.number], self.file.first_line)
    }

    pub(crate) fn text(self, column: usize) -> &'a str {
        let field = self.number * self.file.header.len() + column;
        let start = if field == 0 { 0 } else { self.file.ends[field - 1] };
        &self.file.fields[start..self.file.ends[field]]
    }

    /// The fault of a field.
    pub(crate) fn field_error(self, column: usize, expected: impl Into<String>) -> CsvError {
        CsvError::Field {
            path: self.file.path.clone(),
            line: self.line(),
            column: self.file.header[column].clone(),
            expected: expected.into(),
            found: self.text(column).to_owned(),
        }
    }

    /// A field that parses.
    pub(crate) fn parse<T: std::str::FromStr>(self, column: usize, expected: &str) -> Result<T, CsvError> {
        self.text(column).parse().map_err(|_| self.field_error(column, expected))
    }

    /// A finite number.
    pub(crate) fn finite(self, column: usize) -> Result<f64, CsvError> {
        let number: f64 = self.parse(column, "a number")?;
        if number.is_finite() { Ok(number) } else { Err(self.field_error(column, "a finite number")) }
    }
}

fn push(record: &csv::StringRecord, fields: &mut String, ends: &mut Vec<usize>) {
    for field in record {
        fields.push_str(field);
        ends.push(fields.len());
    }
}

/// `first` is the first line of the file, whether it names the columns or not.
fn check_header(
    path: &Path,
    header: &[String],
    first: &csv::StringRecord,
    dialect: CsvDialect,
) -> Result<(), CsvError> {
    let others = [',', ';', '\t', '|'].into_iter().filter(|&other| other != char::from(dialect.delimiter));
    if let (1, Some(line)) = (first.len(), first.get(0))
        && let Some(separator) = others.into_iter().find(|&other| line.contains(other))
    {
        let (path, header, expected) = (path.to_owned(), line.to_owned(), char::from(dialect.delimiter));
        return Err(CsvError::Separator { path, header, expected, separator });
    }
    let mut seen = HashMap::with_capacity(header.len());
    for (column, name) in header.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        if let Some(earlier) = seen.insert(name, column) {
            let (first, second) = (earlier + 1, column + 1);
            return Err(CsvError::DuplicateColumn { path: path.to_owned(), name: name.clone(), first, second });
        }
    }
    Ok(())
}

/// The line of what begins at this byte, after empty lines that may stand there.
fn line_of(source: &str, start: usize, first_line: usize) -> usize {
    let bytes = source.as_bytes();
    let skipped = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    line_at(&bytes[..start + skipped], first_line)
}

/// The line that follows these bytes, which begin at `first_line`.
fn line_at(before: &[u8], first_line: usize) -> usize {
    first_line + before.iter().filter(|&&byte| byte == b'\n').count()
}
