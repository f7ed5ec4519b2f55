//! What lies in the cells of maps, for a page's script to say: a transparent rectangle over the cells with their numbers.

use kuva::render::layout::ComputedLayout;
use serde::Serialize;

use crate::interactive::Short;
use crate::style::escape;
use crate::{Mark, Panel, ReportError};

/// The rectangle of each map of a panel; nothing for other panels.
///
/// # Errors
/// [`ReportError::Description`].
pub(crate) fn readable(panel: &Panel, place: &ComputedLayout) -> Result<String, ReportError> {
    let mut svg = String::new();
    let names = [&panel.title, &panel.x.label, &panel.y.label].map(String::as_str);
    for mark in &panel.marks {
        let of_grid = |x: (f64, f64), y: (f64, f64), values: Vec<Vec<Short>>, what: &'static str| {
            let corner = |x, y| [place.map_x(x), place.map_y(y)];
            let [left, bottom] = corner(x.0, y.0);
            let [right, top] = corner(x.1, y.1);
            let ends = |range: (f64, f64)| [Short(range.0), Short(range.1)];
            (Map { names, what, x: ends(x), y: ends(y), values }, [left, top, right - left, bottom - top])
        };
        let (map, [left, top, width, height]) = match mark {
            Mark::Heat { x, y, values, .. } => {
                let values = values.iter().map(|row| row.iter().copied().map(Short).collect()).collect();
                of_grid(*x, *y, values, "value")
            }
            Mark::Counts { counts } => {
                let edges = |count: usize| (-0.5, count as f64 - 0.5);
                let values = counts.iter().map(|row| row.iter().map(|count| Short(*count as f64)).collect()).collect();
                of_grid(edges(counts.first().map_or(0, Vec::len)), edges(counts.len()), values, "count")
            }
            _ => continue,
        };
        svg += &format!(
            "<rect class=\"map\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"none\" \
             pointer-events=\"all\" data-map=\"{}\"/>",
            escape(&serde_json::to_string(&map)?)
        );
    }
    Ok(svg)
}

/// A grid of numbers over a rectangle.
#[derive(Serialize)]
struct Map<'a> {
    /// Title of the panel, label of its abscissa and of its ordinate.
    names: [&'a str; 3],
    /// What a number is called.
    what: &'a str,
    /// Edges of the outer cells.
    x: [Short; 2],
    y: [Short; 2],
    /// A row per ordinate, from the lowest on.
    values: Vec<Vec<Short>>,
}
