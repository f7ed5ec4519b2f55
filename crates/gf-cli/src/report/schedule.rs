//! Step sizes along the runs.

use gf_report::{Axis, Block, Figure, Mark, Panel};

use super::curves::curve;
use crate::folder::Folder;

/// Above this ratio of the largest size to the smallest the axis is logarithmic.
const WIDE: f64 = 30.0;

/// The sizes that all arms took, where one has a schedule.
pub(super) fn blocks(folder: &Folder) -> Vec<Block> {
    if folder.study.arms.iter().all(|arm| arm.schedule.is_none()) {
        return Vec::new();
    }
    let lines: Vec<Line> = folder
        .summary
        .arms
        .iter()
        .enumerate()
        .filter_map(|(style, arm)| {
            let curve = curve(folder, &arm.name, "epoch", "learning_rate", None)?;
            Some(Line { label: arm.name.clone(), style, epochs: curve.x, sizes: curve.middle })
        })
        .collect();
    let caption = "The size that each accepted step was made with: h in flow time for methods that follow the flow, the learning rate for others. Medians over seeds; \
                   only a reduction on plateaus differs between them.";
    vec![Block::Figure(figure("schedules", caption, lines))]
}

/// The sizes of an arm.
pub(crate) struct Line {
    /// In the legend.
    pub(crate) label: String,
    /// Color and dash.
    pub(crate) style: usize,
    /// Where its steps begin or end.
    pub(crate) epochs: Vec<f64>,
    /// Their sizes.
    pub(crate) sizes: Vec<f64>,
}

/// Sizes against epochs; beside a logarithmic axis also a linear one, where decays differ by eye.
pub(crate) fn figure(id: &str, caption: &str, lines: Vec<Line>) -> Figure {
    let sizes = || lines.iter().flat_map(|line| line.sizes.iter().copied()).filter(|h| h.is_finite() && *h > 0.0);
    let (least, largest) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
    let panel = |title: &str, axis: Axis| {
        let mut panel = Panel::new(title, Axis::linear("epoch"), axis);
        panel.marks = lines
            .iter()
            .map(|line| Mark::line(&line.label, line.style, line.epochs.clone(), line.sizes.clone()))
            .collect();
        panel
    };
    let mut panels = vec![panel("linear", Axis::linear("step size h").within(0.0, 1.05 * largest))];
    if largest > WIDE * least {
        panels.push(panel("logarithmic", Axis::log("step size h")));
    }
    Figure::new(id, caption, panels)
}
