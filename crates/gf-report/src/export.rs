//! Tables for papers and for text: LaTeX and Markdown.

use crate::latex::latex;
use crate::{Align, Table};

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// `table` with `tabular` and the rules of the package booktabs. pdflatex compiles it after `\usepackage[T1]{fontenc}` and
    /// `\usepackage{booktabs}`; letters beyond Latin and Greek need an engine and a font that have them.
    Latex,
    /// A table of GitHub's Markdown, its caption in front.
    Markdown,
}

impl TableFormat {
    /// Ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Latex => "tex",
            Self::Markdown => "md",
        }
    }

    /// The table. All text is escaped: it shows as it stands.
    ///
    /// ```
    /// use gf_report::{Table, TableFormat};
    /// let table = Table::new("Losses.", &["arm", ">loss"], vec![vec!["a_b".into(), "0.5".into()]]);
    /// assert_eq!(TableFormat::Markdown.write(&table), "Losses.\n\n| arm | loss |\n|---|---:|\n| a\\_b | 0.5 |\n");
    /// ```
    pub fn write(self, table: &Table) -> String {
        match self {
            Self::Latex => latex(table),
            Self::Markdown => markdown(table),
        }
    }
}

fn markdown(table: &Table) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let mut text = String::new();
    if !table.caption.is_empty() {
        text += &format!("{}\n\n", markdown_text(&table.caption));
    }
    text += &line(&mut table.columns.iter().map(|column| markdown_text(&column.name)));
    let rule = table.columns.iter().map(|column| if column.align == Align::Right { "---:" } else { "---" });
    text += &format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    table.rows.iter().for_each(|row| text += &line(&mut row.iter().map(|cell| markdown_text(cell))));
    text
}

fn markdown_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            _ => {
                if matches!(letter, '\\' | '|' | '*' | '_' | '`' | '[' | ']') {
                    escaped.push('\\');
                }
                escaped.push(letter);
            }
        }
    }
    escaped
}
