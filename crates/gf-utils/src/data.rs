//! Data sets, and what is done to them before training.
//!
//! ```
//! use gf_core::Streams;
//! use gf_utils::data::{original, shuffled_split};
//! let streams = Streams::new(1);
//! let split = shuffled_split(&original(&streams), 0.2, &streams)?;
//! assert_eq!((split.train.len(), split.validation.len()), (3200, 800));
//! # Ok::<(), gf_utils::data::SplitError>(())
//! ```

mod arrays;
mod chebyshev;
mod csv;
mod embedded;
mod original;
mod part;
mod scaling;
mod split;
mod table;

pub use arrays::{Array, ArrayPart, ArraysError, TargetKind, read_array, read_array_part, read_pair, read_pair_part};
pub use chebyshev::chebyshev;
pub use csv::{
    Column, CsvColumns, CsvData, CsvOptions, CsvPart, CsvPartData, CsvScan, GapError, Gaps, Missing, TargetColumns,
    read_csv, read_csv_from,
};
pub use embedded::{BREAST_CANCER_CLASSES, IRIS_CLASSES, breast_cancer, digits, iris, wine};
pub use original::{ORIGINAL_POINTS, original, original_with_points};
pub use part::SamplesPart;
pub use scaling::{ColumnScales, Scaling, ScalingError, ScalingKind};
pub use split::{
    DEFAULT_VALIDATION, Split, SplitError, SplitRows, ascending_order, shuffled_rows, shuffled_split, sort_by_input,
    stratified_rows, stratified_split,
};
pub use table::CsvTable;

/// Labels above this are taken for a mistake (a regression target, an identifier), before a network gets that many outputs.
const MAX_CLASSES: usize = 65_536;

/// A number that is a class label below `classes`.
fn label(number: f64, classes: Option<usize>) -> Option<u32> {
    let limit = classes.unwrap_or(MAX_CLASSES).min(u32::MAX as usize);
    (number.fract() == 0.0 && number >= 0.0 && number < limit as f64).then_some(number as u32)
}

/// What [`label`] accepts, in words.
fn label_range(classes: Option<usize>) -> String {
    match classes {
        Some(classes) => format!("a class from 0 to {}", classes.saturating_sub(1)),
        None => format!("a class, an integer from 0 to {}", MAX_CLASSES - 1),
    }
}

/// The number of classes: as said, or one more than the largest label.
fn class_count(labels: &[u32], said: Option<usize>) -> usize {
    said.unwrap_or_else(|| labels.iter().max().map_or(0, |&largest| largest as usize + 1))
}
