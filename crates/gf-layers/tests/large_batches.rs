//! Batches of many chunks: the sums over them, their bits, and what is not kept.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{normals, parameters, relative_error, samples, times};
use gf_core::{DenseHessian, HessianProduct, Objective, SymmetricOperator, ThirdDerivative, Triangle};
use gf_layers::{Activation, Batches, Loss, Network, NetworkObjective};

fn on_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

/// Value, gradient, a block of three products, a third derivative, and trial values in between.
fn everything(mut objective: NetworkObjective, theta: &[f64]) -> Vec<u64> {
    let p = theta.len();
    let v = normals(5, 3 * p);
    let (mut gradient, mut products) = (vec![0.0; p], vec![0.0; 3 * p]);
    let value = objective.value_and_gradient(theta, &mut gradient).unwrap();
    let trial = objective.value(&v[..p]).unwrap();
    objective.hessian_at(theta).unwrap().apply_block(3, &v, &mut products);
    let mut third = vec![0.0; p];
    objective.curvature_gradient(theta, &v[..p], &v[p..2 * p], &mut third).unwrap();
    [value, trial].iter().chain(&gradient).chain(&products).chain(&third).map(|x| x.to_bits()).collect()
}

#[test]
fn bits_depend_neither_on_threads_nor_on_lanes_shared_by_them() {
    let network = Network::new(20).dense(40, Activation::Tanh).dense(10, Activation::Identity);
    for loss in [Loss::softmax_cross_entropy(), Loss::focal(2.0), Loss::huber(0.5)] {
        let data = samples(1, 3000, &network, &loss);
        let theta = parameters(1, &network);
        let [one, two, three] = [1, 2, 3].map(|threads| {
            let objective = network.objective(loss.clone(), &data, Batches::full()).unwrap();
            on_threads(threads, || everything(objective, &theta))
        });
        assert!(one == two && one == three, "{}", loss.name());
    }
}

/// Above about four million numbers, passes are repeated chunk by chunk instead of kept.
#[test]
fn a_batch_that_is_not_kept_gives_the_mean_of_its_parts() {
    let network = Network::new(2).dense(6, Activation::Tanh).dense(1, Activation::Identity);
    let (rows, parts) = (120_000, 4);
    let data = samples(3, rows, &network, &Loss::mse());
    let theta = parameters(3, &network);
    let p = theta.len();
    let v = normals(4, p);
    let evaluate = |objective: &mut NetworkObjective| {
        let (mut gradient, mut product, mut matrix) = (vec![0.0; p], vec![0.0; p], vec![0.0; p * p]);
        let value = objective.value_and_gradient(&theta, &mut gradient).unwrap();
        objective.hessian_at(&theta).unwrap().apply(&v, &mut product);
        objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
        assert!(relative_error(&times(&matrix, &v), &product) < 1e-11);
        let mut third = vec![0.0; p];
        objective.curvature_gradient(&theta, &v, &theta, &mut third).unwrap();
        [vec![value, objective.value(&theta).unwrap()], gradient, product, matrix, third].concat()
    };
    let whole = evaluate(&mut network.objective(Loss::mse(), &data, Batches::full()).unwrap());
    let mut mean = vec![0.0; whole.len()];
    let mut objective = network.objective(Loss::mse(), &data, Batches::fixed(rows / parts)).unwrap();
    for step in 1..=parts {
        objective.begin_step(step as u64);
        gf_core::vector::add_scaled(&mut mean, 1.0 / parts as f64, &evaluate(&mut objective));
    }
    assert_eq!(whole[0].to_bits(), whole[1].to_bits());
    assert!(relative_error(&whole, &mean) < 1e-12);
    // And the same bits on several threads.
    let one = on_threads(1, || everything(network.objective(Loss::mse(), &data, Batches::full()).unwrap(), &theta));
    let two = on_threads(2, || everything(network.objective(Loss::mse(), &data, Batches::full()).unwrap(), &theta));
    assert!(one == two);
}
