//! The built-in studies.

use crate::arguments::Scale;
use crate::study::Document;

/// A built-in study.
#[derive(Debug, Clone, Copy)]
pub struct Experiment {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows, in a line.
    pub about: &'static str,
    text: &'static str,
    /// What smoke scale changes, as `--set` does.
    smoke: &'static [&'static str],
    /// What full scale changes.
    full: &'static [&'static str],
    /// What full scale adds: one common grid of step sizes for every method.
    full_arms: &'static str,
}

/// All of them, the default first.
pub const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "convergence",
        about: "the original experiment: explicit, implicit and Newton on a 2161-parameter network, and its claims",
        text: include_str!("experiments/convergence.toml"),
        smoke: &["run.steps=12", "run.seeds=[0]", "first_steps.starts=2", "first_steps.difference_steps=[]"],
        full: &["run.seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"],
        full_arms: include_str!("experiments/convergence-grid.toml"),
    },
    Experiment {
        name: "digits",
        about: "handwritten digits with softmax cross-entropy: accuracy on five stratified splits",
        text: include_str!("experiments/digits.toml"),
        smoke: &["run.steps=5", "run.seeds=[0]"],
        full: &["run.seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"],
        full_arms: include_str!("experiments/digits-grid.toml"),
    },
];

impl Experiment {
    /// The study at a scale.
    ///
    /// # Errors
    /// Never for the texts that gf carries; a test loads all.
    pub fn document(&self, scale: Scale) -> Result<Document, miette::Report> {
        let text = match scale {
            Scale::Full => format!("{}\n{}", self.text, self.full_arms),
            _ => self.text.to_string(),
        };
        let mut document = Document::builtin(&format!("experiment {}", self.name), text);
        let changes = match scale {
            Scale::Smoke => self.smoke,
            Scale::Standard => &[],
            Scale::Full => self.full,
        };
        document.set(&changes.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        document.name = format!("experiment {}", self.name);
        Ok(document)
    }
}
