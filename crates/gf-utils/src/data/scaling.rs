//! Scaling, fitted on the training part only.

use gf_core::{SampleError, Samples, Targets};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why samples cannot be standardized.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ScalingError {
    /// The transform was fitted on rows of another width.
    #[error("standardization of {what}: fitted on {expected} columns, found {found}")]
    Width {
        /// Inputs or targets.
        what: &'static str,
        /// Columns of the fit.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// A transformed number overflows: the column's scale is near the limits of double precision.
    #[error("standardization: {0}")]
    NotFinite(#[from] SampleError),
    /// Classes have no scale.
    #[error("standardization of targets: the targets are classes; expected real values")]
    Classes,
}

/// Mean and scale of each column: x ↦ (x − mean) / scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnScales {
    /// Mean of each column.
    pub shifts: Vec<f64>,
    /// Standard deviation √(Σ(x − mean)²/n) of each column; 1 where the column is constant.
    pub scales: Vec<f64>,
}

/// The transform of inputs, and of real targets if asked; saved next to a model that was trained behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Of the inputs.
    pub inputs: ColumnScales,
    /// Of the targets, where they are transformed.
    pub targets: Option<ColumnScales>,
}

impl Scaling {
    /// Fits the inputs of the training part.
    pub fn fit_inputs(train: &Samples) -> Self {
        Self { inputs: ColumnScales::fit(train.width(), train.inputs()), targets: None }
    }

    /// Fits inputs and real targets of the training part.
    ///
    /// # Errors
    /// [`ScalingError::Classes`].
    pub fn fit_inputs_and_targets(train: &Samples) -> Result<Self, ScalingError> {
        let Targets::Values { width, values } = train.targets() else {
            return Err(ScalingError::Classes);
        };
        Ok(Self { targets: Some(ColumnScales::fit(*width, values)), ..Self::fit_inputs(train) })
    }

    /// The transformed samples.
    ///
    /// # Errors
    /// [`ScalingError`] when the samples are of another width or kind than those of the fit.
    pub fn apply(&self, samples: &Samples) -> Result<Samples, ScalingError> {
        check("inputs", &self.inputs, samples.width())?;
        let mut inputs = samples.inputs().to_vec();
        self.inputs.apply(&mut inputs);
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
}

impl ColumnScales {
    /// Fits rows of `width` columns.
    ///
    /// # Panics
    /// When `width` is 0 or there is no row.
    pub fn fit(width: usize, rows: &[f64]) -> Self {
        assert!(width > 0 && rows.len() >= width, "at least one row of at least one column");
        let n = (rows.len() / width) as f64;
        let (mut shifts, mut scales) = (Vec::with_capacity(width), Vec::with_capacity(width));
        for column in 0..width {
            let numbers = || rows.iter().skip(column).step_by(width).copied();
            let first = rows[column];
            if numbers().all(|x| x == first) {
                shifts.push(first);
                scales.push(1.0);
            } else {
                let mean = numbers().sum::<f64>() / n;
                let scale = (numbers().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
                shifts.push(mean);
                scales.push(if scale > 0.0 { scale } else { 1.0 }); // Squares of differences below 1e-162 are 0.
            }
        }
        Self { shifts, scales }
    }

    /// Overwrites each x by (x − mean) / scale. Row-major; a last incomplete row is transformed as far as it goes.
    pub fn apply(&self, rows: &mut [f64]) {
        for row in rows.chunks_mut(self.shifts.len()) {
            for (x, (mean, scale)) in row.iter_mut().zip(self.shifts.iter().zip(&self.scales)) {
                *x = (*x - mean) / scale;
            }
        }
    }

    /// Overwrites each x by mean + scale · x: predictions back in the units of the data.
    pub fn invert(&self, rows: &mut [f64]) {
        for row in rows.chunks_mut(self.shifts.len()) {
            for (x, (mean, scale)) in row.iter_mut().zip(self.shifts.iter().zip(&self.scales)) {
                *x = mean + scale * *x;
            }
        }
    }
}

fn check(what: &'static str, scales: &ColumnScales, found: usize) -> Result<(), ScalingError> {
    let expected = scales.shifts.len();
    if expected == found { Ok(()) } else { Err(ScalingError::Width { what, expected, found }) }
}
