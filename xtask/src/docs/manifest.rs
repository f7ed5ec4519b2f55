//! `docs/figures.toml`: which figures there are, and what makes them.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The figures of the documentation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Built-in experiments that take a second or two at standard scale: `--quick` runs these only.
    pub(super) quick: Vec<String>,
    #[serde(rename = "figure")]
    pub(super) figures: Vec<Figure>,
}

/// A picture that a page shows.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Entry")]
pub(super) struct Figure {
    /// Where it stands, from `docs/`.
    pub(super) file: String,
    pub(super) source: Source,
}

/// What makes a figure.
#[derive(Debug)]
pub(super) enum Source {
    /// A built-in experiment at standard scale, and the figure's path in the run folder.
    Experiment { experiment: String, from: String },
    /// Another command, which writes the file itself: measurements, which are not repeated here.
    Command,
}

/// A figure as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    experiment: Option<String>,
    from: Option<String>,
    command: Option<String>,
}

impl TryFrom<Entry> for Figure {
    type Error = String;

    fn try_from(Entry { file, experiment, from, command }: Entry) -> Result<Self, String> {
        let source = match (experiment, from, command) {
            (Some(experiment), Some(from), None) => Source::Experiment { experiment, from },
            (None, None, Some(_)) => Source::Command,
            _ => return Err(format!("figure {file:?}: expected `experiment` and `from`, or `command`")),
        };
        Ok(Self { file, source })
    }
}

impl Manifest {
    /// Reads the manifest at `path`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let manifest: Self = toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        for (index, figure) in manifest.figures.iter().enumerate() {
            if manifest.figures[..index].iter().any(|earlier| earlier.file == figure.file) {
                bail!("{}: figure {:?} is named twice", path.display(), figure.file);
            }
        }
        Ok(manifest)
    }
}
