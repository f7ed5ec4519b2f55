//! Missing values.

use gf_core::{SampleError, Samples};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::columns::Positions;
use crate::CsvError;
use crate::csv_file::{CsvFile, CsvRow};

/// What becomes of a row with a missing value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// It is an error, which says how many there are.
    #[default]
    Refuse,
    /// It is left out.
    DropRows,
    /// A missing input becomes the mean of its column over the training part; a missing target is an error.
    Mean,
}

/// Inputs that are missing, until they are filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Row and input, from 0, in the order of the samples.
    places: Vec<(usize, usize)>,
}

/// Why gaps cannot be filled in.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum GapError {
    /// No row that trains has a value.
    #[error(
        "input column {column}: all {rows} rows of the training part miss a value there; expected at least one for their mean"
    )]
    NoValue {
        /// Among the inputs, from 0.
        column: usize,
        /// Rows of the training part.
        rows: usize,
    },
    /// A sum is beyond double precision.
    #[error("means in the place of missing values: {0}")]
    NotFinite(#[from] SampleError),
}

impl Gaps {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The samples with each gap filled by the mean of its column over those of `train_rows` that have a value there.
    ///
    /// # Errors
    /// [`GapError`] where none of them has one, or their sum is infinite.
    ///
    /// # Panics
    /// When these are not the gaps of these samples.
    pub fn fill(&self, samples: &Samples, train_rows: &[usize]) -> Result<Samples, GapError> {
        let width = samples.width();
        let mut is_gap = vec![false; samples.inputs().len()];
        let mut means = vec![None; width];
        for &(row, column) in &self.places {
            is_gap[row * width + column] = true;
            means[column] = Some(0.0);
        }
        for (column, mean) in means.iter_mut().enumerate() {
            let Some(mean) = mean else { continue };
            let present = || train_rows.iter().map(|&row| row * width + column).filter(|&at| !is_gap[at]);
            let count = present().count();
            if count == 0 {
                return Err(GapError::NoValue { column, rows: train_rows.len() });
            }
            *mean = present().map(|at| samples.inputs()[at]).sum::<f64>() / count as f64;
        }
        let mut inputs = samples.inputs().to_vec();
        for &(row, column) in &self.places {
            inputs[row * width + column] = means[column].expect("every column with a gap has a mean");
        }
        Ok(Samples::new(width, inputs, samples.targets().clone())?)
    }

    /// Adds one; returns what stands there until it is filled.
    pub(super) fn add(&mut self, row: usize, column: usize) -> f64 {
        self.places.push((row, column));
        0.0
    }
}

/// Whether a field says that there is no value.
pub(super) fn is_missing(field: &str) -> bool {
    ["", "?", "na", "n/a", "nan", "null"].iter().any(|word| field.eq_ignore_ascii_case(word))
}

/// The rows that are read.
pub(super) fn rows<'a>(
    file: &'a CsvFile,
    positions: &Positions,
    missing: Missing,
) -> Result<Vec<CsvRow<'a>>, CsvError> {
    // What must not be missing.
    let is_checked = |is_input: bool| !(is_input && missing == Missing::Mean);
    let columns: Vec<usize> = [(true, &positions.inputs), (false, &positions.targets)]
        .into_iter()
        .filter(|(is_input, _)| is_checked(*is_input))
        .flat_map(|(_, columns)| columns.iter().copied())
        .collect();
    let gaps = |row: CsvRow<'_>| columns.iter().filter(|&&column| is_missing(row.text(column))).count();
    let complete: Vec<CsvRow<'a>> = file.rows().filter(|&row| gaps(row) == 0).collect();
    if complete.len() == file.len() || (missing == Missing::DropRows && !complete.is_empty()) {
        return Ok(complete);
    }
    if missing == Missing::DropRows {
        return Err(CsvError::NoCompleteRow { path: file.path.clone(), rows: file.len() });
    }
    let fields = file.rows().map(gaps).sum();
    let count = file.len() - complete.len();
    let first = file.rows().find(|&row| gaps(row) > 0).expect("an incomplete row was counted");
    let column = columns.iter().copied().find(|&column| is_missing(first.text(column))).expect("it misses a field");
    Err(CsvError::Missing {
        path: file.path.clone(),
        line: first.line(),
        column: file.header[column].clone(),
        found: first.text(column).to_owned(),
        fields,
        rows: count,
        all_rows: file.len(),
    })
}
