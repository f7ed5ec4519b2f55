//! What passes through the layers while a network learns.

use gf_report::{Axis, Block, Figure, Mark, Panel};
use miette::Report;

use crate::folder::{Folder, LAYERS, read_rows};
use crate::runner::LayerRow;

/// Panels a figure shows at most.
const MOST_ARMS: usize = 8;
/// Layers a panel shows at most: the first, the last and some between.
const MOST_LAYERS: usize = 6;

/// Figures of `layers.csv`; nothing where the study did not ask.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    if folder.study.run.layers_every.is_none() {
        return Ok(Vec::new());
    }
    let rows: Vec<LayerRow> = read_rows(&folder.path.join(LAYERS))?;
    let seed = folder.study.run.seeds[0];
    let rows: Vec<&LayerRow> = rows.iter().filter(|row| row.seed == seed).collect();
    let count = folder.study.network.as_ref().map_or(0, |network| network.layers.len());
    let shown = spread(count, MOST_LAYERS);
    let figure = |id: &str, caption: &str, label: &str, value: fn(&LayerRow) -> Option<f64>| {
        let panels = folder.summary.arms.iter().take(MOST_ARMS).map(|arm| {
            let y = if label.starts_with("share") { Axis::linear(label).within(0.0, 1.0) } else { Axis::log(label) };
            let mut panel = Panel::new(arm.name.clone(), Axis::linear("step k"), y);
            for (style, layer) in shown.iter().enumerate() {
                let points = rows.iter().filter(|row| row.arm == arm.name && row.layer == *layer);
                let (x, y): (Vec<f64>, Vec<f64>) =
                    points.map(|row| (row.step as f64, value(row).unwrap_or(f64::NAN))).unzip();
                panel = panel.with(Mark::line(format!("layer {layer}"), style, x, y));
            }
            panel
        });
        Block::Figure(Figure::new(id, caption, panels.collect()))
    };
    let whole = "on the whole training set, first seed; layer 1 is next to the input";
    Ok(vec![
        figure(
            "layer-gradients",
            &format!(
                "Norms of the gradient in each layer, {whole}. Lines that lie decades apart are layers that learn at different speeds."
            ),
            "length |∂L/∂Θ| of the layer's gradient",
            |row| row.gradient_norm,
        ),
        figure(
            "layer-saturation",
            &format!(
                "Share of entries whose slope |f'(z)| is below 0.01, {whole}. For relu this is the share that is off."
            ),
            "share of saturated entries",
            |row| row.saturated_share,
        ),
    ])
}

/// At most `most` of the numbers 1 to `count`, ends included, evenly spread.
pub(super) fn spread(count: usize, most: usize) -> Vec<usize> {
    let shown = count.min(most);
    (0..shown).map(|k| 1 + (k * (count - 1)).checked_div(shown - 1).unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn shown_layers_are_spread_over_all() {
        assert_eq!(spread(3, 6), [1, 2, 3]);
        assert_eq!(spread(21, 6), [1, 5, 9, 13, 17, 21]);
        assert_eq!((spread(1, 6), spread(0, 6)), (vec![1], vec![]));
    }
}
