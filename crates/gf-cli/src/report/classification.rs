//! Classes: accuracy over the seeds, scores, of each class too, confusion and reliability of the first seed.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant, style};
use gf_utils::history::ArmHistory;
use gf_utils::stats::{median, quartiles};
use miette::Report;

use super::extremes::extremes;
use super::styles;
use crate::classification::{
    CALIBRATION, CLASSES, CONFUSION, CalibrationRow, ClassRow, ConfusionRow, SCORES, ScoreRow,
};
use crate::folder::{Folder, read_rows};
use crate::summary::ArmSummary;

/// Arms that are drawn; the files have all.
const MOST_PANELS: usize = 6;
const ACCURACY: &str = "val_accuracy";
const EACH_CLASS: &str = "Class by class: recall is the share of the samples of a class that was taken for it, precision the share of what was taken for it that is of it, \
    F₁ their harmonic mean. In the macro average each class counts alike, in the weighted one by its samples.";

/// The section; empty where no arm chooses among classes.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    if !folder.path.join(SCORES).exists() {
        return Ok(Vec::new());
    }
    let mut scores: Vec<ScoreRow> = read_rows(&folder.path.join(SCORES))?;
    scores.retain(|score| folder.has_arm(&score.arm));
    let confusion: Vec<ConfusionRow> = read_rows(&folder.path.join(CONFUSION))?;
    let bins: Vec<CalibrationRow> = read_rows(&folder.path.join(CALIBRATION))?;
    if scores.is_empty() {
        return Ok(Vec::new());
    }
    let mut blocks = vec![Block::Table(table(folder, &scores))];
    let arms = || styles::arms(folder);
    let confusions: Vec<Panel> =
        arms().filter_map(|(_, arm)| confusion_panel(arm, &confusion)).take(MOST_PANELS).collect();
    if !confusions.is_empty() {
        let caption = "Confusion on the validation set of the first seed, at the end: how many samples of each true class were taken for which. \
                       What lies off the diagonal is wrong.";
        let caption = format!("{caption}{}{}", most_confused(&confusion), names(&confusion));
        blocks.push(Block::Figure(Figure::new("confusion", caption, confusions)));
    }
    // Folders of earlier versions have no such file.
    let file = folder.path.join(CLASSES);
    let classes: Vec<ClassRow> = if file.exists() { read_rows(&file)? } else { Vec::new() };
    if !classes.is_empty() {
        blocks.push(Block::Paragraph(EACH_CLASS.into()));
    }
    blocks.extend(arms().filter_map(|(_, arm)| class_table(arm, &classes)).map(Block::Table));
    let reliability: Vec<Panel> =
        arms().filter_map(|(style, arm)| reliability_panel(style, arm, &bins)).take(MOST_PANELS).collect();
    if !reliability.is_empty() {
        let caption = "Reliability on the validation set of the first seed, at the end. Each point is a bin of confidences, the probabilities of the \
                       predicted classes: on the diagonal they are right as often as they say, below it too sure of themselves, above it too \
                       unsure. The lines through the points are intervals of 95 % (Wilson): where they meet the diagonal the gap may be chance. The gray \
                       bars are the share of all samples in each bin.";
        let errors = extremes(scores.iter().map(|score| (score.arm.as_str(), score.expected_calibration_error)));
        let caption = format!("{caption}{}", errors.map_or_else(String::new, |ends| format!(" ECE: {ends}.")));
        blocks.push(Block::Figure(Figure::new("reliability", caption, reliability)));
    }
    Ok(blocks)
}

fn table(folder: &Folder, scores: &[ScoreRow]) -> Table {
    let number = |value: f64| if value.is_nan() { "–".to_string() } else { significant(value, 3) };
    let rows = scores.iter().map(|score| {
        let at_end: Vec<f64> = folder.arm(&score.arm).filter_map(|run| last_accuracy(folder, run)).collect();
        let at_best: Vec<f64> = folder.arm(&score.arm).filter_map(best_accuracy).collect();
        let [low, middle, high] = quartiles(&at_end).unwrap_or([f64::NAN; 3]).map(|share| percent(share, 1));
        vec![
            score.arm.clone(),
            middle,
            format!("{low} … {high}"),
            percent(median(&at_best).unwrap_or(f64::NAN), 1),
            number(score.macro_f1),
            number(score.balanced_accuracy),
            number(score.log_loss),
            number(score.brier),
            number(score.expected_calibration_error),
        ]
    });
    let columns = [
        "arm",
        ">accuracy at the end, %",
        ">quartiles",
        ">at the lowest val. loss, %",
        ">macro F₁",
        ">balanced accuracy",
        ">log loss, nats",
        ">Brier score",
        ">ECE",
    ];
    let caption = "Accuracy on the validation set: median and quartiles over the seeds at the end, and the median at the step of the lowest validation \
                   loss, which was chosen on that set and is therefore a little too good. The other columns are of the first seed at the end. ECE: \
                   expected calibration error, mean gap between confidence and share of right predictions over ten bins.";
    Table::new(caption, &columns, rows.collect())
}

/// The accuracy of the last row that has one; that of a failed run is 0.
fn last_accuracy(folder: &Folder, run: &ArmHistory) -> Option<f64> {
    if folder.has_failed(run) {
        return Some(0.0);
    }
    run.table.column(ACCURACY)?.into_iter().rfind(|accuracy| !accuracy.is_nan())
}

fn best_accuracy(run: &ArmHistory) -> Option<f64> {
    let (losses, accuracies) = (run.table.column("val_loss")?, run.table.column(ACCURACY)?);
    let rows = losses.into_iter().zip(accuracies).filter(|(loss, accuracy)| !loss.is_nan() && !accuracy.is_nan());
    rows.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, accuracy)| accuracy)
}

fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}", 100.0 * share)
}

/// Precision, recall and F₁ of each class of an arm, and their averages; none for an arm that chooses among no classes.
fn class_table(arm: &ArmSummary, rows: &[ClassRow]) -> Option<Table> {
    let rows: Vec<&ClassRow> = rows.iter().filter(|row| row.arm == arm.name).collect();
    let seed = rows.first()?.seed;
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_string(), |share| format!("{share:.3}"));
    let cells = rows.iter().map(|row| {
        let name = if row.average.is_empty() { row.class.clone() } else { format!("{} average", row.average) };
        let [precision, recall, f1] = [row.precision, row.recall, row.f1].map(share);
        vec![name, precision, recall, f1, row.support.to_string(), row.predicted.to_string()]
    });
    let never = rows.iter().filter(|row| row.average.is_empty() && row.predicted == 0).count();
    let missing = match never {
        0 => String::new(),
        1 => " One class was never predicted: it has no precision (–), and averages leave it out.".to_string(),
        count => {
            format!(" {count} classes were never predicted: they have no precision (–), and averages leave them out.")
        }
    };
    let caption =
        format!("{}, class by class: the validation set of the first seed ({seed}), at the end.{missing}", arm.name);
    let columns = ["class", ">precision", ">recall", ">F₁", ">samples", ">taken for it"];
    Some(Table::new(caption, &columns, cells.collect()))
}

/// The classes of a confusion in the order of their labels.
fn classes(rows: &[&ConfusionRow]) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    for row in rows {
        if !classes.contains(&row.truth) {
            classes.push(row.truth.clone());
        }
    }
    classes
}

/// The largest count off the diagonal, in a sentence.
fn most_confused(rows: &[ConfusionRow]) -> String {
    let wrong = rows.iter().filter(|row| row.truth != row.predicted && row.count > 0);
    // The first of equals.
    let Some(most) = wrong.rev().max_by_key(|row| row.count) else { return " Nothing does.".into() };
    let predicted =
        if most.predicted.is_empty() { "no class (NaN)".to_string() } else { format!("class {}", most.predicted) };
    format!(" The largest count there: {}, class {} taken for {predicted} by {}.", most.count, most.truth, most.arm)
}

/// What the numbers on the axes stand for, where classes have names.
fn names(rows: &[ConfusionRow]) -> String {
    let classes = classes(&rows.iter().collect::<Vec<_>>());
    if classes.iter().enumerate().all(|(label, name)| *name == label.to_string()) {
        return String::new();
    }
    let pairs: Vec<String> = classes.iter().enumerate().map(|(label, name)| format!("{label} {name}")).collect();
    format!(" Classes: {}.", pairs.join(", "))
}

fn confusion_panel(arm: &ArmSummary, rows: &[ConfusionRow]) -> Option<Panel> {
    let rows: Vec<&ConfusionRow> = rows.iter().filter(|row| row.arm == arm.name).collect();
    let classes = classes(&rows);
    let label = |name: &String| classes.iter().position(|class| class == name);
    let mut counts = vec![vec![0; classes.len()]; classes.len()];
    let mut right = 0;
    for row in &rows {
        if let (Some(truth), Some(predicted)) = (label(&row.truth), label(&row.predicted)) {
            counts[truth][predicted] = row.count;
            right += if truth == predicted { row.count } else { 0 };
        }
    }
    let all: u64 = rows.iter().map(|row| row.count).sum();
    let (first, last) = (-0.5, classes.len() as f64 - 0.5);
    let axis = |label: &str| Axis::linear(label).within(first, last);
    let title = format!("{}: {right} of {all} right", arm.name);
    (!classes.is_empty())
        .then(|| Panel::new(title, axis("predicted class"), axis("true class")).with(Mark::Counts { counts }))
}

fn reliability_panel(index: usize, arm: &ArmSummary, rows: &[CalibrationRow]) -> Option<Panel> {
    /// Half the gap between bars.
    const GAP: f64 = 0.004;
    /// Points at 0 and 1 are not cut.
    const EDGE: f64 = 0.03;
    const GRAY: usize = 6;
    let rows: Vec<&CalibrationRow> = rows.iter().filter(|row| row.arm == arm.name).collect();
    let all: u64 = rows.iter().map(|row| row.count).sum();
    if all == 0 {
        return None;
    }
    let axis = |label: &str| Axis::linear(label).within(-EDGE, 1.0 + EDGE);
    let mut panel = Panel::new(&arm.name, axis("confidence (probability)"), axis("share of right predictions"));
    for row in rows.iter().filter(|row| row.count > 0) {
        let share = row.count as f64 / all as f64;
        panel = panel.with(Mark::band(GRAY, vec![row.low + GAP, row.high - GAP], vec![0.0; 2], vec![share; 2]));
    }
    panel = panel.with(Mark::line("calibrated", GRAY, vec![0.0, 1.0], vec![0.0, 1.0]));
    for row in rows.iter().filter(|row| row.count > 0) {
        let ends = row.accuracy_low.into_iter().chain(row.accuracy_high).collect();
        panel = panel.with(Mark::line("", style(index, 0), vec![row.confidence; 2], ends));
    }
    let (x, y): (Vec<f64>, Vec<f64>) =
        rows.iter().filter(|row| row.count > 0).map(|row| (row.confidence, row.accuracy)).unzip();
    Some(panel.with(Mark::Cells { label: arm.name.clone(), style: index, x, y }))
}
