//! Trained models.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::envelope::{self, EnvelopeError};

/// A trained network: its specification as text, its parameters, and where they come from.
///
/// The specification stays text, so that this crate needs to know no layers and the file outlives changes of their types.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("best.model");
/// use gf_utils::SavedModel;
/// let model = SavedModel {
///     network_toml: "inputs = 2\n".into(),
///     theta: vec![0.5, -1.0],
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
    /// Names and values such as version, seed, method, step, loss.
    pub provenance: BTreeMap<String, String>,
}

impl SavedModel {
    /// The kind of its [`envelope`].
    pub const KIND: [u8; 8] = *b"gf-model";
    /// The version of its format.
    pub const VERSION: u32 = 1;

    /// Writes the model, atomically.
    ///
    /// # Errors
    /// As [`envelope::write`].
    pub fn save(&self, path: &Path) -> Result<(), EnvelopeError> {
        envelope::write(path, Self::KIND, Self::VERSION, self)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// As [`envelope::read`].
    pub fn load(path: &Path) -> Result<Self, EnvelopeError> {
        envelope::read(path, Self::KIND, Self::VERSION)
    }
}
