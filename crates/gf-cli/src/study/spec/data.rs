//! `[data]` and `[validation]`: the keys of the samples.

use std::path::PathBuf;

use gf_utils::data::{Column, Missing, ScalingKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[data]`: one of `builtin`, `x` with `y`, `csv` with `target`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// A data set that gf carries [default: none, but files].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builtin: Option<Builtin>,
    /// Inputs: a `.npy` file, n × d, or an IDX file (MNIST's format, also compressed by gzip), whose images become rows. Gray values stay
    /// 0 to 255 unless `scale` says otherwise. Which format it is, the first bytes say. `{rank}` in the name of
    /// this or another file stands for the rank of an MPI program: each has its own file [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<PathBuf>,
    /// Targets in either format: numbers, integer labels, or one-hot rows [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<PathBuf>,
    /// A CSV file, UTF-8 [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csv: Option<PathBuf>,
    /// Its target columns, by name or by number: from 0, or from −1 for the last. Integer labels from 0 are classes where the loss is of
    /// classes, and so are names, in the order of the sorted names; needed with `csv` [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Vec<Column>>,
    /// Its input columns, by name or by number [default: all others].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<Column>>,
    /// Whether the first line of the CSV file names the columns; without, they go by number [default: true].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// What stands between the fields of the CSV file: one ASCII character [default: ","].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// What becomes of a row of the CSV file with a missing value (empty, `?`, `NA`, `N/A`, `NaN` or `null`) in a column that is read:
    /// `"refuse"` is an error, `"drop-rows"` leaves it out, `"mean"` puts the mean of the training set in the place of an input
    /// [default: "refuse"].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// How each input column is shifted and scaled, fitted on the training set: `"none"` (default), `"standardize"` to mean 0 and
    /// variance 1, or `"min-max"` into [0, 1]. A column that is constant there becomes 0 there.
    #[serde(default)]
    pub scale: ScalingKind,
    /// The same for real targets. The loss is that of scaled targets; metrics and predictions are in the units of the data.
    #[serde(default)]
    pub scale_targets: ScalingKind,
}

/// Data sets that gf carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl Builtin {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Original, Self::Digits, Self::Iris, Self::Wine, Self::BreastCancer, Self::Chebyshev];

    /// The name in a study.
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Digits => "digits",
            Self::Iris => "iris",
            Self::Wine => "wine",
            Self::BreastCancer => "breast_cancer",
            Self::Chebyshev => "chebyshev",
        }
    }
}

/// `[validation]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationSpec {
    /// Share of the samples that is held out, between 0 and 1.
    pub fraction: f64,
    /// How it is chosen, from each seed.
    pub split: SplitKind,
    /// Sort the validation set by this input column (from 0), for plots [default: as it is drawn].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<usize>,
}

impl Default for ValidationSpec {
    fn default() -> Self {
        Self { fraction: gf_utils::data::DEFAULT_VALIDATION, split: SplitKind::Shuffled, sort_by: None }
    }
}

/// How the validation set is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitKind {
    /// Shuffle all samples, then cut.
    Shuffled,
    /// As `shuffled` within each class.
    Stratified,
    /// Hold nothing out: validation is on the training set.
    None,
}
