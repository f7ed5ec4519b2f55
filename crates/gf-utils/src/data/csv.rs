//! Samples from a CSV file with a header.

use std::path::Path;

use gf_core::{Samples, Targets};

use super::{class_count, label, label_range};
use crate::CsvError;
use crate::csv_file::CsvFile;

/// Which columns are targets, and of which kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetColumns {
    /// Real targets, one column per output, in this order.
    Values(Vec<String>),
    /// One column of integer labels from 0.
    Classes {
        /// The column.
        column: String,
        /// The number of classes; one more than the largest label if not said.
        classes: Option<usize>,
    },
}

/// Which columns are read as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvColumns {
    /// The targets.
    pub targets: TargetColumns,
    /// The inputs, in this order; all columns that are not targets if not said.
    pub features: Option<Vec<String>>,
}

impl CsvColumns {
    /// These columns are real targets, all others inputs.
    pub fn values(targets: &[&str]) -> Self {
        Self { targets: TargetColumns::Values(owned(targets)), features: None }
    }

    /// This column holds integer labels from 0, all others are inputs.
    pub fn classes(target: &str) -> Self {
        Self { targets: TargetColumns::Classes { column: target.to_owned(), classes: None }, features: None }
    }

    /// Only these columns are inputs; others may hold anything.
    #[must_use]
    pub fn with_features(mut self, features: &[&str]) -> Self {
        self.features = Some(owned(features));
        self
    }

    fn target_names(&self) -> &[String] {
        match &self.targets {
            TargetColumns::Values(names) => names,
            TargetColumns::Classes { column, .. } => std::slice::from_ref(column),
        }
    }
}

/// Reads samples from a comma-separated UTF-8 file whose first line names the columns.
///
/// Spaces around fields are ignored, fields may be quoted, empty lines are skipped. Labels may be written `3` or `3.0`.
///
/// # Errors
/// [`CsvError`] with file, line and column: a missing file, a missing column (with the closest name), duplicate or unnamed columns,
/// a ragged row, a field that is not a finite number or not a label, an empty file.
///
/// ```no_run
/// use gf_utils::data::{CsvColumns, read_csv};
/// let houses = read_csv("houses.csv".as_ref(), &CsvColumns::values(&["price"]))?;
/// let flowers = read_csv("flowers.csv".as_ref(), &CsvColumns::classes("species").with_features(&["length", "width"]))?;
/// # Ok::<(), gf_utils::CsvError>(())
/// ```
pub fn read_csv(path: &Path, columns: &CsvColumns) -> Result<Samples, CsvError> {
    let file = CsvFile::read(path)?;
    let target_columns = positions(&file, columns.target_names(), "targets")?;
    let input_columns = input_columns(&file, columns, &target_columns)?;
    let mut inputs = Vec::with_capacity(file.len() * input_columns.len());
    for row in file.rows() {
        for &column in &input_columns {
            inputs.push(row.finite(column)?);
        }
    }
    let targets = match &columns.targets {
        TargetColumns::Values(_) => values(&file, &target_columns)?,
        TargetColumns::Classes { classes, .. } => labels(&file, target_columns[0], *classes)?,
    };
    Ok(Samples::new(input_columns.len(), inputs, targets)
        .expect("shapes, finiteness and labels were checked field by field"))
}

fn values(file: &CsvFile, columns: &[usize]) -> Result<Targets, CsvError> {
    let mut values = Vec::with_capacity(file.len() * columns.len());
    for row in file.rows() {
        for &column in columns {
            values.push(row.finite(column)?);
        }
    }
    Ok(Targets::Values { width: columns.len(), values })
}

fn labels(file: &CsvFile, column: usize, classes: Option<usize>) -> Result<Targets, CsvError> {
    let mut labels = Vec::with_capacity(file.len());
    for row in file.rows() {
        let number = row.text(column).parse::<f64>().ok();
        let label = number.and_then(|number| label(number, classes));
        labels.push(label.ok_or_else(|| row.field_error(column, label_range(classes)))?);
    }
    Ok(Targets::Classes { classes: class_count(&labels, classes), labels })
}

fn input_columns(file: &CsvFile, columns: &CsvColumns, targets: &[usize]) -> Result<Vec<usize>, CsvError> {
    let inputs = match &columns.features {
        Some(names) => {
            if let Some(name) = names.iter().find(|name| columns.target_names().contains(name)) {
                return Err(CsvError::AskedTwice { name: name.clone() });
            }
            positions(file, names, "inputs")?
        }
        None => (0..file.header.len()).filter(|column| !targets.contains(column)).collect(),
    };
    if let Some(&unnamed) = inputs.iter().find(|&&column| file.header[column].is_empty()) {
        return Err(CsvError::UnnamedColumn { path: file.path.clone(), position: unnamed + 1 });
    }
    if inputs.is_empty() {
        return Err(CsvError::NoColumns { path: file.path.clone(), what: "inputs" });
    }
    Ok(inputs)
}

fn positions(file: &CsvFile, names: &[String], what: &'static str) -> Result<Vec<usize>, CsvError> {
    if names.is_empty() {
        return Err(CsvError::NoColumns { path: file.path.clone(), what });
    }
    let mut positions = Vec::with_capacity(names.len());
    for name in names {
        let position = file.column(name)?;
        if positions.contains(&position) {
            return Err(CsvError::AskedTwice { name: name.clone() });
        }
        positions.push(position);
    }
    Ok(positions)
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
