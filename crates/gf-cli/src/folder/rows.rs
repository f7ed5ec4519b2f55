//! CSV files of rows that serde knows: the columns are the fields.

use std::path::Path;

use gf_utils::write_atomically;
use miette::Report;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::study::misuse;

/// Writes rows under a header of their fields' names. Numbers that do not exist are empty.
///
/// # Errors
/// Names the file.
pub(crate) fn write_rows<'a, T: Serialize + 'a>(path: &Path, rows: impl Iterator<Item = &'a T>) -> Result<(), Report> {
    write_atomically(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        for row in rows {
            csv.serialize(row)?;
        }
        csv.flush()
    })
    .map_err(misuse)
}

/// Reads them back.
///
/// # Errors
/// Names the file and what is wrong in it.
pub(crate) fn read_rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Report> {
    let fail = |error: csv::Error| misuse(format!("{}: {error}", path.display()));
    csv::Reader::from_path(path).map_err(fail)?.deserialize().map(|row| row.map_err(fail)).collect()
}
