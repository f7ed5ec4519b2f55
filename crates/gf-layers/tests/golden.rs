//! Golden values of an independent automatic differentiation system.
//!
//! Those of networks with skip connections are made by `peers/golden_skip.py`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::relative_error;
use gf_core::{
    DenseHessian, GaussNewton, HessianProduct, Objective, Samples, SymmetricOperator, Targets, ThirdDerivative,
    Triangle,
};
use gf_layers::{Activation, Batches, Layer, Loss, Network, NetworkObjective};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        _ => vec![value.as_f64().unwrap()],
    }
}

fn read(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn objective(golden: &Value) -> NetworkObjective {
    let sizes: Vec<usize> = numbers(&golden["layer_sizes"]).iter().map(|x| *x as usize).collect();
    let layer = |l: usize| Layer {
        units: sizes[l + 1],
        activation: golden["activations"][l].as_str().unwrap().parse().unwrap(),
        skip: golden.get("skip").is_some_and(|skip| skip[l].as_bool().unwrap()),
    };
    let network = Network { input: sizes[0], layers: (0..sizes.len() - 1).map(layer).collect() };
    let mut settings = golden["loss"].as_object().unwrap().clone();
    let kind = settings.remove("kind").unwrap();
    let loss: Loss = if settings.is_empty() {
        serde_json::from_value(kind).unwrap()
    } else {
        serde_json::from_value(serde_json::json!({ kind.as_str().unwrap(): settings })).unwrap()
    };
    let targets = Targets::Values { width: *sizes.last().unwrap(), values: numbers(&golden["y"]) };
    let samples = Samples::new(sizes[0], numbers(&golden["x"]), targets).unwrap();
    let l2 = golden["l2"].as_f64().unwrap();
    network.objective(loss, &samples, Batches::full()).unwrap().with_l2(l2).unwrap()
}

/// Summation in another order over at most 10 samples and 71 parameters stays far below it.
const TOLERANCE: f64 = 1e-10;

#[test]
fn derivatives_match() {
    for name in [
        "elu-focal",
        "gelu-deep-ce-smooth",
        "leaky-l2",
        "output-activation",
        "relu-mse",
        "sigmoid-half-mse",
        "silu-bce",
        "sin-huber",
        "skip-everywhere-ce",
        "skip-first",
        "skip-mixed",
        "skip-output-bce",
        "skip-relu-ce",
        "skip-tanh-stack",
        "softplus-ce-weighted",
        "tanh-bce-posweight",
        "tanh-mse",
        "tanh-softmax-ce",
    ] {
        let golden = read(name);
        let mut objective = objective(&golden);
        let (theta, v) = (numbers(&golden["theta"]), numbers(&golden["v"]));
        let p = theta.len();
        let close = |what: &str, found: &[f64]| {
            let error = relative_error(found, &numbers(&golden[what]));
            assert!(error < TOLERANCE, "{name}: {what} is off by {error:e}");
        };
        let mut outputs = vec![0.0; numbers(&golden["output"]).len()];
        objective.predict(&theta, &numbers(&golden["x"]), &mut outputs).unwrap();
        close("output", &outputs);
        assert_eq!(objective.network().predict(&theta, &numbers(&golden["x"])).unwrap(), outputs);
        close("loss_value", &[objective.value(&theta).unwrap()]);
        let mut gradient = vec![0.0; p];
        close("loss_value", &[objective.value_and_gradient(&theta, &mut gradient).unwrap()]);
        close("gradient", &gradient);
        let mut product = vec![0.0; p];
        objective.hessian_at(&theta).unwrap().apply(&v, &mut product);
        close("hvp", &product);
        let mut matrix = vec![0.0; p * p];
        objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
        close("hessian", &matrix);
        objective.dense_gauss_newton(&theta, Triangle::Both, &mut matrix).unwrap();
        close("gauss_newton", &matrix);
        objective.gauss_newton_at(&theta).unwrap().apply(&v, &mut product);
        let by_matrix = common::times(&matrix, &v);
        assert!(relative_error(&product, &by_matrix) < TOLERANCE, "{name}: Gauss-Newton product");
    }
}

#[test]
fn third_derivatives_match() {
    for name in [
        "elu-l2",
        "gelu-ce-smooth-weighted",
        "relu-bce",
        "relu-identity-mse",
        "sigmoid-half-mse",
        "silu-ce",
        "sin-output",
        "skip-ce-sum",
        "skip-ends-ce",
        "skip-focal-flat",
        "skip-relu-identity",
        "skip-tanh-gelu",
        "softplus-bce",
        "softplus-focal-sum",
        "tanh-focal",
        "tanh-huber",
        "tanh-mse",
    ] {
        let golden = read(&format!("third-{name}"));
        let mut objective = objective(&golden);
        let [theta, u, v, third] = ["theta", "u", "v", "third"].map(|key| numbers(&golden[key]));
        let mut found = vec![f64::NAN; theta.len()];
        for (u, v) in [(&u, &v), (&v, &u)] {
            objective.curvature_gradient(&theta, u, v, &mut found).unwrap();
            let error = relative_error(&found, &third);
            assert!(error < TOLERANCE, "{name}: the third derivative is off by {error:e}");
        }
    }
}

#[test]
fn third_derivatives_of_activations_match() {
    let golden = read("third-activations");
    let z = numbers(&golden["z"]);
    for f in Activation::ALL {
        let [mut a, mut slope, mut bend, mut third] = [(); 4].map(|()| vec![f64::NAN; z.len()]);
        f.value(&z, &mut a);
        f.slope(&z, &a, &mut slope);
        f.bend(&z, &a, &slope, &mut bend);
        f.third(&z, &slope, &bend, &mut third);
        let expected = numbers(&golden["third"][f.name()]);
        let error = relative_error(&third, &expected);
        // Some rounding on both sides, relative to the largest; that of tanh loses in its tails what 1 − a² has rounded.
        assert!(error < 1e-14, "{}: off by {error:e}", f.name());
    }
}
