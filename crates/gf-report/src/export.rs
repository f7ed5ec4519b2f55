//! Tables for papers and for text: LaTeX and Markdown.

use crate::{Align, Table};

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// `table` with `tabular` and the rules of the package booktabs; needs `\usepackage{booktabs}` and an engine that reads UTF-8.
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

fn latex(table: &Table) -> String {
    let line =
        |cells: &mut dyn Iterator<Item = String>| format!("    {} \\\\\n", cells.collect::<Vec<_>>().join(" & "));
    let columns: String = table.columns.iter().map(|c| if c.align == Align::Right { 'r' } else { 'l' }).collect();
    let mut text = String::from("\\begin{table}\n  \\centering\n");
    if !table.caption.is_empty() {
        text += &format!("  \\caption{{{}}}\n", latex_text(&table.caption));
    }
    text += &format!("  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n");
    text += &line(&mut table.columns.iter().map(|column| latex_text(&column.name)));
    text += "    \\midrule\n";
    table.rows.iter().for_each(|row| text += &line(&mut row.iter().map(|cell| latex_text(cell))));
    text + "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
}

/// Text with LaTeX's own signs escaped, and those signs of gf that the usual fonts of text lack as mathematics.
fn latex_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '\n' => escaped.push(' '),
            // After the end of a row a bracket would be its argument.
            '[' => escaped.push_str("{[}"),
            _ => match mathematics(letter) {
                Some(command) => escaped.push_str(&format!("${command}$")),
                None => escaped.push(letter),
            },
        }
    }
    escaped
}

/// The command of a sign.
fn mathematics(letter: char) -> Option<&'static str> {
    const SIGNS: [(char, &str); 35] = [
        ('θ', "\\theta"),
        ('λ', "\\lambda"),
        ('β', "\\beta"),
        ('κ', "\\kappa"),
        ('δ', "\\delta"),
        ('σ', "\\sigma"),
        ('Σ', "\\Sigma"),
        ('∇', "\\nabla"),
        ('∞', "\\infty"),
        ('−', "-"),
        ('·', "\\cdot"),
        ('×', "\\times"),
        ('±', "\\pm"),
        ('≤', "\\le"),
        ('≥', "\\ge"),
        ('≈', "\\approx"),
        ('∝', "\\propto"),
        ('→', "\\to"),
        ('′', "'"),
        ('ᵃ', "^a"),
        ('ᵀ', "^\\top"),
        ('⁻', "^{-}"),
        ('⁰', "^0"),
        ('¹', "^1"),
        ('²', "^2"),
        ('³', "^3"),
        ('⁴', "^4"),
        ('⁵', "^5"),
        ('⁶', "^6"),
        ('₀', "_0"),
        ('₁', "_1"),
        ('₂', "_2"),
        ('₃', "_3"),
        ('√', "\\surd"),
        ('‖', "\\|"),
    ];
    SIGNS.iter().find(|(sign, _)| *sign == letter).map(|(_, command)| *command)
}
