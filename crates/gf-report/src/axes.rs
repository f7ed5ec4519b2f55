//! Logarithmic axes hold positive numbers only: where others come, the axis changes or the caption says what is missing.

use crate::{Axis, Mark, Panel, Scale, significant};

/// Negative numbers within this share of the largest size are rounding, and count as 0.
const ROUNDING: f64 = 1e-12;

/// The panels with vertical axes that fit their numbers, and sentences for the caption; empty where nothing had to change.
///
/// An axis that is logarithmic although a number is negative becomes linear. Curves with zeros, which a logarithmic axis cannot show, are named.
pub(crate) fn fitted(panels: Vec<Panel>) -> (Vec<Panel>, String) {
    let mut lowest = f64::INFINITY;
    let panels: Vec<Panel> = panels
        .into_iter()
        .map(|panel| match (panel.y.scale, least(&panel)) {
            (Scale::Log, Some(least)) => {
                lowest = lowest.min(least);
                Panel { y: linear(&panel), ..panel }
            }
            _ => panel,
        })
        .collect();
    let mut note = String::new();
    if lowest.is_finite() {
        note += &format!(" Axes are linear where numbers become negative (lowest: {}).", significant(lowest, 3));
    }
    let mut names: Vec<&str> = Vec::new();
    for name in panels.iter().flat_map(with_zeros) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.is_empty() {
        const MOST: usize = 4;
        let more = if names.len() > MOST { format!(" and {} more", names.len() - MOST) } else { String::new() };
        names.truncate(MOST);
        note +=
            &format!(" Zeros have no place on a logarithmic axis: those of {}{more} are left out.", names.join(", "));
    }
    (panels, note)
}

/// The lowest ordinate, if it is negative by more than rounding.
fn least(panel: &Panel) -> Option<f64> {
    let ordinates: Vec<f64> =
        panel.marks.iter().filter(|mark| !is_rule(mark)).flat_map(|mark| mark.extent().1).collect();
    let finite = || ordinates.iter().copied().filter(|y| y.is_finite());
    let (least, size) = (finite().fold(0.0, f64::min), finite().map(f64::abs).fold(0.0, f64::max));
    (least < -ROUNDING * size).then_some(least)
}

fn is_rule(mark: &Mark) -> bool {
    matches!(mark, Mark::Horizontal { .. } | Mark::Vertical { .. })
}

/// A linear axis with all numbers, except that curves more than ten times as large as the middle one leave the panel instead of flattening the others.
fn linear(panel: &Panel) -> Axis {
    const ROOM: f64 = 10.0;
    const MARGIN: f64 = 0.04;
    let sizes = |mark: &Mark| mark.extent().1.into_iter().filter(|y| y.is_finite()).map(f64::abs).fold(0.0, f64::max);
    let mut largest: Vec<f64> = panel.marks.iter().filter(|mark| !is_rule(mark)).map(sizes).collect();
    largest.sort_by(f64::total_cmp);
    let limit = ROOM * largest.get(largest.len().saturating_sub(1) / 2).copied().unwrap_or(0.0);
    let inside = panel.marks.iter().flat_map(|mark| mark.extent().1).filter(|y| y.is_finite());
    let (low, high) = inside
        .map(|y| y.clamp(-limit, limit))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let margin = MARGIN * (high - low);
    let axis = Axis::linear(panel.y.label.clone());
    if high > low { axis.within(low - margin, high + margin) } else { axis }
}

/// The curves and dots of the panel with points that its logarithmic axes cannot show; what has no name in the legend has that of its style there.
fn with_zeros(panel: &Panel) -> impl Iterator<Item = &str> {
    let has_no_place = |scale: Scale, value: f64| scale == Scale::Log && value <= 0.0;
    let has_zeros = move |x: &[f64], y: &[f64]| {
        let points = x.iter().zip(y).filter(|(x, y)| x.is_finite() && y.is_finite());
        points.into_iter().any(|(x, y)| has_no_place(panel.x.scale, *x) || has_no_place(panel.y.scale, *y))
    };
    let name_of = |style: usize| {
        let named = panel.marks.iter().find_map(|mark| match mark {
            Mark::Line { label, style: own, .. } if *own == style && !label.is_empty() => Some(label.as_str()),
            _ => None,
        });
        named.unwrap_or("a curve without a name")
    };
    panel.marks.iter().filter_map(move |mark| match mark {
        Mark::Line { label, style, x, y }
        | Mark::Points { label, style, x, y }
        | Mark::Cells { label, style, x, y }
            if has_zeros(x, y) =>
        {
            Some(if label.is_empty() { name_of(*style) } else { label.as_str() })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lines: &[&[f64]]) -> Panel {
        let marks = lines.iter().map(|y| Mark::line("l", 0, (0..y.len()).map(|k| k as f64).collect(), y.to_vec()));
        marks.fold(Panel::new("t", Axis::linear("k"), Axis::log("L")), Panel::with)
    }

    #[test]
    fn an_axis_with_negative_numbers_is_linear_and_the_caption_says_so() {
        let (panels, note) = fitted(vec![with(&[&[1.0, 0.5, -0.25]]), with(&[&[1.0, 0.5]])]);
        assert_eq!((panels[0].y.scale, panels[1].y.scale), (Scale::Linear, Scale::Log));
        assert_eq!(panels[0].y.range, Some((-0.25 - 0.05, 1.0 + 0.05)));
        assert_eq!(note, " Axes are linear where numbers become negative (lowest: -0.250).");
        // One that falls without end leaves the panel.
        let (panels, note) = fitted(vec![with(&[&[1.0, -2.0], &[1.0, 0.5], &[1.0, -1e30]])]);
        let (low, high) = panels[0].y.range.unwrap();
        assert!((-22.0..-20.0).contains(&low) && (1.0..2.0).contains(&high) && note.contains("-1e30"), "{low} {note}");
    }

    #[test]
    fn curves_with_zeros_are_named_once_and_rounding_is_no_reason_for_another_axis() {
        let panel = with(&[&[1.0, 0.0, -1e-17, f64::NAN]]);
        let dots = Mark::points("", 0, vec![0.0, 1.0], vec![1.0, 0.0]);
        let (panels, note) = fitted(vec![panel.clone().with(dots), panel]);
        assert_eq!(panels[0].y.scale, Scale::Log);
        assert_eq!(note, " Zeros have no place on a logarithmic axis: those of l are left out.");
        assert_eq!(fitted(vec![with(&[&[1.0, 2.0]])]).1, "");
    }
}
