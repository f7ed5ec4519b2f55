//! A page: one HTML file that works offline.

use minijinja::Environment;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::figure::Medium;
use crate::style::{DARK, LIGHT};
use crate::thinning::within;
use crate::{Figure, Mark, ReportError, Table, interactive};

/// Something in a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Text.
    Paragraph(String),
    /// A table.
    Table(Table),
    /// A figure.
    Figure(Figure),
    /// Text in a fixed-width font.
    Code(String),
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Heading.
    pub heading: String,
    /// Contents.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section.
    pub fn new(heading: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { heading: heading.into(), blocks }
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Title.
    pub title: String,
    /// Under the title.
    pub lead: Vec<String>,
    /// Sections.
    pub sections: Vec<Section>,
    /// Versions and how to repeat, at the end.
    pub footer: Vec<String>,
}

impl Page {
    /// An empty page.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), lead: vec![], sections: vec![], footer: vec![] }
    }

    /// Adds a section.
    #[must_use]
    pub fn with(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// All figures, in order.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.sections.iter().flat_map(|section| &section.blocks).filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }

    /// Points that the figures of lines and dots draw together, at most; contours and cells of maps are not counted.
    pub const MOST_POINTS: usize = 20_000;

    /// All tables, in order, with the heading of their section.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &Table)> {
        self.sections.iter().flat_map(|section| {
            section.blocks.iter().filter_map(move |block| match block {
                Block::Table(table) => Some((section.heading.as_str(), table)),
                _ => None,
            })
        })
    }

    /// One self-contained HTML file. All text is escaped. Scripts are its own, and its policy forbids it to fetch anything.
    ///
    /// # Errors
    /// [`ReportError`] of a figure or the template.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let figures = within(&self.figures().collect::<Vec<_>>(), Self::MOST_POINTS);
        let mut next_figure = figures.iter();
        let mut parts = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            let items = section.blocks.iter().map(|block| {
                Ok(match block {
                    Block::Paragraph(text) => Item::Paragraph { text },
                    Block::Table(table) => Item::Table { table },
                    Block::Figure(_) => {
                        let figure = next_figure.next().expect("there are as many thinned figures as figures");
                        let has_heat = figure
                            .panels
                            .iter()
                            .flat_map(|panel| &panel.marks)
                            .any(|m| matches!(m, Mark::Heat { .. } | Mark::Counts { .. }));
                        let (id, caption, is_animated) = (&figure.id, &figure.caption, figure.is_animated);
                        Item::Figure { id, svg: figure.drawn(Medium::Page)?, caption, is_animated, has_heat }
                    }
                    Block::Code(text) => Item::Code { text },
                })
            });
            let items = items.collect::<Result<Vec<_>, ReportError>>()?;
            parts.push(Part { anchor: format!("section-{}", index + 1), heading: &section.heading, items });
        }
        let contents = Contents {
            title: &self.title,
            lead: &self.lead,
            parts,
            footer: &self.footer,
            colors: LIGHT.into_iter().zip(DARK).collect(),
            figures: interactive::json(&figures)?,
            script: include_str!("report.js"),
        };
        let mut environment = Environment::new();
        // The name decides that everything is escaped for HTML.
        environment.add_template("page.html", include_str!("page.html"))?;
        let page = environment.get_template("page.html")?;
        Ok(page.render(Value::from(Serde(&contents)))?)
    }
}

/// What the template knows.
#[derive(Serialize)]
struct Contents<'a> {
    title: &'a str,
    lead: &'a [String],
    parts: Vec<Part<'a>>,
    footer: &'a [String],
    /// A color on light paper, and the same on dark.
    colors: Vec<(&'a str, &'a str)>,
    figures: String,
    script: &'a str,
}

#[derive(Serialize)]
struct Part<'a> {
    anchor: String,
    heading: &'a str,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Item<'a> {
    Paragraph { text: &'a str },
    Table { table: &'a Table },
    Figure { id: &'a str, svg: String, caption: &'a str, is_animated: bool, has_heat: bool },
    Code { text: &'a str },
}
