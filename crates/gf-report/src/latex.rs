//! Tables in LaTeX.

use crate::{Align, Table};

/// `table` with `tabular`, caption above.
pub(crate) fn latex(table: &Table) -> String {
    let line =
        |cells: &mut dyn Iterator<Item = String>| format!("    {} \\\\\n", cells.collect::<Vec<_>>().join(" & "));
    let columns: String = table.columns.iter().map(|c| if c.align == Align::Right { 'r' } else { 'l' }).collect();
    let mut text = String::from("\\begin{table}\n  \\centering\n");
    if !table.caption.is_empty() {
        text += &format!("  \\caption{{{}}}\n", escaped(&table.caption));
    }
    text += &format!("  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n");
    text += &line(&mut table.columns.iter().map(|column| escaped(&column.name)));
    text += "    \\midrule\n";
    table.rows.iter().for_each(|row| text += &line(&mut row.iter().map(|cell| escaped(cell))));
    text + "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
}

/// Text with LaTeX's own signs escaped, and as mathematics those that pdflatex's fonts of text lack. It shows as it stands: no ligatures of hyphens,
/// commas or quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut last = None;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '\'' => escaped.push_str("\\textquotesingle{}"),
            '`' => escaped.push_str("\\textasciigrave{}"),
            '"' => escaped.push_str("\\textquotedbl{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '\n' => escaped.push(' '),
            // After the end of a row a bracket would be its argument, and a star its variant.
            '[' | '*' => escaped.push_str(&format!("{{{letter}}}")),
            '-' | ',' if last == Some(letter) => escaped.push_str(&format!("{{}}{letter}")),
            _ => match script(letter) {
                // Scripts in a row are one: TeX refuses a second superscript.
                Some((place, first)) => {
                    let mut content = first.to_string();
                    while let Some((_, next)) =
                        letters.peek().and_then(|next| script(*next)).filter(|(p, _)| *p == place)
                    {
                        content += next;
                        letters.next();
                    }
                    escaped.push_str(&format!("${place}{{{content}}}$"));
                }
                None => match sign(letter) {
                    Some(command) => escaped.push_str(&format!("${command}$")),
                    None => escaped.push(letter),
                },
            },
        }
        last = Some(letter);
    }
    escaped
}

/// What a letter that stands high or low is in its place.
fn script(letter: char) -> Option<(char, &'static str)> {
    const HIGH: [(char, &str); 15] = [
        ('⁰', "0"),
        ('¹', "1"),
        ('²', "2"),
        ('³', "3"),
        ('⁴', "4"),
        ('⁵', "5"),
        ('⁶', "6"),
        ('⁷', "7"),
        ('⁸', "8"),
        ('⁹', "9"),
        ('⁻', "-"),
        ('⁺', "+"),
        ('ᵃ', "a"),
        ('ᵀ', "\\top "),
        ('′', "\\prime "),
    ];
    const LOW: [(char, &str); 10] = [
        ('₀', "0"),
        ('₁', "1"),
        ('₂', "2"),
        ('₃', "3"),
        ('₄', "4"),
        ('₅', "5"),
        ('₆', "6"),
        ('₇', "7"),
        ('₈', "8"),
        ('₉', "9"),
    ];
    let of = |place: char, letters: &[(char, &'static str)]| {
        letters.iter().find(|(known, _)| *known == letter).map(|(_, content)| (place, *content))
    };
    of('^', &HIGH).or_else(|| of('_', &LOW))
}

/// The command of a sign.
fn sign(letter: char) -> Option<&'static str> {
    const SIGNS: [(char, &str); 61] = [
        ('α', "\\alpha"),
        ('β', "\\beta"),
        ('γ', "\\gamma"),
        ('δ', "\\delta"),
        ('ε', "\\varepsilon"),
        ('ζ', "\\zeta"),
        ('η', "\\eta"),
        ('θ', "\\theta"),
        ('ι', "\\iota"),
        ('κ', "\\kappa"),
        ('λ', "\\lambda"),
        ('μ', "\\mu"),
        ('ν', "\\nu"),
        ('ξ', "\\xi"),
        ('π', "\\pi"),
        ('ρ', "\\rho"),
        ('σ', "\\sigma"),
        ('τ', "\\tau"),
        ('υ', "\\upsilon"),
        ('φ', "\\varphi"),
        ('χ', "\\chi"),
        ('ψ', "\\psi"),
        ('ω', "\\omega"),
        ('Γ', "\\Gamma"),
        ('Δ', "\\Delta"),
        ('Θ', "\\Theta"),
        ('Λ', "\\Lambda"),
        ('Ξ', "\\Xi"),
        ('Π', "\\Pi"),
        ('Σ', "\\Sigma"),
        ('Φ', "\\Phi"),
        ('Ψ', "\\Psi"),
        ('Ω', "\\Omega"),
        ('ℓ', "\\ell"),
        ('∂', "\\partial"),
        ('∇', "\\nabla"),
        ('∞', "\\infty"),
        ('∫', "\\int"),
        ('∑', "\\sum"),
        ('√', "\\surd"),
        ('‖', "\\|"),
        ('⟨', "\\langle"),
        ('⟩', "\\rangle"),
        ('−', "-"),
        ('·', "\\cdot"),
        ('×', "\\times"),
        ('±', "\\pm"),
        ('∘', "\\circ"),
        ('⊗', "\\otimes"),
        ('≤', "\\le"),
        ('≥', "\\ge"),
        ('≪', "\\ll"),
        ('≫', "\\gg"),
        ('≈', "\\approx"),
        ('≠', "\\ne"),
        ('∝', "\\propto"),
        ('∈', "\\in"),
        ('→', "\\to"),
        ('←', "\\leftarrow"),
        ('↦', "\\mapsto"),
        ('⇒', "\\Rightarrow"),
    ];
    SIGNS.iter().find(|(known, _)| *known == letter).map(|(_, command)| *command)
}
