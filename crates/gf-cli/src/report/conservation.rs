//! Drift from what the flow conserves: over steps, and of sweeps against their step size.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use gf_utils::line::fit_line;
use gf_utils::stats::median;

use super::styles;
use crate::folder::Folder;
use crate::study::CONSERVATION_DRIFT;

/// Arms of one group from which on a slope is fitted.
const FEWEST: usize = 3;
/// Drifts below this are rounding: not fitted.
const ROUNDING: f64 = 1e-11;

/// Arms of one group, by ascending step size: medians over the seeds of mean step and final drift.
struct Sweep<'a> {
    group: &'a str,
    method: &'a str,
    order: u32,
    points: Vec<(f64, f64)>,
}

/// A figure and a table; nothing where the study did not ask.
pub(super) fn blocks(folder: &Folder) -> Vec<Block> {
    if !folder.study.run.conservation {
        return Vec::new();
    }
    let mut groups: Vec<&str> = folder.study.arms.iter().filter_map(|arm| arm.group.as_deref()).collect();
    groups.dedup();
    let sweeps: Vec<Sweep> = groups
        .into_iter()
        .filter_map(|group| sweep(folder, group))
        .filter(|sweep| sweep.points.len() >= FEWEST)
        .collect();
    if sweeps.is_empty() { vec![over_steps(folder)] } else { against_step_size(&sweeps) }
}

fn sweep<'a>(folder: &'a Folder, group: &'a str) -> Option<Sweep<'a>> {
    let arms = folder.summary.arms.iter().zip(&folder.study.arms);
    let mut arms = arms.filter(|(_, spec)| spec.group.as_deref() == Some(group)).peekable();
    let (first, spec) = arms.peek()?;
    let (method, order) = (first.method.as_str(), spec.method.info().order?);
    let mut points: Vec<(f64, f64)> = arms
        .filter_map(|(arm, _)| {
            let runs = || arm.runs.iter().filter(|run| run.failure.is_none() && run.steps > 0);
            let step = median(&runs().filter_map(|run| run.time.map(|t| t / run.steps as f64)).collect::<Vec<_>>())?;
            let drifts = runs().filter_map(|run| run.last.get(CONSERVATION_DRIFT).copied().flatten());
            Some((step, median(&drifts.collect::<Vec<_>>())?))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Some(Sweep { group, method, order, points })
}

fn against_step_size(sweeps: &[Sweep]) -> Vec<Block> {
    let mut panel = Panel::new("", Axis::log("mean step size h in flow time"), Axis::log("relative drift at the end"));
    let mut rows = Vec::new();
    for (style, sweep) in styles::of_methods(sweeps.iter().map(|sweep| sweep.method)).into_iter().zip(sweeps) {
        let (x, y): (Vec<f64>, Vec<f64>) = sweep.points.iter().copied().unzip();
        panel = panel.with(Mark::line(sweep.group, style, x.clone(), y.clone())).with(Mark::points("", style, x, y));
        let fitted = sweep.points.iter().filter(|(h, drift)| *h > 0.0 && *drift > ROUNDING && drift.is_finite());
        let (x, y): (Vec<f64>, Vec<f64>) = fitted.map(|(h, drift)| (h.ln(), drift.ln())).unzip();
        let slope = fit_line(&x, &y).map(|line| format!("{:.2} ± {:.2}", line.slope, line.slope_error));
        let smallest = sweep.points.iter().map(|(_, drift)| *drift).fold(f64::INFINITY, f64::min);
        rows.push(vec![
            sweep.group.to_string(),
            sweep.method.to_string(),
            sweep.order.to_string(),
            slope.unwrap_or_else(|_| "–".into()),
            x.len().to_string(),
            significant(smallest, 2),
        ]);
    }
    let caption = format!(
        "Drift of the conserved quantities at the end against the step size, at equal flow time. The slope is the method's order or more, until rounding or a \
         kink of the network stops it: what is conserved is quadratic, so Heun's method gains an order and the implicit midpoint rule drifts by rounding only. \
         Conservation is necessary for following the flow and not sufficient. Drifts below {ROUNDING:e} are taken for rounding and not fitted."
    );
    let columns = ["arms", "method", ">order", ">fitted slope", ">points", ">smallest drift"];
    vec![
        Block::Figure(Figure::new("conservation", caption, vec![panel])),
        Block::Table(Table::new(
            "Order of the drift, by least squares on logarithms, with its standard error.",
            &columns,
            rows,
        )),
    ]
}

fn over_steps(folder: &Folder) -> Block {
    let mut panel = Panel::new("", Axis::linear("step k"), Axis::log("relative drift"));
    for (style, arm) in styles::arms(folder) {
        let table = folder.arm(&arm.name).next().map(|history| &history.table);
        let column = |name| table.and_then(|table| table.column(name)).unwrap_or_default();
        panel = panel.with(Mark::line(arm.name.clone(), style, column("step"), column(CONSERVATION_DRIFT)));
    }
    let caption = "Drift of what the flow conserves, relative to its size at the start, first seed. Conservation is necessary for following the flow and not \
                   sufficient.";
    Block::Figure(Figure::new("conservation", caption, vec![panel]))
}
