//! Verdicts on claims, by the rules of the documentation (docs/original-experiment.md).
//!
//! "A is ahead of B" over a window of steps: the median of the metric over the window is lower for A than for B, seed by seed, in at least
//! 4 of 5 seeds (80 %). Three axes: equal step; equal flow time, where both methods follow the flow's clock; equal work in
//! gradient-equivalents. On the last two the window is what the arm that gets least far covers in those steps, and both arms are read there on
//! 200 equidistant points, each at its last step before the point. A failed run is infinite after its end.

use gf_utils::Metric;
use gf_utils::history::{ArmHistory, Table};
use gf_utils::power_law::{Offset, fit_power_law};
use gf_utils::stats::{median, quartiles};

use gf_report::significant;
use serde::{Deserialize, Serialize};

use crate::folder::Folder;
use crate::study::{ClaimRule, ClaimSpec};

/// A claim with its verdicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimVerdict {
    /// The claim.
    pub text: String,
    /// One verdict an axis.
    pub axes: Vec<AxisVerdict>,
}

/// The verdict under one axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AxisVerdict {
    /// `at equal step`, `at equal flow time`, `at equal work`, or empty.
    pub axis: String,
    /// The verdict.
    pub holds: Holds,
    /// Its numbers.
    pub numbers: String,
}

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// In at least 80 % of the seeds.
    Yes,
    /// In fewer, and the opposite does not hold either.
    NotShown,
    /// The opposite holds in at least 80 % of the seeds: the follower is ahead, the exponent lies outside, the arm stays stable.
    Opposite,
    /// The axis does not exist for these arms.
    Undefined,
}

impl Holds {
    /// For tables.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Yes => "holds",
            Self::NotShown => "not shown",
            Self::Opposite => "fails",
            Self::Undefined => "not defined",
        }
    }

    fn of(yes: usize, no: usize, seeds: usize) -> Self {
        // 4 of 5, scaled to the number of seeds.
        let enough = |count: usize| seeds > 0 && 5 * count >= 4 * seeds;
        if enough(yes) {
            Self::Yes
        } else if enough(no) {
            Self::Opposite
        } else {
            Self::NotShown
        }
    }
}

/// All claims of a study.
pub(crate) fn judge(folder: &Folder) -> Vec<ClaimVerdict> {
    folder
        .study
        .claims
        .iter()
        .map(|claim| ClaimVerdict { text: claim.text.clone(), axes: judge_one(folder, claim) })
        .collect()
}

fn judge_one(folder: &Folder, claim: &ClaimSpec) -> Vec<AxisVerdict> {
    match &claim.check {
        ClaimRule::Ahead { leader, follower, steps, metric } => {
            let run = |history| Run { history, failed: folder.has_failed(history) };
            let pairs: Vec<(Run<'_>, Run<'_>)> = folder
                .arm(leader)
                .filter_map(|a| folder.arm(follower).find(|b| b.seed == a.seed).map(|b| (run(a), run(b))))
                .collect();
            AXES.into_iter().map(|(axis, column)| ahead(&pairs, *steps, metric, axis, column)).collect()
        }
        ClaimRule::Reaches { arm, level, metric } => {
            let name = metric.strip_prefix("val_").unwrap_or(metric);
            let larger_is_better = Metric::from_name(name).is_some_and(Metric::larger_is_better);
            let worst = if larger_is_better { f64::NEG_INFINITY } else { f64::INFINITY };
            let last = |history: &ArmHistory| match folder.has_failed(history) {
                true => worst,
                false => history.table.column(metric).into_iter().flatten().rfind(|v| !v.is_nan()).unwrap_or(worst),
            };
            vec![reaches(&folder.arm(arm).map(last).collect::<Vec<_>>(), metric, *level, larger_is_better)]
        }
        ClaimRule::PowerLaw { arm, exponent, steps, metric } => AXES
            .into_iter()
            .map(|(axis, column)| {
                let fits = folder.arm(arm).filter_map(|history| fit_window(&history.table, *steps, column, metric));
                power_law(axis, &fits.collect::<Vec<_>>(), folder.arm(arm).count(), *exponent)
            })
            .collect(),
        ClaimRule::UnstableBelow { arm, level, metric } => {
            let curves: Vec<Vec<f64>> = folder
                .arm(arm)
                .map(|history| {
                    let run = Run { history, failed: folder.has_failed(history) };
                    let mut v = run.samples("step", metric).map(|samples| samples.v).unwrap_or_default();
                    // A run that failed rose without end.
                    v.extend(run.failed.then_some(f64::INFINITY));
                    v
                })
                .collect();
            vec![unstable_below(&curves, *level)]
        }
    }
}

/// Whether the median of the last values is on the right side of the level.
fn reaches(last: &[f64], metric: &str, level: f64, larger_is_better: bool) -> AxisVerdict {
    let axis = "at the end".to_string();
    let Some([low, middle, high]) = quartiles(last) else {
        return AxisVerdict { axis, holds: Holds::Undefined, numbers: "no run".into() };
    };
    let holds = if larger_is_better { middle >= level } else { middle <= level };
    let numbers = format!(
        "median {metric} {} over {} seed{} (quartiles {} … {}); expected at {} {}",
        significant(middle, 4),
        last.len(),
        if last.len() == 1 { "" } else { "s" },
        significant(low, 4),
        significant(high, 4),
        if larger_is_better { "least" } else { "most" },
        significant(level, 4)
    );
    AxisVerdict { axis, holds: if holds { Holds::Yes } else { Holds::Opposite }, numbers }
}

/// The axes that arms are compared under, and their columns.
const AXES: [(&str, &str); 3] =
    [("at equal step", "step"), ("at equal flow time", "time"), ("at equal work", "grad_equivalents")];

/// A run, and whether it failed: then its metric is infinite after its last row.
#[derive(Clone, Copy)]
struct Run<'a> {
    history: &'a ArmHistory,
    failed: bool,
}

/// A metric over an axis: the rows where it was evaluated.
struct Samples {
    x: Vec<f64>,
    v: Vec<f64>,
}

impl Run<'_> {
    /// None where the run does not have the axis or the metric.
    fn samples(&self, axis: &str, metric: &str) -> Option<Samples> {
        let table: &Table = &self.history.table;
        let (x, v) = (table.column(axis)?, table.column(metric)?);
        if x.iter().any(|x| x.is_nan()) {
            return None;
        }
        let (x, v): (Vec<f64>, Vec<f64>) = x.into_iter().zip(v).filter(|(_, v)| !v.is_nan()).unzip();
        (!x.is_empty()).then_some(Samples { x, v })
    }
}

fn ahead(pairs: &[(Run<'_>, Run<'_>)], steps: [u64; 2], metric: &str, axis: &str, column: &str) -> AxisVerdict {
    let medians: Option<Vec<(f64, f64)>> =
        pairs.iter().map(|(a, b)| window_medians(*a, *b, steps, metric, column)).collect();
    let Some(medians) = medians.filter(|medians| !medians.is_empty()) else {
        let numbers = if pairs.is_empty() {
            "no common seeds"
        } else {
            "an arm does not have this axis, or does not reach the window"
        };
        return AxisVerdict { axis: axis.into(), holds: Holds::Undefined, numbers: numbers.into() };
    };
    let yes = medians.iter().filter(|(a, b)| a < b).count();
    let no = medians.iter().filter(|(a, b)| b < a).count();
    let middle = |values: Vec<f64>| significant(median(&values).unwrap_or(f64::NAN), 3);
    let numbers = format!(
        "{yes} of {} seeds; median {metric} {} against {}",
        medians.len(),
        middle(medians.iter().map(|(a, _)| *a).collect()),
        middle(medians.iter().map(|(_, b)| *b).collect())
    );
    AxisVerdict { axis: axis.into(), holds: Holds::of(yes, no, medians.len()), numbers }
}

/// Medians of the metric of both runs over the common window; none where the axis is undefined for one of them, or a run that did not fail
/// was given too few steps to reach the window's end.
fn window_medians(a: Run<'_>, b: Run<'_>, steps: [u64; 2], metric: &str, column: &str) -> Option<(f64, f64)> {
    const POINTS: usize = 200;
    let [first, last] = steps.map(|step| step as usize);
    let runs = [(a, a.samples(column, metric)?), (b, b.samples(column, metric)?)];
    // The window's ends, in the run that gets least far of those that reach it.
    let mut window: Option<[f64; 2]> = None;
    for (run, _) in &runs {
        let x = run.history.table.column(column)?;
        match (x.get(first), x.get(last)) {
            (Some(from), Some(to)) if window.is_none_or(|[_, shortest]| *to < shortest) => window = Some([*from, *to]),
            (Some(_), Some(_)) => {}
            _ if run.failed => {}
            _ => return None,
        }
    }
    let Some([from, to]) = window else {
        // Both failed before: neither is ahead.
        return Some((f64::INFINITY, f64::INFINITY));
    };
    let points = if column == "step" { last - first + 1 } else { POINTS };
    let middle = |(run, samples): &(Run<'_>, Samples)| {
        let end = samples.x[samples.x.len() - 1];
        let read = |k: usize| {
            let point = from + (to - from) * k as f64 / (points - 1).max(1) as f64;
            // The last row at or before the point; the first where there is none yet.
            match run.failed && point > end {
                true => f64::INFINITY,
                false => samples.v[samples.x.partition_point(|x| *x <= point).saturating_sub(1)],
            }
        };
        median(&(0..points).map(read).collect::<Vec<_>>())
    };
    Some((middle(&runs[0])?, middle(&runs[1])?))
}

/// Exponent (positive for a decay) of the metric over an axis, with its 95 % interval, over a window of steps.
pub(super) fn fit_window(table: &Table, steps: [u64; 2], axis: &str, metric: &str) -> Option<(f64, [f64; 2])> {
    let (x, v) = (table.column(axis)?, table.column(metric)?);
    let (x, v): (Vec<f64>, Vec<f64>) = table
        .rows()
        .iter()
        .zip(x.into_iter().zip(v))
        .filter(|(row, (x, v))| {
            (steps[0]..=steps[1]).contains(&row.step) && *x > 0.0 && x.is_finite() && *v > 0.0 && v.is_finite()
        })
        .map(|(_, pair)| pair)
        .unzip();
    let fit = fit_power_law(&x, &v, Offset::Fixed(0.0)).ok()?;
    Some((-fit.exponent, [-fit.interval[1], -fit.interval[0]]))
}

fn power_law(axis: &str, fits: &[(f64, [f64; 2])], seeds: usize, expected: f64) -> AxisVerdict {
    let exponents: Vec<f64> = fits.iter().map(|(exponent, _)| *exponent).collect();
    let yes = fits.iter().filter(|(_, [low, high])| (*low..=*high).contains(&expected)).count();
    let axis = axis.replace("at equal", "against");
    let Some([low, middle, high]) = quartiles(&exponents) else {
        let numbers = "no run has this axis and reaches the window".into();
        return AxisVerdict { axis, holds: Holds::Undefined, numbers };
    };
    let numbers = format!(
        "exponent {} (quartiles {} … {}); {} lies in the 95 % interval in {yes} of {seeds} seeds",
        significant(middle, 3),
        significant(low, 3),
        significant(high, 3),
        significant(expected, 3)
    );
    // A run that failed before the window says nothing about the exponent.
    AxisVerdict { axis, holds: Holds::of(yes, fits.len() - yes, seeds), numbers }
}

fn unstable_below(curves: &[Vec<f64>], level: f64) -> AxisVerdict {
    let mut unstable = 0;
    let mut reached = 0;
    let mut lowest = Vec::new();
    let mut highest_after = Vec::new();
    for curve in curves {
        lowest.push(curve.iter().copied().fold(f64::INFINITY, f64::min));
        let Some(below) = curve.iter().position(|v| *v < level) else { continue };
        reached += 1;
        let after = curve[below..].iter().copied().fold(0.0, f64::max);
        highest_after.push(after);
        unstable += usize::from(after > 2.0 * level);
    }
    let seeds = curves.len();
    let numbers = format!(
        "below {level} in {reached} of {seeds} seeds (median of the lowest values {}), and above {} again in {unstable} of these{}",
        significant(median(&lowest).unwrap_or(f64::NAN), 3),
        2.0 * level,
        median(&highest_after)
            .map_or(String::new(), |v| format!(" (median of the highest values after: {})", significant(v, 3)))
    );
    // Seeds that never come below the level say nothing about it.
    AxisVerdict { axis: "under any axis".into(), holds: Holds::of(unstable, reached - unstable, seeds), numbers }
}

#[cfg(test)]
mod tests {
    use gf_utils::history::Row;

    use super::*;

    fn history(table: Table) -> ArmHistory {
        ArmHistory { arm: String::new(), seed: 0, table }
    }

    fn medians(a: &ArmHistory, b: &ArmHistory, steps: [u64; 2], column: &str) -> Option<(f64, f64)> {
        let run = |history| Run { history, failed: false };
        window_medians(run(a), run(b), steps, "val_mae", column)
    }

    fn table(metric: impl Fn(u64) -> f64, h: Option<f64>, work: f64, steps: u64) -> Table {
        let mut table = Table::new(vec!["val_mae".into()], 0);
        for step in 0..=steps {
            let row = Row {
                step,
                epoch: 0.0,
                time: h.map(|h| h * step as f64),
                step_size: h,
                learning_rate: h,
                loss: 0.0,
                train_loss: 0.0,
                val_loss: metric(step),
                gradient_norm: 0.0,
                step_norm: 0.0,
                update_ratio: 0.0,
                gradient_equivalents: work * step as f64,
                wall_seconds: 0.0,
                rejected: 0,
            };
            table.push(row, &[metric(step)], std::iter::empty());
        }
        table
    }

    #[test]
    fn the_axis_decides_who_is_ahead() {
        // The same curve against flow time, run with h = 0.1 and h = 0.01, at 10 times the work a step.
        let curve = |t: f64| 1.0 / (1.0 + t);
        let fast = history(table(|k| curve(0.1 * k as f64), Some(0.1), 10.0, 500));
        let slow = history(table(|k| curve(0.01 * k as f64) * 0.999, Some(0.01), 1.0, 500));
        let (a, b) = medians(&fast, &slow, [200, 500], "step").unwrap();
        assert!(a < b);
        // Flow time: the window is [2, 5], where the slow arm's curve lies lower by 0.1 %, but the fast arm is read up to 0.1 late.
        let (a, b) = medians(&fast, &slow, [200, 500], "time").unwrap();
        assert!(b < a && (a - curve(3.5)).abs() < 0.01);
        // Work: the window is [200, 500], where the fast arm has taken 20 to 50 steps: flow time 2 to 5 against 2 to 5.
        let (a, b) = medians(&fast, &slow, [200, 500], "grad_equivalents").unwrap();
        assert!(b < a);
        let newton = history(table(|_| 1.0, None, 1.0, 500));
        assert_eq!(medians(&newton, &slow, [1, 45], "time"), None);
        // Too few steps were asked for: nothing can be said.
        let short = history(table(|_| 0.0, Some(0.1), 1.0, 30));
        assert_eq!(medians(&short, &slow, [1, 45], "step"), None);
    }

    #[test]
    fn rows_that_were_not_evaluated_are_not_infinite() {
        let every_fifth = |value: f64| move |k: u64| if k.is_multiple_of(5) { value } else { f64::NAN };
        let low = history(table(every_fifth(0.1), Some(0.1), 1.0, 45));
        let high = history(table(every_fifth(0.2), Some(0.1), 1.0, 45));
        for column in ["step", "time", "grad_equivalents"] {
            assert_eq!(medians(&low, &high, [1, 45], column), Some((0.1, 0.2)), "{column}");
        }
        let run = Run { history: &low, failed: false };
        assert!(run.samples("step", "val_accuracy").is_none(), "a metric that the run does not have");
        assert_eq!(unstable_below(&vec![run.samples("step", "val_mae").unwrap().v; 5], 0.15).holds, Holds::Opposite);
    }

    #[test]
    fn an_exponent_that_could_not_be_fitted_is_undefined() {
        assert_eq!(power_law("at equal step", &[], 5, 1.0).holds, Holds::Undefined);
        let (inside, outside) = ((1.0, [0.9, 1.1]), (0.2, [0.1, 0.3]));
        assert_eq!(power_law("at equal step", &[inside; 5], 5, 1.0).holds, Holds::Yes);
        assert_eq!(power_law("at equal step", &[outside; 5], 5, 1.0).holds, Holds::Opposite);
        assert_eq!(power_law("at equal step", &[outside; 3], 5, 1.0).holds, Holds::NotShown);
    }

    #[test]
    fn a_failed_run_is_behind_and_does_not_shorten_the_window() {
        let gone = history(table(|k| if k < 5 { 0.1 } else { f64::NAN }, Some(0.1), 1.0, 6));
        let there = history(table(|k| if k < 10 { 0.9 } else { 0.5 }, Some(0.1), 1.0, 45));
        let (gone, there) = (Run { history: &gone, failed: true }, Run { history: &there, failed: false });
        for column in ["step", "time", "grad_equivalents"] {
            let (a, b) = window_medians(gone, there, [1, 45], "val_mae", column).unwrap();
            assert!(a.is_infinite() && b == 0.5, "{column}: {a} {b}");
        }
        assert_eq!(window_medians(gone, gone, [1, 45], "val_mae", "step"), Some((f64::INFINITY, f64::INFINITY)));
    }

    #[test]
    fn four_of_five_seeds_decide() {
        assert_eq!(Holds::of(4, 1, 5), Holds::Yes);
        assert_eq!(Holds::of(3, 2, 5), Holds::NotShown);
        assert_eq!(Holds::of(1, 4, 5), Holds::Opposite);
        assert_eq!(Holds::of(0, 0, 0), Holds::NotShown);
    }

    #[test]
    fn exponents_of_exact_power_laws_are_found() {
        let law = table(|k| 3.0 / (k.max(1) as f64).powi(2), Some(0.1), 1.0, 500);
        let (exponent, [low, high]) = fit_window(&law, [200, 500], "step", "val_mae").unwrap();
        assert!((exponent - 2.0).abs() < 1e-9 && low <= 2.0 + 1e-9 && high >= 2.0 - 1e-9);
    }

    #[test]
    fn a_level_is_reached_by_the_median_over_the_seeds() {
        let holds = |last: &[f64], larger_is_better| reaches(last, "m", 0.97, larger_is_better).holds;
        assert_eq!(holds(&[0.98, 0.5, 0.97], true), Holds::Yes, "two of three");
        assert_eq!(holds(&[0.98, 0.5, 0.9699], true), Holds::Opposite);
        assert_eq!(holds(&[0.98, 0.5, 0.9699], false), Holds::Yes);
        assert_eq!(holds(&[1.0, f64::NEG_INFINITY, f64::NEG_INFINITY], true), Holds::Opposite, "failed runs");
        assert_eq!(holds(&[], true), Holds::Undefined);
    }

    #[test]
    fn instability_counts_rises_after_the_level_was_reached() {
        let stable = vec![1.0, 0.03, 0.02, 0.05];
        let unstable = vec![1.0, 0.03, 0.2, 0.02];
        let never = vec![1.0, 0.5];
        assert_eq!(unstable_below(&vec![unstable.clone(); 5], 0.04).holds, Holds::Yes);
        assert_eq!(unstable_below(&vec![stable.clone(); 5], 0.04).holds, Holds::Opposite);
        assert_eq!(unstable_below(&vec![never; 5], 0.04).holds, Holds::NotShown);
    }
}
