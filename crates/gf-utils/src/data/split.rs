//! Training and validation parts.

use gf_core::{Samples, Streams};
use thiserror::Error;

use crate::classification::class_labels;
use crate::random::shuffle;

/// The share of the samples that validates unless another is asked for.
pub const DEFAULT_VALIDATION: f64 = 0.2;

/// Why samples cannot be split or sorted.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SplitError {
    /// The share is not between 0 and 1.
    #[error("validation share {found}: expected a number between 0 and 1, such as {DEFAULT_VALIDATION}")]
    Share {
        /// The share asked for.
        found: f64,
    },
    /// One part would be empty.
    #[error(
        "{samples} sample{} with a validation share of {share}: {train} to train and {validation} to validate; expected at least 1 each",
        if *samples == 1 { "" } else { "s" }
    )]
    EmptyPart {
        /// All samples.
        samples: usize,
        /// The share asked for.
        share: f64,
        /// Samples to train.
        train: usize,
        /// Samples to validate.
        validation: usize,
    },
    /// Real targets have no classes to keep in proportion.
    #[error(
        "a stratified split needs classes, and the targets are other real values than 0 and 1: use the shuffled split"
    )]
    NotClasses,
    /// No such input.
    #[error("input column {column}: expected 0 to {}", width - 1)]
    Column {
        /// The column asked for, from 0.
        column: usize,
        /// Inputs per sample.
        width: usize,
    },
}

/// Two parts of one set of samples, and which rows went where.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// To train on.
    pub train: Samples,
    /// To validate on.
    pub validation: Samples,
    /// Row in the whole set of each training sample, from 0.
    pub train_rows: Vec<usize>,
    /// The same for validation.
    pub validation_rows: Vec<usize>,
}

/// Which rows go where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitRows {
    /// Rows to train on, shuffled, from 0.
    pub train: Vec<usize>,
    /// Rows to validate on.
    pub validation: Vec<usize>,
}

impl SplitRows {
    /// The samples of these rows.
    fn of(self, samples: &Samples) -> Split {
        let Self { train: train_rows, validation: validation_rows } = self;
        let (train, validation) = (samples.select(&train_rows), samples.select(&validation_rows));
        Split { train, validation, train_rows, validation_rows }
    }

    fn checked(self, share: f64) -> Result<Self, SplitError> {
        let (train, validation) = (self.train.len(), self.validation.len());
        if train == 0 || validation == 0 {
            return Err(SplitError::EmptyPart { samples: train + validation, share, train, validation });
        }
        Ok(self)
    }
}

impl Split {
    /// Sorts the validation part by an input, as the original does with column 0, so that predictions can be drawn as a line.
    ///
    /// # Errors
    /// [`SplitError::Column`].
    pub fn sort_validation_by_input(&mut self, column: usize) -> Result<(), SplitError> {
        let order = order_by_input(&self.validation, column)?;
        self.validation = self.validation.select(&order);
        self.validation_rows = order.iter().map(|&row| self.validation_rows[row]).collect();
        Ok(())
    }
}

/// Shuffles with `streams.split()`, then keeps the last round(share · n) samples for validation. The training part stays shuffled.
///
/// # Errors
/// [`SplitError::Share`], [`SplitError::EmptyPart`].
pub fn shuffled_split(samples: &Samples, validation: f64, streams: &Streams) -> Result<Split, SplitError> {
    Ok(shuffled_rows(samples.len(), validation, streams)?.of(samples))
}

/// The rows of a [`shuffled_split`] of n samples, which one process need not hold all.
///
/// # Errors
/// As [`shuffled_split`].
pub fn shuffled_rows(n: usize, validation: f64, streams: &Streams) -> Result<SplitRows, SplitError> {
    let held = validation_count(n, validation)?;
    let mut rows: Vec<usize> = (0..n).collect();
    shuffle(&mut rows, &mut streams.split());
    let validation_rows = rows.split_off(n - held);
    SplitRows { train: rows, validation: validation_rows }.checked(validation)
}

/// As [`shuffled_split`], with every class in both parts in proportion. Classes are labels, a column of 0 and 1, or one-hot rows.
///
/// Of a class with m samples, share · m validate, rounded so that the total is round(share · n) (largest remainders first, lower classes
/// first among equals) and at least one sample of every class trains.
///
/// # Errors
/// As [`shuffled_split`], and [`SplitError::NotClasses`].
pub fn stratified_split(samples: &Samples, validation: f64, streams: &Streams) -> Result<Split, SplitError> {
    let labels = class_labels(samples.targets()).map_err(|_| SplitError::NotClasses)?;
    Ok(stratified_rows(&labels, validation, streams)?.of(samples))
}

/// The rows of a [`stratified_split`] of samples with these labels ([`class_labels`]), which one process need not hold all.
///
/// # Errors
/// As [`shuffled_split`].
pub fn stratified_rows(labels: &[u32], validation: f64, streams: &Streams) -> Result<SplitRows, SplitError> {
    let classes = labels.iter().max().map_or(0, |highest| *highest as usize + 1);
    let held = validation_count(labels.len(), validation)?;
    let mut rng = streams.split();
    let mut rows: Vec<usize> = (0..labels.len()).collect();
    shuffle(&mut rows, &mut rng);
    let mut members = vec![Vec::new(); classes];
    rows.iter().for_each(|&row| members[labels[row] as usize].push(row));
    let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
    let quotas = quotas(&sizes, validation, held);
    let (mut train_rows, mut validation_rows) = (Vec::new(), Vec::new());
    for (members, quota) in members.iter().zip(quotas) {
        let (train, held) = members.split_at(members.len() - quota);
        train_rows.extend_from_slice(train);
        validation_rows.extend_from_slice(held);
    }
    shuffle(&mut train_rows, &mut rng);
    shuffle(&mut validation_rows, &mut rng);
    SplitRows { train: train_rows, validation: validation_rows }.checked(validation)
}

/// The samples in ascending order of one input; equal ones keep their order.
///
/// # Errors
/// [`SplitError::Column`].
pub fn sort_by_input(samples: &Samples, column: usize) -> Result<Samples, SplitError> {
    Ok(samples.select(&order_by_input(samples, column)?))
}

fn order_by_input(samples: &Samples, column: usize) -> Result<Vec<usize>, SplitError> {
    let width = samples.width();
    if column >= width {
        return Err(SplitError::Column { column, width });
    }
    let inputs: Vec<f64> = samples.inputs().iter().skip(column).step_by(width).copied().collect();
    Ok(ascending_order(&inputs))
}

/// The places of numbers in ascending order; equal ones keep their order.
pub fn ascending_order(numbers: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    order
}

fn validation_count(samples: usize, share: f64) -> Result<usize, SplitError> {
    if !(share > 0.0 && share < 1.0) {
        return Err(SplitError::Share { found: share });
    }
    Ok((samples as f64 * share).round() as usize)
}

/// How many of each class validate.
fn quotas(sizes: &[usize], share: f64, held: usize) -> Vec<usize> {
    let limit = |class: usize| sizes[class].saturating_sub(1);
    let exact = |class: usize| sizes[class] as f64 * share;
    let mut quotas: Vec<usize> = (0..sizes.len()).map(|class| (exact(class) as usize).min(limit(class))).collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by(|&a, &b| exact(b).fract().total_cmp(&exact(a).fract()));
    let mut missing = held.saturating_sub(quotas.iter().sum());
    for class in by_remainder {
        if missing > 0 && quotas[class] < limit(class) {
            quotas[class] += 1;
            missing -= 1;
        }
    }
    quotas
}
