//! The losses as plain data.

use serde::{Deserialize, Serialize};

use super::text::Written;
use crate::{Activation, Network, NetworkError};

/// What a network's outputs o cost beside the targets y: a function of each sample, and how a batch adds it up.
///
/// ```
/// use gf_layers::{Loss, LossFunction, Reduction};
/// assert_eq!(Loss::mse().reduction, Reduction::Mean);
/// let weighted = Loss::from(LossFunction::BceWithLogits { pos_weight: 3.0 }).with_reduction(Reduction::Sum);
/// assert_eq!(weighted.name(), "bce_with_logits");
/// ```
///
/// In text formats a loss is its name, or a table when it has settings: `loss = "mse"`,
/// `loss = { bce_with_logits = { pos_weight = 3.0 } }`, `loss = { mse = { reduction = "sum" } }`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(into = "Written")]
pub struct Loss {
    /// Of a sample.
    pub function: LossFunction,
    /// Of a batch.
    pub reduction: Reduction,
}

/// The loss ℓ of one sample with outputs o and targets y; both have K numbers.
///
/// | name | ℓ |
/// |---|---|
/// | `mse` | Σ_c (o − y)² |
/// | `half_mse` | ½ Σ_c (o − y)² |
/// | `huber` | Σ_c of ½r² where \|r\| ≤ δ, else δ(\|r\| − δ/2), r = o − y, δ = `delta` |
/// | `bce_with_logits` | −Σ_c \[w y ln σ(o) + (1 − y) ln(1 − σ(o))\], w = `pos_weight`; y from 0 to 1 |
/// | `softmax_cross_entropy` | −Σ_c w_c t_c ln p_c, p the softmax of the outputs |
/// | `focal` | −(1 − p_y)^γ ln p_y, p_y the probability of the true class, γ = `gamma` |
///
/// The targets t of the softmax are 1 − ε on the true class and ε/(K − 1) on each of the others, ε = `label_smoothing`. Where
/// another framework spreads ε₀/K over all classes, the true one included, the same targets are ours with ε = ε₀(K − 1)/K.
/// Without `class_weights` all w_c are 1.
///
/// Logarithms of probabilities are never taken of a rounded probability: the binary loss is evaluated by softplus, the softmax
/// with the maximum subtracted, and 1 − p_y is −expm1(ln p_y).
///
/// `huber` has a kink in its gradient at \|r\| = δ, where the curvature is that inside, 1. The Hessian of `focal` in the outputs has a negative
/// eigenvalue for samples that are classified wrongly with confidence (two classes: p_y < 0.043 at γ = 1, 0.058 at γ = 2), so its Gauss–Newton matrix may be
/// indefinite: methods that assume G ⪰ 0 (Gauss–Newton, Levenberg–Marquardt, the policy `gauss-newton` at a pole) may find it not positive
/// definite and need more damping.
///
/// [`gf_core::Targets::Classes`] stand for their one-hot rows; `softmax_cross_entropy` and `focal` also take [`gf_core::Targets::Values`] with
/// one-hot rows.
///
/// **Reference** for focal: T.-Y. Lin et al., *Focal loss for dense object detection* (2017).
#[derive(Debug, Clone, PartialEq)]
pub enum LossFunction {
    /// `mse`
    Mse,
    /// `half_mse`
    HalfMse,
    /// `huber`
    Huber {
        /// δ > 0, in units of the outputs.
        delta: f64,
    },
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
    /// `focal`
    Focal {
        /// γ ≥ 0; 0 is the cross-entropy.
        gamma: f64,
    },
}

/// How the losses ℓᵢ of the n samples of a batch become one number.
///
/// The sum is n times the mean, and so are gradient and curvature: a step h of the sum is a step n h of the mean, and the stability limit
/// 2/λ of gradient descent falls with the batch size. The term of l2 is the same for both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// (1/n) Σᵢ ℓᵢ; with class weights Σᵢ ℓᵢ / Σᵢ w_{yᵢ}, the weights being those of the true classes.
    #[default]
    Mean,
    /// Σᵢ ℓᵢ, with class weights too.
    Sum,
}

impl From<LossFunction> for Loss {
    /// The mean over the batch.
    fn from(function: LossFunction) -> Self {
        Self { function, reduction: Reduction::Mean }
    }
}

impl Loss {
    /// The names of all losses.
    pub const NAMES: [&'static str; 6] =
        ["mse", "half_mse", "huber", "bce_with_logits", "softmax_cross_entropy", "focal"];

    /// `mse`.
    pub fn mse() -> Self {
        LossFunction::Mse.into()
    }

    /// `half_mse`.
    pub fn half_mse() -> Self {
        LossFunction::HalfMse.into()
    }

    /// `huber` with δ = `delta`.
    pub fn huber(delta: f64) -> Self {
        LossFunction::Huber { delta }.into()
    }

    /// `bce_with_logits` with weight 1 for positive targets.
    pub fn bce_with_logits() -> Self {
        LossFunction::BceWithLogits { pos_weight: 1.0 }.into()
    }

    /// `softmax_cross_entropy` without smoothing and weights.
    pub fn softmax_cross_entropy() -> Self {
        LossFunction::SoftmaxCrossEntropy { label_smoothing: 0.0, class_weights: None }.into()
    }

    /// `focal` with γ = `gamma`.
    pub fn focal(gamma: f64) -> Self {
        LossFunction::Focal { gamma }.into()
    }

    /// With another reduction.
    #[must_use]
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// The name used in studies.
    pub fn name(&self) -> &'static str {
        match self.function {
            LossFunction::Mse => "mse",
            LossFunction::HalfMse => "half_mse",
            LossFunction::Huber { .. } => "huber",
            LossFunction::BceWithLogits { .. } => "bce_with_logits",
            LossFunction::SoftmaxCrossEntropy { .. } => "softmax_cross_entropy",
            LossFunction::Focal { .. } => "focal",
        }
    }

    /// Whether the targets are classes.
    pub fn is_classification(&self) -> bool {
        matches!(self.function, LossFunction::SoftmaxCrossEntropy { .. } | LossFunction::Focal { .. })
    }

    /// Whether the outputs are logits, of which the loss makes probabilities itself.
    pub fn takes_logits(&self) -> bool {
        self.is_classification() || matches!(self.function, LossFunction::BceWithLogits { .. })
    }

    /// Checks the settings against the network's outputs.
    ///
    /// # Errors
    /// [`NetworkError::Parameter`], [`NetworkError::ClassWeights`], [`NetworkError::TooFewClasses`]; [`NetworkError::TwoSquashings`] for
    /// a loss of logits behind a sigmoid without a skip connection.
    pub fn validate(&self, network: &Network) -> Result<(), NetworkError> {
        let outputs = network.outputs();
        self.validate_settings(outputs)?;
        if self.is_classification() && outputs < 2 {
            return Err(NetworkError::TooFewClasses { loss: self.name(), found: outputs });
        }
        match network.layers.last() {
            // With a skip connection the outputs are not confined to [0, 1].
            Some(last) if self.takes_logits() && last.activation == Activation::Sigmoid && !last.skip => {
                Err(NetworkError::TwoSquashings {
                    layer: network.layers.len(),
                    activation: last.activation.name(),
                    loss: self.name(),
                })
            }
            _ => Ok(()),
        }
    }

    fn validate_settings(&self, outputs: usize) -> Result<(), NetworkError> {
        match &self.function {
            LossFunction::Mse | LossFunction::HalfMse => Ok(()),
            LossFunction::Huber { delta } => in_range("delta", "a finite number above 0", *delta, *delta > 0.0),
            LossFunction::BceWithLogits { pos_weight } => {
                in_range("pos_weight", "a finite number above 0", *pos_weight, *pos_weight > 0.0)
            }
            LossFunction::SoftmaxCrossEntropy { label_smoothing, class_weights } => {
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
            LossFunction::Focal { gamma } => in_range("gamma", "a finite number of at least 0", *gamma, *gamma >= 0.0),
        }
    }
}

fn in_range(name: &'static str, expected: &'static str, found: f64, holds: bool) -> Result<(), NetworkError> {
    if holds && found.is_finite() { Ok(()) } else { Err(NetworkError::Parameter { name, expected, found }) }
}
