//! The losses as plain data.

use std::fmt;

use serde::de::{self, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::NetworkError;

/// A mean over the batch of a sum over the outputs o, with targets y. In what follows n is the number of samples of the batch.
///
/// | name | loss of a batch |
/// |---|---|
/// | `mse` | (1/n) Σᵢ Σ_c (o − y)² |
/// | `half_mse` | (1/2n) Σᵢ Σ_c (o − y)² |
/// | `bce_with_logits` | −(1/n) Σᵢ Σ_c \[w y ln σ(o) + (1 − y) ln(1 − σ(o))\], w = `pos_weight`; y from 0 to 1 |
/// | `softmax_cross_entropy` | −Σᵢ Σ_c w_c t_ic ln p_ic / Σᵢ w_{yᵢ}, p the softmax of the outputs |
///
/// The targets t of the softmax are 1 − ε on the true class and ε/(K − 1) on each of the others, ε = `label_smoothing`. Where
/// another framework spreads ε₀/K over all classes, the true one included, the same targets are ours with ε = ε₀(K − 1)/K.
/// Without `class_weights` all w_c are 1, and the divisor is n.
///
/// Logarithms of probabilities are never taken of a rounded probability: the binary loss is evaluated by softplus, the softmax
/// with the maximum subtracted.
///
/// [`gf_core::Targets::Classes`] stand for their one-hot rows; softmax also takes [`gf_core::Targets::Values`] with one-hot rows.
///
/// In text formats a loss is its name, or a table when it has settings: `loss = "mse"`,
/// `loss = { bce_with_logits = { pos_weight = 3.0 } }`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `mse`
    Mse,
    /// `half_mse`
    HalfMse,
    /// `bce_with_logits`
    BceWithLogits {
        /// w > 0, the weight of the positive targets.
        pos_weight: f64,
    },
    /// `softmax_cross_entropy`
    SoftmaxCrossEntropy {
        /// ε, 0 ≤ ε < 1.
        label_smoothing: f64,
        /// One w_c ≥ 0 a class.
        class_weights: Option<Vec<f64>>,
    },
}

impl Loss {
    /// The names of all losses.
    pub const NAMES: [&'static str; 4] = ["mse", "half_mse", "bce_with_logits", "softmax_cross_entropy"];

    /// `mse`.
    pub fn mse() -> Self {
        Self::Mse
    }

    /// `half_mse`.
    pub fn half_mse() -> Self {
        Self::HalfMse
    }

    /// `bce_with_logits` with weight 1 for positive targets.
    pub fn bce_with_logits() -> Self {
        Self::BceWithLogits { pos_weight: 1.0 }
    }

    /// `softmax_cross_entropy` without smoothing and weights.
    pub fn softmax_cross_entropy() -> Self {
        Self::SoftmaxCrossEntropy { label_smoothing: 0.0, class_weights: None }
    }

    /// The name used in studies.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mse => "mse",
            Self::HalfMse => "half_mse",
            Self::BceWithLogits { .. } => "bce_with_logits",
            Self::SoftmaxCrossEntropy { .. } => "softmax_cross_entropy",
        }
    }

    /// Whether the targets are classes.
    pub fn is_classification(&self) -> bool {
        matches!(self, Self::SoftmaxCrossEntropy { .. })
    }

    /// Checks the settings against the number of outputs.
    ///
    /// # Errors
    /// [`NetworkError::Parameter`], [`NetworkError::ClassWeights`], [`NetworkError::TooFewClasses`].
    pub fn validate(&self, outputs: usize) -> Result<(), NetworkError> {
        match self {
            Self::Mse | Self::HalfMse => Ok(()),
            Self::BceWithLogits { pos_weight } => {
                in_range("pos_weight", "a finite number above 0", *pos_weight, *pos_weight > 0.0)
            }
            Self::SoftmaxCrossEntropy { label_smoothing, class_weights } => {
                if outputs < 2 {
                    return Err(NetworkError::TooFewClasses { found: outputs });
                }
                let smoothing = (0.0..1.0).contains(label_smoothing);
                in_range("label_smoothing", "a number of at least 0 and below 1", *label_smoothing, smoothing)?;
                let Some(weights) = class_weights else { return Ok(()) };
                if weights.len() != outputs {
                    return Err(NetworkError::ClassWeights { expected: outputs, found: weights.len() });
                }
                weights
                    .iter()
                    .try_for_each(|w| in_range("a class weight", "a finite number of at least 0", *w, *w >= 0.0))
            }
        }
    }
}

fn in_range(name: &'static str, expected: &'static str, found: f64, holds: bool) -> Result<(), NetworkError> {
    if holds && found.is_finite() { Ok(()) } else { Err(NetworkError::Parameter { name, expected, found }) }
}

/// The same enum, with derived deserialization and defaults.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Derived {
    Mse,
    HalfMse,
    BceWithLogits {
        #[serde(default = "one")]
        pos_weight: f64,
    },
    SoftmaxCrossEntropy {
        #[serde(default)]
        label_smoothing: f64,
        #[serde(default)]
        class_weights: Option<Vec<f64>>,
    },
}

fn one() -> f64 {
    1.0
}

impl From<Derived> for Loss {
    fn from(derived: Derived) -> Self {
        match derived {
            Derived::Mse => Self::Mse,
            Derived::HalfMse => Self::HalfMse,
            Derived::BceWithLogits { pos_weight } => Self::BceWithLogits { pos_weight },
            Derived::SoftmaxCrossEntropy { label_smoothing, class_weights } => {
                Self::SoftmaxCrossEntropy { label_smoothing, class_weights }
            }
        }
    }
}

/// Takes the bare name of a loss with settings too, where the format tells strings from tables.
impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(NameOrTable)
        } else {
            Derived::deserialize(deserializer).map(Self::from)
        }
    }
}

struct NameOrTable;

impl<'de> Visitor<'de> for NameOrTable {
    type Value = Loss;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a loss ({}) or a table with one such key", Loss::NAMES.join(", "))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Loss, E> {
        match name {
            "bce_with_logits" => Ok(Loss::bce_with_logits()),
            "softmax_cross_entropy" => Ok(Loss::softmax_cross_entropy()),
            _ => Derived::deserialize(name.into_deserializer()).map(Loss::from),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Loss, A::Error> {
        Derived::deserialize(MapAccessDeserializer::new(map)).map(Loss::from)
    }
}
