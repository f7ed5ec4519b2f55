//! Gradients, products and matrices of the five cases, and the activations: `operation/case`.
//!
//! Full matrices are counted as n p² flops, whatever is really done; gradients and products as their model flops.

#![allow(clippy::unwrap_used, reason = "a bench that unwraps an error fails")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group};
use gf_bench::picture::is_tested;
use gf_bench::{Case, CaseName, Picture, in_the_pool};
use gf_core::{DenseHessian, GaussNewton, HessianProduct, Objective, SymmetricOperator, Triangle};
use gf_layers::Activation;

/// Directions of a block product.
const BLOCK: usize = 8;
/// Numbers given to an activation: in cache.
const NUMBERS: usize = 4096;

fn derivatives(criterion: &mut Criterion) {
    let mut picture = Picture::new();
    let names = CaseName::ALL.into_iter().filter(|name| !is_tested() || matches!(name, CaseName::A | CaseName::B));
    for name in names {
        let case = Case::synthetic(name);
        let mut objective = case.objective().unwrap();
        let (p, n, cost) = (case.dim(), case.samples.len() as f64, objective.cost());
        // What is known at one point is of no use at the other.
        let points = [case.theta.clone(), case.theta.iter().map(|theta| 1.001 * theta).collect()];
        let mut turn = 0;
        let mut next = || {
            turn = 1 - turn;
            &points[turn]
        };
        let mut out = vec![0.0; p * BLOCK];
        let mut bench = |operation: &str, flops: f64, run: &mut dyn FnMut()| {
            let id = format!("{operation}/{}", name.letter());
            criterion.bench_function(&id, |bencher| {
                bencher.iter_custom(|iterations| picture.time(&id, Some(flops), iterations, &mut *run));
            });
        };
        bench("value", cost.value, &mut || {
            black_box(objective.value(next()).unwrap());
        });
        bench("gradient", cost.value_and_gradient, &mut || {
            black_box(objective.value_and_gradient(next(), &mut out[..p]).unwrap());
        });
        bench("hessian-product", cost.hessian_product, &mut || {
            objective.hessian_at(&points[0]).unwrap().apply(&case.direction, &mut out[..p]);
        });
        bench("gauss-newton-product", cost.gauss_newton_product, &mut || {
            objective.gauss_newton_at(&points[0]).unwrap().apply(&case.direction, &mut out[..p]);
        });
        let fresh = cost.value_and_gradient + cost.linearize + cost.hessian_product;
        bench("fresh-hessian-product", fresh, &mut || {
            objective.hessian_at(next()).unwrap().apply(&case.direction, &mut out[..p]);
        });
        let block = case.direction.repeat(BLOCK);
        bench("block-of-8-products", BLOCK as f64 * cost.hessian_product, &mut || {
            objective.hessian_at(&points[0]).unwrap().apply_block(BLOCK, &block, &mut out);
        });
        if name.is_dense() {
            let mut matrix = vec![0.0; p * p];
            let counted = n * (p * p) as f64;
            bench("hessian-triangle", counted, &mut || {
                objective.dense_hessian(next(), Triangle::Lower, &mut matrix).unwrap();
            });
            bench("full-hessian", counted, &mut || {
                objective.dense_hessian(next(), Triangle::Both, &mut matrix).unwrap();
            });
            bench("gauss-newton-triangle", counted, &mut || {
                objective.dense_gauss_newton(next(), Triangle::Lower, &mut matrix).unwrap();
            });
        }
    }
    for activation in Activation::ALL {
        let z: Vec<f64> = (0..NUMBERS).map(|k| (k as f64 / NUMBERS as f64 - 0.5) * 12.0).collect();
        let mut a = vec![0.0; NUMBERS];
        let id = format!("activation/{}", activation.name());
        criterion.bench_function(&id, |bencher| {
            bencher.iter_custom(|iterations| {
                picture.time(&id, None, iterations, || activation.value(black_box(&z), &mut a))
            });
        });
        picture.note(&id, format!("{NUMBERS} numbers"));
    }
    picture.print();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_millis(800))
        .without_plots();
    targets = derivatives
}

fn main() {
    in_the_pool(|| {
        benches();
        Criterion::default().configure_from_args().final_summary();
    });
}
