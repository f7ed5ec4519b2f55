//! What an objective keeps, its batches, and its messages.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{normals, parameters, samples};
use gf_core::{
    DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, Sample, Samples, Streams, SymmetricOperator,
    Targets, Triangle,
};
use gf_layers::{
    Activation, Batches, Initialization, LastBatch, Loss, LossFunction, Network, NetworkError, NetworkObjective,
};

fn network() -> Network {
    Network::new(3).dense(4, Activation::Tanh).dense(2, Activation::Identity)
}

fn objective(rows: usize, batches: Batches) -> NetworkObjective {
    let network = network();
    network.objective(Loss::mse(), &samples(1, rows, &network, &Loss::mse()), batches).unwrap()
}

#[test]
fn a_value_has_the_bits_of_the_value_with_gradient() {
    let mut objective = objective(700, Batches::full()).with_l2(0.2).unwrap();
    let theta = parameters(1, &network());
    let mut gradient = vec![0.0; theta.len()];
    let value = objective.value_and_gradient(&theta, &mut gradient).unwrap();
    assert_eq!(objective.value(&theta).unwrap().to_bits(), value.to_bits());
}

#[test]
fn a_point_is_linearized_once_and_trial_values_do_not_disturb_it() {
    let mut objective = objective(9, Batches::fixed(5));
    let (theta, other) = (parameters(1, &network()), parameters(2, &network()));
    let v = normals(3, theta.len());
    let (mut first, mut second) = (vec![0.0; theta.len()], vec![0.0; theta.len()]);
    objective.value_and_gradient(&theta, &mut first).unwrap();
    let mut at = objective.hessian_at(&theta).unwrap();
    assert!(at.is_fresh());
    at.apply(&v, &mut first);
    objective.value(&other).unwrap();
    let mut prediction = [0.0; 2];
    objective.predict(&other, &[1.0, 2.0, 3.0], &mut prediction).unwrap();
    let mut at = objective.hessian_at(&theta).unwrap();
    assert!(!at.is_fresh());
    at.apply(&v, &mut second);
    assert_eq!(first, second);
    assert!(!objective.gauss_newton_at(&theta).unwrap().is_fresh());
    assert_eq!(objective.begin_step(1), Sample::Unchanged);
    assert!(!objective.hessian_at(&theta).unwrap().is_fresh());
    // Without a gradient before it, the same bits.
    assert!(objective.hessian_at(&other).unwrap().is_fresh());
    let mut at = objective.hessian_at(&theta).unwrap();
    assert!(at.is_fresh());
    at.apply(&v, &mut second);
    assert_eq!(first, second);
    // Another batch forgets, and so does another function.
    assert_eq!(objective.begin_step(2), Sample::Changed);
    assert!(objective.hessian_at(&theta).unwrap().is_fresh());
    let mut objective = objective.with_l2(0.5).unwrap();
    assert!(objective.hessian_at(&theta).unwrap().is_fresh());
}

#[test]
fn the_lower_triangle_leaves_the_upper_one_alone() {
    let mut objective = objective(9, Batches::full());
    let theta = parameters(1, &network());
    let p = theta.len();
    let (mut lower, mut both) = (vec![7.0; p * p], vec![0.0; p * p]);
    objective.dense_hessian(&theta, Triangle::Lower, &mut lower).unwrap();
    objective.dense_hessian(&theta, Triangle::Both, &mut both).unwrap();
    for j in 0..p {
        for i in 0..p {
            assert_eq!(lower[i + j * p], if i >= j { both[i + j * p] } else { 7.0 });
        }
    }
}

#[test]
fn blocks_of_products_are_the_products() {
    let mut objective = objective(9, Batches::full());
    let theta = parameters(1, &network());
    let p = theta.len();
    let v = normals(3, 3 * p);
    let (mut block, mut single) = (vec![0.0; 3 * p], vec![0.0; p]);
    let mut at = objective.hessian_at(&theta).unwrap();
    at.apply_block(3, &v, &mut block);
    for (v, column) in v.chunks_exact(p).zip(block.chunks_exact(p)) {
        at.apply(v, &mut single);
        assert_eq!(single, column);
    }
}

#[test]
fn batches_are_a_pure_function_of_the_step() {
    for batches in [Batches::fixed(4), Batches::shuffled(4, Streams::new(3))] {
        let mut objective = objective(10, batches);
        assert_eq!(objective.batches_per_epoch(), 3);
        let forward: Vec<Vec<usize>> = (1..=9)
            .map(|step| {
                objective.begin_step(step);
                objective.batch_rows().to_vec()
            })
            .collect();
        for epoch in forward.chunks(3) {
            assert_eq!(epoch.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
            let mut seen = epoch.concat();
            seen.sort_unstable();
            assert_eq!(seen, (0..10).collect::<Vec<_>>());
        }
        for step in [1, 9, 5, 3, 8, 4, 2, 6, 7] {
            assert_eq!(objective.begin_step(step), Sample::Changed);
            assert_eq!(objective.begin_step(step), Sample::Unchanged);
            assert_eq!(objective.batch_rows(), forward[step as usize - 1]);
        }
    }
}

#[test]
fn the_rest_of_an_epoch_is_kept_dropped_or_merged() {
    use LastBatch::{Drop, Keep, Merge};
    // 10 samples: size, policy, lengths of the batches of an epoch.
    let cases: [(usize, LastBatch, &[usize]); 11] = [
        (4, Keep, &[4, 4, 2]),
        (4, Drop, &[4, 4]),
        (4, Merge, &[4, 6]),
        (3, Drop, &[3, 3, 3]),
        (3, Merge, &[3, 3, 4]),
        (5, Merge, &[5, 5]),
        (7, Drop, &[7]),
        (7, Merge, &[10]),
        (64, Drop, &[10]),
        (64, Merge, &[10]),
        (64, Keep, &[10]),
    ];
    for (size, last, lengths) in cases {
        for batches in [Batches::fixed(size), Batches::shuffled(size, Streams::new(3))].map(|b| b.with_last(last)) {
            let mut objective = objective(10, batches);
            assert_eq!(objective.batches_per_epoch(), lengths.len(), "{size} {last:?}");
            assert_eq!(batches.largest(10), *lengths.iter().max().unwrap());
            for epoch in 0..2 {
                let mut seen = Vec::new();
                for (slot, length) in lengths.iter().enumerate() {
                    let step = (epoch * lengths.len() + slot + 1) as u64;
                    objective.begin_step(step);
                    assert_eq!(objective.batch_len(), *length, "{size} {last:?}");
                    assert_eq!(batches.epoch(10, step), epoch as u64);
                    seen.extend_from_slice(objective.batch_rows());
                }
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), lengths.iter().sum::<usize>(), "each sample at most once an epoch");
            }
        }
    }
}

#[test]
fn orders_of_batches() {
    let mut fixed = objective(10, Batches::fixed(4));
    fixed.begin_step(5);
    assert_eq!(fixed.batch_rows(), [4, 5, 6, 7]);
    let mut shuffled = objective(100, Batches::shuffled(100, Streams::new(3)));
    let first = shuffled.batch_rows().to_vec();
    assert_ne!(first, (0..100).collect::<Vec<_>>());
    assert_eq!(shuffled.begin_step(2), Sample::Changed);
    assert_ne!(shuffled.batch_rows(), first);
    let mut full = objective(10, Batches::full());
    assert_eq!(full.begin_step(2), Sample::Unchanged);
    let mut whole = objective(10, Batches::fixed(64));
    assert_eq!((whole.batches_per_epoch(), whole.begin_step(7)), (1, Sample::Unchanged));
    assert_eq!((Batches::fixed(4).epoch(10, 3), Batches::fixed(4).epoch(10, 4)), (0, 1));
}

#[test]
fn a_batch_gives_what_its_samples_alone_give() {
    let network = network();
    let all = samples(1, 10, &network, &Loss::mse());
    let mut objective = network.objective(Loss::mse(), &all, Batches::shuffled(4, Streams::new(3))).unwrap();
    let theta = parameters(1, &network);
    // Larger to smaller to larger batches: buffers keep their size, results do not.
    for step in [1, 3, 2, 6] {
        objective.begin_step(step);
        let selected = all.select(objective.batch_rows());
        let mut alone = network.objective(Loss::mse(), &selected, Batches::full()).unwrap();
        let p = theta.len();
        let (mut a, mut b) = (vec![0.0; p * p], vec![0.0; p * p]);
        assert_eq!(objective.value(&theta), alone.value(&theta));
        objective.dense_gauss_newton(&theta, Triangle::Both, &mut a).unwrap();
        alone.dense_gauss_newton(&theta, Triangle::Both, &mut b).unwrap();
        assert_eq!(a, b);
        let ratio = objective.cost().value_and_gradient / alone.cost().value_and_gradient;
        assert_eq!(ratio, 1.0);
    }
}

#[test]
fn classes_are_their_one_hot_rows() {
    let network = Network::new(2).dense(3, Activation::Identity);
    let inputs = vec![1.0, 2.0, -1.0, 0.5];
    let classes = Samples::new(2, inputs.clone(), Targets::Classes { classes: 3, labels: vec![2, 0] }).unwrap();
    let values = Targets::Values { width: 3, values: vec![0.0, 0.0, 1.0, 1.0, 0.0, 0.0] };
    let rows = Samples::new(2, inputs, values).unwrap();
    let theta = parameters(1, &network);
    for loss in [Loss::mse(), Loss::bce_with_logits(), Loss::softmax_cross_entropy(), Loss::focal(2.0)] {
        let value = |samples| network.objective(loss.clone(), samples, Batches::full()).unwrap().value(&theta);
        assert_eq!(value(&classes), value(&rows));
    }
}

#[test]
fn losses_stay_finite_far_out() {
    let network = Network::new(1).dense(2, Activation::Identity);
    let samples = Samples::new(1, vec![1.0], Targets::Classes { classes: 2, labels: vec![0] }).unwrap();
    for loss in [Loss::bce_with_logits(), Loss::softmax_cross_entropy()] {
        let mut objective = network.objective(loss, &samples, Batches::full()).unwrap();
        let mut gradient = [0.0; 4];
        let wrong = objective.value_and_gradient(&[-800.0, 900.0, 0.0, 0.0], &mut gradient).unwrap();
        assert_eq!(wrong, 1700.0);
        assert_eq!(gradient, [-1.0, 1.0, -1.0, 1.0]);
        // ln(1 + e⁻³⁰) twice, or ln(1 + e⁻⁶⁰): nothing is lost to 1 − p.
        let right = objective.value(&[30.0, -30.0, 0.0, 0.0]).unwrap();
        let expected = if objective.loss().is_classification() { (-60f64).exp() } else { 2.0 * (-30f64).exp() };
        assert!((right - expected).abs() < 1e-12 * expected);
    }
}

#[test]
fn initializations() {
    let network = Network::new(50).dense(40, Activation::Relu).dense(30, Activation::Tanh);
    let draw = |init| network.init(&init, &mut Streams::new(5).init());
    let deviation = |x: &[f64]| (gf_core::vector::dot(x, x) / x.len() as f64).sqrt();
    let (weights, biases, second) = (0..2000, 2000..2040, 2040..3240);
    for (init, first_scale, second_scale, bias) in [
        (Initialization::Auto, (2.0f64 / 50.0).sqrt(), (2.0f64 / 70.0).sqrt(), 0.0),
        (Initialization::HeNormal, (2.0f64 / 50.0).sqrt(), (2.0f64 / 40.0).sqrt(), 0.0),
        (Initialization::XavierNormal, (2.0f64 / 90.0).sqrt(), (2.0f64 / 70.0).sqrt(), 0.0),
        (Initialization::Original, (2.0f64 / 50.0).sqrt(), (2.0f64 / 40.0).sqrt(), 0.01),
        (Initialization::Scale(0.3), 0.3, 0.3, 0.0),
    ] {
        let theta = draw(init);
        // Five standard errors of a deviation of 1200 numbers: 5/√2400.
        let near = |found: f64, expected: f64| (found - expected).abs() <= 0.1 * expected;
        assert!(near(deviation(&theta[weights.clone()]), first_scale), "{init:?}");
        assert!(near(deviation(&theta[second.clone()]), second_scale), "{init:?}");
        // 40 numbers: 5/√80.
        assert!((deviation(&theta[biases.clone()]) - bias).abs() <= 0.56 * bias, "{init:?}");
    }
    assert_eq!(draw(Initialization::Original), draw(Initialization::Original));
    let error = Initialization::Scale(-1.0).validate().unwrap_err();
    assert_eq!(error.to_string(), "scale is -1; expected a finite number of at least 0");
}

#[test]
fn misfits_are_named() {
    let network = network();
    let values = |width, values: Vec<f64>| Targets::Values { width, values };
    let samples = |width, inputs, targets| Samples::new(width, inputs, targets).unwrap();
    let good = samples(3, vec![0.0; 6], values(2, vec![0.0, 1.0, 1.0, 0.0]));
    let message = |network: &Network, loss: Loss, samples: &Samples, batches| {
        network.objective(loss, samples, batches).err().unwrap().to_string()
    };
    let with = |loss| message(&network, loss, &good, Batches::full());
    let softmax = |label_smoothing, class_weights| {
        Loss::from(LossFunction::SoftmaxCrossEntropy { label_smoothing, class_weights })
    };
    for (found, expected) in [
        (
            message(&Network::new(0), Loss::mse(), &good, Batches::full()),
            "the network has 0 inputs; expected at least 1",
        ),
        (
            message(&Network::new(3), Loss::mse(), &good, Batches::full()),
            "the network has no layers; expected at least one",
        ),
        (
            message(&network.clone().dense(0, Activation::Relu), Loss::mse(), &good, Batches::full()),
            "layer 3 has 0 units; expected at least 1",
        ),
        (message(&network, Loss::mse(), &good, Batches::fixed(0)), "the batch size is 0; expected at least 1"),
        (
            message(&network, Loss::mse(), &samples(2, vec![0.0; 2], values(2, vec![0.0; 2])), Batches::full()),
            "the network takes 3 inputs, the samples have 2",
        ),
        (
            message(&network, Loss::mse(), &samples(3, vec![0.0; 3], values(1, vec![0.0])), Batches::full()),
            "the network has 2 outputs, the targets have 1",
        ),
        (
            message(
                &network,
                Loss::softmax_cross_entropy(),
                &samples(3, vec![0.0; 6], values(2, vec![0.0, 1.0, 0.5, 0.5])),
                Batches::full(),
            ),
            "softmax_cross_entropy needs classes: target row 1 is not one-hot (one 1, all else 0)",
        ),
        (
            message(
                &network,
                Loss::bce_with_logits(),
                &samples(3, vec![0.0; 6], values(2, vec![0.0, 1.0, 0.5, 1.5])),
                Batches::full(),
            ),
            "bce_with_logits needs targets from 0 to 1: row 1, column 1 is 1.5",
        ),
        (
            with(LossFunction::BceWithLogits { pos_weight: 0.0 }.into()),
            "pos_weight is 0; expected a finite number above 0",
        ),
        (with(softmax(1.0, None)), "label_smoothing is 1; expected a number of at least 0 and below 1"),
        (with(softmax(f64::NAN, None)), "label_smoothing is NaN; expected a number of at least 0 and below 1"),
        (with(softmax(0.0, Some(vec![1.0]))), "class_weights: expected 2 numbers, one an output, found 1"),
        (with(softmax(0.0, Some(vec![1.0, -1.0]))), "a class weight is -1; expected a finite number of at least 0"),
        (
            with(softmax(0.0, Some(vec![0.0, 0.0]))),
            "class_weights: all samples have classes of weight 0; expected a positive total weight",
        ),
        (
            message(
                &Network::new(3).dense(1, Activation::Identity),
                Loss::softmax_cross_entropy(),
                &samples(3, vec![0.0; 3], values(1, vec![1.0])),
                Batches::full(),
            ),
            "softmax_cross_entropy needs at least 2 outputs, the network has 1",
        ),
        (network.predict(&[0.0; 5], &[0.0; 3]).unwrap_err().to_string(), "theta: expected 26 numbers, found 5"),
        (network.predict(&[0.0; 26], &[0.0; 4]).unwrap_err().to_string(), "inputs: 4 numbers do not fill rows of 3"),
        (
            "relou".parse::<Activation>().unwrap_err().to_string(),
            "no activation is called \"relou\"; expected one of identity, relu, leaky_relu, tanh, sigmoid, softplus, silu, \
             gelu, elu, sin",
        ),
    ] {
        assert_eq!(found, expected);
    }
    let objective = network.objective(Loss::mse(), &good, Batches::full()).unwrap();
    let error = objective.with_l2(-0.5).err().unwrap();
    assert_eq!(error, NetworkError::Parameter { name: "l2", expected: "a finite number of at least 0", found: -0.5 });
}

#[test]
fn wrong_lengths_are_errors() {
    let mut objective = objective(3, Batches::full());
    let theta = parameters(1, &network());
    let expected = |what, expected, found| EvalError::Length { what, expected, found };
    assert_eq!(objective.value(&[0.0]).unwrap_err(), expected("theta", 26, 1));
    assert_eq!(objective.value_and_gradient(&theta, &mut [0.0]).unwrap_err(), expected("gradient", 26, 1));
    assert_eq!(objective.hessian_at(&[]).err().unwrap(), expected("theta", 26, 0));
    assert_eq!(objective.gauss_newton_at(&[]).err().unwrap(), expected("theta", 26, 0));
    let error = objective.dense_hessian(&theta, Triangle::Lower, &mut [0.0]).unwrap_err();
    assert_eq!(error, expected("matrix", 676, 1));
    let error = objective.predict(&theta, &[0.0; 3], &mut [0.0; 3]).unwrap_err();
    assert_eq!(error, NetworkError::Length { what: "outputs", expected: 2, found: 3 });
}

#[test]
fn descriptions_read_and_write() {
    let text = r#"
        input = 2
        layers = [{ units = 3, activation = "leaky_relu" }, { units = 1, activation = "identity" }]
    "#;
    let network: Network = toml::from_str(text).unwrap();
    assert_eq!(network, Network::new(2).dense(3, Activation::LeakyRelu).dense(1, Activation::Identity));
    assert_eq!(toml::from_str::<Network>(&toml::to_string(&network).unwrap()).unwrap(), network);
    let error = toml::from_str::<Network>("input = 2\nlayers = []\nwidth = 1").unwrap_err();
    assert!(error.message().contains("unknown field `width`"), "{}", error.message());
    for activation in Activation::ALL {
        let json = serde_json::to_string(&activation).unwrap();
        assert_eq!(json, format!("\"{}\"", activation.name()));
    }
}

/// 2·12 + 12·6 products a sample in the first two layers, 3·6 when they are one: such layers are merged inside.
#[test]
fn derivatives_through_merged_layers_match_differences() {
    use Activation::{Identity, Tanh};
    let network = Network::new(2).dense(12, Identity).dense(6, Tanh).dense(4, Identity).dense(1, Identity);
    let data = samples(7, 40, &network, &Loss::mse());
    let theta = parameters(7, &network);
    let (p, step) = (theta.len(), 1e-5);
    let v = normals(8, p);
    let mut objective = network.objective(Loss::mse(), &data, Batches::full()).unwrap().with_l2(0.3).unwrap();

    // The loss, from loops over the layers as they are described.
    let mut loss = 0.15 * gf_core::vector::dot(&theta, &theta);
    for (x, y) in data.inputs().chunks_exact(2).zip(0..) {
        let (mut a, mut rest) = (x.to_vec(), &theta[..]);
        for layer in &network.layers {
            let (weights, after) = rest.split_at(a.len() * layer.units);
            let (bias, after) = after.split_at(layer.units);
            let z = (0..layer.units)
                .map(|j| bias[j] + a.iter().enumerate().map(|(k, a)| a * weights[k * layer.units + j]).sum::<f64>());
            a = z.map(|z| if layer.activation == Tanh { z.tanh() } else { z }).collect();
            rest = after;
        }
        let Targets::Values { values, .. } = data.targets() else { unreachable!("samples of a regression") };
        loss += (a[0] - values[y]).powi(2) / 40.0;
    }
    let mut gradient = vec![0.0; p];
    let value = objective.value_and_gradient(&theta, &mut gradient).unwrap();
    assert!((value - loss).abs() < 1e-13 * loss, "{value} {loss}");

    // Central differences of exact values: errors of order step² and of rounding over step, both about 1e-10.
    let moved = |sign: f64| -> Vec<f64> { theta.iter().zip(&v).map(|(t, v)| t + sign * step * v).collect() };
    let (mut ahead, mut behind) = (vec![0.0; p], vec![0.0; p]);
    let rise = objective.value_and_gradient(&moved(1.0), &mut ahead).unwrap()
        - objective.value_and_gradient(&moved(-1.0), &mut behind).unwrap();
    let slope = gf_core::vector::dot(&gradient, &v);
    assert!((rise / (2.0 * step) - slope).abs() < 1e-7 * slope.abs().max(1.0));
    let difference: Vec<f64> = ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2.0 * step)).collect();

    let (mut product, mut matrix) = (vec![0.0; p], vec![0.0; p * p]);
    objective.hessian_at(&theta).unwrap().apply(&v, &mut product);
    assert!(common::relative_error(&product, &difference) < 1e-7);
    objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
    assert!(common::relative_error(&common::times(&matrix, &v), &product) < 1e-13);
    objective.gauss_newton_at(&theta).unwrap().apply(&v, &mut product);
    objective.dense_gauss_newton(&theta, Triangle::Both, &mut matrix).unwrap();
    assert!(common::relative_error(&common::times(&matrix, &v), &product) < 1e-13);
}
