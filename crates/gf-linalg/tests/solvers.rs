//! Factorizations, Krylov solvers and eigenvalues against matrices whose spectrum, inverse and functions are known.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

use gf_core::problems::Quadratic;
use gf_core::{DenseHessian, HessianProduct, Objective, Streams, SymmetricOperator, Triangle, standard_normal};
use gf_linalg::eigen::{symmetric_eigen, symmetric_eigenvalues};
use gf_linalg::krylov::{KrylovScratch, ShiftedFamily, Stop, conjugate_gradients, minres};
use gf_linalg::lanczos::{End, Lanczos, extreme_eigenvalue};
use gf_linalg::{FactorError, Factorization, Inertia, ShiftedMatrix};
use proptest::prelude::*;

const STOP: Stop = Stop { tolerance: 1e-12, max_products: 2000, worth: None };

struct Case {
    quadratic: Quadratic,
    matrix: Vec<f64>,
    b: Vec<f64>,
}

fn case(eigenvalues: &[f64], seed: u64) -> Case {
    let mut rng = Streams::new(seed).data();
    let mut quadratic = Quadratic::rotated(eigenvalues, &mut rng);
    let p = eigenvalues.len();
    let mut matrix = vec![0.0; p * p];
    quadratic.dense_hessian(&vec![0.0; p], Triangle::Both, &mut matrix).unwrap();
    let b = (0..p).map(|_| standard_normal(&mut rng)).collect();
    Case { quadratic, matrix, b }
}

impl Case {
    /// f(A)·b through the known eigenvectors.
    fn function(&self, f: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut x = self.b.clone();
        self.quadratic.to_eigenbasis(&mut x);
        x.iter_mut().zip(self.quadratic.eigenvalues()).for_each(|(x, lambda)| *x *= f(*lambda));
        self.quadratic.from_eigenbasis(&mut x);
        x
    }

    fn factorize(&self, kind: Factorization, shift: f64) -> Result<ShiftedMatrix, FactorError> {
        let mut shifted = ShiftedMatrix::new(self.b.len()).unwrap();
        shifted.fill().copy_from_slice(&self.matrix);
        shifted.factorize(kind, shift).map(|()| shifted)
    }
}

fn spread(p: usize, low: f64, high: f64) -> Vec<f64> {
    (0..p).map(|k| low + (high - low) * k as f64 / (p - 1) as f64).collect()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    let size = expected.iter().fold(0.0f64, |a, x| a.max(x.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * size, "entry {i}: {a} against {b}");
    }
}

#[test]
fn direct_solves_equal_the_known_inverse_for_several_shifts_of_one_matrix() {
    // 300 exceeds the block sizes of both factorizations several times.
    let case = case(&spread(300, 0.5, 4.0), 1);
    for kind in [Factorization::Cholesky, Factorization::Lblt] {
        let mut shifted = case.factorize(kind, 0.0).unwrap();
        for shift in [0.0, 3.0, 0.1] {
            shifted.factorize(kind, shift).unwrap();
            let mut x = case.b.clone();
            shifted.solve_in_place(&mut x);
            // Condition number at most 8.
            assert_close(&x, &case.function(|lambda| 1.0 / (lambda + shift)), 1e-13);
            let mut scratch = vec![0.0; x.len()];
            assert!(shifted.relative_residual(shift, &case.b, &x, &mut scratch) < 1e-13);
        }
    }
}

#[test]
fn lblt_counts_eigenvalues_on_each_side_of_the_shift() {
    let case = case(&spread(120, -6.0, 5.9), 2);
    for shift in [-4.03, 0.05, 2.57] {
        let negative = case.quadratic.eigenvalues().iter().filter(|lambda| **lambda + shift < 0.0).count();
        let shifted = case.factorize(Factorization::Lblt, shift).unwrap();
        assert_eq!(shifted.inertia(), Inertia { positive: 120 - negative, negative, zero: 0 });
    }
}

#[test]
fn an_indefinite_matrix_solves_by_lblt_and_is_refused_by_cholesky_without_harm() {
    let case = case(&spread(90, -1.05, 3.0), 3);
    let mut shifted = ShiftedMatrix::new(90).unwrap();
    shifted.fill().copy_from_slice(&case.matrix);
    assert!(matches!(
        shifted.factorize(Factorization::Cholesky, 0.0),
        Err(FactorError::NotPositiveDefinite { pivot }) if pivot < 90
    ));
    shifted.factorize(Factorization::Lblt, 0.0).unwrap();
    let mut x = case.b.clone();
    shifted.solve_in_place(&mut x);
    // The eigenvalue nearest to zero is about 0.01: condition number 300.
    assert_close(&x, &case.function(|lambda| 1.0 / lambda), 1e-11);
    shifted.factorize(Factorization::Cholesky, 2.0).unwrap();
    assert_eq!(shifted.inertia().negative, 0);
}

#[test]
fn decoupled_rows_change_nothing_but_the_order_of_the_factorization() {
    // Every third row and column is zero off the diagonal, with curvature d.
    let inner = case(&spread(120, 0.5, 4.0), 11);
    let p = 180;
    let coupled: Vec<usize> = (0..p).filter(|k| k % 3 != 1).collect();
    let d = 0.25;
    let mut matrix = vec![0.0; p * p];
    (0..p).for_each(|k| matrix[k + k * p] = d);
    for (b, column) in coupled.iter().enumerate() {
        for (a, row) in coupled.iter().enumerate() {
            matrix[row + column * p] = inner.matrix[a + b * 120];
        }
    }
    let mut shifted = ShiftedMatrix::new(p).unwrap();
    shifted.fill().copy_from_slice(&matrix);
    for (kind, shift) in [(Factorization::Cholesky, 0.0), (Factorization::Lblt, -2.01), (Factorization::Cholesky, 1.0)]
    {
        shifted.factorize(kind, shift).unwrap();
        assert_eq!(shifted.factorization_flops(), 120f64.powi(3) / 3.0);
        let below = inner.quadratic.eigenvalues().iter().filter(|lambda| **lambda + shift < 0.0).count();
        let negative = below + if d + shift < 0.0 { 60 } else { 0 };
        assert_eq!(shifted.inertia(), Inertia { positive: p - negative, negative, zero: 0 });
        let mut b = vec![1.0; p];
        coupled.iter().zip(&inner.b).for_each(|(row, value)| b[*row] = *value);
        let mut x = b.clone();
        shifted.solve_in_place(&mut x);
        let expected = inner.function(|lambda| 1.0 / (lambda + shift));
        let found: Vec<f64> = coupled.iter().map(|row| x[*row]).collect();
        assert_close(&found, &expected, 1e-10);
        assert!((0..p).filter(|k| k % 3 == 1).all(|k| x[k] == 1.0 / (d + shift)));
        assert!(shifted.relative_residual(shift, &b, &x, &mut vec![0.0; p]) < 1e-12);
    }
    assert_eq!(shifted.factorize(Factorization::Lblt, -d), Err(FactorError::Singular));
    assert!(matches!(
        shifted.factorize(Factorization::Cholesky, -0.3),
        Err(FactorError::NotPositiveDefinite { pivot: 1 })
    ));
}

#[test]
fn one_buffer_serves_matrices_with_different_numbers_of_coupled_rows() {
    let p = 40;
    let mut shifted = ShiftedMatrix::new(p).unwrap();
    // Indefinite, so that LBLᵀ has 2 × 2 blocks at varying places.
    for q in (2..=40).rev().chain([40, 17, 38, 3]) {
        let inner = case(&spread(q, -3.0, 3.1), q as u64);
        let matrix = shifted.fill();
        matrix.fill(0.0);
        for k in 0..p {
            matrix[k + k * p] = 1.0;
        }
        for column in 0..q {
            matrix[column * p..column * p + q].copy_from_slice(&inner.matrix[column * q..(column + 1) * q]);
        }
        shifted.factorize(Factorization::Lblt, 0.0).unwrap();
        let mut x = vec![2.0; p];
        x[..q].copy_from_slice(&inner.b);
        shifted.solve_in_place(&mut x);
        assert_close(&x[..q], &inner.function(|lambda| 1.0 / lambda), 1e-10);
        assert!(x[q..].iter().all(|x| *x == 2.0));
    }
}

#[test]
fn singular_and_non_finite_matrices_are_named() {
    let mut zero = ShiftedMatrix::new(3).unwrap();
    zero.fill().fill(0.0);
    assert_eq!(zero.factorize(Factorization::Lblt, 0.0), Err(FactorError::Singular));
    let mut nan = ShiftedMatrix::new(3).unwrap();
    nan.fill()[1] = f64::NAN;
    assert_eq!(nan.factorize(Factorization::Cholesky, 1.0), Err(FactorError::NotFinite));
}

#[test]
fn eigenvalues_and_vectors_have_the_prescribed_spectrum() {
    let eigenvalues = spread(80, -2.0, 7.0);
    let case = case(&eigenvalues, 4);
    assert_close(&symmetric_eigenvalues(80, &case.matrix).unwrap(), &eigenvalues, 1e-13);
    let eigen = symmetric_eigen(80, &case.matrix).unwrap();
    assert_close(&eigen.values, &eigenvalues, 1e-13);
    for (value, v) in eigen.values.iter().zip(eigen.vectors.chunks_exact(80)) {
        for i in 0..80 {
            let av: f64 = (0..80).map(|j| case.matrix[i + j * 80] * v[j]).sum();
            assert!((av - value * v[i]).abs() < 1e-12);
        }
    }
    // The second difference matrix: 2 − 2cos(kπ/(p+1)).
    let p = 40;
    let mut laplacian = vec![0.0; p * p];
    for i in 0..p {
        laplacian[i + i * p] = 2.0;
        if i + 1 < p {
            laplacian[i + 1 + i * p] = -1.0;
        }
    }
    let exact: Vec<f64> =
        (1..=p).map(|k| 2.0 - 2.0 * (k as f64 * std::f64::consts::PI / (p + 1) as f64).cos()).collect();
    assert_close(&symmetric_eigenvalues(p, &laplacian).unwrap(), &exact, 1e-14);
    laplacian[0] = f64::INFINITY;
    assert!(symmetric_eigenvalues(p, &laplacian).is_err());
}

#[test]
fn minres_reaches_the_residual_on_an_indefinite_matrix_and_proves_it_indefinite() {
    let mut case = case(&spread(100, -3.0, 8.0), 5);
    let mut x = vec![0.0; 100];
    let theta = x.clone();
    let info = minres(
        &mut case.quadratic.hessian_at(&theta).unwrap(),
        0.04,
        &case.b,
        &mut x,
        STOP,
        &mut KrylovScratch::new(100),
    );
    assert!(info.converged(STOP), "{info:?}");
    assert!(info.negative_curvature);
    assert_close(&x, &case.function(|lambda| 1.0 / (lambda + 0.04)), 1e-9);
}

#[test]
fn a_warm_start_at_the_solution_costs_one_product() {
    let mut case = case(&spread(50, 1.0, 8.0), 6);
    let theta = vec![0.0; 50];
    for solve in [minres, conjugate_gradients] {
        let mut x = case.function(|lambda| 1.0 / lambda);
        let mut operator = case.quadratic.hessian_at(&theta).unwrap();
        let info = solve(&mut operator, 0.0, &case.b, &mut x, STOP, &mut KrylovScratch::new(50));
        assert_eq!(info.products, 1);
    }
}

#[test]
fn a_start_is_scaled_to_its_least_residual_or_dropped() {
    let mut case = case(&spread(50, 1.0, 8.0), 6);
    let theta = vec![0.0; 50];
    let solution = case.function(|lambda| 1.0 / lambda);
    for solve in [minres, conjugate_gradients] {
        let mut operator = case.quadratic.hessian_at(&theta).unwrap();
        let mut scratch = KrylovScratch::new(50);
        let mut x: Vec<f64> = solution.iter().map(|x| -3.0 * x).collect();
        assert_eq!(solve(&mut operator, 0.0, &case.b, &mut x, STOP, &mut scratch).products, 1);
        assert_close(&x, &solution, 1e-12);
        // A start that helps nothing costs its product and no more.
        let mut x = vec![0.0; 50];
        let cold = solve(&mut operator, 0.0, &case.b, &mut x, STOP, &mut scratch);
        let mut x = vec![0.0; 50];
        x[7] = 1e9;
        let dropped = solve(&mut operator, 0.0, &case.b, &mut x, STOP, &mut scratch);
        assert_eq!(dropped.products, cold.products + 1);
        assert_close(&x, &solution, 1e-11);
    }
}

#[test]
fn one_krylov_space_serves_every_shift() {
    let mut case = case(&spread(150, -3.0, 40.0), 12);
    let theta = vec![0.0; 150];
    let b = case.b.clone();
    let expected = |case: &Case, shift: f64| case.function(|lambda| 1.0 / (lambda + shift));
    for kept in [400, 60, 7, 1] {
        let mut family = ShiftedFamily::new(150, kept);
        let mut x = vec![f64::NAN; 150];
        let mut first = 0;
        // From the hardest shift to easier ones, and back.
        for (turn, shift) in [4.0, 10.0, 30.0, 6.0, 4.0].into_iter().enumerate() {
            let solution = expected(&case, shift);
            let mut operator = case.quadratic.hessian_at(&theta).unwrap();
            let info = family.solve(&mut operator, shift, &b, &mut x, STOP);
            assert!(info.converged(STOP) && !info.negative_curvature, "{kept} {shift}: {info:?}");
            assert_close(&x, &solution, 1e-10);
            // The space that is kept is no part of the count; what it lacks is. (One product is for the true residual.)
            let mut alone = vec![0.0; 150];
            let minres = minres(&mut operator, shift, &b, &mut alone, STOP, &mut KrylovScratch::new(150));
            let saved = if turn == 0 { 0 } else { kept };
            let least = minres.products.saturating_sub(saved + 1) + 1;
            assert!(info.products.abs_diff(least) <= 2, "{kept} {shift}: {} against {least}", info.products);
            first = first.max(info.products);
        }
        assert!(first > 30);
        // Another right-hand side is noticed, another matrix must be said.
        let other: Vec<f64> = b.iter().map(|b| b.sin()).collect();
        let mut operator = case.quadratic.hessian_at(&theta).unwrap();
        assert!(family.solve(&mut operator, 4.0, &other, &mut x, STOP).converged(STOP));
        let mut matrix = Quadratic::diagonal(&spread(150, 1.0, 2.0));
        family.forget();
        assert!(family.solve(&mut matrix.hessian_at(&theta).unwrap(), 0.5, &other, &mut x, STOP).converged(STOP));
        assert!(x.iter().zip(&other).zip(spread(150, 1.0, 2.0)).all(|((x, b), d)| (x - b / (d + 0.5)).abs() < 1e-10));
    }
}

#[test]
fn the_lowest_ritz_value_proves_a_shifted_matrix_indefinite() {
    let mut case = case(&spread(100, -25.0, 100.0), 14);
    let theta = vec![0.0; 100];
    let mut family = ShiftedFamily::new(100, 300);
    assert_eq!(family.lowest_ritz_value(), None);
    let mut x = vec![0.0; 100];
    let mut operator = case.quadratic.hessian_at(&theta).unwrap();
    let info = family.solve(&mut operator, 24.3, &case.b, &mut x, STOP);
    assert!(info.converged(STOP) && info.negative_curvature);
    assert!((info.lowest.unwrap() + 0.7).abs() < 1e-3, "{info:?}");
    let info = family.solve(&mut operator, 25.5, &case.b, &mut x, STOP);
    assert!(!info.negative_curvature && (info.lowest.unwrap() - 0.5).abs() < 1e-3 && info.products <= 10, "{info:?}");
}

#[test]
fn minres_gives_up_early_where_it_would_cost_more_than_it_is_worth_and_only_there() {
    let theta = vec![0.0; 300];
    let worth = |worth| Stop { worth: Some(worth), ..STOP };
    let hard: Vec<f64> = (0..300).map(|k| 1e-6 * 1.08f64.powi(k)).collect();
    let mut hard = case(&hard, 15);
    let mut easy = case(&spread(300, 1.0, 30.0), 16);
    for kept in [500, 5] {
        let mut x = vec![0.0; 300];
        let mut family = ShiftedFamily::new(300, kept);
        let info = family.solve(&mut hard.quadratic.hessian_at(&theta).unwrap(), 0.0, &hard.b, &mut x, worth(160));
        assert!(!info.converged(STOP) && info.products <= 160 / 8 + 1, "{info:?}");
        family.forget();
        let info = family.solve(&mut easy.quadratic.hessian_at(&theta).unwrap(), 0.0, &easy.b, &mut x, worth(160));
        assert!(info.converged(STOP), "{info:?}");
        let mut alone = vec![0.0; 300];
        let mut operator = easy.quadratic.hessian_at(&theta).unwrap();
        let products = minres(&mut operator, 0.0, &easy.b, &mut alone, STOP, &mut KrylovScratch::new(300)).products;
        assert!(info.products.abs_diff(products) <= 1);
        let mut x = vec![0.0; 300];
        let info = minres(&mut operator, 0.0, &easy.b, &mut x, worth(products / 2), &mut KrylovScratch::new(300));
        assert!(!info.converged(STOP) && info.products <= products / 2 + 1, "{info:?}");
    }
}

#[test]
fn the_product_limit_is_respected_and_the_residual_reported_is_true() {
    let mut case = case(&spread(200, 1e-3, 1.0), 7);
    let theta = vec![0.0; 200];
    for solve in [minres, conjugate_gradients] {
        let mut x = vec![0.0; 200];
        let stop = Stop::new(1e-12, 12);
        let mut operator = case.quadratic.hessian_at(&theta).unwrap();
        let info = solve(&mut operator, 0.0, &case.b, &mut x, stop, &mut KrylovScratch::new(200));
        assert!(info.products <= 12 && !info.converged(stop));
        let mut r = vec![0.0; 200];
        operator.apply(&x, &mut r);
        let true_norm = r.iter().zip(&case.b).map(|(r, b)| (r - b).powi(2)).sum::<f64>().sqrt();
        let b_norm = case.b.iter().map(|b| b * b).sum::<f64>().sqrt();
        assert!((info.relative_residual - true_norm / b_norm).abs() < 1e-14);
    }
}

#[test]
fn conjugate_gradients_stops_at_negative_curvature() {
    let mut case = case(&[-1.0, 1.0, 2.0, 3.0], 8);
    let mut x = vec![0.0; 4];
    let theta = x.clone();
    let mut operator = case.quadratic.hessian_at(&theta).unwrap();
    let info = conjugate_gradients(&mut operator, 0.0, &case.b, &mut x, STOP, &mut KrylovScratch::new(4));
    assert!(info.negative_curvature && !info.converged(STOP));
    assert!(x.iter().all(|x| x.is_finite()));
}

#[test]
fn lanczos_finds_extremes_without_ghosts_and_applies_functions() {
    let mut case = case(&spread(300, -25.0, 100.0), 9);
    let theta = vec![0.0; 300];
    for (end, expected) in [(End::Lowest, -25.0), (End::Highest, 100.0), (End::Dominant, 100.0)] {
        let mut operator = case.quadratic.hessian_at(&theta).unwrap();
        let found = extreme_eigenvalue(&mut operator, end, &case.b, 1e-9, 300).unwrap();
        assert!((found.value - expected).abs() <= 1e-7, "{found:?}");
    }
    let mut lanczos = Lanczos::new(300, 300);
    lanczos.start(&case.b);
    let mut operator = case.quadratic.hessian_at(&theta).unwrap();
    while lanczos.grow(&mut operator) {}
    let ritz = lanczos.ritz_values().unwrap();
    assert_eq!(ritz.len(), 300, "one Ritz value for each eigenvalue, and no ghosts");
    let f = |lambda: f64| 1.0 / (lambda.abs() + 20.0);
    let mut x = vec![0.0; 300];
    lanczos.apply_function(f, &mut x).unwrap();
    assert_close(&x, &case.function(f), 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn all_solvers_agree_on_random_definite_systems(seed in 0u64..1000, p in 2usize..60, shift in 0.01f64..10.0) {
        let mut case = case(&spread(p, 0.0, 50.0), seed);
        let expected = case.function(|lambda| 1.0 / (lambda + shift));
        for kind in [Factorization::Cholesky, Factorization::Lblt] {
            let mut x = case.b.clone();
            case.factorize(kind, shift).unwrap().solve_in_place(&mut x);
            assert_close(&x, &expected, 1e-10);
        }
        let theta = vec![0.0; p];
        for solve in [minres, conjugate_gradients] {
            let mut x = vec![0.0; p];
            let mut operator = case.quadratic.hessian_at(&theta).unwrap();
            let info = solve(&mut operator, shift, &case.b, &mut x, STOP, &mut KrylovScratch::new(p));
            prop_assert!(info.converged(STOP), "{:?}", info);
            prop_assert!(!info.negative_curvature);
            // Residual 1e-12 times a condition number of at most 5000.
            assert_close(&x, &expected, 1e-8);
        }
        prop_assert_eq!(case.quadratic.dim(), p);
    }
}
