//! Eigenpairs against dense solvers and known spectra.

#![allow(clippy::unwrap_used, reason = "tests")]

use gf_core::{Streams, SymmetricOperator, standard_normal};
use gf_spectrum::{EigenpairSettings, EigenpairSolver};

/// Q diag(λ) Qᵀ with Q a product of reflections.
struct Known {
    values: Vec<f64>,
    reflections: Vec<Vec<f64>>,
    scratch: Vec<f64>,
}

impl Known {
    fn new(values: Vec<f64>) -> Self {
        let p = values.len();
        let mut rng = Streams::new(5).data();
        let unit = |_| {
            let x: Vec<f64> = (0..p).map(|_| standard_normal(&mut rng)).collect();
            let size = gf_core::vector::norm(&x);
            x.iter().map(|x| x / size).collect()
        };
        Self { reflections: (0..3).map(unit).collect(), values, scratch: vec![0.0; p] }
    }
}

fn reflect(u: &[f64], x: &mut [f64]) {
    let c = -2.0 * gf_core::vector::dot(u, x);
    gf_core::vector::add_scaled(x, c, u);
}

impl SymmetricOperator for Known {
    fn order(&self) -> usize {
        self.values.len()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        self.scratch.copy_from_slice(v);
        for u in &self.reflections {
            reflect(u, &mut self.scratch);
        }
        for (x, value) in self.scratch.iter_mut().zip(&self.values) {
            *x *= value;
        }
        for u in self.reflections.iter().rev() {
            reflect(u, &mut self.scratch);
        }
        out.copy_from_slice(&self.scratch);
    }
}

fn settings(top: usize, bottom: usize) -> EigenpairSettings {
    EigenpairSettings { top, bottom, ..EigenpairSettings::default() }
}

#[test]
fn known_spectra_are_found_at_both_ends() {
    let spectra: [(&str, Vec<f64>); 5] = [
        ("uniform", (0..1000).map(|i| f64::from(i) / 999.0).collect()),
        ("power law", (0..2000).map(|i| f64::from(i + 1).powf(-1.5)).collect()),
        ("outliers", (0..1500).map(|i| if i < 10 { 50.0 - f64::from(i) } else { 1e-3 * f64::from(i % 7) }).collect()),
        ("indefinite", (0..1000).map(|i| f64::from(i - 500).powi(3) * 1e-6).collect()),
        (
            "clustered",
            (0..1000).map(|i| if i < 20 { 10.0 + 1e-3 * f64::from(i) } else { f64::from(i) / 1000.0 }).collect(),
        ),
    ];
    for (name, values) in spectra {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let (p, mut operator) = (values.len(), Known::new(values));
        let scale = sorted.iter().fold(0.0f64, |a, x| a.max(x.abs()));
        for basis in [0, 60] {
            let bottom = if name == "power law" { 0 } else { 3 };
            let mut solver = EigenpairSolver::new(p, EigenpairSettings { basis, ..settings(10, bottom) }).unwrap();
            let pairs = solver.solve(&mut operator, &mut Streams::new(1).probes()).unwrap();
            assert!(pairs.are_converged(), "{name}, basis {basis}: {:?}", pairs.all());
            let expected = sorted.iter().rev().take(10).chain(sorted.iter().take(bottom));
            for (pair, expected) in pairs.all().iter().zip(expected) {
                assert!(pair.residual <= 1e-7 * scale, "{name}: {pair:?}");
                assert!((pair.value - expected).abs() <= 1e-7 * scale, "{name}: {pair:?}, expected {expected}");
            }
        }
    }
}

#[test]
fn multiple_eigenvalues_of_low_rank_matrices_are_found() {
    for values in
        [vec![3.0; 50], [vec![2.0; 4], vec![0.0; 96]].concat(), [vec![1.0; 3], vec![-1.0; 3], vec![0.0; 30]].concat()]
    {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let p = values.len();
        let mut solver = EigenpairSolver::new(p, settings(4, 2)).unwrap();
        let pairs = solver.solve(&mut Known::new(values), &mut Streams::new(1).probes()).unwrap();
        assert!(pairs.are_converged());
        let expected = sorted.iter().rev().take(4).chain(sorted.iter().take(2));
        for (pair, expected) in pairs.all().iter().zip(expected) {
            assert!((pair.value - expected).abs() <= 1e-9, "{pair:?}, expected {expected}");
        }
    }
}

#[test]
fn a_block_finds_what_one_vector_finds() {
    let values: Vec<f64> = (0..300).map(|i| if i < 3 { 7.0 } else { f64::from(i) * 0.01 }).collect();
    for block in [1, 2, 4] {
        let mut solver = EigenpairSolver::new(300, EigenpairSettings { block, ..settings(5, 1) }).unwrap();
        let mut operator = Known::new(values.clone());
        for _ in 0..2 {
            let pairs = solver.solve(&mut operator, &mut Streams::new(1).probes()).unwrap();
            assert!(pairs.are_converged());
            // One vector may miss copies of 7; a block of three or more may not.
            if block >= 3 {
                assert!(pairs.top()[..3].iter().all(|pair| (pair.value - 7.0).abs() < 1e-9), "{:?}", pairs.top());
                assert!((pairs.top()[3].value - 2.99).abs() < 1e-7);
            }
            assert!((pairs.top()[0].value - 7.0).abs() < 1e-9 && (pairs.bottom()[0].value - 0.03).abs() < 1e-7);
        }
    }
}
