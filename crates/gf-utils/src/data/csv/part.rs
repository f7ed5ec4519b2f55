//! The records of a part of a CSV file, and the samples that they are.

use std::collections::BTreeSet;

use super::columns::Positions;
use super::labels::{self, Naming};
use super::missing::{self, Totals};
use super::note::Note;
use super::{CsvColumns, CsvOptions, Gaps};
use crate::CsvError;
use crate::csv_file::CsvFile;
use crate::data::SamplesPart;
use crate::part::Part;

/// The records of a part, in memory, once it is known where they stand in the file: see [`CsvScan`](super::CsvScan).
#[derive(Debug)]
pub struct CsvPart {
    file: CsvFile,
    columns: CsvColumns,
    options: CsvOptions,
    positions: Positions,
}

/// What a part holds; see [`CsvData`](super::CsvData).
#[derive(Debug, Clone, PartialEq)]
pub struct CsvPartData {
    /// The rows of the part; those that were left out have no numbers.
    pub part: SamplesPart,
    /// What the classes are called, the same in all parts.
    pub class_names: Option<Vec<String>>,
    /// What the inputs are called, where the file has a header.
    pub feature_names: Option<Vec<String>>,
    /// Rows that were left out, in all parts.
    pub dropped: usize,
    /// Inputs that are missing in this part, by rows of its samples.
    pub gaps: Gaps,
}

impl CsvPart {
    pub(super) fn new(file: CsvFile, columns: &CsvColumns, options: CsvOptions) -> Result<Self, CsvError> {
        let positions = columns.positions(&file, options.header)?;
        Ok(Self { file, columns: columns.clone(), options, positions })
    }

    /// What the other parts have to know: counts of rows and of missing values, the names of classes.
    pub fn note(&self) -> Vec<f64> {
        let complete = missing::complete(&self.file, &self.positions, self.options.missing);
        let naming = self.columns.classes_in(&self.positions).map(|(column, most)| {
            if labels::are_names(&complete.rows, column) {
                // A fault ends the collection here, and is reported where lines are known to come first.
                Naming::Names(labels::some_names(&complete.rows, column, most))
            } else {
                Naming::Numbers { classes: labels::classes(&complete.rows, column) }
            }
        });
        let naming = if complete.rows.is_empty() { None } else { naming };
        let columns = super::feature_names(&self.file, &self.positions).join("\n");
        Note { totals: complete.totals, columns: crc32fast::hash(columns.as_bytes()), naming }.encode()
    }

    /// The samples of the part. `notes` are those of all parts in their order, `part` says which of them is this one.
    ///
    /// # Errors
    /// As [`read_csv`](super::read_csv) for what can be wrong with values, in the part or parts where it is: others may succeed.
    /// [`CsvError::PartsDiffer`] where parts are files of their own with other columns.
    ///
    /// # Panics
    /// When these are not the notes of all parts.
    pub fn finish(self, part: Part, notes: &[Vec<f64>]) -> Result<CsvPartData, CsvError> {
        let notes: Vec<Note> = notes.iter().map(|note| Note::decode(note)).collect();
        if let Some(other) = notes.iter().position(|note| note.columns != notes[part.index()].columns) {
            let found =
                format!("other names or another number of inputs in part {other} than in part {}", part.index());
            return Err(CsvError::PartsDiffer { path: self.file.path, what: "columns", found });
        }
        let complete: Vec<usize> = notes.iter().map(|note| note.totals.complete).collect();
        let (rows, total) = part.rows(&complete);
        let totals = notes.iter().fold(Totals::default(), |sum, note| sum.plus(note.totals));
        let own = missing::complete(&self.file, &self.positions, self.options.missing);
        let own = own.checked(&self.file, self.options.missing, totals)?;
        let naming = self.naming(&notes);
        let (inputs, gaps) = super::inputs(&own, &self.positions, self.options.missing)?;
        if let (Some(Naming::Names(_)), Some((column, most))) = (&naming, self.columns.classes_in(&self.positions)) {
            let before = notes[..part.index()].iter().flat_map(Note::names).collect();
            labels::names(&self.file, &own, column, most, before)?;
        }
        let samples = match own.is_empty() {
            true => None,
            false => Some(super::samples(inputs, &own, &self.columns, &self.positions, naming.as_ref())?),
        };
        let class_names = match naming {
            Some(Naming::Names(names)) => Some(names),
            _ => None,
        };
        let feature_names = self.options.header.then(|| super::feature_names(&self.file, &self.positions));
        let part = SamplesPart { samples, rows, total };
        Ok(CsvPartData { part, class_names, feature_names, dropped: totals.rows - total, gaps })
    }

    /// How classes are written, as the first row of all says, and all their names.
    fn naming(&self, notes: &[Note]) -> Option<Naming> {
        let first = notes.iter().find_map(|note| note.naming.as_ref())?;
        Some(match first {
            Naming::Names(_) => {
                let names: BTreeSet<&str> = notes.iter().flat_map(Note::names).collect();
                Naming::Names(names.into_iter().map(str::to_owned).collect())
            }
            Naming::Numbers { .. } => {
                let counts = notes.iter().filter_map(|note| match note.naming {
                    Some(Naming::Numbers { classes }) => Some(classes),
                    _ => None,
                });
                Naming::Numbers { classes: counts.max().unwrap_or(0) }
            }
        })
    }
}
