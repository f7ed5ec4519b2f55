//! Prints milliseconds of values, gradients, products and dense Hessians on a few networks: `cargo run --release --example timing`.
//! Set RAYON_NUM_THREADS to choose the number of threads.

#![allow(clippy::print_stdout, reason = "an example that reports")]

use std::{error::Error, hint::black_box, time::Instant};

use gf_core::standard_normal;
use gf_core::{
    DenseHessian, GaussNewton, HessianProduct, Objective, Samples, Streams, SymmetricOperator, Targets, Triangle,
};
use gf_layers::{Activation, Batches, Initialization, Loss, Network};

/// The median of the times of `repetitions` runs after a first one, in milliseconds.
fn milliseconds(repetitions: usize, mut run: impl FnMut()) -> f64 {
    run();
    let mut times: Vec<f64> = (0..repetitions)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[repetitions / 2]
}

fn report(name: &str, network: &Network, loss: Loss, rows: usize, matrix: bool) -> Result<(), Box<dyn Error>> {
    let mut rng = Streams::new(0).data();
    let mut numbers = |len: usize| -> Vec<f64> { (0..len).map(|_| standard_normal(&mut rng)).collect() };
    let outputs = network.outputs();
    let targets = if loss.is_classification() {
        Targets::Classes { classes: outputs, labels: (0..rows).map(|i| (i * 7 % outputs) as u32).collect() }
    } else {
        Targets::Values { width: outputs, values: numbers(rows * outputs) }
    };
    let samples = Samples::new(network.input, numbers(rows * network.input), targets)?;
    let v = numbers(network.dim());
    let mut objective = network.objective(loss, &samples, Batches::full())?;
    let theta = network.init(&Initialization::Original, &mut Streams::new(0).init());
    let p = objective.dim();
    let mut out = vec![0.0; p];

    let value = milliseconds(200, || {
        black_box(objective.value(&theta).is_ok());
    });
    let gradient = milliseconds(200, || {
        black_box(objective.value_and_gradient(&theta, &mut out).is_ok());
    });
    let mut at = objective.hessian_at(&theta)?;
    let hessian_product = milliseconds(100, || at.apply(&v, &mut out));
    let mut at = objective.gauss_newton_at(&theta)?;
    let gauss_newton_product = milliseconds(100, || at.apply(&v, &mut out));
    println!("{name}: p = {p}, n = {rows}, {} threads", rayon::current_num_threads());
    println!("  value {value:.4}  gradient {gradient:.4}  Hv {hessian_product:.4}  Gv {gauss_newton_product:.4}");
    if matrix {
        let mut dense = vec![0.0; p * p];
        let lower = milliseconds(9, || {
            black_box(objective.dense_hessian(&theta, Triangle::Lower, &mut dense).is_ok());
        });
        let both = milliseconds(9, || {
            black_box(objective.dense_hessian(&theta, Triangle::Both, &mut dense).is_ok());
        });
        let gauss_newton = milliseconds(9, || {
            black_box(objective.dense_gauss_newton(&theta, Triangle::Lower, &mut dense).is_ok());
        });
        let rate = objective.cost().dense_hessian / (lower * 1e6);
        println!("  H lower {lower:.2}  H both {both:.2}  G lower {gauss_newton:.2}  ({rate:.1} model GFLOP/s)");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    use Activation::{Identity, Relu, Tanh};
    let original = Network::new(2)
        .dense(50, Identity)
        .dense(30, Relu)
        .dense(10, Relu)
        .dense(10, Relu)
        .dense(5, Identity)
        .dense(1, Identity);
    report("A 2-50-30-10-10-5-1", &original, Loss::mse(), 64, true)?;
    let digits = Network::new(64).dense(32, Tanh).dense(10, Identity);
    report("B 64-32-10 tanh softmax", &digits, Loss::softmax_cross_entropy(), 256, true)?;
    let wide = Network::new(64).dense(64, Tanh).dense(32, Tanh).dense(10, Identity);
    report("C 64-64-32-10 tanh softmax", &wide, Loss::softmax_cross_entropy(), 1024, true)?;
    let deep = Network::new(8).dense(32, Tanh).dense(32, Tanh).dense(32, Tanh).dense(32, Tanh).dense(1, Identity);
    report("D 8-32-32-32-32-1 tanh mse", &deep, Loss::mse(), 512, true)?;
    let images = Network::new(784).dense(128, Relu).dense(64, Relu).dense(10, Identity);
    report("E 784-128-64-10 relu softmax", &images, Loss::softmax_cross_entropy(), 1024, false)?;
    Ok(())
}
