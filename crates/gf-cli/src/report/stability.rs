//! Linear stability: maps of |R(hλ)|, and what methods do along eigen-directions.

use gf_optim::registry::{Family, MethodSettings};
use gf_optim::stability::{self, Amplification};
use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};

use super::styles;
use crate::folder::Folder;
use crate::study::FunctionSpec;

/// Points of a curve.
const POINTS: usize = 1400;
/// hλ shown.
const RANGE: (f64, f64) = (-5.0, 10.0);
/// Columns of eigen-directions that fit a table.
const MOST_DIRECTIONS: usize = 8;

/// |R| over z = hλ for all `methods` that have an R, a panel a family, poles and the limit of explicit Euler marked.
pub(crate) fn map(methods: &[(String, MethodSettings)]) -> Figure {
    let families = [Family::Explicit, Family::Implicit, Family::NewtonLike];
    let z: Vec<f64> = (0..=POINTS).map(|k| RANGE.0 + (RANGE.1 - RANGE.0) * k as f64 / POINTS as f64).collect();
    let mut panels = Vec::new();
    let styles = styles::of_methods(methods.iter().map(|(_, method)| method.info().name));
    for family in families {
        let mut panel = Panel::new(
            format!("{family} methods"),
            Axis::linear("z = hλ").within(RANGE.0, RANGE.1),
            Axis::linear("|R(z)|, growth a step").within(0.0, 2.5),
        );
        let mut lines = 0;
        for ((name, method), style) in
            methods.iter().zip(&styles).filter(|((_, method), _)| method.info().family == family)
        {
            let radius = |z: &f64| method.settings().amplification(*z).map(Amplification::radius);
            let Some(values) = z.iter().map(radius).collect::<Option<Vec<f64>>>() else { continue };
            // A pole leaves the panel: a gap, not a line from top to top.
            let values = values.into_iter().map(|r| if r > 3.0 { f64::NAN } else { r }).collect();
            panel = panel.with(Mark::line(name.clone(), *style, z.clone(), values));
            lines += 1;
        }
        if lines == 0 {
            continue;
        }
        panel = panel.with(Mark::Horizontal { y: 1.0, label: "|R| = 1".into() });
        panel = match family {
            Family::Implicit => panel.with(Mark::Vertical { x: -1.0, label: "pole of implicit Euler".into() }),
            _ => panel.with(Mark::Vertical { x: 2.0, label: "2, the limit of explicit Euler".into() }),
        };
        panels.push(panel);
    }
    let caption = "What one step does to a component with eigenvalue λ, in the long run: below the rule |R| = 1 it shrinks. The flow multiplies it by \
                   e^(−z): for z < 0, at a saddle, it grows, and a method that shrinks it there is attracted to the saddle.";
    Figure::new("stability-map", caption, panels)
}

/// Word and factor |R| of one method along one eigen-direction: `oscillating 0.8`.
pub(crate) fn label(method: &MethodSettings, z: f64) -> String {
    match method.settings().amplification(z) {
        Some(factors) => format!("{} {}", factors.behavior().name(), significant(factors.radius(), 3)),
        None => "–".into(),
    }
}

/// One row a method: what it does along each eigen-direction at its `h`, its limit, and the best constant step.
pub(crate) fn rows(methods: &[(String, MethodSettings, f64)], eigenvalues: &[f64]) -> Vec<Vec<String>> {
    methods
        .iter()
        .filter(|(_, method, _)| method.settings().amplification(0.1).is_some())
        .map(|(name, method, h)| {
            let settings = method.settings();
            let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
            let limit = stability::limit(settings);
            let number = |x: f64| if x.is_infinite() { "∞".to_string() } else { significant(x, 4) };
            let best = stability::best_step(settings, eigenvalues);
            let mut row = vec![name.clone(), significant(*h, 3)];
            row.extend(eigenvalues.iter().take(MOST_DIRECTIONS).map(|lambda| label(method, h * lambda)));
            row.push(limit.map_or_else(|| "–".into(), number));
            row.push(limit.filter(|_| largest > 0.0).map_or_else(|| "–".into(), |limit| number(limit / largest)));
            row.push(best.map_or_else(|| "–".into(), |best| significant(best.h, 4)));
            row.push(best.map_or_else(|| "–".into(), |best| significant(best.rate, 4)));
            row
        })
        .collect()
}

/// The header of [`rows`].
pub(crate) fn header(eigenvalues: &[f64]) -> Vec<String> {
    let mut header = vec!["method".to_string(), ">h".into()];
    header.extend(eigenvalues.iter().take(MOST_DIRECTIONS).map(|lambda| format!("λ = {}", significant(*lambda, 3))));
    header.extend([">limit of hλ".into(), ">stable to h".into(), ">best h".into(), ">its rate".into()]);
    header
}

/// Map and table of a study on a quadratic; nothing for others.
pub(super) fn blocks(folder: &Folder) -> Vec<Block> {
    let eigenvalues = match &folder.study.problem {
        Some(FunctionSpec::Quadratic(spec)) => spec.eigenvalues.clone(),
        Some(FunctionSpec::Parabola(spec)) => vec![spec.curvature],
        _ => return Vec::new(),
    };
    let arms: Vec<(String, MethodSettings, f64)> = folder
        .study
        .arms
        .iter()
        .map(|arm| (arm.name.clone(), arm.method.clone(), arm.method.settings().first_step_size()))
        .collect();
    let mut methods: Vec<(String, MethodSettings)> = Vec::new();
    for (_, method, _) in &arms {
        if methods.iter().all(|(name, _)| name != method.info().name) {
            methods.push((method.info().name.into(), method.clone()));
        }
    }
    let header = header(&eigenvalues);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = rows(&arms, &eigenvalues);
    if rows.is_empty() {
        return Vec::new();
    }
    let (low, high) = eigenvalues.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    let condition = match low > 0.0 {
        true => format!("The condition number is κ = {}.", significant(high / low, 4)),
        false => "The spectrum is not positive: there is no condition number.".into(),
    };
    let text = format!(
        "{condition} Explicit Euler is monotone for hλ ≤ 1, oscillates to 2 and diverges beyond; its best constant step 2/(λmin + λmax) has the rate (κ − 1)/(κ + 1). \
         What the arms of this study did on the quadratic stands under \"Curves\"."
    );
    let table = Table::new("Each arm along each eigen-direction: what it does there, and |R(hλ)|.", &header, rows);
    vec![Block::Paragraph(text), Block::Figure(map(&methods)), Block::Table(table)]
}
