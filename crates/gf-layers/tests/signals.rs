//! What passes through layers, against JAX, mpmath and closed forms.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use common::{parameters, relative_error, samples};
use gf_core::{Objective, Samples, Targets};
use gf_layers::{
    Activation, Balancedness, Batches, Initialization, Loss, Moments, Network, NetworkError, SignalProbe,
    SingularSummary,
};
use serde_json::Value;

fn golden() -> Value {
    let path = format!("{}/tests/golden/signals.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn network(case: &Value) -> Network {
    let sizes = numbers(&case["sizes"]);
    let mut network = Network::new(sizes[0] as usize);
    for (units, kind) in sizes[1..].iter().zip(case["kinds"].as_array().unwrap()) {
        let activation: Activation = kind[0].as_str().unwrap().parse().unwrap();
        network = match kind[1].as_bool().unwrap() {
            true => network.residual(activation),
            false => network.dense(*units as usize, activation),
        };
    }
    network
}

fn probe(case: &Value) -> (SignalProbe, Vec<f64>) {
    let network = network(case);
    let targets = Targets::Values { width: network.outputs(), values: numbers(&case["y"]) };
    let samples = Samples::new(network.input, numbers(&case["x"]), targets).unwrap();
    let l2 = case["l2"].as_f64().unwrap();
    (SignalProbe::new(&network, Loss::mse(), Arc::new(samples), l2).unwrap(), numbers(&case["theta"]))
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(found == expected || error < tolerance, "{what}: {found} and not {expected}");
}

#[test]
fn signals_are_those_of_jax() {
    for case in golden()["cases"].as_array().unwrap() {
        let (mut probe, theta) = probe(case);
        // Twice: nothing of the first measurement is left.
        probe.measure(&theta).unwrap();
        let layers = probe.measure(&theta).unwrap();
        for (l, (layer, expected)) in layers.iter().zip(case["layers"].as_array().unwrap()).enumerate() {
            let moments = |moments: Moments| [moments.mean, moments.deviation()];
            for (key, found) in [
                ("gradient_norm", layer.gradient_norm),
                ("pull_rms", layer.pull_rms),
                ("delta_rms", layer.delta_rms),
                ("mean_square_slope", layer.mean_square_slope),
                ("dead", layer.dead),
                ("saturated", layer.saturated),
                ("weight_norm", layer.weight_norm),
                ("spectral_norm", layer.spectral_norm),
            ] {
                close(found, expected[key].as_f64().unwrap(), 1e-11, &format!("{} {l} {key}", case["name"]));
            }
            for (key, found) in [("z", moments(layer.preactivation)), ("a", moments(layer.activation))] {
                assert!(relative_error(&found, &numbers(&expected[key])) < 1e-12, "{} {l} {key}", case["name"]);
            }
        }
    }
}

#[test]
fn singular_values_of_jacobians_and_of_their_product_keep_their_digits() {
    let check = |found: &SingularSummary, expected: &Value, tolerance: f64| {
        for (key, found) in [
            ("largest", found.largest),
            ("smallest", found.smallest),
            ("median", found.median),
            ("geometric_mean", found.geometric_mean),
        ] {
            close(found, expected[key].as_f64().unwrap(), tolerance, key);
        }
    };
    let mut deepest = 1.0f64;
    for case in golden()["cases"].as_array().unwrap().iter().filter(|case| !case["product"].is_null()) {
        let (mut probe, theta) = probe(case);
        let layers = case["jacobians"].as_array().unwrap();
        let spectra = probe.jacobians(&theta, 2, 0..layers.len()).unwrap();
        for (found, expected) in spectra.layers.iter().zip(layers) {
            check(found, expected, 1e-11);
        }
        check(&spectra.product, &case["product"], 1e-10);
        deepest = deepest.min(spectra.product.smallest / spectra.product.largest);
    }
    assert!(deepest < 1e-13, "an explicit product would keep three digits of it: {deepest:e}");
}

#[test]
fn the_gradient_is_the_objectives_also_over_many_chunks() {
    let network = Network::new(3).dense(6, Activation::Gelu).dense(4, Activation::Relu).dense(3, Activation::Identity);
    let loss = Loss::softmax_cross_entropy();
    let samples = samples(3, 300, &network, &loss);
    let theta = parameters(3, &network);
    let mut objective = network.objective(loss.clone(), &samples, Batches::full()).unwrap().with_l2(0.01).unwrap();
    let mut gradient = vec![0.0; theta.len()];
    objective.value_and_gradient(&theta, &mut gradient).unwrap();
    let mut probe = SignalProbe::new(&network, loss, Arc::new(samples), 0.01).unwrap();
    let squares: f64 = probe.measure(&theta).unwrap().iter().map(|layer| layer.gradient_norm.powi(2)).sum();
    close(squares.sqrt(), gf_core::vector::norm(&gradient), 1e-13, "‖∇L‖");
}

#[test]
fn orthogonal_weights_without_activation_have_only_singular_values_of_one() {
    let network = (0..40).fold(Network::new(2), |network, _| network.dense(2, Activation::Identity));
    let (c, s) = (0.6, 0.8);
    let theta: Vec<f64> = (0..40).flat_map(|_| [c, s, -s, c, 0.3, -0.1]).collect();
    let samples = Samples::new(2, vec![1.0, 2.0], Targets::Values { width: 2, values: vec![0.0; 2] }).unwrap();
    let mut probe = SignalProbe::new(&network, Loss::mse(), Arc::new(samples), 0.0).unwrap();
    let spectra = probe.jacobians(&theta, 1, 0..40).unwrap();
    for summary in spectra.layers.iter().chain([&spectra.product]) {
        for value in [summary.largest, summary.smallest, summary.median, summary.geometric_mean] {
            close(value, 1.0, 1e-13, "rotation");
        }
        assert_eq!(summary.rank, 2.0);
    }
    // The gradient passes unchanged: the same norm of ∂L/∂a everywhere.
    let layers = probe.measure(&theta).unwrap();
    assert!(layers.iter().all(|layer| (layer.pull_rms / layers[39].pull_rms - 1.0).abs() < 1e-13));
}

#[test]
fn units_that_are_off_take_their_rank_away() {
    let network = Network::new(2).dense(2, Activation::Relu).dense(2, Activation::Relu).dense(1, Activation::Identity);
    // The first unit of the first layer is on, the second off.
    let theta = [1.0, 0.0, 0.0, 1.0, 0.0, -9.0, 2.0, 0.5, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
    let samples = Samples::new(2, vec![1.0, 2.0], Targets::Values { width: 1, values: vec![0.0] }).unwrap();
    let mut probe = SignalProbe::new(&network, Loss::mse(), Arc::new(samples), 0.0).unwrap();
    assert_eq!(probe.measure(&theta).unwrap()[0].dead, 0.5);
    let spectra = probe.jacobians(&theta, 1, 0..2).unwrap();
    assert_eq!((spectra.layers[0].rank, spectra.product.rank, spectra.product.smallest), (1.0, 1.0, 0.0));
    close(spectra.product.largest, 4.25f64.sqrt(), 1e-14, "(2, ½) behind (1, 0)");
}

#[test]
fn the_first_layer_that_is_not_finite_is_named() {
    let network = (0..9).fold(Network::new(2), |network, _| network.dense(2, Activation::Identity));
    let theta: Vec<f64> = (0..9).flat_map(|_| [1e50, 0.0, 0.0, 1e50, 0.0, 0.0]).collect();
    let samples = Samples::new(2, vec![1.0, 2.0], Targets::Values { width: 2, values: vec![0.0; 2] }).unwrap();
    let mut probe = SignalProbe::new(&network, Loss::mse(), Arc::new(samples), 0.0).unwrap();
    let error = probe.measure(&theta).unwrap_err();
    assert_eq!(error.to_string(), "layer 7: activations are not finite");
    let mut nan = theta.clone();
    nan[8] = f64::NAN;
    assert_eq!(probe.measure(&nan).unwrap_err().to_string(), "layer 2: parameters are not finite");
    assert!(matches!(probe.measure(&[0.0]), Err(NetworkError::Length { expected: 54, found: 1, .. })));
    assert!(matches!(probe.jacobians(&theta, 0, 0..2), Err(NetworkError::Parameter { .. })));
}

#[test]
fn mean_field_integrals_are_those_of_quadrature() {
    for row in golden()["mean_field"].as_array().unwrap() {
        let activation: Activation = row[0].as_str().unwrap().parse().unwrap();
        let q = row[1].as_f64().unwrap();
        let network = Network::new(1).dense(1, activation);
        let layer = network.mean_field(&[q.sqrt(), 0.0], 1.0).unwrap()[0];
        close(layer.preactivation_variance, q, 1e-15, "q");
        close(layer.mean_square, row[2].as_f64().unwrap(), 1e-8, "E f²");
        close(layer.backward_gain, q * row[3].as_f64().unwrap(), 1e-8, "χ");
    }
}

#[test]
fn wide_random_networks_follow_the_mean_field() {
    for (skip, gain) in [(false, 2.0f64.sqrt()), (true, 0.3)] {
        let mut network = Network::new(300);
        for _ in 0..4 {
            network = if skip { network.residual(Activation::Relu) } else { network.dense(300, Activation::Relu) };
        }
        network = network.dense(2, Activation::Identity);
        let loss = Loss::mse();
        let samples = samples(8, 20, &network, &loss);
        let square = samples.inputs().iter().map(|x| x * x).sum::<f64>() / samples.inputs().len() as f64;
        let theta = network.init(&Initialization::Gain(gain), &mut gf_core::Streams::new(1).init());
        let predicted = network.mean_field(&theta, square).unwrap();
        let mut probe = SignalProbe::new(&network, loss, Arc::new(samples), 0.0).unwrap();
        let measured = probe.measure(&theta).unwrap();
        for l in 0..4 {
            // A width of 300 scatters by 1/√300 ≈ 6 % a layer, and the samples share the weights.
            let ratio = measured[l].activation.rms().powi(2) / predicted[l].mean_square;
            assert!((ratio - 1.0).abs() < 0.25, "layer {l}, skip {skip}: {ratio}");
            if l > 0 {
                let gain = (measured[l - 1].pull_rms / measured[l].pull_rms).powi(2);
                let ratio = gain / predicted[l].backward_gain;
                assert!((ratio - 1.0).abs() < 0.15, "layer {l}, skip {skip}: {ratio}");
            }
        }
    }
}

#[test]
fn balancedness_is_that_of_numpy_and_stands_still_along_the_gradient() {
    use Activation::{Identity, Relu, Tanh};
    let golden = golden();
    let golden = &golden["conserved"];
    let theta = numbers(&golden["theta"]);
    let network = Network::new(3).dense(4, Identity).dense(4, Relu).dense(2, Identity);
    let mut balancedness = Balancedness::new(&network, 0.0).unwrap();
    let mut values = vec![0.0; balancedness.len()];
    let size = balancedness.values(&theta, &mut values).unwrap();
    let expected = [numbers(&golden["identity"]), numbers(&golden["relu"])].concat();
    assert!(relative_error(&values, &expected) < 1e-14);
    assert!(size > gf_core::vector::norm(&values) * 0.5);
    // The derivative along −∇L, by central differences of a quadratic function: exact but for rounding.
    let samples = samples(2, 30, &network, &Loss::mse());
    let mut objective = network.objective(Loss::mse(), &samples, Batches::full()).unwrap();
    let mut gradient = vec![0.0; theta.len()];
    objective.value_and_gradient(&theta, &mut gradient).unwrap();
    let mut at = |t: f64| {
        let moved: Vec<f64> = theta.iter().zip(&gradient).map(|(x, g)| x + t * g).collect();
        balancedness.values(&moved, &mut values).unwrap();
        values.clone()
    };
    let (plus, minus) = (at(1e-3), at(-1e-3));
    let scale = gf_core::vector::norm(&theta) * gf_core::vector::norm(&gradient);
    assert!(plus.iter().zip(&minus).all(|(p, m)| ((p - m) / 2e-3).abs() < 1e-12 * scale));
    for (network, l2, found) in [
        (Network::new(2).dense(2, Tanh).dense(1, Identity), 0.0, "tanh, identity"),
        (Network::new(2).residual(Relu).dense(1, Identity), 0.0, "relu with skip, identity"),
        (Network::new(2).dense(2, Relu).dense(1, Identity), 0.1, "l2 = 0.1"),
        (Network::new(2).dense(1, Identity), 0.0, "found identity"),
    ] {
        let error = Balancedness::new(&network, l2).unwrap_err().to_string();
        assert!(error.contains("gradient flow conserves") && error.ends_with(found), "{error}");
    }
}
