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
//! | `lr-range.csv`, `lr-range-limits.csv` | the range tests of `[lr_range]`, and what they came to |
//! | `predictions.csv` | validation inputs, targets and final outputs of each arm, first seed |
//! | `classification.csv`, `confusion.csv`, `calibration.csv` | of classifiers: scores, confusion and calibration there |
//! | `theta-ARM-SEED-final.npy`, `…-best.npy` | parameters at the end and at the lowest validation loss |
//! | `model-ARM-SEED.gfmodel` | the best parameters with network, scaling and names: checksummed, for `gf predict`, `gf export` and `gf eval` |
//! | `figures/`, `report.html` | the report |

mod rows;
mod run_folder;

use std::path::{Path, PathBuf};

use gf_core::{Samples, Targets};
use gf_utils::history::{ArmHistory, read_histories, write_histories};
use gf_utils::npy::write_npy;
use gf_utils::{SavedModel, write_atomically};
use miette::Report;

pub(crate) use rows::{read_rows, write_rows};
pub use run_folder::{Found, RunFolder};

use crate::classification;
use crate::runner::{ArmRun, DepthResult, FirstStep, LrRangeResult};
use crate::spectrum_file;
use crate::study::{Document, Problem, RunSpec, Study, Subject, misuse};
use crate::summary::{Summary, version};

/// How the names of unfinished folders begin.
const TEMPORARY: &str = ".gf-run-";
/// The file that a complete run folder has.
const SUMMARY: &str = "summary.json";

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

    /// Writes all data of a run.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, problem: &Problem, runs: &[ArmRun], first_steps: Vec<FirstStep>) -> Result<(), Report> {
        let folder = self.path();
        let data = match problem.subject {
            Subject::Network(_) => Some(problem.data(problem.study.run.seeds[0])?),
            Subject::Function(_) => None,
        };
        let sizes = data.as_ref().map_or([0, 0], |data| [data.train.len(), data.validation.len()]);
        let summary = Summary::new(problem, runs, first_steps, sizes);
        write_text(&folder.join("study.toml"), &resolved_study(problem)?)?;
        write_summary(folder, &summary)?;
        let histories = runs.iter().map(|run| (run.arm.as_str(), run.seed, &run.history));
        write_histories(&folder.join("history.csv"), histories).map_err(misuse)?;
        if let Some(data) = &data {
            write_predictions(&folder.join("predictions.csv"), &data.in_data_units, runs)?;
            let classes = classification::rows(problem, &data.validation, data.class_names.as_deref(), runs)?;
            if !classes.scores.is_empty() {
                write_rows(&folder.join(classification::SCORES), classes.scores.iter())?;
                write_rows(&folder.join(classification::CONFUSION), classes.confusion.iter())?;
                write_rows(&folder.join(classification::CALIBRATION), classes.calibration.iter())?;
            }
        }
        if let Some(spec) = &problem.study.spectrum {
            spectrum_file::write(folder, spec, runs)?;
        }
        if problem.study.basins.is_some() {
            write_basins(&folder.join(BASINS), runs)?;
        }
        if problem.study.run.layers_every.is_some() {
            write_rows(&folder.join(LAYERS), runs.iter().flat_map(|run| &run.layers))?;
        }
        if problem.monitors() {
            write_rows(&folder.join(EPOCHS), runs.iter().flat_map(|run| &run.epochs))?;
            write_rows(&folder.join(EPOCH_LAYERS), runs.iter().flat_map(|run| &run.epoch_layers))?;
        }
        for run in runs {
            let stem = format!("{}-{}", run.arm, run.seed);
            let array = |kind: &str, theta: &[f64]| {
                write_npy(&folder.join(format!("theta-{stem}-{kind}.npy")), &[theta.len()], theta).map_err(misuse)
            };
            array("final", &run.outcome.theta)?;
            let Some(best) = &run.best else { continue };
            array("best", &best.theta)?;
            let own = problem.of_arm(&problem.study.arms[run.arm_index]);
            let Subject::Network(network) = &own.subject else { continue };
            let data = own.data(run.seed)?;
            let provenance = [
                ("version".to_string(), version()),
                ("study".to_string(), problem.study.name.clone()),
                ("arm".to_string(), run.arm.clone()),
                ("seed".to_string(), run.seed.to_string()),
                ("step".to_string(), best.step.to_string()),
                ("val_loss".to_string(), best.val_loss.to_string()),
            ];
            let model = SavedModel {
                network_toml: toml::to_string(&network.network).map_err(misuse)?,
                theta: best.theta.clone(),
                preprocessing: data.preprocessing(),
                outputs: network.loss_spec.kind.outputs(data.validation.targets()),
                provenance: provenance.into_iter().collect(),
            };
            model.save(&folder.join(format!("model-{stem}.gfmodel"))).map_err(misuse)?;
        }
        Ok(())
    }

    /// Writes the networks of `[depth]`; nothing without any.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_depth(&self, results: &[DepthResult]) -> Result<(), Report> {
        if results.is_empty() {
            return Ok(());
        }
        write_rows(&self.path().join(DEPTH), results.iter().map(|result| &result.network))?;
        write_rows(&self.path().join(DEPTH_LAYERS), results.iter().flat_map(|result| &result.layers))
    }

    /// Writes the range tests of `[lr_range]`; nothing without any.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_lr_range(&self, results: &[LrRangeResult]) -> Result<(), Report> {
        if results.is_empty() {
            return Ok(());
        }
        write_rows(&self.path().join(LR_RANGE), results.iter().flat_map(|result| &result.rows))?;
        write_rows(&self.path().join(LR_RANGE_LIMITS), results.iter().map(|result| &result.limits))
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
        let histories = read_histories(&path.join("history.csv")).map_err(misuse)?;
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

    /// The histories of an arm.
    pub fn arm<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a ArmHistory> {
        self.histories.iter().filter(move |history| history.arm == name)
    }
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

/// The study with all defaults, paths absolute, and where it comes from in comments.
fn resolved_study(problem: &Problem) -> Result<String, Report> {
    let mut study = problem.study.clone();
    let data = study.data.iter_mut().flat_map(|data| [&mut data.x, &mut data.y, &mut data.csv]);
    for path in data.flatten() {
        let resolved = problem.document.resolve(path);
        *path = std::path::absolute(&resolved).unwrap_or(resolved);
    }
    if study.run.steps.is_none() && study.run.epochs.is_none() {
        study.run.steps = Some(RunSpec::DEFAULT_STEPS);
    }
    for arm in &mut study.arms {
        let own = arm.method.settings().default_control();
        arm.control.get_or_insert(own);
    }
    let text = toml::to_string(&study).map_err(misuse)?;
    Ok(format!("# Resolved by {}; `gf run study.toml` repeats it.\n{text}", version()))
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

/// The file of basins.
pub(crate) const BASINS: &str = "basins.csv";

/// Columns: `arm`, `x`, `y` (the start), `end_x`, `end_y`, `converged` (1 or 0), `steps`.
fn write_basins(path: &Path, runs: &[ArmRun]) -> Result<(), Report> {
    write_atomically(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(["arm", "x", "y", "end_x", "end_y", "converged", "steps"])?;
        for run in runs {
            for row in &run.basins {
                let numbers = [row.start[0], row.start[1], row.end[0], row.end[1]].map(|x| x.to_string());
                let rest = [u64::from(row.converged).to_string(), row.steps.to_string()];
                csv.write_record(std::iter::once(run.arm.clone()).chain(numbers).chain(rest))?;
            }
        }
        csv.flush()
    })
    .map_err(misuse)
}

/// Columns: `arm`, `row`, inputs `x0…` (at most 8), targets `y0…` (or `label`), outputs `prediction0…`, all in the units of the data.
fn write_predictions(path: &Path, samples: &Samples, runs: &[ArmRun]) -> Result<(), Report> {
    const MOST_INPUTS: usize = 8;
    let (width, inputs) = (samples.width(), samples.width().min(MOST_INPUTS));
    write_atomically(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        let target_names: Vec<String> = match samples.targets() {
            Targets::Values { width, .. } => (0..*width).map(|k| format!("y{k}")).collect(),
            Targets::Classes { .. } => vec!["label".into()],
        };
        let outputs = runs.iter().find_map(|run| run.predictions.as_ref()).map_or(0, |p| p.len() / samples.len());
        let header = ["arm".to_string(), "row".into()]
            .into_iter()
            .chain((0..inputs).map(|k| format!("x{k}")))
            .chain(target_names)
            .chain((0..outputs).map(|k| format!("prediction{k}")));
        csv.write_record(header)?;
        for run in runs {
            let Some(predictions) = &run.predictions else { continue };
            for row in 0..samples.len() {
                let target: Vec<String> = match samples.targets() {
                    Targets::Values { width, values } => {
                        values[row * width..(row + 1) * width].iter().map(f64::to_string).collect()
                    }
                    Targets::Classes { labels, .. } => vec![labels[row].to_string()],
                };
                let x = samples.inputs()[row * width..row * width + inputs].iter().map(f64::to_string);
                let o = predictions[row * outputs..(row + 1) * outputs].iter().map(f64::to_string);
                csv.write_record([run.arm.clone(), row.to_string()].into_iter().chain(x).chain(target).chain(o))?;
            }
        }
        csv.flush()
    })
    .map_err(misuse)
}
