//! `gf check`.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use serde_json::Value;
use support::{Bench, DATA, STUDY};

fn check(bench: &Bench, flags: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = ["check", "study.toml", "--json"].iter().chain(flags).copied().collect();
    let (out, _) = bench.expect(0, &arguments);
    serde_json::from_str::<Value>(&out).unwrap().as_array().unwrap().clone()
}

#[test]
fn every_layer_of_smooth_and_of_kinked_networks_has_a_verdict() {
    let bench = Bench::new();
    bench.write("data.csv", DATA);
    for activation in ["tanh", "relu", "elu", "gelu"] {
        bench.write("study.toml", &STUDY.replace("tanh", activation));
        let rows = check(&bench, &["--set", "loss.l2=0.1"]);
        let parts: Vec<&str> = rows.iter().map(|row| row["part"].as_str().unwrap()).collect();
        assert_eq!(parts, ["layer 1", "layer 2", "all parameters"]);
        for row in &rows {
            for what in ["gradient", "hessian", "hessian_product", "third_derivative"] {
                assert_eq!(row["checks"][what]["passes"], true, "{activation} {row}");
            }
            assert!(row["central_difference_error"].as_f64().unwrap() < 1e-6, "{activation} {row}");
        }
    }
    let (out, _) = bench.expect(0, &["check", "study.toml"]);
    assert!(out.contains("Hessian (3)") && out.contains("all derivatives are right"), "{out}");
}

#[test]
fn functions_are_checked_and_regressions_refused() {
    let bench = Bench::new();
    bench.write("study.toml", "[problem.rosenbrock]\ndim = 3\nstart = [0.4, -1.3, 0.2]\n");
    let rows = check(&bench, &[]);
    assert_eq!(rows.len(), 1);
    assert!((rows[0]["checks"]["hessian"]["slope"].as_f64().unwrap() - 3.0).abs() < 0.1);
    bench.write("nist.toml", "[problem.nist]\nname = \"Misra1a\"\n");
    let (_, err) = bench.expect(2, &["check", "nist.toml"]);
    assert!(
        err.contains("expected a network, or a function with second derivatives; found a regression of NIST's"),
        "{err}"
    );
    let (_, err) = bench.expect(2, &["check", "none.toml"]);
    assert!(err.contains("none.toml"), "{err}");
}
