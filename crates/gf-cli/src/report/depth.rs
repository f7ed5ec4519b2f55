//! Signals through random networks of growing depth: `[depth]`.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use gf_utils::stats::median;
use miette::Report;

use crate::folder::{DEPTH, DEPTH_LAYERS, Folder, read_rows};
use crate::runner::{DepthLayerRow, DepthRow};
use crate::study::{Depth, initialization_name};

/// What was asked for and what was measured.
struct Measured<'a> {
    spec: &'a Depth,
    initializations: Vec<String>,
    deepest: usize,
    seed: u64,
    networks: Vec<DepthRow>,
    layers: Vec<DepthLayerRow>,
}

/// Figures and a table; nothing where the study did not ask.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    let Some(spec) = &folder.study.depth else { return Ok(Vec::new()) };
    let measured = Measured {
        spec,
        initializations: spec.initializations.iter().map(initialization_name).collect(),
        deepest: spec.depths.iter().copied().max().unwrap_or(1),
        seed: folder.study.run.seeds[0],
        networks: read_rows(&folder.path.join(DEPTH))?,
        layers: read_rows(&folder.path.join(DEPTH_LAYERS))?,
    };
    let mut blocks = vec![Block::Figure(measured.rates())];
    blocks.extend(spec.activations.iter().map(|activation| Block::Figure(measured.gradients(activation.name()))));
    blocks.push(Block::Figure(measured.activations()));
    blocks.push(Block::Figure(measured.jacobians()));
    blocks.push(Block::Figure(measured.products()));
    blocks.push(Block::Table(measured.table()));
    Ok(blocks)
}

impl Measured<'_> {
    /// A panel for every initialization, without and with skip connections side by side.
    fn panels(&self, x: &Axis, y: &Axis, marks: impl Fn(&str, bool) -> Vec<Mark>) -> Vec<Panel> {
        let mut panels = Vec::new();
        for initialization in &self.initializations {
            for &skip in &self.spec.skip {
                let title = format!("{initialization}, {}", if skip { "with skip" } else { "plain" });
                let mut panel = Panel::new(title, x.clone(), y.clone());
                panel.marks = marks(initialization, skip);
                panels.push(panel);
            }
        }
        panels
    }

    /// The layers of one network, first seed.
    fn layers<'a>(
        &'a self,
        activation: &'a str,
        initialization: &'a str,
        skip: bool,
        depth: usize,
    ) -> impl Iterator<Item = &'a DepthLayerRow> {
        self.layers.iter().filter(move |row| {
            (row.activation.as_str(), row.initialization.as_str(), row.skip, row.depth, row.seed)
                == (activation, initialization, skip, depth, self.seed)
        })
    }

    /// The hidden layers of the deepest network.
    fn hidden_of_deepest<'a>(
        &'a self,
        activation: &'a str,
        initialization: &'a str,
        skip: bool,
    ) -> impl Iterator<Item = &'a DepthLayerRow> {
        self.layers(activation, initialization, skip, self.deepest).filter(|row| row.layer <= self.deepest)
    }

    fn gradients(&self, activation: &str) -> Figure {
        let (x, y) = (Axis::linear("layer l (1 is next to the input)"), Axis::linear("log₁₀ of the length |∂L/∂Θ|"));
        let panels = self.panels(&x, &y, |initialization, skip| {
            let line = |(style, &depth): (usize, &usize)| {
                let rows = self.layers(activation, initialization, skip, depth);
                let (x, y) = rows.map(|row| (row.layer as f64, row.gradient_norm.log10())).unzip();
                Mark::line(format!("depth {depth}"), style, x, y)
            };
            self.spec.depths.iter().enumerate().map(line).collect()
        });
        let caption = format!(
            "{activation}: norm of the gradient in each layer at the start, first seed, for networks of several depths. Lines that fall to the left are \
             gradients that vanish on their way to the input; lines that rise to the left explode. The last point is the output layer."
        );
        Figure::new(format!("depth-gradients-{activation}"), caption, panels)
    }

    fn activations(&self) -> Figure {
        let (x, y) = (Axis::linear("layer l (1 is next to the input)"), Axis::linear("log₁₀ rms of a"));
        let panels = self.panels(&x, &y, |initialization, skip| {
            let mut marks = Vec::new();
            for (style, activation) in self.spec.activations.iter().enumerate() {
                let rows = || self.hidden_of_deepest(activation.name(), initialization, skip);
                let x: Vec<f64> = rows().map(|row| row.layer as f64).collect();
                let predicted = rows().map(|row| row.mean_field_rms.log10()).collect();
                marks.push(Mark::line(activation.name(), style, x.clone(), predicted));
                marks.push(Mark::points("", style, x, rows().map(|row| row.activation_rms.log10()).collect()));
            }
            marks
        });
        let caption = format!(
            "Root mean square of the activations through the {} hidden layers of the deepest network, first seed. Dots: measured; lines: mean-field theory.",
            self.deepest
        );
        Figure::new("depth-activations", caption, panels)
    }

    fn jacobians(&self) -> Figure {
        let (x, y) = (Axis::linear("layer l (1 is next to the input)"), Axis::log("singular values of ∂a^l/∂a^(l−1)"));
        let panels = self.panels(&x, &y, |initialization, skip| {
            let mut marks = Vec::new();
            for (style, activation) in self.spec.activations.iter().enumerate() {
                let rows = || self.hidden_of_deepest(activation.name(), initialization, skip);
                let x: Vec<f64> = rows().map(|row| row.layer as f64).collect();
                marks.push(Mark::line(
                    activation.name(),
                    style,
                    x.clone(),
                    rows().map(|row| row.jacobian_largest).collect(),
                ));
                marks.push(Mark::points("", style, x, rows().map(|row| row.jacobian_median).collect()));
            }
            marks
        });
        let caption = "Singular values of the layers' Jacobians in the deepest network, first seed. Lines: the largest; dots: the median of those that do not \
                       vanish. Geometric means over samples.";
        Figure::new("depth-jacobians", caption, panels)
    }

    fn products(&self) -> Figure {
        let (x, y) = (Axis::linear("depth"), Axis::linear("log₁₀ of singular values of the product"));
        let panels = self.panels(&x, &y, |initialization, skip| {
            let mut marks = Vec::new();
            for (style, activation) in self.spec.activations.iter().enumerate() {
                let over_depths = |value: fn(&DepthRow) -> Option<f64>| -> Vec<f64> {
                    let at = |depth: &usize| self.middle(activation.name(), initialization, skip, *depth, value);
                    self.spec.depths.iter().map(|depth| at(depth).map_or(f64::NAN, f64::log10)).collect()
                };
                let x: Vec<f64> = self.spec.depths.iter().map(|depth| *depth as f64).collect();
                marks.push(Mark::line(activation.name(), style, x.clone(), over_depths(|row| row.product_largest)));
                marks.push(Mark::points("", style, x, over_depths(|row| row.product_median)));
            }
            marks
        });
        let caption = "Singular values of the product of the hidden layers' Jacobians, ∂a/∂x, against the depth; medians over seeds. Lines: the largest; dots: \
                       the median of those that do not vanish. A gap between them that grows with the depth is a map that keeps few directions.";
        Figure::new("depth-products", caption, panels)
    }

    fn rates(&self) -> Figure {
        let panel = |title: &str, label: &str, predicted: fn(&DepthRow) -> Option<f64>| {
            let y = "fitted rate of ln rms ∂L/∂a per layer";
            let mut panel = Panel::new(title, Axis::linear(label), Axis::linear(y));
            let mut ends = (f64::INFINITY, f64::NEG_INFINITY);
            for (index, activation) in self.spec.activations.iter().enumerate() {
                for &skip in &self.spec.skip {
                    let rows =
                        self.networks.iter().filter(|row| row.activation == activation.name() && row.skip == skip);
                    let points = rows.filter(|row| row.depth >= FITTED).filter_map(|row| predicted(row).zip(row.rate));
                    let (x, y): (Vec<f64>, Vec<f64>) = points.unzip();
                    for x in x.iter().filter(|x| x.is_finite()) {
                        ends = (ends.0.min(*x), ends.1.max(*x));
                    }
                    let style = 2 * index + usize::from(skip);
                    let label = format!("{}{}", activation.name(), if skip { " with skip" } else { "" });
                    panel = panel.with(Mark::points(label, style, x, y));
                }
            }
            if ends.0 < ends.1 {
                let margin = 0.04 * (ends.1 - ends.0);
                let line = vec![ends.0 - margin, ends.1 + margin];
                panel.x = panel.x.within(line[0], line[1]);
                panel = panel.with(Mark::line("as predicted", 8, line.clone(), line));
            }
            panel
        };
        let panels = vec![
            panel("mean-field theory", "½ ln χ, predicted", |row| row.mean_field_rate),
            panel("bound by spectral norms", "ln σ_max of the layers' Jacobians", |row| row.bound_rate),
        ];
        let caption = format!(
            "How fast gradients grow (above 0) or vanish (below 0) on their way to the input, fitted over the hidden layers of every network of depth {FITTED} or \
             more, against two predictions. Mean-field theory, exact for wide layers at their start, predicts points on the line. It takes gradients for independent of activations: with skip connections and an \
             activation whose mean is not 0 both align with each other, and gradients grow faster than it says. Near the unstable fixed point of gelu a narrow network may go the \
             other way. The largest singular values of the layers bound the rate: points lie below theirs."
        );
        Figure::new("depth-rates", caption, panels)
    }

    /// The median over seeds.
    fn middle(
        &self,
        activation: &str,
        initialization: &str,
        skip: bool,
        depth: usize,
        value: fn(&DepthRow) -> Option<f64>,
    ) -> Option<f64> {
        let key = (activation, initialization, skip, depth);
        let rows = self
            .networks
            .iter()
            .filter(|row| (row.activation.as_str(), row.initialization.as_str(), row.skip, row.depth) == key);
        median(&rows.filter_map(value).collect::<Vec<_>>())
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for activation in &self.spec.activations {
            for initialization in &self.initializations {
                for &skip in &self.spec.skip {
                    let number = |value: fn(&DepthRow) -> Option<f64>| {
                        self.middle(activation.name(), initialization, skip, self.deepest, value)
                    };
                    let rate = |value| number(value).map_or_else(|| "–".into(), |rate| format!("{rate:.3}"));
                    let size = |value| number(value).map_or_else(|| "–".into(), |size| significant(size, 2));
                    rows.push(vec![
                        activation.name().to_string(),
                        initialization.clone(),
                        if skip { "yes" } else { "no" }.into(),
                        rate(|row| row.rate),
                        rate(|row| row.rate_error),
                        rate(|row| row.mean_field_rate),
                        rate(|row| row.bound_rate),
                        size(|row| row.product_largest),
                        size(|row| row.product_median),
                        size(|row| row.product_rank),
                    ]);
                }
            }
        }
        let columns = [
            "activation",
            "initialization",
            "skip",
            ">rate",
            ">±",
            ">½ ln χ",
            ">bound",
            ">product: largest σ",
            ">median σ",
            ">rank",
        ];
        let caption = format!(
            "Networks of {} hidden layers: the fitted rate of ln rms ∂L/∂a per layer towards the input with its standard error, the prediction of mean-field \
             theory, the bound by spectral norms, and singular values of the product of all layers' Jacobians. Medians over seeds.",
            self.deepest
        );
        Table::new(caption, &columns, rows)
    }
}

/// Hidden layers from which on a rate says more than its scatter.
const FITTED: usize = 5;
