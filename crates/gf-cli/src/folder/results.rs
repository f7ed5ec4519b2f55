//! The files of what runs came to.

use std::path::Path;

use gf_core::{Samples, Targets};
use gf_utils::history::write_histories;
use gf_utils::npy::write_npy;
use gf_utils::{Preprocessing, SavedModel, write_atomically};
use miette::Report;

use super::{
    BASINS, DEPTH, DEPTH_LAYERS, EPOCH_LAYERS, EPOCHS, FolderWriter, HISTORY, LANDSCAPE, LANDSCAPE_PLANE, LAYERS,
    LR_RANGE, LR_RANGE_LIMITS, PREDICTIONS, SUMMARY, resolved_study, write_rows, write_summary, write_text,
};
use crate::classification;
use crate::runner::{ArmRun, DepthResult, FirstStep, Landscape, LrRangeResult};
use crate::spectrum_file;
use crate::study::{Problem, Subject, misuse};
use crate::summary::{Summary, version};

impl FolderWriter {
    /// Writes all data of a run; `samples` are those of its first seed.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(
        &self,
        problem: &Problem,
        samples: &[RunSamples],
        runs: &[ArmRun],
        first_steps: Vec<FirstStep>,
    ) -> Result<(), Report> {
        let folder = self.path();
        let sizes = samples.first().map_or([0, 0], |samples| samples.sizes);
        let summary = Summary::new(problem, runs, first_steps, sizes);
        write_text(&folder.join("study.toml"), &resolved_study(problem)?)?;
        write_summary(folder, &summary)?;
        let histories = runs.iter().map(|run| (run.arm.as_str(), run.seed, &run.history));
        write_histories(&folder.join(HISTORY), histories).map_err(misuse)?;
        if let Some(RunSamples { validation: Some(validation), preprocessing, .. }) = samples.first() {
            write_predictions(&folder.join(PREDICTIONS), validation, runs)?;
            let class_names = preprocessing.class_names.as_deref();
            let classes = classification::rows(problem, validation, class_names, runs)?;
            if !classes.scores.is_empty() {
                write_rows(&folder.join(classification::SCORES), classes.scores.iter())?;
                write_rows(&folder.join(classification::CLASSES), classes.classes.iter())?;
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
            let Some(samples) = samples.iter().find(|samples| samples.seed == run.seed) else { continue };
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
                preprocessing: samples.preprocessing.clone(),
                outputs: network.loss_spec.kind.outputs(&samples.targets),
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

    /// Writes the plane of `[landscape]`; nothing without one.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_landscape(&self, landscape: Option<&Landscape>) -> Result<(), Report> {
        let Some(landscape) = landscape else { return Ok(()) };
        let json = serde_json::to_string(landscape).map_err(misuse)?;
        write_text(&self.path().join(LANDSCAPE), &(json + "\n"))?;
        if landscape.vectors.is_empty() {
            return Ok(());
        }
        let path = self.path().join(LANDSCAPE_PLANE);
        write_npy(&path, &[3, landscape.vectors.len() / 3], &landscape.vectors).map_err(misuse)
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
}

/// What files hold of the samples of a seed.
pub struct RunSamples {
    seed: u64,
    /// For training and for validation.
    sizes: [usize; 2],
    preprocessing: Preprocessing,
    /// Without numbers: whether they are classes or values.
    targets: Targets,
    /// The validation samples in the units of the data with their first inputs; of the first seed.
    validation: Option<Samples>,
}

impl RunSamples {
    /// Of all seeds of a study, from all ranks; none of a function.
    ///
    /// # Errors
    /// When a split is impossible.
    pub fn collect(problem: &Problem) -> Result<Vec<Self>, Report> {
        let Subject::Network(_) = problem.subject else { return Ok(Vec::new()) };
        let of_seed = |(index, seed): (usize, &u64)| {
            let data = problem.data(*seed)?;
            let held = &data.in_data_units;
            let validation = || problem.ranks.all_samples(held.part(), held.own(), MOST_INPUTS);
            Ok(Self {
                seed: *seed,
                sizes: [data.train.len(), held.len()],
                preprocessing: data.preprocessing(),
                targets: match data.validation.own().targets() {
                    Targets::Values { width, .. } => Targets::Values { width: *width, values: Vec::new() },
                    Targets::Classes { classes, .. } => Targets::Classes { classes: *classes, labels: Vec::new() },
                },
                validation: if index == 0 { Some(validation()?) } else { None },
            })
        };
        problem.study.run.seeds.iter().enumerate().map(of_seed).collect()
    }
}

/// Inputs in `predictions.csv`.
const MOST_INPUTS: usize = 8;

/// Removes what [`FolderWriter`] and reports wrote, the summary first: without it, the folder is not complete.
///
/// # Errors
/// Names the file that cannot be removed.
pub(crate) fn remove_results(folder: &Path) -> Result<(), Report> {
    let fail = |path: &Path, error: std::io::Error| misuse(format!("{}: cannot remove: {error}", path.display()));
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_result(name))
        .collect();
    names.sort_by_key(|name| name != SUMMARY);
    for path in names.iter().map(|name| folder.join(name)) {
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        match removed {
            // Another shard has removed it.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a file of this name is a result; a file of the user's is not.
fn is_result(name: &str) -> bool {
    const NAMES: [&str; 23] = [
        SUMMARY,
        HISTORY,
        PREDICTIONS,
        BASINS,
        DEPTH,
        DEPTH_LAYERS,
        EPOCHS,
        EPOCH_LAYERS,
        LANDSCAPE,
        LANDSCAPE_PLANE,
        LAYERS,
        LR_RANGE,
        LR_RANGE_LIMITS,
        classification::SCORES,
        classification::CLASSES,
        classification::CONFUSION,
        classification::CALIBRATION,
        spectrum_file::SPECTRUM,
        spectrum_file::CENTRAL_FLOW,
        spectrum_file::BLOCKS,
        "figures",
        "tables",
        "report.html",
    ];
    let is_of_arm = |prefix: &str, suffix: &str| name.starts_with(prefix) && name.ends_with(suffix);
    NAMES.contains(&name)
        || is_of_arm("theta-", ".npy")
        || is_of_arm("eigenvalues-", ".npy")
        || is_of_arm("model-", ".gfmodel")
}

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
