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
        self.fill_with(samples, &Self::means(&[self.note(samples, train_rows)])?)
    }

    /// What other parts of the samples have to know of this one, for [`Gaps::means`]: 1 + 3 · width numbers. A part without samples says nothing,
    /// `[]`.
    ///
    /// # Panics
    /// When these are not the gaps of these samples.
    pub fn note(&self, samples: &Samples, train_rows: &[usize]) -> Vec<f64> {
        let width = samples.width();
        let mut is_gap = vec![false; samples.inputs().len()];
        let mut gaps = vec![0_usize; width];
        for &(row, column) in &self.places {
            is_gap[row * width + column] = true;
            gaps[column] += 1;
        }
        let mut note = vec![train_rows.len() as f64];
        for column in 0..width {
            let present = || train_rows.iter().map(|&row| row * width + column).filter(|&at| !is_gap[at]);
            let sum: f64 = present().map(|at| samples.inputs()[at]).sum();
            note.extend([gaps[column] as f64, present().count() as f64, sum]);
        }
        note
    }

    /// The mean of each column over the rows that train and have a value there, from the notes of all parts; 0 where no part has a gap.
    ///
    /// # Errors
    /// [`GapError::NoValue`] where all values of a column are missing.
    ///
    /// # Panics
    /// When the notes are of samples of different widths.
    pub fn means(notes: &[Vec<f64>]) -> Result<Vec<f64>, GapError> {
        let mut total: Vec<f64> = Vec::new();
        for note in notes.iter().filter(|note| !note.is_empty()) {
            assert!(total.is_empty() || total.len() == note.len(), "all parts have the same columns");
            total.resize(note.len(), 0.0);
            total.iter_mut().zip(note).for_each(|(total, number)| *total += number);
        }
        let Some((&rows, columns)) = total.split_first() else { return Ok(Vec::new()) };
        let mean = |(column, &[gaps, count, sum]): (usize, &[f64; 3])| match (gaps > 0.0, count > 0.0) {
            (false, _) => Ok(0.0),
            (true, false) => Err(GapError::NoValue { column, rows: rows as usize }),
            (true, true) => Ok(sum / count),
        };
        columns.as_chunks().0.iter().enumerate().map(mean).collect()
    }

    /// The samples with each gap filled by its column's mean.
    ///
    /// # Errors
    /// [`GapError::NotFinite`] where a mean is infinite.
    ///
    /// # Panics
    /// When these are not the gaps of these samples, or there is not one mean for each column.
    pub fn fill_with(&self, samples: &Samples, means: &[f64]) -> Result<Samples, GapError> {
        let width = samples.width();
        assert_eq!(means.len(), width, "one mean for each column");
        let mut inputs = samples.inputs().to_vec();
        for &(row, column) in &self.places {
            inputs[row * width + column] = means[column];
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

/// Rows of a file or of its parts, and what they miss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// All rows.
    pub(super) rows: usize,
    /// Rows that have all they must.
    pub(super) complete: usize,
    /// Fields that are missing and must not be.
    pub(super) missing: usize,
}

impl Totals {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            complete: self.complete + other.complete,
            missing: self.missing + other.missing,
        }
    }
}

/// The complete rows, before it is known whether others are allowed.
pub(super) struct Complete<'a> {
    pub(super) rows: Vec<CsvRow<'a>>,
    pub(super) totals: Totals,
    /// What must not be missing.
    columns: Vec<usize>,
}

/// Looks for missing values.
pub(super) fn complete<'a>(file: &'a CsvFile, positions: &Positions, missing: Missing) -> Complete<'a> {
    let is_checked = |is_input: bool| !(is_input && missing == Missing::Mean);
    let columns: Vec<usize> = [(true, &positions.inputs), (false, &positions.targets)]
        .into_iter()
        .filter(|(is_input, _)| is_checked(*is_input))
        .flat_map(|(_, columns)| columns.iter().copied())
        .collect();
    let mut rows = Vec::with_capacity(file.len());
    let mut fields = 0;
    for row in file.rows() {
        let gaps = columns.iter().filter(|&&column| is_missing(row.text(column))).count();
        fields += gaps;
        if gaps == 0 {
            rows.push(row);
        }
    }
    let totals = Totals { rows: file.len(), complete: rows.len(), missing: fields };
    Complete { rows, totals, columns }
}

impl<'a> Complete<'a> {
    /// The rows that are read, where `totals`, of the whole file, are as allowed or the fault is in another part of it.
    pub(super) fn checked(self, file: &CsvFile, missing: Missing, totals: Totals) -> Result<Vec<CsvRow<'a>>, CsvError> {
        let Totals { rows, complete, missing: fields } = totals;
        match missing {
            Missing::DropRows if complete > 0 => return Ok(self.rows),
            Missing::DropRows => return Err(CsvError::NoCompleteRow { path: file.path.clone(), rows }),
            Missing::Refuse | Missing::Mean => {}
        }
        let fault = file.rows().find_map(|row| {
            let column = self.columns.iter().copied().find(|&column| is_missing(row.text(column)))?;
            Some((row, column))
        });
        let Some((first, column)) = fault else { return Ok(self.rows) };
        Err(CsvError::Missing {
            path: file.path.clone(),
            line: first.line(),
            column: file.header[column].clone(),
            found: first.text(column).to_owned(),
            fields,
            rows: rows - complete,
            all_rows: rows,
        })
    }
}
