//! A report in a real browser, from `file://`. Where there is none, the tests say so and pass.

#![allow(clippy::unwrap_used, reason = "tests")]

mod chromium;

use std::path::Path;

use chromium::Chromium;
use gf_report::{Axis, Block, Figure, Mark, Page, Panel, Section, Table, style};

const NO_BROWSER: &str = "skipped: no chromium or chrome in PATH";

/// A page with a figure that can be drawn anew, one that cannot, a wide table and long code.
fn page() -> Page {
    let steps: Vec<f64> = (0..=300).map(f64::from).collect();
    let times: Vec<f64> = steps.iter().map(|k| 0.05 * (k + 1.0)).collect();
    let mut loss = Panel::new("loss", Axis::linear("step k"), Axis::log("validation loss"));
    let mut over_time = vec![];
    for (arm, name) in ["explicit", "implicit", "newton"].into_iter().enumerate() {
        let y: Vec<f64> = steps.iter().map(|k| (-0.01 * (arm + 1) as f64 * k).exp()).collect();
        let (low, high) = (y.iter().map(|y| 0.8 * y).collect(), y.iter().map(|y| 1.2 * y).collect());
        loss = loss.with(Mark::band(style(arm, 0), steps.clone(), low, high));
        loss = loss.with(Mark::line(name, style(arm, 0), steps.clone(), y.clone()));
        over_time.push(Mark::line(name, style(arm, 0), times.clone(), y));
    }
    let dots = Panel::new("predictions", Axis::linear("x"), Axis::linear("y"))
        .with(Mark::points("truth", style(6, 0), steps.clone(), steps.iter().map(|x| (0.05 * x).sin()).collect()))
        .with(Mark::Horizontal { y: 0.0, label: "zero".into() });
    let curves =
        Figure::new("curves", "The losses fall.", vec![loss.with_view(Axis::log("flow time t = Σh"), over_time), dots]);
    let grid: Vec<f64> = (0..40).map(|k| f64::from(k) / 20.0 - 1.0).collect();
    let values = grid.iter().map(|y| grid.iter().map(|x| x * x + 4.0 * y * y).collect()).collect();
    let contours = Mark::Contours { x: grid.clone(), y: grid, values, levels: vec![0.2, 0.5, 1.0, 2.0] };
    let plane = Panel::new("plane", Axis::linear("θ₁").within(-1.0, 0.9), Axis::linear("θ₂").within(-1.0, 0.9))
        .with(contours)
        .with(Mark::line("explicit", 0, vec![-0.8, -0.5, 0.0], vec![0.7, -0.2, 0.0]))
        .with(Mark::points("", 0, vec![-0.8, -0.5, 0.0], vec![0.7, -0.2, 0.0]))
        .with(Mark::line("implicit", 1, vec![-0.8, 0.1], vec![0.7, 0.1]));
    let (across, up) =
        (Axis::linear("predicted class").within(-0.5, 2.5), Axis::linear("true class").within(-0.5, 2.5));
    let counts = Mark::Counts { counts: vec![vec![47, 0, 2], vec![3, 61, 0], vec![0, 0, 9]] };
    let confusion = Figure::new("confusion", "Counts.", vec![Panel::new("arm", across, up).with(counts)]);
    let starts = |label: &str, style: usize, from: f64| {
        let x: Vec<f64> = (0..100).map(|k| from + f64::from(k % 10)).collect();
        Mark::Cells { label: label.into(), style, x, y: (0..100).map(|k| f64::from(k / 10)).collect() }
    };
    let basins = Panel::new("", Axis::linear("θ₁"), Axis::linear("θ₂"))
        .with(starts("left", 0, 0.0))
        .with(starts("right", 1, 10.0));
    let columns: Vec<String> = (0..14).map(|k| format!(">a rather wide column {k}")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let note = "A wide table, with a note of more words than a narrow screen holds on one line.";
    let table = Table::new(note, &columns, vec![(0..14).map(|k| k.to_string()).collect()]);
    Page::new("A report")
        .with(Section::new("Result", vec![Block::Table(table)]))
        .with(Section::new("Curves", vec![Block::Figure(curves)]))
        .with(Section::new("Path", vec![Block::Figure(Figure::new("plane", "A path.", vec![plane]).animated())]))
        .with(Section::new(
            "Maps",
            vec![Block::Figure(confusion), Block::Figure(Figure::new("basins", "Starts.", vec![basins]))],
        ))
        .with(Section::new("Study", vec![Block::Code("name = \"a\"".repeat(40))]))
}

fn write(folder: &Path) -> std::path::PathBuf {
    let file = folder.join("report.html");
    std::fs::write(&file, page().to_html().unwrap()).unwrap();
    file
}

/// The paths of all curves, which tell whether a chart was drawn anew.
const PATHS: &str = "[...document.querySelectorAll('#curves .curve')].map((p) => p.getAttribute('d')).join('|')";
const PRESSED: &str = "document.activeElement.getAttribute('aria-pressed')";

#[test]
fn buttons_keys_and_the_mouse_change_what_is_drawn_and_nothing_is_fetched() {
    let Some(mut browser) = Chromium::start() else { return eprintln!("{NO_BROWSER}") };
    let folder = tempfile::tempdir().unwrap();
    browser.window(1400, false);
    browser.open(&write(folder.path()));
    assert_eq!(browser.value("document.querySelectorAll('#curves .chart').length"), 2);
    assert_eq!(browser.value("document.querySelectorAll('#curves .curve').length"), 4);
    let mut seen = vec![browser.value(PATHS)];
    let mut is_new = |browser: &mut Chromium, what: &str| {
        let found = browser.value(PATHS);
        assert!(!seen.contains(&found), "{what}: the same curves as before");
        seen.push(found);
    };

    browser.click("#curves [data-view^='flow time']");
    is_new(&mut browser, "flow time");
    assert_eq!(
        browser.value("document.querySelector(\"[data-view^='flow time']\").getAttribute('aria-pressed')"),
        "true"
    );
    assert!(
        browser.value("document.querySelector('#curves .chart').textContent").as_str().unwrap().contains("flow time t")
    );
    browser.click("#curves [data-axis='x']");
    is_new(&mut browser, "linear x");
    browser.click("#curves [data-axis='y']");
    is_new(&mut browser, "linear y");
    browser.click("#curves .legend button:nth-child(2)");
    is_new(&mut browser, "without implicit");
    assert_eq!(browser.value("document.querySelectorAll('#curves .curve').length"), 3);

    // By keys: the focused button again, then the next one.
    browser.value("document.querySelector('#curves .legend button:nth-child(2)').focus()");
    assert_eq!(browser.value(PRESSED), "false");
    browser.key("Enter");
    assert_eq!(browser.value(PRESSED), "true");
    assert_eq!(browser.value("document.querySelectorAll('#curves .curve').length"), 4);
    browser.key("Tab");
    browser.key("Enter");
    is_new(&mut browser, "without newton");

    // Values at the pointer, and at the arrow keys.
    browser.hover("#curves .chart");
    let text = browser.value("document.querySelector('#curves .tip').innerText");
    let text = text.as_str().unwrap();
    assert!(text.contains("explicit: 0.") && text.contains("implicit: 0.") && !text.contains("newton"), "{text}");
    browser.value("document.querySelector('#curves .chart').focus()");
    browser.key("ArrowRight");
    let first = browser.value("document.querySelector('#curves .tip').innerText");
    browser.key("ArrowRight");
    let second = browser.value("document.querySelector('#curves .tip').innerText");
    assert!(first != second && second.as_str().unwrap().contains("explicit: "), "{first} {second}");

    // A map: at the pointer, which hover() puts in the middle, and by keys from that cell on.
    let tip = "document.querySelector('#confusion > .tip').innerText";
    browser.hover("#confusion .map");
    assert_eq!(browser.value(tip), "arm\npredicted class: 1\ntrue class: 1\ncount: 61");
    browser.key("Escape");
    browser.value("document.querySelector('#confusion .map').focus()");
    browser.key("Escape");
    assert_eq!(browser.value("document.querySelector('#confusion > .tip').hidden"), true);
    browser.key("ArrowLeft");
    browser.key("ArrowRight");
    browser.key("ArrowRight");
    browser.key("ArrowRight");
    browser.key("ArrowUp");
    browser.key("ArrowDown");
    assert_eq!(browser.value(tip), "arm\npredicted class: 2\ntrue class: 1\ncount: 0");
    // Squares are drawn anew, and their names are read off.
    assert_eq!(browser.value("document.querySelectorAll('#basins .curve').length"), 2);
    assert_eq!(
        browser.value("document.querySelectorAll('#basins .legend rect').length"),
        2,
        "squares in the legend too"
    );

    // The animation.
    let display = "getComputedStyle(document.querySelector('#plane .moving')).display";
    assert_eq!(browser.value(display), "none");
    browser.click("#plane-animate");
    assert_eq!(browser.value(display), "inline");
    assert_eq!(browser.value("document.querySelectorAll('#plane .key').length"), 0, "one legend, not two");
    browser.click("#plane .legend button:nth-child(1)");
    let shown = "[...document.querySelectorAll('#plane .mark')].filter((m) => m.style.display !== 'none').map((m) => m.dataset.label)";
    assert_eq!(browser.value(shown), serde_json::json!(["implicit", "implicit"]), "its line and its moving dot");

    let outside: Vec<_> =
        browser.addresses().into_iter().filter(|url| !url.starts_with("file:") && !url.starts_with("data:")).collect();
    assert!(outside.is_empty(), "{outside:?}");
    assert!(!browser.addresses().is_empty(), "the browser reports its requests");
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());

    // The page forbids itself to fetch, and this test would see it.
    browser.value("fetch('https://example.invalid/').catch(() => 0); 0");
    browser.settle();
    assert!(!browser.complaints().is_empty(), "a refused request is reported");
}

#[test]
fn a_phone_and_a_desk_see_it_light_and_dark_without_scrolling_sideways() {
    let Some(mut browser) = Chromium::start() else { return eprintln!("{NO_BROWSER}") };
    let folder = tempfile::tempdir().unwrap();
    browser.open(&write(folder.path()));
    for (width, is_dark) in [(400, false), (400, true), (1400, false), (1400, true)] {
        browser.window(width, is_dark);
        let widths = browser.value("[document.documentElement.scrollWidth, innerWidth]");
        assert!(widths[0].as_f64() <= widths[1].as_f64(), "{width}: {widths}");
        // The note above a wide table stays where it is, and fits, while the table scrolls.
        let note = "(() => { const table = document.querySelector('.wide'); table.scrollLeft = 300; \
                    const { left, right } = document.querySelector('.note').getBoundingClientRect(); return [left, right, table.scrollLeft]; })()";
        let note = browser.value(note);
        let [left, right, scrolled] = [0, 1, 2].map(|k| note[k].as_f64().unwrap());
        assert!(left >= 0.0 && right <= f64::from(width) && (width > 1000 || scrolled == 300.0), "{width}: {note}");
        browser.value("document.querySelector('#curves').scrollIntoView({ behavior: 'instant' })");
        browser.settle();
        let picture = browser.screenshot();
        assert_eq!(picture.width(), width);
        let mean = |pixel: &resvg::tiny_skia::PremultipliedColorU8| {
            (u32::from(pixel.red()) + u32::from(pixel.green()) + u32::from(pixel.blue())) / 3
        };
        let share = |wanted: &dyn Fn(u32) -> bool| {
            picture.pixels().iter().filter(|pixel| wanted(mean(pixel))).count() as f64 / picture.pixels().len() as f64
        };
        let (dark, light) = (share(&|mean| mean < 60), share(&|mean| mean > 200));
        let (paper, ink) = if is_dark { (dark, light) } else { (light, dark) };
        assert!(paper > 0.7 && ink > 0.002, "{width}, dark: {is_dark}: paper {paper}, ink {ink}");
    }
    let theme = "getComputedStyle(document.body).backgroundColor";
    let before = browser.value(theme);
    browser.click("#theme");
    assert_ne!(browser.value(theme), before, "the button changes the colors");
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
}

#[test]
fn without_scripts_the_drawings_are_there() {
    let Some(mut browser) = Chromium::start() else { return eprintln!("{NO_BROWSER}") };
    let folder = tempfile::tempdir().unwrap();
    browser.call("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": true }));
    browser.load(&write(folder.path()));
    let root = browser.call("DOM.getDocument", serde_json::json!({}))["root"]["nodeId"].clone();
    let mut count = |selector: &str| {
        let query = serde_json::json!({ "nodeId": root, "selector": selector });
        browser.call("DOM.querySelectorAll", query)["nodeIds"].as_array().unwrap().len()
    };
    assert_eq!(count("figure .drawing > svg[role=img] > title"), 4);
    assert_eq!(count(".chart"), 0);
}
