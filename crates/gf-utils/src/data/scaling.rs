//! Scaling of columns, fitted on the training part only.

use gf_core::{SampleError, Samples, Targets};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why samples cannot be scaled.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ScalingError {
    /// The scaling was fitted on rows of another width.
    #[error("scaling of {what}: fitted on {expected} columns, found {found}")]
    Width {
        /// Inputs or targets.
        what: &'static str,
        /// Columns of the fit.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// A scaled number overflows: the column's scale is near the limits of double precision.
    #[error("scaling: {0}")]
    NotFinite(#[from] SampleError),
    /// Classes have no scale.
    #[error("scaling of targets: the targets are classes, which have no scale; expected real values")]
    Classes,
}

/// How shift and scale of a column are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ScalingKind {
    /// Columns stay as they are.
    #[default]
    None,
    /// The mean, and the standard deviation √(Σ(x − mean)²/n): mean 0 and variance 1.
    Standardize,
    /// The minimum, and maximum − minimum: into [0, 1].
    MinMax,
}

/// Shift and scale of each column: x ↦ (x − shift) / scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnScales {
    /// Mean or minimum of each column.
    pub shifts: Vec<f64>,
    /// Standard deviation, or maximum − minimum; 1 where the column is constant, so that it becomes 0.
    pub scales: Vec<f64>,
}

/// The scaling of inputs and of real targets; saved next to a model that was trained behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Of the inputs, where they are scaled.
    pub inputs: Option<ColumnScales>,
    /// Of the targets, where they are scaled.
    pub targets: Option<ColumnScales>,
}

impl Scaling {
    /// Fits the training part; none where nothing is to be scaled.
    ///
    /// # Errors
    /// [`ScalingError::Classes`] where classes are to be scaled.
    ///
    /// ```
    /// use gf_core::{Samples, Targets};
    /// use gf_utils::data::{Scaling, ScalingKind};
    /// let train = Samples::new(1, vec![2.0, 4.0], Targets::Values { width: 1, values: vec![10.0, 30.0] })?;
    /// let scaling = Scaling::fit(&train, ScalingKind::MinMax, ScalingKind::Standardize)?.expect("something to scale");
    /// let scaled = scaling.apply(&train)?;
    /// assert_eq!(scaled.inputs(), [0.0, 1.0]);
    /// assert_eq!(scaled.targets(), &Targets::Values { width: 1, values: vec![-1.0, 1.0] });
    /// let mut outputs = [0.5];
    /// scaling.invert_targets(&mut outputs);
    /// assert_eq!(outputs, [25.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit(train: &Samples, inputs: ScalingKind, targets: ScalingKind) -> Result<Option<Self>, ScalingError> {
        let inputs = ColumnScales::fit(inputs, train.width(), train.inputs());
        let targets = match (targets, train.targets()) {
            (ScalingKind::None, _) => None,
            (_, Targets::Classes { .. }) => return Err(ScalingError::Classes),
            (kind, Targets::Values { width, values }) => ColumnScales::fit(kind, *width, values),
        };
        Ok((inputs.is_some() || targets.is_some()).then_some(Self { inputs, targets }))
    }

    /// The scaled samples.
    ///
    /// # Errors
    /// [`ScalingError`] when the samples are of another width or kind than those of the fit.
    pub fn apply(&self, samples: &Samples) -> Result<Samples, ScalingError> {
        let mut inputs = samples.inputs().to_vec();
        if let Some(scales) = &self.inputs {
            check("inputs", scales, samples.width())?;
            scales.apply(&mut inputs);
        }
        let mut targets = samples.targets().clone();
        if let Some(scales) = &self.targets {
            let Targets::Values { width, values } = &mut targets else {
                return Err(ScalingError::Classes);
            };
            check("targets", scales, *width)?;
            scales.apply(values);
        }
        Ok(Samples::new(samples.width(), inputs, targets)?)
    }

    /// Overwrites outputs (row-major) by those in the units of the data; nothing happens where targets are not scaled.
    pub fn invert_targets(&self, outputs: &mut [f64]) {
        if let Some(scales) = &self.targets {
            scales.invert(outputs);
        }
    }
}

impl ColumnScales {
    /// Fits rows of `width` columns; none for [`ScalingKind::None`].
    ///
    /// # Panics
    /// When `width` is 0 or there is no row.
    pub fn fit(kind: ScalingKind, width: usize, rows: &[f64]) -> Option<Self> {
        assert!(width > 0 && rows.len() >= width, "at least one row of at least one column");
        let fit_column: fn(&[f64], usize, usize) -> (f64, f64) = match kind {
            ScalingKind::None => return None,
            ScalingKind::Standardize => mean_and_deviation,
            ScalingKind::MinMax => minimum_and_range,
        };
        let (mut shifts, mut scales) = (Vec::with_capacity(width), Vec::with_capacity(width));
        for column in 0..width {
            let first = rows[column];
            let is_constant = rows.iter().skip(column).step_by(width).all(|x| *x == first);
            let (shift, scale) = if is_constant { (first, 1.0) } else { fit_column(rows, width, column) };
            shifts.push(shift);
            scales.push(if scale > 0.0 { scale } else { 1.0 }); // Squares of differences below 1e-162 are 0.
        }
        Some(Self { shifts, scales })
    }

    /// Overwrites each x by (x − shift) / scale. Row-major; a last incomplete row is scaled as far as it goes.
    pub fn apply(&self, rows: &mut [f64]) {
        for row in rows.chunks_mut(self.shifts.len()) {
            for (x, (shift, scale)) in row.iter_mut().zip(self.shifts.iter().zip(&self.scales)) {
                *x = (*x - shift) / scale;
            }
        }
    }

    /// Overwrites each x by shift + scale · x: predictions back in the units of the data.
    pub fn invert(&self, rows: &mut [f64]) {
        for row in rows.chunks_mut(self.shifts.len()) {
            for (x, (shift, scale)) in row.iter_mut().zip(self.shifts.iter().zip(&self.scales)) {
                *x = shift + scale * *x;
            }
        }
    }
}

fn mean_and_deviation(rows: &[f64], width: usize, column: usize) -> (f64, f64) {
    let numbers = || rows.iter().skip(column).step_by(width).copied();
    let n = (rows.len() / width) as f64;
    let mean = numbers().sum::<f64>() / n;
    (mean, (numbers().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt())
}

fn minimum_and_range(rows: &[f64], width: usize, column: usize) -> (f64, f64) {
    let numbers = || rows.iter().skip(column).step_by(width).copied();
    let low = numbers().fold(f64::INFINITY, f64::min);
    (low, numbers().fold(f64::NEG_INFINITY, f64::max) - low)
}

fn check(what: &'static str, scales: &ColumnScales, found: usize) -> Result<(), ScalingError> {
    let expected = scales.shifts.len();
    if expected == found { Ok(()) } else { Err(ScalingError::Width { what, expected, found }) }
}
