//! Run folders: everything that a run leaves, readable in pandas and NumPy without our code.
//!
//! | file | holds |
//! |---|---|
//! | `study.toml` | the study with every default filled in; `gf run` accepts it |
//! | `history.csv` | one row per accepted step, arm and seed |
//! | `summary.json` | results per arm and seed |
//! | `basins.csv` | where each arm ends from a grid of starts, where the study asks for it |
//! | `spectrum.csv` | the curvature along every run, where the study asks for it |
//! | `eigenvalues-ARM-SEED.npy` | all eigenvalues at each row of `spectrum.csv`, looks × p, where the study asks for them |
//! | `central-flow.csv` | the central flow beside each run of gradient descent, where the study asks for it |
//! | `blocks.csv` | the Hessian layer by layer at the end of every run, where the study asks for it |
//! | `layers.csv` | what passed through the layers of each arm, where the study asks for it |
//! | `epochs.csv`, `epoch-layers.csv` | what each epoch came to, and layer by layer, where the study watches epochs |
//! | `depth.csv`, `depth-layers.csv` | the networks of `[depth]` and their layers |
//! | `landscape.json`, `landscape-plane.npy` | the plane of `[landscape]` with the loss and the paths on it, and its vectors |
//! | `lr-range.csv`, `lr-range-limits.csv` | the range tests of `[lr_range]`, and what they came to |
//! | `predictions.csv` | validation inputs, targets and final outputs of each arm, first seed |
//! | `classification.csv`, `classes.csv`, `confusion.csv`, `calibration.csv` | of classifiers: scores, of each class too, confusion and calibration there |
//! | `theta-ARM-SEED-final.npy`, `…-best.npy` | parameters at the end and at the lowest validation loss |
//! | `model-ARM-SEED.gfmodel` | the best parameters with network, scaling and names: checksummed, for `gf predict`, `gf export` and `gf eval` |
//! | `figures/`, `report.html` | the report |
//! | `arms/` | of sweeps: what each arm came to, for the merge |

mod resolved;
mod results;
mod rows;
mod run_folder;

use std::path::{Path, PathBuf};

use gf_utils::history::{ArmHistory, read_histories};
use gf_utils::write_atomically;
use miette::Report;

pub(crate) use resolved::{annotated_study, resolved, resolved_study};
pub use results::RunSamples;
pub(crate) use results::remove_results;
pub(crate) use rows::{read_rows, write_rows};
pub use run_folder::{Found, RunFolder};

use crate::study::{Document, Study, misuse};
use crate::summary::Summary;

/// How the names of unfinished folders begin.
const TEMPORARY: &str = ".gf-run-";
/// The file that a complete run folder has.
const SUMMARY: &str = "summary.json";
/// The file of all steps.
const HISTORY: &str = "history.csv";
/// The file of outputs on the validation set.
pub(crate) const PREDICTIONS: &str = "predictions.csv";

/// A folder being written. It appears under its name only when it is complete.
pub struct FolderWriter {
    temporary: tempfile::TempDir,
    target: PathBuf,
}

impl FolderWriter {
    /// Below `out`, which must not exist yet or be empty; `runs/NAME` (with a number when taken) if not given.
    ///
    /// # Errors
    /// When the folder is taken or cannot be made.
    pub fn create(out: Option<&Path>, name: &str) -> Result<Self, Report> {
        let target = match out {
            Some(out) => {
                let taken = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) || out.is_file();
                if taken {
                    let message = "expected a folder that does not exist or is empty, found it in use";
                    return Err(misuse(format!("--out {}: {message}", out.display())));
                }
                out.to_path_buf()
            }
            None => free_name(Path::new("runs"), name),
        };
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let fail = |error: std::io::Error| misuse(format!("{}: cannot create: {error}", target.display()));
        std::fs::create_dir_all(parent).map_err(fail)?;
        let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(parent).map_err(fail)?;
        Ok(Self { temporary, target })
    }

    /// A place within `folder`, whose files are moved from there.
    fn within(folder: &Path) -> Result<Self, Report> {
        let fail = |error: std::io::Error| misuse(format!("{}: cannot create: {error}", folder.display()));
        let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(folder).map_err(fail)?;
        Ok(Self { temporary, target: folder.to_path_buf() })
    }

    /// Where files are written until [`FolderWriter::finish`].
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn finish(self) -> Result<PathBuf, Report> {
        let Self { temporary, target } = self;
        let fail = |error: std::io::Error| misuse(format!("{}: cannot create: {error}", target.display()));
        if target.is_dir() {
            // Empty, as `create` found it; a folder that has been filled since is left alone.
            std::fs::remove_dir(&target).map_err(fail)?;
        }
        let path = temporary.keep();
        std::fs::rename(&path, &target).map_err(fail)?;
        #[cfg(unix)]
        {
            // Temporary folders are private to the user; a run folder has ordinary permissions.
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o755)).map_err(fail)?;
        }
        Ok(target)
    }
}

/// A run folder read back.
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Its study.
    pub study: Study,
    /// Its summary.
    pub summary: Summary,
    /// Its histories, arms then seeds.
    pub histories: Vec<ArmHistory>,
}

impl Folder {
    /// Reads what a report needs.
    ///
    /// # Errors
    /// Names the file that is missing or wrong.
    pub fn read(path: &Path) -> Result<Self, Report> {
        let study = Document::read(&path.join("study.toml"))?.parse()?;
        let file = path.join(SUMMARY);
        if !file.exists() {
            let hint = format!("the run has not ended; `gf resume {}` continues it", path.display());
            return Err(misuse(format!(
                "{}: expected a complete run folder, found no {SUMMARY}: {hint}",
                path.display()
            )));
        }
        let text = Document::read(&file)?.text;
        let summary = serde_json::from_str(&text).map_err(|error| misuse(format!("{}: {error}", file.display())))?;
        let histories = read_histories(&path.join(HISTORY)).map_err(misuse)?;
        Ok(Self { path: path.to_path_buf(), study, summary, histories })
    }

    /// Steps of the study; where it counts epochs, those of the longest run.
    pub fn steps(&self) -> u64 {
        let longest = self.histories.iter().filter_map(|history| history.table.rows().last()).map(|row| row.step).max();
        match (self.study.run.steps, self.study.run.epochs) {
            (Some(steps), None) => steps,
            _ => longest.unwrap_or(0),
        }
    }

    /// Whether the run of a history failed.
    pub fn has_failed(&self, history: &ArmHistory) -> bool {
        let arm = self.summary.arms.iter().find(|arm| arm.name == history.arm);
        let run = arm.and_then(|arm| arm.runs.iter().find(|run| run.seed == history.seed));
        run.is_some_and(|run| run.failure.is_some())
    }

    /// Whether it has an arm; a report may be of some of those in its files.
    pub fn has_arm(&self, name: &str) -> bool {
        self.summary.arms.iter().any(|arm| arm.name == name)
    }

    /// The histories of an arm.
    pub fn arm<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a ArmHistory> {
        self.histories.iter().filter(move |history| history.arm == name)
    }
}

/// Whether a folder is complete: that of a run, or of a sweep that is merged.
pub(crate) fn has_summary(folder: &Path) -> bool {
    folder.join(SUMMARY).exists()
}

/// Writes `summary.json`.
///
/// # Errors
/// Names the file.
pub fn write_summary(folder: &Path, summary: &Summary) -> Result<(), Report> {
    let json = serde_json::to_string_pretty(summary).map_err(misuse)?;
    write_text(&folder.join(SUMMARY), &(json + "\n"))
}

/// Writes text atomically.
///
/// # Errors
/// Names the file.
pub fn write_text(path: &Path, text: &str) -> Result<(), Report> {
    write_atomically(path, |out| out.write_all(text.as_bytes())).map_err(misuse)
}

fn free_name(folder: &Path, name: &str) -> PathBuf {
    let first = folder.join(name);
    if !first.exists() {
        return first;
    }
    (2..).map(|k| folder.join(format!("{name}-{k}"))).find(|path| !path.exists()).expect("some number is free")
}

/// The file of what passed through the layers.
pub(crate) const LAYERS: &str = "layers.csv";
/// The files of the networks of `[depth]` and of their layers.
pub(crate) const DEPTH: &str = "depth.csv";
pub(crate) const DEPTH_LAYERS: &str = "depth-layers.csv";

/// The files of the range tests and of what they came to.
pub(crate) const LR_RANGE: &str = "lr-range.csv";
pub(crate) const LR_RANGE_LIMITS: &str = "lr-range-limits.csv";
/// The files of epochs, and of epochs layer by layer.
pub(crate) const EPOCHS: &str = "epochs.csv";
pub(crate) const EPOCH_LAYERS: &str = "epoch-layers.csv";

/// The files of the plane of `[landscape]`, and of its vectors.
pub(crate) const LANDSCAPE: &str = "landscape.json";
pub(crate) const LANDSCAPE_PLANE: &str = "landscape-plane.npy";

/// The file of basins.
pub(crate) const BASINS: &str = "basins.csv";
