//! A figure: panels in a grid under one legend.

use crate::style::{FONT, color, dash, escape};
use crate::thinning::{figure_within, points};
use crate::{Mark, ReportError, axes, panel, png};

/// Linear or logarithmic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Linear.
    Linear,
    /// Logarithmic to base 10.
    Log,
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Quantity, with its unit where it has one.
    pub label: String,
    /// Scale.
    pub scale: Scale,
    /// Lowest and highest value shown; from the data when not given.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// Linear, range from the data.
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear, range: None }
    }

    /// Logarithmic, range from the data.
    pub fn log(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Log, range: None }
    }

    /// With a fixed range.
    #[must_use]
    pub fn within(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }
}

/// One pair of axes with what is drawn in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Above the axes; may be empty.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Drawn in order.
    pub marks: Vec<Mark>,
    /// The same ordinates against other abscissas, which a page with scripts offers to choose.
    pub views: Vec<View>,
}

/// What a panel shows against another abscissa; the vertical axis stays.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Horizontal axis.
    pub x: Axis,
    /// Drawn in order.
    pub marks: Vec<Mark>,
}

impl Panel {
    /// Empty axes.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self { title: title.into(), x, y, marks: Vec::new(), views: Vec::new() }
    }

    /// Offers another abscissa; nothing where it has no marks.
    #[must_use]
    pub fn with_view(mut self, x: Axis, marks: Vec<Mark>) -> Self {
        if !marks.is_empty() {
            self.views.push(View { x, marks });
        }
        self
    }

    /// Adds a mark.
    #[must_use]
    pub fn with(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }
}

/// Panels in a grid, with one legend for all.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Unique in a page; the file name too.
    pub id: String,
    /// What is seen, in a sentence or two.
    pub caption: String,
    /// In reading order.
    pub panels: Vec<Panel>,
    /// Panels side by side.
    pub columns: usize,
    /// Whether the lines with a label are paths, along which a dot can be seen to move.
    pub is_animated: bool,
}

/// Where a drawing is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    /// On paper: nothing moves.
    Print,
    /// In a page, whose reader may ask for moving dots and for the numbers of maps.
    Page,
    /// On a screen: dots move.
    Slides,
}

/// Sizes in pixels.
const PANEL: (f64, f64) = (520.0, 360.0);
const LEGEND_LINE: f64 = 24.0;
/// Most points a mark keeps in a file; more only make it larger.
const MOST_POINTS: usize = 1200;

impl Figure {
    /// Two panels a row (one, if there is only one). A logarithmic vertical axis becomes linear where a number is negative; that, and whose zeros a
    /// logarithmic axis cannot show, is added to the caption.
    pub fn new(id: impl Into<String>, caption: impl Into<String>, panels: Vec<Panel>) -> Self {
        let columns = panels.len().clamp(1, 2);
        let (panels, note) = axes::fitted(panels);
        Self { id: id.into(), caption: caption.into() + &note, panels, columns, is_animated: false }
    }

    /// With dots that move along the labelled lines, in steps of equal time.
    #[must_use]
    pub fn animated(mut self) -> Self {
        self.is_animated = true;
        self
    }

    /// Points drawn at a time, at most: of every panel those of the view that has most.
    pub(crate) fn points(&self) -> usize {
        let count = |marks: &[Mark]| marks.iter().map(points).sum::<usize>();
        let of =
            |panel: &Panel| panel.views.iter().map(|view| count(&view.marks)).fold(count(&panel.marks), usize::max);
        self.panels.iter().map(of).sum()
    }

    /// A complete SVG document. Identifiers in it begin with the figure's, so that several fit in one page.
    ///
    /// # Errors
    /// None at present; drawing may fail in the future.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        figure_within(self, MOST_POINTS).drawn(Medium::Print)
    }

    /// The same with dots that move along the labelled lines (SMIL, which browsers play), again and again.
    ///
    /// # Errors
    /// None at present; drawing may fail in the future.
    pub fn to_animated_svg(&self) -> Result<String, ReportError> {
        figure_within(self, MOST_POINTS).drawn(Medium::Slides)
    }

    pub(crate) fn drawn(&self, medium: Medium) -> Result<String, ReportError> {
        let columns = self.columns.max(1);
        let rows = self.panels.len().div_ceil(columns).max(1);
        let width = PANEL.0 * columns as f64;
        let legend = self.legend(width);
        let height = legend.1 + PANEL.1 * rows as f64;
        let id = &self.id;
        let titles: Vec<&str> =
            self.panels.iter().map(|panel| panel.title.as_str()).filter(|t| !t.is_empty()).collect();
        let title = if titles.is_empty() {
            id.replace('-', " ")
        } else {
            format!("{}: {}", id.replace('-', " "), titles.join("; "))
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"{FONT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-description\">\n<title id=\"{id}-title\">{}</title>\n\
             <desc id=\"{id}-description\">{}</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}",
            escape(&title),
            escape(&self.caption),
            legend.0
        );
        for (index, panel) in self.panels.iter().enumerate() {
            let x = PANEL.0 * (index % columns) as f64;
            let y = legend.1 + PANEL.1 * (index / columns) as f64;
            let drawing = panel::draw(panel, PANEL, &format!("{id}-{index}-"), medium, self.is_animated)?;
            svg.push_str(&format!("<g transform=\"translate({x} {y})\">{drawing}</g>\n"));
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }

    /// A PNG of `scale` pixels per SVG pixel. It says that a panel is 3.5 inches wide, as a column of a journal is: at `scale` 2 these are 300 dots an
    /// inch, and the smallest letters have 6 points.
    ///
    /// # Errors
    /// [`ReportError::Svg`], [`ReportError::Png`].
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>, ReportError> {
        png::render(&self.id, &self.to_svg()?, scale)
    }

    /// The legend's SVG and height: each label once, in rows that fit the width.
    fn legend(&self, width: f64) -> (String, f64) {
        let mut entries: Vec<(&str, usize, &Mark)> = Vec::new();
        for mark in self.panels.iter().flat_map(|panel| &panel.marks) {
            let (Mark::Line { label, style, .. }
            | Mark::Points { label, style, .. }
            | Mark::Cells { label, style, .. }) = mark
            else {
                continue;
            };
            let entry = (label.as_str(), *style, mark);
            if !entry.0.is_empty() && !entries.iter().any(|known| known.0 == entry.0) {
                entries.push(entry);
            }
        }
        if entries.is_empty() {
            return (String::new(), 0.0);
        }
        let (mut x, mut y) = (16.0, 18.0);
        let mut svg = String::from("<g class=\"key\">");
        for (label, style, mark) in entries {
            // 13-pixel text is about 8 pixels a letter.
            let advance = 36.0 + 8.0 * label.chars().count() as f64 + 18.0;
            if x + advance > width && x > 16.0 {
                (x, y) = (16.0, y + LEGEND_LINE);
            }
            let color = color(style);
            let middle = x + 15.0;
            svg.push_str(&match mark {
                Mark::Line { .. } => {
                    let dashes = match dash(style) {
                        "" => String::new(),
                        pattern => format!(" stroke-dasharray=\"{pattern}\""),
                    };
                    let end = x + 30.0;
                    format!("<line x1=\"{x}\" y1=\"{y}\" x2=\"{end}\" y2=\"{y}\" stroke=\"{color}\" stroke-width=\"2.2\"{dashes}/>")
                }
                Mark::Cells { .. } => {
                    let (left, top) = (middle - 4.5, y - 4.5);
                    format!("<rect x=\"{left}\" y=\"{top}\" width=\"9\" height=\"9\" fill=\"{color}\"/>")
                }
                _ => format!("<circle cx=\"{middle}\" cy=\"{y}\" r=\"4\" fill=\"{color}\"/>"),
            });
            svg.push_str(&format!(
                "<text x=\"{}\" y=\"{}\" font-size=\"13\" fill=\"#111111\">{}</text>\n",
                x + 36.0,
                y + 4.0,
                escape(label)
            ));
            x += advance;
        }
        (svg + "</g>", y + 12.0)
    }
}
