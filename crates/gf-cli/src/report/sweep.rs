//! Sweeps: what the arms that a list stands for, with different step sizes or tolerances, came to.

use gf_core::Triangle;
use gf_linalg::eigen::symmetric_eigenvalues;
use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use gf_utils::stats::median;

use super::extremes::extremes;
use super::{styles, swept};
use crate::folder::Folder;
use crate::study::{DISTANCE_TO_FLOW, FunctionSpec};
use crate::summary::RunSummary;

/// Arms of one group from which on they are a sweep.
const FEWEST: usize = 4;
/// Distances below this share of the largest are rounding and the reference's own error: not fitted.
const FLOOR: f64 = 1e-9;

/// The arms of one group, by ascending step size.
struct Sweep<'a> {
    group: &'a str,
    method: &'a str,
    points: Vec<Point>,
}

/// One arm: medians over seeds. A failed run counts as infinite.
struct Point {
    /// The method's setting.
    h: f64,
    /// Flow time over steps; the setting where there is no flow time.
    mean_step: f64,
    loss: f64,
    distance: f64,
    work: f64,
    first_step: f64,
}

/// Figures and fitted slopes of the sweeps in a study; nothing without one.
pub(super) fn blocks(folder: &Folder) -> Vec<Block> {
    let mut groups: Vec<&str> = folder.study.arms.iter().filter_map(|arm| arm.group.as_deref()).collect();
    groups.dedup();
    let sweeps: Vec<Sweep> = groups
        .into_iter()
        .filter(|group| !swept::has(folder, group))
        .filter_map(|group| sweep(folder, group))
        .filter(|sweep| sweep.points.len() >= FEWEST)
        .collect();
    if sweeps.is_empty() {
        return Vec::new();
    }
    match folder.study.run.flow_tolerance {
        Some(tolerance) => work_precision(&sweeps, tolerance),
        None => over_step_size(folder, &sweeps),
    }
}

fn sweep<'a>(folder: &'a Folder, group: &'a str) -> Option<Sweep<'a>> {
    let mut arms = folder
        .summary
        .arms
        .iter()
        .zip(&folder.study.arms)
        .filter(|(_, spec)| spec.group.as_deref() == Some(group))
        .peekable();
    let method = arms.peek()?.0.method.as_str();
    let mut points: Vec<Point> = arms
        .filter_map(|(arm, spec)| {
            let over_seeds =
                |value: &dyn Fn(&RunSummary) -> f64| median(&arm.runs.iter().map(value).collect::<Vec<_>>());
            let unless_failed =
                |run: &RunSummary, value: f64| if run.failure.is_some() { f64::INFINITY } else { value };
            let last = |name: &'static str| {
                move |run: &RunSummary| unless_failed(run, run.last.get(name).copied().flatten().unwrap_or(f64::NAN))
            };
            let setting = spec.method.settings().first_step_size();
            let first_step = folder.arm(&arm.name).next().and_then(|history| history.table.column("step_norm"));
            Some(Point {
                h: setting,
                mean_step: over_seeds(&|run| match (run.time, run.steps) {
                    (Some(time), 1..) => time / run.steps as f64,
                    _ => setting,
                })?,
                loss: over_seeds(&last("val_loss"))?,
                distance: over_seeds(&last(DISTANCE_TO_FLOW))?,
                work: over_seeds(&|run| run.grad_equivalents)?,
                first_step: first_step.and_then(|norms| norms.get(1).copied()).unwrap_or(f64::NAN),
            })
        })
        .collect();
    points.sort_by(|a, b| a.mean_step.total_cmp(&b.mean_step));
    Some(Sweep { group, method, points })
}

impl Sweep<'_> {
    fn line(&self, style: usize, x: impl Fn(&Point) -> f64, y: impl Fn(&Point) -> f64) -> [Mark; 2] {
        let (x, y): (Vec<f64>, Vec<f64>) = self.points.iter().map(|point| (x(point), y(point))).unzip();
        [Mark::line(self.group, style, x.clone(), y.clone()), Mark::points("", style, x, y)]
    }

    /// Slope of log distance on log h, over the points above rounding; none with fewer than three.
    fn slope(&self) -> Option<(f64, usize)> {
        let distances = self.points.iter().map(|point| point.distance).filter(|d| d.is_finite());
        let floor = FLOOR * distances.fold(0.0, f64::max);
        let fitted: Vec<(f64, f64)> = self
            .points
            .iter()
            .filter(|point| point.distance.is_finite() && point.distance > floor && point.mean_step > 0.0)
            .map(|point| (point.mean_step.ln(), point.distance.ln()))
            .collect();
        let n = fitted.len() as f64;
        if fitted.len() < 3 {
            return None;
        }
        let mean = |pick: fn(&(f64, f64)) -> f64| fitted.iter().map(pick).sum::<f64>() / n;
        let (x, y) = (mean(|p| p.0), mean(|p| p.1));
        let covariance: f64 = fitted.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
        let variance: f64 = fitted.iter().map(|p| (p.0 - x) * (p.0 - x)).sum();
        Some((covariance / variance, fitted.len()))
    }
}

/// The sweeps with the styles of their methods.
fn styled<'a>(sweeps: &'a [Sweep<'a>]) -> impl Iterator<Item = (usize, &'a Sweep<'a>)> {
    styles::of_methods(sweeps.iter().map(|sweep| sweep.method)).into_iter().zip(sweeps)
}

fn work_precision(sweeps: &[Sweep], tolerance: f64) -> Vec<Block> {
    let mut over_work = Panel::new(
        "work and precision",
        Axis::log("work in gradient-equivalents"),
        Axis::log("distance to the flow at the end"),
    );
    let mut over_step =
        Panel::new("order", Axis::log("mean step size h"), Axis::log("distance to the flow at the end"));
    let mut rows = Vec::new();
    for (style, sweep) in styled(sweeps) {
        for mark in sweep.line(style, |point| point.work, |point| point.distance) {
            over_work = over_work.with(mark);
        }
        for mark in sweep.line(style, |point| point.mean_step, |point| point.distance) {
            over_step = over_step.with(mark);
        }
        let info = gf_optim::registry::METHODS.iter().find(|info| info.name == sweep.method);
        let order = info.and_then(|info| info.order).map_or_else(|| "–".into(), |order| order.to_string());
        let (slope, count) = match sweep.slope() {
            Some((slope, count)) => (significant(slope, 3), count.to_string()),
            None => ("–".into(), "–".into()),
        };
        rows.push(vec![sweep.group.to_string(), order, slope, count]);
    }
    let caption = format!(
        "Distance ‖θ − θ(t)‖ to the flow at the end of each run, against the work spent and against the mean step. The flow is Dormand–Prince's \
         to a tolerance of {tolerance:e}: distances near it are its own error. Runs that failed leave gaps."
    );
    let table = Table::new(
        "Slopes of log distance on log h, least squares over the points above rounding, beside the order that the method claims.",
        &["arms", ">order", ">fitted slope", ">points"],
        rows,
    );
    vec![Block::Figure(Figure::new("work-precision", caption, vec![over_work, over_step])), Block::Table(table)]
}

fn over_step_size(folder: &Folder, sweeps: &[Sweep]) -> Vec<Block> {
    let poles = folder.study.problem.as_ref().map(poles).unwrap_or_default();
    let panels = [
        ("after all steps", "loss at the end", (|point| point.loss) as fn(&Point) -> f64),
        ("the first step", "length |δ| of the first step", |point| point.first_step),
    ];
    let panels = panels
        .into_iter()
        .map(|(title, label, value)| {
            let values = || sweeps.iter().flat_map(|sweep| &sweep.points).map(value).filter(|v| v.is_finite());
            let (low, high) = values().fold((f64::INFINITY, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
            let mut y = Axis::log(label);
            if high > 0.0 {
                // What is below rounding need not be told apart.
                y = y.within((0.5 * low).max(1e-16 * high), 2.0 * high);
            }
            let mut panel = Panel::new(title, Axis::log("step size h"), y);
            for (style, sweep) in styled(sweeps) {
                for mark in sweep.line(style, |point| point.h, value) {
                    panel = panel.with(mark);
                }
            }
            for pole in &poles {
                panel = panel.with(Mark::Vertical { x: *pole, label: format!("pole h = {}", significant(*pole, 3)) });
            }
            panel
        })
        .collect();
    let caption = "What each step size leads to. On the left of linearly implicit Euler lies gradient descent, on the right Newton; poles stand where H + I/h \
                   is singular at the start, h = −1/λ. Runs that failed leave gaps.";
    let least =
        sweeps.iter().map(|sweep| (sweep.group, sweep.points.iter().map(|point| point.loss).fold(f64::NAN, f64::min)));
    let caption = format!(
        "{caption}{}",
        extremes(least).map_or_else(String::new, |ends| format!(" Each method's lowest loss at the end: {ends}."))
    );
    vec![Block::Figure(Figure::new("step-sizes", caption, panels))]
}

/// h = −1/λ for the negative eigenvalues at the start.
fn poles(function: &FunctionSpec) -> Vec<f64> {
    let p = function.dim();
    let mut matrix = vec![0.0; p * p];
    if function.objective(0).dense_hessian(&function.start(), Triangle::Both, &mut matrix).is_err() {
        return Vec::new();
    }
    let eigenvalues = symmetric_eigenvalues(p, &matrix).unwrap_or_default();
    eigenvalues.into_iter().filter(|lambda| *lambda < 0.0).map(|lambda| -1.0 / lambda).collect()
}
