//! `gf eval` against an independent autodiff system: loss, gradient, Hessian, Gauss–Newton, product and steps to 1e-10.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_utils::npy::{read_npy, write_npy};
use serde_json::Value;
use support::Bench;

fn golden(name: &str) -> Value {
    let path = format!("{}/../gf-layers/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Numbers of a nested array, row by row, with its shape.
fn array(value: &Value) -> (Vec<usize>, Vec<f64>) {
    let rows = value.as_array().unwrap();
    if rows[0].is_number() {
        return (vec![rows.len()], rows.iter().map(|x| x.as_f64().unwrap()).collect());
    }
    let numbers = rows.iter().flat_map(|row| array(row).1).collect();
    (vec![rows.len(), rows[0].as_array().unwrap().len()], numbers)
}

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let error = found.iter().zip(expected).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
    assert!(error <= 1e-10 * size, "{what}: relative error {:.1e}", error / size);
}

const CASES: [&str; 12] = [
    "elu-focal",
    "gelu-deep-ce-smooth",
    "leaky-l2",
    "output-activation",
    "relu-mse",
    "sigmoid-half-mse",
    "silu-bce",
    "sin-huber",
    "softplus-ce-weighted",
    "tanh-bce-posweight",
    "tanh-mse",
    "tanh-softmax-ce",
];

#[test]
fn every_golden_file_is_reproduced_through_the_command_line() {
    for name in CASES {
        let golden = golden(name);
        let bench = Bench::new();
        for key in ["x", "y", "theta", "v"] {
            let (shape, values) = array(&golden[key]);
            write_npy(&bench.path(&format!("{key}.npy")), &shape, &values).unwrap();
        }
        let sizes = array(&golden["layer_sizes"]).1;
        let layers: Vec<String> = golden["activations"]
            .as_array()
            .unwrap()
            .iter()
            .zip(&sizes[1..])
            .map(|(activation, units)| format!("{{ units = {units}, activation = {activation} }}"))
            .collect();
        let options: Vec<String> =
            golden["loss"].as_object().unwrap().iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let problem = format!(
            "[network]\ninput = {}\nlayers = [{}]\n[loss]\n{}\nl2 = {}\n[data]\nx = \"x.npy\"\ny = \"y.npy\"\n",
            sizes[0],
            layers.join(", "),
            options.join("\n"),
            golden["l2"]
        );
        bench.write("problem.toml", &problem);
        let implicit = format!("implicit:h={}", golden["eta"]);
        let newton = format!("newton:damping={}", golden["damping"]);
        let (out, _) = bench.expect(
            0,
            &[
                "eval",
                "problem.toml",
                "--theta",
                "theta.npy",
                "--gradient",
                "g.npy",
                "--hessian",
                "h.npy",
                "--gauss-newton",
                "n.npy",
                "--hvp",
                "v.npy",
                "hv.npy",
                "--output",
                "o.npy",
                "--step",
                &implicit,
                "s.npy",
                "--step",
                &newton,
                "t.npy",
            ],
        );
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_close(&[json["loss"].as_f64().unwrap()], &[golden["loss_value"].as_f64().unwrap()], name);
        let (_, gradient) = array(&golden["gradient"]);
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert_close(&[json["gradient_norm"].as_f64().unwrap()], &[norm], name);
        assert_eq!(json["dim"].as_u64().unwrap() as usize, gradient.len());
        for (file, key) in [
            ("g", "gradient"),
            ("h", "hessian"),
            ("n", "gauss_newton"),
            ("hv", "hvp"),
            ("o", "output"),
            ("s", "implicit_step"),
            ("t", "newton_step"),
        ] {
            let found = read_npy(&bench.path(&format!("{file}.npy"))).unwrap();
            let (shape, expected) = array(&golden[key]);
            assert_eq!(found.shape, shape, "{name} {key}");
            assert_close(&found.values, &expected, &format!("{name} {key}"));
        }
    }
}

#[test]
fn integer_labels_and_one_hot_rows_give_the_same_loss() {
    let golden = golden("tanh-softmax-ce");
    let bench = Bench::new();
    for key in ["x", "theta"] {
        let (shape, values) = array(&golden[key]);
        write_npy(&bench.path(&format!("{key}.npy")), &shape, &values).unwrap();
    }
    let (shape, one_hot) = array(&golden["y"]);
    let labels: Vec<f64> =
        one_hot.chunks(shape[1]).map(|row| row.iter().position(|y| *y == 1.0).unwrap() as f64).collect();
    write_npy(&bench.path("y.npy"), &[labels.len()], &labels).unwrap();
    bench.write(
        "problem.toml",
        "[network]\ninput = 4\nlayers = [{ units = 5, activation = \"tanh\" }, { units = 3, activation = \"identity\" }]\n\
         [loss]\nkind = \"softmax_cross_entropy\"\n[data]\nx = \"x.npy\"\ny = \"y.npy\"\n",
    );
    let (out, _) = bench.expect(0, &["eval", "problem.toml", "--theta", "theta.npy"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_close(&[json["loss"].as_f64().unwrap()], &[golden["loss_value"].as_f64().unwrap()], "labels");
}

#[test]
fn a_step_that_cannot_be_taken_is_a_failure_and_nothing_is_written() {
    let bench = Bench::new();
    // One sample, no split: L = (w + b − 1)² has the Hessian [[2, 2], [2, 2]] on a linear unit; a tanh unit bends it.
    write_npy(&bench.path("x.npy"), &[1, 1], &[1.0]).unwrap();
    write_npy(&bench.path("y.npy"), &[1], &[5.0]).unwrap();
    write_npy(&bench.path("theta.npy"), &[2], &[0.9, 0.0]).unwrap();
    bench.write(
        "problem.toml",
        "[network]\ninput = 1\nlayers = [{ units = 1, activation = \"tanh\" }]\n[loss]\nkind = \"mse\"\n\
         [data]\nx = \"x.npy\"\ny = \"y.npy\"\n",
    );
    bench.expect(0, &["eval", "problem.toml", "--theta", "theta.npy", "--hessian", "h.npy"]);
    let hessian = read_npy(&bench.path("h.npy")).unwrap().values;
    assert!(hessian[0] > 0.0, "far from its target the tanh unit has curvature of one sign: {hessian:?}");
    write_npy(&bench.path("theta.npy"), &[2], &[-0.9, 0.0]).unwrap();
    let before = bench.files();
    let step = "implicit:h=1000,indefinite=abort";
    let (_, err) = bench
        .expect(1, &["eval", "problem.toml", "--theta", "theta.npy", "--gradient", "g.npy", "--step", step, "s.npy"]);
    assert!(err.contains("not positive definite") && err.contains("nothing was written"), "{err}");
    assert_eq!(bench.files(), before);
    // The same with a shrinking step is taken.
    let shrink = "implicit:h=1000,indefinite=shrink";
    bench.expect(0, &["eval", "problem.toml", "--theta", "theta.npy", "--step", shrink, "s.npy"]);
}
