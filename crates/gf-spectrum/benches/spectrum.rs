//! Spectra of the Hessians of the five cases: `top-eigenpairs/CASE`, `warm-eigenpairs/CASE`, `density/CASE`, `trace/CASE`, and dense
//! `full-spectrum/CASE` and `inertia/CASE` of B.
//!
//! The last column says how good the result is: the largest residual and the products it took, or the estimate's standard error.

#![allow(clippy::unwrap_used, reason = "a bench that unwraps an error fails")]

use criterion::{Criterion, criterion_group};
use gf_bench::picture::is_tested;
use gf_bench::{Case, CaseName, Picture, in_the_pool};
use gf_core::{DenseHessian, HessianProduct, Streams, Triangle};
use gf_spectrum::{
    DensitySettings, EigenpairSettings, EigenpairSolver, Eigenpairs, density, full_spectrum, hutchinson, inertia,
};

const PAIRS: EigenpairSettings =
    EigenpairSettings { top: 10, bottom: 0, tolerance: 1e-6, max_products: 2000, block: 1, basis: 0 };
/// Random vectors of a trace.
const PROBES: usize = 32;

fn note(pairs: &Eigenpairs) -> String {
    format!("residual {:.1e}, {} + {} products", pairs.largest_residual(), pairs.products, pairs.checks)
}

fn spectra(criterion: &mut Criterion) {
    let mut picture = Picture::new();
    let names = CaseName::ALL.into_iter().filter(|name| !is_tested() || matches!(name, CaseName::A | CaseName::B));
    for name in names {
        let case = Case::synthetic(name);
        let mut objective = case.objective().unwrap();
        let (p, letter) = (case.dim(), name.letter());
        // What is known at one point is of no use at the other.
        let points = [case.theta.clone(), case.theta.iter().map(|theta| 1.001 * theta).collect()];
        let mut bench = |operation: &str, run: &mut dyn FnMut() -> String| {
            let id = format!("{operation}/{letter}");
            let mut note = String::new();
            criterion.bench_function(&id, |bencher| {
                bencher.iter_custom(|iterations| picture.time(&id, None, iterations, || note = run()));
            });
            picture.note(&id, note);
        };
        let mut turn = 0;
        let mut next = || {
            turn = 1 - turn;
            &points[turn]
        };
        let mut solver = EigenpairSolver::new(p, PAIRS).unwrap();
        bench("top-eigenpairs", &mut || {
            solver.forget();
            note(solver.solve(&mut objective.hessian_at(next()).unwrap(), &mut Streams::new(0).probes()).unwrap())
        });
        bench("warm-eigenpairs", &mut || {
            note(solver.solve(&mut objective.hessian_at(next()).unwrap(), &mut Streams::new(0).probes()).unwrap())
        });
        drop(solver);
        let settings = DensitySettings { probes: 4, steps: 40, ..DensitySettings::default() };
        bench("density", &mut || {
            let mut operator = objective.hessian_at(next()).unwrap();
            let found = density(&mut operator, &settings, &mut Streams::new(0).probes()).unwrap();
            let spacing = found.grid[1] - found.grid[0];
            format!("mean error {:.1e}", found.error.iter().sum::<f64>() * spacing)
        });
        bench("trace", &mut || {
            let mut operator = objective.hessian_at(next()).unwrap();
            let found = hutchinson(&mut operator, PROBES, &mut Streams::new(0).probes()).unwrap();
            format!("{:.4} ± {:.1e}", found.value, found.error)
        });
        if name == CaseName::B {
            let mut matrix = vec![0.0; p * p];
            objective.dense_hessian(&case.theta, Triangle::Both, &mut matrix).unwrap();
            bench("inertia", &mut || {
                let found = inertia(p, &matrix, 1e-6).unwrap();
                format!("{} positive, {} negative", found.positive, found.negative)
            });
            if !is_tested() {
                bench("full-spectrum", &mut || format!("largest {:.6}", full_spectrum(p, &matrix).unwrap()[p - 1]));
            }
        }
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
    targets = spectra
}

fn main() {
    in_the_pool(|| {
        benches();
        Criterion::default().configure_from_args().final_summary();
    });
}
