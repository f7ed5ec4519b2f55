//! Signals through layers and conserved quantities, through the binary.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use support::{Bench, DATA, STUDY};

fn bench(study: &str) -> Bench {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", study);
    bench
}

/// The rows of a CSV file and where a column stands in them.
fn table(bench: &Bench, file: &str) -> (Vec<Vec<String>>, impl Fn(&str) -> usize + use<>) {
    let text = bench.read(file);
    let mut rows: Vec<Vec<String>> = text.lines().map(|line| line.split(',').map(str::to_string).collect()).collect();
    let header = rows.remove(0);
    (rows, move |name: &str| header.iter().position(|column| column == name).unwrap())
}

#[test]
fn layers_are_written_every_so_many_steps_and_agree_with_the_whole_gradient() {
    let bench = bench(STUDY);
    let arguments = ["run", "study.toml", "--quiet", "--out", "out"];
    let full = ["--set", "run.layers_every=4", "--set", "run.batch=6"];
    bench.expect(0, &[&arguments[..], &full[..]].concat());
    let (rows, column) = table(&bench, "out/layers.csv");
    // 3 arms × 2 seeds × steps 0, 4 and 8 × 2 layers.
    assert_eq!(rows.len(), 36);
    // The batch is the whole training set: the gradient of step 1 is the one at the start.
    let squares: f64 = rows[..2].iter().map(|row| row[column("gradient_norm")].parse::<f64>().unwrap().powi(2)).sum();
    let (history, at) = table(&bench, "out/history.csv");
    let norm: f64 = history[1][at("grad_norm")].parse().unwrap();
    assert!((squares.sqrt() / norm - 1.0).abs() < 1e-12, "{} {norm}", squares.sqrt());
    let files = bench.files();
    assert!(files.iter().any(|file| file == "out/figures/layer-gradients.svg"), "{files:?}");
    bench.expect(0, &[&arguments[..4], &["none"]].concat());
    assert!(!bench.path("none/layers.csv").exists());
}

#[test]
fn the_first_layer_that_is_not_finite_is_named() {
    let bench = bench(
        &STUDY
            .replace("h = 0.1", "h = 1e200")
            .replace("[run]", "[run]\nlayers_every = 1\non_failure = \"record\"\nloss_limit = inf"),
    );
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let (rows, column) = table(&bench, "out/layers.csv");
    assert!(rows.iter().any(|row| row[column("arm")] == "explicit" && row[column("gradient_norm")].is_empty()));
}

#[test]
fn depth_measures_random_networks_and_reports_them() {
    let depth = "[depth]\ndepths = [2, 6]\nwidth = 5\nactivations = [\"tanh\", \"relu\"]\n\
                 initializations = [{ gain = 0.5 }, \"he_normal\"]\njacobian_samples = 2\n[[arm]]\nname = \"explicit\"";
    let study = STUDY.replacen("[[arm]]\nname = \"explicit\"", depth, 1);
    let bench = bench(&study);
    for (out, threads) in [("a", "1"), ("b", "2")] {
        bench.expect(0, &["run", "study.toml", "--quiet", "--out", out, "--threads", threads]);
    }
    for file in ["depth.csv", "depth-layers.csv"] {
        assert_eq!(bench.read(&format!("a/{file}")), bench.read(&format!("b/{file}")), "{file}");
    }
    let (rows, column) = table(&bench, "a/depth.csv");
    // 2 activations × 2 initializations × plain and skip × 2 depths × 2 seeds; the depths have 3 and 7 layers.
    assert_eq!(rows.len(), 32);
    assert_eq!(table(&bench, "a/depth-layers.csv").0.len(), 16 * 3 + 16 * 7);
    // Five relu units may all be off, and then there is no rate.
    for row in rows.iter().filter(|row| row[column("depth")] == "6" && row[column("activation")] == "tanh") {
        let number = |name: &str| row[column(name)].parse::<f64>().unwrap();
        assert!(number("rate") <= number("bound_rate"), "{row:?}");
        if row[column("skip")] == "false" && row[column("initialization")] == "gain 0.5" {
            assert!(number("rate") < -0.4 && number("mean_field_rate") < -0.6, "gradients vanish: {row:?}");
        }
    }
    let report = bench.read("a/report.html");
    assert!(report.contains("Signals and depth") && report.contains("½ ln χ"));
}

#[test]
fn an_arm_may_have_its_own_initialization_and_skip_connections() {
    let layers = "layers = [{ units = 4, activation = \"tanh\" }, { units = 4, activation = \"tanh\" }, { units = 1, activation = \"identity\" }]";
    let study = STUDY
        .replace("layers = [{ units = 4, activation = \"tanh\" }, { units = 1, activation = \"identity\" }]", layers);
    let own = "name = \"explicit\"\ninitialization = { gain = 0.1 }\nskip = true";
    let bench = bench(&study.replacen("name = \"explicit\"", own, 1));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out", "--set", "run.layers_every=8"]);
    let (rows, column) = table(&bench, "out/layers.csv");
    let spectral = |arm: &str| {
        let row = rows.iter().find(|row| row[column("arm")] == arm && row[column("layer")] == "2").unwrap();
        row[column("spectral_norm")].parse::<f64>().unwrap()
    };
    assert!(spectral("explicit") < 0.4 * spectral("implicit"), "the same numbers, smaller");
    let (history, at) = table(&bench, "out/history.csv");
    let loss = |arm: &str| history.iter().find(|row| row[at("arm")] == arm).unwrap()[at("loss")].clone();
    assert_ne!(loss("explicit"), loss("implicit"));
    assert_eq!(loss("newton"), loss("implicit"));
}

#[test]
fn drift_is_zero_at_the_start_and_falls_with_the_order() {
    let study = "name = \"chain\"\n[problem.scalar_chain]\n[run]\nsteps = 1000\nflow_time = 1.0\nconservation = true\n\
                 [[arm]]\nname = \"explicit\"\nmethod.explicit = { h = [0.0625, 0.03125, 0.015625] }\n\
                 [[arm]]\nname = \"rk4\"\nmethod.rk4 = { h = [0.0625, 0.03125, 0.015625] }\n\
                 [[arm]]\nname = \"midpoint\"\nmethod.implicit-midpoint = { h = [0.0625, 0.03125, 0.015625], solver = \"lblt\" }\n";
    let bench = bench(study);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let (rows, column) = table(&bench, "out/history.csv");
    let of = |arm: &str| -> Vec<f64> {
        let rows = rows.iter().filter(|row| row[column("arm")] == arm);
        rows.map(|row| row[column("conservation_drift")].parse().unwrap()).collect()
    };
    let last = |arm: &str| *of(arm).last().unwrap();
    assert_eq!(of("explicit-h0.0625")[0], 0.0);
    for (arm, order) in [("explicit", 1.0), ("rk4", 4.0)] {
        let slope = (last(&format!("{arm}-h0.03125")) / last(&format!("{arm}-h0.015625"))).log2();
        // One halving from the asymptotic range; an order is 1 apart.
        assert!((slope - order).abs() < 0.25, "{arm}: {slope}");
    }
    // A symplectic scheme conserves quadratic quantities; Newton's stages are solved to 1e-10 or better.
    assert!(last("midpoint-h0.0625") < 1e-10, "{:e}", last("midpoint-h0.0625"));
    assert!(bench.read("out/report.html").contains("What the flow conserves"));
}

#[test]
fn what_does_not_fit_is_refused_with_what_was_expected() {
    let refuse = |from: &str, to: &str, pieces: &[&str]| {
        let bench = bench(&STUDY.replacen(from, to, 1));
        let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
        for piece in pieces {
            assert!(err.contains(piece), "expected '{piece}' in:\n{err}");
        }
        assert!(!bench.path("out").exists());
    };
    refuse("[run]", "[run]\nlayers_every = 0", &["run.layers_every", "at least 1, found 0"]);
    refuse(
        "[run]",
        "[run]\nconservation = true",
        &["run.conservation", "identity, relu or leaky_relu", "found tanh, identity"],
    );
    let depth = |keys: &str| format!("[depth]\n{keys}\n[run]");
    let good = "depths = [2]\nwidth = 4\nactivations = [\"tanh\"]\ninitializations = [\"he_normal\"]";
    refuse("[run]", &depth(&good.replace("[2]", "[0]")), &["depth.depths", "1 to 1000", "[0]"]);
    refuse("[run]", &depth(&good.replace("width = 4", "width = 0")), &["depth.width", "found 0"]);
    refuse(
        "[run]",
        &depth(&good.replace("\"he_normal\"", "{ gain = -1.0 }")),
        &["depth.initializations", "gain is -1"],
    );
    refuse(
        "name = \"newton\"",
        "name = \"newton\"\ninitialization = { scale = -1.0 }",
        &["arm.2.initialization", "-1"],
    );
    let quadratic = "name = \"q\"\n[problem.parabola]\n[run]\nconservation = true\n[[arm]]\nname = \"a\"\nmethod.explicit = { h = 0.1 }\n";
    let bench = bench(quadratic);
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
    assert!(err.contains("[problem.scalar_chain]; found [problem.parabola]"), "{err}");
    bench.write("study.toml", &quadratic.replace("conservation = true", "layers_every = 2"));
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
    assert!(err.contains("run.layers_every") && err.contains("found a function"), "{err}");
    bench.write(
        "study.toml",
        &quadratic.replace("conservation = true", "").replace("name = \"a\"", "name = \"a\"\nskip = true"),
    );
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
    assert!(err.contains("arm.0.skip") && err.contains("only networks"), "{err}");
}
