//! Colors, dashes and sizes.

/// How many colors there are; a style index is a color plus this many times a dash.
pub const COLORS: usize = LIGHT.len();

/// Okabe and Ito's palette for color-blind readers, moved as little as possible until each color stands out from white by 3 : 1 or more, as WCAG 2.2 asks of
/// graphics (1.4.11), and any two differ by 18 or more in CIE 1976 L*a*b*, for readers of all colors, without green and without red. A color means the same
/// method in every figure.
pub(crate) const LIGHT: [&str; 9] =
    ["#00549f", "#d57400", "#008a65", "#cc4f9a", "#a67134", "#2a92d5", "#4c4c4c", "#7a4ee4", "#111111"];

/// The same colors where the paper is dark, by the same rules.
pub(crate) const DARK: [&str; 9] =
    ["#4a72df", "#ff8b28", "#33c685", "#e178c2", "#e4b362", "#90d0fd", "#bcbcbc", "#b597ff", "#f0f3f6"];

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

    /// Linear red, green and blue of sRGB.
    fn linear(color: &str) -> [f64; 3] {
        [1, 3, 5].map(|from| {
            let value = f64::from(u8::from_str_radix(&color[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn times(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// Relative luminance, WCAG 2.2.
    fn luminance(color: &str) -> f64 {
        let [red, green, blue] = linear(color);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// CIE 1976 L*a*b* of linear sRGB, white D65.
    fn lab(rgb: [f64; 3]) -> [f64; 3] {
        let xyz = times([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], rgb);
        let curve = |t: f64| if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let [x, y, z] = [curve(xyz[0] / 0.9505), curve(xyz[1]), curve(xyz[2] / 1.089)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn any_two_colors_differ_for_the_color_blind_too() {
        // Machado, Oliveira and Fernandes (2009), severity 1: no green cones, no red cones.
        let visions = [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
            [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        ];
        for (colors, vision) in [LIGHT, DARK].iter().flat_map(|colors| visions.map(|vision| (colors, vision))) {
            let seen = colors.map(|color| lab(times(vision, linear(color)).map(|x| x.clamp(0.0, 1.0))));
            for (i, j) in (0..COLORS).flat_map(|i| (0..i).map(move |j| (i, j))) {
                let distance = seen[i].iter().zip(seen[j]).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
                assert!(distance >= 18.0, "{} and {}: {distance:.1}", colors[i], colors[j]);
            }
        }
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
