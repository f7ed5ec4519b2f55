//! Predictions against truth on the validation set of the first seed, at the end of each arm.

use std::collections::BTreeMap;

use gf_report::{Axis, Block, Figure, Mark, Panel, Table};
use miette::Report;

use super::styles;
use crate::folder::Folder;
use crate::study::misuse;

/// What `predictions.csv` holds of one arm.
#[derive(Default)]
struct Arm {
    x: Vec<f64>,
    truth: Vec<f64>,
    predicted: Vec<f64>,
    /// Most probable class.
    class: Vec<usize>,
}

/// Figures for one real output, a confusion table for classes; none for other shapes.
pub(super) fn blocks(folder: &Folder) -> Result<Option<Vec<Block>>, Report> {
    let path = folder.path.join("predictions.csv");
    if folder.study.network.is_none() {
        return Ok(None);
    }
    let fail = |error: csv::Error| misuse(format!("{}: {error}", path.display()));
    let mut reader = csv::Reader::from_path(&path).map_err(fail)?;
    let header: Vec<String> = reader.headers().map_err(fail)?.iter().map(str::to_string).collect();
    let column = |name: &str| header.iter().position(|column| column == name);
    let outputs: Vec<usize> = (0..).map_while(|k| column(&format!("prediction{k}"))).collect();
    let truth = column("y0").or(column("label"));
    let (Some(x), Some(truth), Some(&first)) = (column("x0"), truth, outputs.first()) else { return Ok(None) };
    let is_class = column("label").is_some();
    if !is_class && (column("y1").is_some() || outputs.len() != 1) {
        return Ok(None);
    }
    let mut arms: BTreeMap<String, Arm> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(fail)?;
        let number = |index: usize| record[index].parse::<f64>().unwrap_or(f64::NAN);
        let arm = arms.entry(record[0].to_string()).or_default();
        arm.x.push(number(x));
        arm.truth.push(number(truth));
        arm.predicted.push(number(first));
        let values: Vec<f64> = outputs.iter().map(|index| number(*index)).collect();
        let highest = (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0);
        arm.class.push(highest);
    }
    Ok(Some(if is_class { vec![confusion(folder, &arms, outputs.len())] } else { vec![curves(folder, &arms)] }))
}

fn curves(folder: &Folder, arms: &BTreeMap<String, Arm>) -> Block {
    const MOST_PANELS: usize = 8;
    let panels = styles::arms(folder)
        .filter_map(|(style, summary)| {
            let arm = arms.get(&summary.name)?;
            let axis = |label: &str, numbers: &[f64], share: f64| {
                let finite = numbers.iter().filter(|x| x.is_finite());
                let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
                let margin = share * (high - low).max(1e-9);
                Axis::linear(label).within(low - margin, high + margin)
            };
            Some(
                Panel::new(&summary.name, axis("first input x₀", &arm.x, 0.02), axis("output y", &arm.truth, 0.15))
                    .with(Mark::points("truth", 6, arm.x.clone(), arm.truth.clone()))
                    .with(Mark::points(
                        format!("prediction: {}", summary.name),
                        style,
                        arm.x.clone(),
                        arm.predicted.clone(),
                    )),
            )
        })
        .take(MOST_PANELS)
        .collect();
    let caption = "Predictions at the end of the run against the truth, on the validation set of the first seed, in the units of the data. \
                   What lies beyond the panel, or is not finite, is not drawn.";
    Block::Figure(Figure::new("predictions", caption, panels))
}

/// Rows: true classes; columns: predictions of the arm with the lowest median loss.
fn confusion(folder: &Folder, arms: &BTreeMap<String, Arm>, classes: usize) -> Block {
    let best = folder
        .summary
        .arms
        .iter()
        .min_by(|a, b| {
            let loss = |arm: &crate::summary::ArmSummary| arm.final_val_loss_quartiles[1].unwrap_or(f64::INFINITY);
            loss(a).total_cmp(&loss(b))
        })
        .map(|arm| arm.name.clone())
        .unwrap_or_default();
    let mut counts = vec![vec![0usize; classes]; classes];
    if let Some(arm) = arms.get(&best) {
        for (truth, class) in arm.truth.iter().zip(&arm.class) {
            if let Some(slot) = counts.get_mut(*truth as usize).and_then(|row| row.get_mut(*class)) {
                *slot += 1;
            }
        }
    }
    let name = |class: usize| match folder.summary.class_names.as_ref().and_then(|names| names.get(class)) {
        Some(name) => name.clone(),
        None => class.to_string(),
    };
    let predicted = (0..classes).map(|class| format!(">predicted {}", name(class)));
    let columns: Vec<String> = std::iter::once("truth".to_string()).chain(predicted).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let rows = counts
        .iter()
        .enumerate()
        .map(|(class, row)| {
            let cell = |count: &usize| if *count == 0 { "·".to_string() } else { count.to_string() };
            std::iter::once(name(class)).chain(row.iter().map(cell)).collect()
        })
        .collect();
    Block::Table(Table::new(
        format!("Confusion on the validation set of the first seed, arm \"{best}\" at its end."),
        &columns,
        rows,
    ))
}
