//! Spectra of the Hessians of networks: against dense solvers, and against SciPy's of JAX's Hessian.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{hessian, networks};
use gf_core::{HessianProduct, Samples, Streams, SymmetricOperator, Targets, vector};
use gf_layers::{Activation, Batches, Loss, Network, NetworkObjective};
use gf_linalg::eigen::symmetric_eigen;
use gf_spectrum::{EigenpairSettings, EigenpairSolver, Matrix, full_spectrum};
use serde_json::Value;

/// A residual is a bound of the eigenvalue's error, so 1e-10 of the largest |λ| proves 1e-9 with room for rounding.
#[test]
fn the_ends_of_the_spectrum_agree_with_dense_eigenvalues() {
    for (name, mut objective, theta) in networks() {
        let p = theta.len();
        let dense = hessian(&mut objective, &theta);
        let exact = symmetric_eigen(p, &dense.matrix).unwrap();
        let scale = exact.values[p - 1].abs().max(exact.values[0].abs());
        for basis in [0, 70] {
            let settings = EigenpairSettings { top: 10, bottom: 5, tolerance: 1e-10, basis, ..Default::default() };
            let mut solver = EigenpairSolver::new(p, settings).unwrap();
            let mut operator = objective.hessian_at(&theta).unwrap();
            let pairs = solver.solve(&mut operator, &mut Streams::new(1).probes()).unwrap();
            assert!(pairs.are_converged(), "{name}, p = {p}, basis {basis}: {:?}", pairs.all());
            let expected = exact.values.iter().rev().take(10).chain(&exact.values[..5]);
            for (k, (pair, expected)) in pairs.all().iter().zip(expected).enumerate() {
                assert!(
                    (pair.value - expected).abs() <= 1e-9 * scale,
                    "{name}, pair {k}: {pair:?}, expected {expected}"
                );
                // The residual once more, by the matrix.
                let mut residual = vec![0.0; p];
                common::Dense { p, matrix: dense.matrix.clone() }.apply(pairs.vector(k), &mut residual);
                vector::add_scaled(&mut residual, -pair.value, pairs.vector(k));
                let found = vector::norm(&residual);
                assert!(
                    (found - pair.residual).abs() <= 1e-12 * scale,
                    "{name}, pair {k}: {pair:?}, by the matrix {found:e}"
                );
            }
        }
    }
}

#[test]
fn all_pairs_of_a_small_network_are_found_from_products() {
    let (_, mut objective, theta) = networks().swap_remove(1);
    let p = theta.len();
    let exact = full_spectrum(p, &hessian(&mut objective, &theta).matrix).unwrap();
    let scale = exact[p - 1].max(-exact[0]);
    let settings = EigenpairSettings { top: p, tolerance: 1e-9, ..Default::default() };
    let mut solver = EigenpairSolver::new(p, settings).unwrap();
    let pairs = solver.solve(&mut objective.hessian_at(&theta).unwrap(), &mut Streams::new(2).probes()).unwrap();
    assert!(pairs.are_converged());
    for (pair, expected) in pairs.all().iter().zip(exact.iter().rev()) {
        assert!((pair.value - expected).abs() <= 1e-9 * scale, "{pair:?}, expected {expected}");
    }
}

/// sin(frequency·k) for k = 1, 2, …
fn sines(count: usize, frequency: f64) -> Vec<f64> {
    (1..=count).map(|k| (frequency * k as f64).sin()).collect()
}

/// The network of `peers/golden_spectrum.py`.
fn golden_network() -> (NetworkObjective, Vec<f64>) {
    use Activation::{Identity, Tanh};
    let network = Network::new(6).dense(10, Tanh).dense(8, Tanh).dense(3, Identity);
    let labels = (0..24).map(|i| i * 7 % 3).collect();
    let samples = Samples::new(6, sines(24 * 6, 0.7), Targets::Classes { classes: 3, labels }).unwrap();
    let theta = sines(network.dim(), 1.3).iter().map(|x| 0.6 * x).collect();
    (network.objective(Loss::softmax_cross_entropy(), &samples, Batches::full()).unwrap(), theta)
}

#[test]
fn eigenvalues_are_those_of_scipy() {
    let golden: Value = serde_json::from_str(include_str!("golden/hessian.json")).unwrap();
    let expected: Vec<f64> = serde_json::from_value(golden["eigenvalues"].clone()).unwrap();
    let (mut objective, theta) = golden_network();
    let p = theta.len();
    let scale = expected[p - 1].max(-expected[0]);
    let mut matrix = vec![0.0; p * p];
    Matrix::Hessian.dense(&mut objective, &theta, &mut matrix).unwrap();
    let found = full_spectrum(p, &matrix).unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= 1e-12 * scale, "{found}, expected {expected}");
    }
    let trace: f64 = found.iter().sum();
    assert!((trace - golden["trace"].as_f64().unwrap()).abs() <= 1e-11 * scale);
    let settings = EigenpairSettings { top: 6, bottom: 6, tolerance: 1e-10, ..Default::default() };
    let mut solver = EigenpairSolver::new(p, settings).unwrap();
    let mut operator = Matrix::Hessian.at(&mut objective, &theta).unwrap();
    let pairs = solver.solve(&mut operator, &mut Streams::new(0).probes()).unwrap();
    for (pair, expected) in pairs.all().iter().zip(expected.iter().rev().take(6).chain(&expected)) {
        assert!((pair.value - expected).abs() <= 1e-9 * scale, "{pair:?}, expected {expected}");
    }
}

#[test]
fn a_warm_start_takes_fewer_products_along_a_path_and_finds_the_same_values() {
    for (name, mut objective, theta) in networks() {
        let p = theta.len();
        let settings = EigenpairSettings { top: 5, tolerance: 1e-7, ..Default::default() };
        let mut warm = EigenpairSolver::new(p, settings).unwrap();
        let (mut spent_warm, mut spent_cold) = (0, 0);
        for step in 0..6 {
            let at: Vec<f64> = theta.iter().map(|x| x * (1.0 + 1e-6 * f64::from(step))).collect();
            let mut operator = objective.hessian_at(&at).unwrap();
            let mut cold = EigenpairSolver::new(p, settings).unwrap();
            let from_random = cold.solve(&mut operator, &mut Streams::new(7).probes()).unwrap();
            let from_before = warm.solve(&mut operator, &mut Streams::new(7).probes()).unwrap();
            assert!(from_random.are_converged() && from_before.are_converged(), "{name}, step {step}");
            for (a, b) in from_before.top().iter().zip(from_random.top()) {
                assert!(
                    (a.value - b.value).abs() <= 2e-7 * from_random.scale(),
                    "{name}, step {step}: {a:?} and {b:?}"
                );
            }
            if step > 0 {
                spent_warm += from_before.products;
                spent_cold += from_random.products;
            }
        }
        assert!(spent_warm < spent_cold, "{name}: {spent_warm} products warm, {spent_cold} cold");
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let found: Vec<Vec<u64>> = [1, 2, 5]
        .into_iter()
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                // Large enough for passes that threads share.
                let p = 60_000;
                let mut solver = EigenpairSolver::new(p, EigenpairSettings { top: 3, ..Default::default() }).unwrap();
                let pairs = solver.solve(&mut Powers(p), &mut Streams::new(0).probes()).unwrap();
                pairs.vectors().iter().chain(pairs.all().iter().map(|pair| &pair.value)).map(|x| x.to_bits()).collect()
            })
        })
        .collect();
    assert!(found.iter().all(|bits| *bits == found[0]));
}

/// diag(1, 2⁻¹, 3⁻¹, …).
struct Powers(usize);

impl SymmetricOperator for Powers {
    fn order(&self) -> usize {
        self.0
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        for (k, (out, v)) in out.iter_mut().zip(v).enumerate() {
            *out = v / (k + 1) as f64;
        }
    }
}

#[test]
fn blocks_are_those_of_direct_sums() {
    let (_, mut objective, theta) = networks().swap_remove(2);
    let p = theta.len();
    let dense = hessian(&mut objective, &theta);
    let ranges = [0..272, 272..476, 476..p];
    let found = gf_spectrum::blocks(p, &dense.matrix, &ranges).unwrap();
    let entry = |i: usize, j: usize| dense.matrix[i + j * p];
    for (l, rows) in ranges.iter().enumerate() {
        for (m, columns) in ranges.iter().enumerate() {
            let squares: f64 =
                rows.clone().flat_map(|i| columns.clone().map(move |j| (i, j))).map(|(i, j)| entry(i, j).powi(2)).sum();
            assert!((found.norms[l * 3 + m] - squares.sqrt()).abs() <= 1e-12 * squares.sqrt());
        }
        let trace: f64 = rows.clone().map(|i| entry(i, i)).sum();
        assert!((found.traces[l] - trace).abs() <= 1e-12 * found.norms[l * 4]);
        assert!((found.eigenvalues[l].iter().sum::<f64>() - trace).abs() <= 1e-10 * found.norms[l * 4]);
        // By products alone.
        let largest = *found.eigenvalues[l].last().unwrap();
        let mut operator = objective.hessian_at(&theta).unwrap();
        let mut block = gf_spectrum::Restricted::new(&mut operator, rows.clone());
        let mut solver = EigenpairSolver::new(rows.len(), EigenpairSettings::default()).unwrap();
        let pairs = solver.solve(&mut block, &mut Streams::new(1).probes()).unwrap();
        assert!((pairs.top()[0].value - largest).abs() <= 1e-7 * pairs.scale());
    }
    let mut lower = vec![0.0; p * p];
    Matrix::Hessian.dense(&mut objective, &theta, &mut lower).unwrap();
    assert_eq!(gf_spectrum::blocks(p, &lower, &ranges).unwrap(), found, "only the lower triangle is read");
}
