//! Skip connections: what they mean, their keys, and matrices of many samples.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{normals, parameters, relative_error, samples, times};
use gf_core::{DenseHessian, GaussNewton, HessianProduct, Objective, SymmetricOperator, Triangle, check, vector::dot};
use gf_layers::{Activation, Batches, Initialization, Layer, Loss, Network, NetworkError};

#[test]
fn a_layer_parses_with_and_without_a_skip_connection() {
    let short = r#"{"units":3,"activation":"tanh"}"#;
    let plain = r#"{"units":3,"activation":"tanh","skip":false}"#;
    let skipped = r#"{"units":3,"activation":"tanh","skip":true}"#;
    for (text, skip, written) in [(short, false, plain), (plain, false, plain), (skipped, true, skipped)] {
        let layer: Layer = serde_json::from_str(text).unwrap();
        assert_eq!(layer, Layer { units: 3, activation: Activation::Tanh, skip });
        assert_eq!(serde_json::to_string(&layer).unwrap(), written);
    }
    let network: Network =
        toml::from_str("input = 2\n[[layers]]\nunits = 2\nactivation = \"relu\"\nskip = true").unwrap();
    assert_eq!(network, Network::new(2).residual(Activation::Relu));
}

#[test]
fn widths_must_agree() {
    let mut network = Network::new(2).dense(5, Activation::Tanh).dense(4, Activation::Tanh);
    network.layers[1].skip = true;
    let error = network.validate().unwrap_err();
    assert_eq!(error, NetworkError::Skip { layer: 2, inputs: 5, units: 4 });
    assert!(error.to_string().contains("layer 2 has a skip connection from 5 inputs to 4 units"), "{error}");
}

/// With Θ = 0 and f(0) = 0 a layer with a skip connection is the identity, its δ that of the next layer.
#[test]
fn without_weights_only_the_skip_connections_are_left() {
    let deep = Network::new(3).residual(Activation::Tanh).residual(Activation::Sin).residual(Activation::Elu);
    let inputs = normals(1, 3 * 5);
    assert_eq!(deep.predict(&vec![0.0; deep.dim()], &inputs).unwrap(), inputs);
}

#[test]
fn initialization_ignores_skip_connections() {
    let network = Network::new(3).residual(Activation::Tanh).residual(Activation::Relu);
    let mut plain = network.clone();
    plain.layers.iter_mut().for_each(|layer| layer.skip = false);
    let draw = |network: &Network| network.init(&Initialization::Auto, &mut gf_core::Streams::new(1).init());
    assert_eq!(draw(&network), draw(&plain));
}

#[test]
fn taylor_remainders_have_slope_two() {
    use Activation::{Gelu, Identity, Sin, Tanh};
    let network = Network::new(4).residual(Tanh).dense(6, Gelu).residual(Sin).residual(Identity).dense(3, Identity);
    let data = samples(1, 30, &network, &Loss::softmax_cross_entropy());
    let mut objective = network.objective(Loss::softmax_cross_entropy(), &data, Batches::full()).unwrap();
    let theta = parameters(1, &network);
    let v = normals(2, theta.len());
    let length = dot(&v, &v).sqrt();
    let direction: Vec<f64> = v.iter().map(|x| 0.3 * x / length).collect();
    let first = check::check_gradient(&mut objective, &theta, &direction).unwrap();
    assert!(first.passes(), "gradient: {first:?}");
    let second = check::check_hessian_product(&mut objective, &theta, &direction).unwrap();
    assert!(second.passes(), "hessian: {second:?}");
}

/// Two chunks, three directions at a time.
#[test]
fn blocks_of_products_are_the_products() {
    let network = Network::new(3).residual(Activation::Sigmoid).residual(Activation::Gelu).residual(Activation::Tanh);
    let data = samples(5, 200, &network, &Loss::mse());
    let theta = parameters(5, &network);
    let p = theta.len();
    let v = normals(6, 3 * p);
    let (mut block, mut single) = (vec![0.0; 3 * p], vec![0.0; p]);
    let mut objective = network.objective(Loss::mse(), &data, Batches::full()).unwrap();
    for gauss_newton in [false, true] {
        let at = if gauss_newton { objective.gauss_newton_at(&theta) } else { objective.hessian_at(&theta) };
        let mut at = at.unwrap();
        at.apply_block(3, &v, &mut block);
        for (v, column) in v.chunks_exact(p).zip(block.chunks_exact(p)) {
            at.apply(v, &mut single);
            assert!(relative_error(&single, column) < 1e-13);
        }
    }
}

/// 1100 samples are several chunks of the passes and two of a dense matrix; layers of more than twelve rows with two more behind them
/// take the form by units, the narrow ones that by pairs.
#[test]
fn matrices_agree_with_products_across_chunks() {
    use Activation::{Identity, Relu, Sigmoid, Tanh};
    let wide = Network::new(14).residual(Tanh).dense(15, Sigmoid).residual(Relu).residual(Tanh).dense(2, Identity);
    let narrow = Network::new(3).dense(5, Tanh).residual(Tanh).residual(Identity).dense(2, Sigmoid).residual(Tanh);
    for network in [wide, narrow] {
        let data = samples(3, 1100, &network, &Loss::mse());
        let theta = parameters(3, &network);
        let p = theta.len();
        let v = normals(4, p);
        let mut objective = network.objective(Loss::mse(), &data, Batches::full()).unwrap();
        let (mut gradient, mut product, mut matrix) = (vec![0.0; p], vec![0.0; p], vec![0.0; p * p]);
        let value = objective.value_and_gradient(&theta, &mut gradient).unwrap();
        assert_eq!(objective.value(&theta).unwrap().to_bits(), value.to_bits());
        objective.hessian_at(&theta).unwrap().apply(&v, &mut product);
        objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
        // Rounding of sums over 1100 samples in different orders.
        assert!(relative_error(&times(&matrix, &v), &product) < 1e-11);
        objective.gauss_newton_at(&theta).unwrap().apply(&v, &mut product);
        objective.dense_gauss_newton(&theta, Triangle::Both, &mut matrix).unwrap();
        assert!(relative_error(&times(&matrix, &v), &product) < 1e-11);
    }
}
