//! Inputs with targets, in memory.

use thiserror::Error;

/// What the inputs should be mapped to.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// Real targets, n × width, row-major.
    Values {
        /// Outputs per sample.
        width: usize,
        /// The numbers.
        values: Vec<f64>,
    },
    /// One class in 0..classes per sample.
    Classes {
        /// The number of classes.
        classes: usize,
        /// The labels.
        labels: Vec<u32>,
    },
}

/// n samples: inputs (n × `width`, row-major) with targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    width: usize,
    inputs: Vec<f64>,
    targets: Targets,
}

/// Why arrays do not make a set of samples.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SampleError {
    /// No samples, or no inputs.
    #[error("no data: {0} is empty")]
    Empty(&'static str),
    /// A length is not a multiple of its width.
    #[error("{what}: {found} numbers do not fill rows of {width}")]
    Ragged {
        /// Inputs or targets.
        what: &'static str,
        /// Numbers a row.
        width: usize,
        /// Numbers found.
        found: usize,
    },
    /// Inputs and targets differ in number.
    #[error("{inputs} input rows but {targets} targets")]
    Count {
        /// Input rows.
        inputs: usize,
        /// Target rows.
        targets: usize,
    },
    /// A number is NaN or infinite.
    #[error("{what}: row {row}, column {column} is {value}; expected finite numbers")]
    NotFinite {
        /// Inputs or targets.
        what: &'static str,
        /// From 0.
        row: usize,
        /// From 0.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// A label that is not below the number of classes.
    #[error("targets: row {row} has class {label}; expected 0 to {}", classes - 1)]
    Label {
        /// From 0.
        row: usize,
        /// The label.
        label: u32,
        /// The number of classes.
        classes: usize,
    },
}

impl Samples {
    /// Checks shapes, finiteness and labels.
    ///
    /// # Errors
    /// A [`SampleError`] that names the first fault.
    pub fn new(width: usize, inputs: Vec<f64>, targets: Targets) -> Result<Self, SampleError> {
        let n = rows("inputs", width, &inputs)?;
        let count = match &targets {
            Targets::Values { width, values } => rows("targets", *width, values)?,
            Targets::Classes { classes, labels } => {
                if let Some(row) = labels.iter().position(|&label| label as usize >= *classes) {
                    return Err(SampleError::Label { row, label: labels[row], classes: *classes });
                }
                labels.len()
            }
        };
        if n != count {
            return Err(SampleError::Count { inputs: n, targets: count });
        }
        Ok(Self { width, inputs, targets })
    }

    /// The number n of samples.
    pub fn len(&self) -> usize {
        self.inputs.len() / self.width
    }

    /// Never: construction demands a sample.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Inputs per sample.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Outputs per sample: the targets' width, or the number of classes.
    pub fn outputs(&self) -> usize {
        match &self.targets {
            Targets::Values { width, .. } => *width,
            Targets::Classes { classes, .. } => *classes,
        }
    }

    /// All inputs, n × width, row-major.
    pub fn inputs(&self) -> &[f64] {
        &self.inputs
    }

    /// All targets.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The samples of these rows, in this order.
    ///
    /// # Panics
    /// When a row is not below [`Samples::len`].
    pub fn select(&self, rows: &[usize]) -> Self {
        let gather = |width: usize, from: &[f64]| -> Vec<f64> {
            rows.iter().flat_map(|&row| from[row * width..(row + 1) * width].iter().copied()).collect()
        };
        let targets = match &self.targets {
            Targets::Values { width, values } => Targets::Values { width: *width, values: gather(*width, values) },
            Targets::Classes { classes, labels } => {
                Targets::Classes { classes: *classes, labels: rows.iter().map(|&row| labels[row]).collect() }
            }
        };
        Self { width: self.width, inputs: gather(self.width, &self.inputs), targets }
    }
}

fn rows(what: &'static str, width: usize, numbers: &[f64]) -> Result<usize, SampleError> {
    if width == 0 || numbers.is_empty() {
        return Err(SampleError::Empty(what));
    }
    if !numbers.len().is_multiple_of(width) {
        return Err(SampleError::Ragged { what, width, found: numbers.len() });
    }
    if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
        return Err(SampleError::NotFinite { what, row: at / width, column: at % width, value: numbers[at] });
    }
    Ok(numbers.len() / width)
}
