//! Samples from a CSV file.

mod columns;
mod labels;
mod missing;
mod note;
mod part;
mod scan;

use std::fs;
use std::path::Path;

use gf_core::{Samples, Targets};

pub use columns::{Column, CsvColumns, TargetColumns};
pub use missing::{GapError, Gaps, Missing};
pub use part::{CsvPart, CsvPartData};
pub use scan::CsvScan;

use self::columns::Positions;
use self::labels::Naming;
use crate::CsvError;
use crate::csv_file::{CsvFile, CsvRow};

/// How a file is written, and what a missing value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvOptions {
    /// What stands between fields: an ASCII character, no quote and no line end.
    pub delimiter: u8,
    /// Whether the first line names the columns.
    pub header: bool,
    /// What becomes of rows with a missing value in a column that is read.
    pub missing: Missing,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: b',', header: true, missing: Missing::Refuse }
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvData {
    /// The rows, in the order of the file. A missing input is 0 until [`Gaps::fill`].
    pub samples: Samples,
    /// What the classes are called, by label, where the file has names in place of labels: sorted by their bytes.
    pub class_names: Option<Vec<String>>,
    /// What the inputs are called, where the file has a header.
    pub feature_names: Option<Vec<String>>,
    /// Rows that were left out.
    pub dropped: usize,
    /// Inputs that are missing, with [`Missing::Mean`].
    pub gaps: Gaps,
}

/// Reads samples from a UTF-8 file.
///
/// Spaces around fields are ignored, fields may be quoted, empty lines are skipped. Labels are integers from 0, written `3` or `3.0`, or
/// names such as `setosa` in all rows. A value is missing where a field is empty, `?`, `NA`, `N/A`, `NaN` or `null`, in letters of either case.
///
/// # Errors
/// [`CsvError`] with file, line and column: a missing file, a missing column (with the closest name), duplicate or unnamed columns,
/// a ragged row, a field that is missing, not a finite number or not a label, an empty file.
///
/// ```no_run
/// use gf_utils::data::{CsvColumns, CsvOptions, read_csv};
/// let options = CsvOptions::default();
/// let houses = read_csv("houses.csv".as_ref(), &CsvColumns::values(&["price"]), &options)?.samples;
/// let columns = CsvColumns::classes("species").with_features(&["length", "width"]);
/// let flowers = read_csv("flowers.csv".as_ref(), &columns, &options)?;
/// println!("{:?}", flowers.class_names);
/// # Ok::<(), gf_utils::CsvError>(())
/// ```
pub fn read_csv(path: &Path, columns: &CsvColumns, options: &CsvOptions) -> Result<CsvData, CsvError> {
    let bytes = fs::read(path).map_err(|source| CsvError::Io { path: path.to_owned(), source })?;
    read_csv_from(path, bytes, columns, options)
}

/// As [`read_csv`], from the content of a file; `path` is for the errors.
///
/// # Errors
/// As [`read_csv`].
///
/// **Cost.** Memory for about 30 times the file at most, where every field is one character long.
pub fn read_csv_from(
    path: &Path,
    bytes: Vec<u8>,
    columns: &CsvColumns,
    options: &CsvOptions,
) -> Result<CsvData, CsvError> {
    let CsvOptions { header, missing, .. } = *options;
    let file = CsvFile::parse(path, bytes, options.dialect()?)?;
    let positions = columns.positions(&file, header)?;
    let complete = missing::complete(&file, &positions, missing);
    let totals = complete.totals;
    let rows = complete.checked(&file, missing, totals)?;
    let (inputs, gaps) = inputs(&rows, &positions, missing)?;
    let naming = match columns.classes_in(&positions) {
        Some((column, most)) => Some(Naming::of(&file, &rows, column, most)?),
        None => None,
    };
    let samples = samples(inputs, &rows, columns, &positions, naming.as_ref())?;
    let class_names = match naming {
        Some(Naming::Names(names)) => Some(names),
        _ => None,
    };
    let feature_names = header.then(|| feature_names(&file, &positions));
    Ok(CsvData { samples, class_names, feature_names, dropped: file.len() - rows.len(), gaps })
}

/// The numbers of the inputs, row-major, with 0 where one is missing, and where that is.
fn inputs(rows: &[CsvRow<'_>], positions: &Positions, missing: Missing) -> Result<(Vec<f64>, Gaps), CsvError> {
    let mut gaps = Gaps::default();
    let mut inputs = Vec::with_capacity(rows.len() * positions.inputs.len());
    for (number, row) in rows.iter().enumerate() {
        for (input, &column) in positions.inputs.iter().enumerate() {
            let is_missing = missing == Missing::Mean && missing::is_missing(row.text(column));
            inputs.push(if is_missing { gaps.add(number, input) } else { row.finite(column)? });
        }
    }
    Ok((inputs, gaps))
}

/// At least one row, with its inputs, as samples; `naming` says how classes are written.
fn samples(
    inputs: Vec<f64>,
    rows: &[CsvRow<'_>],
    columns: &CsvColumns,
    positions: &Positions,
    naming: Option<&Naming>,
) -> Result<Samples, CsvError> {
    let column = positions.targets[0];
    let targets = match (&columns.targets, naming) {
        (TargetColumns::Classes { .. }, Some(Naming::Names(names))) => {
            Targets::Classes { classes: names.len(), labels: labels::labels_by_name(rows, column, names) }
        }
        (TargetColumns::Classes { classes: said, .. }, naming) => {
            let counted = match naming {
                Some(Naming::Numbers { classes }) => *classes,
                _ => 0,
            };
            Targets::Classes { labels: labels::labels(rows, column, *said)?, classes: said.unwrap_or(counted) }
        }
        (TargetColumns::Binary(_), Some(Naming::Names(names))) => {
            let labels = labels::labels_by_name(rows, column, names);
            Targets::Values { width: 1, values: labels.into_iter().map(f64::from).collect() }
        }
        (TargetColumns::Values(_) | TargetColumns::Binary(_), _) => values(rows, &positions.targets)?,
    };
    let samples = Samples::new(positions.inputs.len(), inputs, targets);
    Ok(samples.expect("shapes, finiteness and labels were checked field by field"))
}

fn feature_names(file: &CsvFile, positions: &Positions) -> Vec<String> {
    positions.inputs.iter().map(|&column| file.header[column].clone()).collect()
}

fn values(rows: &[CsvRow<'_>], columns: &[usize]) -> Result<Targets, CsvError> {
    let mut values = Vec::with_capacity(rows.len() * columns.len());
    for row in rows {
        for &column in columns {
            values.push(row.finite(column)?);
        }
    }
    Ok(Targets::Values { width: columns.len(), values })
}
