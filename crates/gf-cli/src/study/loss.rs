//! `[loss]`: the loss as one flat table.

use gf_core::Targets;
use gf_layers::{Loss, LossFunction, Network, NetworkError, Reduction};
use gf_utils::OutputMeaning;
use serde::{Deserialize, Serialize};

/// `[loss]`, and `loss` of an arm: one flat table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossSpec {
    /// Which loss.
    pub kind: LossKind,
    /// Mean or sum over the batch.
    #[serde(default, skip_serializing_if = "is_mean")]
    pub reduction: Reduction,
    /// δ of huber, in units of the outputs; 1 when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<f64>,
    /// γ of focal; 2 when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// ε of softmax_cross_entropy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_smoothing: Option<f64>,
    /// One weight per class, of softmax_cross_entropy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<Vec<f64>>,
    /// Weight of positive targets, of bce_with_logits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pos_weight: Option<f64>,
    /// λ of + (λ/2)‖θ‖²; with any loss and either reduction.
    #[serde(default)]
    pub l2: f64,
}

/// The losses by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Σ (o−y)².
    #[default]
    Mse,
    /// ½ Σ (o−y)².
    HalfMse,
    /// ½ (o−y)² near the target, δ|o−y| − δ²/2 beyond δ.
    Huber,
    /// Binary cross-entropy of logits.
    BceWithLogits,
    /// Cross-entropy of a softmax.
    SoftmaxCrossEntropy,
    /// Cross-entropy of a softmax times (1 − p)^γ.
    Focal,
}

impl LossKind {
    /// Whether targets are read as classes.
    pub fn takes_classes(self) -> bool {
        matches!(self, Self::SoftmaxCrossEntropy | Self::Focal)
    }

    /// Whether predictions are judged as classes, by accuracy.
    pub fn is_classification(self) -> bool {
        self.takes_classes() || self == Self::BceWithLogits
    }
}

impl LossKind {
    /// What the outputs of a network with this loss are, on targets that are classes or not.
    pub fn outputs(self, targets: &Targets) -> OutputMeaning {
        match (self, targets) {
            (Self::BceWithLogits, _) => OutputMeaning::Logits,
            (Self::SoftmaxCrossEntropy | Self::Focal, _) => OutputMeaning::ClassLogits,
            (_, Targets::Classes { .. }) => OutputMeaning::ClassScores,
            (_, Targets::Values { .. }) => OutputMeaning::Values,
        }
    }
}

/// What is wrong with a `[loss]`.
pub(super) struct LossFault {
    /// The key.
    pub(super) key: &'static str,
    /// In words.
    pub(super) message: String,
}

impl LossSpec {
    /// Refuses keys that belong to another kind, numbers out of range and outputs that do not suit the loss.
    pub(super) fn check(&self, network: &Network) -> Result<(), LossFault> {
        let loss = self.loss();
        if let Some(key) = self.foreign_key() {
            let message = format!("this option does not belong to the loss \"{}\"", loss.name());
            return Err(LossFault { key, message });
        }
        if !(self.l2.is_finite() && self.l2 >= 0.0) {
            let message = format!("l2 is {}; expected a finite number of at least 0", self.l2);
            return Err(LossFault { key: "l2", message });
        }
        loss.validate(network).map_err(|error| LossFault { key: key_of(&error), message: error.to_string() })
    }

    /// The loss, without l2.
    pub fn loss(&self) -> Loss {
        let function = match self.kind {
            LossKind::Mse => LossFunction::Mse,
            LossKind::HalfMse => LossFunction::HalfMse,
            LossKind::Huber => LossFunction::Huber { delta: self.delta.unwrap_or(LossFunction::DEFAULT_DELTA) },
            LossKind::BceWithLogits => {
                LossFunction::BceWithLogits { pos_weight: self.pos_weight.unwrap_or(LossFunction::DEFAULT_POS_WEIGHT) }
            }
            LossKind::SoftmaxCrossEntropy => LossFunction::SoftmaxCrossEntropy {
                label_smoothing: self.label_smoothing.unwrap_or(0.0),
                class_weights: self.class_weights.clone(),
            },
            LossKind::Focal => LossFunction::Focal { gamma: self.gamma.unwrap_or(LossFunction::DEFAULT_GAMMA) },
        };
        Loss { function, reduction: self.reduction }
    }

    /// A key that belongs to another kind.
    fn foreign_key(&self) -> Option<&'static str> {
        [
            ("delta", self.delta.is_some(), LossKind::Huber),
            ("gamma", self.gamma.is_some(), LossKind::Focal),
            ("label_smoothing", self.label_smoothing.is_some(), LossKind::SoftmaxCrossEntropy),
            ("class_weights", self.class_weights.is_some(), LossKind::SoftmaxCrossEntropy),
            ("pos_weight", self.pos_weight.is_some(), LossKind::BceWithLogits),
        ]
        .into_iter()
        .find(|(_, is_given, kind)| *is_given && *kind != self.kind)
        .map(|(key, ..)| key)
    }
}

fn is_mean(reduction: &Reduction) -> bool {
    *reduction == Reduction::Mean
}

fn key_of(error: &NetworkError) -> &'static str {
    match error {
        NetworkError::ClassWeights { .. } => "class_weights",
        NetworkError::Parameter { name, .. } if *name == "a class weight" => "class_weights",
        NetworkError::Parameter { name, .. } => name,
        _ => "kind",
    }
}
