//! Predictions against truth on the validation set of the first seed, at the end of each arm.

use std::collections::BTreeMap;

use gf_report::{Axis, Block, Figure, Mark, Panel};
use miette::Report;

use super::styles;
use crate::folder::{Folder, PREDICTIONS};
use crate::study::misuse;

/// What `predictions.csv` holds of one arm.
#[derive(Default)]
struct Arm {
    x: Vec<f64>,
    truth: Vec<f64>,
    predicted: Vec<f64>,
}

/// Figures for one real output; none for other shapes and for classes.
pub(super) fn blocks(folder: &Folder) -> Result<Option<Vec<Block>>, Report> {
    let path = folder.path.join(PREDICTIONS);
    if folder.study.network.is_none() {
        return Ok(None);
    }
    let fail = |error: csv::Error| misuse(format!("{}: {error}", path.display()));
    let mut reader = csv::Reader::from_path(&path).map_err(fail)?;
    let header: Vec<String> = reader.headers().map_err(fail)?.iter().map(str::to_string).collect();
    let column = |name: &str| header.iter().position(|column| column == name);
    let outputs: Vec<usize> = (0..).map_while(|k| column(&format!("prediction{k}"))).collect();
    let (Some(x), Some(truth), &[predicted]) = (column("x0"), column("y0"), &outputs[..]) else { return Ok(None) };
    if column("y1").is_some() || folder.study.loss.as_ref().is_some_and(|loss| loss.kind.is_classification()) {
        return Ok(None);
    }
    let mut arms: BTreeMap<String, Arm> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(fail)?;
        let number = |index: usize| record[index].parse::<f64>().unwrap_or(f64::NAN);
        let arm = arms.entry(record[0].to_string()).or_default();
        arm.x.push(number(x));
        arm.truth.push(number(truth));
        arm.predicted.push(number(predicted));
    }
    Ok(Some(vec![curves(folder, &arms)]))
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
