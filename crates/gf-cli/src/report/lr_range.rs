//! Learning-rate range tests: `[lr_range]`.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use gf_utils::stats::median;
use miette::Report;

use crate::folder::{Folder, LR_RANGE, LR_RANGE_LIMITS, read_rows};
use crate::runner::{LrRangeLimits, LrRangeRow};

/// Figure and table; nothing where the study did not ask.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    let Some(spec) = &folder.study.lr_range else { return Ok(Vec::new()) };
    let rows: Vec<LrRangeRow> = read_rows(&folder.path.join(LR_RANGE))?;
    let limits: Vec<LrRangeLimits> = read_rows(&folder.path.join(LR_RANGE_LIMITS))?;
    let arms: Vec<&str> = spec.tested(&folder.study.arms).map(|arm| arm.name.as_str()).collect();
    let seed = folder.study.run.seeds[0];
    let panel_of = |arm: &&str| {
        let own: Vec<&LrRangeRow> = rows.iter().filter(|row| row.arm == *arm && row.seed == seed).collect();
        let limit = limits.iter().find(|row| row.arm == *arm && row.seed == seed);
        limit.map(|limit| panel(arm, &own, limit))
    };
    let figure = Figure::new("lr-range", CAPTION, arms.iter().filter_map(panel_of).collect());
    Ok(vec![Block::Figure(figure), Block::Table(table(&arms, &limits))])
}

/// What the figure shows.
pub(crate) const CAPTION: &str = "The loss after a step of size h, on the next batch, while h grows geometrically from batch to batch, first seed: \
    dots as measured, the line their running mean. The vertical lines are 2/λmax, λmax the sharpness of the whole training set at the start, for methods that have a limit along it, and the first h \
    whose mean loss exceeds four times its minimum so far.";

/// Losses against h, with what they came to. The blow-up leaves the panel at its top.
pub(crate) fn panel(title: &str, rows: &[&LrRangeRow], limits: &LrRangeLimits) -> Panel {
    let h: Vec<f64> = rows.iter().map(|row| row.h).collect();
    let losses: Vec<f64> = rows.iter().map(|row| row.loss).collect();
    let smoothed: Vec<f64> = rows.iter().map(|row| row.smoothed).collect();
    let axis = Axis::log("loss on the next batch");
    let least = losses.iter().chain(&smoothed).copied().filter(|x| *x > 0.0).fold(f64::INFINITY, f64::min);
    let start = losses.first().copied().unwrap_or(f64::NAN);
    let ends = [0.7 * least, 8.0 * start];
    let axis = if least.is_finite() && start > 0.0 { axis.within(ends[0], ends[1]) } else { axis };
    let mut panel = Panel::new(title, Axis::log("step size h"), axis)
        .with(Mark::points("a batch", 0, h.clone(), losses))
        .with(Mark::line("running mean", 1, h, smoothed));
    // In the legend, as labels at rules that lie close would cover each other.
    // 2/λmax says nothing about methods without a limit of their own.
    let limit = limits.stability_limit.and(limits.two_over_sharpness);
    let rules = [(limit, "2/λmax", 2), (limits.divergence, "blows up", 3)];
    for (x, label, style) in rules {
        panel.marks.extend(x.map(|x| Mark::line(label, style, vec![x, x], ends.to_vec())));
    }
    panel
}

fn table(arms: &[&str], limits: &[LrRangeLimits]) -> Table {
    let rows = arms.iter().map(|arm| {
        let of = |value: fn(&LrRangeLimits) -> Option<f64>| {
            let values: Vec<f64> = limits.iter().filter(|row| row.arm == **arm).filter_map(value).collect();
            median(&values).map_or_else(|| "–".to_string(), |value| significant(value, 3))
        };
        vec![
            (*arm).to_string(),
            of(|row| row.divergence),
            of(|row| row.suggested_from),
            of(|row| row.suggested_to),
            of(|row| row.sharpness),
            of(|row| row.two_over_sharpness),
            of(|row| row.ratio),
            of(|row| row.stability_limit),
        ]
    });
    let columns =
        ["arm", ">blows up at h", ">suggested from", ">to", ">λmax", ">2/λmax", ">blow-up over 2/λmax", ">stable to h"];
    let caption = "Medians over the seeds that have the number. Suggested: a tenth to a fifth of where the loss blows up. Stable to h: the method's own limit along λmax; \
                   – where it has none.";
    Table::new(caption, &columns, rows.collect())
}
