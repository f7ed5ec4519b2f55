//! Tables.

use serde::Serialize;

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
