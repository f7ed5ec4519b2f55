//! What can be wrong with a CSV file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A fault in a CSV file. Lines are counted from 1, the header included, as an editor shows them.
#[derive(Debug, Error)]
pub enum CsvError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file is not text.
    #[error("{}, line {line}: not UTF-8 text", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the first fault.
        line: usize,
    },
    /// No header, or no rows below it.
    #[error("{}: {found}; expected a header line with column names and at least one row", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What is missing.
        found: &'static str,
    },
    /// Another character than was said separates the columns.
    #[error("{}, line 1: one column {header:?}; expected columns separated by {expected:?}, found {separator:?}", path.display())]
    Separator {
        /// The file.
        path: PathBuf,
        /// The first line.
        header: String,
        /// The separator asked for.
        expected: char,
        /// The separator that the file seems to use.
        separator: char,
    },
    /// Two columns have one name.
    #[error("{}, line 1: column {name:?} appears twice (columns {first} and {second}); expected unique names", path.display())]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// Position from 1.
        first: usize,
        /// Position from 1.
        second: usize,
    },
    /// A column without a name would become an input unnoticed (pandas writes its row numbers so).
    #[error(
        "{}, line 1: column {position} has no name; expected names for all columns (with pandas: to_csv(..., index=False)), \
         or the inputs named explicitly",
        path.display()
    )]
    UnnamedColumn {
        /// The file.
        path: PathBuf,
        /// Position from 1.
        position: usize,
    },
    /// A column that was asked for is not there.
    #[error("{}, line 1: no column {name:?}{suggestion}; found {}", path.display(), found.join(", "))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// ` (did you mean …?)` or empty.
        suggestion: String,
        /// The columns of the file.
        found: Vec<String>,
    },
    /// A column is asked for twice, as target and as input or twice as either.
    #[error("column {name} is asked for twice; expected each column once, as target or as input")]
    AskedTwice {
        /// The name in quotes, or the number.
        name: String,
    },
    /// A column is asked for by name, and the file has no names.
    #[error("{}: column {name:?} is asked for by name; expected a number from 0, or from -1 for the last, as there is no header", path.display())]
    NoNames {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A column is asked for by a number that no column has.
    #[error("{}: no column {number}; expected {} to {}, as there are {columns} columns", path.display(), -(*columns as i128), columns - 1)]
    ColumnNumber {
        /// The file.
        path: PathBuf,
        /// The number asked for.
        number: i64,
        /// Columns of the file.
        columns: usize,
    },
    /// A character that cannot stand between fields.
    #[error("delimiter {found:?}: expected an ASCII character that is no quote and no line end")]
    Delimiter {
        /// The character.
        found: char,
    },
    /// A field is empty, or says that there is no value.
    #[error(
        "{}, line {line}, column {column:?}: expected a value, found {found:?}; missing values: {fields}, in {rows} of {all_rows} rows \
         (in a study, missing = \"drop-rows\" leaves such rows out, \"mean\" fills inputs in)",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The line of the first.
        line: usize,
        /// Its column.
        column: String,
        /// What stands there.
        found: String,
        /// Fields that are missing, in columns that are read.
        fields: usize,
        /// Rows that miss a field.
        rows: usize,
        /// All rows.
        all_rows: usize,
    },
    /// Rows with missing values are left out, and none has all its values.
    #[error("{}: each of {rows} rows misses a value, and leaving them out leaves none; expected at least one complete row", path.display())]
    NoCompleteRow {
        /// The file.
        path: PathBuf,
        /// All rows.
        rows: usize,
    },
    /// More names of classes than there may be.
    #[error("{}, line {line}, column {column:?}: expected at most {most} names of classes, found another, {name:?}", path.display())]
    ManyClasses {
        /// The file.
        path: PathBuf,
        /// The line of the first name beyond.
        line: usize,
        /// The column.
        column: String,
        /// The largest number.
        most: usize,
        /// The name.
        name: String,
    },
    /// Parts that were read by several processes are not of one data set.
    #[error("{}: expected the same {what} in all parts, found {found}", path.display())]
    PartsDiffer {
        /// The file, as this process sees it.
        path: PathBuf,
        /// File or columns.
        what: &'static str,
        /// How they differ.
        found: String,
    },
    /// The file is not as it was when its records were counted.
    #[error("{}: expected {expected} records in this part, as counted before, found {found}: the file changed", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Records counted.
        expected: u64,
        /// Records read.
        found: u64,
    },
    /// No column is left to be an input, or no target was named.
    #[error("{}: no columns for the {what}", path.display())]
    NoColumns {
        /// The file.
        path: PathBuf,
        /// Inputs or targets.
        what: &'static str,
    },
    /// A column stands where another is expected.
    #[error("{}, line 1: expected column {expected:?} at position {position}, found {found:?}", path.display())]
    ColumnOrder {
        /// The file.
        path: PathBuf,
        /// Position from 1.
        position: usize,
        /// The name expected.
        expected: String,
        /// The name found; empty where the line ends.
        found: String,
    },
    /// A row is longer or shorter than the header.
    #[error("{}, line {line}: expected {expected} fields as in the header, found {found}", path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// Fields of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// A field does not hold what its column should.
    #[error("{}, line {line}, column {column:?}: expected {expected}, found {found:?}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column's name.
        column: String,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
}
