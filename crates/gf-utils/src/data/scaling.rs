//! Scaling of columns, fitted on the training part only.

mod moments;

use gf_core::{SampleError, Samples, Targets};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::moments::Moments;

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
    /// No part of the samples has a row that trains.
    #[error("scaling: no rows to fit; expected at least one that trains")]
    NoRows,
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

    /// What other parts of the samples have to know of this one to fit all that train, for [`Scaling::from_notes`]: 2 numbers, and 7 for each
    /// column that is scaled. `train_rows` are rows of these samples; there may be none. A part without samples says nothing, `[]`. The kinds are
    /// those of inputs and of targets.
    ///
    /// # Errors
    /// [`ScalingError::Classes`] where classes are to be scaled.
    ///
    /// # Panics
    /// When a row is not one of the samples.
    pub fn note(samples: &Samples, train_rows: &[usize], kinds: [ScalingKind; 2]) -> Result<Vec<f64>, ScalingError> {
        let [inputs, targets] = kinds;
        let columns = |kind: ScalingKind, width: usize, numbers: &[f64]| match kind {
            ScalingKind::None => Vec::new(),
            _ => (0..width)
                .map(|column| Moments::of(train_rows.iter().map(|row| numbers[row * width + column])))
                .collect(),
        };
        let inputs = columns(inputs, samples.width(), samples.inputs());
        let targets = match (targets, samples.targets()) {
            (ScalingKind::None, _) => Vec::new(),
            (_, Targets::Classes { .. }) => return Err(ScalingError::Classes),
            (kind, Targets::Values { width, values }) => columns(kind, *width, values),
        };
        let widths = [inputs.len() as f64, targets.len() as f64];
        Ok(widths.into_iter().chain(inputs.into_iter().chain(targets).flat_map(Moments::to_numbers)).collect())
    }

    /// The scaling that [`Scaling::fit`] fits to the rows of all parts that train, from the parts' notes in their order; none where nothing is to be
    /// scaled. With one part, to the last bit; with several, means and deviations are rounded otherwise.
    ///
    /// # Errors
    /// [`ScalingError::Width`] where parts have other columns than the first, [`ScalingError::NoRows`] where no part has a row.
    ///
    /// # Panics
    /// When these are no notes.
    pub fn from_notes(kinds: [ScalingKind; 2], notes: &[Vec<f64>]) -> Result<Option<Self>, ScalingError> {
        if kinds == [ScalingKind::None; 2] {
            return Ok(None);
        }
        let mut all: Option<[Vec<Moments>; 2]> = None;
        for note in notes.iter().filter(|note| !note.is_empty()) {
            let (widths, numbers) = note.split_at(2);
            let mut columns: Vec<Moments> = numbers.as_chunks().0.iter().map(Moments::from_numbers).collect();
            let targets = columns.split_off(widths[0] as usize);
            let Some(all) = &mut all else {
                all = Some([columns, targets]);
                continue;
            };
            for (what, (all, columns)) in ["inputs", "targets"].into_iter().zip(all.iter_mut().zip([columns, targets]))
            {
                if all.len() != columns.len() {
                    return Err(ScalingError::Width { what, expected: all.len(), found: columns.len() });
                }
                all.iter_mut().zip(columns).for_each(|(all, column)| *all = all.merged(column));
            }
        }
        let [inputs, targets] = all.ok_or(ScalingError::NoRows)?;
        if inputs.iter().chain(&targets).any(|column| column.count == 0.0) {
            return Err(ScalingError::NoRows);
        }
        let (inputs, targets) = (ColumnScales::of(kinds[0], &inputs), ColumnScales::of(kinds[1], &targets));
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
        let numbers = |column: usize| rows.iter().skip(column).step_by(width).copied();
        Self::of(kind, &(0..width).map(|column| Moments::of(numbers(column))).collect::<Vec<_>>())
    }

    /// From at least one number in each column; none for [`ScalingKind::None`].
    fn of(kind: ScalingKind, columns: &[Moments]) -> Option<Self> {
        let fit = |column: &Moments| match kind {
            _ if column.is_constant() => (column.first, 1.0),
            ScalingKind::MinMax => (column.low, column.high - column.low),
            _ => (column.mean, column.deviation()),
        };
        let positive = |scale: f64| if scale > 0.0 { scale } else { 1.0 }; // Squares of differences below 1e-162 are 0.
        let (shifts, scales) = columns.iter().map(fit).map(|(shift, scale)| (shift, positive(scale))).unzip();
        (kind != ScalingKind::None).then_some(Self { shifts, scales })
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

fn check(what: &'static str, scales: &ColumnScales, found: usize) -> Result<(), ScalingError> {
    let expected = scales.shifts.len();
    if expected == found { Ok(()) } else { Err(ScalingError::Width { what, expected, found }) }
}
