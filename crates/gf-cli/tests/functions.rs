//! Functions in place of networks, lists in arms, the distance to the flow, `gf stability`.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use serde_json::Value;
use support::Bench;

const PARABOLA: &str = r#"
name = "parabola"
[problem.parabola]
curvature = 2.0
start = [-6.0]
[run]
steps = 3
flow_tolerance = 1e-10
[[arm]]
name = "gd"
method.explicit = { h = [0.05, 0.25] }
"#;

/// The cells of a column of the history, for one arm.
fn column(history: &str, arm: &str, name: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_reader(history.as_bytes());
    let header = reader.headers().unwrap().clone();
    let index = header.iter().position(|column| column == name).unwrap();
    let rows = reader.records().map(Result::unwrap).filter(|row| &row[0] == arm);
    rows.map(|row| row[index].parse().unwrap()).collect()
}

#[test]
fn lists_expand_and_the_path_and_its_distance_to_the_flow_are_recorded() {
    let bench = Bench::new();
    bench.write("study.toml", PARABOLA);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let history = bench.read("out/history.csv");
    // x ← x(1 − 2h): by hand.
    assert_eq!(column(&history, "gd-h0.25", "theta_0"), [-6.0, -3.0, -1.5, -0.75]);
    assert_eq!(column(&history, "gd-h0.25", "val_loss"), [36.0, 9.0, 2.25, 0.5625]);
    let distance = column(&history, "gd-h0.05", "distance_to_flow");
    for (k, found) in distance.iter().enumerate() {
        let t = 0.05 * k as f64;
        let exact = 6.0 * ((-2.0 * t).exp() - 0.9f64.powi(k as i32)).abs();
        assert!((found - exact).abs() < 1e-8, "{found} against {exact} at t = {t}");
    }
    let resolved = bench.read("out/study.toml");
    assert!(resolved.contains("gd-h0.05") && !resolved.contains("[0.05"), "{resolved}");
    let report = bench.read("out/report.html");
    for text in ["iterates-on-the-graph", "stability-map", "3 of 3 steps decrease L"] {
        assert!(report.contains(text), "{text}");
    }
    // What a run leaves repeats it.
    bench.expect(0, &["run", "out/study.toml", "--quiet", "--out", "again"]);
    let again = bench.read("again/history.csv");
    assert_eq!(column(&again, "gd-h0.25", "theta_0"), column(&history, "gd-h0.25", "theta_0"));
}

/// By hand: L(x) = ¼(x² − 1)² + 0.15x is −0.15 at x = −1, so that no logarithmic axis holds the run.
#[test]
fn losses_below_zero_are_drawn_on_a_linear_axis_and_the_caption_says_so() {
    let bench = Bench::new();
    let study =
        PARABOLA.replace("parabola]\ncurvature = 2.0\nstart = [-6.0]", "double_well]\ntilt = 0.15\nstart = [-1.0]");
    bench.write("study.toml", &study);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let report = bench.read("out/report.html");
    assert!(report.contains("Axes are linear where numbers become negative (lowest: -0.15"), "{report}");
    bench.write("study.toml", PARABOLA);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "positive"]);
    assert!(!bench.read("positive/report.html").contains("become negative"));
}

#[test]
fn misfits_name_key_expected_and_found() {
    let bench = Bench::new();
    let refuse = |text: &str, words: &[&str]| {
        bench.write("study.toml", text);
        let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "never"]);
        for word in words {
            assert!(err.contains(word), "{word:?} in {err}");
        }
        assert!(!bench.path("never").exists());
    };
    refuse(&PARABOLA.replace("[-6.0]", "[1.0, 2.0]"), &["problem.parabola.start", "expected 1 numbers, found 2"]);
    refuse(&PARABOLA.replace("steps = 3", "steps = 3\nbatch = 4"), &["run.batch", "no samples"]);
    refuse(&PARABOLA.replace("[0.05, 0.25]", "[]"), &["arm.0.method.explicit.h", "at least one value"]);
    refuse(&PARABOLA.replace("[0.05, 0.25]", "[0.1, -1.0]"), &["explicit.h", "a positive number", "-1"]);
    refuse(&PARABOLA.replace("[problem.parabola]", "[problem.parabel]"), &["parabel", "parabola"]);
    refuse("[run]\nsteps = 1\n", &["[network]", "[problem.NAME]", "missing: [network], [loss], [data]"]);
    refuse(
        &format!("{PARABOLA}\nstart = [[1.0], [2.0, 3.0]]\n").replace("flow_tolerance = 1e-10", ""),
        &["start", "expected 1 numbers, found 2"],
    );
    refuse(
        &PARABOLA.replace(
            "method.explicit = { h = [0.05, 0.25] }",
            "method.explicit = { h = 0.1 }\ncontrol.embedded-error = {}",
        ),
        &["method", "embedded error estimate", "explicit"],
    );
}

#[test]
fn stability_labels_directions_and_gives_limits_and_best_steps() {
    let bench = Bench::new();
    let arguments = ["stability", "--eigenvalues", "-2,1,9", "--h", "0.15", "--method", "explicit,implicit", "--json"];
    let (out, _) = bench.expect(0, &arguments);
    let json: Value = serde_json::from_str(&out).unwrap();
    let behaviors = |method: usize| -> Vec<&str> {
        let directions = json[method]["directions"].as_array().unwrap().iter();
        directions.map(|direction| direction["behavior"].as_str().unwrap()).collect()
    };
    assert_eq!(behaviors(0), ["divergent", "monotone", "oscillating"]);
    assert_eq!(behaviors(1), ["divergent", "monotone", "monotone"]);
    assert!((json[0]["limit"].as_f64().unwrap() - 2.0).abs() < 1e-9);
    assert_eq!((&json[1]["limit"], &json[1]["unconditional"]), (&Value::Null, &Value::Bool(true)));
    let (out, _) = bench.expect(0, &["stability", "--eigenvalues", "1,9", "--method", "explicit", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    // 2/(λmin + λmax) and (κ − 1)/(κ + 1).
    assert!((json[0]["best_h"].as_f64().unwrap() - 0.2).abs() < 1e-8);
    assert!((json[0]["best_rate"].as_f64().unwrap() - 0.8).abs() < 1e-8);
    let (out, _) = bench.expect(0, &["stability", "--figure", "map.svg"]);
    assert!(out.contains("oscillating") && !out.contains("divergen "), "words are not cut: {out}");
    let (out, _) = bench.expect(0, &["stability", "--eigenvalues=-1,0.01,0.1,1,10,100,1000"]);
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert!(out.contains("λ = 1.00e3") || out.contains("λ = 1,000"), "{out}");
    assert!(bench.read("map.svg").contains("pole of implicit Euler"));
    let (_, err) = bench.expect(2, &["stability", "--method", "explizit"]);
    assert!(err.contains("did you mean \"explicit\""), "{err}");
}

#[test]
fn nonlinear_regressions_run_by_methods_that_need_no_hessian_and_others_are_refused_by_name() {
    let bench = Bench::new();
    let study = "name = \"fit\"\n[problem.nist]\nname = \"Misra1a\"\n[run]\nsteps = 60\n[[arm]]\nname = \"lm\"\nmethod.levenberg-marquardt = { damping = 1e-9, solver = \"lblt\" }\n";
    bench.write("study.toml", study);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let losses = column(&bench.read("out/history.csv"), "lm", "val_loss");
    // NIST certifies ‖r‖² = 0.12455138894.
    assert!((losses[losses.len() - 1] - 0.5 * 0.12455138894).abs() < 1e-8, "{losses:?}");
    bench.write("study.toml", &study.replace("Misra1a", "Misra1x"));
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "never"]);
    assert!(err.contains("did you mean \"Misra1"), "{err}");
    bench.write(
        "study.toml",
        &study.replace("levenberg-marquardt = { damping = 1e-9, solver = \"lblt\" }", "newton = {}"),
    );
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "never"]);
    assert!(err.contains("does not offer a Hessian"), "{err}");
}
