//! The curvature along the runs: sharpness against its threshold, shares, the whole spectrum over time, layer blocks.

use gf_optim::stability::Amplification;
use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use gf_utils::npy::read_npy;
use miette::Report;

use super::extremes::extremes;
use super::styles;
use crate::folder::{Folder, read_rows};
use crate::spectrum_file::{self, BlockRow, SpectrumTable, eigenvalues_file};
use crate::study::{DISTANCE_TO_FLOW, misuse};

/// Arms that get a panel each, the first ones.
const PANELS: usize = 8;
/// Cells across and up in a picture of the spectrum over time.
const CELLS: (usize, usize) = (120, 80);
/// |R| above this is not drawn: a pole would press everything else down.
const GROWTH: f64 = 10.0;
/// Eigenvalues below this share of the largest |λ| are drawn as if they were 0.
const NEAR_ZERO: f64 = 1e-4;

/// All figures; nothing where the study did not ask for spectra.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    let seed = folder.study.run.seeds.first().copied().unwrap_or(0);
    let tables: Vec<SpectrumTable> = spectrum_file::read(&folder.path)?
        .into_iter()
        .filter(|table| table.seed == seed && folder.has_arm(&table.arm))
        .collect();
    let interruptions = interruptions(folder).map(Block::Paragraph);
    if tables.is_empty() {
        return Ok(interruptions.into_iter().collect());
    }
    let style = |table: &SpectrumTable| {
        styles::arms(folder).find(|(_, arm)| arm.name == table.arm).map_or(0, |(style, _)| style)
    };
    let mut blocks: Vec<Block> = interruptions.into_iter().chain([Block::Table(summary(&tables))]).collect();
    // A line needs two looks.
    let lines: Vec<&SpectrumTable> = tables.iter().filter(|table| table.column("step").len() > 1).collect();
    if !lines.is_empty() {
        blocks.push(Block::Figure(sharpness(folder, &lines, &style)));
        blocks.push(Block::Figure(eigenvalues(&lines)));
        blocks.push(Block::Figure(shares(&lines, &style)));
        blocks.extend(against_gauss_newton(&lines, &style).map(Block::Figure));
        blocks.extend(over_time(folder, &lines)?.map(Block::Figure));
    }
    blocks.extend(in_the_stability_region(folder, &tables)?.map(Block::Figure));
    blocks.extend(layer_blocks(folder, seed)?.map(Block::Figure));
    Ok(blocks)
}

fn interruptions(folder: &Folder) -> Option<String> {
    let mut found = Vec::new();
    for arm in &folder.summary.arms {
        for run in &arm.runs {
            if let Some(reason) = &run.spectrum_interrupted {
                found.push(format!("{} (seed {}) at {reason}", arm.name, run.seed));
            }
        }
    }
    (!found.is_empty()).then(|| format!("Not followed to the end: {}.", found.join("; ")))
}

/// The largest finite value of a column, and its last.
fn summary(tables: &[SpectrumTable]) -> Table {
    let rows = tables
        .iter()
        .map(|table| {
            let sharpness = table.column("top_1");
            let effective = table.column("effective_sharpness");
            let steps = table.column("step");
            let last = |x: &[f64]| x.iter().rev().find(|x| x.is_finite()).map_or("–".into(), |x| significant(*x, 5));
            let most = |x: &[f64]| {
                let found = x.iter().copied().filter(|x| x.is_finite()).fold(f64::NEG_INFINITY, f64::max);
                if found.is_finite() { significant(found, 5) } else { "–".into() }
            };
            let crossing = effective.iter().position(|x| *x > 1.0).map_or("–".into(), |k| steps[k].to_string());
            let missed = table.column("converged").iter().filter(|converged| **converged == 0.0).count();
            vec![
                table.arm.clone(),
                last(&table.column("threshold")),
                sharpness.first().map_or("–".into(), |x| significant(*x, 5)),
                most(&sharpness),
                last(&sharpness),
                last(&table.column("bottom_1")),
                crossing,
                most(&table.column("residual")),
                missed.to_string(),
            ]
        })
        .collect();
    let header = [
        "arm",
        ">threshold",
        ">λ₁ at start",
        ">most",
        ">at the end",
        ">lowest at end",
        ">first seen above",
        ">worst residual",
        ">missed",
    ];
    Table::new(
        "The sharpness λ₁ of the loss on all training samples. The threshold is where the method's own amplification factor leaves |R| ≤ 1 \
         (2/h for gradient descent); then the step at which λ₁ is first seen above it; the largest residual of an eigenpair relative to |λ|max, and \
         how many looks missed the tolerance.",
        &header,
        rows,
    )
}

fn sharpness(folder: &Folder, tables: &[&SpectrumTable], style: &dyn Fn(&SpectrumTable) -> usize) -> Figure {
    let mut absolute = Panel::new("sharpness", Axis::linear("step k"), Axis::linear("λ₁, largest eigenvalue of H"));
    let mut relative = Panel::new(
        "against the method's own limit",
        Axis::linear("step k"),
        Axis::linear("effective sharpness λ₁/threshold"),
    );
    let mut over_time = Panel::new("sharpness over flow time", Axis::linear("flow time t = Σh"), Axis::linear("λ₁"));
    let (mut any_relative, mut any_time) = (false, false);
    for table in tables {
        let (step, top) = (table.column("step"), table.column("top_1"));
        absolute = absolute.with(Mark::line(table.arm.clone(), style(table), step.clone(), top.clone()));
        let effective = table.column("effective_sharpness");
        if effective.iter().any(|x| x.is_finite()) {
            relative = relative.with(Mark::line(table.arm.clone(), style(table), step, effective));
            any_relative = true;
        }
        let time = table.column("time");
        if time.iter().all(|x| x.is_finite()) {
            over_time = over_time.with(Mark::line(table.arm.clone(), style(table), time, top));
            any_time = true;
        }
    }
    let mut panels = vec![absolute];
    if any_relative {
        panels.push(relative.with(Mark::Horizontal { y: 1.0, label: "limit of stability".into() }));
    }
    if any_time {
        panels.push(over_time);
    }
    panels.extend(distance(folder));
    let caption = "The largest eigenvalue of the Hessian along each run, against the method's own limit of stability, and over flow time, where \
                   runs that follow the flow coincide. Past the limit a step no longer follows the flow.";
    let finite = |values: Vec<f64>| values.into_iter().filter(|x| x.is_finite());
    let most = tables.iter().map(|table| (table.arm.as_str(), finite(table.column("top_1")).fold(f64::NAN, f64::max)));
    let caption = format!(
        "{caption}{}",
        extremes(most).map_or_else(String::new, |ends| format!(" Highest λ₁ of a run: {ends}."))
    );
    Figure::new("sharpness", caption, panels)
}

/// Distance to the reference flow, where the study measures it.
fn distance(folder: &Folder) -> Option<Panel> {
    folder.study.run.flow_tolerance?;
    let seed = folder.study.run.seeds.first().copied().unwrap_or(0);
    let mut panel =
        Panel::new("distance to the flow", Axis::linear("step k"), Axis::log("distance |θ − θ(t)| at equal flow time"));
    for (style, arm) in styles::arms(folder) {
        let Some(history) = folder.arm(&arm.name).find(|history| history.seed == seed) else { continue };
        let (step, distance) = (history.table.column("step")?, history.table.column(DISTANCE_TO_FLOW)?);
        let rows = step.into_iter().zip(distance).filter(|(_, distance)| !distance.is_nan() && *distance > 0.0);
        let (step, distance): (Vec<f64>, Vec<f64>) = rows.unzip();
        if !step.is_empty() {
            panel = panel.with(Mark::line(arm.name.clone(), style, step, distance));
        }
    }
    Some(panel)
}

fn eigenvalues(tables: &[&SpectrumTable]) -> Figure {
    let panels = tables
        .iter()
        .take(PANELS)
        .map(|table| {
            let step = table.column("step");
            let threshold = table.column("threshold");
            let known: Vec<f64> = threshold.iter().copied().filter(|x| x.is_finite()).collect();
            let extremes = |name: &str| {
                let column = table.column(name);
                column.into_iter().filter(|x| x.is_finite()).fold((0.0f64, 0.0f64), |(l, h), x| (l.min(x), h.max(x)))
            };
            let lowest_top = format!("top_{}", table.count("top_"));
            let (low, high) = (extremes("bottom_1").0.min(extremes(&lowest_top).0), extremes("top_1").1);
            // A threshold far above would press the eigenvalues down.
            let level = known.first().copied().filter(|x| known.iter().all(|y| x == y) && *x < 2.0 * high);
            let high = high.max(level.unwrap_or(0.0));
            let margin = 0.08 * (high - low).max(1e-3);
            let y = Axis::linear("eigenvalue of H").within(low - margin, high + margin);
            let mut panel = Panel::new(table.arm.clone(), Axis::linear("step k"), y);
            for k in 1..=table.count("top_") {
                let values = table.column(&format!("top_{k}"));
                panel = panel.with(Mark::line(format!("λ{}", subscript(k)), k - 1, step.clone(), values));
            }
            if table.count("bottom_") > 0 {
                let style = table.count("top_");
                panel = panel.with(Mark::line("lowest", style, step.clone(), table.column("bottom_1")));
            }
            match (level, known.iter().all(|x| Some(x) == known.first())) {
                (Some(level), _) => panel.with(Mark::Horizontal { y: level, label: "threshold".into() }),
                (None, false) => panel.with(Mark::line("threshold", 8, step, threshold)),
                (None, true) => panel,
            }
        })
        .collect();
    let caption = "The highest eigenvalues and the lowest one along each run, with the sharpness at which the method's steps become unstable, unless that is far above.";
    Figure::new("eigenvalues", caption, panels)
}

fn subscript(k: usize) -> String {
    const DIGITS: [char; 10] = ['₀', '₁', '₂', '₃', '₄', '₅', '₆', '₇', '₈', '₉'];
    k.to_string().bytes().map(|digit| DIGITS[usize::from(digit - b'0')]).collect()
}

fn shares(tables: &[&SpectrumTable], style: &dyn Fn(&SpectrumTable) -> usize) -> Figure {
    let panel = |title: &str, column: &str, label: &str| {
        let mut panel = Panel::new(title, Axis::linear("step k"), Axis::linear(label).within(0.0, 1.02));
        for table in tables {
            let rows =
                table.column("step").into_iter().zip(table.column(column)).filter(|(_, share)| share.is_finite());
            let (step, share): (Vec<f64>, Vec<f64>) = rows.unzip();
            if !step.is_empty() {
                panel = panel.with(Mark::line(table.arm.clone(), style(table), step, share));
            }
        }
        panel
    };
    let count = tables.first().map_or(0, |table| table.count("top_"));
    let of = format!("share in the top {count} eigenvectors");
    let mut panels = vec![panel("gradient", "gradient_share", &of)];
    if tables.iter().any(|table| table.column("step_share").iter().any(|x| x.is_finite())) {
        panels.push(panel("last step", "step_share", &of));
    }
    let caption = format!(
        "How much of the squared length of the gradient, and of the last step, lies in the space of the top {count} eigenvectors of the Hessian."
    );
    Figure::new("alignment", caption, panels)
}

/// λ₁ of G beside that of H, and the trace; nothing where neither was asked for.
fn against_gauss_newton(tables: &[&SpectrumTable], style: &dyn Fn(&SpectrumTable) -> usize) -> Option<Figure> {
    let has = |column: &str| tables.iter().any(|table| table.column(column).iter().any(|x| x.is_finite()));
    let mut panels = Vec::new();
    if has("gauss_newton_top") {
        let mut panel = Panel::new("Gauss–Newton against Hessian", Axis::linear("step k"), Axis::linear("λ₁(G)/λ₁(H)"));
        for table in tables {
            let ratio =
                table.column("gauss_newton_top").iter().zip(table.column("top_1")).map(|(g, h)| g / h).collect();
            panel = panel.with(Mark::line(table.arm.clone(), style(table), table.column("step"), ratio));
        }
        panels.push(panel.with(Mark::Horizontal { y: 1.0, label: "equal".into() }));
    }
    if has("trace") {
        let mut panel = Panel::new("trace", Axis::linear("step k"), Axis::linear("trace of H"));
        for table in tables {
            let (step, trace, error) = (table.column("step"), table.column("trace"), table.column("trace_error"));
            let low = trace.iter().zip(&error).map(|(t, e)| t - 2.0 * e).collect();
            let high = trace.iter().zip(&error).map(|(t, e)| t + 2.0 * e).collect();
            panel = panel.with(Mark::band(style(table), step.clone(), low, high));
            panel = panel.with(Mark::line(table.arm.clone(), style(table), step, trace));
        }
        panels.push(panel);
    }
    let caption = "The sharpness of the Gauss–Newton matrix over that of the Hessian: where it is 1, the curvature of the network itself adds nothing \
                   to the sharpest direction. The trace with twice its standard error where it is estimated.";
    (!panels.is_empty()).then(|| Figure::new("gauss-newton", caption, panels))
}

/// All eigenvalues of a run, a row a look.
fn full(folder: &Folder, table: &SpectrumTable) -> Result<Option<Vec<Vec<f64>>>, Report> {
    let path = folder.path.join(eigenvalues_file(&table.arm, table.seed));
    if !path.exists() {
        return Ok(None);
    }
    let array = read_npy(&path).map_err(misuse)?;
    let p = array.shape.last().copied().unwrap_or(1);
    Ok(Some(array.values.chunks_exact(p.max(1)).map(<[f64]>::to_vec).collect()))
}

/// The spectrum over time as a density.
fn over_time(folder: &Folder, tables: &[&SpectrumTable]) -> Result<Option<Figure>, Report> {
    let mut panels = Vec::new();
    for table in tables.iter().take(PANELS) {
        let Some(rows) = full(folder, table)? else { continue };
        let step = table.column("step");
        let (Some(first), Some(last)) = (step.first(), step.last()) else { continue };
        let scale = rows.iter().flatten().fold(0.0f64, |largest, x| largest.max(x.abs()));
        if rows.len() < 2 || scale == 0.0 {
            continue;
        }
        // Each look is in the middle of its cell.
        let half = 0.5 * (last - first) / (rows.len() - 1) as f64;
        let (first, last) = (first - half, last + half);
        let near = NEAR_ZERO * scale;
        let height = |x: f64| x.signum() * (1.0 + x.abs() / near).log10();
        let heights = || rows.iter().flatten().map(|x| height(*x));
        let (low, high) = heights().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        let span = (high - low).max(1e-3);
        let mut cells = vec![vec![0.0; CELLS.0.min(rows.len())]; CELLS.1];
        let columns = cells[0].len();
        let mut looks = vec![0.0; columns];
        for (k, values) in rows.iter().enumerate() {
            let column = k * columns / rows.len();
            looks[column] += 1.0;
            for value in values {
                let row = ((height(*value) - low) / span * CELLS.1 as f64) as usize;
                cells[row.min(CELLS.1 - 1)][column] += 1.0;
            }
        }
        for row in &mut cells {
            for (cell, looks) in row.iter_mut().zip(&looks) {
                *cell = (*cell / looks + 1.0f64).log10();
            }
        }
        let y = Axis::linear(format!("sign(λ)·log₁₀(1 + |λ|/{})", significant(near, 2))).within(low, high);
        panels.push(
            Panel::new(
                format!("{}: log₁₀(1 + eigenvalues a cell)", table.arm),
                Axis::linear("step k").within(first, last),
                y,
            )
            .with(Mark::Heat { x: (first, last), y: (low, high), values: cells, shows_values: false }),
        );
    }
    let caption = "All eigenvalues of the Hessian over the run, as a density: color is the number of eigenvalues in a cell. The vertical axis is \
                   logarithmic in both directions away from 0, linear near it.";
    Ok((!panels.is_empty()).then(|| Figure::new("spectrum-over-time", caption, panels)))
}

/// Where the eigenvalues of the first and the last look stand on the curve of |R(hλ)|.
fn in_the_stability_region(folder: &Folder, tables: &[SpectrumTable]) -> Result<Option<Figure>, Report> {
    let mut panels = Vec::new();
    for table in tables {
        if panels.len() == PANELS {
            break;
        }
        let Some(arm) = folder.study.arms.iter().find(|arm| arm.name == table.arm) else { continue };
        let (settings, h) = (arm.method.settings(), arm.method.settings().first_step_size());
        if settings.amplification(0.1).is_none() || !arm.has_constant_step() {
            continue;
        }
        let all = full(folder, table)?;
        let look = |end: bool| -> Vec<f64> {
            match &all {
                Some(rows) => (if end { rows.last() } else { rows.first() }).cloned().unwrap_or_default(),
                None => {
                    let names = (1..=table.count("top_")).map(|k| format!("top_{k}"));
                    let names = names.chain((1..=table.count("bottom_")).map(|k| format!("bottom_{k}")));
                    names
                        .filter_map(|name| {
                            let column = table.column(&name);
                            if end { column.last().copied() } else { column.first().copied() }
                        })
                        .collect()
                }
            }
        };
        let radius = |z: f64| settings.amplification(z).map_or(f64::NAN, Amplification::radius);
        let z = |values: Vec<f64>| -> Vec<f64> { values.into_iter().map(|x| h * x).collect() };
        let (start, end) = (z(look(false)), z(look(true)));
        let reach = start.iter().chain(&end).fold((-0.1f64, 2.2f64), |(l, r), x| (l.min(*x), r.max(*x)));
        let range = (1.1 * reach.0, 1.05 * reach.1);
        let curve: Vec<f64> = (0..=600).map(|k| range.0 + (range.1 - range.0) * f64::from(k) / 600.0).collect();
        let drawn = |r: f64| if r > GROWTH { f64::NAN } else { r };
        let values: Vec<f64> = curve.iter().map(|z| drawn(radius(*z))).collect();
        let dots = |label: &str, style: usize, z: &[f64]| {
            let (x, y) = (z.to_vec(), z.iter().map(|z| drawn(radius(*z))).collect());
            Mark::Cells { label: label.into(), style, x, y }
        };
        let of_dots = start.iter().chain(&end).map(|z| drawn(radius(*z)));
        let top = of_dots.filter(|r| r.is_finite()).fold(1.4, f64::max);
        let mut panel = Panel::new(
            format!("{}, h = {h}", table.arm),
            Axis::linear("z = hλ").within(range.0, range.1),
            Axis::linear("|R(z)|, growth a step").within(0.0, 1.1 * top),
        )
        .with(Mark::line("|R|", 6, curve, values))
        .with(dots("eigenvalues at the start", 0, &start));
        if table.column("step").len() > 1 {
            panel = panel.with(dots("eigenvalues at the end", 1, &end));
        }
        panels.push(panel.with(Mark::Horizontal { y: 1.0, label: "|R| = 1".into() }));
    }
    let caption = format!(
        "The spectrum inside the method's region of stability: each eigenvalue of the Hessian at the first and at the last look, on the curve of \
         the amplification factor. Eigen-directions above the rule grow from step to step. What grows by more than {GROWTH} a step is left out; so are \
         arms whose step size changes."
    );
    Ok((!panels.is_empty()).then(|| Figure::new("spectrum-in-stability-region", caption, panels)))
}

fn layer_blocks(folder: &Folder, seed: u64) -> Result<Option<Figure>, Report> {
    let path = folder.path.join(spectrum_file::BLOCKS);
    if !path.exists() {
        return Ok(None);
    }
    let rows: Vec<BlockRow> = read_rows(&path)?;
    let mut panels = Vec::new();
    for arm in folder.summary.arms.iter().take(PANELS) {
        let norms: Vec<f64> =
            rows.iter().filter(|row| row.arm == arm.name && row.seed == seed).map(|row| row.norm).collect();
        if !norms.is_empty() {
            panels.push(norms_panel(&arm.name, &norms));
        }
    }
    let caption =
        "The Hessian at the end of the run, layer by layer: the Frobenius norm of each block of second derivatives.";
    Ok((!panels.is_empty()).then(|| Figure::new("layer-blocks", caption, panels)))
}

/// The norms of the blocks of a matrix, row after row, as a picture.
pub(crate) fn norms_panel(title: &str, norms: &[f64]) -> Panel {
    let count = norms.len().isqrt();
    let edge = count as f64 + 0.5;
    // Blocks of zeros, as of dead units, are drawn like the smallest other.
    let least = norms.iter().copied().filter(|x| *x > 0.0).fold(f64::INFINITY, f64::min);
    let cell = |row: usize, column: usize| match norms[row * count + column] {
        norm if norm > 0.0 => norm.log10(),
        _ if least.is_finite() => least.log10(),
        _ => 0.0,
    };
    let values = (0..count).map(|row| (0..count).map(|column| cell(row, column)).collect()).collect();
    Panel::new(
        format!("{title}: log₁₀ of the Frobenius norm"),
        Axis::linear("layer").within(0.5, edge),
        Axis::linear("layer").within(0.5, edge),
    )
    .with(Mark::Heat { x: (0.5, edge), y: (0.5, edge), values, shows_values: count <= 8 })
}
