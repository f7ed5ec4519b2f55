//! Figures and pages: same bytes for the same description, escaping, gaps, pictures that are not blank, nothing fetched.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

use gf_report::{Axis, Block, Figure, Mark, Page, Panel, Section, Table, significant};
use resvg::tiny_skia::Pixmap;

fn decay(id: &str) -> Figure {
    let x: Vec<f64> = (0..100).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| (-0.1 * x).exp()).collect();
    let high = y.iter().map(|y| 2.0 * y).collect();
    let panel = Panel::new("decay", Axis::linear("step"), Axis::log("loss"))
        .with(Mark::band(0, x.clone(), y.clone(), high))
        .with(Mark::line("explicit", 0, x, y));
    Figure::new(id, "caption", vec![panel])
}

fn one(mark: Mark, log: bool) -> String {
    let y = if log { Axis::log("y") } else { Axis::linear("y") };
    Figure::new("f", "c", vec![Panel::new("t", Axis::linear("x"), y).with(mark)]).to_svg().unwrap()
}

#[test]
fn the_same_description_gives_the_same_bytes() {
    assert_eq!(decay("a").to_svg().unwrap(), decay("a").to_svg().unwrap());
    assert_eq!(decay("a").to_png(1.0).unwrap(), decay("a").to_png(1.0).unwrap());
}

#[test]
fn a_png_has_the_size_asked_for_and_shows_colors_and_text() {
    let figure = decay("a");
    let pixels = Pixmap::decode_png(&figure.to_png(2.0).unwrap()).unwrap();
    assert_eq!(pixels.width(), 1040);
    let count = |wanted: fn(u8, u8, u8) -> bool| {
        pixels.pixels().iter().filter(|p| wanted(p.red(), p.green(), p.blue())).count()
    };
    assert!(count(|r, g, b| r < 60 && g < 60 && b < 60) > 2000, "axes and letters are dark");
    assert!(count(|r, g, b| b > 120 && r < 60 && g > 80) > 1000, "the line is blue");
    assert!(count(|r, g, b| r > 250 && g > 250 && b > 250) > 300_000, "the ground is white");
}

#[test]
fn counts_stand_in_their_cells_and_zeros_are_blank() {
    let svg = one(Mark::Counts { counts: vec![vec![47, 0], vec![3, 61]] }, false);
    for count in ["47", "3", "61"] {
        assert!(svg.contains(&format!(">{count}<")), "{count} in {svg}");
    }
    // The zero is a tick on both axes and nothing else.
    assert_eq!(svg.matches(">0<").count(), 2);
    let many = one(Mark::Counts { counts: vec![vec![77; 30]; 30] }, false);
    assert!(!many.contains(">77<"), "thirty a side leave no room for text");
}

#[test]
fn the_legend_shows_the_mark_that_is_drawn() {
    let key = |mark: Mark| {
        let svg = one(mark, false);
        svg.split("<g class=\"key\">").nth(1).unwrap().split("</g>").next().unwrap().to_string()
    };
    let (x, y) = (vec![0.0, 1.0], vec![1.0, 2.0]);
    assert!(key(Mark::Cells { label: "l".into(), style: 0, x: x.clone(), y: y.clone() }).contains("<rect "));
    assert!(key(Mark::points("l", 0, x.clone(), y.clone())).contains("<circle "));
    assert!(key(Mark::line("l", 0, x, y)).contains("<line "));
}

#[test]
fn a_line_of_one_point_is_a_dot() {
    let svg = one(Mark::line("", 0, vec![4.0], vec![2.0]), false);
    assert_eq!(svg.matches("<circle").count(), 1);
    // In the middle of the panel's 520 pixels, less the axis on its left.
    let x: f64 = svg.split("<circle cx=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    assert!((260.0..320.0).contains(&x), "{x}");
}

#[test]
fn text_is_escaped_in_figures_and_pages() {
    let evil = "<script>alert(1)</script> & \"x\"";
    let mut figure = decay("a");
    figure.caption = evil.into();
    figure.panels[0].title = evil.into();
    figure.panels[0].x.label = evil.into();
    figure.panels[0] = figure.panels[0].clone().with(Mark::line(evil, 1, vec![0.0, 1.0], vec![1.0, 1.0]));
    figure.panels[0] = figure.panels[0].clone().with(Mark::Vertical { x: 3.0, label: evil.into() });
    figure.to_png(1.0).unwrap();
    let mut page = Page::new(evil).with(Section::new(
        evil,
        vec![
            Block::Figure(figure),
            Block::Paragraph(evil.into()),
            Block::Code(evil.into()),
            Block::Table(Table::new(evil, &[evil], vec![vec![evil.into()]])),
        ],
    ));
    page.lead.push(evil.into());
    page.footer.push(evil.into());
    let html = page.to_html().unwrap();
    assert!(!html.contains("alert(1)</script"));
    assert_eq!(html.matches("<script").count(), 2, "the page's own: its numbers and what draws them");
}

#[test]
fn a_page_fetches_nothing_and_its_identifiers_are_unique() {
    let page = Page::new("t").with(Section::new("s", vec![Block::Figure(decay("a")), Block::Figure(decay("b"))]));
    let html = page.to_html().unwrap();
    let without_names = html.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "");
    for fetch in ["http://", "https://", "src=", "@import", "<link"] {
        assert!(!without_names.contains(fetch), "{fetch}");
    }
    let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert!(count >= 3 && ids.len() == count, "{count} identifiers, {} different", ids.len());
}

#[test]
fn what_cannot_be_drawn_leaves_gaps_and_never_panics() {
    let line = |x: Vec<f64>, y: Vec<f64>| Mark::line("l", 0, x, y);
    assert!(one(line(vec![], vec![]), false).contains("no data"));
    assert!(one(line(vec![1.0, 2.0], vec![f64::NAN, f64::INFINITY]), false).contains("no data"));
    assert!(one(line(vec![1.0, 2.0], vec![0.0, 0.0]), true).contains("no data"));
    for svg in [
        one(line(vec![1.0], vec![2.0]), true),
        one(line(vec![1.0, 2.0], vec![0.0, -1.0]), true),
        one(line(vec![1.0, 2.0], vec![5.0, 5.0]), false),
        one(line(vec![1.0, 2.0], vec![0.0, 0.0]), false),
        one(line(vec![1.0, 2.0, 3.0, 4.0], vec![1.0, 0.0, 1e-300, 1e300]), true),
        one(Mark::band(0, vec![1.0, 2.0], vec![1.0, 1.0], vec![2.0, f64::INFINITY]), false),
    ] {
        assert!(!svg.contains("NaN") && !svg.contains("inf\"") && !svg.contains("no data"));
    }
    // What lies beyond a given range does not hide the rest.
    let panel = Panel::new("t", Axis::linear("x"), Axis::linear("y").within(0.0, 1.0))
        .with(Mark::points("inside", 0, vec![0.0, 1.0], vec![0.2, 0.8]))
        .with(Mark::points("outside", 1, vec![0.0, 1.0], vec![1e118, -1e118]))
        .with(line(vec![0.0, 1.0], vec![0.5, 1e300]));
    let svg = Figure::new("f", "c", vec![panel]).to_svg().unwrap();
    assert_eq!(svg.matches("<circle").count(), 2 + 2, "two dots in the panel, two in the legend");
    assert!(Figure::new("f", "c", vec![]).to_svg().unwrap().ends_with("</svg>\n"));
}

#[test]
fn a_decay_to_rounding_falls_to_the_end_on_a_log_axis() {
    let x: Vec<f64> = (0..=300).map(f64::from).collect();
    let y = x.iter().map(|x| 10f64.powf(-16.0 * x / 300.0)).collect();
    let svg = one(Mark::line("l", 0, x, y), true);
    let path = svg.split("<path d=\"M ").nth(1).unwrap().split('"').next().unwrap();
    let numbers: Vec<f64> = path.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let heights: Vec<f64> = numbers.chunks(2).map(|point| point[1]).collect();
    assert_eq!(heights.len(), 301);
    assert!(heights.windows(2).all(|pair| pair[1] > pair[0]), "the line stays level somewhere");
    assert!(svg.contains(">10⁻¹⁴<") || svg.contains(">10⁻¹⁵<") || svg.contains(">10⁻¹⁶<"), "the axis ends too early");
}

#[test]
fn a_long_line_stays_small() {
    let x: Vec<f64> = (0..100_000).map(f64::from).collect();
    let svg = one(Mark::line("l", 0, x.clone(), x), false);
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
}

/// Loss curves like those of a study: twenty arms of ten thousand steps, with bands, against four abscissas.
fn large_page() -> Page {
    let steps: Vec<f64> = (0..=10_000).map(f64::from).collect();
    let mut panel = Panel::new("loss", Axis::linear("step k"), Axis::log("validation loss"));
    let mut others = vec![vec![]; 3];
    for arm in 0..20 {
        let noise = |k: f64| (k * 12.9898 + f64::from(arm)).sin() * 0.1;
        let y: Vec<f64> = steps.iter().map(|k| (1.0 + k).powf(-0.1 * f64::from(arm)) * (1.0 + noise(*k))).collect();
        let band = |x: &[f64]| {
            Mark::band(
                arm as usize,
                x.to_vec(),
                y.iter().map(|y| 0.9 * y).collect(),
                y.iter().map(|y| 1.1 * y).collect(),
            )
        };
        let line = |x: &[f64]| Mark::line(format!("arm {arm}"), arm as usize, x.to_vec(), y.clone());
        panel = panel.with(band(&steps)).with(line(&steps));
        for (factor, marks) in [0.01, 3.7, 0.000_41].into_iter().zip(&mut others) {
            let x: Vec<f64> = steps.iter().map(|k| k * factor).collect();
            marks.extend([band(&x), line(&x)]);
        }
    }
    for (label, marks) in ["flow time", "work", "seconds"].into_iter().zip(others) {
        panel = panel.with_view(Axis::log(label), marks);
    }
    let figures = ["a", "b", "c"].map(|id| Block::Figure(Figure::new(id, "c", vec![panel.clone(), panel.clone()])));
    Page::new("t").with(Section::new("s", figures.to_vec()))
}

#[test]
fn twenty_arms_of_ten_thousand_steps_make_a_small_page() {
    let html = large_page().to_html().unwrap();
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    // What the script draws first, and what the drawings hold: every point is a pair in a path.
    let data = html.split("id=\"figures-data\">").nth(1).unwrap().split("</script>").next().unwrap();
    let figures: serde_json::Value = serde_json::from_str(data).unwrap();
    let most = |view: &serde_json::Value| -> usize {
        let marks = view["marks"].as_array().unwrap().iter();
        marks.map(|mark| mark["x"].as_array().unwrap().len() * if mark["kind"] == "band" { 2 } else { 1 }).sum()
    };
    let panels = figures.as_array().unwrap().iter().flat_map(|figure| figure["panels"].as_array().unwrap());
    let drawn: usize = panels.map(|panel| panel["views"].as_array().unwrap().iter().map(most).max().unwrap()).sum();
    assert!(drawn <= Page::MOST_POINTS && drawn > Page::MOST_POINTS / 2, "{drawn} points");
}

#[test]
fn numbers_are_written_for_people() {
    for (x, digits, text) in [
        (0.0, 3, "0"),
        (1.0, 3, "1.00"),
        (-0.5, 2, "-0.50"),
        (9.999, 3, "10.0"),
        (999_999.0, 3, "1e6"),
        (123_456.0, 6, "123,456"),
        (0.000_123_4, 3, "0.000123"),
        (0.000_012_3, 3, "1.23e-5"),
        (f64::INFINITY, 3, "∞"),
        (f64::NEG_INFINITY, 3, "−∞"),
    ] {
        assert_eq!(significant(x, digits), text, "{x}");
    }
}

#[test]
fn a_png_says_how_large_it_is_in_print() {
    let png = decay("a").to_png(2.0).unwrap();
    let at = png.windows(4).position(|name| name == b"pHYs").unwrap();
    // 300 dots an inch are 11811 a meter.
    assert_eq!(png[at + 4..at + 13], [0, 0, 0x2e, 0x23, 0, 0, 0x2e, 0x23, 1]);
}

#[test]
fn tables_can_be_taken_along() {
    use gf_report::TableFormat::{Latex, Markdown};
    let rows = vec![vec!["[a|b]_c".into(), "−1.5 %".into()], vec![String::new(), "∞".into()]];
    let table = Table::new("100 % & more", &["arm", ">‖θ‖², \\x"], rows);
    let text = Markdown.write(&table);
    assert!(
        text.starts_with("100 % &amp; more\n\n| arm | ‖θ‖², \\\\x |\n|---|---:|\n| \\[a\\|b\\]\\_c | −1.5 % |"),
        "{text}"
    );
    let text = Latex.write(&table);
    assert!(text.contains("\\caption{100 \\% \\& more}") && text.contains("\\begin{tabular}{lr}"), "{text}");
    assert!(
        text.contains("{[}a\\textbar{}b]\\_c & $-$1.5 \\% \\\\\n") && text.contains(" & $\\infty$ \\\\\n"),
        "{text}"
    );
    assert!(text.contains("$\\theta$") && text.contains("$^{2}$, \\textbackslash{}x"), "{text}");
}

/// All of these were compiled by pdflatex (TeX Live 2022) after the preamble that docs/reports.md names, and looked at.
#[test]
fn signs_that_mean_something_to_latex_are_escaped() {
    for (text, latex) in [
        ("a_b & 5 % #1 $x {y}", "a\\_b \\& 5 \\% \\#1 \\$x \\{y\\}"),
        (
            "~ ^ \\ < > |",
            "\\textasciitilde{} \\textasciicircum{} \\textbackslash{} \\textless{} \\textgreater{} \\textbar{}",
        ),
        ("[0, 1] *", "{[}0, 1] {*}"),
        ("gf run --quiet ---", "gf run -{}-quiet -{}-{}-"),
        (
            "\"x\", f'(z), `y`",
            "\\textquotedbl{}x\\textquotedbl{}, f\\textquotesingle{}(z), \\textasciigrave{}y\\textasciigrave{}",
        ),
        ("λ₁₂ ≤ −3 × 10⁻¹⁴", "$\\lambda$$_{12}$ $\\le$ $-$3 $\\times$ 10$^{-14}$"),
        ("‖∇L‖² ∝ 1/stepᵃ", "$\\|$$\\nabla$L$\\|$$^{2}$ $\\propto$ 1/step$^{a}$"),
        ("½ … – é", "½ … – é"),
    ] {
        let table = Table::new("", &["c"], vec![vec![text.into()]]);
        let written = gf_report::TableFormat::Latex.write(&table);
        assert!(written.contains(&format!("    {latex} \\\\\n")), "{text}: {written}");
    }
}

#[test]
fn moving_dots_are_in_the_animated_drawing_only() {
    let figure = decay("a").animated();
    assert!(!figure.to_svg().unwrap().contains("<animate"));
    assert_eq!(figure.to_animated_svg().unwrap().matches("<animate ").count(), 2, "one dot, two coordinates");
}
