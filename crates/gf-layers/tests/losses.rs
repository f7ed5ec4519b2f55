//! Losses far out and at their edges, their reductions, and what they refuse.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{normals, parameters, relative_error, samples};
use gf_core::{
    DenseHessian, GaussNewton, HessianProduct, Objective, Samples, SymmetricOperator, Targets, ThirdDerivative,
    Triangle,
};
use gf_layers::{
    Activation, Batches, Loss, LossFunction, Network, NetworkError, NetworkObjective, Reduction, SignalProbe,
};
use serde_json::{Value, json};

/// The outputs are the biases: the weights are 0.
fn biases_alone(loss: Loss, target: &[f64]) -> NetworkObjective {
    let outputs = target.len();
    let network = Network::new(1).dense(outputs, Activation::Identity);
    let targets = Targets::Values { width: outputs, values: target.to_vec() };
    network.objective(loss, &Samples::new(1, vec![0.0], targets).unwrap(), Batches::full()).unwrap()
}

fn behind_weights(biases: &[f64]) -> Vec<f64> {
    [vec![0.0; biases.len()], biases.to_vec()].concat()
}

/// The cross-entropy rounds 1 − p beside 1 where a class is certain; `focal` does not, as its factor (1 − p)^γ would show it.
fn loses_tails(loss: &Loss) -> bool {
    matches!(loss.function, LossFunction::SoftmaxCrossEntropy { .. })
}

/// Value, gradient, Hessian and third derivative along u and v in the outputs.
fn derivatives(objective: &mut NetworkObjective, o: &[f64], u: &[f64], v: &[f64]) -> [Vec<f64>; 4] {
    let (k, theta) = (o.len(), behind_weights(o));
    let p = 2 * k;
    let (mut gradient, mut matrix, mut third) = (vec![0.0; p], vec![0.0; p * p], vec![0.0; p]);
    let value = objective.value_and_gradient(&theta, &mut gradient).unwrap();
    objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
    objective.curvature_gradient(&theta, &behind_weights(u), &behind_weights(v), &mut third).unwrap();
    let hessian: Vec<f64> = matrix[k * p..].chunks(p).flat_map(|column| column[k..].to_vec()).collect();
    let largest = hessian.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let room = if loses_tails(objective.loss()) { largest.max(1.0) } else { largest };
    let mut product = vec![0.0; p];
    for (direction, column) in hessian.chunks(k).enumerate() {
        let unit: Vec<f64> = (0..p).map(|i| f64::from(i == k + direction)).collect();
        objective.hessian_at(&theta).unwrap().apply(&unit, &mut product);
        // Some roundings of the largest entry; the softmax loses 1 − p beside 1.
        let near = |x: &[f64]| x.iter().zip(column).all(|(x, y)| (x - y).abs() <= 1e-14 * room);
        assert!(near(&product[k..]), "{o:?}: {product:?} {column:?}");
        objective.gauss_newton_at(&theta).unwrap().apply(&unit, &mut product);
        assert!(near(&product[k..]), "{o:?}: {product:?} {column:?}");
    }
    [vec![value], gradient[k..].to_vec(), hessian, third[k..].to_vec()]
}

#[test]
fn losses_far_out_match_four_thousand_digits() {
    let path = format!("{}/tests/golden/losses-far.json", env!("CARGO_MANIFEST_DIR"));
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let numbers = |value: &Value| -> Vec<f64> {
        value
            .as_array()
            .map_or_else(|| vec![value.as_f64().unwrap()], |x| x.iter().map(|x| x.as_f64().unwrap()).collect())
    };
    let (u, v) = (numbers(&golden["u"]), numbers(&golden["v"]));
    for case in golden["cases"].as_array().unwrap() {
        let mut settings = case["loss"].as_object().unwrap().clone();
        let kind = settings.remove("kind").unwrap();
        let loss: Loss = serde_json::from_value(json!({ kind.as_str().unwrap(): settings })).unwrap();
        let (o, y) = (numbers(&case["o"]), numbers(&case["y"]));
        let loses_tails = loses_tails(&loss);
        let found = derivatives(&mut biases_alone(loss, &y), &o, &u, &v);
        for (what, found) in ["value", "gradient", "hessian", "third"].iter().zip(found) {
            let expected = numbers(&case[*what]);
            let largest = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (found, expected) in found.iter().zip(&expected) {
                // A dozen operations on numbers with a rounding each, the largest of which the differences of others may be small beside.
                let room = 2e-14 * if loses_tails { largest.max(1.0) } else { largest };
                let error = (found - expected).abs();
                assert!(error <= room + 1e-300, "{} {what} at {o:?}: {found:e}, expected {expected:e}", case["loss"]);
            }
        }
    }
}

#[test]
fn focal_without_focus_is_the_cross_entropy() {
    let network = Network::new(3).dense(6, Activation::Tanh).dense(4, Activation::Identity);
    let data = samples(1, 300, &network, &Loss::softmax_cross_entropy());
    let theta = parameters(1, &network);
    let p = theta.len();
    let v = normals(2, p);
    let [focal, entropy] = [Loss::focal(0.0), Loss::softmax_cross_entropy()].map(|loss| {
        let mut objective = network.objective(loss, &data, Batches::full()).unwrap();
        let (mut gradient, mut third, mut matrix) = (vec![0.0; p], vec![0.0; p], vec![0.0; p * p]);
        let value = objective.value_and_gradient(&theta, &mut gradient).unwrap();
        objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
        objective.curvature_gradient(&theta, &v, &theta, &mut third).unwrap();
        [vec![value], gradient, matrix, third]
    });
    for (focal, entropy) in focal.iter().zip(&entropy) {
        assert!(relative_error(focal, entropy) < 1e-13);
    }
}

/// With two classes the curvature changes sign where 1 + 2γ + γ q + γ² p κ = 0, q = ln p and κ = −q/(1 − p): the roots are scipy's.
#[test]
fn focal_is_not_convex_in_the_outputs_where_it_is_surely_wrong() {
    for (gamma, root) in [(0.5, -4.036287), (1.0, -3.141864), (2.0, -2.849964), (5.0, -2.991023)] {
        let mut objective = biases_alone(Loss::focal(gamma), &[1.0, 0.0]);
        let mut along = |q: f64| {
            let d = -((-q).exp_m1().ln());
            let [_, _, hessian, _] = derivatives(&mut objective, &[d, 0.0], &[1.0, 0.0], &[1.0, 0.0]);
            hessian[0]
        };
        assert!(along(root + 1e-5) > 0.0 && along(root - 1e-5) < 0.0, "{gamma}");
    }
}

#[test]
fn huber_changes_at_delta_and_grows_linearly() {
    let mut objective = biases_alone(Loss::huber(0.5), &[0.0, 0.0, 0.0, 0.0]);
    let u = [1.0; 4];
    let [value, gradient, hessian, third] = derivatives(&mut objective, &[0.25, -0.5, 1.0, -1e300], &u, &u);
    assert_eq!(value, [0.5 * 0.0625 + 0.125 + 0.5 * 0.75 + 0.5 * 1e300]);
    assert_eq!(gradient, [0.25, -0.5, 0.5, -0.5]);
    let diagonal: Vec<f64> = hessian.iter().step_by(5).copied().collect();
    assert_eq!(diagonal, [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(hessian.iter().sum::<f64>(), 2.0);
    assert_eq!(third, [0.0; 4]);
}

fn all() -> [Loss; 7] {
    let class_weights = Some(vec![0.5, 2.0, 1.25]);
    [
        Loss::mse(),
        Loss::half_mse(),
        Loss::huber(0.7),
        Loss::from(LossFunction::BceWithLogits { pos_weight: 2.5 }),
        Loss::softmax_cross_entropy(),
        Loss::from(LossFunction::SoftmaxCrossEntropy { label_smoothing: 0.2, class_weights }),
        Loss::focal(2.0),
    ]
}

/// n times the mean, or the total weight times it, in every derivative; l2 is not summed.
#[test]
fn a_sum_is_the_mean_times_the_batch() {
    let network = Network::new(2).dense(5, Activation::Tanh).dense(3, Activation::Identity);
    let (theta, rows) = (parameters(1, &network), 300);
    let p = theta.len();
    let v = normals(2, p);
    for loss in all() {
        let data = samples(1, rows, &network, &loss);
        let (size, batches) = (64, Batches::fixed(64));
        let [mean, sum] = [Reduction::Mean, Reduction::Sum].map(|reduction| {
            let loss = loss.clone().with_reduction(reduction);
            let mut objective = network.objective(loss, &data, batches).unwrap();
            objective.begin_step(2);
            let (mut gradient, mut third, mut matrix) = (vec![0.0; p], vec![0.0; p], vec![0.0; p * p]);
            let value = objective.value_and_gradient(&theta, &mut gradient).unwrap();
            objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
            objective.curvature_gradient(&theta, &v, &theta, &mut third).unwrap();
            let mut product = vec![0.0; p];
            objective.gauss_newton_at(&theta).unwrap().apply(&v, &mut product);
            let penalized = objective.with_l2(0.5).unwrap().value(&theta).unwrap() - value;
            assert!((penalized - 0.25 * gf_core::vector::dot(&theta, &theta)).abs() < 1e-10 * value);
            [vec![value], gradient, matrix, third, product].concat()
        });
        let total = match (&loss.function, data.targets()) {
            (
                LossFunction::SoftmaxCrossEntropy { class_weights: Some(weights), .. },
                Targets::Classes { labels, .. },
            ) => labels[size..2 * size].iter().map(|label| weights[*label as usize]).sum(),
            _ => size as f64,
        };
        let scaled: Vec<f64> = mean.iter().map(|x| total * x).collect();
        assert!(relative_error(&sum, &scaled) < 1e-13, "{}", loss.name());
    }
}

/// Means over batches of one size average to the mean over all of them; sums add up to the sum, whatever the sizes.
#[test]
fn sums_of_batches_add_up() {
    let network = Network::new(2).dense(3, Activation::Identity);
    let theta = parameters(1, &network);
    for loss in all().map(|loss| loss.with_reduction(Reduction::Sum)) {
        let data = samples(1, 50, &network, &loss);
        let whole = network.objective(loss.clone(), &data, Batches::full()).unwrap().value(&theta).unwrap();
        let mut objective = network.objective(loss, &data, Batches::fixed(16)).unwrap();
        let parts = (1..=4).map(|step| {
            objective.begin_step(step);
            objective.value(&theta).unwrap()
        });
        let sum: f64 = parts.sum();
        assert!((sum - whole).abs() < 1e-13 * whole);
    }
}

#[test]
fn probabilities_before_a_loss_of_logits_are_refused() {
    use Activation::{Identity, Sigmoid, Tanh};
    let hidden = Network::new(2).dense(3, Sigmoid);
    for loss in all() {
        let squashed = hidden.clone().dense(3, Sigmoid);
        let data = samples(1, 5, &squashed, &loss);
        let fits = |network: &Network| network.objective(loss.clone(), &data, Batches::full()).is_ok();
        assert_eq!(fits(&squashed), !loss.takes_logits(), "{}", loss.name());
        assert!(fits(&hidden.clone().dense(3, Identity)) && fits(&hidden.clone().dense(3, Tanh)));
        // a + σ(z) is confined to no interval.
        assert!(fits(&hidden.clone().residual(Sigmoid)));
        let probe = SignalProbe::new(&squashed, loss.clone(), data.clone().into(), 0.0).err();
        let expected = NetworkError::TwoSquashings { layer: 2, activation: "sigmoid", loss: loss.name() };
        assert_eq!(probe, loss.takes_logits().then_some(expected));
    }
    let error = Loss::focal(2.0).validate(&hidden).unwrap_err().to_string();
    assert_eq!(
        error,
        "layer 1 ends in sigmoid, and focal makes probabilities of the outputs itself: squashed twice they cannot come near 0 or 1, and the \
         gradient vanishes where the first squashing saturates; expected outputs that are logits: activation = \"identity\" in layer 1, or a \
         loss of the outputs as they are, such as mse"
    );
}

#[test]
fn settings_out_of_range_are_named() {
    let network = Network::new(2).dense(2, Activation::Identity);
    let message = |loss: Loss| loss.validate(&network).unwrap_err().to_string();
    for (loss, expected) in [
        (Loss::huber(0.0), "delta is 0; expected a finite number above 0"),
        (Loss::huber(f64::INFINITY), "delta is inf; expected a finite number above 0"),
        (Loss::focal(-1.0), "gamma is -1; expected a finite number of at least 0"),
        (Loss::focal(f64::NAN), "gamma is NaN; expected a finite number of at least 0"),
    ] {
        assert_eq!(message(loss), expected);
    }
    let single = Network::new(2).dense(1, Activation::Identity);
    let error = Loss::focal(2.0).validate(&single).unwrap_err().to_string();
    assert_eq!(error, "focal needs at least 2 outputs, the network has 1");
    let targets = Targets::Values { width: 2, values: vec![0.5, 0.5] };
    let data = Samples::new(2, vec![0.0; 2], targets).unwrap();
    let error = network.objective(Loss::focal(2.0), &data, Batches::full()).err().unwrap().to_string();
    assert_eq!(error, "focal needs classes: target row 0 is not one-hot (one 1, all else 0)");
}

#[test]
fn descriptions_read_and_write() {
    #[derive(serde::Deserialize)]
    struct Study {
        loss: Loss,
    }
    let loss = |text: &str| toml::from_str::<Study>(text).map(|study| study.loss);
    for name in Loss::NAMES {
        assert_eq!(loss(&format!("loss = '{name}'")).unwrap().name(), name);
        let empty = loss(&format!("[loss.{name}]")).unwrap();
        assert_eq!(empty, loss(&format!("loss = '{name}'")).unwrap());
        let sum = loss(&format!("[loss.{name}]\nreduction = 'sum'")).unwrap();
        assert_eq!(sum, empty.with_reduction(Reduction::Sum));
        assert_eq!(serde_json::from_str::<Loss>(&serde_json::to_string(&sum).unwrap()).unwrap(), sum);
    }
    let bce = LossFunction::BceWithLogits { pos_weight: 3.0 };
    assert_eq!(loss("[loss.bce_with_logits]\npos_weight = 3.0").unwrap(), bce.into());
    assert_eq!(loss("loss = 'focal'").unwrap(), Loss::focal(2.0));
    assert_eq!(loss("[loss.focal]\ngamma = 0.5").unwrap(), Loss::focal(0.5));
    assert_eq!(loss("[loss.huber]\ndelta = 0.5").unwrap(), Loss::huber(0.5));
    for text in all().map(|loss| (serde_json::to_string(&loss).unwrap(), loss)) {
        assert_eq!(serde_json::from_str::<Loss>(&text.0).unwrap(), text.1);
    }
    for (text, part) in [
        ("loss = 'mes'", "unknown variant `mes`, expected one of `mse`, `half_mse`, `huber`"),
        ("[loss.bce_with_logits]\nweight = 3.0", "unknown field `weight`, expected `pos_weight` or `reduction`"),
        ("[loss.huber]\ngamma = 3.0", "unknown field `gamma`, expected `delta` or `reduction`"),
        ("[loss.mse]\nreduction = 'none'", "unknown variant `none`, expected `mean` or `sum`"),
        ("loss = 3", "expected the name of a loss (mse, half_mse"),
    ] {
        let error = loss(text).unwrap_err();
        assert!(error.message().contains(part), "{}", error.message());
    }
}
