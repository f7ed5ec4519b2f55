//! Consistency of all derivatives on random networks, losses and batches.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{normals, parameters, relative_error, samples, times};
use gf_core::{DenseHessian, GaussNewton, HessianProduct, Samples, SymmetricOperator, Triangle, check, vector::dot};
use gf_layers::{Activation, Batches, Loss, LossFunction, Network, NetworkObjective, Reduction};
use proptest::prelude::*;

fn activations() -> impl Strategy<Value = Activation> {
    prop::sample::select(Activation::ALL.to_vec())
}

/// One to four layers of one to fourteen units: narrow and wide enough for both forms of the far blocks. Every third has a skip
/// connection and the width of the one before.
fn networks() -> impl Strategy<Value = Network> {
    let is_skip = || prop::bool::weighted(1.0 / 3.0);
    let layers = prop::collection::vec((1usize..15, activations(), is_skip()), 1..5);
    let last = (2usize..4, activations(), is_skip());
    (1usize..5, layers, last).prop_map(|(input, layers, (outputs, f, skip))| {
        let network = layers.into_iter().fold(Network::new(input), |network, (units, f, skip)| {
            if skip { network.residual(f) } else { network.dense(units, f) }
        });
        // The softmax needs two outputs.
        if skip && network.outputs() > 1 { network.residual(f) } else { network.dense(outputs, f) }
    })
}

/// The number of the loss that is not convex in the outputs.
const FOCAL: usize = 5;

/// The last one has a gradient with a kink.
fn loss(which: usize, outputs: usize) -> Loss {
    match which {
        0 => Loss::mse(),
        1 => Loss::half_mse().with_reduction(Reduction::Sum),
        2 => LossFunction::BceWithLogits { pos_weight: 2.5 }.into(),
        3 => Loss::softmax_cross_entropy(),
        4 => {
            let class_weights = Some((0..outputs).map(|c| 0.5 + c as f64).collect());
            LossFunction::SoftmaxCrossEntropy { label_smoothing: 0.2, class_weights }.into()
        }
        FOCAL => Loss::focal(1.5),
        _ => Loss::huber(0.8),
    }
}

fn problem(network: &Network, which: usize, rows: usize, l2: f64, seed: u64) -> (NetworkObjective, Vec<f64>) {
    let loss = loss(which, network.outputs());
    let mut network = network.clone();
    if loss.validate(&network).is_err() {
        // A sigmoid before a loss of logits.
        network.layers.last_mut().unwrap().activation = Activation::Tanh;
    }
    let network = &network;
    let samples = samples(seed, rows, network, &loss);
    let objective = network.objective(loss, &samples, Batches::full()).unwrap().with_l2(l2).unwrap();
    (objective, parameters(seed, network))
}

/// Rounding of sums over up to 300 samples in different orders.
const TOLERANCE: f64 = 1e-11;

fn symmetric(matrix: &[f64], p: usize) -> bool {
    (0..p).all(|i| (0..p).all(|j| matrix[i + j * p].to_bits() == matrix[j + i * p].to_bits()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn products_and_matrices_agree(
        network in networks(),
        which in 0usize..7,
        rows in prop_oneof![1usize..20, 250usize..300],
        l2 in prop_oneof![Just(0.0), Just(0.3)],
        seed in 0u64..1000,
    ) {
        let (mut objective, theta) = problem(&network, which, rows, l2, seed);
        let p = theta.len();
        let (v, w) = (normals(seed + 1, p), normals(seed + 2, p));
        let mut matrix = vec![f64::NAN; p * p];
        let (mut hv, mut hw, mut sum) = (vec![0.0; p], vec![0.0; p], vec![0.0; p]);
        for gauss_newton in [false, true] {
            let mut at = if gauss_newton {
                objective.gauss_newton_at(&theta).unwrap()
            } else {
                objective.hessian_at(&theta).unwrap()
            };
            at.apply(&v, &mut hv);
            at.apply(&w, &mut hw);
            // Symmetry and linearity of the products.
            let (left, right) = (dot(&w, &hv), dot(&v, &hw));
            prop_assert!((left - right).abs() <= TOLERANCE * dot(&hv, &hv).sqrt() * dot(&w, &w).sqrt() + 1e-300);
            let combination: Vec<f64> = v.iter().zip(&w).map(|(v, w)| 2.0 * v - 0.5 * w).collect();
            at.apply(&combination, &mut sum);
            let expected: Vec<f64> = hv.iter().zip(&hw).map(|(v, w)| 2.0 * v - 0.5 * w).collect();
            prop_assert!(relative_error(&sum, &expected) < 100.0 * TOLERANCE);
            if gauss_newton {
                objective.dense_gauss_newton(&theta, Triangle::Both, &mut matrix).unwrap();
                if which != FOCAL {
                    prop_assert!(dot(&v, &times(&matrix, &v)) >= -TOLERANCE * dot(&v, &v), "G is not negative");
                }
            } else {
                objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
            }
            prop_assert!(symmetric(&matrix, p));
            prop_assert!(relative_error(&times(&matrix, &v), &hv) < TOLERANCE, "matrix against product");
        }
    }

    #[test]
    fn taylor_remainders_have_slope_two(network in networks(), which in 0usize..=FOCAL, rows in 1usize..20, seed in 0u64..1000) {
        let smooth = |mut network: Network| {
            for layer in &mut network.layers {
                // elu has a kink in f', where the second expansion breaks.
                if !layer.activation.is_smooth() || layer.activation == Activation::Elu {
                    layer.activation = Activation::Tanh;
                }
            }
            network
        };
        let network = smooth(network);
        let (mut objective, theta) = problem(&network, which, rows, 0.1, seed);
        let v = normals(seed + 1, theta.len());
        let length = dot(&v, &v).sqrt();
        let direction: Vec<f64> = v.iter().map(|x| 0.3 * x / length).collect();
        let first = check::check_gradient(&mut objective, &theta, &direction).unwrap();
        prop_assert!(first.passes(), "gradient: {:?}", first);
        let second = check::check_hessian_product(&mut objective, &theta, &direction).unwrap();
        prop_assert!(second.passes(), "hessian: {:?}", second);
        let u = normals(seed + 2, theta.len());
        let third = check::check_curvature_gradient(&mut objective, &theta, &direction, &u).unwrap();
        prop_assert!(third.passes(), "third derivative: {:?}", third);
    }
}

#[test]
fn the_original_network_agrees_with_its_products() {
    let network = common::original_network();
    assert_eq!(network.dim(), 2161);
    let (mut objective, theta) = problem(&network, 0, 64, 0.0, 3);
    let v = normals(1, 2161);
    let (mut product, mut matrix) = (vec![0.0; 2161], vec![0.0; 2161 * 2161]);
    objective.hessian_at(&theta).unwrap().apply(&v, &mut product);
    objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
    assert!(relative_error(&times(&matrix, &v), &product) < TOLERANCE);
    objective.gauss_newton_at(&theta).unwrap().apply(&v, &mut product);
    objective.dense_gauss_newton(&theta, Triangle::Both, &mut matrix).unwrap();
    assert!(relative_error(&times(&matrix, &v), &product) < TOLERANCE);
}

#[test]
fn tensors_wider_than_a_panel_agree_with_products() {
    // 40·41/2 packed columns of 256 samples and several chunks: every loop over panels turns more than once.
    use Activation::{Identity, Sigmoid, Tanh};
    let network = Network::new(5).dense(40, Tanh).dense(30, Sigmoid).dense(20, Tanh).dense(3, Identity);
    let (mut objective, theta) = problem(&network, 3, 600, 0.0, 4);
    let p = theta.len();
    let v = normals(1, p);
    let (mut product, mut matrix) = (vec![0.0; p], vec![0.0; p * p]);
    objective.hessian_at(&theta).unwrap().apply(&v, &mut product);
    objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
    assert!(relative_error(&times(&matrix, &v), &product) < TOLERANCE);
}

/// What the dense matrices leave out is not left out by the products.
#[test]
fn zeros_of_inputs_and_units_agree_with_products() {
    use Activation::{Identity, Relu, Tanh};
    let network = Network::new(19).dense(14, Relu).dense(11, Tanh).dense(9, Relu).dense(3, Identity);
    let rows = 333;
    for rate in [0.0, 0.3, 0.9, 1.0] {
        let full = samples(8, rows, &network, &Loss::softmax_cross_entropy());
        let inputs = full.inputs();
        // Each input is 0 in another part of the samples; the first ones also where all others are not.
        let chosen: Vec<f64> = normals(9, inputs.len()).iter().map(|x| (1e3 * x).rem_euclid(1.0)).collect();
        let sparse = inputs.iter().zip(chosen).enumerate().map(|(k, (x, u))| {
            let rate = if k % 19 < 4 { 1.0 - rate } else { rate };
            if u < rate { 0.0 } else { *x }
        });
        let data = Samples::new(19, sparse.collect(), full.targets().clone()).unwrap();
        let mut objective = network.objective(Loss::softmax_cross_entropy(), &data, Batches::full()).unwrap();
        let theta = parameters(8, &network);
        let p = theta.len();
        let v = normals(1, p);
        let (mut product, mut matrix) = (vec![0.0; p], vec![0.0; p * p]);
        objective.hessian_at(&theta).unwrap().apply(&v, &mut product);
        objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
        assert!(symmetric(&matrix, p));
        assert!(relative_error(&times(&matrix, &v), &product) < TOLERANCE);
        objective.gauss_newton_at(&theta).unwrap().apply(&v, &mut product);
        objective.dense_gauss_newton(&theta, Triangle::Both, &mut matrix).unwrap();
        assert!(relative_error(&times(&matrix, &v), &product) < TOLERANCE);
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    use Activation::{Identity, Tanh};
    let plain = Network::new(13).dense(17, Tanh).dense(14, Tanh).dense(9, Tanh).dense(2, Identity);
    let deep = Network::new(13).residual(Tanh).dense(14, Tanh).residual(Tanh).residual(Identity).dense(2, Identity);
    for (network, loss) in [(plain, 4), (deep.residual(Tanh), 4), (common::original_network(), 0)] {
        same_bits_on_any_number_of_threads(&network, loss);
    }
}

fn same_bits_on_any_number_of_threads(network: &Network, loss: usize) {
    let matrices = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut objective, theta) = problem(network, loss, 300, 0.1, 5);
            let mut matrix = vec![0.0; theta.len() * theta.len()];
            objective.dense_hessian(&theta, Triangle::Lower, &mut matrix).unwrap();
            matrix
        })
    });
    assert!(network.dim() >= 256, "wide enough to run in parallel");
    let bits = |matrix: &[f64]| matrix.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&matrices[0]), bits(&matrices[1]));
    assert_eq!(bits(&matrices[0]), bits(&matrices[2]));
}
