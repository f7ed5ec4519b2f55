//! Draws one panel, through kuva; only `paths` and `moving`, which draw over it, name it too.

use std::sync::Arc;

use kuva::backend::svg::SvgBackend;
use kuva::plot::scatter::MarkerShape;
use kuva::plot::{BandPlot, ColorMap, ContourPlot, Heatmap, LinePlot, LineStyle, ScatterPlot};
use kuva::render::annotations::{ReferenceLine, TextAnnotation};
use kuva::render::layout::{ComputedLayout, Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;

use crate::figure::Medium;
use crate::mark::segments;
use crate::paths::has_paths;
use crate::style::{FONT, color, dash};
use crate::{Axis, Mark, Panel, ReportError, Scale, maps, moving, paths, significant};

/// The panel as SVG of this size, its identifiers prefixed.
///
/// # Errors
/// [`ReportError::Description`] of a map's numbers.
pub(crate) fn draw(
    panel: &Panel,
    size: (f64, f64),
    prefix: &str,
    medium: Medium,
    is_animated: bool,
) -> Result<String, ReportError> {
    let extents: Vec<_> = panel.marks.iter().map(Mark::extent).collect();
    let x = with_ticks(&panel.x, extents.iter().flat_map(|(x, _)| x));
    let y = with_ticks(&panel.y, extents.iter().flat_map(|(_, y)| y));
    let panel = &Panel { x, y, ..panel.clone() };
    let y_range = || {
        let range = range(&panel.y, extents.iter().flat_map(|(_, y)| y), 0.04)?;
        Some(if panel.y.range.is_some() { range } else { with_room_for_labels(panel, range) })
    };
    // Lines may begin and end at the edge; a dot there would be half a dot.
    let has_dots = panel.marks.iter().any(|mark| matches!(mark, Mark::Points { .. } | Mark::Cells { .. }));
    let x_margin = if has_dots { 0.03 } else { 0.0 };
    let ranges = range(&panel.x, extents.iter().flat_map(|(x, _)| x), x_margin).zip(y_range());
    let Some((x_range, y_range)) = ranges else { return Ok(no_data(panel, size)) };
    let (x_shift, y_shift) = (shift(panel.x.scale, x_range.0), shift(panel.y.scale, y_range.0));
    let (x_factor, y_factor) = (10f64.powi(x_shift), 10f64.powi(y_shift));
    let x_range = (x_range.0 * x_factor, x_range.1 * x_factor);
    let y_range = (y_range.0 * y_factor, y_range.1 * y_factor);
    let panel =
        &Panel { marks: panel.marks.iter().map(|mark| mark.scaled(x_factor, y_factor)).collect(), ..panel.clone() };
    let plots: Vec<Plot> = panel.marks.iter().flat_map(|mark| plots(mark, panel, y_range)).collect();
    if plots.is_empty() {
        return Ok(no_data(panel, size));
    }
    let mut layout = Layout::new(x_range, y_range)
        .with_width(size.0)
        .with_height(size.1)
        .with_title(panel.title.clone())
        .with_x_label(panel.x.label.clone())
        .with_y_label(panel.y.label.clone())
        .with_font_family(FONT)
        .with_title_size(15)
        .with_label_size(14)
        .with_tick_size(13)
        .with_grid_line_width(0.6)
        .with_x_axis_min(x_range.0)
        .with_x_axis_max(x_range.1)
        .with_y_axis_min(y_range.0)
        .with_y_axis_max(y_range.1)
        .with_x_tick_format(ticks(panel.x.scale, x_shift))
        .with_y_tick_format(ticks(panel.y.scale, y_shift));
    layout.show_legend = false;
    layout.show_colorbar = panel.marks.iter().any(|mark| matches!(mark, Mark::Heat { .. }));
    if panel.x.scale == Scale::Log {
        layout = layout.with_log_x();
    }
    if panel.y.scale == Scale::Log {
        layout = layout.with_log_y();
    }
    for mark in &panel.marks {
        if let Mark::Heat { x, y, values, shows_values: true } = mark {
            let columns = values.first().map_or(1, Vec::len);
            layout = layout
                .with_x_tick_step((x.1 - x.0) / columns as f64)
                .with_y_tick_step((y.1 - y.0) / values.len() as f64);
        }
        if let Mark::Counts { counts } = mark {
            layout = with_counts(layout.with_x_tick_step(1.0).with_y_tick_step(1.0), counts, size.1);
        }
        let line = match mark {
            Mark::Horizontal { y, label } => ReferenceLine::horizontal(*y).with_label(label.clone()),
            Mark::Vertical { x, label } => ReferenceLine::vertical(*x).with_label(label.clone()),
            _ => continue,
        };
        layout = layout.with_reference_line(line.with_color("#777777").with_stroke_width(1.0).with_dasharray("4 3"));
    }
    let place = ComputedLayout::from_layout(&layout);
    let mut svg = own_identifiers(&SvgBackend.render_scene(&render_multiple(plots, layout)), prefix);
    if has_paths(panel) {
        svg += &paths::paths(panel, &place);
    }
    if is_animated && medium != Medium::Print {
        svg += &moving::dots(panel, &place, medium);
    }
    if medium == Medium::Page {
        svg += &maps::readable(panel, &place)?;
    }
    Ok(svg)
}

/// The counts as text in their cells, in a panel of this height.
fn with_counts(mut layout: Layout, counts: &[Vec<u64>], height: f64) -> Layout {
    const MOST: usize = 12;
    // Text stands 6 pixels above its anchor and is about 8 high; the axes take a fifth of the panel's height.
    let down = 10.0 / (0.8 * height) * counts.len() as f64;
    if counts.len() > MOST {
        return layout;
    }
    for (row, counts) in counts.iter().enumerate() {
        for (column, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let text = TextAnnotation::new(count.to_string(), column as f64, row as f64 - down);
            layout = layout.with_annotation(text.with_font_size(12).with_color("#111111"));
        }
    }
    layout
}

/// The axis, linear in place of logarithmic where all values are positive and fewer than two ticks at 1, 2 and 5 times powers of ten would fit.
fn with_ticks<'a>(axis: &Axis, values: impl Iterator<Item = &'a f64> + Clone) -> Axis {
    let is_positive = values.clone().all(|v| *v > 0.0 || v.is_nan());
    let found = range(axis, values, 0.04).filter(|_| axis.scale == Scale::Log && is_positive);
    let is_bare = found.is_some_and(|(low, high)| {
        let from = low.log10().floor() as i32;
        let ticks = (from..from + 3).flat_map(|k| [1.0, 2.0, 5.0].map(|x| x * 10f64.powi(k)));
        high < 10.0 * low && ticks.filter(|tick| (low..=high).contains(tick)).count() < 2
    });
    if is_bare { Axis { scale: Scale::Linear, ..axis.clone() } } else { axis.clone() }
}

/// The range of ordinates with room for the label of a rule near its upper end, which stands above the rule.
fn with_room_for_labels(panel: &Panel, (low, high): (f64, f64)) -> (f64, f64) {
    const ROOM: f64 = 0.07;
    let place = |y: f64| if panel.y.scale == Scale::Log { y.log10() } else { y };
    let (low_place, high_place) = (place(low), place(high));
    let rules = panel.marks.iter().filter_map(|mark| match mark {
        Mark::Horizontal { y, label } if !label.is_empty() => Some(place(*y)),
        _ => None,
    });
    let needed = |rule: f64| (rule - low_place * ROOM) / (1.0 - ROOM);
    let high_place = rules.filter(|rule| rule.is_finite()).map(needed).fold(high_place, f64::max);
    (low, if panel.y.scale == Scale::Log { 10f64.powf(high_place) } else { high_place })
}

/// Decades by which a logarithmic axis is drawn higher than it is: kuva draws everything below 1e-10 at 1e-10. Its ticks take them off again.
fn shift(scale: Scale, low: f64) -> i32 {
    const LOWEST: f64 = -9.0;
    if scale == Scale::Log && low > 0.0 { (LOWEST - low.log10()).ceil().max(0.0) as i32 } else { 0 }
}

/// Prefixes identifiers, and numbers the clip paths anew: kuva counts them over the life of the process.
fn own_identifiers(svg: &str, prefix: &str) -> String {
    const CLIP: &str = "kuva-clip-";
    let mut known: Vec<&str> = Vec::new();
    let mut out = String::with_capacity(svg.len() + 64);
    let mut pieces = svg.split(CLIP);
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let number = known.iter().position(|number| *number == &piece[..digits]).unwrap_or_else(|| {
            known.push(&piece[..digits]);
            known.len() - 1
        });
        out.push_str(&format!("{prefix}clip-{number}{}", &piece[digits..]));
    }
    out
}

/// The range of an axis: the given one, or the data's with a margin; none without drawable data.
fn range<'a>(axis: &Axis, values: impl Iterator<Item = &'a f64>, margin: f64) -> Option<(f64, f64)> {
    if axis.range.is_some() {
        return axis.range;
    }
    let log = axis.scale == Scale::Log;
    let values: Vec<f64> = values.copied().filter(|v| v.is_finite() && (!log || *v > 0.0)).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.is_empty() {
        return None;
    }
    if log {
        // kuva's ticks overflow on wider axes.
        const MOST_DECADES: f64 = 30.0;
        let high = high.clamp(1e-90, 1e99);
        let low = low.clamp(high * 10f64.powf(-MOST_DECADES), high);
        let factor = (high / low).powf(margin).max(1.05);
        return Some((low / factor, high * factor));
    }
    let spread = if high > low { high - low } else { high.abs().max(1.0) };
    // A margin does not cross zero: a loss axis starts at 0, not below.
    let padded = low - margin * spread;
    let low = if low >= 0.0 && padded < 0.0 { 0.0 } else { padded };
    if high > low {
        return Some((low, high + margin * spread));
    }
    // A single number without a margin stands in the middle, or at the edge where that is 0.
    Some((if low == 0.0 { low } else { low - spread }, high + spread))
}

fn plots(mark: &Mark, panel: &Panel, y_range: (f64, f64)) -> Vec<Plot> {
    let drawable = |x: f64, y: f64| {
        let fits = |v: f64, scale: Scale| v.is_finite() && (scale == Scale::Linear || v > 0.0);
        (fits(x, panel.x.scale) && fits(y, panel.y.scale)).then_some((x, y))
    };
    // Far beyond the panel numbers only have to leave it in the right direction.
    let far = 10.0 * (y_range.1 - y_range.0);
    let near = |y: f64| if panel.y.scale == Scale::Linear { y.clamp(y_range.0 - far, y_range.1 + far) } else { y };
    match mark {
        Mark::Line { .. } | Mark::Points { .. } if has_paths(panel) => vec![],
        Mark::Line { style, x, y, .. } => {
            segments(x.iter().zip(y).map(|(x, y)| drawable(*x, *y).map(|(x, y)| (x, near(y)))))
                .into_iter()
                .map(|run| {
                    // A line of one point is a dot.
                    if run.len() == 1 {
                        return Plot::Scatter(
                            ScatterPlot::new().with_data(run).with_color(color(*style)).with_size(2.5),
                        );
                    }
                    let line = LinePlot::new().with_data(run).with_color(color(*style)).with_stroke_width(1.8);
                    Plot::Line(match dash(*style) {
                        "" => line,
                        pattern => line.with_line_style(LineStyle::Custom(pattern.into())),
                    })
                })
                .collect()
        }
        Mark::Band { style, x, low, high } => {
            // What lies beyond the panel is cut at its edge, so that an infinite quartile still shows.
            let clamp = |v: f64| if v.is_nan() { v } else { v.clamp(y_range.0, y_range.1) };
            let both = |pick: fn(f64, f64) -> f64| {
                segments(x.iter().zip(low.iter().zip(high)).map(|(x, (low, high))| {
                    let (low, high) = (clamp(*low), clamp(*high));
                    drawable(*x, low).and(drawable(*x, high)).map(|_| (*x, pick(low, high)))
                }))
            };
            let (lows, highs) = (both(|low, _| low), both(|_, high| high));
            lows.into_iter()
                .zip(highs)
                .filter(|(low, _)| low.len() > 1)
                .map(|(low, high)| {
                    let (x, lower): (Vec<f64>, Vec<f64>) = low.into_iter().unzip();
                    let upper: Vec<f64> = high.into_iter().map(|point| point.1).collect();
                    Plot::Band(BandPlot::new(x, lower, upper).with_color(color(*style)).with_opacity(0.16))
                })
                .collect()
        }
        Mark::Cells { style, x, y, .. } if !x.is_empty() => {
            let points: Vec<(f64, f64)> = x.iter().zip(y).filter_map(|(x, y)| drawable(*x, *y)).collect();
            let cells = ScatterPlot::new().with_data(points).with_color(color(*style)).with_size(4.5);
            vec![Plot::Scatter(cells.with_marker(MarkerShape::Square).with_marker_opacity(0.75))]
        }
        Mark::Cells { .. } => vec![],
        Mark::Points { style, x, y, .. } => {
            let inside = |(_, y): &(f64, f64)| (y_range.0..=y_range.1).contains(y);
            let points: Vec<(f64, f64)> =
                x.iter().zip(y).filter_map(|(x, y)| drawable(*x, *y)).filter(inside).collect();
            match points.is_empty() {
                true => vec![],
                false => {
                    let dots = ScatterPlot::new().with_data(points).with_color(color(*style)).with_size(2.0);
                    vec![Plot::Scatter(dots.with_marker_opacity(0.6))]
                }
            }
        }
        Mark::Contours { x, y, values, levels } => {
            let contours = ContourPlot::new().with_grid(values.clone(), x.clone(), y.clone()).with_levels(levels);
            vec![Plot::Contour(contours.with_line_color("#b0b0b0").with_line_width(0.7))]
        }
        Mark::Heat { x, y, values, shows_values } => {
            let map = Heatmap::new().with_data(values.clone()).with_x_range(x.0, x.1).with_y_range(y.0, y.1);
            // The values are black: without the darkest third.
            let light = |t: f64| ColorMap::Viridis.map(0.35 + 0.65 * t);
            let colors = if *shows_values { ColorMap::Custom(Arc::new(light)) } else { ColorMap::Viridis };
            let map = map.with_color_map(colors).with_cell_size(1.0);
            vec![Plot::Heatmap(if *shows_values { map.with_values() } else { map })]
        }
        Mark::Counts { counts } => {
            let shades: Vec<Vec<f64>> =
                counts.iter().map(|row| row.iter().map(|count| (*count as f64).ln_1p()).collect()).collect();
            let (columns, rows) = (counts.first().map_or(0, Vec::len) as f64, counts.len() as f64);
            let cells =
                Heatmap::new().with_data(shades).with_x_range(-0.5, columns - 0.5).with_y_range(-0.5, rows - 0.5);
            vec![Plot::Heatmap(cells.with_color_map(ColorMap::Custom(Arc::new(blue))).with_cell_size(1.0))]
        }
        Mark::Horizontal { .. } | Mark::Vertical { .. } => vec![],
    }
}

/// From white to a blue on which black text can be read.
fn blue(share: f64) -> String {
    let mix = |full: f64| (255.0 + share.clamp(0.0, 1.0) * (full - 255.0)).round() as u8;
    format!("rgb({},{},{})", mix(96.0), mix(170.0), mix(212.0))
}

/// 10⁻² for decades on logarithmic axes, plain numbers elsewhere.
fn ticks(scale: Scale, shift: i32) -> TickFormat {
    TickFormat::Custom(Arc::new(move |value: f64| {
        let exponent = value.abs().log10() - f64::from(shift);
        let value = if shift == 0 { value } else { value * 10f64.powi(-shift) };
        let decade = scale == Scale::Log && (exponent - exponent.round()).abs() < 1e-9;
        match decade {
            true if exponent.round() == 0.0 => "1".into(),
            true if exponent.round() == 1.0 => "10".into(),
            true => format!("10{}", superscript(exponent.round() as i64)),
            false => plain(value),
        }
    }))
}

/// Up to four significant digits, without trailing zeros; 2·10⁻⁵ where these would be many.
fn plain(value: f64) -> String {
    let text = significant(value, 4);
    let short = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => digits.to_string(),
    };
    match text.split_once('e').and_then(|(digits, exponent)| Some((digits, exponent.parse().ok()?))) {
        Some((digits, exponent)) => match short(digits).as_str() {
            "1" => format!("10{}", superscript(exponent)),
            digits => format!("{digits}·10{}", superscript(exponent)),
        },
        None => short(&text),
    }
}

fn superscript(exponent: i64) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digits = exponent.unsigned_abs().to_string();
    let sign = if exponent < 0 { "⁻" } else { "" };
    sign.chars().chain(digits.bytes().map(|digit| DIGITS[usize::from(digit - b'0')])).collect()
}

fn no_data(panel: &Panel, size: (f64, f64)) -> String {
    let text = |y: f64, size_of_text: u32, text: &str, x: f64| {
        format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size_of_text}\" text-anchor=\"middle\" fill=\"#555555\">{}</text>",
            crate::style::escape(text)
        )
    };
    let middle = size.0 / 2.0;
    text(24.0, 14, &panel.title, middle) + &text(size.1 / 2.0, 13, "no data", middle)
}
