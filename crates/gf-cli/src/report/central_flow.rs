//! The central flow beside gradient descent: what it predicts, against the smoothed run.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use miette::Report;

use crate::folder::{Folder, read_rows};
use crate::runner::CentralFlowRow;
use crate::spectrum_file::{self, CENTRAL_FLOW};

/// Standard deviation, in steps, of the Gaussian that gradient descent is averaged with.
const WIDTH: f64 = 50.0;
/// It is cut at so many steps.
const REACH: usize = 3 * WIDTH as usize;
/// Arms that get figures.
const ARMS: usize = 4;

/// Figures and a table; nothing where no central flow was followed.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    let path = folder.path.join(CENTRAL_FLOW);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let seed = folder.study.run.seeds.first().copied().unwrap_or(0);
    let rows: Vec<CentralFlowRow> = read_rows(&path)?;
    let arms: Vec<Arm> = folder
        .summary
        .arms
        .iter()
        .map(|arm| rows.iter().filter(|row| row.arm == arm.name && row.seed == seed).collect::<Vec<_>>())
        .filter(|rows| !rows.is_empty())
        .map(Arm::new)
        .collect();
    let text = "The central flow is what gradient descent does on average: gradient flow with the sharpness held at or below 2/h, and the covariance of the \
                oscillation as the multiplier of that constraint. It is computed alone, from the same start, with exact third derivatives; nothing \
                of it is fitted to the run.";
    let mut blocks = vec![Block::Paragraph(text.into()), Block::Table(table(&arms))];
    for arm in arms.iter().take(ARMS) {
        blocks.push(Block::Figure(arm.figure(folder, seed)?));
    }
    Ok(blocks)
}

/// One run with its central flow.
struct Arm<'a> {
    rows: Vec<&'a CentralFlowRow>,
}

impl<'a> Arm<'a> {
    fn new(rows: Vec<&'a CentralFlowRow>) -> Self {
        Self { rows }
    }

    fn column(&self, value: impl Fn(&CentralFlowRow) -> f64) -> Vec<f64> {
        self.rows.iter().map(|row| value(row)).collect()
    }

    /// Rows past the edge: from the first at which something oscillates on.
    fn edge(&self) -> Option<usize> {
        self.rows.iter().position(|row| row.active > 0)
    }

    fn figure(&self, folder: &Folder, seed: u64) -> Result<Figure, Report> {
        let name = &self.rows[0].arm;
        let step = self.column(|row| row.step as f64);
        let line = |label: &str, style: usize, y: Vec<f64>| Mark::line(label, style, step.clone(), y);
        let loss = self.column(|row| row.loss);
        let squared = self.column(|row| row.squared_gradient_norm);
        let oscillation = self.column(|row| row.oscillation.unwrap_or(f64::NAN));
        let average = format!("gradient descent, averaged by a Gaussian of {WIDTH} steps");
        let is_positive = loss.iter().chain(&self.column(|row| row.central_loss)).all(|x| *x > 0.0);
        let scale = if is_positive { Axis::log } else { Axis::linear };
        let losses = Panel::new("loss", Axis::linear("step k"), scale("training loss"))
            .with(line("gradient descent", 5, loss.clone()))
            .with(line(&average, 0, smoothed(&loss)))
            .with(line("predicted mean", 1, self.column(|row| row.mean_loss)))
            .with(line("on the central flow", 2, self.column(|row| row.central_loss)));
        let mut sharpness =
            Panel::new("sharpness", Axis::linear("step k"), Axis::linear("λ₁, largest eigenvalue of H"));
        for table in spectrum_file::read(&folder.path)?.iter().filter(|table| table.arm == *name && table.seed == seed)
        {
            sharpness = sharpness.with(Mark::line("gradient descent", 5, table.column("step"), table.column("top_1")));
        }
        let sharpness = sharpness
            .with(line("on the central flow", 2, self.column(|row| row.sharpness)))
            .with(Mark::Horizontal { y: self.rows[0].threshold, label: "2/h".into() });
        let (variance, mean_oscillation) = (self.column(|row| row.variance), smoothed(&oscillation));
        let top = variance.iter().chain(&mean_oscillation).copied().filter(|x| x.is_finite()).fold(1e-12, f64::max);
        let oscillations = Panel::new(
            "variance of the oscillation",
            Axis::linear("step k"),
            Axis::linear("squared amplitude, in units of θ²").within(0.0, 1.1 * top),
        )
        .with(line(&average, 0, mean_oscillation))
        .with(line("predicted mean", 1, variance));
        let gradients = Panel::new("squared gradient norm", Axis::linear("step k"), Axis::log("|∇L|²"))
            .with(line(&average, 0, smoothed(&squared)))
            .with(line("predicted mean", 1, self.column(|row| row.mean_squared_gradient_norm)))
            .with(line(
                "on the central flow",
                2,
                self.column(|row| row.mean_squared_gradient_norm - 4.0 * row.variance / self.h().powi(2)),
            ));
        let caption = format!(
            "{name}: loss, sharpness, oscillation and gradient of gradient descent beside its central flow. The oscillation of the run is its part that \
             alternates from step to step, |(θ_k+1 − 2θ_k + θ_k−1)/4|²."
        );
        Ok(Figure::new(format!("central-flow-{name}"), caption, vec![losses, sharpness, oscillations, gradients]))
    }

    fn h(&self) -> f64 {
        2.0 / self.rows[0].threshold
    }
}

/// The mean around each step with Gaussian weights, cut at three widths and at the ends of the run; NaN in a run shorter than the Gaussian.
fn smoothed(values: &[f64]) -> Vec<f64> {
    if values.len() < 2 * REACH {
        return vec![f64::NAN; values.len()];
    }
    let mean = |k: usize| {
        let (mut sum, mut total) = (0.0, 0.0);
        for j in k.saturating_sub(REACH)..(k + REACH + 1).min(values.len()) {
            if values[j].is_finite() {
                let weight = (-0.5 * ((j as f64 - k as f64) / WIDTH).powi(2)).exp();
                sum += weight * values[j];
                total += weight;
            }
        }
        sum / total
    };
    (0..values.len()).map(mean).collect()
}

fn table(arms: &[Arm]) -> Table {
    let rows = arms
        .iter()
        .map(|arm| {
            let name = arm.rows[0].arm.clone();
            let Some(edge) = arm.edge() else {
                return [vec![name, "never".into()], vec!["–".into(); 8]].concat();
            };
            let past = &arm.rows[edge..];
            // Of the same steps both: a run that diverged has losses that are no numbers.
            let percent = |predicted: fn(&CentralFlowRow) -> f64, found: fn(&CentralFlowRow) -> f64| {
                let both = past.iter().map(|row| (predicted(row), found(row)));
                let both = both.filter(|(predicted, found)| predicted.is_finite() && found.is_finite());
                let (predicted, found) = both.fold((0.0, 0.0), |(p, f), (predicted, found)| (p + predicted, f + found));
                if found == 0.0 {
                    "–".into()
                } else {
                    format!("{:+.1} %", 100.0 * (predicted - found) / f64::abs(found))
                }
            };
            let active = || past.iter().filter(|row| row.active > 0);
            let off = active().map(|row| (row.sharpness - row.threshold).abs()).fold(0.0, f64::max);
            let worst = |value: fn(&CentralFlowRow) -> f64| past.iter().map(|row| value(row).abs()).fold(0.0, f64::max);
            // Relative to a loss that has no zero of its own nothing can be said.
            let of_loss = |text: String| if past.iter().any(|row| row.loss <= 0.0) { "–".into() } else { text };
            let smoothed = smoothed(&arm.column(|row| row.loss));
            let errors = past.iter().zip(&smoothed[edge..]).map(|(row, found)| (row.mean_loss / found - 1.0).abs());
            let pointwise = errors.sum::<f64>() / past.len() as f64;
            vec![
                name,
                past[0].step.to_string(),
                active().map(|row| row.active).max().unwrap_or(0).to_string(),
                significant(off, 2),
                of_loss(percent(|row| row.mean_loss, |row| row.loss)),
                of_loss(percent(|row| row.central_loss, |row| row.loss)),
                of_loss(if pointwise.is_finite() { format!("{:.1} %", 100.0 * pointwise) } else { "–".into() }),
                percent(|row| row.variance, |row| row.oscillation.unwrap_or(f64::NAN)),
                percent(|row| row.mean_squared_gradient_norm, |row| row.squared_gradient_norm),
                significant(worst(|row| row.residual_product), 1),
            ]
        })
        .collect();
    let header = [
        "arm",
        ">edge at step",
        ">directions",
        ">worst |λ₁ − 2/h|",
        ">mean loss",
        ">without oscillation",
        ">mean |error| by step",
        ">variance",
        ">squared gradient",
        ">complementarity",
    ];
    Table::new(
        format!(
            "From the step at which the central flow reaches the edge to the end: how many directions oscillate at most; how far λ₁ is from 2/h while one does; \
             the prediction relative to gradient descent, both averaged over all these steps, for the loss, for the loss without its oscillation term, \
             for the variance of the oscillation and for the squared gradient norm; the mean error of the loss step by step against the run averaged with a Gaussian of \
             {WIDTH} steps; the largest residual of the complementarity problem."
        ),
        &header,
        rows,
    )
}
