//! Lines and dots over contours, drawn mark by mark: each in a group of its own that a page's script can hide, each dot with its coordinates.

use kuva::render::layout::ComputedLayout;

use crate::style::{color, dash, escape};
use crate::{Mark, Panel, significant};

/// Whether a panel's lines and dots are drawn here.
pub(crate) fn has_paths(panel: &Panel) -> bool {
    panel.marks.iter().any(|mark| matches!(mark, Mark::Contours { .. }))
}

/// An element that shows what lies inside the axes; it stays open.
pub(crate) fn inside(place: &ComputedLayout, attributes: &str) -> String {
    let (left, top) = (place.margin_left, place.margin_top);
    let (width, height) = (place.plot_width(), place.plot_height());
    format!(
        "<svg{attributes} x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" viewBox=\"{left} {top} {width} {height}\">"
    )
}

/// The lines and dots of the panel, clipped to its axes.
pub(crate) fn paths(panel: &Panel, place: &ComputedLayout) -> String {
    let mut svg = inside(place, "");
    for mark in &panel.marks {
        let (Mark::Line { label, style, x, y } | Mark::Points { label, style, x, y }) = mark else { continue };
        let finite = x.iter().copied().zip(y.iter().copied()).filter(|(x, y)| x.is_finite() && y.is_finite());
        // Far outside is as good as just outside, and the numbers of a drawing end.
        let at = |(x, y): (f64, f64)| (place.map_x(x).clamp(-1e4, 1e4), place.map_y(y).clamp(-1e4, 1e4));
        let name = escape(if label.is_empty() { name_of(*style, panel) } else { label });
        let (color, dash) = (color(*style), dash(*style));
        svg.push_str(&format!("<g class=\"mark\" data-label=\"{name}\" data-color=\"{color}\" data-dash=\"{dash}\">"));
        if matches!(mark, Mark::Line { .. }) {
            let points: Vec<String> = finite.map(at).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let dashes = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
            svg.push_str(&format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.8\"{dashes}/>",
                points.join(" ")
            ));
        } else {
            for point in finite {
                let (x, y) = at(point);
                let coordinates = format!("({}, {})", significant(point.0, 4), significant(point.1, 4));
                svg.push_str(&format!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.4\" fill=\"{color}\"><title>{name} {coordinates}</title></circle>"
                ));
            }
        }
        svg.push_str("</g>");
    }
    svg + "</svg>"
}

/// The label of the line of a style.
fn name_of(style: usize, panel: &Panel) -> &str {
    let named = panel.marks.iter().find_map(|mark| match mark {
        Mark::Line { label, style: own, .. } if *own == style && !label.is_empty() => Some(label.as_str()),
        _ => None,
    });
    named.unwrap_or_default()
}
