//! One step of every method on the original network (p = 2161, 64 samples) and on digits (p = 2410, 256 samples of noise): `step/METHOD/CASE`.
//!
//! Prints the relative residual of each linear solve, or what the step met, beside the time, so that speed is not bought with accuracy.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that unwraps an error fails, and it reports beside the time"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use gf_core::{Samples, Streams, Targets, standard_normal};
use gf_layers::Activation::{Identity, Relu, Tanh};
use gf_layers::{Batches, Initialization, Loss, Network, NetworkObjective};
use gf_optim::control::Constant;
use gf_optim::registry::{AnyObjective, MethodSettings};
use gf_optim::{Budget, integrate};

struct Case {
    name: &'static str,
    objective: NetworkObjective,
    theta: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let mut rng = Streams::new(1).data();
    let mut normal = |count: usize| -> Vec<f64> { (0..count).map(|_| standard_normal(&mut rng)).collect() };
    let original = Network::new(2)
        .dense(50, Identity)
        .dense(30, Relu)
        .dense(10, Relu)
        .dense(10, Relu)
        .dense(5, Identity)
        .dense(1, Identity);
    let values = Samples::new(2, normal(128), Targets::Values { width: 1, values: normal(64) }).unwrap();
    let digits = Network::new(64).dense(32, Tanh).dense(10, Identity);
    let labels = (0..256).map(|k| k % 10).collect();
    let classes = Samples::new(64, normal(64 * 256), Targets::Classes { classes: 10, labels }).unwrap();
    [("A", original, Loss::mse(), values), ("B", digits, Loss::softmax_cross_entropy(), classes)]
        .into_iter()
        .map(|(name, network, loss, samples)| Case {
            name,
            objective: network.objective(loss, &samples, Batches::full()).unwrap(),
            theta: network.init(&Initialization::Original, &mut Streams::new(2).init()),
        })
        .collect()
}

fn steps(criterion: &mut Criterion) {
    let methods = [
        "explicit = { h = 0.01 }",
        "implicit = { h = 0.05, indefinite = \"accept\" }",
        "implicit = { h = 0.05, indefinite = \"accept\", solver = \"lblt\" }",
        "newton = { ascent = \"accept\" }",
    ];
    for mut case in cases() {
        for text in methods {
            let settings: MethodSettings = toml::from_str(text).unwrap();
            let mut method = settings.build().unwrap();
            let h = if text.contains("0.05") { 0.05 } else { 0.01 };
            let mut step = || {
                let theta = case.theta.clone();
                integrate(
                    &mut case.objective as &mut AnyObjective,
                    &mut *method,
                    &mut Constant::new(h),
                    &mut [],
                    theta,
                    &Budget::steps(1),
                )
                .unwrap()
            };
            let outcome = step();
            println!(
                "{text}: {} after {} products, {} factorizations",
                outcome.stop, outcome.work.products, outcome.work.factorizations
            );
            let solver = if text.contains("lblt") { "-lblt" } else { "" };
            let id = format!("step/{}{solver}/{}", settings.info().name, case.name);
            criterion.bench_function(&id, |bencher| bencher.iter(&mut step));
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = steps
}
criterion_main!(benches);
