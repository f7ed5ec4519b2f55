//! Colors, dashes and sizes.

/// Okabe and Ito's palette for color-blind readers, darkened where it would be faint on white. A color index means the same method in every figure.
const COLORS: [&str; 9] =
    ["#0072b2", "#d55e00", "#009e73", "#cc4f9a", "#b8860b", "#3aa0d8", "#555555", "#7a4fbf", "#111111"];

/// Dash patterns in pixels; empty is solid. They go with the colors, so that prints in gray can be read.
const DASHES: [&str; 5] = ["", "7 3", "2 3", "9 3 2 3", "12 4"];

/// The color of an index.
pub(crate) fn color(index: usize) -> &'static str {
    COLORS[index % COLORS.len()]
}

/// The dash pattern of an index.
pub(crate) fn dash(index: usize) -> &'static str {
    DASHES[index % DASHES.len()]
}

/// The font family of all text; embedded for PNG, with common substitutes for pages.
pub(crate) const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// Text as it may stand in XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
