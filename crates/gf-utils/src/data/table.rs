//! A CSV file whose columns are chosen after its header is known.

use std::fs;
use std::path::Path;

use super::{label, label_range};
use crate::CsvError;
use crate::csv_file::{CsvDialect, CsvFile};

/// A UTF-8 file of columns, in memory.
///
/// ```no_run
/// use gf_utils::data::CsvTable;
/// let table = CsvTable::read("flowers.csv".as_ref(), b',', true)?;
/// let columns = [table.column("length")?, table.column("width")?];
/// let inputs = table.numbers(&columns)?; // n × 2, row-major
/// # Ok::<(), gf_utils::CsvError>(())
/// ```
pub struct CsvTable(CsvFile);

impl CsvTable {
    /// Reads a file as [`super::read_csv`] does: what stands between fields, and whether the first line names the columns.
    ///
    /// # Errors
    /// [`CsvError`] for a missing file, an impossible delimiter, text that is not UTF-8, duplicate columns, a ragged row, an empty file.
    pub fn read(path: &Path, delimiter: u8, has_header: bool) -> Result<Self, CsvError> {
        let bytes = fs::read(path).map_err(|source| CsvError::Io { path: path.to_owned(), source })?;
        let dialect = CsvDialect { delimiter, has_header }.checked()?;
        CsvFile::parse(path, bytes, dialect).map(Self)
    }

    /// Names of the columns; their numbers from 0 where the file has no header.
    pub fn header(&self) -> &[String] {
        &self.0.header
    }

    /// The position of a column, from 0.
    ///
    /// # Errors
    /// [`CsvError::MissingColumn`], with the closest name.
    pub fn column(&self, name: &str) -> Result<usize, CsvError> {
        self.0.column(name)
    }

    /// The numbers of some columns, row-major.
    ///
    /// # Errors
    /// [`CsvError::Field`] with line and column where a field is missing or not a finite number.
    pub fn numbers(&self, columns: &[usize]) -> Result<Vec<f64>, CsvError> {
        let mut numbers = Vec::with_capacity(self.0.len() * columns.len());
        for row in self.0.rows() {
            for &column in columns {
                numbers.push(row.finite(column)?);
            }
        }
        Ok(numbers)
    }

    /// The labels of a column, below `classes`: their names, where there are names, or numbers.
    ///
    /// # Errors
    /// [`CsvError::Field`] with line and column where a field is neither.
    pub fn labels(&self, column: usize, classes: usize, names: Option<&[String]>) -> Result<Vec<u32>, CsvError> {
        let of_name = |text: &str| names?.iter().position(|name| name == text).map(|class| class as u32);
        let of_number = |text: &str| text.parse().ok().and_then(|number| label(number, Some(classes)));
        let expected = || match names {
            Some(names) => format!("{}, or one of: {}", label_range(Some(classes)), names.join(", ")),
            None => label_range(Some(classes)),
        };
        let label = |text: &str| of_name(text).or_else(|| of_number(text));
        self.0.rows().map(|row| label(row.text(column)).ok_or_else(|| row.field_error(column, expected()))).collect()
    }
}
