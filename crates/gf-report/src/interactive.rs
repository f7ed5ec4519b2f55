//! What a page's script draws figures from: their numbers, as JSON.

use serde::{Serialize, Serializer};

use crate::style::{color, dash};
use crate::{Axis, Figure, Mark, Panel, ReportError, Scale};

/// The figures that a script can draw, as JSON that may stand in a page: those of lines, bands, dots, squares and rules. Others keep their drawing.
pub(crate) fn json(figures: &[Figure]) -> Result<String, ReportError> {
    let figures: Vec<_> = figures.iter().filter(|figure| is_drawable(figure)).map(Drawn::from).collect();
    // No text in it can end the element that holds it.
    Ok(serde_json::to_string(&figures)?.replace('<', "\\u003c"))
}

fn is_drawable(figure: &Figure) -> bool {
    let marks = || figure.panels.iter().flat_map(|panel| &panel.marks);
    let is_plain = |mark: &Mark| drawn(mark).is_some();
    !figure.is_animated && marks().next().is_some() && marks().all(is_plain)
}

#[derive(Serialize)]
struct Drawn<'a> {
    id: &'a str,
    columns: usize,
    panels: Vec<DrawnPanel<'a>>,
}

impl<'a> From<&'a Figure> for Drawn<'a> {
    fn from(figure: &'a Figure) -> Self {
        Self { id: &figure.id, columns: figure.columns, panels: figure.panels.iter().map(DrawnPanel::from).collect() }
    }
}

#[derive(Serialize)]
struct DrawnPanel<'a> {
    title: &'a str,
    y: DrawnAxis<'a>,
    /// The panel as it is, and against other abscissas.
    views: Vec<DrawnView<'a>>,
}

impl<'a> From<&'a Panel> for DrawnPanel<'a> {
    fn from(panel: &'a Panel) -> Self {
        let own = DrawnView { x: DrawnAxis::from(&panel.x), marks: panel.marks.iter().filter_map(drawn).collect() };
        let others = panel.views.iter().map(|view| DrawnView {
            x: DrawnAxis::from(&view.x),
            marks: view.marks.iter().filter_map(drawn).collect(),
        });
        Self { title: &panel.title, y: DrawnAxis::from(&panel.y), views: std::iter::once(own).chain(others).collect() }
    }
}

#[derive(Serialize)]
struct DrawnView<'a> {
    x: DrawnAxis<'a>,
    marks: Vec<DrawnMark<'a>>,
}

#[derive(Serialize)]
struct DrawnAxis<'a> {
    label: &'a str,
    is_log: bool,
    range: Option<[Short; 2]>,
}

impl<'a> From<&'a Axis> for DrawnAxis<'a> {
    fn from(axis: &'a Axis) -> Self {
        let range = axis.range.map(|(low, high)| [Short(low), Short(high)]);
        Self { label: &axis.label, is_log: axis.scale == Scale::Log, range }
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum DrawnMark<'a> {
    Line { label: &'a str, color: &'a str, dash: &'a str, style: usize, x: Vec<Short>, y: Vec<Short> },
    Points { label: &'a str, color: &'a str, style: usize, x: Vec<Short>, y: Vec<Short> },
    Cells { label: &'a str, color: &'a str, style: usize, x: Vec<Short>, y: Vec<Short> },
    Band { color: &'a str, style: usize, x: Vec<Short>, low: Vec<Short>, high: Vec<Short> },
    Horizontal { at: Short, label: &'a str },
    Vertical { at: Short, label: &'a str },
}

fn drawn(mark: &Mark) -> Option<DrawnMark<'_>> {
    let short = |values: &[f64]| values.iter().copied().map(Short).collect::<Vec<_>>();
    Some(match mark {
        Mark::Line { label, style, x, y } => {
            let (color, dash) = (color(*style), dash(*style));
            DrawnMark::Line { label, color, dash, style: *style, x: short(x), y: short(y) }
        }
        Mark::Points { label, style, x, y } => {
            DrawnMark::Points { label, color: color(*style), style: *style, x: short(x), y: short(y) }
        }
        Mark::Cells { label, style, x, y } => {
            DrawnMark::Cells { label, color: color(*style), style: *style, x: short(x), y: short(y) }
        }
        Mark::Band { style, x, low, high } => {
            let (low, high) = (short(low), short(high));
            DrawnMark::Band { color: color(*style), style: *style, x: short(x), low, high }
        }
        Mark::Horizontal { y, label } => DrawnMark::Horizontal { at: Short(*y), label },
        Mark::Vertical { x, label } => DrawnMark::Vertical { at: Short(*x), label },
        Mark::Contours { .. } | Mark::Heat { .. } | Mark::Counts { .. } => return None,
    })
}

/// A number to seven significant digits, which is less than a hundredth of a pixel; null where it is not finite.
pub(crate) struct Short(pub(crate) f64);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // JSON of 1e300 is read back by browsers; of an infinity there is none.
        let rounded: f64 = format!("{:.6e}", self.0).parse().unwrap_or(f64::NAN);
        if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
            return serializer.serialize_i64(rounded as i64);
        }
        rounded.is_finite().then_some(rounded).serialize(serializer)
    }
}
