//! Curves over steps, flow time, work and seconds: median over seeds with the band between the quartiles.

use gf_report::{Axis, Block, Figure, Mark, Panel};
use gf_utils::history::{ArmHistory, Row};
use gf_utils::stats::{median, quartiles};

use super::extremes::extremes;
use super::styles;
use super::tables::metric_names;
use crate::folder::Folder;

/// One arm's curve: abscissas and quartiles of the ordinates, row by row.
pub(super) struct Curve {
    pub(super) x: Vec<f64>,
    low: Vec<f64>,
    pub(super) middle: Vec<f64>,
    high: Vec<f64>,
}

impl Curve {
    /// The area between the quartiles.
    pub(super) fn band(&self, style: usize) -> Mark {
        Mark::band(style, self.x.clone(), self.low.clone(), self.high.clone())
    }
}

/// Columns of the history that stand on the horizontal axis beside steps, with their labels and titles.
pub(super) const OTHER_AXES: [(&str, &str, &str); 3] = [
    ("time", "flow time t = Σh", "flow time"),
    ("grad_equivalents", "work in gradient-equivalents", "work"),
    ("wall_s", "seconds in steps", "wall clock"),
];

/// Last step of the short view, as in the original's plots.
const SHORT: usize = 45;

/// Whether the short view has a curve: evaluations beside its start and its end, and beside the last row of a run that failed early.
fn has_early_evaluations(folder: &Folder) -> bool {
    folder.histories.iter().any(|history| {
        let is_seen = |row: &&Row| (1..SHORT as u64).contains(&row.step) && !row.val_loss.is_nan();
        history.table.rows().iter().filter(is_seen).count() > 1
    })
}

/// All figures of curves.
pub(super) fn blocks(folder: &Folder) -> Vec<Block> {
    let metric = metric_names(folder).into_iter().next();
    let steps = folder.steps() as usize;
    let is_function = folder.study.problem.is_some();
    let mut over_steps = Vec::new();
    for column in std::iter::once("val_loss".to_string()).chain(metric.clone()) {
        if steps > SHORT && has_early_evaluations(folder) {
            over_steps.push(panel(
                folder,
                "step",
                "step k",
                &column,
                &format!("steps 0 to {SHORT}"),
                Some(SHORT),
                false,
            ));
        }
        over_steps.push(with_other_axes(folder, &column, &format!("steps 0 to {steps}")));
    }
    let band = "Lines: median over seeds; bands: between the quartiles, left out where a quarter of the seeds or more have failed. \
                Step 0 is the start, before any update.";
    let mut blocks = vec![Block::Figure(Figure::new(
        "validation-over-steps",
        format!(
            "{}{} against steps.{} {band}",
            if is_function { "L(θ)" } else { "Validation loss" },
            metric.as_ref().map(|m| format!(" and {}", y_label(m))).unwrap_or_default(),
            at_the_end(folder)
        ),
        over_steps,
    ))];
    let mut panels: Vec<Panel> =
        OTHER_AXES.iter().map(|(x, label, title)| panel(folder, x, label, "val_loss", title, None, true)).collect();
    let (what, and) = match is_function {
        true => ("L(θ)", ""),
        false => {
            panels.push(panel(folder, "step", "step k", "train_loss", "training loss", None, false));
            ("Validation loss", ", and training loss against steps")
        }
    };
    blocks.push(Block::Figure(Figure::new(
        "validation-over-other-axes",
        format!(
            "{what} against flow time (methods that follow the flow's clock only), work and seconds{and}. The axis decides who is ahead: an \
             implicit step covers more flow time and costs more work.{}",
            work(folder)
        ),
        panels,
    )));
    if let Some(metric) = metric {
        let panels =
            OTHER_AXES.iter().map(|(x, label, title)| panel(folder, x, label, &metric, title, None, true)).collect();
        blocks.push(Block::Figure(Figure::new(
            "metric-over-other-axes",
            format!(
                "{} against flow time, work and seconds: medians over seeds with the band between the quartiles. An arm is ahead where its line is \
                 better at the same abscissa.",
                capital(y_label(&metric))
            ),
            panels,
        )));
    }
    blocks
}

/// The lowest and the highest median loss at the end, in a sentence, and how many runs failed.
fn at_the_end(folder: &Folder) -> String {
    let arms = &folder.summary.arms;
    let losses = arms.iter().map(|arm| (arm.name.as_str(), arm.final_val_loss_quartiles[1].unwrap_or(f64::INFINITY)));
    let mut text = extremes(losses).map_or_else(String::new, |ends| format!(" Losses at the end: {ends}."));
    let runs = || arms.iter().flat_map(|arm| &arm.runs);
    let failed = runs().filter(|run| run.failure.is_some()).count();
    if failed > 0 {
        text += &format!(" {failed} of {} runs failed on the way.", runs().count());
    }
    text
}

/// The least and the most work of a whole run, in a sentence.
fn work(folder: &Folder) -> String {
    let of_arms = folder.summary.arms.iter().filter_map(|arm| {
        let work: Vec<f64> = arm.runs.iter().map(|run| run.grad_equivalents).collect();
        Some((arm.name.as_str(), median(&work)?))
    });
    extremes(of_arms).map_or_else(String::new, |ends| format!(" Gradient-equivalents of a whole run: {ends}."))
}

/// Against all steps, with the other abscissas to choose.
fn with_other_axes(folder: &Folder, column: &str, title: &str) -> Panel {
    let over_steps = panel(folder, "step", "step k", column, title, None, false);
    OTHER_AXES.iter().fold(over_steps, |over_steps, (x, label, title)| {
        let other = panel(folder, x, label, column, title, None, true);
        over_steps.with_view(other.x, other.marks)
    })
}

fn panel(folder: &Folder, x: &str, x_label: &str, y: &str, title: &str, last: Option<usize>, log_x: bool) -> Panel {
    let curves: Vec<(usize, &str, Curve)> = styles::arms(folder)
        .filter_map(|(style, arm)| curve(folder, &arm.name, x, y, last).map(|curve| (style, arm.name.as_str(), curve)))
        .collect();
    let is_accuracy = y.ends_with("accuracy");
    let label = if folder.study.problem.is_some() { "L(θ)" } else { y_label(y) };
    let y_axis = if is_accuracy { Axis::linear(label) } else { Axis::log(label) };
    let y_axis = match y_range(&curves, at_the_start(folder, y), is_accuracy) {
        Some((low, high)) => y_axis.within(low, high),
        None => y_axis,
    };
    let x_axis = if log_x { Axis::log(x_label) } else { Axis::linear(x_label) };
    let mut panel = Panel::new(title, x_axis, y_axis);
    for (style, _, curve) in &curves {
        panel = panel.with(curve.band(*style));
    }
    for (style, name, curve) in curves {
        panel = panel.with(Mark::line(name, style, curve.x, curve.middle));
    }
    panel
}

/// The quartiles of an arm over seeds; none if it does not have this abscissa. Over steps they are taken row by row; over other axes, where the
/// seeds' abscissas differ, at common points, each run read at its last row before the point.
pub(super) fn curve(folder: &Folder, arm: &str, x: &str, y: &str, last: Option<usize>) -> Option<Curve> {
    const POINTS: usize = 300;
    let mut runs = Vec::new();
    for history in folder.arm(arm) {
        let (x, y) = (history.table.column(x)?, history.table.column(y)?);
        if x.iter().any(|x| x.is_nan()) {
            return None;
        }
        // Rows that were not evaluated are skipped; a failed run is infinite after its last row.
        let failed = folder.has_failed(history);
        let rows: Vec<(f64, f64)> = x.into_iter().zip(y).filter(|(_, y)| !y.is_nan()).collect();
        runs.push((rows, failed));
    }
    let ends = runs.iter().filter_map(|(rows, _)| rows.last().map(|row| row.0));
    let end = ends.fold(0.0, f64::max);
    let points: Vec<f64> = if x == "step" {
        let end = last.map_or(end, |last| end.min(last as f64));
        runs.iter()
            .map(|(rows, _)| rows)
            .max_by_key(|rows| rows.len())?
            .iter()
            .map(|row| row.0)
            .filter(|x| *x <= end)
            .collect()
    } else {
        // From the first positive abscissa, on the logarithmic axis.
        let start =
            runs.iter().filter_map(|(rows, _)| rows.iter().map(|row| row.0).find(|x| *x > 0.0)).fold(0.0, f64::max);
        if !(start > 0.0 && end >= start) {
            return None;
        }
        (0..POINTS).map(|k| start * (end / start).powf(k as f64 / (POINTS - 1) as f64)).collect()
    };
    let mut curve = Curve { x: vec![], low: vec![], middle: vec![], high: vec![] };
    for point in points {
        // Where the first seed ends, the median would jump to that of the others: the curve ends there.
        let ordinates: Option<Vec<f64>> = runs.iter().map(|(rows, failed)| read(rows, *failed, point)).collect();
        let Some([low, middle, high]) = ordinates.and_then(|ordinates| quartiles(&ordinates)) else { break };
        curve.x.push(point);
        // No band where a quarter of the seeds or more have failed.
        let is_band = low.is_finite() && high.is_finite();
        curve.low.push(if is_band { low } else { f64::NAN });
        curve.middle.push(middle);
        curve.high.push(if is_band { high } else { f64::NAN });
    }
    Some(curve)
}

/// A run at a point: its last row at or before it; infinite after the end of a failed run, nothing after the end of another.
fn read(rows: &[(f64, f64)], failed: bool, point: f64) -> Option<f64> {
    let end = rows.last()?.0;
    // Rounding of the points must not cut the last one off.
    if point > end * (1.0 + 1e-9) {
        return failed.then_some(f64::INFINITY);
    }
    Some(rows[rows.partition_point(|row| row.0 <= point * (1.0 + 1e-9)).saturating_sub(1)].1)
}

/// The largest first number of a column, before any step: over flow time and work curves begin after their first step, where some have exploded.
fn at_the_start(folder: &Folder, column: &str) -> f64 {
    let first = |history: &ArmHistory| history.table.column(column)?.into_iter().find(|value| !value.is_nan());
    folder.histories.iter().filter_map(first).filter(|value| value.is_finite()).fold(0.0, f64::max)
}

/// From the lowest quartile to ten times the start: an exploding arm leaves the panel at its top instead of flattening the others.
fn y_range(curves: &[(usize, &str, Curve)], start: f64, is_accuracy: bool) -> Option<(f64, f64)> {
    let finite = |v: &f64| v.is_finite() && *v > 0.0;
    let low = curves.iter().flat_map(|(_, _, c)| c.low.iter().copied()).filter(finite).fold(f64::INFINITY, f64::min);
    let high = curves.iter().flat_map(|(_, _, c)| c.high.iter().copied()).filter(finite).fold(0.0, f64::max);
    if !(low.is_finite() && high > 0.0) {
        return None;
    }
    if is_accuracy {
        return Some((0.0, 1.0));
    }
    let high = if start > 0.0 { high.min(10.0 * start) } else { high };
    (high > low).then_some((0.8 * low, 1.25 * high))
}

/// With its first letter large.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn y_label(column: &str) -> &str {
    match column {
        "val_loss" => "validation loss",
        "train_loss" => "training loss",
        "val_mae" => "validation MAE",
        "val_accuracy" => "validation accuracy",
        other => other,
    }
}
