//! Colors, dashes and sizes.

/// How many colors there are; a style index is a color plus this many times a dash.
pub const COLORS: usize = LIGHT.len();

/// Okabe and Ito's palette for color-blind readers, darkened where it would be faint on white: each stands out from white by 3 : 1 or more, as WCAG 2.2
/// asks of graphics (1.4.11). A color means the same method in every figure.
pub(crate) const LIGHT: [&str; 9] =
    ["#0072b2", "#d55e00", "#008a65", "#cc4f9a", "#a67500", "#2b8cc4", "#555555", "#7a4fbf", "#111111"];

/// The same colors where the paper is dark.
pub(crate) const DARK: [&str; 9] =
    ["#4aa3e0", "#ff8a3d", "#2fc79a", "#ef86c0", "#e0b03c", "#8fd0f5", "#b4bcc4", "#b79af0", "#f0f3f6"];

/// Dash patterns in pixels; empty is solid. They tell variants of a method apart, whose color is the same.
const DASHES: [&str; 8] = ["", "7 3", "2 3", "9 3 2 3", "14 4", "9 3 2 3 2 3", "4 7", "14 3 4 3"];

/// The style index of a color, counted modulo [`COLORS`], and of a variant of what has the color: variant 0 is solid, each further one has its own dash.
///
/// ```
/// use gf_report::{COLORS, style};
/// assert_eq!(style(3, 0), 3);
/// assert_eq!(style(3, 2), 3 + 2 * COLORS);
/// ```
pub fn style(color: usize, variant: usize) -> usize {
    color % COLORS + COLORS * variant
}

/// The color of an index.
pub(crate) fn color(index: usize) -> &'static str {
    LIGHT[index % COLORS]
}

/// The dash pattern of an index.
pub(crate) fn dash(index: usize) -> &'static str {
    DASHES[index / COLORS % DASHES.len()]
}

/// The font family of all text; embedded for PNG, with common substitutes for pages.
pub(crate) const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// Text as it may stand in XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of sRGB, WCAG 2.2.
    fn luminance(color: &str) -> f64 {
        let channel = |from: usize| {
            let value = f64::from(u8::from_str_radix(&color[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_color_stands_out_from_its_paper_and_from_gray_text() {
        // WCAG's own example: #777777 on white is 4.48.
        assert!((contrast("#777777", "#ffffff") - 4.48).abs() < 0.01);
        for (colors, paper) in [(LIGHT, "#ffffff"), (DARK, "#14181d")] {
            for color in colors {
                assert!(contrast(color, paper) >= 3.0, "{color} on {paper}: {:.2}", contrast(color, paper));
            }
        }
    }

    #[test]
    fn text_of_the_page_has_the_contrast_of_level_aa() {
        let page = include_str!("page.html");
        let value = |scheme: &str, name: &str| {
            let start = page.find(scheme).unwrap();
            let at = start + page[start..].find(&format!("--{name}: ")).unwrap() + name.len() + 4;
            page[at..at + 7].to_string()
        };
        for scheme in ["macro light", "macro dark"] {
            for ink in ["ink", "soft", "link"] {
                for paper in ["paper", "wash"] {
                    let ratio = contrast(&value(scheme, ink), &value(scheme, paper));
                    assert!(ratio >= 4.5, "{scheme}: --{ink} on --{paper}: {ratio:.2}");
                }
            }
        }
    }
}
