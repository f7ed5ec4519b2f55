//! Dots that move along paths: SMIL, which browsers play without a script.

use kuva::render::layout::ComputedLayout;

use crate::figure::Medium;
use crate::paths::inside;
use crate::style::{color, escape};
use crate::{Mark, Panel};

/// Seconds from the first step to the last of the longest path.
const SECONDS: f64 = 8.0;
/// Most stations of a dot.
const MOST_STATIONS: usize = 240;

/// Where a dot goes.
struct Path<'a> {
    label: &'a str,
    style: usize,
    points: Vec<(f64, f64)>,
}

/// A dot for every labelled line of the panel, clipped to its axes. All take equal times a point; shorter paths wait at their ends.
pub(crate) fn dots(panel: &Panel, place: &ComputedLayout, medium: Medium) -> String {
    let display = if medium == Medium::Page { " display=\"none\"" } else { "" };
    let mut svg = inside(place, &format!(" class=\"moving\"{display}"));
    let paths: Vec<Path> = panel.marks.iter().filter_map(path).collect();
    let longest = paths.iter().map(|path| path.points.len()).max().unwrap_or(0);
    for Path { label, style, points } in paths {
        let stride = longest.div_ceil(MOST_STATIONS).max(1);
        let stations = || (0..longest).step_by(stride).chain(longest.checked_sub(1));
        // Far outside is as good as just outside, and a browser's numbers end.
        let near = |value: f64| value.clamp(-1e4, 1e4);
        let values = |pick: &dyn Fn((f64, f64)) -> f64| {
            let texts = stations().map(|k| format!("{:.1}", near(pick(points[k.min(points.len() - 1)]))));
            texts.collect::<Vec<_>>().join(";")
        };
        let (x, y) = (values(&|point| place.map_x(point.0)), values(&|point| place.map_y(point.1)));
        let animate = |name: &str, values: &str| {
            format!(
                "<animate attributeName=\"{name}\" dur=\"{SECONDS}s\" repeatCount=\"indefinite\" values=\"{values}\"/>"
            )
        };
        svg.push_str(&format!(
            "<circle class=\"mark\" data-label=\"{}\" r=\"6\" fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"1.5\">{}{}</circle>",
            escape(label),
            color(style),
            animate("cx", &x),
            animate("cy", &y)
        ));
    }
    svg + "</svg>"
}

fn path(mark: &Mark) -> Option<Path<'_>> {
    let Mark::Line { label, style, x, y } = mark else { return None };
    let points: Vec<(f64, f64)> =
        x.iter().copied().zip(y.iter().copied()).take_while(|(x, y)| x.is_finite() && y.is_finite()).collect();
    (!label.is_empty() && points.len() > 1).then_some(Path { label, style: *style, points })
}
