//! Why a network, a loss and samples do not make an objective.

use thiserror::Error;

/// A misuse, with what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum NetworkError {
    /// A network without layers.
    #[error("the network has no layers; expected at least one")]
    NoLayers,
    /// A network without inputs.
    #[error("the network has 0 inputs; expected at least 1")]
    NoInputs,
    /// A layer without units.
    #[error("layer {layer} has 0 units; expected at least 1")]
    NoUnits {
        /// Counted from 1.
        layer: usize,
    },
    /// More parameters than an array can hold.
    #[error("layers up to {layer} have more than 2^48 parameters; expected fewer")]
    TooLarge {
        /// Counted from 1.
        layer: usize,
    },
    /// A skip connection between different widths.
    #[error(
        "layer {layer} has a skip connection from {inputs} inputs to {units} units; expected as many units as inputs"
    )]
    Skip {
        /// Counted from 1.
        layer: usize,
        /// Inputs of the layer.
        inputs: usize,
        /// Units of the layer.
        units: usize,
    },
    /// An unknown activation's name.
    #[error("no activation is called \"{found}\"; expected one of {}", crate::Activation::names().join(", "))]
    UnknownActivation {
        /// The name.
        found: String,
    },
    /// A part that is not one of a whole set.
    #[error("sample {sample} of the part is number {row}; expected different numbers below {total}")]
    Part {
        /// From 0.
        sample: usize,
        /// Its number in the whole set.
        row: usize,
        /// Samples of the whole set.
        total: usize,
    },
    /// Class weights on a part of the samples whose batches' weights are unknown.
    #[error("a mean weighted by class needs the labels of all samples; expected them beside the part")]
    PartWithoutLabels,
    /// The samples' width is not the network's input.
    #[error("the network takes {expected} inputs, the samples have {found}")]
    Inputs {
        /// Inputs of the network.
        expected: usize,
        /// Width of the samples.
        found: usize,
    },
    /// The targets' width is not the network's output.
    #[error("the network has {expected} outputs, the targets have {found}")]
    Outputs {
        /// Outputs of the network.
        expected: usize,
        /// Width of the targets, or the number of classes.
        found: usize,
    },
    /// A parameter of a loss or of an initialization outside its range.
    #[error("{name} is {found}; expected {expected}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// The range, in words.
        expected: &'static str,
        /// What was given.
        found: f64,
    },
    /// A softmax needs two classes or more.
    #[error("{loss} needs at least 2 outputs, the network has {found}")]
    TooFewClasses {
        /// The loss.
        loss: &'static str,
        /// Outputs of the network.
        found: usize,
    },
    /// As many class weights as outputs are needed.
    #[error("class_weights: expected {expected} numbers, one an output, found {found}")]
    ClassWeights {
        /// Outputs of the network.
        expected: usize,
        /// Weights given.
        found: usize,
    },
    /// A loss that makes probabilities of the outputs, behind an activation that did so already.
    #[error(
        "layer {layer} ends in {activation}, and {loss} makes probabilities of the outputs itself: squashed twice they cannot come near 0 or 1, and the \
         gradient vanishes where the first squashing saturates; expected outputs that are logits: activation = \"identity\" in layer {layer}, or a \
         loss of the outputs as they are, such as mse"
    )]
    TwoSquashings {
        /// Counted from 1.
        layer: usize,
        /// Of the layer.
        activation: &'static str,
        /// The loss.
        loss: &'static str,
    },
    /// A softmax needs classes, as labels or as one-hot rows.
    #[error("{loss} needs classes: target row {row} is not one-hot (one 1, all else 0)")]
    NotOneHot {
        /// The loss.
        loss: &'static str,
        /// From 0.
        row: usize,
    },
    /// The binary cross-entropy needs targets that are probabilities.
    #[error("bce_with_logits needs targets from 0 to 1: row {row}, column {column} is {found}")]
    NotProbability {
        /// From 0.
        row: usize,
        /// From 0.
        column: usize,
        /// The target.
        found: f64,
    },
    /// All samples of a batch have classes of weight 0.
    #[error("class_weights: all samples have classes of weight 0; expected a positive total weight")]
    NoWeight,
    /// A mini-batch without samples.
    #[error("the batch size is 0; expected at least 1")]
    EmptyBatch,
    /// A slice of the wrong length.
    #[error("{what}: expected {expected} numbers, found {found}")]
    Length {
        /// The argument's name.
        what: &'static str,
        /// The length that was expected.
        expected: usize,
        /// The length that was found.
        found: usize,
    },
    /// Inputs that do not fill rows.
    #[error("inputs: {found} numbers do not fill rows of {width}")]
    Ragged {
        /// Inputs of the network.
        width: usize,
        /// Numbers given.
        found: usize,
    },
    /// A number in or behind a layer is NaN or infinite.
    #[error("layer {layer}: {what} are not finite")]
    NotFinite {
        /// Counted from 1.
        layer: usize,
        /// `parameters`, `activations`, `backpropagated signals`, ….
        what: &'static str,
    },
    /// Gradient flow conserves nothing here.
    #[error(
        "expected a hidden layer with activation identity, relu or leaky_relu, without skip connections at it or behind it, and l2 = 0, for which \
         gradient flow conserves the balance of weights; found {found}"
    )]
    NothingConserved {
        /// The activations, or l2.
        found: String,
    },
}
