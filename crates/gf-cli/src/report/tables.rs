//! Tables of the report.

use std::collections::BTreeMap;

use gf_optim::registry::METHODS;
use gf_report::{Block, Table, significant};
use gf_utils::Metric;
use gf_utils::stats::{median, quartiles};

use super::claims::{ClaimVerdict, Holds, fit_window};
use crate::folder::Folder;
use crate::study::ArmSpec;
use crate::summary::{ArmSummary, RunSummary};

/// Problem, seeds and batches in a sentence.
pub(super) fn setting(folder: &Folder) -> String {
    let (study, summary) = (&folder.study, &folder.summary);
    if let Some(function) = &study.problem {
        let formula = function.formula();
        let (dim, seeds) = (summary.dim, study.run.seeds.len());
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        return format!(
            "The problem is {formula}: {dim} parameter{}, {seeds} seed{}. Its value stands in the columns of training and validation loss.",
            plural(dim),
            plural(seeds)
        );
    }
    let sizes: Vec<String> = study
        .network
        .iter()
        .flat_map(|network| std::iter::once(network.input).chain(network.layers.iter().map(|layer| layer.units)))
        .map(|units| units.to_string())
        .collect();
    let batch = study.run.batch.map_or_else(|| "full batches".to_string(), |size| format!("batches of {size}"));
    let mut missing = String::new();
    if summary.dropped_rows > 0 {
        missing += &format!(" {} rows miss a value and were left out.", summary.dropped_rows);
    }
    if summary.filled_values > 0 {
        missing += &format!(" {} missing inputs are means of the training set.", summary.filled_values);
    }
    format!(
        "Network {} with {} parameters; {} training and {} validation samples, {batch}; {}. \
         Every arm of a seed has the same data, start and batches.{missing}",
        sizes.join("-"),
        summary.dim,
        summary.train_samples,
        summary.validation_samples,
        if study.run.seeds.len() == 1 { "1 seed".into() } else { format!("{} seeds", study.run.seeds.len()) }
    )
}

/// One row an arm.
pub(super) fn summary(folder: &Folder) -> Table {
    let metric = metric_names(folder).into_iter().next();
    let of_metric = metric.as_ref().map(|metric| format!(">final {metric}"));
    let mut columns = vec!["arm", "settings", ">final val. loss (median)", ">quartiles"];
    columns.extend(of_metric.as_deref());
    columns.extend([">steps", ">flow time", ">gradient-equivalents", ">seconds", ">failed"]);
    let rows = folder
        .summary
        .arms
        .iter()
        .zip(&folder.study.arms)
        .map(|(arm, spec)| summary_row(arm, spec.label(), metric.as_deref()))
        .collect();
    let caption = "Medians over seeds. A failed run counts as an infinite loss. Gradient-equivalents: model flops of all evaluations, \
                   products and factorizations over those of one value and gradient. Seconds: spent in steps, evaluation not included, \
                   with as many arms at a time as the machine has cores.";
    Table::new(caption, &columns, rows)
}

fn summary_row(arm: &ArmSummary, settings: String, metric: Option<&str>) -> Vec<String> {
    let middle = |values: Vec<f64>| median(&values).map_or_else(|| "–".to_string(), |value| significant(value, 3));
    let [low, mid, high] = arm.final_val_loss_quartiles.map(|q| q.unwrap_or(f64::INFINITY));
    let failed = arm.runs.iter().filter(|run| run.failure.is_some()).count();
    let mut row = vec![
        arm.name.clone(),
        settings,
        significant(mid, 3),
        format!("{} … {}", significant(low, 3), significant(high, 3)),
    ];
    row.extend(metric.map(|metric| middle(arm.runs.iter().map(|run| final_metric(run, metric)).collect())));
    row.extend([
        middle(arm.runs.iter().map(|run| run.steps as f64).collect()),
        middle(arm.runs.iter().filter_map(|run| run.time).collect()),
        middle(arm.runs.iter().map(|run| run.grad_equivalents).collect()),
        middle(arm.runs.iter().map(|run| run.wall_s).collect()),
        format!("{failed} of {}", arm.runs.len()),
    ]);
    row
}

/// The metric at the end; the worst there is for a failed run.
fn final_metric(run: &RunSummary, metric: &str) -> f64 {
    let name = metric.strip_prefix("val_").unwrap_or(metric);
    let worst = match Metric::from_name(name).is_some_and(Metric::larger_is_better) {
        true => f64::NEG_INFINITY,
        false => f64::INFINITY,
    };
    match run.failure {
        Some(_) => worst,
        None => run.last.get(metric).copied().flatten().unwrap_or(worst),
    }
}

/// The arm with the lowest median final validation loss of each method that has several; none where no method has.
pub(super) fn best_settings(folder: &Folder) -> Option<Table> {
    let loss = |arm: &ArmSummary| arm.final_val_loss_quartiles[1].unwrap_or(f64::INFINITY);
    let mut rows = Vec::new();
    for method in METHODS {
        let arms: Vec<(&ArmSummary, &ArmSpec)> =
            folder.summary.arms.iter().zip(&folder.study.arms).filter(|(arm, _)| arm.method == method.name).collect();
        if let (true, Some((arm, spec))) =
            (arms.len() > 1, arms.iter().min_by(|(a, _), (b, _)| loss(a).total_cmp(&loss(b))))
        {
            let settings = spec.label();
            rows.push(vec![
                method.name.into(),
                arm.name.clone(),
                settings,
                significant(loss(arm), 3),
                arms.len().to_string(),
            ]);
        }
    }
    let columns = ["method", "best arm", "settings", ">final val. loss (median)", ">arms tried"];
    (!rows.is_empty()).then(|| Table::new("The best setting of each method.", &columns, rows))
}

/// What to try, for arms that went badly; none where none did.
pub(super) fn advice(folder: &Folder) -> Option<Table> {
    let row = |arm: &ArmSummary| {
        let (advice, count) = arm.advice()?;
        Some(vec![arm.name.clone(), advice.text.clone(), format!("{count} of {}", arm.runs.len())])
    };
    let rows: Vec<Vec<String>> = folder.summary.arms.iter().filter_map(row).collect();
    let caption = "What to try, by rules on the rows of the history: the first seed that went badly, and how many did. The rules are guesses \
                   from the shape of the loss; docs/monitoring.md has their thresholds.";
    (!rows.is_empty()).then(|| Table::new(caption, &["arm", "advice", ">seeds"], rows))
}

/// Names of the metric columns; a function's path is no metric.
pub(super) fn metric_names(folder: &Folder) -> Vec<String> {
    match (&folder.study.problem, folder.histories.first()) {
        (None, Some(history)) => history.table.metric_names().to_vec(),
        _ => Vec::new(),
    }
}

/// How many claims hold, fail and are not shown, in words; none without claims. A claim counts as what it is on the axis where it fares worst.
pub(super) fn verdicts_in_brief(verdicts: &[ClaimVerdict]) -> Option<String> {
    let worst = |verdict: &ClaimVerdict| {
        let has = |wanted: Holds| verdict.axes.iter().any(|axis| axis.holds == wanted);
        [Holds::Opposite, Holds::NotShown, Holds::Yes].into_iter().find(|holds| has(*holds)).unwrap_or(Holds::Undefined)
    };
    let count = |wanted: Holds| verdicts.iter().filter(|verdict| worst(verdict) == wanted).count();
    let words = [
        (Holds::Yes, "shown on every axis that exists"),
        (Holds::Opposite, "failing on at least one axis"),
        (Holds::NotShown, "not shown on at least one axis and failing on none"),
        (Holds::Undefined, "that these runs cannot judge"),
    ];
    let parts = words.map(|(holds, words)| (count(holds), words)).into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, words)| format!("{count} {words}")).collect();
    (!verdicts.is_empty()).then(|| format!("Claims: {}.", parts.join("; ")))
}

/// Claims with their verdicts and the rule.
pub(super) fn claims(verdicts: &[ClaimVerdict]) -> Vec<Block> {
    let rows = verdicts
        .iter()
        .flat_map(|verdict| {
            verdict.axes.iter().enumerate().map(|(index, axis)| {
                let claim = if index == 0 { verdict.text.clone() } else { String::new() };
                vec![claim, axis.axis.clone(), axis.holds.word().to_string(), axis.numbers.clone()]
            })
        })
        .collect();
    let rule = "A is ahead of B where the median of the metric over the window is lower, seed by seed (paired), in at least 4 of 5 seeds; \
                where B is ahead of A by the same rule, the claim fails; otherwise it is not shown. At equal flow time and equal work the \
                window is what the arm that gets least far covers in those steps, and both arms are read there. A failed run counts as an \
                infinite error. A level is reached where the median over the seeds, at the end, is on its right side.";
    vec![Block::Paragraph(rule.into()), Block::Table(Table::new("", &["claim", "axis", "verdict", "numbers"], rows))]
}

/// Fitted exponents of the late phase, per arm.
pub(super) fn exponents(folder: &Folder) -> Table {
    let steps = folder.steps();
    let window = [(2 * steps / 5).max(1), steps];
    let columns: Vec<String> = std::iter::once("val_loss".to_string())
        .chain(metric_names(folder).into_iter().filter(|name| name == "val_mae").take(1))
        .collect();
    let mut rows = Vec::new();
    for arm in &folder.summary.arms {
        let mut row = vec![arm.name.clone()];
        for column in &columns {
            let fits: Vec<(f64, [f64; 2])> = folder
                .arm(&arm.name)
                .filter_map(|history| fit_window(&history.table, window, "step", column))
                .collect();
            let exponents: Vec<f64> = fits.iter().map(|fit| fit.0).collect();
            let text = |pick: fn(&(f64, [f64; 2])) -> f64| {
                median(&fits.iter().map(pick).collect::<Vec<_>>()).map_or_else(|| "–".into(), |v| significant(v, 3))
            };
            row.push(text(|fit| fit.0));
            row.push(match quartiles(&exponents) {
                Some([low, _, high]) => format!("{} … {}", significant(low, 3), significant(high, 3)),
                None => "–".into(),
            });
            row.push(format!("{} … {}", text(|fit| fit.1[0]), text(|fit| fit.1[1])));
        }
        rows.push(row);
    }
    let mut names = vec!["arm".to_string()];
    for column in &columns {
        names.extend([
            format!(">{column} ∝ 1/stepᵃ: a (median)"),
            ">quartiles over seeds".to_string(),
            ">95 % interval (median ends)".to_string(),
        ]);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Table::new(format!("Power laws over steps {} to {}, fitted on log–log axes.", window[0], window[1]), &names, rows)
}

/// What the intervals mean.
pub(super) fn exponents_note() -> Block {
    Block::Paragraph(
        "Least squares of log v on log step, without offset; intervals by a circular-block bootstrap of the residuals, which are \
         autocorrelated from step to step. A mini-batch curve is noisy: an exponent near 0 says that nothing falls any more."
            .into(),
    )
}

/// Events and failures, per arm.
pub(super) fn events(folder: &Folder) -> Vec<Block> {
    let mut rows = Vec::new();
    for arm in &folder.summary.arms {
        let mut events: BTreeMap<&str, u64> = BTreeMap::new();
        let steps: u64 = arm.runs.iter().map(|run| run.steps).sum();
        for run in &arm.runs {
            run.events.iter().for_each(|(name, count)| *events.entry(name).or_default() += count);
        }
        let rejected: u64 = arm.runs.iter().map(|run| run.rejected).sum();
        let text = events.iter().map(|(name, count)| format!("{name}: {count}")).collect::<Vec<_>>().join(", ");
        let failures: Vec<String> = arm
            .runs
            .iter()
            .filter_map(|run| {
                run.failure.as_ref().map(|why| format!("seed {} after step {}: {why}", run.seed, run.steps))
            })
            .collect();
        rows.push(vec![
            arm.name.clone(),
            steps.to_string(),
            rejected.to_string(),
            if text.is_empty() { "–".into() } else { text },
            if failures.is_empty() { "–".into() } else { failures.join("; ") },
        ]);
    }
    let columns = ["arm", ">accepted steps", ">rejected proposals", "steps that met", "failures"];
    vec![Block::Table(Table::new("Over all seeds.", &columns, rows))]
}

/// Every arm with all its settings, as TOML.
pub(super) fn settings(folder: &Folder) -> Block {
    let lines: Vec<String> =
        folder.summary.arms.iter().map(|arm| format!("# {}\nmethod.{}", arm.name, arm.settings)).collect();
    Block::Code(lines.join("\n\n"))
}
