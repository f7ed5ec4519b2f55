//! Metrics and quantiles against scikit-learn 1.9.1 and NumPy 2.4.6.
//!
//! ```python
//! from sklearn.metrics import *
//! y, p = [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]
//! Y, P = np.array([[0.5, 1.0], [-1.0, 1.5], [7.0, -6.0]]), np.array([[0.0, 2.0], [-1.0, 2.0], [8.0, -5.0]])
//! for a, b in ((y, p), (Y, P)):
//!     e = mean_absolute_error(a, b)
//!     print(mean_squared_error(a, b), e, root_mean_squared_error(a, b), r2_score(a, b), 1 - e / np.ptp(a))
//! # of Y and P, rmse is np.sqrt(mean_squared_error(Y, P)): scikit-learn averages the roots of the outputs
//! o = np.array([[0.1, 0.9, 0.0], [2.0, 1.0, -1.0], [0.0, 0.3, 0.2], [0.0, 0.1, 0.7]])
//! print(accuracy_score([1, 0, 2, 2], o.argmax(1)))
//! l = np.array([-0.3, 0.2, 1.5, -2.0]); print(accuracy_score([0, 1, 0, 0], l > 0))
//! np.quantile([3.0, 1.0, 4.0, 1.5, 9.25, 2.6], [0, 0.1, 0.25, 0.5, 0.9, 1])
//! ```

use gf_core::Targets;
use gf_utils::stats::{median, quantile, quartiles};
use gf_utils::{Metric, MetricError};

fn values(width: usize, values: &[f64]) -> Targets {
    Targets::Values { width, values: values.to_vec() }
}

/// A few ulp: the order of summation differs from NumPy's.
fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs()
}

#[test]
fn real_targets_as_scikit_learn() {
    use Metric::{Mae, Mse, R2, RangeAccuracy, Rmse};
    let one = (values(1, &[3.0, -0.5, 2.0, 7.0]), vec![2.5, 0.0, 2.0, 8.0]);
    let two = (values(2, &[0.5, 1.0, -1.0, 1.5, 7.0, -6.0]), vec![0.0, 2.0, -1.0, 2.0, 8.0, -5.0]);
    let expected_one = [0.375, 0.5, 0.6123724356957945, 0.9486081370449679, 0.9333333333333333];
    let expected_two =
        [0.5833333333333334, 0.6666666666666667, 0.7637626158259734, 0.9507283726822023, 0.9487179487179487];
    for ((targets, predictions), expected) in [(one, expected_one), (two, expected_two)] {
        for (metric, expected) in [Mse, Mae, Rmse, R2, RangeAccuracy].into_iter().zip(expected) {
            let found = metric.evaluate(&predictions, &targets).unwrap();
            assert!(close(found, expected), "{}: {found} {expected}", metric.name());
        }
    }
}

#[test]
fn accuracy_of_classes_logits_and_one_hot_targets() {
    let outputs = [0.1, 0.9, 0.0, 2.0, 1.0, -1.0, 0.0, 0.3, 0.2, 0.0, 0.1, 0.7];
    let labels = Targets::Classes { classes: 3, labels: vec![1, 0, 2, 2] };
    assert_eq!(Metric::Accuracy.evaluate(&outputs, &labels), Ok(0.75));
    let one_hot = values(3, &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    assert_eq!(Metric::Accuracy.evaluate(&outputs, &one_hot), Ok(0.75));
    let logits = [-0.3, 0.2, 1.5, -2.0];
    let two = Targets::Classes { classes: 2, labels: vec![0, 1, 0, 0] };
    assert_eq!(Metric::Accuracy.evaluate(&logits, &two), Ok(0.75));
    assert_eq!(Metric::Accuracy.evaluate(&logits, &values(1, &[0.0, 1.0, 0.0, 0.0])), Ok(0.75));
    let pairs = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
    assert_eq!(Metric::Accuracy.evaluate(&pairs, &two), Ok(0.75));
}

#[test]
fn nan_predictions_are_wrong_and_make_errors_nan() {
    let labels = Targets::Classes { classes: 2, labels: vec![0, 0] };
    assert_eq!(Metric::Accuracy.evaluate(&[f64::NAN, 0.0, 1.0, 0.0], &labels), Ok(0.5));
    assert_eq!(Metric::Accuracy.evaluate(&[f64::NAN, -1.0], &labels), Ok(0.5));
    let targets = values(1, &[0.0, 1.0]);
    for metric in [Metric::Mse, Metric::Mae, Metric::Rmse, Metric::R2, Metric::RangeAccuracy] {
        assert!(metric.evaluate(&[f64::NAN, 1.0], &targets).unwrap().is_nan(), "{}", metric.name());
    }
    assert_eq!(Metric::Mse.evaluate(&[f64::INFINITY, 1.0], &targets), Ok(f64::INFINITY));
}

#[test]
fn undefined_cases_are_named() {
    let classes = Targets::Classes { classes: 3, labels: vec![0, 1] };
    let cases: [(Metric, &[f64], Targets, &str); 8] = [
        (Metric::Mse, &[1.0], values(1, &[1.0, 2.0]), "mse: expected 2 predictions, found 1"),
        (Metric::Mae, &[1.0, 2.0], classes.clone(), "mae: expected targets that are real values, not classes"),
        (Metric::Rmse, &[], values(1, &[]), "rmse: no samples"),
        (Metric::R2, &[1.0, 2.0], values(1, &[3.0, 3.0]), "r2: undefined, all targets of output 0 are 3"),
        (
            Metric::R2,
            &[1.0, 2.0, 3.0, 4.0],
            values(2, &[1.0, 3.0, 2.0, 3.0]),
            "r2: undefined, all targets of output 1 are 3",
        ),
        (Metric::RangeAccuracy, &[1.0], values(1, &[3.0]), "range_accuracy: undefined, all targets of output 0 are 3"),
        (Metric::Accuracy, &[1.0; 5], classes, "accuracy: expected 6 predictions, found 5"),
        (
            Metric::Accuracy,
            &[1.0, 2.0],
            values(1, &[1.0, 0.5]),
            "accuracy: target row 1 is not a class: expected 0 or 1, or a row with one 1 and zeros",
        ),
    ];
    for (metric, predictions, targets, message) in cases {
        let error: MetricError = metric.evaluate(predictions, &targets).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn names_are_unique_and_lead_back() {
    for metric in Metric::ALL {
        assert_eq!(Metric::from_name(metric.name()), Some(metric));
    }
    assert_eq!(Metric::from_name("loss"), None);
}

#[test]
fn quantiles_as_numpy() {
    let numbers = [3.0, 1.0, 4.0, 1.5, 9.25, 2.6];
    for (q, expected) in [(0.0, 1.0), (0.1, 1.25), (0.25, 1.775), (0.5, 2.8), (0.9, 6.625), (1.0, 9.25)] {
        let found = quantile(&numbers, q).unwrap();
        assert!(close(found, expected), "{q}: {found} {expected}");
    }
    assert_eq!(quartiles(&[1.0, 2.0, 3.0, 4.0, 5.0]), Some([2.0, 3.0, 4.0]));
    assert_eq!(median(&[2.0]), Some(2.0));
    assert_eq!(median(&[]), None);
    assert_eq!(quartiles(&[]), None);
    assert_eq!(quantile(&numbers, 1.1), None);
    assert_eq!(quantile(&numbers, f64::NAN), None);
}

#[test]
fn quantiles_with_infinities_and_nan() {
    assert_eq!(median(&[1.0, f64::INFINITY, 2.0]), Some(2.0));
    assert_eq!(median(&[f64::INFINITY, f64::INFINITY]), Some(f64::INFINITY));
    assert_eq!(median(&[1.0, f64::INFINITY]), Some(f64::INFINITY));
    for nan in [f64::NAN, -f64::NAN] {
        assert!(median(&[1.0, nan, 2.0]).unwrap().is_nan());
    }
}
