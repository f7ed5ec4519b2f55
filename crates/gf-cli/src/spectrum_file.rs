//! `spectrum.csv`: the curvature along every run.

use std::path::Path;

use gf_spectrum::SpectrumRow;
use gf_utils::npy::write_npy;
use gf_utils::write_atomically;
use miette::Report;
use serde::{Deserialize, Serialize};

use crate::folder::write_rows;
use crate::runner::ArmRun;
use crate::study::{SpectrumSpec, misuse};

/// Its name in a run folder.
pub(crate) const SPECTRUM: &str = "spectrum.csv";

/// Columns after `arm`, `seed` and `step` and before the eigenvalues `top_1…` and `bottom_1…`.
const COLUMNS: [&str; 13] = [
    "time",
    "loss",
    "grad_norm",
    "threshold",
    "effective_sharpness",
    "gradient_share",
    "step_share",
    "gauss_newton_top",
    "trace",
    "trace_error",
    "residual",
    "converged",
    "products",
];

/// One run's rows as read back: every column by its name, as how many eigenvalues there are is the study's choice.
pub(crate) struct SpectrumTable {
    /// The arm.
    pub(crate) arm: String,
    /// The seed.
    pub(crate) seed: u64,
    names: Vec<String>,
    /// A row a look; empty cells are NaN.
    rows: Vec<Vec<f64>>,
}

impl SpectrumTable {
    /// A column by its name; empty when there is none of that name.
    pub(crate) fn column(&self, name: &str) -> Vec<f64> {
        match self.names.iter().position(|known| known == name) {
            Some(k) => self.rows.iter().map(|row| row[k]).collect(),
            None => Vec::new(),
        }
    }

    /// Columns `top_1…` or `bottom_1…`.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.names.iter().filter(|name| name.starts_with(prefix)).count()
    }
}

/// The file of blocks.
pub(crate) const BLOCKS: &str = "blocks.csv";

/// The file of the central flow.
pub(crate) const CENTRAL_FLOW: &str = "central-flow.csv";

/// The array of all eigenvalues of a run, looks × p, where it was asked for.
pub(crate) fn eigenvalues_file(arm: &str, seed: u64) -> String {
    format!("eigenvalues-{arm}-{seed}.npy")
}

/// Writes `spectrum.csv`, and the arrays of all eigenvalues where they were asked for.
///
/// # Errors
/// Names the file.
pub(crate) fn write(folder: &Path, spec: &SpectrumSpec, runs: &[ArmRun]) -> Result<(), Report> {
    let rows = || runs.iter().filter_map(|run| run.spectrum.as_ref().map(|spectrum| (run, &spectrum.rows)));
    write_atomically(&folder.join(SPECTRUM), |out| {
        let mut csv = csv::Writer::from_writer(out);
        let eigenvalues = (1..=spec.top).map(|k| format!("top_{k}"));
        let eigenvalues = eigenvalues.chain((1..=spec.bottom).map(|k| format!("bottom_{k}")));
        let header = ["arm", "seed", "step"].into_iter().chain(COLUMNS).map(str::to_string).chain(eigenvalues);
        csv.write_record(header)?;
        for (run, rows) in rows() {
            for row in rows {
                let place = [run.arm.clone(), run.seed.to_string(), row.step.to_string()];
                let eigenvalues = row.top.iter().chain(&row.bottom).map(|x| Some(*x));
                let numbers = numbers(row).into_iter().chain(eigenvalues);
                csv.write_record(
                    place.into_iter().chain(numbers.map(|x| x.map_or_else(String::new, |x| x.to_string()))),
                )?;
            }
        }
        csv.flush()
    })
    .map_err(misuse)?;
    write_blocks(&folder.join(BLOCKS), runs)?;
    let central_flow = || runs.iter().filter_map(|run| run.spectrum.as_ref()).flat_map(|run| &run.central_flow);
    if central_flow().next().is_some() {
        write_rows(&folder.join(CENTRAL_FLOW), central_flow())?;
    }
    for (run, rows) in rows() {
        let all: Vec<f64> = rows.iter().filter_map(|row| row.all.as_deref()).flatten().copied().collect();
        if let Some(p) = rows.first().and_then(|row| row.all.as_ref()).map(Vec::len) {
            write_npy(&folder.join(eigenvalues_file(&run.arm, run.seed)), &[all.len() / p, p], &all).map_err(misuse)?;
        }
    }
    Ok(())
}

/// A row of `blocks.csv`: a block of the Hessian at the end of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BlockRow {
    /// The arm.
    pub(crate) arm: String,
    /// The seed.
    pub(crate) seed: u64,
    /// The layer of the rows, from 1.
    pub(crate) row: usize,
    /// The layer of the columns, from 1.
    pub(crate) column: usize,
    /// Frobenius norm.
    pub(crate) norm: f64,
    /// Of diagonal blocks.
    pub(crate) trace: Option<f64>,
    /// Lowest eigenvalue of a diagonal block alone.
    pub(crate) lowest: Option<f64>,
    /// Highest eigenvalue of a diagonal block alone.
    pub(crate) highest: Option<f64>,
}

/// Writes `blocks.csv`; nothing where no run has blocks.
fn write_blocks(path: &Path, runs: &[ArmRun]) -> Result<(), Report> {
    let mut rows = Vec::new();
    for run in runs {
        let Some(blocks) = run.spectrum.as_ref().and_then(|spectrum| spectrum.blocks.as_ref()) else { continue };
        let count = blocks.ranges.len();
        for (k, norm) in blocks.norms.iter().enumerate() {
            let (row, column) = (k / count, k % count);
            let diagonal = |x: Option<&f64>| x.copied().filter(|_| row == column);
            rows.push(BlockRow {
                arm: run.arm.clone(),
                seed: run.seed,
                row: row + 1,
                column: column + 1,
                norm: *norm,
                trace: diagonal(blocks.traces.get(row)),
                lowest: diagonal(blocks.eigenvalues[row].first()),
                highest: diagonal(blocks.eigenvalues[row].last()),
            });
        }
    }
    if rows.is_empty() { Ok(()) } else { write_rows(path, rows.iter()) }
}

/// The numbers of [`COLUMNS`].
fn numbers(row: &SpectrumRow) -> [Option<f64>; COLUMNS.len()] {
    [
        row.time,
        Some(row.loss),
        Some(row.gradient_norm),
        row.threshold,
        row.effective_sharpness,
        Some(row.gradient_share),
        row.step_share,
        row.gauss_newton,
        row.trace.map(|trace| trace.value),
        row.trace.map(|trace| trace.error),
        Some(row.residual),
        Some(f64::from(u8::from(row.is_converged))),
        Some(row.products as f64),
    ]
}

/// Reads `spectrum.csv`, a table per run; nothing where the folder has none.
///
/// # Errors
/// Names the file and what is wrong with it.
pub(crate) fn read(folder: &Path) -> Result<Vec<SpectrumTable>, Report> {
    let path = folder.join(SPECTRUM);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let fail = |error: String| misuse(format!("{}: {error}", path.display()));
    let mut csv = csv::Reader::from_path(&path).map_err(|error| fail(error.to_string()))?;
    let header = csv.headers().map_err(|error| fail(error.to_string()))?.clone();
    let names: Vec<String> = header.iter().skip(2).map(str::to_string).collect();
    let mut tables: Vec<SpectrumTable> = Vec::new();
    for (line, record) in csv.records().enumerate() {
        let record = record.map_err(|error| fail(error.to_string()))?;
        let number = |text: &str| if text.is_empty() { Ok(f64::NAN) } else { text.parse() };
        let (Some(arm), Some(Ok(seed))) = (record.get(0), record.get(1).map(str::parse)) else {
            return Err(fail(format!("line {}: expected an arm and a seed first", line + 2)));
        };
        let row: Result<Vec<f64>, _> = record.iter().skip(2).map(number).collect();
        let row = row.map_err(|error| fail(format!("line {}: {error}", line + 2)))?;
        match tables.last_mut().filter(|table| table.arm == arm && table.seed == seed) {
            Some(table) => table.rows.push(row),
            None => tables.push(SpectrumTable { arm: arm.into(), seed, names: names.clone(), rows: vec![row] }),
        }
    }
    Ok(tables)
}
