//! `[spectrum]` in studies: files and columns, bits, arms that diverge, the published problem, and its misuse.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_utils::npy::read_npy;
use serde_json::Value;
use support::{Bench, DATA, STUDY};

const SPECTRUM: &str = "[spectrum]\nevery = 2\ntop = 2\nbottom = 1\ngauss_newton = true\ntrace_probes = 4\nfull = true\n\
                        per_layer = true\ncentral_flow = true\n";

/// [`STUDY`] on the whole training set, with a spectrum.
fn study() -> String {
    format!("{}{SPECTRUM}", STUDY.replace("batch = 3\n", ""))
}

fn bench(study: &str) -> Bench {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", study);
    bench
}

/// The rows of a CSV file as numbers by column, those of one arm and seed; empty cells are NaN.
struct Rows {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    fn read(bench: &Bench, name: &str, arm: &str, seed: &str) -> Self {
        let text = bench.read(name);
        let cells = |line: &str| line.split(',').map(str::to_string).collect::<Vec<_>>();
        let rows = text.lines().skip(1).map(cells).filter(|row| row[0] == arm && row[1] == seed).collect();
        Self { header: cells(text.lines().next().unwrap()), rows }
    }

    fn column(&self, name: &str) -> Vec<f64> {
        let k = self.header.iter().position(|known| known == name).unwrap_or_else(|| panic!("{name}"));
        self.rows.iter().map(|row| if row[k].is_empty() { f64::NAN } else { row[k].parse().unwrap() }).collect()
    }
}

#[test]
fn files_hold_what_the_documentation_says() {
    let bench = bench(&study());
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let first_line = |name: &str| bench.read(name).lines().next().unwrap().to_string();
    let columns = "arm,seed,step,time,loss,grad_norm,threshold,effective_sharpness,gradient_share,step_share,gauss_newton_top,\
                   trace,trace_error,residual,converged,products,top_1,top_2,bottom_1";
    assert_eq!(first_line("out/spectrum.csv"), columns);
    assert_eq!(first_line("out/blocks.csv"), "arm,seed,row,column,norm,trace,lowest,highest");
    let columns = "arm,seed,step,loss,squared_gradient_norm,oscillation,distance,central_loss,mean_loss,mean_squared_gradient_norm,\
                   variance,active,sharpness,threshold,is_plain,residual_variance,residual_slack,residual_product,\
                   eigen_residual,products,contractions";
    assert_eq!(first_line("out/central-flow.csv"), columns);
    let documentation = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md")).unwrap();
    for name in ["spectrum.csv", "blocks.csv", "central-flow.csv"] {
        for column in first_line(&format!("out/{name}")).split(',') {
            let column = column.trim_end_matches("_2");
            assert!(documentation.contains(&format!("`{column}`")), "{column} of {name} in docs/formats.md");
        }
    }
    for arm in ["explicit", "implicit", "newton"] {
        let rows = Rows::read(&bench, "out/spectrum.csv", arm, "1");
        assert_eq!(rows.column("step"), [0.0, 2.0, 4.0, 6.0, 8.0]);
        let all = read_npy(&bench.path(&format!("out/eigenvalues-{arm}-1.npy"))).unwrap();
        assert_eq!(all.shape, [5, 13]);
        for (k, name) in [(12, "top_1"), (11, "top_2"), (0, "bottom_1")] {
            for (row, found) in all.values.chunks(13).zip(rows.column(name)) {
                let scale = row[12].abs().max(row[0].abs());
                assert!((row[k] - found).abs() < 1e-11 * scale, "{arm} {name}: {} {found}", row[k]);
            }
        }
        assert!(rows.column("residual").iter().all(|residual| *residual <= 1e-7), "relative to the largest");
        assert!(rows.column("converged").iter().all(|converged| *converged == 1.0));
        assert!(rows.column("step_share")[0].is_nan(), "no step leads to the start");
        assert!(rows.column("step_share")[1..].iter().all(|share| (0.0..=1.0 + 1e-12).contains(share)));
        for (row, (trace, error)) in
            all.values.chunks(13).zip(rows.column("trace").into_iter().zip(rows.column("trace_error")))
        {
            // Beside all eigenvalues the trace is that of the matrix itself.
            let scale = row[12].abs().max(row[0].abs());
            assert!(error == 0.0 && (row.iter().sum::<f64>() - trace).abs() < 1e-11 * scale, "{trace} ± {error}");
        }
        let blocks = Rows::read(&bench, "out/blocks.csv", arm, "1");
        let last = &all.values[4 * 13..];
        let total: f64 = blocks.column("norm").iter().map(|x| x * x).sum();
        let squares: f64 = last.iter().map(|x| x * x).sum();
        assert!((total - squares).abs() < 1e-12 * squares, "blocks make up the Frobenius norm");
        assert_eq!((blocks.column("row"), blocks.column("column")), (vec![1., 1., 2., 2.], vec![1., 2., 1., 2.]));
        let trace: f64 = blocks.column("trace").iter().filter(|x| x.is_finite()).sum();
        assert!((trace - last.iter().sum::<f64>()).abs() < 1e-12 * squares.sqrt());
    }
    // 2/h for gradient descent, from the start on; none for methods that are stable for every h or do not follow the flow's clock.
    let explicit = Rows::read(&bench, "out/spectrum.csv", "explicit", "0");
    for (effective, sharpness) in explicit.column("effective_sharpness").into_iter().zip(explicit.column("top_1")) {
        assert!((effective - sharpness / 20.0).abs() < 1e-9 * sharpness);
    }
    for arm in ["implicit", "newton"] {
        let rows = Rows::read(&bench, "out/spectrum.csv", arm, "0");
        assert!(rows.column("threshold").iter().all(|threshold| threshold.is_nan()));
    }
    let central = Rows::read(&bench, "out/central-flow.csv", "explicit", "0");
    assert_eq!(central.column("step"), (0..8).map(f64::from).collect::<Vec<_>>());
    let history = Rows::read(&bench, "out/history.csv", "explicit", "0");
    assert_eq!(central.column("loss"), history.column("loss")[1..], "the loss before each step");
    assert!(central.column("oscillation")[0].is_nan() && central.column("distance")[0] == 0.0);
    assert!(Rows::read(&bench, "out/central-flow.csv", "implicit", "0").rows.is_empty(), "of gradient descent only");
    let summary: Value = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    assert!(summary["arms"][0]["runs"][0].get("spectrum_interrupted").is_none());
    for figure in ["sharpness", "eigenvalues", "alignment", "gauss-newton", "spectrum-over-time", "layer-blocks"] {
        assert!(bench.path(&format!("out/figures/{figure}.svg")).exists(), "{figure}");
    }
}

#[test]
fn a_repetition_on_more_threads_gives_the_same_bits() {
    let bench = bench(&study());
    for (out, threads) in [("a", "1"), ("b", "2")] {
        bench.expect(0, &["run", "study.toml", "--quiet", "--out", out, "--threads", threads]);
    }
    for file in ["spectrum.csv", "blocks.csv", "central-flow.csv", "eigenvalues-implicit-1.npy"] {
        let bytes = |folder: &str| std::fs::read(bench.path(&format!("{folder}/{file}"))).unwrap();
        assert_eq!(bytes("a"), bytes("b"), "{file}");
    }
}

#[test]
fn an_arm_that_diverges_keeps_its_rows_and_the_summary_names_where() {
    let study = study().replace("{ h = 0.1 }", "{ h = 1e300 }").replace("every = 2", "every = 1");
    let bench = bench(&study.replace("[run]", "[run]\non_failure = \"record\"\nloss_limit = 1e308"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let rows = Rows::read(&bench, "out/spectrum.csv", "explicit", "0");
    assert_eq!(rows.column("step"), [0.0], "what was seen before it left the numbers");
    assert!(rows.column("effective_sharpness")[0] > 1.0, "the start is above its limit of 2e-300");
    let summary: Value = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    let reason = summary["arms"][0]["runs"][0]["spectrum_interrupted"].as_str().unwrap();
    assert!(reason.starts_with("step 1: ") && reason.contains("is not finite"), "{reason}");
    assert!(reason.contains("in layer"), "{reason}");
    assert!(summary["arms"][1]["runs"][0].get("spectrum_interrupted").is_none(), "the others go on");
    assert_eq!(Rows::read(&bench, "out/spectrum.csv", "implicit", "0").rows.len(), 9);
    assert!(bench.read("out/report.html").contains("Not followed to the end"));
    // Alone, it leaves a header with all columns, and a report.
    let alone = study.find("[[arm]]\nname = \"implicit\"").unwrap()..study.find("[spectrum]").unwrap();
    let mut alone_study = study.replace("[run]", "[run]\non_failure = \"record\"");
    alone_study
        .replace_range(alone_study.find(&study[alone.clone()]).unwrap()..alone_study.find("[spectrum]").unwrap(), "");
    bench.write("alone.toml", &alone_study);
    bench.expect(0, &["run", "alone.toml", "--quiet", "--out", "alone"]);
    assert!(bench.read("alone/spectrum.csv").lines().next().unwrap().ends_with("top_1,top_2,bottom_1"));
}

/// math.md's table of a published run: losses before and eigenvalues after the updates 1, 10 and 100.
#[test]
fn the_published_problem_at_the_edge_of_stability_is_reproduced() {
    let study = "name = \"oracle\"\n[network]\ninput = 1\ninitialization = { mulberry32 = 0 }\n\
                 layers = [{ units = 30, activation = \"tanh\" }, { units = 20, activation = \"tanh\" }, { units = 1, activation = \"identity\" }]\n\
                 [loss]\nkind = \"half_mse\"\n[data]\nbuiltin = \"chebyshev\"\n[validation]\nsplit = \"none\"\n\
                 [run]\nsteps = 100\nevaluate_every = 10\n[spectrum]\nevery = 1\ntop = 3\nbottom = 0\n\
                 [[arm]]\nname = \"gd\"\nmethod.explicit = { h = 0.2 }\n";
    let bench = bench(study);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let rows = Rows::read(&bench, "out/spectrum.csv", "gd", "0");
    let columns = ["top_1", "top_2", "top_3"].map(|name| rows.column(name));
    for (step, loss, top) in [
        (1, 0.307_125, [6.767_75, 2.172_78, 0.297_973]),
        (10, 0.281_597, [6.7578, 2.173_52, 0.140_061]),
        (100, 0.246_236, [7.211_46, 2.3632, 0.282_776]),
    ] {
        // Half a unit of the sixth digit.
        let printed =
            |found: f64, expected: f64| (found - expected).abs() <= 0.5 * 10f64.powf(expected.log10().floor() - 5.0);
        let before = rows.column("loss")[step - 1];
        assert!(printed(before, loss), "step {step}: {before} {loss}");
        for (column, expected) in columns.iter().zip(top) {
            assert!(printed(column[step], expected), "step {step}: {} {expected}", column[step]);
        }
    }
    assert!(rows.column("threshold").iter().all(|threshold| (threshold - 10.0).abs() < 1e-9));
}

#[test]
fn keys_that_cannot_be_met_are_refused() {
    let function = |problem: &str, key: &str| {
        format!(
            "name = \"f\"\n[problem.{problem}]\n[run]\nsteps = 2\n[spectrum]\ntop = 1\nbottom = 0\n{key}\n[[arm]]\nname = \"gd\"\nmethod.explicit = {{ h = 0.1 }}\n"
        )
    };
    let with = |from: &str, to: &str| {
        assert!(study().contains(from), "{from}");
        study().replace(from, to)
    };
    let explicit = "[[arm]]\nname = \"explicit\"\nmethod.explicit = { h = 0.1 }\n";
    for (study, pieces) in [
        (with("every = 2", "every = 0"), &["spectrum.every", "at least 1, found 0"][..]),
        (with("top = 2", "top = 0"), &["spectrum.top", "top ≥ 1", "top = 0 and bottom = 1"]),
        (with("top = 2", "top = 13"), &["spectrum.top", "top + bottom ≤ 13", "top = 13 and bottom = 1"]),
        (with("every = 2", "tolerance = 0.0"), &["spectrum.tolerance", "from 1e-13 to 1, found 0"]),
        (with("every = 2", "tolerance = nan"), &["spectrum.tolerance", "found NaN"]),
        (with("trace_probes = 4", "trace_probes = 1"), &["spectrum.trace_probes", "at least 2", "found 1"]),
        (with("every = 2", "evry = 2"), &["unknown field `evry`", "did you mean `every`"]),
        (with(explicit, ""), &["spectrum.central_flow", "expected an arm of gradient descent", "found none"]),
        (
            with("steps = 8", "steps = 8\nbatch = 3"),
            &["spectrum.central_flow", "whole training set", "found mini-batches"],
        ),
        (with("{ h = 0.1 }", "{ h = 0.1, clip_norm = 1.0 }"), &["spectrum.central_flow", "clipping"]),
        (with("{ h = 0.1 }", "{ h = 0.1 }\ncontrol.armijo = {}"), &["spectrum.central_flow", "constant step size"]),
        (function("himmelblau", "per_layer = true"), &["spectrum.per_layer", "expected a network", "found a function"]),
        (function("himmelblau", "gauss_newton = true"), &["spectrum.gauss_newton", "found himmelblau"]),
        (function("himmelblau", "").replace("top = 1", "top = 3"), &["spectrum.top", "≤ 2"]),
        (function("nist]\nname = \"Misra1a\"\n[bogus", "").replace("[bogus]\n", ""), &["spectrum", "Hessian"]),
    ] {
        let bench = bench(&study);
        let before = bench.files();
        let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
        for piece in pieces {
            assert!(err.contains(piece), "expected '{piece}' in:\n{err}");
        }
        assert!(!err.contains("panicked"), "{err}");
        assert_eq!(bench.files(), before, "nothing may be written");
    }
}
