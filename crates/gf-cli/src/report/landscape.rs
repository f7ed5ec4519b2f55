//! Functions of one or two parameters: the iterates on the graph, or on contours.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use gf_utils::history::ArmHistory;

use super::styles;
use crate::folder::Folder;
use crate::study::FunctionSpec;

/// Steps listed in tables.
const LISTED: usize = 12;
/// Points along an axis of the grid that contours and graphs are drawn from.
const GRID: usize = 160;
/// Paths a panel, so that they can be told apart.
const PATHS: usize = 6;

/// What can be drawn of a function's runs; nothing for functions of more parameters.
pub(super) fn blocks(folder: &Folder) -> Vec<Block> {
    let Some(function) = &folder.study.problem else { return Vec::new() };
    match function.dim() {
        1 => graph(folder, function),
        2 => contours(folder, function),
        _ => Vec::new(),
    }
}

fn first_seed(folder: &Folder) -> impl Iterator<Item = (usize, &ArmHistory)> {
    let seed = folder.study.run.seeds.first().copied();
    styles::arms(folder).filter_map(move |(style, arm)| {
        folder.arm(&arm.name).find(|history| Some(history.seed) == seed).map(|history| (style, history))
    })
}

/// Lowest and highest finite coordinate of all paths, with a margin. The few that run far away are cut.
fn range(folder: &Folder, column: &str) -> (f64, f64) {
    let mut values: Vec<f64> = first_seed(folder)
        .flat_map(|(_, history)| history.table.column(column).unwrap_or_default())
        .filter(|x| x.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        return (-1.0, 1.0);
    }
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    let spread = (at(0.95) - at(0.05)).max(1e-3);
    let low = values[0].max(at(0.05) - 0.5 * spread);
    let high = values[values.len() - 1].min(at(0.95) + 0.5 * spread);
    let margin = 0.15 * (high - low).max(1e-3);
    (low - margin, high + margin)
}

fn grid((low, high): (f64, f64), points: usize) -> Vec<f64> {
    (0..points).map(|k| low + (high - low) * k as f64 / (points - 1) as f64).collect()
}

fn graph(folder: &Folder, function: &FunctionSpec) -> Vec<Block> {
    let seed = folder.study.run.seeds.first().copied().unwrap_or(0);
    let mut panels = Vec::new();
    let mut rows = Vec::new();
    for (style, history) in first_seed(folder) {
        let path = history.table.column("theta_0").unwrap_or_default();
        let values: Vec<f64> = path.iter().map(|x| function.value(seed, &[*x])).collect();
        let (falls, steps) = decreases(&values);
        let x = grid(around_the_best(&path, &values), 2 * GRID);
        let y: Vec<f64> = x.iter().map(|x| function.value(seed, &[*x])).collect();
        let title = format!("{}: {falls} of {steps} steps decrease L", history.arm);
        let top = y.iter().copied().filter(|y| y.is_finite()).fold(0.0, f64::max);
        let bottom = y.iter().copied().fold(f64::INFINITY, f64::min);
        let panel = Panel::new(
            title,
            Axis::linear("θ").within(x[0], x[x.len() - 1]),
            Axis::linear("L(θ)").within(bottom - 0.05 * (top - bottom), 1.02 * top),
        );
        panels.push(
            panel
                .with(Mark::line("L(θ)", 6, x, y))
                .with(Mark::line("", style, path.clone(), values.clone()))
                .with(Mark::points(history.arm.clone(), style, path.clone(), values.clone())),
        );
        rows.extend(path.iter().zip(&values).enumerate().take(LISTED + 1).map(|(t, (x, value))| {
            vec![history.arm.clone(), t.to_string(), significant(*x, 7), significant(*value, 7)]
        }));
    }
    let caption = "The iterates on the graph of L, joined in order: a monotone method walks down one side, an oscillating one jumps across \
                   the minimum, a divergent one climbs. What leaves the panel runs away.";
    let table = Table::new(format!("The first {LISTED} steps of each arm."), &["arm", ">t", ">θ_t", ">L(θ_t)"], rows);
    vec![Block::Figure(Figure::new("iterates-on-the-graph", caption, panels)), Block::Table(table)]
}

/// All iterates, with the best one in the middle.
fn around_the_best(path: &[f64], values: &[f64]) -> (f64, f64) {
    let finite = || path.iter().zip(values).filter(|(x, value)| x.is_finite() && value.is_finite());
    let Some((center, _)) = finite().min_by(|a, b| a.1.total_cmp(b.1)) else { return (-1.0, 1.0) };
    let reach = finite().map(|(x, _)| (x - center).abs()).fold(1e-3, f64::max);
    (center - 1.15 * reach, center + 1.15 * reach)
}

/// Steps that decrease the value, of all steps.
fn decreases(values: &[f64]) -> (usize, usize) {
    let falls = values.windows(2).filter(|pair| pair[1] < pair[0]).count();
    (falls, values.len().saturating_sub(1))
}

fn contours(folder: &Folder, function: &FunctionSpec) -> Vec<Block> {
    let seed = folder.study.run.seeds.first().copied().unwrap_or(0);
    let ranges = (range(folder, "theta_0"), range(folder, "theta_1"));
    let (x, y) = (grid(ranges.0, GRID), grid(ranges.1, GRID));
    let values: Vec<Vec<f64>> = y.iter().map(|y| x.iter().map(|x| function.value(seed, &[*x, *y])).collect()).collect();
    let levels = levels(&values);
    let runs: Vec<(usize, &ArmHistory)> = first_seed(folder).collect();
    let mut panels = Vec::new();
    for runs in runs.chunks(PATHS) {
        let mut panel = Panel::new(
            "",
            Axis::linear("θ₁").within(ranges.0.0, ranges.0.1),
            Axis::linear("θ₂").within(ranges.1.0, ranges.1.1),
        )
        .with(Mark::Contours { x: x.clone(), y: y.clone(), values: values.clone(), levels: levels.clone() });
        for (style, history) in runs {
            let column = |name: &str| history.table.column(name).unwrap_or_default();
            panel = panel.with(Mark::line(history.arm.clone(), *style, column("theta_0"), column("theta_1")));
            panel = panel.with(Mark::points("", *style, column("theta_0"), column("theta_1")));
        }
        panels.push(panel);
    }
    let rows = runs
        .iter()
        .map(|(_, history)| {
            let last = |name: &str| history.table.column(name).and_then(|column| column.last().copied());
            let point = [last("theta_0").unwrap_or(f64::NAN), last("theta_1").unwrap_or(f64::NAN)];
            let losses = history.table.column("val_loss").unwrap_or_default();
            let (falls, steps) = decreases(&losses);
            vec![
                history.arm.clone(),
                format!("({}, {})", significant(point[0], 6), significant(point[1], 6)),
                significant(function.value(seed, &point), 4),
                format!("{falls} of {steps}"),
            ]
        })
        .collect();
    let table =
        Table::new("Where the paths end.", &["arm", "θ at the end", ">L there", ">steps that decrease L"], rows);
    let caption = "Paths over the contours of L (thin gray lines, spaced evenly in the cube root of L above its least value on the grid). Dots are iterates.";
    vec![Block::Figure(Figure::new("landscape", caption, panels).animated()), Block::Table(table)]
}

/// Levels that show both the floor of valleys and their walls.
fn levels(values: &[Vec<f64>]) -> Vec<f64> {
    const LEVELS: usize = 18;
    let finite = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    if low >= high || low.is_nan() {
        return Vec::new();
    }
    (1..LEVELS).map(|k| low + (high - low) * (k as f64 / LEVELS as f64).powi(3)).collect()
}
