//! Step sizes along the runs.

use gf_report::{Axis, Block, Figure, Mark, Panel};

use super::curves::curve;
use super::styles;
use crate::folder::Folder;

/// Above this ratio of the largest size to the smallest a logarithmic axis is drawn too.
const WIDE: f64 = 30.0;
/// Losses up to this multiple of the lowest are shown late in the run.
const SHOWN: f64 = 3.0;
/// Points of a line.
pub(crate) const POINTS: usize = 2000;

/// The sizes that all arms took, and what came of them, where one has a schedule.
pub(super) fn blocks(folder: &Folder) -> Vec<Block> {
    if folder.study.arms.iter().all(|arm| arm.schedule.is_none()) {
        return Vec::new();
    }
    let lines = styles::arms(folder).filter_map(|(style, arm)| {
        let history = folder.arm(&arm.name).next()?;
        let rows = history.table.rows();
        // Row 0 is the start, which no step led to.
        let shown = (1..rows.len()).step_by(rows.len().div_ceil(POINTS).max(1));
        let points = shown.filter_map(|row| rows[row].learning_rate.map(|h| (rows[row].epoch, h)));
        let (epochs, sizes) = points.unzip();
        Some(Line { label: arm.name.clone(), style, epochs, sizes })
    });
    let caption = "The size that each accepted step was made with, first seed: h in flow time for methods that follow the flow, the learning rate for others.";
    vec![Block::Figure(figure("schedules", caption, lines.collect())), Block::Figure(late(folder))]
}

/// The validation loss after the first quarter of the steps, where the fall from the start no longer hides what the sizes do.
fn late(folder: &Folder) -> Figure {
    let from = folder.steps() as f64 / 4.0;
    let mut panel = Panel::new("", Axis::linear("step k"), Axis::log("validation loss"));
    let mut least = f64::INFINITY;
    for (style, arm) in styles::arms(folder) {
        let Some(curve) = curve(folder, &arm.name, "step", "val_loss", None) else { continue };
        let (x, y): (Vec<f64>, Vec<f64>) = curve.x.into_iter().zip(curve.middle).filter(|(x, _)| *x >= from).unzip();
        least = y.iter().copied().filter(|loss| *loss > 0.0).fold(least, f64::min);
        panel = panel.with(Mark::line(&arm.name, style, x, y));
    }
    if least.is_finite() {
        panel.y = panel.y.within(0.95 * least, SHOWN * least);
    }
    let caption = "Validation loss after the first quarter of the run, medians over seeds: steps that stay large leave a floor of noise, steps that shrink fall through it. An arm far above the others is above the panel.";
    Figure::new("schedules-late", caption, vec![panel])
}

/// The sizes of an arm.
pub(crate) struct Line {
    /// In the legend.
    pub(crate) label: String,
    /// Color and dash.
    pub(crate) style: usize,
    /// Where its steps are.
    pub(crate) epochs: Vec<f64>,
    /// Their sizes.
    pub(crate) sizes: Vec<f64>,
}

/// Sizes against epochs; where they differ much, on a logarithmic axis too.
pub(crate) fn figure(id: &str, caption: &str, lines: Vec<Line>) -> Figure {
    let sizes = || lines.iter().flat_map(|line| line.sizes.iter().copied()).filter(|h| h.is_finite() && *h > 0.0);
    let (least, largest) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
    let panel = |title: &str, axis: Axis| {
        let mut panel = Panel::new(title, Axis::linear("epoch"), axis);
        let mark = |line: &Line| Mark::line(&line.label, line.style, line.epochs.clone(), line.sizes.clone());
        panel.marks = lines.iter().map(mark).collect();
        panel
    };
    let linear = Axis::linear("step size h");
    let mut panels = vec![panel("linear", if largest > 0.0 { linear.within(0.0, 1.05 * largest) } else { linear })];
    if largest > WIDE * least {
        panels.push(panel("logarithmic", Axis::log("step size h")));
    }
    Figure::new(id, caption, panels)
}
