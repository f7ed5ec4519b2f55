//! A saved model, checked and ready to predict.

use std::path::Path;

use gf_layers::Network;
use gf_utils::data::ColumnScales;
use gf_utils::{OutputMeaning, SavedModel};
use miette::Report;

use crate::study::misuse;

/// A saved model with its network.
pub struct Model {
    /// As it was saved.
    pub saved: SavedModel,
    /// The network of its specification.
    pub network: Network,
}

impl Model {
    /// Reads a `.gfmodel` file and checks that its parts fit together.
    ///
    /// # Errors
    /// Names the file, expected and found.
    pub fn read(path: &Path) -> Result<Self, Report> {
        let saved = SavedModel::load(path).map_err(misuse)?;
        let fault = |message: String| misuse(format!("{}: {message}", path.display()));
        let network: Network =
            toml::from_str(&saved.network_toml).map_err(|error| fault(format!("the network: {}", error.message())))?;
        network.validate().map_err(|error| fault(format!("the network: {error}")))?;
        // Widths beyond the number of parameters would make the product of two of them meaningless.
        let p = saved.theta.len();
        let is_wide = network.input > p || network.layers.iter().any(|layer| layer.units > p);
        if is_wide || network.dim() != p {
            return Err(fault(format!("the network has other than the {p} parameters that are saved with it")));
        }
        let outputs = network.outputs();
        let pre = &saved.preprocessing;
        let shifts = |scales: &ColumnScales| scales.shifts.len();
        let scales = |scales: &ColumnScales| scales.scales.len();
        let widths = [
            ("shifts of inputs", pre.inputs.as_ref().map(shifts), network.input),
            ("scales of inputs", pre.inputs.as_ref().map(scales), network.input),
            ("shifts of targets", pre.targets.as_ref().map(shifts), outputs),
            ("scales of targets", pre.targets.as_ref().map(scales), outputs),
            ("names of inputs", pre.feature_names.as_ref().map(Vec::len), network.input),
            (
                "names of classes",
                pre.class_names.as_ref().map(Vec::len),
                saved.outputs.classes(outputs).unwrap_or(outputs),
            ),
        ];
        for (what, found, expected) in widths {
            if let Some(found) = found.filter(|found| *found != expected) {
                return Err(fault(format!("expected {expected} {what}, found {found}")));
            }
        }
        Ok(Self { saved, network })
    }

    /// The outputs for raw inputs (n × input, row-major), in the units of the data: scaling, network, scaling of the targets undone.
    ///
    /// # Errors
    /// When `inputs` do not fill rows.
    pub fn predict(&self, mut inputs: Vec<f64>) -> Result<Vec<f64>, Report> {
        let preprocessing = &self.saved.preprocessing;
        if let Some(scales) = &preprocessing.inputs {
            scales.apply(&mut inputs);
        }
        let mut outputs = self.network.predict(&self.saved.theta, &inputs).map_err(misuse)?;
        if let Some(scales) = &preprocessing.targets {
            scales.invert(&mut outputs);
        }
        Ok(outputs)
    }

    /// The number of classes among which the outputs choose; none where they are no classes.
    pub fn classes(&self) -> Option<usize> {
        self.saved.outputs.classes(self.network.outputs())
    }

    /// What a class is called: its name, or its number.
    pub fn class_name(&self, class: usize) -> String {
        let names = self.saved.preprocessing.class_names.as_ref();
        names.and_then(|names| names.get(class)).cloned().unwrap_or_else(|| class.to_string())
    }

    /// In words, for JSON: `values`, `logits`, `class_logits`, `class_scores` or `unknown`.
    pub fn meaning(&self) -> &'static str {
        match self.saved.outputs {
            OutputMeaning::Unknown => "unknown",
            OutputMeaning::Values => "values",
            OutputMeaning::Logits => "logits",
            OutputMeaning::ClassLogits => "class_logits",
            OutputMeaning::ClassScores => "class_scores",
        }
    }
}
