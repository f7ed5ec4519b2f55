//! What surrounds a run of gf: data sets, splits, metrics, the history of a run, `.npy` files and saved models.
//!
//! - [`data`]: the original problem, handwritten digits, CSV, `.npy` and IDX data, splits, scaling;
//! - [`metrics`]: mean squared and absolute error, R², accuracy;
//! - [`classification`]: confusion of classes, calibration of probabilities;
//! - [`history`]: an observer that keeps one row per accepted step, and the file `history.csv`;
//! - [`stats`]: quantiles; [`mod@line`]: straight lines; [`power_law`]: exponents with intervals;
//! - [`npy`]: NumPy's array files; [`idx`]: those of MNIST; [`envelope`] and [`model`]: checksummed binary files and trained models;
//! - [`part`]: what each of several processes reads of a data set;
//! - [`write_atomically`], [`suggest`], [`Machine`]: what the others share.
//!
//! A split, scaled by what the training part says, and a metric in the units of the data:
//!
//! ```
//! use gf_core::Streams;
//! use gf_utils::Metric;
//! use gf_utils::data::{Scaling, ScalingKind, original, shuffled_split};
//! let streams = Streams::new(0);
//! let split = shuffled_split(&original(&streams), 0.2, &streams)?;
//! let scaling = Scaling::fit(&split.train, ScalingKind::Standardize, ScalingKind::MinMax)?.ok_or("nothing to scale")?;
//! let scaled = scaling.apply(&split.validation)?;
//! // A model that says ½ of the range everywhere:
//! let mut outputs = vec![0.5; scaled.len()];
//! scaling.invert_targets(&mut outputs);
//! assert!(Metric::Mae.evaluate(&outputs, split.validation.targets())? > 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every file is written atomically, and every error about a file names it, says what was expected and what was found.

mod atomic;
pub mod classification;
mod csv_error;
mod csv_file;
mod csv_scan;
pub mod data;
pub mod envelope;
pub mod history;
pub mod idx;
pub mod line;
mod machine;
pub mod metrics;
pub mod model;
pub mod npy;
pub mod part;
pub mod power_law;
mod random;
pub mod stats;
mod suggest;

pub use atomic::{WriteError, write_atomically};
pub use csv_error::CsvError;
pub use history::{Best, Evaluation, History, HistorySettings};
pub use machine::Machine;
pub use metrics::{Metric, MetricError};
pub use model::{OutputMeaning, Preprocessing, SavedModel};
pub use suggest::suggest;
