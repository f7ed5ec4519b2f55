//! Writes a page with every kind of mark, and its figures: `cargo run -p gf-report --example gallery -- FOLDER`.

use gf_report::{Axis, Block, Figure, Mark, Page, Panel, Section, Table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).ok_or("expected a folder to write to")?);
    std::fs::create_dir_all(&folder)?;
    let page = page();
    for figure in page.figures() {
        std::fs::write(folder.join(format!("{}.svg", figure.id)), figure.to_svg()?)?;
        std::fs::write(folder.join(format!("{}.png", figure.id)), figure.to_png(2.0)?)?;
    }
    std::fs::write(folder.join("page.html"), page.to_html()?)?;
    Ok(())
}

fn page() -> Page {
    let names = ["explicit h = 0.01", "implicit h = 0.05", "newton", "implicit, shrinking step"];
    let steps: Vec<f64> = (0..=500).map(f64::from).collect();
    let curve = |arm: usize, k: f64| (0.3 / (arm + 1) as f64) * (1.0 + k).powf(-0.4 * (arm + 1) as f64) + 1e-6 * k;
    let mut loss = Panel::new("short and long", Axis::linear("step"), Axis::log("validation loss"));
    let mut time = Panel::new("flow time", Axis::log("flow time t = Σh"), Axis::log("validation loss"));
    for (arm, name) in names.into_iter().enumerate() {
        let y: Vec<f64> = steps.iter().map(|k| curve(arm, *k)).collect();
        let (low, high) = (y.iter().map(|y| 0.7 * y).collect(), y.iter().map(|y| 1.5 * y).collect());
        loss =
            loss.with(Mark::band(arm, steps.clone(), low, high)).with(Mark::line(name, arm, steps.clone(), y.clone()));
        time = time.with(Mark::line(name, arm, steps.iter().map(|k| 0.01 * k).collect(), y));
    }
    let x: Vec<f64> = (0..200).map(|k| f64::from(k) / 100.0 - 1.0).collect();
    let wiggle = x.iter().map(|x| x.abs() + 0.05 * (97.0 * x).sin()).collect();
    let truth = Panel::new("predictions", Axis::linear("input x₀"), Axis::linear("output"))
        .with(Mark::points("truth", 6, x.clone(), wiggle))
        .with(Mark::line(names[1], 1, x.clone(), x.iter().map(|x| x.abs()).collect()));
    let rules = Panel::new("rules", Axis::linear("x"), Axis::linear("y").within(-1.5, 1.5))
        .with(Mark::line("", 0, x.clone(), x.iter().map(|x| (6.0 * x).sin()).collect()))
        .with(Mark::Horizontal { y: 1.0, label: "2/h".into() })
        .with(Mark::Vertical { x: 0.0, label: "pole −1/h".into() });
    let empty =
        Panel::new("nothing", Axis::log("x"), Axis::log("y")).with(Mark::line("", 0, vec![1.0], vec![f64::NAN]));
    let figure = Figure::new("gallery", "Every kind of mark.", vec![loss, time, truth, rules, empty]);
    let table = Table::new(
        "A table.",
        &["arm", ">loss", ">steps"],
        vec![
            vec!["explicit".into(), "0.0123".into(), "500".into()],
            vec!["implicit".into(), "0.00456".into(), "500".into()],
        ],
    );
    Page::new("Gallery").with(Section::new("Figures", vec![Block::Figure(figure)])).with(Section::new(
        "Text",
        vec![Block::Table(table), Block::Paragraph("A paragraph.".into()), Block::Code("gf run study.toml".into())],
    ))
}
