//! Which columns are read as what.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::CsvError;
use crate::csv_file::CsvFile;
use crate::data::MAX_CLASSES;

/// A column, by name or by number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "expected the name of a column in quotes, or its number: from 0, or from -1 for the last"
)]
pub enum Column {
    /// From 0; from −1 for the last.
    Number(i64),
    /// As in the header.
    Name(String),
}

/// Which columns are targets, and of which kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetColumns {
    /// Real targets, one column per output, in this order.
    Values(Vec<Column>),
    /// One column of classes: integer labels from 0, or names.
    Classes {
        /// The column.
        column: Column,
        /// The number of classes, for labels; one more than the largest label if not said.
        classes: Option<usize>,
    },
    /// One column of real targets, or of two names that stand for 0 and 1 in their order.
    Binary(Column),
}

/// Which columns are read as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvColumns {
    /// The targets.
    pub targets: TargetColumns,
    /// The inputs, in this order; all columns that are not targets if not said.
    pub features: Option<Vec<Column>>,
}

/// Where they stand in a file.
#[derive(Debug)]
pub(super) struct Positions {
    pub(super) inputs: Vec<usize>,
    pub(super) targets: Vec<usize>,
}

impl CsvColumns {
    /// These columns are real targets, all others inputs.
    pub fn values(targets: &[&str]) -> Self {
        Self { targets: TargetColumns::Values(named(targets)), features: None }
    }

    /// This column holds classes, all others are inputs.
    pub fn classes(target: &str) -> Self {
        Self { targets: TargetColumns::Classes { column: target.into(), classes: None }, features: None }
    }

    /// Only these columns are inputs; others may hold anything.
    #[must_use]
    pub fn with_features(mut self, features: &[&str]) -> Self {
        self.features = Some(named(features));
        self
    }

    /// The position of the column that may hold names of classes, and how many there may be.
    pub(super) fn classes_in(&self, positions: &Positions) -> Option<(usize, usize)> {
        match self.targets {
            TargetColumns::Values(_) => None,
            TargetColumns::Classes { .. } => Some((positions.targets[0], MAX_CLASSES)),
            TargetColumns::Binary(_) => Some((positions.targets[0], 2)),
        }
    }

    /// The columns in `file`, each at most once; `has_header` says whether they have names.
    pub(super) fn positions(&self, file: &CsvFile, has_header: bool) -> Result<Positions, CsvError> {
        let targets = match &self.targets {
            TargetColumns::Values(columns) => &columns[..],
            TargetColumns::Classes { column, .. } | TargetColumns::Binary(column) => std::slice::from_ref(column),
        };
        let mut taken = vec![false; file.header.len()];
        let mut find = |columns: &[Column], what: &'static str| {
            if columns.is_empty() {
                return Err(CsvError::NoColumns { path: file.path.clone(), what });
            }
            let mut positions = Vec::with_capacity(columns.len());
            for column in columns {
                let position = column.position(file, has_header)?;
                if std::mem::replace(&mut taken[position], true) {
                    return Err(CsvError::AskedTwice { name: column.to_string() });
                }
                positions.push(position);
            }
            Ok(positions)
        };
        let targets = find(targets, "targets")?;
        let inputs = match &self.features {
            Some(columns) => find(columns, "inputs")?,
            None => (0..file.header.len()).filter(|&column| !taken[column]).collect(),
        };
        if let Some(&unnamed) = inputs.iter().find(|&&column| file.header[column].is_empty()) {
            return Err(CsvError::UnnamedColumn { path: file.path.clone(), position: unnamed + 1 });
        }
        if inputs.is_empty() {
            return Err(CsvError::NoColumns { path: file.path.clone(), what: "inputs" });
        }
        Ok(Positions { inputs, targets })
    }
}

impl Column {
    fn position(&self, file: &CsvFile, has_header: bool) -> Result<usize, CsvError> {
        let columns = file.header.len();
        match self {
            Self::Name(name) if has_header => file.column(name),
            Self::Name(name) => Err(CsvError::NoNames { path: file.path.clone(), name: name.clone() }),
            Self::Number(number) => {
                let from_start = if *number < 0 { i128::from(*number) + columns as i128 } else { i128::from(*number) };
                usize::try_from(from_start)
                    .ok()
                    .filter(|&position| position < columns)
                    .ok_or_else(|| CsvError::ColumnNumber { path: file.path.clone(), number: *number, columns })
            }
        }
    }
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// The name in quotes, or the number.
impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

fn named(names: &[&str]) -> Vec<Column> {
    names.iter().map(|&name| name.into()).collect()
}
