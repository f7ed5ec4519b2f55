//! Rows of numbers with names.

use serde::{Deserialize, Serialize};

/// One accepted step. Numbers that were not evaluated are NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// k; 0 for the start, before any update.
    pub step: u64,
    /// k / batches per epoch.
    pub epoch: f64,
    /// Flow time Σh; none for methods that do not follow the flow's clock. Column `time`.
    pub time: Option<f64>,
    /// Step size in flow time. Column `h`.
    pub step_size: Option<f64>,
    /// The size that the step was proposed with, for every method: h, a learning rate, the factor of a line search; none for the start.
    pub learning_rate: Option<f64>,
    /// L(θ_{k−1}) on the sample of step k.
    pub loss: f64,
    /// Loss of θ_k on the training set; NaN if not evaluated.
    pub train_loss: f64,
    /// Loss of θ_k on the validation set; NaN if not evaluated.
    pub val_loss: f64,
    /// ‖∇L(θ_{k−1})‖ on the sample of step k. Column `grad_norm`.
    pub gradient_norm: f64,
    /// ‖θ_k − θ_{k−1}‖.
    pub step_norm: f64,
    /// mean|θ_k − θ_{k−1}| / mean|θ_{k−1}|.
    pub update_ratio: f64,
    /// Work since the start in values-with-gradient. Column `grad_equivalents`.
    pub gradient_equivalents: f64,
    /// Seconds of wall clock spent in steps since the start, observers not included. Column `wall_s`.
    pub wall_seconds: f64,
    /// Rejected proposals of this step.
    pub rejected: u32,
}

/// The rows of one run, with a column per metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    metric_names: Vec<String>,
    rows: Vec<Row>,
    /// Row-major, rows × metrics.
    metrics: Vec<f64>,
    /// Index into `reasons`, one a row: few differ, so that a long run allocates no text.
    reason_of_row: Vec<u32>,
    /// The first is empty.
    reasons: Vec<String>,
}

impl Table {
    /// No rows yet; room for `expected_rows`.
    pub fn new(metric_names: Vec<String>, expected_rows: usize) -> Self {
        Self {
            rows: Vec::with_capacity(expected_rows),
            metrics: Vec::with_capacity(expected_rows * metric_names.len()),
            reason_of_row: Vec::with_capacity(expected_rows),
            reasons: vec![String::new()],
            metric_names,
        }
    }

    /// Names of the metric columns, such as `val_mae`.
    pub fn metric_names(&self) -> &[String] {
        &self.metric_names
    }

    /// All rows, step 0 first.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The metrics of a row, in the order of [`Table::metric_names`]; NaN where not evaluated.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn metrics(&self, row: usize) -> &[f64] {
        assert!(row < self.rows.len(), "row {row} of {}", self.rows.len());
        &self.metrics[row * self.metric_names.len()..(row + 1) * self.metric_names.len()]
    }

    /// The names of what the step met, joined with `+`; empty if nothing.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn reason(&self, row: usize) -> &str {
        &self.reasons[self.reason_of_row[row] as usize]
    }

    /// A column of numbers by its name in the file, NaN where a cell is empty; none if there is no such column.
    pub fn column(&self, name: &str) -> Option<Vec<f64>> {
        let read: fn(&Row) -> f64 = match name {
            "step" => |row| row.step as f64,
            "epoch" => |row| row.epoch,
            "time" => |row| row.time.unwrap_or(f64::NAN),
            "h" => |row| row.step_size.unwrap_or(f64::NAN),
            "learning_rate" => |row| row.learning_rate.unwrap_or(f64::NAN),
            "loss" => |row| row.loss,
            "train_loss" => |row| row.train_loss,
            "val_loss" => |row| row.val_loss,
            "grad_norm" => |row| row.gradient_norm,
            "step_norm" => |row| row.step_norm,
            "update_ratio" => |row| row.update_ratio,
            "grad_equivalents" => |row| row.gradient_equivalents,
            "wall_s" => |row| row.wall_seconds,
            "rejected" => |row| f64::from(row.rejected),
            _ => {
                let metric = self.metric_names.iter().position(|metric| metric == name)?;
                return Some(self.metrics.iter().skip(metric).step_by(self.metric_names.len()).copied().collect());
            }
        };
        Some(self.rows.iter().map(read).collect())
    }

    /// Appends a row. Allocates only when the table grows past its room, or for a reason never met before.
    ///
    /// # Panics
    /// When there are not as many metrics as names.
    pub fn push<'a>(&mut self, row: Row, metrics: &[f64], reasons: impl Iterator<Item = &'a str> + Clone) {
        assert_eq!(metrics.len(), self.metric_names.len(), "one number per metric");
        let reason = self.intern(reasons);
        self.rows.push(row);
        self.metrics.extend_from_slice(metrics);
        self.reason_of_row.push(reason);
    }

    /// Room for as many more rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
        self.metrics.reserve(rows * self.metric_names.len());
        self.reason_of_row.reserve(rows);
    }

    /// The last row and its metrics.
    pub(super) fn last_mut(&mut self) -> Option<(&mut Row, &mut [f64])> {
        let from = self.metrics.len() - self.metric_names.len().min(self.metrics.len());
        Some((self.rows.last_mut()?, &mut self.metrics[from..]))
    }

    fn intern<'a>(&mut self, parts: impl Iterator<Item = &'a str> + Clone) -> u32 {
        let known = |reason: &String| reason.split('+').filter(|part| !part.is_empty()).eq(parts.clone());
        let index = self.reasons.iter().position(known).unwrap_or_else(|| {
            self.reasons.push(parts.clone().collect::<Vec<_>>().join("+"));
            self.reasons.len() - 1
        });
        index as u32
    }
}
