//! Classes in a column: labels, or names.

use std::collections::BTreeSet;

use crate::CsvError;
use crate::csv_file::{CsvFile, CsvRow};
use crate::data::{label, label_range};

/// How the classes of a column are written, in all rows as in the first.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Naming {
    /// Numbers.
    Numbers {
        /// One more than the largest label.
        classes: usize,
    },
    /// Names, sorted by their bytes: the labels are their positions.
    Names(Vec<String>),
}

impl Naming {
    /// Of all rows of a file.
    pub(super) fn of(file: &CsvFile, rows: &[CsvRow<'_>], column: usize, most: usize) -> Result<Self, CsvError> {
        if !are_names(rows, column) {
            return Ok(Self::Numbers { classes: classes(rows, column) });
        }
        let names = names(file, rows, column, most, BTreeSet::new())?;
        Ok(Self::Names(names.into_iter().map(str::to_owned).collect()))
    }
}

/// Whether the first row has a name.
pub(super) fn are_names(rows: &[CsvRow<'_>], column: usize) -> bool {
    rows.first().is_some_and(|row| row.text(column).parse::<f64>().is_err())
}

/// The names of these rows and of those `before` them. A number among them is refused: it would become a class unnoticed.
pub(super) fn names<'a>(
    file: &CsvFile,
    rows: &[CsvRow<'a>],
    column: usize,
    most: usize,
    before: BTreeSet<&'a str>,
) -> Result<BTreeSet<&'a str>, CsvError> {
    let mut names = before;
    for row in rows {
        let name = row.text(column);
        if name.parse::<f64>().is_ok() {
            return Err(row.field_error(column, "the name of a class, as in the first row"));
        }
        if names.insert(name) && names.len() > most {
            let (path, column) = (file.path.clone(), file.header[column].clone());
            return Err(CsvError::ManyClasses { path, line: row.line(), column, most, name: name.to_owned() });
        }
    }
    Ok(names)
}

/// The names of these rows, sorted: all of them where [`names`] finds no fault.
pub(super) fn some_names(rows: &[CsvRow<'_>], column: usize, most: usize) -> Vec<String> {
    let mut names = BTreeSet::new();
    for row in rows {
        let name = row.text(column);
        if name.parse::<f64>().is_ok() || names.len() > most {
            break;
        }
        names.insert(name);
    }
    names.into_iter().map(str::to_owned).collect()
}

/// One more than the largest label among the numbers that are one.
pub(super) fn classes(rows: &[CsvRow<'_>], column: usize) -> usize {
    let labels = rows.iter().filter_map(|row| label(row.text(column).parse().ok()?, None));
    labels.max().map_or(0, |largest| largest as usize + 1)
}

/// Integer labels below `classes`.
pub(super) fn labels(rows: &[CsvRow<'_>], column: usize, classes: Option<usize>) -> Result<Vec<u32>, CsvError> {
    let mut labels = Vec::with_capacity(rows.len());
    for row in rows {
        let number = row.text(column).parse::<f64>().ok();
        let label = number.and_then(|number| label(number, classes));
        labels.push(label.ok_or_else(|| row.field_error(column, label_range(classes)))?);
    }
    Ok(labels)
}

/// The positions of the rows' names among all, which are sorted.
pub(super) fn labels_by_name(rows: &[CsvRow<'_>], column: usize, names: &[String]) -> Vec<u32> {
    let label = |row: &CsvRow<'_>| {
        let name = row.text(column);
        names.binary_search_by(|other| other.as_str().cmp(name)).expect("every name of the column was collected") as u32
    };
    rows.iter().map(label).collect()
}
