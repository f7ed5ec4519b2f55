//! A CSV file in memory, with line numbers for errors. Shared by data files and histories.

use std::fs;
use std::path::{Path, PathBuf};

use crate::CsvError;

/// The header and the rows of a file; every row is as long as the header, and there is at least one.
pub(crate) struct CsvFile {
    pub(crate) path: PathBuf,
    pub(crate) header: Vec<String>,
    text: String,
    rows: Vec<csv::StringRecord>,
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct CsvRow<'a> {
    file: &'a CsvFile,
    record: &'a csv::StringRecord,
}

impl CsvFile {
    /// Reads and checks the shape. Fields are trimmed; empty lines are skipped; a byte-order mark is dropped.
    pub(crate) fn read(path: &Path) -> Result<Self, CsvError> {
        let bytes = fs::read(path).map_err(|source| CsvError::Io { path: path.to_owned(), source })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = line_at(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
            CsvError::NotUtf8 { path: path.to_owned(), line }
        })?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        // Neither reading from memory nor UTF-8 text nor flexible lengths can fail here, but the crate's signature says so.
        let io = |error: csv::Error| CsvError::Io { path: path.to_owned(), source: error.into() };
        let mut rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(io)?;
        let empty = |found| CsvError::Empty { path: path.to_owned(), found };
        if rows.is_empty() {
            return Err(empty("the file is empty"));
        }
        let header: Vec<String> = rows.remove(0).iter().map(str::to_owned).collect();
        let file = Self { path: path.to_owned(), header, text, rows };
        file.check_header()?;
        if file.rows.is_empty() {
            return Err(empty("there are no rows below the header"));
        }
        for row in file.rows() {
            let (expected, found) = (file.header.len(), row.record.len());
            if expected != found {
                return Err(CsvError::Ragged { path: file.path.clone(), line: row.line(), expected, found });
            }
        }
        Ok(file)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = CsvRow<'_>> {
        self.rows.iter().map(|record| CsvRow { file: self, record })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
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

    fn check_header(&self) -> Result<(), CsvError> {
        if let [header] = &self.header[..]
            && let Some(separator) = [';', '\t', '|'].into_iter().find(|&separator| header.contains(separator))
        {
            return Err(CsvError::Separator { path: self.path.clone(), header: header.clone(), separator });
        }
        for (second, name) in self.header.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if let Some(first) = self.header[..second].iter().position(|other| other == name) {
                let (first, second) = (first + 1, second + 1);
                return Err(CsvError::DuplicateColumn { path: self.path.clone(), name: name.clone(), first, second });
            }
        }
        Ok(())
    }
}

impl<'a> CsvRow<'a> {
    /// The line, from 1. The crate's own count is off after empty lines, so this one looks at the text.
    pub(crate) fn line(self) -> usize {
        let start = self.record.position().map_or(0, |position| position.byte() as usize);
        let bytes = self.file.text.as_bytes();
        let skipped = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line_at(&bytes[..start + skipped])
    }

    pub(crate) fn text(self, column: usize) -> &'a str {
        &self.record[column]
    }

    /// The fault of a field.
    pub(crate) fn field_error(self, column: usize, expected: impl Into<String>) -> CsvError {
        CsvError::Field {
            path: self.file.path.clone(),
            line: self.line(),
            column: self.file.header[column].clone(),
            expected: expected.into(),
            found: self.record[column].to_owned(),
        }
    }

    /// A field that parses.
    pub(crate) fn parse<T: std::str::FromStr>(self, column: usize, expected: &str) -> Result<T, CsvError> {
        self.record[column].parse().map_err(|_| self.field_error(column, expected))
    }

    /// A finite number.
    pub(crate) fn finite(self, column: usize) -> Result<f64, CsvError> {
        let number: f64 = self.parse(column, "a number")?;
        if number.is_finite() { Ok(number) } else { Err(self.field_error(column, "a finite number")) }
    }
}

/// The line that follows these bytes, from 1.
fn line_at(before: &[u8]) -> usize {
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}
