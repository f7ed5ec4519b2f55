//! Losses in text formats: a name, or a table with one such key.

use std::fmt;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Loss, LossFunction, Reduction};

/// A loss as it is written: every function with its own settings and the reduction, all with defaults.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Written {
    Mse {
        #[serde(default)]
        reduction: Reduction,
    },
    HalfMse {
        #[serde(default)]
        reduction: Reduction,
    },
    Huber {
        #[serde(default = "default_delta")]
        delta: f64,
        #[serde(default)]
        reduction: Reduction,
    },
    BceWithLogits {
        #[serde(default = "default_pos_weight")]
        pos_weight: f64,
        #[serde(default)]
        reduction: Reduction,
    },
    SoftmaxCrossEntropy {
        #[serde(default)]
        label_smoothing: f64,
        #[serde(default)]
        class_weights: Option<Vec<f64>>,
        #[serde(default)]
        reduction: Reduction,
    },
    Focal {
        #[serde(default = "default_gamma")]
        gamma: f64,
        #[serde(default)]
        reduction: Reduction,
    },
}

impl LossFunction {
    /// δ of `huber` where none is given.
    pub const DEFAULT_DELTA: f64 = 1.0;
    /// γ of `focal` where none is given.
    pub const DEFAULT_GAMMA: f64 = 2.0;
    /// w of `bce_with_logits` where none is given.
    pub const DEFAULT_POS_WEIGHT: f64 = 1.0;
}

fn default_delta() -> f64 {
    LossFunction::DEFAULT_DELTA
}

fn default_gamma() -> f64 {
    LossFunction::DEFAULT_GAMMA
}

fn default_pos_weight() -> f64 {
    LossFunction::DEFAULT_POS_WEIGHT
}

impl From<Written> for Loss {
    fn from(written: Written) -> Self {
        let (function, reduction) = match written {
            Written::Mse { reduction } => (LossFunction::Mse, reduction),
            Written::HalfMse { reduction } => (LossFunction::HalfMse, reduction),
            Written::Huber { delta, reduction } => (LossFunction::Huber { delta }, reduction),
            Written::BceWithLogits { pos_weight, reduction } => (LossFunction::BceWithLogits { pos_weight }, reduction),
            Written::SoftmaxCrossEntropy { label_smoothing, class_weights, reduction } => {
                (LossFunction::SoftmaxCrossEntropy { label_smoothing, class_weights }, reduction)
            }
            Written::Focal { gamma, reduction } => (LossFunction::Focal { gamma }, reduction),
        };
        Self { function, reduction }
    }
}

impl From<Loss> for Written {
    fn from(Loss { function, reduction }: Loss) -> Self {
        match function {
            LossFunction::Mse => Self::Mse { reduction },
            LossFunction::HalfMse => Self::HalfMse { reduction },
            LossFunction::Huber { delta } => Self::Huber { delta, reduction },
            LossFunction::BceWithLogits { pos_weight } => Self::BceWithLogits { pos_weight, reduction },
            LossFunction::SoftmaxCrossEntropy { label_smoothing, class_weights } => {
                Self::SoftmaxCrossEntropy { label_smoothing, class_weights, reduction }
            }
            LossFunction::Focal { gamma } => Self::Focal { gamma, reduction },
        }
    }
}

/// Takes the bare name of a loss too, where the format tells strings from tables.
impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(NameOrTable)
        } else {
            Written::deserialize(deserializer).map(Self::from)
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
            "mse" => Ok(Loss::mse()),
            "half_mse" => Ok(Loss::half_mse()),
            "huber" => Ok(Loss::huber(LossFunction::DEFAULT_DELTA)),
            "bce_with_logits" => Ok(Loss::bce_with_logits()),
            "softmax_cross_entropy" => Ok(Loss::softmax_cross_entropy()),
            "focal" => Ok(Loss::focal(LossFunction::DEFAULT_GAMMA)),
            _ => Err(E::unknown_variant(name, &Loss::NAMES)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Loss, A::Error> {
        Written::deserialize(MapAccessDeserializer::new(map)).map(Loss::from)
    }
}
