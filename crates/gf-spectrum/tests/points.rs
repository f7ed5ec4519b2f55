//! Inertia, the kind of a point, and quadratic forms by principal directions.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Dense, goe, hessian, networks, normal};
use gf_core::problems::{Himmelblau, Quartic};
use gf_core::{DenseHessian, SymmetricOperator, Triangle, vector};
use gf_spectrum::{Inertia, PointKind, QuadraticForm, classify, full_spectrum, inertia};

fn kind(objective: &mut (impl DenseHessian + ?Sized), theta: &[f64]) -> PointKind {
    let p = theta.len();
    let (mut gradient, mut matrix) = (vec![0.0; p], vec![0.0; p * p]);
    objective.value_and_gradient(theta, &mut gradient).unwrap();
    objective.dense_hessian(theta, Triangle::Lower, &mut matrix).unwrap();
    classify(vector::norm(&gradient), 1e-4, inertia(p, &matrix, 1e-8).unwrap())
}

#[test]
fn the_critical_points_of_himmelblau_are_what_they_are() {
    let points = [
        ([3.0, 2.0], PointKind::Minimum),
        ([-2.805_118_087, 3.131_312_518], PointKind::Minimum),
        ([-3.779_310_253, -3.283_185_991], PointKind::Minimum),
        ([3.584_428_340, -1.848_126_527], PointKind::Minimum),
        ([-0.270_844_590, -0.923_038_522], PointKind::Maximum),
        ([-3.073_025_751, -0.081_353_044], PointKind::Saddle),
        ([0.086_677_504, 2.884_254_701], PointKind::Saddle),
        ([3.385_154_182, 0.073_851_879], PointKind::Saddle),
        ([-0.127_961_346, -1.953_714_980], PointKind::Saddle),
        ([1.0, 1.0], PointKind::NotCritical),
    ];
    for (theta, expected) in points {
        assert_eq!(kind(&mut Himmelblau, &theta), expected, "at {theta:?}");
    }
}

#[test]
fn a_vanishing_hessian_decides_nothing() {
    assert_eq!(kind(&mut Quartic::new(3), &[0.0; 3]), PointKind::Degenerate);
    assert_eq!(kind(&mut Quartic::new(3), &[0.1; 3]), PointKind::NotCritical);
    let of = |positive, negative, zero| classify(0.0, 1e-8, Inertia { positive, negative, zero });
    assert_eq!(of(1, 1, 5), PointKind::Saddle);
    assert_eq!(of(2, 0, 1), PointKind::Degenerate);
    assert_eq!(of(0, 2, 1), PointKind::Degenerate);
    assert_eq!(classify(f64::NAN, 1e-8, Inertia { positive: 2, negative: 0, zero: 0 }), PointKind::NotCritical);
}

#[test]
fn inertia_counts_the_signs_of_the_eigenvalues() {
    let mut matrices = vec![("GOE", goe(120, 2))];
    for (name, mut objective, theta) in networks() {
        matrices.push((name, hessian(&mut objective, &theta)));
    }
    for (name, Dense { p, matrix }) in matrices {
        let values = full_spectrum(p, &matrix).unwrap();
        let largest = values[p - 1].max(-values[0]);
        for tolerance in [1e-3 * largest, 1e-6 * largest] {
            // An eigenvalue nearer to the tolerance than rounding may fall on either side.
            let is_clear = |x: &f64| (x.abs() - tolerance).abs() > 1e-12 * largest;
            assert!(values.iter().all(is_clear), "{name}");
            let count = |f: &dyn Fn(f64) -> bool| values.iter().filter(|x| f(**x)).count();
            let expected = Inertia {
                positive: count(&|x| x > tolerance),
                negative: count(&|x| x < -tolerance),
                zero: count(&|x| x.abs() <= tolerance),
            };
            assert_eq!(inertia(p, &matrix, tolerance).unwrap(), expected, "{name}, {tolerance:e}");
        }
    }
}

#[test]
fn contributions_sum_to_the_quadratic_form() {
    let mut matrix = goe(90, 3);
    let p = matrix.p;
    let form = QuadraticForm::new(p, &matrix.matrix).unwrap();
    for seed in 0..3 {
        let x = normal(p, 100 + seed);
        let mut product = vec![0.0; p];
        matrix.apply(&x, &mut product);
        let (exact, size) = (vector::dot(&x, &product), vector::dot(&x, &x));
        let parts = form.contributions(&x);
        let sum: f64 = parts.iter().map(|part| part.contribution).sum();
        assert!((sum - exact).abs() <= 1e-12 * size, "{sum}, expected {exact}");
        assert!((parts.iter().map(|part| part.share).sum::<f64>() - 1.0).abs() <= 1e-12);
        assert!(
            parts
                .iter()
                .zip(form.values())
                .enumerate()
                .all(|(k, (part, value))| part.index == k && part.value == *value)
        );
    }
    // A principal direction has one part.
    let parts = form.contributions(form.direction(7));
    assert!((parts[7].share - 1.0).abs() <= 1e-12 && (parts[7].contribution - form.values()[7]).abs() <= 1e-12);
    assert!(form.contributions(&vec![0.0; p]).iter().all(|part| part.share == 0.0 && part.contribution == 0.0));
}
