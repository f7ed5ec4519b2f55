//! `gf spectrum` against the dense matrices of `gf eval`, known critical points, and its misuse.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_linalg::eigen::symmetric_eigenvalues;
use gf_utils::npy::{read_npy, write_npy};
use serde_json::Value;
use support::{Bench, DATA, STUDY};

/// Parameters of [`STUDY`]'s network: 1·4 weights and 4 biases, 4 weights and 1 bias.
const P: usize = 13;
const LAYERS: [std::ops::Range<usize>; 2] = [0..8, 8..13];

/// A bench with the small network and a point of it.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", STUDY);
    let theta: Vec<f64> = (0..P).map(|k| (1.7 * k as f64).sin()).collect();
    write_npy(&bench.path("theta.npy"), &[P], &theta).unwrap();
    bench
}

/// What `gf spectrum` prints with these flags.
fn spectrum(bench: &Bench, problem: &str, flags: &[&str]) -> Value {
    let arguments: Vec<&str> = ["spectrum", problem, "--json"].iter().chain(flags).copied().collect();
    let (out, _) = bench.expect(0, &arguments);
    serde_json::from_str(&out).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?} {expected:?}");
    let size = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let error = found.iter().zip(expected).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
    assert!(error <= tolerance * size, "{what}: {error:.1e} of {size:.1e}\n{found:?}\n{expected:?}");
}

/// The matrices that `gf eval` writes at the point, dense: Hessian, Gauss–Newton and their difference.
fn dense(bench: &Bench) -> [(&'static str, Vec<f64>); 3] {
    let flags = ["--hessian", "h.npy", "--gauss-newton", "n.npy", "--gradient", "g.npy"];
    let arguments: Vec<&str> = ["eval", "study.toml", "--theta", "theta.npy"].into_iter().chain(flags).collect();
    bench.expect(0, &arguments);
    let hessian = read_npy(&bench.path("h.npy")).unwrap().values;
    let gauss_newton = read_npy(&bench.path("n.npy")).unwrap().values;
    let difference = hessian.iter().zip(&gauss_newton).map(|(h, g)| h - g).collect();
    [("hessian", hessian), ("gauss-newton", gauss_newton), ("difference", difference)]
}

#[test]
fn eigenvalues_inertia_and_trace_are_those_of_the_dense_matrix() {
    let bench = bench();
    for (name, matrix) in dense(&bench) {
        let all = symmetric_eigenvalues(P, &matrix).unwrap();
        let flags = ["--theta", "theta.npy", "--matrix", name, "--top", "3", "--bottom", "2", "--tolerance", "1e-12"];
        let some = spectrum(&bench, "study.toml", &flags);
        let ends = [&all[..2], &all[P - 3..]].concat();
        // An eigenvalue errs by no more than its residual, which is 1e-12 of the largest.
        assert_close(&numbers(&some["eigenvalues"]), &ends, 2e-12, name);
        assert_eq!(numbers(&some["bottom"]), numbers(&some["eigenvalues"])[..2]);
        assert_close(&numbers(&some["top"]), &[all[P - 1], all[P - 2], all[P - 3]], 1e-12, name);
        assert_eq!(some["matrix"], name);
        assert_eq!((&some["inertia"], &some["kind"]), (&Value::Null, &Value::Null));
        let full = spectrum(&bench, "study.toml", &[&flags[..], &["--full", "--zero", "1e-6"]].concat());
        assert_close(&numbers(&full["eigenvalues"]), &all, 1e-12, name);
        assert_eq!(numbers(&full["residuals"]).len(), 5, "of the pairs; those of the dense solver are not measured");
        let count = |is: fn(f64) -> bool| all.iter().filter(|x| is(**x)).count();
        assert_eq!(full["inertia"]["positive"], count(|x| x > 1e-6), "{name} {all:?}");
        assert_eq!(full["inertia"]["negative"], count(|x| x < -1e-6), "{name}");
        assert_eq!(full["inertia"]["zero"], count(|x| x.abs() <= 1e-6), "{name}");
        assert_eq!(full["inertia"]["tolerance"], 1e-6);
        let trace: f64 = (0..P).map(|k| matrix[k + k * P]).sum();
        assert_close(&[full["trace"].as_f64().unwrap()], &[trace], 1e-13, name);
        assert_eq!(full["trace_error"], 0.0);
        // A rank of 13 leaves nothing to Hutchinson's part.
        assert_close(&[some["trace"].as_f64().unwrap()], &[trace], 1e-10, name);
        match name {
            "hessian" => assert_eq!(full["kind"], "not critical", "the gradient is long"),
            _ => assert_eq!(full["kind"], Value::Null, "only the Hessian decides"),
        }
    }
}

#[test]
fn written_vectors_have_the_residuals_and_shares_that_are_printed() {
    let bench = bench();
    let [(_, hessian), ..] = dense(&bench);
    let gradient = read_npy(&bench.path("g.npy")).unwrap().values;
    let files = ["--eigenvalues", "e.npy", "--vectors", "v.npy"];
    let flags = [&["--theta", "theta.npy", "--top", "2", "--bottom", "1"], &files[..]].concat();
    let found = spectrum(&bench, "study.toml", &flags);
    assert_eq!(read_npy(&bench.path("e.npy")).unwrap().values, numbers(&found["eigenvalues"]));
    let vectors = read_npy(&bench.path("v.npy")).unwrap();
    assert_eq!(vectors.shape, [3, P]);
    // The file has top descending and then bottom ascending; the numbers ascend.
    let order = [2, 1, 0].map(|k| &vectors.values[k * P..(k + 1) * P]);
    let (lambda, residuals) = (numbers(&found["eigenvalues"]), numbers(&found["residuals"]));
    let scale = lambda.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut shares = Vec::new();
    for ((v, lambda), residual) in order.into_iter().zip(&lambda).zip(&residuals) {
        assert!((dot(v, v) - 1.0).abs() < 1e-13);
        let rest: Vec<f64> = (0..P).map(|i| dot(&hessian[i * P..(i + 1) * P], v) - lambda * v[i]).collect();
        let measured = dot(&rest, &rest).sqrt();
        // Two ways to the same small difference of numbers as large as the scale.
        assert!((measured - residual).abs() < 1e-13 * scale, "{measured:e} {residual:e}");
        assert!(*residual <= 1e-7 * scale);
        shares.push(dot(v, &gradient).powi(2) / dot(&gradient, &gradient));
    }
    assert_close(&numbers(&found["gradient_shares"]), &shares, 1e-12, "shares");
    assert_eq!(found["converged"], true);
    assert_eq!(found["dim"], P);
}

#[test]
fn layers_are_blocks_of_the_dense_matrix() {
    let bench = bench();
    let [(_, hessian), ..] = dense(&bench);
    let flags = ["--theta", "theta.npy", "--per-layer", "--density", "--figure", "f.svg"];
    let found = spectrum(&bench, "study.toml", &flags);
    for (l, rows) in LAYERS.into_iter().enumerate() {
        let layer = &found["layers"][l];
        assert_eq!((&layer["layer"], &layer["parameters"]), (&Value::from(l + 1), &Value::from(rows.len())));
        let entries = |columns: &std::ops::Range<usize>| -> Vec<f64> {
            columns.clone().flat_map(|j| rows.clone().map(move |i| i + j * P)).map(|k| hessian[k]).collect()
        };
        let norms = LAYERS.map(|columns| entries(&columns).iter().map(|x| x * x).sum::<f64>().sqrt());
        assert_close(&numbers(&layer["norms"]), &norms, 1e-13, "norms");
        let block = symmetric_eigenvalues(rows.len(), &entries(&rows)).unwrap();
        let ends = ["lowest", "highest"].map(|key| layer[key].as_f64().unwrap());
        assert_close(&ends, &[block[0], block[rows.len() - 1]], 1e-12, "ends");
        let trace: f64 = rows.clone().map(|k| hessian[k + k * P]).sum();
        assert_close(&[layer["trace"].as_f64().unwrap()], &[trace], 1e-13, "trace");
    }
    // The density integrates to 1, as each eigenvalue weighs 1/p.
    let (grid, density) = (numbers(&found["density"]["grid"]), numbers(&found["density"]["density"]));
    let mass: f64 = grid.windows(2).zip(density.windows(2)).map(|(x, y)| 0.5 * (x[1] - x[0]) * (y[0] + y[1])).sum();
    assert!((mass - 1.0).abs() < 0.01, "{mass}");
    assert!(bench.read("f.svg").contains("</svg>"));
}

#[test]
fn critical_points_of_himmelblau_are_what_they_are() {
    let bench = Bench::new();
    bench.write("him.toml", "[problem.himmelblau]\n");
    // The last two are roots of the gradient by SciPy.
    for (x, y, kind) in [
        (3.0, 2.0, "minimum"),
        (-0.270_844_590_667_347_6, -0.923_038_556_479_981_5, "maximum"),
        (0.086_677_504_555_396_34, 2.884_254_701_174_776, "saddle"),
        (1.0, 1.0, "not critical"),
    ] {
        write_npy(&bench.path("theta.npy"), &[2], &[x, y]).unwrap();
        let found = spectrum(&bench, "him.toml", &["--theta", "theta.npy", "--full", "--figure", "f.svg"]);
        assert_eq!(found["kind"], kind);
        let (a, b, c): (f64, f64, f64) = (12.0 * x * x + 4.0 * y - 42.0, 4.0 * (x + y), 12.0 * y * y + 4.0 * x - 26.0);
        let half = (0.25 * (a - c).powi(2) + b * b).sqrt();
        let expected = [0.5 * (a + c) - half, 0.5 * (a + c) + half];
        assert_close(&numbers(&found["eigenvalues"]), &expected, 1e-13, kind);
        assert_close(&[found["trace"].as_f64().unwrap()], &[a + c], 1e-13, kind);
        let positive = expected.iter().filter(|x| **x > 0.0).count();
        assert_eq!((&found["inertia"]["positive"], &found["inertia"]["zero"]), (&positive.into(), &0.into()));
    }
    // A point counts as critical by the tolerance that is given.
    write_npy(&bench.path("theta.npy"), &[2], &[3.0, 2.001]).unwrap();
    let found = |critical| spectrum(&bench, "him.toml", &["--theta", "theta.npy", "--full", "--critical", critical]);
    assert_eq!((&found("1e-3")["kind"], &found("1")["kind"]), (&"not critical".into(), &"minimum".into()));
    // Without curvature nothing is decided.
    bench.write("flat.toml", "[problem.quadratic]\neigenvalues = [0.0, 0.0]\n");
    let flat = spectrum(&bench, "flat.toml", &["--full"]);
    assert_eq!((&flat["kind"], &flat["inertia"]["zero"]), (&"degenerate".into(), &2.into()));
}

#[test]
fn tables_say_the_same_in_words() {
    let bench = bench();
    bench.write("him.toml", "[problem.himmelblau]\nstart = [3.0, 2.0]\n");
    let (out, _) = bench.expect(0, &["spectrum", "him.toml", "--full"]);
    for text in ["82.2842712", "25.7157288", "trace: 108", "2 positive, 0 negative, 0 zero", "the point: minimum"] {
        assert!(out.contains(text), "{text} in\n{out}");
    }
    let (out, _) = bench.expect(0, &["spectrum", "study.toml", "--per-layer", "--density", "--eigenvalues", "e.npy"]);
    for text in ["share of gradient", "--full computes it", "density:", "parameters", "written: e.npy"] {
        assert!(out.contains(text), "{text} in\n{out}");
    }
}

#[test]
fn flags_that_cannot_be_met_are_refused() {
    let bench = bench();
    bench.write("him.toml", "[problem.himmelblau]\n");
    bench.write("nist.toml", "[problem.nist]\nname = \"Misra1a\"\n");
    bench.write("walls.toml", "[problem.log_cosh]\n");
    write_npy(&bench.path("short.npy"), &[12], &[0.1; 12]).unwrap();
    let mut nan = [0.1; P];
    nan[4] = f64::NAN;
    write_npy(&bench.path("nan.npy"), &[P], &nan).unwrap();
    let before = bench.files();
    for (problem, flags, pieces) in [
        ("him.toml", "--top 2 --bottom 1", &["--top and --bottom", "expected 1 to 2 eigenpairs, found 3"][..]),
        ("him.toml", "--top 0 --bottom 0", &["--top and --bottom", "found 0"]),
        ("him.toml", "--top 18446744073709551615 --bottom 1", &["--top and --bottom", "expected 1 to 2"]),
        ("him.toml", "--per-layer", &["--per-layer", "expected a network", "found a function"]),
        ("him.toml", "--train", &["--train", "expected a network", "found a function"]),
        ("him.toml", "--zero 0", &["--zero", "expected a positive number, found 0"]),
        ("him.toml", "--zero nan", &["--zero", "found NaN"]),
        ("him.toml", "--critical=-1", &["--critical", "at least 0, found -1"]),
        ("him.toml", "--tolerance 0", &["--tolerance", "from 1e-13 to 1, found 0"]),
        ("nist.toml", "", &["nist.toml", "does not offer a Hessian"]),
        ("walls.toml", "--matrix gauss-newton", &["walls.toml", "does not offer a Gauss-Newton matrix"]),
        ("him.toml", "--matrix fisher", &["fisher", "gauss-newton"]),
        ("study.toml", "--theta short.npy", &["--theta", "short.npy", "expected a vector of 13 numbers", "[12]"]),
        ("study.toml", "--theta nan.npy", &["--theta", "nan.npy", "found NaN at index 4"]),
        ("study.toml", "--set loss.kind=mae", &["mae"]),
        ("none.toml", "", &["none.toml"]),
    ] {
        let arguments: Vec<&str> = ["spectrum", problem].into_iter().chain(flags.split_whitespace()).collect();
        let (out, err) = bench.expect(2, &arguments);
        for piece in pieces {
            assert!(err.contains(piece), "{flags}: {piece} in {err}");
        }
        assert!(out.is_empty() && !err.contains("panicked"), "{out}{err}");
    }
    assert_eq!(bench.files(), before, "nothing may be written");
}

#[test]
fn a_point_that_is_not_finite_is_a_failure_that_names_its_layer() {
    let bench = bench();
    let mut theta = [0.1; P];
    // The last layer's weights overflow the loss.
    theta[8] = 1e200;
    write_npy(&bench.path("far.npy"), &[P], &theta).unwrap();
    let before = bench.files();
    let (out, err) = bench.expect(1, &["spectrum", "study.toml", "--theta", "far.npy", "--eigenvalues", "e.npy"]);
    for piece in ["far.npy", "nothing was written", "the loss or its gradient (first in layer 1) is not finite"] {
        assert!(err.contains(piece), "{piece} in {err}");
    }
    assert!(out.is_empty(), "{out}");
    assert_eq!(bench.files(), before);
}
