//! The loss of a network on a plane, under the paths of the arms: contours, cuts, and what the projection hides.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use miette::Report;

use super::styles;
use crate::folder::{Folder, LANDSCAPE};
use crate::runner::{Cut, Landscape, LandscapePath};
use crate::study::{Document, PlaneEigenvectors, PlaneKind, misuse};

/// Paths a panel, so that they can be told apart.
const PATHS: usize = 6;
/// Contours.
const LEVELS: usize = 18;
/// Contours span at most this ratio of losses: further down they would be drawn between points of the grid.
const MOST_RATIO: f64 = 1e6;

/// What can be drawn of the plane; nothing where the study has no `[landscape]`.
///
/// # Errors
/// Names the file that is missing or wrong.
pub(super) fn blocks(folder: &Folder) -> Result<Vec<Block>, Report> {
    let Some(spec) = &folder.study.landscape else { return Ok(Vec::new()) };
    let landscape = read(folder)?;
    if let Some(failure) = &landscape.failure {
        return Ok(vec![Block::Paragraph(format!("There is no plane: {failure}."))]);
    }
    let levels = levels(&landscape.loss);
    let mut blocks = vec![contours(folder, &landscape, &levels), Block::Table(ends(&landscape))];
    if landscape.plane == PlaneKind::Eigenvectors {
        blocks.push(cuts(&landscape, spec.eigenvectors));
    }
    Ok(blocks)
}

fn read(folder: &Folder) -> Result<Landscape, Report> {
    let path = folder.path.join(LANDSCAPE);
    let wrong = |reason: String| misuse(format!("{}: {reason}", path.display()));
    let landscape: Landscape =
        serde_json::from_str(&Document::read(&path)?.text).map_err(|error| wrong(error.to_string()))?;
    let shape = landscape.axes.iter().map(|axis| axis.values.len()).collect::<Vec<_>>();
    let is_grid = match shape.as_slice() {
        [columns, rows] => {
            let is_full = landscape.loss.iter().all(|row| row.len() == *columns);
            *columns > 1 && *rows > 1 && landscape.loss.len() == *rows && is_full
        }
        _ => false,
    };
    match landscape.failure.is_some() || is_grid {
        true => Ok(landscape),
        false => Err(wrong(format!(
            "expected two axes and a loss for each pair of their values, found axes of {shape:?} values"
        ))),
    }
}

fn contours(folder: &Folder, landscape: &Landscape, levels: &[f64]) -> Block {
    let [x, y] = [0, 1].map(|k| &landscape.axes[k].values);
    let above = levels.last().map_or(1.0, |level| 10.0 * level.abs());
    // What is not finite lies above all contours.
    let values: Vec<Vec<f64>> =
        landscape.loss.iter().map(|row| row.iter().map(|loss| loss.unwrap_or(above)).collect()).collect();
    let styled: Vec<(usize, &LandscapePath)> = styles::arms(folder)
        .filter_map(|(style, arm)| Some((style, landscape.paths.iter().find(|path| path.arm == arm.name)?)))
        .collect();
    let pace = pace(&landscape.paths);
    let panels = styled.chunks(PATHS).map(|paths| {
        let axis =
            |k: usize, values: &[f64]| Axis::linear(label(landscape, k)).within(values[0], values[values.len() - 1]);
        let ground = Mark::Contours { x: x.clone(), y: y.clone(), values: values.clone(), levels: levels.to_vec() };
        paths.iter().fold(Panel::new("", axis(0, x), axis(1, y)).with(ground), |panel, (style, path)| {
            let (walked_x, walked_y) = walked(path, pace);
            panel.with(Mark::line(path.arm.clone(), *style, walked_x, walked_y)).with(Mark::points(
                "",
                *style,
                path.x.clone(),
                path.y.clone(),
            ))
        })
    });
    let figure = Figure::new("loss-on-a-plane", caption(landscape, levels), panels.collect());
    Block::Figure(if pace.is_some() { figure.animated() } else { figure })
}

/// Steps from point to point at which all paths can be walked together; none where that takes more points than a figure has.
fn pace(paths: &[LandscapePath]) -> Option<u64> {
    const MOST: u64 = 1000;
    let gaps = paths.iter().flat_map(|path| path.steps.first_chunk()).map(|[first, second]| second.abs_diff(*first));
    let longest = paths.iter().filter_map(|path| path.steps.last()).max()?;
    gaps.reduce(greatest_common_divisor).filter(|pace| *pace > 0 && longest / pace <= MOST)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// A path with a point for every `pace` steps: those between iterates that were kept lie on the line that joins them.
fn walked(path: &LandscapePath, pace: Option<u64>) -> (Vec<f64>, Vec<f64>) {
    let Some(pace) = pace else { return (path.x.clone(), path.y.clone()) };
    let along = |values: &[f64]| {
        let mut out: Vec<f64> = values.first().copied().into_iter().collect();
        for (steps, values) in path.steps.windows(2).zip(values.windows(2)) {
            let parts = steps[1].abs_diff(steps[0]).div_ceil(pace);
            let part = |k: u64| values[0] + (values[1] - values[0]) * k as f64 / parts as f64;
            out.extend((1..=parts).map(part));
        }
        out
    };
    (along(&path.x), along(&path.y))
}

fn label(landscape: &Landscape, k: usize) -> String {
    let axis = &landscape.axes[k];
    match (axis.share, axis.eigenvalue) {
        (Some(share), _) => {
            format!("principal direction {} ({} % of variance)", k + 1, significant(100.0 * share, 3))
        }
        (_, eigenvalue) => format!("along the eigenvector of λ = {}", significant(eigenvalue.unwrap_or(f64::NAN), 4)),
    }
}

fn caption(landscape: &Landscape, levels: &[f64]) -> String {
    let reference = landscape.reference.as_deref().unwrap_or_default();
    let count: usize = landscape.paths.iter().filter(|path| !path.failed).map(|path| path.steps.len()).sum();
    let directions = match landscape.plane {
        PlaneKind::Pca => {
            let seen: f64 = landscape.axes.iter().filter_map(|axis| axis.share).sum();
            format!(
                "along the two leading principal directions of {count} iterates, which hold {} % of their variance",
                significant(100.0 * seen, 3)
            )
        }
        PlaneKind::Eigenvectors => "along two eigenvectors of the Hessian there".into(),
    };
    let lines = match levels {
        [first, second, .., last] => format!(
            " Thin gray lines are contours, each at {} times the loss of the one before, from {} to {}.",
            significant(second / first, 3),
            significant(*first, 3),
            significant(*last, 3)
        ),
        _ => String::new(),
    };
    let off = landscape
        .paths
        .iter()
        .filter(|path| !path.failed)
        .filter_map(|path| Some((path, path.last_loss_on_plane? / path.last_loss?)))
        .filter(|(_, ratio)| *ratio > 0.0 && ratio.is_finite())
        .max_by(|a, b| a.1.ln().abs().total_cmp(&b.1.ln().abs()));
    let off = match off {
        Some((path, ratio)) if (ratio - 1.0).abs() > 0.005 => format!(
            " The largest difference of the ends is that of {}: the loss on the plane is {} times its own.",
            path.arm,
            significant(ratio, 3)
        ),
        _ => String::new(),
    };
    let failed: Vec<&str> = landscape.paths.iter().filter(|path| path.failed).map(|path| path.arm.as_str()).collect();
    let failed = match failed.is_empty() {
        true => String::new(),
        false => {
            format!(" What failed is drawn where it lies in view and has no part in the plane: {}.", failed.join(", "))
        }
    };
    let left_out = match landscape.left_out.is_empty() {
        true => String::new(),
        false => format!(" Not shown: {}.", landscape.left_out.join(", ")),
    };
    format!(
        "The loss on the whole training set, on the plane through the last iterate of {reference} (0, 0), {directions}. Coordinates are in units of θ.{lines} \
         Paths are projections, first seed: an iterate lies beside the plane, and its loss is not that of the contour under it.{off}{failed}{left_out}"
    )
}

/// Levels in equal ratios, from the lowest loss on the plane to the highest.
fn levels(loss: &[Vec<Option<f64>>]) -> Vec<f64> {
    let finite = || loss.iter().flatten().flatten().copied();
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let low = finite().fold(f64::INFINITY, f64::min).max(high / MOST_RATIO);
    if low <= 0.0 || low >= high || !high.is_finite() {
        return Vec::new();
    }
    (1..=LEVELS).map(|k| low * (high / low).powf(k as f64 / (LEVELS + 1) as f64)).collect()
}

fn ends(landscape: &Landscape) -> Table {
    let number = |x: Option<f64>| x.map_or("not finite".into(), |x| significant(x, 4));
    let rows = landscape.paths.iter().map(|path| {
        let last = |values: &[f64]| values.last().copied();
        let at = last(&path.x).zip(last(&path.y));
        vec![
            path.arm.clone(),
            path.steps.last().map_or("–".into(), u64::to_string),
            number(path.last_loss),
            number(path.last_loss_on_plane),
            at.map_or("–".into(), |(x, y)| format!("({}, {})", significant(x, 3), significant(y, 3))),
            last(&path.distance).map_or("–".into(), |distance| significant(distance, 3)),
            path.steps.len().to_string(),
        ]
    });
    Table::new(
        "The last iterates, and where the plane has them: the training loss at θ, the loss on the plane where θ is projected to, and how far θ is from there, \
         in units of θ.",
        &["arm", ">step", ">loss at θ", ">loss on the plane", ">projected to", ">distance", ">iterates drawn"],
        rows.collect(),
    )
}

fn cuts(landscape: &Landscape, eigenvectors: PlaneEigenvectors) -> Block {
    let panels = landscape.cuts.iter().enumerate().map(|(k, cut)| {
        let (low, high) = heights(cut);
        let line = |name: &str, style: usize, y: &[Option<f64>]| {
            Mark::line(name, style, cut.t.clone(), y.iter().map(|y| y.unwrap_or(f64::NAN)).collect())
        };
        let axes = (Axis::linear(label(landscape, k)), Axis::linear("loss on the training set").within(low, high));
        Panel::new("", axes.0, axes.1).with(line("loss", 0, &cut.loss)).with(line(
            "L + t vᵀ∇L + ½λt²",
            gf_report::style(1, 1),
            &cut.parabola,
        ))
    });
    let which = match eigenvectors {
        PlaneEigenvectors::Top => "the two highest eigenvalues",
        PlaneEigenvectors::Extremes => "the highest and the lowest eigenvalue",
    };
    let facts: Vec<String> = landscape
        .axes
        .iter()
        .map(|axis| {
            let number = |x: Option<f64>, digits| significant(x.unwrap_or(f64::NAN), digits);
            format!(
                "λ = {}, ‖Hv − λv‖ = {}, vᵀ∇L = {}",
                number(axis.eigenvalue, 4),
                number(axis.residual, 2),
                number(axis.slope, 2)
            )
        })
        .collect();
    let caption = format!(
        "The loss along either axis through the last iterate of {}, and the parabola that gradient and Hessian give there: they part where third derivatives count. \
         The axes are eigenvectors v of {which}: {}.",
        landscape.reference.as_deref().unwrap_or_default(),
        facts.join("; ")
    );
    Block::Figure(Figure::new("cuts-along-eigenvectors", caption, panels.collect()))
}

/// The ordinates of a cut: those of the parabola, and of the loss as far as it does not leave them by more than their extent.
fn heights(cut: &Cut) -> (f64, f64) {
    let range = |values: &[Option<f64>]| {
        let finite = || values.iter().flatten().copied();
        (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max))
    };
    let ((low, high), (least, most)) = (range(&cut.parabola), range(&cut.loss));
    let extent = (high - low).max(1e-12 * high.abs());
    let (low, high) = (low.min(least).max(low - extent), high.max(most).min(high + extent));
    let margin = 0.04 * (high - low);
    (low - margin, high + margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(steps: &[u64]) -> LandscapePath {
        let x: Vec<f64> = steps.iter().map(|step| (step * step) as f64).collect();
        LandscapePath {
            arm: "a".into(),
            failed: false,
            steps: steps.to_vec(),
            y: x.iter().map(|x| -x).collect(),
            distance: vec![0.0; x.len()],
            x,
            last_loss: None,
            last_loss_on_plane: None,
        }
    }

    #[test]
    fn paths_of_other_intervals_are_walked_at_one_pace_a_step() {
        let paths = [path(&[0, 4, 8, 9]), path(&[0, 6]), path(&[0])];
        assert_eq!(pace(&paths), Some(2));
        let (x, y) = walked(&paths[0], Some(2));
        assert_eq!(x, [0.0, 8.0, 16.0, 40.0, 64.0, 81.0]);
        assert!(x.iter().zip(&y).all(|(x, y)| *x == -y));
        assert_eq!(walked(&paths[1], Some(2)).0, [0.0, 12.0, 24.0, 36.0]);
        assert_eq!(pace(&[path(&[0, 1]), path(&[0, 100, 5000])]), None);
    }

    #[test]
    fn contours_lie_in_equal_ratios() {
        let found = levels(&[vec![Some(0.1), None], vec![Some(10.0), Some(1.0)]]);
        assert_eq!(found.len(), LEVELS);
        assert!(found.windows(2).all(|two| (two[1] / two[0] - 100f64.powf(1.0 / 19.0)).abs() < 1e-12));
        assert!(found[0] > 0.1 && found[LEVELS - 1] < 10.0);
        for loss in [vec![], vec![Some(1.0), Some(1.0)], vec![None], vec![Some(0.0)]] {
            assert!(levels(&[loss]).is_empty());
        }
    }
}
