//! Numbers that are not finite, and settings that make no sense: an error that names them, never a panic.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::goe;
use gf_core::{Streams, SymmetricOperator};
use gf_spectrum::{
    DensitySettings, EigenpairSettings, EigenpairSolver, SpectrumError, blocks, density, diagonal, full_spectrum,
    hutch_plus_plus, hutchinson, inertia,
};

/// A matrix whose product number `bad`, counted from 1, has one entry that is not finite.
struct Breaking {
    matrix: common::Dense,
    products: u64,
    bad: u64,
    entry: f64,
}

impl SymmetricOperator for Breaking {
    fn order(&self) -> usize {
        self.matrix.p
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        self.matrix.apply(v, out);
        self.products += 1;
        if self.products == self.bad {
            out[17] = self.entry;
        }
    }
}

fn breaking(bad: u64, entry: f64) -> Breaking {
    Breaking { matrix: goe(60, 1), products: 0, bad, entry }
}

#[test]
fn a_product_that_is_not_finite_is_named() {
    for entry in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for bad in [1, 2, 3, 7, 20] {
            let mut operator = breaking(bad, entry);
            let mut solver = EigenpairSolver::new(60, EigenpairSettings { top: 3, ..Default::default() }).unwrap();
            let error = solver.solve(&mut operator, &mut Streams::new(1).probes()).unwrap_err();
            assert_eq!(error.to_string(), format!("product {bad} with the operator is not finite"));
            // The next call starts cold, and succeeds.
            assert!(solver.solve(&mut operator, &mut Streams::new(1).probes()).unwrap().are_converged());
            // In a block, too; unless it converges before.
            let mut operator = breaking(bad, entry);
            match solver.solve(&mut operator, &mut Streams::new(1).probes()) {
                Ok(pairs) => assert!(pairs.products + pairs.checks < bad),
                Err(error) => assert!(error.to_string().ends_with("is not finite"), "{error}"),
            }
            let error = density(&mut breaking(bad, entry), &DensitySettings::default(), &mut Streams::new(1).probes());
            assert!(matches!(error, Err(SpectrumError::Process(_))), "{error:?}");
            let error = hutchinson(&mut breaking(bad, entry), 20, &mut Streams::new(1).probes());
            assert!(matches!(error, Err(SpectrumError::NotFinite { .. })), "{error:?}");
            let error = hutch_plus_plus(&mut breaking(bad, entry), 10, 5, &mut Streams::new(1).probes());
            assert!(matches!(error, Err(SpectrumError::NotFinite { .. })), "product {bad}: {error:?}");
            let (mut out, mut spread) = (vec![0.0; 60], vec![0.0; 60]);
            let error = diagonal(&mut breaking(bad, entry), 20, &mut Streams::new(1).probes(), &mut out, &mut spread);
            assert!(matches!(error, Err(SpectrumError::NotFinite { .. })), "{error:?}");
        }
    }
}

#[test]
fn a_dense_matrix_that_is_not_finite_is_named() {
    let mut matrix = goe(20, 2).matrix;
    matrix[5] = f64::NAN;
    assert!(full_spectrum(20, &matrix).is_err());
    assert!(matches!(inertia(20, &matrix, 1e-8), Err(SpectrumError::NotFinite { .. })));
    assert!(blocks(20, &matrix, &[0..10, 10..20]).is_err());
}

#[test]
fn settings_that_make_no_sense_are_refused_with_what_was_found() {
    let settings =
        |top, bottom, tolerance, basis| EigenpairSettings { top, bottom, tolerance, basis, ..Default::default() };
    for (wrong, expected) in [
        (settings(0, 0, 1e-6, 0), "0 eigenpairs of a matrix of order 9; expected at least 1 and at most 9"),
        (settings(9, 1, 1e-6, 0), "10 eigenpairs of a matrix of order 9; expected at least 1 and at most 9"),
        (settings(1, 0, 1e-14, 0), "tolerance is 0.00000000000001; expected a number from 1e-13 to 1"),
        (settings(1, 0, f64::NAN, 0), "tolerance is NaN; expected a number from 1e-13 to 1"),
        (
            settings(1, 0, 1e-6, 4),
            "basis is 4; expected 0, or at least three times as many vectors as eigenpairs and 8 more, and four blocks more than eigenpairs",
        ),
    ] {
        assert_eq!(EigenpairSolver::new(9, wrong).unwrap_err().to_string(), expected);
    }
    let rng = || Streams::new(0).probes();
    assert!(hutchinson(&mut goe(9, 1), 1, &mut rng()).is_err());
    assert!(hutch_plus_plus(&mut goe(9, 1), 0, 5, &mut rng()).is_err());
    assert!(inertia(9, &goe(9, 1).matrix, 0.0).is_err());
    let no_width = DensitySettings { width: 0.0, ..DensitySettings::default() };
    assert!(density(&mut goe(9, 1), &no_width, &mut rng()).is_err());
}
