//! Tables for the terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, presets};
use gf_report::significant;
use gf_utils::stats::median;

use crate::report::{ClaimVerdict, best_arms};
use crate::summary::{ArmSummary, Summary};

/// Columns of letters where there is no terminal to ask.
const WIDTH: u16 = 100;
/// Names up to here are kept on one line.
const LONGEST_NAME: usize = 36;

/// A table without decoration that fits the terminal.
pub(super) fn plain(header: &[&str], rows: Vec<Vec<String>>) -> String {
    table(header, rows).to_string()
}

/// Many rows of words: no lines between them.
pub(super) fn list(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let is_short = has_short_names(&rows);
    without_row_lines(table(header, rows), is_short)
}

/// Many rows of numbers: no lines between them, all columns but the first flush right.
pub(super) fn numbers(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let is_short = has_short_names(&rows);
    without_row_lines(flush_right(header, rows), is_short)
}

fn has_short_names(rows: &[Vec<String>]) -> bool {
    rows.iter().filter_map(|row| row.first()).all(|name| name.chars().count() <= LONGEST_NAME)
}

fn without_row_lines(mut table: Table, has_short_names: bool) -> String {
    if has_short_names {
        keep_names(&mut table);
    }
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.to_string()
}

/// Keeps names on one line.
fn keep_names(table: &mut Table) {
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
}

fn flush_right(header: &[&str], rows: Vec<Vec<String>>) -> Table {
    let mut table = table(header, rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn table(header: &[&str], rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table.set_header(header);
    table.add_rows(rows);
    table
}

/// Arm, final validation loss as median and quartiles, steps, flow time, gradient-equivalents, seconds.
pub(super) fn summary(summary: &Summary) -> String {
    let header = ["arm", "val. loss", "quartiles", "steps", "flow time", "grad. equiv.", "seconds", "failed"];
    let best = best_arms(&summary.arms);
    let rows: Vec<Vec<String>> = match &best {
        Some(best) => best.iter().map(|index| summary_row(&summary.arms[*index])).collect(),
        None => summary.arms.iter().map(summary_row).collect(),
    };
    let is_short = has_short_names(&rows);
    let mut table = flush_right(&header, rows);
    if is_short {
        keep_names(&mut table);
    }
    let mut text = table.to_string();
    if let Some(best) = best {
        let (shown, all) = (best.len(), summary.arms.len());
        text.push_str(&format!(
            "
The best {shown} of {all} arms; all are in summary.json."
        ));
    }
    text.push_str(
        "
Medians over seeds; seconds are spent in steps only.",
    );
    text.push_str(
        "
grad. equiv. = model flops over those of one gradient.",
    );
    text
}

fn summary_row(arm: &ArmSummary) -> Vec<String> {
    let [low, middle, high] = arm.final_val_loss_quartiles.map(|q| q.unwrap_or(f64::INFINITY));
    let middle_of = |values: Vec<f64>| median(&values).map_or_else(|| "–".to_string(), |value| significant(value, 3));
    let failed = arm.runs.iter().filter(|run| run.failure.is_some()).count();
    vec![
        arm.name.clone(),
        significant(middle, 4),
        format!("{} … {}", significant(low, 3), significant(high, 3)),
        middle_of(arm.runs.iter().map(|run| run.steps as f64).collect()),
        middle_of(arm.runs.iter().filter_map(|run| run.time).collect()),
        middle_of(arm.runs.iter().map(|run| run.grad_equivalents).collect()),
        middle_of(arm.runs.iter().map(|run| run.wall_s).collect()),
        format!("{failed} of {}", arm.runs.len()),
    ]
}

/// What to try, a line an arm that went badly; none where none did.
pub(super) fn advice(summary: &Summary) -> Option<String> {
    /// A sweep may have many.
    const MOST: usize = 8;
    let lines: Vec<String> = summary
        .arms
        .iter()
        .filter_map(|arm| {
            let (advice, count) = arm.advice()?;
            let seeds =
                if arm.runs.len() == 1 { String::new() } else { format!(" ({count} of {} seeds)", arm.runs.len()) };
            Some(format!("advice: {}{seeds}: {}", arm.name, advice.text))
        })
        .collect();
    let rest = lines.len().saturating_sub(MOST);
    let shown = lines.iter().take(MOST).cloned();
    let more = (rest > 0).then(|| format!("advice for {rest} more arms: summary.json"));
    (!lines.is_empty()).then(|| shown.chain(more).collect::<Vec<_>>().join("\n"))
}

/// Claims with their verdicts, under each axis.
pub(super) fn verdicts(verdicts: &[ClaimVerdict]) -> String {
    let header = ["claim", "verdict", "numbers"];
    let rows = verdicts
        .iter()
        .flat_map(|verdict| {
            verdict.axes.iter().enumerate().map(|(index, axis)| {
                let claim = if index == 0 { verdict.text.clone() } else { String::new() };
                vec![claim, format!("{} {}", axis.holds.word(), axis.axis), axis.numbers.clone()]
            })
        })
        .collect();
    plain(&header, rows)
}
