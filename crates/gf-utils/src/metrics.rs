//! How good predictions are. Predictions are row-major, n × outputs, as a network gives them.
//!
//! With predictions ŷ and targets y, N = n · outputs numbers each. NaN and infinite predictions are not errors: they give a NaN or
//! infinite metric (and count as wrong in the accuracy), as a diverged network deserves.

use gf_core::Targets;
use thiserror::Error;

/// Why a metric is undefined.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MetricError {
    /// There are not as many predictions as the targets demand.
    #[error("{metric}: expected {expected} predictions, found {found}")]
    Length {
        /// The metric.
        metric: &'static str,
        /// Numbers that the targets demand.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
    /// The metric is not defined for such targets.
    #[error("{metric}: expected targets that are {expected}")]
    Kind {
        /// The metric.
        metric: &'static str,
        /// What the targets should be.
        expected: &'static str,
    },
    /// There are no targets.
    #[error("{metric}: no samples")]
    Empty {
        /// The metric.
        metric: &'static str,
    },
    /// The metric divides by the spread of the targets, and all are equal.
    #[error("{metric}: undefined, all targets of output {output} are {value}")]
    Constant {
        /// The metric.
        metric: &'static str,
        /// The column of the targets, from 0.
        output: usize,
        /// The constant.
        value: f64,
    },
    /// A label is not below the number of classes.
    #[error("{metric}: row {row} has class {label}; expected 0 to {}", classes.saturating_sub(1))]
    Label {
        /// The metric.
        metric: &'static str,
        /// From 0.
        row: usize,
        /// The label.
        label: u32,
        /// The number of classes.
        classes: usize,
    },
    /// A row of real targets does not say one class.
    #[error("accuracy: target row {row} is not a class: expected 0 or 1, or a row with one 1 and zeros")]
    NotAClass {
        /// From 0.
        row: usize,
    },
}

/// The metrics by name: what configuration files and columns speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// [`mse`].
    Mse,
    /// [`mae`].
    Mae,
    /// [`rmse`].
    Rmse,
    /// [`r2`].
    R2,
    /// [`range_accuracy`].
    RangeAccuracy,
    /// [`accuracy`].
    Accuracy,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 6] = [Self::Mse, Self::Mae, Self::Rmse, Self::R2, Self::RangeAccuracy, Self::Accuracy];

    /// The name, as in `val_mae`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Rmse => "rmse",
            Self::R2 => "r2",
            Self::RangeAccuracy => "range_accuracy",
            Self::Accuracy => "accuracy",
        }
    }

    /// The metric of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Whether larger is better.
    pub fn larger_is_better(self) -> bool {
        matches!(self, Self::R2 | Self::RangeAccuracy | Self::Accuracy)
    }

    /// The metric's value.
    ///
    /// # Errors
    /// Those of the metric's function.
    pub fn evaluate(self, predictions: &[f64], targets: &Targets) -> Result<f64, MetricError> {
        match self {
            Self::Mse => mse(predictions, targets),
            Self::Mae => mae(predictions, targets),
            Self::Rmse => rmse(predictions, targets),
            Self::R2 => r2(predictions, targets),
            Self::RangeAccuracy => range_accuracy(predictions, targets),
            Self::Accuracy => accuracy(predictions, targets),
        }
    }
}

/// Mean squared error, (1/N) Σ (ŷ − y)².
///
/// # Errors
/// [`MetricError::Length`], [`MetricError::Empty`], and [`MetricError::Kind`] for classes.
pub fn mse(predictions: &[f64], targets: &Targets) -> Result<f64, MetricError> {
    let (_, values) = real("mse", predictions, targets)?;
    Ok(mean(predictions, values, |error| error * error))
}

/// Mean absolute error, (1/N) Σ |ŷ − y|.
///
/// # Errors
/// As [`mse`].
pub fn mae(predictions: &[f64], targets: &Targets) -> Result<f64, MetricError> {
    let (_, values) = real("mae", predictions, targets)?;
    Ok(mean(predictions, values, f64::abs))
}

/// Root mean squared error, √[`mse`].
///
/// # Errors
/// As [`mse`].
pub fn rmse(predictions: &[f64], targets: &Targets) -> Result<f64, MetricError> {
    let (_, values) = real("rmse", predictions, targets)?;
    Ok(mean(predictions, values, |error| error * error).sqrt())
}

/// Coefficient of determination, 1 − Σ(ŷ − y)² / Σ(y − ȳ)², averaged over the outputs with equal weight.
///
/// # Errors
/// As [`mse`], and [`MetricError::Constant`] where an output's targets are all equal.
pub fn r2(predictions: &[f64], targets: &Targets) -> Result<f64, MetricError> {
    let (width, values) = real("r2", predictions, targets)?;
    let n = (values.len() / width) as f64;
    let mut total = 0.0;
    for output in 0..width {
        let column = || values.iter().skip(output).step_by(width).copied();
        let first = values[output];
        if column().all(|y| y == first) {
            return Err(MetricError::Constant { metric: "r2", output, value: first });
        }
        let mean = column().sum::<f64>() / n;
        let spread: f64 = column().map(|y| (y - mean) * (y - mean)).sum();
        let predicted = predictions.iter().skip(output).step_by(width);
        let error: f64 = predicted.zip(column()).map(|(p, y)| (p - y) * (p - y)).sum();
        total += 1.0 - error / spread;
    }
    Ok(total / width as f64)
}

/// Accuracy relative to the range of all targets, 1 − [`mae`] / (max y − min y). May be negative.
///
/// # Errors
/// As [`mse`], and [`MetricError::Constant`] when max y = min y.
pub fn range_accuracy(predictions: &[f64], targets: &Targets) -> Result<f64, MetricError> {
    let (_, values) = real("range_accuracy", predictions, targets)?;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low == high {
        return Err(MetricError::Constant { metric: "range_accuracy", output: 0, value: low });
    }
    Ok(1.0 - mean(predictions, values, f64::abs) / (high - low))
}

/// The share of samples whose predicted class is right, in 0 to 1.
///
/// - k classes and n × k predictions: the predicted class is the largest output (the first of equals);
/// - 2 classes and n predictions: class 1 where the logit is > 0 (probability > ½);
/// - real targets of width 1 that are 0 or 1: as two classes; of width k with one-hot rows: as k classes.
///
/// A row with a NaN is wrong.
///
/// # Errors
/// [`MetricError::Length`], [`MetricError::Empty`], [`MetricError::NotAClass`].
pub fn accuracy(predictions: &[f64], targets: &Targets) -> Result<f64, MetricError> {
    let metric = "accuracy";
    let (n, classes) = match targets {
        Targets::Classes { classes, labels } => (labels.len(), *classes),
        Targets::Values { width, values } => (values.len() / (*width).max(1), if *width == 1 { 2 } else { *width }),
    };
    if n == 0 || classes == 0 {
        return Err(MetricError::Empty { metric });
    }
    let one_logit = match targets {
        Targets::Classes { .. } => classes == 2 && predictions.len() == n,
        Targets::Values { width, .. } => *width == 1,
    };
    let outputs = if one_logit { 1 } else { classes };
    if predictions.len() != n * outputs {
        return Err(MetricError::Length { metric, expected: n * outputs, found: predictions.len() });
    }
    let mut right = 0usize;
    for (row, outputs) in predictions.chunks_exact(outputs).enumerate() {
        let class = match targets {
            Targets::Classes { labels, .. } => labels[row] as usize,
            Targets::Values { width, values } => {
                let target = &values[row * width..(row + 1) * width];
                if *width == 1 { binary(target[0]) } else { one_hot(target) }.ok_or(MetricError::NotAClass { row })?
            }
        };
        let predicted = if one_logit { logit(outputs[0]) } else { largest(outputs) };
        right += usize::from(predicted == Some(class));
    }
    Ok(right as f64 / n as f64)
}

/// The class of a one-hot row.
pub(crate) fn one_hot(row: &[f64]) -> Option<usize> {
    let class = row.iter().position(|&x| x == 1.0)?;
    row.iter().enumerate().all(|(i, &x)| i == class || x == 0.0).then_some(class)
}

/// The class that a target of 0 or 1 is.
pub(crate) fn binary(target: f64) -> Option<usize> {
    if target == 0.0 {
        Some(0)
    } else if target == 1.0 {
        Some(1)
    } else {
        None
    }
}

/// The class of a logit; none for NaN.
pub(crate) fn logit(output: f64) -> Option<usize> {
    (!output.is_nan()).then_some(usize::from(output > 0.0))
}

/// The position of the largest number, the first of equals; none where one is NaN.
pub(crate) fn largest(outputs: &[f64]) -> Option<usize> {
    let mut best = 0;
    for (class, output) in outputs.iter().enumerate() {
        if output.is_nan() {
            return None;
        }
        if *output > outputs[best] {
            best = class;
        }
    }
    Some(best)
}

/// Real targets, checked against the predictions: (width, values).
fn real<'a>(
    metric: &'static str,
    predictions: &[f64],
    targets: &'a Targets,
) -> Result<(usize, &'a [f64]), MetricError> {
    let Targets::Values { width, values } = targets else {
        return Err(MetricError::Kind { metric, expected: "real values, not classes" });
    };
    if values.is_empty() {
        return Err(MetricError::Empty { metric });
    }
    if predictions.len() != values.len() {
        return Err(MetricError::Length { metric, expected: values.len(), found: predictions.len() });
    }
    Ok((*width, values))
}

fn mean(predictions: &[f64], values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    predictions.iter().zip(values).map(|(p, y)| of(p - y)).sum::<f64>() / values.len() as f64
}
