//! A page: one HTML file that works offline.

use minijinja::Environment;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::{Figure, ReportError};

/// Alignment of a table's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// Its heading, with unit.
    pub name: String,
    /// Alignment.
    pub align: Align,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// Above the table.
    pub caption: String,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows, each as long as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table whose columns named with a leading `>` are aligned right.
    pub fn new(caption: impl Into<String>, columns: &[&str], rows: Vec<Vec<String>>) -> Self {
        let columns = columns
            .iter()
            .map(|name| match name.strip_prefix('>') {
                Some(name) => Column { name: name.into(), align: Align::Right },
                None => Column { name: (*name).into(), align: Align::Left },
            })
            .collect();
        Self { caption: caption.into(), columns, rows }
    }
}

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

    /// One self-contained HTML file. All text is escaped.
    ///
    /// # Errors
    /// [`ReportError`] of a figure or the template.
    pub fn to_html(&self) -> Result<String, ReportError> {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        enum Item<'a> {
            Paragraph { text: &'a str },
            Table { table: &'a Table },
            Figure { id: &'a str, svg: String, caption: &'a str },
            Code { text: &'a str },
        }
        #[derive(Serialize)]
        struct Contents<'a> {
            title: &'a str,
            lead: &'a [String],
            parts: Vec<Part<'a>>,
            footer: &'a [String],
        }
        #[derive(Serialize)]
        struct Part<'a> {
            anchor: String,
            heading: &'a str,
            items: Vec<Item<'a>>,
        }
        let mut parts = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            let mut items = Vec::new();
            for block in &section.blocks {
                items.push(match block {
                    Block::Paragraph(text) => Item::Paragraph { text },
                    Block::Table(table) => Item::Table { table },
                    Block::Figure(figure) => {
                        Item::Figure { id: &figure.id, svg: figure.to_svg()?, caption: &figure.caption }
                    }
                    Block::Code(text) => Item::Code { text },
                });
            }
            parts.push(Part { anchor: format!("section-{}", index + 1), heading: &section.heading, items });
        }
        let contents = Contents { title: &self.title, lead: &self.lead, parts, footer: &self.footer };
        let mut environment = Environment::new();
        // The name decides that everything is escaped for HTML.
        environment.add_template("page.html", include_str!("page.html"))?;
        let page = environment.get_template("page.html")?;
        Ok(page.render(Value::from(Serde(&contents)))?)
    }
}
