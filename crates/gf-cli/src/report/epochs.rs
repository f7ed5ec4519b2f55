//! Training epoch by epoch, where the study watches it.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use gf_utils::stats::median;
use miette::Report;

use super::layers::spread;
use super::styles;
use crate::folder::{EPOCH_LAYERS, EPOCHS, Folder, read_rows};
use crate::runner::{EpochLayerRow, EpochRow, UPDATE_RATIO_BAND};

/// Panels a figure of layers shows at most.
const MOST_ARMS: usize = 8;
/// Layers a panel shows at most.
const MOST_LAYERS: usize = 6;

/// A table and figures of `epochs.csv` and `epoch-layers.csv`; nothing where the study does not watch epochs.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    let file = folder.path.join(EPOCHS);
    if !file.exists() {
        return Ok(Vec::new());
    }
    let rows: Vec<EpochRow> = read_rows(&file)?;
    let layers: Vec<EpochLayerRow> = read_rows(&folder.path.join(EPOCH_LAYERS))?;
    let mut blocks = vec![Block::Table(table(folder, &rows))];
    let seed = folder.study.run.seeds[0];
    let rows: Vec<EpochRow> = rows.into_iter().filter(|row| row.seed == seed).collect();
    blocks.push(Block::Figure(losses(folder, &rows)));
    blocks.push(Block::Figure(steps(folder, &rows)));
    let layers: Vec<EpochLayerRow> = layers.into_iter().filter(|row| row.seed == seed).collect();
    if !layers.is_empty() {
        let whole = "first seed; layer 1 is next to the input";
        blocks.push(Block::Figure(by_layer(
            folder,
            &layers,
            "epoch-layer-gradients",
            format!(
                "Norms of each layer's part of the gradient on the batches, means over the steps of an epoch, {whole}."
            ),
            ("length |∂L/∂Θ| of the layer's gradient", false),
            |row| row.gradient_norm,
        )));
        blocks.push(Block::Figure(by_layer(
            folder,
            &layers,
            "epoch-layer-update-ratios",
            format!("Update ratios layer by layer, means over the steps of an epoch, {whole}. Rules: the usual band, 0.001 to 0.01."),
            ("update ratio mean|Δθ|/mean|θ|", true),
            |row| row.update_ratio,
        )));
    }
    Ok(blocks)
}

/// One row an arm: its last epoch, and shares over all its steps; medians over seeds.
fn table(folder: &Folder, rows: &[EpochRow]) -> Table {
    let is_classifier = rows.iter().any(|row| row.val_accuracy.is_some());
    let metric = if is_classifier { "accuracy" } else { "MAE" };
    let table_rows = folder.summary.arms.iter().map(|arm| {
        let runs: Vec<Vec<&EpochRow>> = arm
            .runs
            .iter()
            .map(|run| rows.iter().filter(|row| row.arm == arm.name && row.seed == run.seed).collect())
            .collect();
        let middle = |of: &dyn Fn(&[&EpochRow]) -> Option<f64>| {
            let values: Vec<f64> = runs.iter().filter_map(|run| of(run)).collect();
            median(&values).map_or_else(|| "–".to_string(), |value| significant(value, 3))
        };
        let last = |of: fn(&EpochRow) -> Option<f64>| middle(&|run| run.iter().rev().find_map(|row| of(row)));
        let over_steps = |of: fn(&EpochRow) -> Option<f64>| middle(&|run| mean_over_steps(run, of));
        vec![
            arm.name.clone(),
            middle(&|run| run.last().map(|row| row.epoch as f64)),
            last(|row| row.train_loss),
            last(|row| row.val_loss),
            last(|row| row.train_accuracy.or(row.train_mae)),
            last(|row| row.val_accuracy.or(row.val_mae)),
            over_steps(|row| row.update_ratio),
            over_steps(|row| row.ratio_below),
            over_steps(|row| row.ratio_inside),
            over_steps(|row| row.ratio_above),
            over_steps(|row| row.share_lowered),
        ]
    });
    let columns = [
        "arm",
        ">epochs",
        ">training loss",
        ">validation loss",
        &format!(">training {metric}"),
        &format!(">validation {metric}"),
        ">update ratio",
        ">below the band",
        ">inside",
        ">above",
        ">steps that lowered the loss",
    ];
    let caption = "Losses and metrics at the last evaluation; update ratio mean|Δθ|/mean|θ| and shares of steps over the whole run: ratios \
                   below, inside and above the usual band from 0.001 to 0.01, and steps after which the loss on their own batch was lower \
                   than before. Medians over seeds.";
    Table::new(caption, &columns, table_rows.collect())
}

/// The mean of a number over all steps of a run, from its means over epochs.
fn mean_over_steps(run: &[&EpochRow], of: fn(&EpochRow) -> Option<f64>) -> Option<f64> {
    let (mut sum, mut before) = (0.0, 0);
    for row in run {
        let steps = row.step - before;
        before = row.step;
        if steps > 0 {
            sum += of(row)? * steps as f64;
        }
    }
    (before > 0).then(|| sum / before as f64)
}

/// Loss and metric, on training and validation set.
fn losses(folder: &Folder, rows: &[EpochRow]) -> Figure {
    type Pick = fn(&EpochRow) -> Option<f64>;
    let is_classifier = rows.iter().any(|row| row.val_accuracy.is_some());
    let mut panels: Vec<(&str, Axis, Pick)> = vec![
        ("training set", Axis::log("loss"), |row| row.train_loss),
        ("validation set", Axis::log("loss"), |row| row.val_loss),
    ];
    if is_classifier {
        panels.push(("training set", Axis::linear("accuracy"), |row| row.train_accuracy));
        panels.push(("validation set", Axis::linear("accuracy"), |row| row.val_accuracy));
    } else if rows.iter().any(|row| row.val_mae.is_some()) {
        panels.push(("training set", Axis::log("mean absolute error"), |row| row.train_mae));
        panels.push(("validation set", Axis::log("mean absolute error"), |row| row.val_mae));
    }
    let panels = panels.into_iter().map(|(title, axis, value)| over_epochs(folder, rows, title, axis, value));
    let caption =
        "Loss and metric on training and validation set at the end of every epoch, first seed; epoch 0 is the start.";
    Figure::new("epoch-losses", caption, panels.collect())
}

/// What steps did: how long they were, and how many helped.
fn steps(folder: &Folder, rows: &[EpochRow]) -> Figure {
    let ratio =
        with_band(over_epochs(folder, rows, "update ratio", Axis::log("update ratio mean|Δθ|/mean|θ|"), |row| {
            row.update_ratio
        }));
    let inside = Axis::linear("share of steps").within(0.0, 1.0);
    let lowered = Axis::linear("share of steps").within(0.0, 1.0);
    let panels = vec![
        ratio,
        over_epochs(folder, rows, "update ratio inside the band", inside, |row| row.ratio_inside),
        over_epochs(folder, rows, "steps that lowered the loss of their batch", lowered, |row| row.share_lowered),
        over_epochs(folder, rows, "gradient", Axis::log("length |∂L/∂θ| on the batch"), |row| row.gradient_norm),
    ];
    let caption = "Means over the steps of each epoch, first seed. Rules: the usual band of update ratios, 0.001 to 0.01. A step lowered the \
                   loss where the loss on its own batch was lower after it than before.";
    Figure::new("epoch-steps", caption, panels)
}

fn by_layer(
    folder: &Folder,
    rows: &[EpochLayerRow],
    id: &str,
    caption: String,
    (label, has_band): (&str, bool),
    value: fn(&EpochLayerRow) -> Option<f64>,
) -> Figure {
    let count = folder.study.network.as_ref().map_or(0, |network| network.layers.len());
    let panels = folder.summary.arms.iter().take(MOST_ARMS).map(|arm| {
        let mut panel = Panel::new(arm.name.clone(), Axis::linear("epoch"), Axis::log(label));
        for (style, layer) in spread(count, MOST_LAYERS).into_iter().enumerate() {
            let points = rows.iter().filter(|row| row.arm == arm.name && row.layer == layer);
            let (x, y) = points.map(|row| (row.epoch as f64, value(row).unwrap_or(f64::NAN))).unzip();
            panel = panel.with(Mark::line(format!("layer {layer}"), style, x, y));
        }
        if has_band { with_band(panel) } else { panel }
    });
    Figure::new(id, caption, panels.collect())
}

fn over_epochs(
    folder: &Folder,
    rows: &[EpochRow],
    title: &str,
    axis: Axis,
    value: fn(&EpochRow) -> Option<f64>,
) -> Panel {
    let mut panel = Panel::new(title, Axis::linear("epoch"), axis);
    for (style, arm) in styles::arms(folder) {
        let points = rows.iter().filter(|row| row.arm == arm.name);
        let (x, y) = points.filter_map(|row| Some((row.epoch as f64, value(row)?))).unzip();
        panel = panel.with(Mark::line(arm.name.clone(), style, x, y));
    }
    panel
}

fn with_band(panel: Panel) -> Panel {
    UPDATE_RATIO_BAND.into_iter().fold(panel, |panel, y| panel.with(Mark::Horizontal { y, label: significant(y, 1) }))
}
