//! The factorizations on matrices that are hard for them, against faer, eigenvalues and residuals; the same bits for any number of threads.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

use faer::prelude::Solve;
use faer::{Mat, Side};
use gf_core::{Streams, standard_normal};
use gf_linalg::eigen::symmetric_eigenvalues;
use gf_linalg::{FactorError, Factorization, Inertia, ShiftedMatrix};
use proptest::prelude::*;

/// A p × p symmetric matrix, both triangles.
fn symmetric(p: usize, mut entry: impl FnMut(usize, usize) -> f64) -> Vec<f64> {
    let mut matrix = vec![0.0; p * p];
    for j in 0..p {
        for i in j..p {
            let x = entry(i, j);
            matrix[i + j * p] = x;
            matrix[j + i * p] = x;
        }
    }
    matrix
}

fn normal(p: usize, seed: u64) -> Vec<f64> {
    let mut rng = Streams::new(seed).data();
    symmetric(p, |_, _| standard_normal(&mut rng))
}

fn right_hand_side(p: usize) -> Vec<f64> {
    (0..p).map(|k| ((k * 37 % 101) as f64 - 50.0) / 50.0).collect()
}

fn factorized(p: usize, matrix: &[f64], kind: Factorization, shift: f64) -> Result<ShiftedMatrix, FactorError> {
    let mut shifted = ShiftedMatrix::new(p).unwrap();
    shifted.fill().copy_from_slice(matrix);
    shifted.factorize(kind, shift).map(|()| shifted)
}

/// The solution, and the backward error ‖Ax − b‖ / (‖A‖‖x‖ + ‖b‖), which a stable factorization keeps at rounding whatever the condition.
fn solve(p: usize, matrix: &[f64], shifted: &mut ShiftedMatrix, shift: f64) -> (Vec<f64>, f64) {
    let b = right_hand_side(p);
    let mut x = b.clone();
    shifted.solve_in_place(&mut x);
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (mut r, mut size) = (b.clone(), 0.0f64);
    for i in 0..p {
        let row = |j: usize| matrix[i + j * p] + if i == j { shift } else { 0.0 };
        r[i] -= (0..p).map(|j| row(j) * x[j]).sum::<f64>();
        size = size.max((0..p).map(|j| row(j).abs()).sum());
    }
    let relative = norm(&r) / norm(&b);
    let reported = shifted.relative_residual(shift, &b, &x, &mut vec![0.0; p]);
    assert!(
        (relative - reported).abs() <= 1e-10 * relative + 1e-15 * size * norm(&x) / norm(&b),
        "{relative} {reported}"
    );
    let error = norm(&r) / (size * norm(&x) + norm(&b));
    (x, error)
}

fn inertia_by_eigenvalues(p: usize, matrix: &[f64], shift: f64) -> Inertia {
    let values = symmetric_eigenvalues(p, matrix).unwrap();
    let negative = values.iter().filter(|value| **value + shift < 0.0).count();
    Inertia { positive: p - negative, negative, zero: 0 }
}

#[test]
fn random_indefinite_matrices_agree_with_faer_and_with_the_eigenvalues() {
    // Around the panel of 64 columns, and several panels.
    for p in [1, 2, 3, 7, 62, 63, 64, 65, 66, 127, 128, 129, 193, 300] {
        let matrix = normal(p, p as u64);
        let mut shifted = factorized(p, &matrix, Factorization::Lblt, 0.0).unwrap();
        assert_eq!(shifted.inertia(), inertia_by_eigenvalues(p, &matrix, 0.0), "{p}");
        let (x, error) = solve(p, &matrix, &mut shifted, 0.0);
        assert!(error < 1e-15, "{p}: {error}");
        let reference = Mat::from_fn(p, p, |i, j| matrix[i + j * p]).lblt(Side::Lower);
        let b = right_hand_side(p);
        let expected = reference.solve(Mat::from_fn(p, 1, |i, _| b[i]));
        let size = expected.norm_max();
        // Condition numbers of a few thousand.
        (0..p).for_each(|i| assert!((x[i] - expected[(i, 0)]).abs() < 1e-9 * size, "{p}: {i}"));
    }
}

#[test]
fn zero_diagonals_force_pairs() {
    let mut rng = Streams::new(3).data();
    for half in [1, 5, 40, 70] {
        let p = 2 * half;
        // Pairs i, i + half with nothing else: every pivot is a pair from afar.
        let pairs = symmetric(p, |i, j| if i == j + half { 1.0 + j as f64 } else { 0.0 });
        // A saddle: \[0 B; Bᵀ 0\].
        let saddle = symmetric(p, |i, j| if i >= half && j < half { standard_normal(&mut rng) } else { 0.0 });
        for matrix in [pairs, saddle] {
            let mut shifted = factorized(p, &matrix, Factorization::Lblt, 0.0).unwrap();
            assert_eq!(shifted.inertia(), Inertia { positive: half, negative: half, zero: 0 });
            let (_, error) = solve(p, &matrix, &mut shifted, 0.0);
            assert!(error < 1e-15, "{error}");
            assert!(matches!(
                shifted.factorize(Factorization::Cholesky, 0.0),
                Err(FactorError::NotPositiveDefinite { .. })
            ));
        }
    }
}

#[test]
fn a_rank_deficient_matrix_with_a_small_shift_keeps_its_residual() {
    // Like the Hessian of a network: blocks of low rank on the diagonal, coupled by more of low rank, and a shift.
    let (p, rank) = (260, 20);
    let mut rng = Streams::new(5).data();
    let factor: Vec<f64> = (0..p * rank).map(|_| standard_normal(&mut rng)).collect();
    let matrix = symmetric(p, |i, j| {
        let sum: f64 = (0..rank).map(|k| factor[i * rank + k] * factor[j * rank + k] * [1.0, -1.0][k % 2]).sum();
        sum / rank as f64
    });
    for shift in [1e-4, 1e-8] {
        let mut shifted = factorized(p, &matrix, Factorization::Lblt, shift).unwrap();
        assert_eq!(shifted.inertia(), Inertia { positive: p - rank / 2, negative: rank / 2, zero: 0 });
        let (_, error) = solve(p, &matrix, &mut shifted, shift);
        assert!(error < 1e-15, "{shift}: {error}");
    }
}

#[test]
fn exactly_singular_matrices_are_named_and_another_shift_still_solves() {
    // Rank 1 in whole numbers: the second pivot is exactly zero.
    let ones = vec![1.0; 100];
    let mut shifted = ShiftedMatrix::new(10).unwrap();
    shifted.fill().copy_from_slice(&ones);
    assert_eq!(shifted.factorize(Factorization::Lblt, 0.0), Err(FactorError::Singular));
    assert_eq!(shifted.factorize(Factorization::Cholesky, 0.0), Err(FactorError::NotPositiveDefinite { pivot: 1 }));
    shifted.factorize(Factorization::Lblt, -2.0).unwrap();
    assert_eq!(shifted.inertia(), Inertia { positive: 1, negative: 9, zero: 0 });
    let (_, error) = solve(10, &ones, &mut shifted, -2.0);
    assert!(error < 1e-15);
}

#[test]
fn numbers_that_are_not_finite_are_refused_and_overflow_ends() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for place in [0, 1, 150 * 100 + 120, 150 * 150 - 1] {
            let mut matrix = normal(150, 1);
            matrix[place] = bad;
            let result = factorized(150, &matrix, Factorization::Lblt, 1.0).map(|_| ());
            assert_eq!(result, Err(FactorError::NotFinite));
        }
    }
    // Growth beyond the largest number: no endless search, no panic.
    let huge: Vec<f64> = normal(100, 2).iter().map(|x| x * 1e306).collect();
    let mut x = right_hand_side(100);
    if let Ok(mut shifted) = factorized(100, &huge, Factorization::Lblt, 0.0) {
        shifted.solve_in_place(&mut x);
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    // Large enough for shared products.
    let p = 1100;
    let matrix = normal(p, 7);
    let results = [1, 2, 3].map(|threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            // The largest eigenvalue in modulus is about 2√1100 = 66.
            let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let mut results = [(Factorization::Lblt, 0.1), (Factorization::Cholesky, 80.0)]
                .map(|(kind, shift)| {
                    let mut shifted = factorized(p, &matrix, kind, shift).unwrap();
                    let (x, error) = solve(p, &matrix, &mut shifted, shift);
                    assert!(error < 1e-15, "{error}");
                    bits(&x)
                })
                .to_vec();
            let mut shifted = factorized(p, &matrix, Factorization::SingleCholesky, 80.0).unwrap();
            let mut x = vec![0.0; p];
            shifted.solve_refined(&right_hand_side(p), &mut x, &mut vec![0.0; 2 * p]).unwrap();
            results.push(bits(&x));
            results
        })
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn sparse_indefinite_matrices_solve_with_the_right_inertia(seed in 0u64..10_000, p in 2usize..140, filled in 0.02f64..1.0) {
        let mut rng = Streams::new(seed).data();
        // Zero diagonals and rows that are decoupled come often.
        let matrix = symmetric(p, |_, _| {
            let (keep, x) = (standard_normal(&mut rng), standard_normal(&mut rng));
            if keep.abs() < 2.0 * filled { x } else { 0.0 }
        });
        let shift = 0.013;
        let mut shifted = factorized(p, &matrix, Factorization::Lblt, shift).unwrap();
        prop_assert_eq!(shifted.inertia(), inertia_by_eigenvalues(p, &matrix, shift));
        let (_, error) = solve(p, &matrix, &mut shifted, shift);
        prop_assert!(error < 1e-15, "{}", error);
        // Gershgorin: positive definite beyond the largest row sum.
        let bound = (0..p).map(|i| (0..p).map(|j| matrix[i + j * p].abs()).sum::<f64>()).fold(0.0, f64::max);
        shifted.factorize(Factorization::Cholesky, bound + 0.1).unwrap();
        let (_, error) = solve(p, &matrix, &mut shifted, bound + 0.1);
        prop_assert!(error < 1e-15, "{}", error);
    }
}

#[test]
fn a_modified_factorization_is_that_of_a_positive_definite_matrix_and_changes_no_safe_one() {
    let inverse = |shifted: &mut ShiftedMatrix, p: usize| -> Vec<f64> {
        let mut columns = symmetric(p, |i, j| f64::from(u8::from(i == j)));
        columns.chunks_exact_mut(p).for_each(|column| shifted.solve_in_place(column));
        columns
    };
    // A block of eigenvalues ±2, a negative and a zero row that are coupled to none: |μ|, and the floor.
    let p = 4;
    let mut matrix = vec![0.0; p * p];
    (matrix[1], matrix[p], matrix[2 * p + 2]) = (2.0, 2.0, -0.5);
    let mut shifted = ShiftedMatrix::new(p).unwrap();
    shifted.fill().copy_from_slice(&matrix);
    assert_eq!(shifted.factorize_modified(0.125), Ok(3));
    assert_eq!(inverse(&mut shifted, p), symmetric(p, |i, j| if i == j { [0.5, 0.5, 2.0, 4.0][i] } else { 0.0 }));
    assert_eq!(shifted.inertia(), Inertia { positive: p, negative: 0, zero: 0 });

    for (p, seed) in [(7, 1), (90, 2), (150, 3)] {
        let random = normal(p, seed);
        let mut shifted = ShiftedMatrix::new(p).unwrap();
        shifted.fill().copy_from_slice(&random);
        let negative = {
            shifted.factorize(Factorization::Lblt, 0.0).unwrap();
            shifted.inertia().negative
        };
        // Its inertia counts the negative eigenvalues of B, which are what changes; the other matrix is positive definite.
        assert_eq!(shifted.factorize_modified(1e-14), Ok(negative));
        let lowest = symmetric_eigenvalues(p, &inverse(&mut shifted, p)).unwrap()[0];
        assert!(lowest > 0.0, "{lowest}");
        // Gershgorin: safely positive definite, and so itself.
        let safe = symmetric(p, |i, j| random[i + j * p] + if i == j { 4.0 * p as f64 } else { 0.0 });
        shifted.fill().copy_from_slice(&safe);
        assert_eq!(shifted.factorize_modified(1e-8), Ok(0));
        assert!(solve(p, &safe, &mut shifted, 0.0).1 < 1e-15);
    }
    let mut zero = ShiftedMatrix::new(2).unwrap();
    zero.fill().fill(0.0);
    assert_eq!(zero.factorize_modified(1e-8), Err(FactorError::Singular));
}

#[test]
fn an_eigensolver_that_is_used_again_gives_the_same_bits() {
    let mut solver = gf_linalg::eigen::Eigensolver::new(40).unwrap();
    for seed in [1, 2] {
        let matrix = normal(40, seed);
        assert_eq!(solver.decompose(&matrix).unwrap(), &gf_linalg::eigen::symmetric_eigen(40, &matrix).unwrap());
    }
}

/// A positive definite matrix with the given eigenvalues: Q D Qᵀ, Q from a few reflections.
fn with_eigenvalues(values: &[f64]) -> Vec<f64> {
    let p = values.len();
    let mut rng = Streams::new(11).data();
    let mut matrix = Mat::from_fn(p, p, |i, j| if i == j { values[i] } else { 0.0 });
    for _ in 0..3 {
        let v = Mat::from_fn(p, 1, |_, _| standard_normal(&mut rng));
        let reflection = Mat::<f64>::identity(p, p) - v.as_ref() * v.transpose() * (2.0 / v.squared_norm_l2());
        matrix = &reflection * matrix * &reflection;
    }
    symmetric(p, |i, j| 0.5 * (matrix[(i, j)] + matrix[(j, i)]))
}

#[test]
fn refinement_from_single_precision_reaches_the_error_of_double() {
    // Around the panel of 128 columns and the shares of a product; rows that are zero elsewhere; magnitudes that single precision does not have.
    for (p, condition, size) in
        [(1, 1.0, 1.0), (5, 10.0, 1e-200), (127, 1e3, 1.0), (129, 1e4, 1e180), (300, 1e4, 1.0), (1100, 100.0, 1e-3)]
    {
        let values: Vec<f64> = (0..p).map(|k| size * f64::powf(condition, -(k as f64) / p as f64)).collect();
        let mut matrix = with_eigenvalues(&values);
        if p == 300 {
            for row in [0, 17, 299] {
                (0..p).filter(|k| *k != row).for_each(|k| (matrix[row + k * p], matrix[k + row * p]) = (0.0, 0.0));
            }
        }
        let shift = 0.25 * size;
        let mut shifted = factorized(p, &matrix, Factorization::SingleCholesky, shift).unwrap();
        let (b, mut x, mut scratch) = (right_hand_side(p), vec![f64::NAN; p], vec![0.0; 2 * p]);
        let refined = shifted.solve_refined(&b, &mut x, &mut scratch).unwrap();
        assert!((1..5).contains(&refined.rounds), "{p}: {} rounds", refined.rounds);
        // The matrix survived, and factors in double agree.
        shifted.factorize(Factorization::Cholesky, shift).unwrap();
        let mut expected = b.clone();
        shifted.solve_in_place(&mut expected);
        let relative = shifted.relative_residual(shift, &b, &x, &mut scratch[..p]);
        let by_double = shifted.relative_residual(shift, &b, &expected, &mut scratch[..p]);
        assert!(relative <= 4.0 * by_double + 1e-15, "{p}: {relative} beside {by_double}");
        assert!((relative - refined.relative_residual).abs() < 1e-14, "{p}: {relative} {refined:?}");
        let reference = Mat::from_fn(p, p, |i, j| matrix[i + j * p] + if i == j { shift } else { 0.0 });
        let reference = reference.llt(Side::Lower).unwrap().solve(Mat::from_fn(p, 1, |i, _| b[i]));
        let largest = reference.norm_max();
        for i in 0..p {
            assert!((x[i] - reference[(i, 0)]).abs() < 1e-13 * largest, "{p}: {i}");
            assert!((x[i] - expected[i]).abs() < 1e-13 * largest, "{p}: {i}");
        }
    }
}

#[test]
fn refinement_says_where_single_precision_does_not_do() {
    let p = 150;
    let b = right_hand_side(p);
    // A condition number of 10¹⁰, and an eigenvalue below zero by less than single precision sees: factors may exist, but no digits are gained.
    for last in [1e-10, -1e-9] {
        let mut values: Vec<f64> = (0..p).map(|k| 1.0 + k as f64 / p as f64).collect();
        values[p - 1] = last;
        let matrix = with_eigenvalues(&values);
        let mut x = vec![0.0; p];
        let refined = match factorized(p, &matrix, Factorization::SingleCholesky, 0.0) {
            Ok(mut shifted) => shifted.solve_refined(&b, &mut x, &mut vec![0.0; 2 * p]),
            Err(_) => None,
        };
        assert_eq!(refined, None, "{last}");
    }
    let indefinite = normal(p, 3);
    let result = factorized(p, &indefinite, Factorization::SingleCholesky, 0.0).map(|_| ());
    assert!(matches!(result, Err(FactorError::NotPositiveDefinite { .. })));
}
