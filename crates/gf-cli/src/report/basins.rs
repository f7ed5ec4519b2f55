//! Basins of attraction: starts colored by where they end.

use gf_core::Triangle;
use gf_linalg::eigen::symmetric_eigenvalues;
use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use miette::Report;

use crate::folder::{BASINS, Folder};
use crate::study::{FunctionSpec, misuse};

/// Ends closer than this are one point.
const SAME: f64 = 1e-3;

struct Row {
    arm: String,
    start: [f64; 2],
    end: [f64; 2],
    converged: bool,
    steps: f64,
}

/// A figure with a panel per arm and a table of the points that attract; nothing where the study did not ask.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    let (Some(_), Some(function)) = (&folder.study.basins, &folder.study.problem) else { return Ok(Vec::new()) };
    let rows = read(folder)?;
    let mut ends: Vec<([f64; 2], f64)> = Vec::new();
    let near = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) < SAME;
    for row in rows.iter().filter(|row| row.converged) {
        if !ends.iter().any(|(end, _)| near(*end, row.end)) {
            ends.push((row.end, function.value(0, &row.end)));
        }
    }
    ends.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0[0].total_cmp(&b.0[0])));
    let names: Vec<String> = ends
        .iter()
        .map(|(end, _)| format!("{} ({}, {})", kind(function, *end), significant(end[0], 4), significant(end[1], 4)))
        .collect();
    let arms = &folder.summary.arms;
    let mut panels = Vec::new();
    let mut table = Vec::new();
    for arm in arms {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.arm == arm.name).collect();
        let index = |row: &Row| ends.iter().position(|(end, _)| row.converged && near(*end, row.end));
        let mut panel = Panel::new(arm.name.clone(), Axis::linear("θ₁ at the start"), Axis::linear("θ₂ at the start"));
        for (style, name) in names.iter().enumerate() {
            let starts = rows.iter().filter(|row| index(row) == Some(style)).map(|row| row.start);
            let (x, y) = starts.map(|start| (start[0], start[1])).unzip();
            panel = panel.with(Mark::Cells { label: name.clone(), style, x, y });
        }
        panels.push(panel);
        let count = |keep: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| keep(row)).count();
        let minima = count(&|row| index(row).is_some_and(|index| names[index].starts_with("minimum")));
        let others = count(&|row| index(row).is_some_and(|index| !names[index].starts_with("minimum")));
        let total = rows.len().max(1);
        let percent = |count: usize| format!("{:.1} %", 100.0 * count as f64 / total as f64);
        let converged: Vec<f64> = rows.iter().filter(|row| row.converged).map(|row| row.steps).collect();
        table.push(vec![
            arm.name.clone(),
            percent(minima),
            percent(others),
            percent(total - minima - others),
            gf_utils::stats::median(&converged).map_or_else(|| "–".into(), |steps| significant(steps, 3)),
        ]);
    }
    let caption = "Each square is a start, colored by the point where the run ended; white starts did not converge. Basins of the flow have smooth borders; \
                   long steps tear them, and methods that look for zeros of the gradient end at saddles and maxima too.";
    let columns = ["arm", ">ends at a minimum", ">at a saddle or maximum", ">does not converge", ">steps (median)"];
    Ok(vec![
        Block::Figure(Figure::new("basins", caption, panels)),
        Block::Table(Table::new("Where the starts of the grid end.", &columns, table)),
    ])
}

/// What kind of critical point it is, by the signs of the eigenvalues of H.
fn kind(function: &FunctionSpec, theta: [f64; 2]) -> &'static str {
    let mut matrix = [0.0; 4];
    if function.objective(0).dense_hessian(&theta, Triangle::Both, &mut matrix).is_err() {
        return "point";
    }
    let eigenvalues = symmetric_eigenvalues(2, &matrix).unwrap_or_default();
    match eigenvalues.iter().filter(|lambda| **lambda < 0.0).count() {
        0 => "minimum",
        1 => "saddle",
        _ => "maximum",
    }
}

fn read(folder: &Folder) -> Result<Vec<Row>, Report> {
    let path = folder.path.join(BASINS);
    let fail = |error: csv::Error| misuse(format!("{}: {error}", path.display()));
    let mut reader = csv::Reader::from_path(&path).map_err(fail)?;
    reader
        .records()
        .map(|record| {
            let record = record.map_err(fail)?;
            let number = |index: usize| -> Result<f64, Report> {
                let cell = record.get(index).unwrap_or_default();
                cell.parse().map_err(|_| misuse(format!("{}: expected a number, found \"{cell}\"", path.display())))
            };
            Ok(Row {
                arm: record.get(0).unwrap_or_default().to_string(),
                start: [number(1)?, number(2)?],
                end: [number(3)?, number(4)?],
                converged: number(5)? == 1.0,
                steps: number(6)?,
            })
        })
        .collect()
}
