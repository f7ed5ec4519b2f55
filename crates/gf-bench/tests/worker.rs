//! The worker's protocol, on numbers drawn here: what `peers/run.py` relies on.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails")]

use gf_bench::worker::{Inputs, serve};
use gf_bench::{Bench, Case, CaseName, Operation};
use gf_core::vector;
use gf_utils::npy::read_npy;
use serde_json::{Value, json};

/// The replies to these requests.
fn replies(requests: &[Value]) -> Vec<Value> {
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let mut out = Vec::new();
    serve(&Inputs::Synthetic, lines.as_bytes(), &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_case_is_loaded_prepared_and_timed() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).with_extension("npy");
    let operations = ["gradient", "hessian-product", "full-hessian", "implicit-step", "dense-implicit-step"];
    let mut requests = vec![json!({ "command": "load", "case": "B" })];
    for name in operations {
        requests.push(json!({ "command": "prepare", "operation": name, "variant": "gf", "save": file(name) }));
        requests.push(json!({ "command": "time", "operation": name, "variant": "gf", "warm_up": 1, "calls": 2 }));
    }
    requests.push(json!({ "command": "quit" }));
    requests.push(json!({ "command": "load", "case": "C" }));
    let replies = replies(&requests);
    assert_eq!(replies.len(), 1 + 2 * operations.len(), "one reply a request, none to quit and to what follows");
    assert!(replies.iter().all(|reply| reply["ok"] == true), "{replies:?}");
    assert_eq!(replies[0]["operations"]["full-hessian"]["flops"], 256.0 * 2410.0 * 2410.0);
    for pair in replies[1..].chunks_exact(2) {
        let seconds = pair[1]["seconds"].as_array().unwrap();
        assert!(seconds.len() == 2 && seconds.iter().all(|time| time.as_f64().unwrap() > 0.0), "{pair:?}");
        assert!(pair[0]["first"].as_f64().unwrap() > 0.0);
    }

    // What was saved belongs to the case's own θ and v, and fits together.
    let read = |name: &str| read_npy(&file(name)).unwrap().values;
    let (case, hessian, product) = (Case::synthetic(CaseName::B), read("full-hessian"), read("hessian-product"));
    assert_eq!(read("gradient").len(), 1 + case.dim());
    let rows = hessian.chunks_exact(case.dim()).map(|row| vector::dot(row, &case.direction));
    let worst = rows.zip(&product).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-12, "H·v by the matrix and by a product differ by {worst:e}");
    // The dense step carries rounding only; MINRES stops at 1e-10, and θ⁺ - θ loses some digits of δ.
    assert!(replies[9]["residual"].as_f64().unwrap() < 1e-12, "{}", replies[9]);
    assert!(replies[7]["residual"].as_f64().unwrap() < 1.001e-10, "{}", replies[7]);
}

/// E has too many parameters for a test; the residual of a run is shown by `cargo xtask peers`.
#[test]
fn every_eigenpair_of_the_smaller_cases_reaches_its_residual() {
    for case in ["A", "B", "C", "D"] {
        let replies = replies(&[
            json!({ "command": "load", "case": case }),
            json!({ "command": "prepare", "operation": "top-eigenpairs", "variant": "gf" }),
        ]);
        let (residual, work) = (replies[1]["residual"].as_f64().unwrap(), &replies[1]["work"]);
        assert!(residual <= 1e-6, "case {case}: {}", replies[1]);
        assert_eq!(work["checks"], 10, "case {case}: one product a pair");
        // ARPACK takes 41 to 110 on the peers' inputs.
        assert!(work["products"].as_u64().unwrap() < 100, "case {case}: {work}");
    }
}

#[test]
fn a_request_that_cannot_be_served_says_why_and_the_worker_goes_on() {
    let replies = replies(&[
        json!({ "command": "time", "operation": "gradient", "variant": "gf", "warm_up": 0, "calls": 1 }),
        json!({ "command": "dance" }),
        json!({ "command": "load", "case": "F" }),
        json!({ "command": "load", "case": "E" }),
        json!({ "command": "prepare", "operation": "full-hessian", "variant": "gf" }),
        json!({ "command": "prepare", "operation": "gradient", "variant": "gf" }),
    ]);
    let error = |k: usize| replies[k]["error"].as_str().unwrap_or_default();
    assert!(error(0).contains("no case is loaded"), "{}", error(0));
    assert!(error(1).contains("not a request"), "{}", error(1));
    assert!(error(2).contains("expected a case A to E"), "{}", error(2));
    assert_eq!(replies[3]["ok"], true);
    assert!(replies[3]["operations"].get("full-hessian").is_none(), "p² numbers of E do not fit into memory");
    assert!(error(4).contains("has no FullHessian"), "{}", error(4));
    assert_eq!(replies[5]["ok"], true);
}

#[test]
fn the_original_runs_a_few_steps_of_each_method() {
    let mut requests = vec![json!({ "command": "load", "case": "original", "steps": 2 })];
    for name in ["original-explicit", "original-implicit", "original-newton"] {
        requests.push(json!({ "command": "prepare", "operation": name, "variant": "gf" }));
    }
    for reply in replies(&requests).iter().skip(1) {
        assert!(reply["validation_error"].as_f64().unwrap().is_finite(), "{reply}");
    }
}

/// Two points alternate, so that no call finds what the one before left behind; the saved result is always that at θ.
#[test]
fn results_do_not_depend_on_the_calls_before() {
    let mut bench = Bench::new(Case::synthetic(CaseName::A)).unwrap();
    let operations =
        [Operation::Gradient, Operation::FreshHessianProduct, Operation::FullHessian, Operation::TopEigenpairs];
    for operation in operations {
        let fresh = bench.result(operation).unwrap();
        bench.run(operation).unwrap();
        assert_eq!(bench.result(operation).unwrap(), fresh, "{operation:?}");
    }
}
