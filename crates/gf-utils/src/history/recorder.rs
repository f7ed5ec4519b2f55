//! The observer that records.

use std::time::{Duration, Instant};

use gf_core::{Observer, StepRecord};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::file::is_fixed_column;
use super::patience::Patience;
use super::table::{Row, Table};

/// What is recorded, and how often parameters are evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct HistorySettings {
    /// Steps to make room for; more may come.
    pub expected_steps: usize,
    /// Steps per epoch, at least 1.
    pub batches_per_epoch: u64,
    /// The evaluator is asked at steps 0, k, 2k, …; 0 for never.
    pub evaluate_every: u64,
    /// Columns of the evaluator's metrics, such as `val_mae`.
    pub metric_names: Vec<String>,
}

/// What an evaluator says about parameters. Starts as NaN, which stands for "not evaluated" and leaves the cell empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Loss on the training set.
    pub train_loss: f64,
    /// Loss on the validation set: decides which parameters are the best.
    pub val_loss: f64,
    /// One number per metric name, in that order.
    pub metrics: Vec<f64>,
}

/// The parameters with the lowest validation loss so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The step that led to them.
    pub step: u64,
    /// Their validation loss.
    pub val_loss: f64,
    /// θ.
    pub theta: Vec<f64>,
}

/// The reason of a run that ends for want of a lower validation loss.
pub const EARLY_STOPPING: &str = "early-stopping";

/// Why a history cannot be set up or rolled back.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum HistoryError {
    /// A setting is out of range.
    #[error("history: {name} is {found}; expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// No parameters were evaluated, or every validation loss was NaN.
    #[error("history: no best parameters, because no validation loss was a number")]
    NoBest,
    /// The parameters are not those of the run.
    #[error("history: expected {expected} parameters, found {found}")]
    Length {
        /// Parameters of the run.
        expected: usize,
        /// Parameters given.
        found: usize,
    },
    /// A saved table has other metric columns.
    #[error("history: expected the metrics {expected:?}, found {found:?} in the saved history")]
    Metrics {
        /// Metrics of the settings.
        expected: Vec<String>,
        /// Metrics of the table.
        found: Vec<String>,
    },
}

/// Keeps a row per accepted step, step 0 included, and the best parameters.
///
/// The evaluator is a closure `(θ, evaluation)` that overwrites the numbers it knows; it runs outside the timed region. The stopwatch runs
/// from `step_started` to `step_finished` only. The best parameters are those with the *strictly* lowest validation loss among the
/// evaluated ones, the start included: the first of equals stays, and NaN never wins.
///
/// After the start nothing allocates per step, as long as no more steps come than expected and no reason appears for the first time.
///
/// ```
/// use gf_core::{Observer, StepRecord, Work};
/// use gf_utils::{Evaluation, History, HistorySettings};
/// let settings = HistorySettings { expected_steps: 10, batches_per_epoch: 5, evaluate_every: 1, metric_names: vec![] };
/// let mut history = History::new(settings, |theta: &[f64], out: &mut Evaluation| out.val_loss = theta[0] * theta[0])?;
/// let record = StepRecord {
///     step: 0, time: Some(0.0), step_size: None, learning_rate: None, theta: &[3.0], loss: 9.0, gradient_norm: 6.0, step_norm: 0.0,
///     update_ratio: 0.0, work: Work::default(), gradient_equivalents: 0.0, rejected: 0, events: &[], gradient: &[6.0],
/// };
/// history.accepted(&record);
/// assert_eq!(history.best().map(|best| best.val_loss), Some(9.0));
/// # Ok::<(), gf_utils::history::HistoryError>(())
/// ```
#[derive(Debug, Clone)]
pub struct History<F = fn(&[f64], &mut Evaluation)> {
    settings: HistorySettings,
    evaluate: F,
    table: Table,
    best: Option<Best>,
    evaluation: Evaluation,
    /// Whether the last row was evaluated.
    complete: bool,
    patience: Option<Patience>,
    exhausted: bool,
    started: Option<Instant>,
    elapsed: Duration,
}

impl History {
    /// A history without evaluations: training loss, norms, work and time only.
    ///
    /// # Errors
    /// As [`History::new`].
    pub fn without_evaluation(expected_steps: usize, batches_per_epoch: u64) -> Result<Self, HistoryError> {
        let settings = HistorySettings { expected_steps, batches_per_epoch, evaluate_every: 0, metric_names: vec![] };
        Self::new(settings, |_, _| {})
    }
}

impl<F: FnMut(&[f64], &mut Evaluation)> History<F> {
    /// An empty history.
    ///
    /// # Errors
    /// [`HistoryError::Setting`] for zero batches per epoch, and for metric names that are empty, repeated, or those of other columns.
    pub fn new(settings: HistorySettings, evaluate: F) -> Result<Self, HistoryError> {
        settings.validate()?;
        let metrics = vec![f64::NAN; settings.metric_names.len()];
        Ok(Self {
            table: Table::new(settings.metric_names.clone(), settings.expected_steps.saturating_add(1)),
            evaluation: Evaluation { train_loss: f64::NAN, val_loss: f64::NAN, metrics },
            settings,
            evaluate,
            best: None,
            complete: false,
            patience: None,
            exhausted: false,
            started: None,
            elapsed: Duration::ZERO,
        })
    }

    /// Continues a saved history: rows and best parameters as they were, the stopwatch at the last row's time.
    ///
    /// # Errors
    /// [`HistoryError::Metrics`] when the saved table has other metric columns.
    pub fn resume(mut self, mut table: Table, best: Option<Best>) -> Result<Self, HistoryError> {
        if table.metric_names() != self.settings.metric_names {
            let (expected, found) = (self.settings.metric_names, table.metric_names().to_vec());
            return Err(HistoryError::Metrics { expected, found });
        }
        table.reserve(self.settings.expected_steps.saturating_add(1).saturating_sub(table.rows().len()));
        let seconds = table.rows().last().map_or(0.0, |row| row.wall_seconds);
        self.elapsed = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        // The last row was evaluated if it was its turn; `complete` evaluates it otherwise.
        self.complete = table.rows().last().is_some_and(|row| self.settings.is_due(row.step));
        (self.table, self.best) = (table, best);
        if let Some(patience) = self.patience {
            self = self.with_early_stopping(patience);
        }
        Ok(self)
    }

    /// Asks for the end of the run, as `early-stopping`, where `patience` is exhausted by the validation losses of the steps that are
    /// evaluated in their turn. Rows that are there already, of a resumed run, are replayed.
    #[must_use]
    pub fn with_early_stopping(mut self, mut patience: Patience) -> Self {
        let due = self.table.rows().iter().filter(|row| self.settings.is_due(row.step));
        // The last one decides, as it did when it was met: a run that goes on was not ended by an earlier one.
        self.exhausted = due.fold(false, |_, row| patience.is_exhausted_by(row.val_loss));
        self.patience = Some(patience);
        self
    }

    /// The rows so far.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The rows, without the rest.
    pub fn into_table(self) -> Table {
        self.table
    }

    /// The best parameters so far; none while no validation loss was a number.
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// Overwrites `theta` with the best parameters; returns their step.
    ///
    /// # Errors
    /// [`HistoryError::NoBest`], [`HistoryError::Length`]; then `theta` is untouched.
    pub fn roll_back(&self, theta: &mut [f64]) -> Result<u64, HistoryError> {
        let best = self.best.as_ref().ok_or(HistoryError::NoBest)?;
        if theta.len() != best.theta.len() {
            return Err(HistoryError::Length { expected: best.theta.len(), found: theta.len() });
        }
        theta.copy_from_slice(&best.theta);
        Ok(best.step)
    }

    /// Evaluates the last row if it was not its turn; `theta` is where the run ended. Nothing happens when
    /// evaluations are off (`evaluate_every` = 0) or the row has been evaluated.
    pub fn complete(&mut self, theta: &[f64]) {
        if self.complete || self.settings.evaluate_every == 0 {
            return;
        }
        let Some(step) = self.table.rows().last().map(|row| row.step) else { return };
        self.evaluate(step, theta);
        if let Some((row, metrics)) = self.table.last_mut() {
            (row.train_loss, row.val_loss) = (self.evaluation.train_loss, self.evaluation.val_loss);
            metrics.copy_from_slice(&self.evaluation.metrics);
        }
        self.complete = true;
    }

    fn evaluate(&mut self, step: u64, theta: &[f64]) {
        self.forget();
        (self.evaluate)(theta, &mut self.evaluation);
        assert_eq!(
            self.evaluation.metrics.len(),
            self.settings.metric_names.len(),
            "the evaluator overwrites one number per metric and adds none"
        );
        let value = self.evaluation.val_loss;
        match &mut self.best {
            Some(best) if value < best.val_loss => {
                (best.step, best.val_loss) = (step, value);
                best.theta.clear();
                best.theta.extend_from_slice(theta);
            }
            None if !value.is_nan() => self.best = Some(Best { step, val_loss: value, theta: theta.to_vec() }),
            _ => {}
        }
    }

    fn forget(&mut self) {
        (self.evaluation.train_loss, self.evaluation.val_loss) = (f64::NAN, f64::NAN);
        self.evaluation.metrics.fill(f64::NAN);
    }
}

impl<F: FnMut(&[f64], &mut Evaluation)> Observer for History<F> {
    fn step_started(&mut self) {
        self.started = Some(Instant::now());
    }

    fn step_finished(&mut self) {
        if let Some(started) = self.started.take() {
            self.elapsed += started.elapsed();
        }
    }

    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.complete = self.settings.is_due(record.step);
        if self.complete {
            self.evaluate(record.step, record.theta);
            let value = self.evaluation.val_loss;
            self.exhausted = self.patience.as_mut().is_some_and(|patience| patience.is_exhausted_by(value));
        } else {
            self.forget();
        }
        let row = Row {
            step: record.step,
            epoch: record.step as f64 / self.settings.batches_per_epoch as f64,
            time: record.time,
            step_size: record.step_size,
            learning_rate: record.learning_rate,
            loss: record.loss,
            train_loss: self.evaluation.train_loss,
            val_loss: self.evaluation.val_loss,
            gradient_norm: record.gradient_norm,
            step_norm: record.step_norm,
            update_ratio: record.update_ratio,
            gradient_equivalents: record.gradient_equivalents,
            wall_seconds: self.elapsed.as_secs_f64(),
            rejected: record.rejected,
        };
        self.table.push(row, &self.evaluation.metrics, record.events.iter().map(|event| event.name()));
    }

    fn stop_requested(&mut self) -> Option<&'static str> {
        (self.complete && self.exhausted).then_some(EARLY_STOPPING)
    }

    fn validation_loss(&self) -> Option<f64> {
        self.complete.then_some(self.evaluation.val_loss)
    }
}

impl HistorySettings {
    fn is_due(&self, step: u64) -> bool {
        self.evaluate_every > 0 && step.is_multiple_of(self.evaluate_every)
    }

    fn validate(&self) -> Result<(), HistoryError> {
        if self.batches_per_epoch == 0 {
            let (name, expected) = ("batches_per_epoch", "at least 1");
            return Err(HistoryError::Setting { name, found: "0".to_owned(), expected });
        }
        for (i, metric) in self.metric_names.iter().enumerate() {
            if metric.is_empty() || is_fixed_column(metric) || self.metric_names[..i].contains(metric) {
                let (name, expected) = ("metric_names", "names that differ from each other and from the other columns");
                return Err(HistoryError::Setting { name, found: format!("{metric:?}"), expected });
            }
        }
        Ok(())
    }
}
