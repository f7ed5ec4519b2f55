//! What a run of a classifier leaves: scores, of each class too, confusion and calibration of each arm, on the validation set of the first seed at its end.

use gf_core::Samples;
use gf_utils::classification::{Calibration, Confusion, class_labels, predicted_classes};
use gf_utils::stats::wilson_interval;
use miette::Report;
use serde::{Deserialize, Serialize};

use crate::runner::ArmRun;
use crate::study::{Problem, Subject, misuse};
use crate::summary::null_is_nan;

/// Bins of confidences, of equal width on [0, 1].
pub(crate) const BINS: usize = 10;

/// The files.
pub(crate) const SCORES: &str = "classification.csv";
pub(crate) const CLASSES: &str = "classes.csv";
pub(crate) const CONFUSION: &str = "confusion.csv";
pub(crate) const CALIBRATION: &str = "calibration.csv";

/// A row of `classification.csv`. Without probabilities there are none of their scores.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScoreRow {
    pub(crate) arm: String,
    pub(crate) seed: u64,
    #[serde(with = "null_is_nan")]
    pub(crate) accuracy: f64,
    #[serde(with = "null_is_nan")]
    pub(crate) balanced_accuracy: f64,
    #[serde(with = "null_is_nan")]
    pub(crate) macro_f1: f64,
    #[serde(with = "null_is_nan")]
    pub(crate) log_loss: f64,
    #[serde(with = "null_is_nan")]
    pub(crate) brier: f64,
    #[serde(with = "null_is_nan")]
    pub(crate) expected_calibration_error: f64,
    #[serde(with = "null_is_nan")]
    pub(crate) largest_calibration_error: f64,
}

/// A row of `classes.csv`: a class, or an average over classes. A score whose denominator is 0 does not exist, and is left out of averages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClassRow {
    pub(crate) arm: String,
    pub(crate) seed: u64,
    /// `macro` or `weighted`; empty for a class.
    pub(crate) average: String,
    /// Empty for an average.
    pub(crate) class: String,
    pub(crate) precision: Option<f64>,
    pub(crate) recall: Option<f64>,
    pub(crate) f1: Option<f64>,
    /// Samples of the class; for an average of all.
    pub(crate) support: u64,
    /// Samples taken for the class; for an average for any.
    pub(crate) predicted: u64,
}

/// A row of `confusion.csv`: of so many samples of class `truth` the outputs said `predicted` (nothing where they are NaN).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConfusionRow {
    pub(crate) arm: String,
    pub(crate) seed: u64,
    pub(crate) truth: String,
    pub(crate) predicted: String,
    pub(crate) count: u64,
}

/// A row of `calibration.csv`: a bin of confidences, `low` excluded, `high` included. Mean confidence, share of right predictions and Wilson's
/// interval of 95 % for it; none in an empty bin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CalibrationRow {
    pub(crate) arm: String,
    pub(crate) seed: u64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) count: u64,
    #[serde(with = "null_is_nan")]
    pub(crate) confidence: f64,
    #[serde(with = "null_is_nan")]
    pub(crate) accuracy: f64,
    pub(crate) accuracy_low: Option<f64>,
    pub(crate) accuracy_high: Option<f64>,
}

/// The rows of the four files.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) scores: Vec<ScoreRow>,
    pub(crate) classes: Vec<ClassRow>,
    pub(crate) confusion: Vec<ConfusionRow>,
    pub(crate) calibration: Vec<CalibrationRow>,
}

/// Of the arms whose outputs choose among classes.
///
/// # Errors
/// When targets are no classes although the losses say so.
pub(crate) fn rows(
    problem: &Problem,
    validation: &Samples,
    names: Option<&[String]>,
    runs: &[ArmRun],
) -> Result<Rows, Report> {
    let mut rows = Rows::default();
    for run in runs {
        let Some(outputs) = &run.predictions else { continue };
        let own = problem.of_arm(&problem.study.arms[run.arm_index]);
        let Subject::Network(network) = &own.subject else { continue };
        let (width, kind) = (network.network.outputs(), network.loss_spec.kind);
        let meaning = kind.outputs(validation.targets());
        let Some(classes) = meaning.classes(width) else { continue };
        // Soft targets are no classes; their accuracy is not asked for either.
        let Ok(labels) = class_labels(validation.targets()) else { continue };
        let confusion = Confusion::new(classes, &labels, &predicted_classes(width, outputs)).map_err(misuse)?;
        let probabilities = meaning.probabilities(width, outputs);
        let calibration = probabilities.map(|p| Calibration::new(&p, &labels, BINS)).transpose().map_err(misuse)?;
        let name =
            |class: usize| names.and_then(|names| names.get(class)).cloned().unwrap_or_else(|| class.to_string());
        let (arm, seed) = (&run.arm, run.seed);
        let score = |of: fn(&Calibration) -> f64| calibration.as_ref().map_or(f64::NAN, of);
        rows.scores.push(ScoreRow {
            arm: arm.clone(),
            seed,
            accuracy: confusion.accuracy(),
            balanced_accuracy: confusion.balanced_accuracy(),
            macro_f1: confusion.macro_f1(),
            log_loss: score(|c| c.log_loss),
            brier: score(|c| c.brier),
            expected_calibration_error: score(|c| c.expected_error),
            largest_calibration_error: score(|c| c.largest_error),
        });
        rows.classes.extend(class_rows(&confusion, name).into_iter().map(|row| ClassRow {
            arm: arm.clone(),
            seed,
            ..row
        }));
        for truth in 0..classes {
            let counts =
                (0..classes).map(|predicted| (name(predicted), confusion.counts()[truth * classes + predicted]));
            let undecided = confusion.undecided()[truth];
            let undecided = (undecided > 0).then(|| (String::new(), undecided));
            rows.confusion.extend(counts.chain(undecided).map(|(predicted, count)| ConfusionRow {
                arm: arm.clone(),
                seed,
                truth: name(truth),
                predicted,
                count,
            }));
        }
        let bins = calibration.iter().flat_map(|calibration| &calibration.bins);
        rows.calibration.extend(bins.map(|bin| {
            let interval = wilson_interval((bin.accuracy * bin.count as f64).round() as u64, bin.count);
            CalibrationRow {
                arm: arm.clone(),
                seed,
                low: bin.low,
                high: bin.high,
                count: bin.count,
                confidence: bin.confidence,
                accuracy: bin.accuracy,
                accuracy_low: interval.map(|[low, _]| low),
                accuracy_high: interval.map(|[_, high]| high),
            }
        }));
    }
    Ok(rows)
}

/// A row for each class, then the averages; of no arm yet.
fn class_rows(confusion: &Confusion, name: impl Fn(usize) -> String) -> Vec<ClassRow> {
    const SCORES: [fn(&Confusion, usize) -> Option<f64>; 3] = [Confusion::precision, Confusion::recall, Confusion::f1];
    let row =
        |average: &str, class: String, [precision, recall, f1]: [Option<f64>; 3], [support, predicted]: [u64; 2]| {
            ClassRow {
                arm: String::new(),
                seed: 0,
                average: average.into(),
                class,
                precision,
                recall,
                f1,
                support,
                predicted,
            }
        };
    let counts = |class: usize| [confusion.support(class), confusion.predicted(class)];
    let of_classes = (0..confusion.classes())
        .map(|class| row("", name(class), SCORES.map(|score| score(confusion, class)), counts(class)));
    let all = (0..confusion.classes()).map(counts).fold([0, 0], |sum, next| [sum[0] + next[0], sum[1] + next[1]]);
    let averages = [
        row("macro", String::new(), SCORES.map(|score| confusion.macro_average(score)), all),
        row("weighted", String::new(), SCORES.map(|score| confusion.weighted_average(score)), all),
    ];
    of_classes.chain(averages).collect()
}
