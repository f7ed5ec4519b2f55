//! Trained models.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::classification::ClassProbabilities;
use crate::data::ColumnScales;
use crate::envelope::{self, EnvelopeError};

/// A trained network with everything that leads from raw data to predictions: its specification as text, its parameters, the scaling of
/// inputs and targets, what its outputs mean, names, and where it comes from.
///
/// The specification stays text, so that this crate needs to know no layers and the file outlives changes of their types.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("best.model");
/// use gf_utils::model::{OutputMeaning, Preprocessing, SavedModel};
/// let model = SavedModel {
///     network_toml: "inputs = 2\n".into(),
///     theta: vec![0.5, -1.0],
///     preprocessing: Preprocessing::default(),
///     outputs: OutputMeaning::Values,
///     provenance: [("seed".into(), "1".into())].into(),
/// };
/// model.save(&path)?;
/// assert_eq!(SavedModel::load(&path)?, model);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedModel {
    /// The network's specification, TOML.
    pub network_toml: String,
    /// The parameters θ, in the network's order.
    pub theta: Vec<f64>,
    /// What is done to data before the network, and after it.
    pub preprocessing: Preprocessing,
    /// What the outputs are.
    pub outputs: OutputMeaning,
    /// Names and values such as version, seed, method, step, loss.
    pub provenance: BTreeMap<String, String>,
}

/// What is done to data before a network, and to its outputs after it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Scaling of the inputs, where they were scaled.
    pub inputs: Option<ColumnScales>,
    /// Scaling of real targets, where they were scaled: outputs are inverted by it.
    pub targets: Option<ColumnScales>,
    /// Names of the input columns, in their order, where the data had names.
    pub feature_names: Option<Vec<String>>,
    /// Names of the classes, in the order of their labels, where the data had names.
    pub class_names: Option<Vec<String>>,
}

/// What the outputs of a network are, by the loss that they were trained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputMeaning {
    /// Not said: a file of version 1.
    Unknown,
    /// Real values.
    Values,
    /// A logit of its own for each output, of 1 against 0; a single one tells class 1 from class 0.
    Logits,
    /// One logit a class, for a softmax.
    ClassLogits,
    /// One number a class, the largest for the predicted one; no probabilities.
    ClassScores,
}

impl OutputMeaning {
    /// Probabilities of the classes, where the outputs (n × `width`, row-major) have them: a single logit, or a softmax.
    pub fn probabilities(self, width: usize, outputs: &[f64]) -> Option<ClassProbabilities> {
        match self {
            Self::Logits if width == 1 => Some(ClassProbabilities::from_logit(outputs)),
            Self::ClassLogits => Some(ClassProbabilities::from_logits(width, outputs)),
            _ => None,
        }
    }

    /// The number of classes among which `width` outputs choose; none where they are no classes.
    pub fn classes(self, width: usize) -> Option<usize> {
        match self {
            Self::Logits if width == 1 => Some(2),
            Self::ClassLogits | Self::ClassScores => Some(width),
            _ => None,
        }
    }
}

/// A model as format version 1 had it.
#[derive(Deserialize)]
struct Version1 {
    network_toml: String,
    theta: Vec<f64>,
    provenance: BTreeMap<String, String>,
}

impl SavedModel {
    /// The kind of its [`envelope`].
    pub const KIND: [u8; 8] = *b"gf-model";
    /// The version of its format.
    pub const VERSION: u32 = 2;

    /// Writes the model, atomically.
    ///
    /// # Errors
    /// As [`envelope::write`].
    pub fn save(&self, path: &Path) -> Result<(), EnvelopeError> {
        envelope::write(path, Self::KIND, Self::VERSION, self)
    }

    /// Reads a model. One of version 1, which knew neither preprocessing nor meaning, has none and [`OutputMeaning::Unknown`].
    ///
    /// # Errors
    /// As [`envelope::read`].
    pub fn load(path: &Path) -> Result<Self, EnvelopeError> {
        Self::load_from(path, &envelope::content(path)?)
    }

    /// As [`SavedModel::load`], from the content of a file; `path` is for the errors.
    ///
    /// # Errors
    /// As [`envelope::read`].
    pub fn load_from(path: &Path, bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let file = envelope::open(path, bytes, Self::KIND, 1..=Self::VERSION)?;
        if file.version() != 1 {
            return file.decode();
        }
        let Version1 { network_toml, theta, provenance } = file.decode()?;
        let (preprocessing, outputs) = (Preprocessing::default(), OutputMeaning::Unknown);
        Ok(Self { network_toml, theta, preprocessing, outputs, provenance })
    }
}
