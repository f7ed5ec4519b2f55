//! `[data]` and `[validation]`: the keys of the samples.

use std::path::PathBuf;

use gf_utils::data::ScalingKind;
use serde::{Deserialize, Serialize};

/// `[data]`: one of `builtin`, `x` with `y`, `csv` with `target`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// A data set that gf carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builtin: Option<Builtin>,
    /// Inputs, `.npy`, n × d.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<PathBuf>,
    /// Targets, `.npy`: floats, integer labels, or one-hot rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<PathBuf>,
    /// A CSV file with a header row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csv: Option<PathBuf>,
    /// Its target columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Vec<String>>,
    /// Its input columns; all others when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// How each input column is shifted and scaled, fitted on the training set: `"none"` (default), `"standardize"` to mean 0 and
    /// variance 1, or `"min-max"` into [0, 1]. A column that is constant there becomes 0 there.
    #[serde(default)]
    pub scale: ScalingKind,
    /// The same for real targets. The loss is that of scaled targets; metrics and predictions are in the units of the data.
    #[serde(default)]
    pub scale_targets: ScalingKind,
}

/// Data sets that gf carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// The original project's synthetic problem, drawn anew from each seed.
    Original,
    /// UCI handwritten digits, 1797 × 64, 10 classes.
    Digits,
    /// Fisher's irises, 150 × 4, 3 classes.
    Iris,
    /// Wines, 178 × 13, 3 classes; `scale` them.
    Wine,
    /// Tumors of the breast, 569 × 30, 2 classes; `scale` them.
    BreastCancer,
    /// The Chebyshev polynomial T₆ at 20 points of [−1, 1], of published runs at the edge of stability.
    Chebyshev,
}

/// `[validation]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationSpec {
    /// Share of the samples that is held out.
    pub fraction: f64,
    /// How it is chosen, from each seed.
    pub split: SplitKind,
    /// Sort the validation set by this input column (from 0), for plots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<usize>,
}

impl Default for ValidationSpec {
    fn default() -> Self {
        Self { fraction: gf_utils::data::DEFAULT_VALIDATION, split: SplitKind::Shuffled, sort_by: None }
    }
}

/// How the validation set is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitKind {
    /// Shuffle all samples, then cut.
    Shuffled,
    /// As `shuffled` within each class.
    Stratified,
    /// Hold nothing out: validation is on the training set.
    None,
}
