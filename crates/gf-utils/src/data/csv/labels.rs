//! Classes in a column: labels, or names.

use std::collections::BTreeSet;

use gf_core::Targets;

use crate::CsvError;
use crate::csv_file::{CsvFile, CsvRow};
use crate::data::{MAX_CLASSES, class_count, label, label_range};

/// The classes with what they are called, where they have names.
type Classes = (Targets, Option<Vec<String>>);

/// Integer labels, or names where the first row has one.
pub(super) fn labels(
    file: &CsvFile,
    rows: &[CsvRow<'_>],
    column: usize,
    classes: Option<usize>,
) -> Result<Classes, CsvError> {
    if has_names(rows, column) {
        let (labels, names) = by_name(file, rows, column, MAX_CLASSES)?;
        return Ok((Targets::Classes { classes: names.len(), labels }, Some(names)));
    }
    let mut labels = Vec::with_capacity(rows.len());
    for row in rows {
        let number = row.text(column).parse::<f64>().ok();
        let label = number.and_then(|number| label(number, classes));
        labels.push(label.ok_or_else(|| row.field_error(column, label_range(classes)))?);
    }
    Ok((Targets::Classes { classes: class_count(&labels, classes), labels }, None))
}

/// Numbers, or two names for 0 and 1.
pub(super) fn binary(file: &CsvFile, rows: &[CsvRow<'_>], column: usize) -> Result<Classes, CsvError> {
    if !has_names(rows, column) {
        return Ok((super::values(rows, &[column])?, None));
    }
    let (labels, names) = by_name(file, rows, column, 2)?;
    let values = labels.iter().map(|&label| f64::from(label)).collect();
    Ok((Targets::Values { width: 1, values }, Some(names)))
}

fn has_names(rows: &[CsvRow<'_>], column: usize) -> bool {
    rows.first().is_some_and(|row| row.text(column).parse::<f64>().is_err())
}

/// Labels in the order of the sorted names. A number among them is refused: it would become a class unnoticed.
fn by_name(
    file: &CsvFile,
    rows: &[CsvRow<'_>],
    column: usize,
    most: usize,
) -> Result<(Vec<u32>, Vec<String>), CsvError> {
    let mut names = BTreeSet::new();
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
    let names: Vec<&str> = names.into_iter().collect();
    let label = |row: &CsvRow<'_>| {
        names.binary_search(&row.text(column)).expect("every name of the column was collected") as u32
    };
    Ok((rows.iter().map(label).collect(), names.iter().map(|&name| name.to_owned()).collect()))
}
