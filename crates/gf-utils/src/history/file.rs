//! `history.csv`: one row per accepted step per arm.

use std::io;
use std::path::Path;

use super::table::{Row, Table};
use crate::csv_file::{CsvFile, CsvRow};
use crate::{CsvError, WriteError, write_atomically};

/// The rows of one arm and seed, as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmHistory {
    /// The arm's name.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// Its rows.
    pub table: Table,
}

/// The columns before and after those of the metrics.
const BEFORE: [&str; 10] =
    ["arm", "seed", "step", "epoch", "time", "h", "learning_rate", "loss", "train_loss", "val_loss"];
const AFTER: [&str; 7] = ["grad_norm", "step_norm", "update_ratio", "grad_equivalents", "wall_s", "rejected", "reason"];

pub(super) fn is_fixed_column(name: &str) -> bool {
    BEFORE.contains(&name) || AFTER.contains(&name)
}

/// Writes histories, each (arm, seed, rows), into one file, atomically.
///
/// Columns: `arm,seed,step,epoch,time,h,learning_rate,loss,train_loss,val_loss,<metrics…>,grad_norm,step_norm,update_ratio,grad_equivalents,wall_s,
/// rejected,reason`. The metrics are those of all histories, in the order met. Numbers are the shortest text that reads back to the same
/// bits (`inf` for infinity). An empty cell stands for "none" in `time`, `h` and `learning_rate`, and for "not evaluated, or NaN" in losses and metrics
/// of the evaluator; the other columns are never empty (`NaN`).
///
/// # Errors
/// [`WriteError`].
pub fn write_histories<'a>(
    path: &Path,
    histories: impl IntoIterator<Item = (&'a str, u64, &'a Table)>,
) -> Result<(), WriteError> {
    let histories: Vec<_> = histories.into_iter().collect();
    let mut metrics: Vec<&str> = Vec::new();
    for name in histories.iter().flat_map(|(_, _, table)| table.metric_names()) {
        if !metrics.contains(&name.as_str()) {
            metrics.push(name);
        }
    }
    write_atomically(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(BEFORE.iter().chain(&metrics).chain(&AFTER))?;
        for (arm, seed, table) in histories {
            let columns: Vec<Option<usize>> =
                metrics.iter().map(|metric| table.metric_names().iter().position(|name| name == metric)).collect();
            for index in 0..table.rows().len() {
                write_row(&mut csv, (arm, seed), table, index, &columns)?;
            }
        }
        csv.flush()
    })
}

fn write_row<W: io::Write>(
    csv: &mut csv::Writer<W>,
    (arm, seed): (&str, u64),
    table: &Table,
    index: usize,
    metrics: &[Option<usize>],
) -> Result<(), csv::Error> {
    let row = &table.rows()[index];
    csv.write_field(arm)?;
    csv.write_field(seed.to_string())?;
    csv.write_field(row.step.to_string())?;
    csv.write_field(number(row.epoch))?;
    csv.write_field(row.time.map(number).unwrap_or_default())?;
    csv.write_field(row.step_size.map(number).unwrap_or_default())?;
    csv.write_field(row.learning_rate.map(number).unwrap_or_default())?;
    csv.write_field(number(row.loss))?;
    csv.write_field(evaluated(row.train_loss))?;
    csv.write_field(evaluated(row.val_loss))?;
    for column in metrics {
        csv.write_field(column.map(|column| evaluated(table.metrics(index)[column])).unwrap_or_default())?;
    }
    for value in [row.gradient_norm, row.step_norm, row.update_ratio, row.gradient_equivalents, row.wall_seconds] {
        csv.write_field(number(value))?;
    }
    csv.write_field(row.rejected.to_string())?;
    csv.write_field(table.reason(index))?;
    csv.write_record(None::<&[u8]>)
}

/// Shortest round trip, with an exponent where that is shorter to read: `{}` would write 1e-300 with 300 zeros.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn evaluated(value: f64) -> String {
    if value.is_nan() { String::new() } else { number(value) }
}

/// Reads what [`write_histories`] wrote: one history per arm and seed, in the order met. Metrics that an arm does not have are NaN.
///
/// # Errors
/// [`CsvError`] with file, line and column.
pub fn read_histories(path: &Path) -> Result<Vec<ArmHistory>, CsvError> {
    let file = CsvFile::read(path)?;
    let metric_names = metric_columns(&file)?;
    let mut histories: Vec<ArmHistory> = Vec::new();
    let mut metrics = vec![f64::NAN; metric_names.len()];
    for csv in file.rows() {
        let (arm, seed) = (csv.text(0), csv.parse(1, "a seed")?);
        let row = read_row(csv, &mut metrics)?;
        // Rows of an arm usually stand together: look at the last one first.
        let at = histories.iter().rposition(|history| history.seed == seed && history.arm == arm);
        let at = at.unwrap_or_else(|| {
            let table = Table::new(metric_names.clone(), 0);
            histories.push(ArmHistory { arm: arm.to_owned(), seed, table });
            histories.len() - 1
        });
        let reason = csv.text(file.header.len() - 1);
        histories[at].table.push(row, &metrics, reason.split('+').filter(|part| !part.is_empty()));
    }
    Ok(histories)
}

/// The names between the fixed columns.
fn metric_columns(file: &CsvFile) -> Result<Vec<String>, CsvError> {
    let found = &file.header;
    let metrics = found.len().saturating_sub(BEFORE.len() + AFTER.len());
    let expected = BEFORE.iter().enumerate().map(|(i, name)| (i, *name));
    let after = AFTER.iter().enumerate().map(|(i, name)| (BEFORE.len() + metrics + i, *name));
    for (position, name) in expected.chain(after) {
        if found.get(position).map(String::as_str) != Some(name) {
            return Err(CsvError::ColumnOrder {
                path: file.path.clone(),
                position: position + 1,
                expected: name.to_owned(),
                found: found.get(position).cloned().unwrap_or_default(),
            });
        }
    }
    Ok(found[BEFORE.len()..BEFORE.len() + metrics].to_vec())
}

/// The row, and its metrics in `metrics`.
fn read_row(csv: CsvRow<'_>, metrics: &mut [f64]) -> Result<Row, CsvError> {
    let number = |column| csv.parse::<f64>(column, "a number");
    let optional = |column| {
        if csv.text(column).is_empty() { Ok(None) } else { csv.parse(column, "a number or nothing").map(Some) }
    };
    for (metric, slot) in metrics.iter_mut().enumerate() {
        *slot = optional(BEFORE.len() + metric)?.unwrap_or(f64::NAN);
    }
    let after = BEFORE.len() + metrics.len();
    Ok(Row {
        step: csv.parse(2, "a step")?,
        epoch: number(3)?,
        time: optional(4)?,
        step_size: optional(5)?,
        learning_rate: optional(6)?,
        loss: number(7)?,
        train_loss: optional(8)?.unwrap_or(f64::NAN),
        val_loss: optional(9)?.unwrap_or(f64::NAN),
        gradient_norm: number(after)?,
        step_norm: number(after + 1)?,
        update_ratio: number(after + 2)?,
        gradient_equivalents: number(after + 3)?,
        wall_seconds: number(after + 4)?,
        rejected: csv.parse(after + 5, "a count")?,
    })
}
