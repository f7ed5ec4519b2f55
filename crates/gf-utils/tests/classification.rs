//! Confusion and calibration against scikit-learn 1.9.1 and NumPy 2.4.6.
//!
//! ```python
//! from sklearn.metrics import *
//! o = np.array([[0.1, 0.9, 0.0], [2, 1, -1], [0, 0.3, 0.2], [0, 0.1, 0.7], [1.5, -2, 3], [-1, 4, 0.5], [0.2, 0.1, 0], [3, 3.5, -8]])
//! y = np.array([1, 0, 2, 2, 0, 1, 1, 0]); p = np.exp(o) / np.exp(o).sum(1, keepdims=True)
//! l = np.array([-0.3, 0.2, 1.5, -2.0, 40.0, -3.0, 0.7]); z = np.array([0, 1, 0, 0, 1, 1, 1]); q = 1 / (1 + np.exp(-l))
//! confusion_matrix(y, o.argmax(1)), precision_recall_fscore_support(y, o.argmax(1)), balanced_accuracy_score(y, o.argmax(1))
//! log_loss(y, p), brier_score_loss(y, p, labels=[0, 1, 2]), brier_score_loss(z, q)   # and the same of z, l > 0
//! -np.where(z == 1, -np.logaddexp(0, -l), -np.logaddexp(0, l)).mean()                # log_loss clips probabilities
//! def ece(p, y, M):
//!     c, r, bins = p.max(1), p.argmax(1) == y, []
//!     for k in range(M):
//!         s = (c > k / M) & (c <= (k + 1) / M)
//!         if s.any(): bins.append((k, s.sum(), c[s].mean(), r[s].mean()))
//!     return sum(n / len(y) * abs(a - c) for _, n, c, a in bins), max(abs(a - c) for _, _, c, a in bins), bins
//! ```

#![allow(clippy::unwrap_used, reason = "tests")]

use gf_core::Targets;
use gf_utils::classification::{Calibration, ClassProbabilities, Confusion, class_labels, predicted_classes};
use gf_utils::stats::wilson_interval;

const OUTPUTS: [f64; 24] = [
    0.1, 0.9, 0.0, 2.0, 1.0, -1.0, 0.0, 0.3, 0.2, 0.0, 0.1, 0.7, 1.5, -2.0, 3.0, -1.0, 4.0, 0.5, 0.2, 0.1, 0.0, 3.0,
    3.5, -8.0,
];
const LABELS: [u32; 8] = [1, 0, 2, 2, 0, 1, 1, 0];
const LOGITS: [f64; 7] = [-0.3, 0.2, 1.5, -2.0, 40.0, -3.0, 0.7];
const BINARY: [u32; 7] = [0, 1, 0, 0, 1, 1, 1];

/// A few ulp: the order of summation differs from NumPy's.
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 8.0 * f64::EPSILON * expected.abs(), "found {found}, expected {expected}");
}

#[test]
fn confusion_as_scikit_learn() {
    let confusion = Confusion::new(3, &LABELS, &predicted_classes(3, &OUTPUTS)).unwrap();
    assert_eq!(confusion.counts(), [1, 1, 1, 1, 2, 0, 0, 1, 1]);
    let per_class = [(0.5, 0.3333333333333333, 0.4), (0.5, 0.6666666666666666, 0.5714285714285714), (0.5, 0.5, 0.5)];
    for (class, (precision, recall, f1)) in per_class.into_iter().enumerate() {
        close(confusion.precision(class).unwrap(), precision);
        close(confusion.recall(class).unwrap(), recall);
        close(confusion.f1(class).unwrap(), f1);
    }
    close(confusion.accuracy(), 0.5);
    close(confusion.macro_f1(), 0.4904761904761905);
    close(confusion.balanced_accuracy(), 0.5);
    let binary = Confusion::new(2, &BINARY, &predicted_classes(1, &LOGITS)).unwrap();
    assert_eq!(binary.counts(), [2, 1, 1, 3]);
    close(binary.balanced_accuracy(), 0.7083333333333333);
    assert_eq!((binary.precision(1), binary.recall(1), binary.f1(1)), (Some(0.75), Some(0.75), Some(0.75)));
}

/// `precision_recall_fscore_support(y, p, labels=[0, 1, 2, 3], average=…, zero_division=np.nan)` of y = [0, 0, 0, 0, 1, 1, 1, 3, 3] and
/// p = [0, 0, 1, 2, 1, 1, 0, 0, 1], and the same from the counts in NumPy: nothing is taken for class 3, and no sample is of class 2.
#[test]
fn a_class_that_is_never_predicted_has_no_precision() {
    let predicted = [0, 0, 1, 2, 1, 1, 0, 0, 1].map(Some);
    let confusion = Confusion::new(4, &[0, 0, 0, 0, 1, 1, 1, 3, 3], &predicted).unwrap();
    let each = |score: fn(&Confusion, usize) -> Option<f64>| [0, 1, 2, 3].map(|class| score(&confusion, class));
    assert_eq!(each(Confusion::precision), [Some(0.5), Some(0.5), Some(0.0), None]);
    assert_eq!(each(Confusion::recall), [Some(0.5), Some(2.0 / 3.0), None, Some(0.0)]);
    assert_eq!(each(Confusion::f1), [Some(0.5), Some(4.0 / 7.0), Some(0.0), Some(0.0)]);
    assert_eq!([0, 1, 2, 3].map(|class| confusion.support(class)), [4, 3, 0, 2]);
    for (score, of_classes, of_samples) in [
        (Confusion::precision as fn(&Confusion, usize) -> Option<f64>, 0.3333333333333333, 0.5),
        (Confusion::recall, 0.38888888888888884, 0.4444444444444444),
        (Confusion::f1, 0.26785714285714285, 0.41269841269841273),
    ] {
        close(confusion.macro_average(score).unwrap(), of_classes);
        close(confusion.weighted_average(score).unwrap(), of_samples);
    }
    close(confusion.weighted_average(Confusion::recall).unwrap(), confusion.accuracy());
    // All is taken for a class without samples: a precision of 0 with no weight, and no other.
    let none = Confusion::new(2, &[0, 0], &[Some(1), Some(1)]).unwrap();
    assert_eq!(none.weighted_average(Confusion::precision), None);
    assert_eq!(none.macro_average(Confusion::precision), Some(0.0));
}

#[test]
fn calibration_as_numpy() {
    type Bins<'a> = &'a [(usize, u64, f64, f64)];
    let check = |probabilities: ClassProbabilities, labels: &[u32], scores: [f64; 4], bins: Bins<'_>| {
        let found = Calibration::new(&probabilities, labels, 10).unwrap();
        close(found.expected_error, scores[0]);
        close(found.largest_error, scores[1]);
        close(found.log_loss, scores[2]);
        close(found.brier, scores[3]);
        assert_eq!(found.bins.iter().filter(|bin| bin.count > 0).count(), bins.len());
        for (m, count, confidence, accuracy) in bins {
            assert_eq!(found.bins[*m].count, *count, "bin {m}");
            close(found.bins[*m].confidence, *confidence);
            close(found.bins[*m].accuracy, *accuracy);
        }
    };
    check(
        ClassProbabilities::from_logits(3, &OUTPUTS),
        &LABELS,
        [0.43540053333829726, 0.8130953182608678, 0.8218868315064407, 0.5375540124952285],
        &[
            (3, 2, 0.3725717710462636, 0.0),
            (4, 1, 0.48890265771885366, 1.0),
            (5, 1, 0.5388225343479803, 1.0),
            (6, 1, 0.6224554062649178, 0.0),
            (7, 1, 0.7053845126982412, 1.0),
            (8, 1, 0.8130953182608678, 0.0),
            (9, 1, 0.9643802951468596, 1.0),
        ],
    );
    check(
        ClassProbabilities::from_logit(&LOGITS),
        &BINARY,
        [0.40835448495737947, 0.4762870634112166, 0.9189441147621491, 0.2976975405493465],
        &[
            (5, 2, 0.5621382570620684, 1.0),
            (6, 1, 0.6681877721681662, 1.0),
            (8, 2, 0.849185777085763, 0.5),
            (9, 2, 0.9762870634112166, 0.5),
        ],
    );
}

/// Confidences that are right exactly as often as they say, and sure mistakes.
#[test]
fn calibration_of_known_classifiers() {
    let logit = 3f64.ln(); // p₁ = 3/4
    let calibrated = Calibration::new(&ClassProbabilities::from_logit(&[logit; 4]), &[1, 1, 0, 1], 10).unwrap();
    assert!(calibrated.expected_error < 1e-15 && calibrated.largest_error < 1e-15);
    let sure = Calibration::new(&ClassProbabilities::from_logit(&[800.0, -800.0]), &[0, 0], 15).unwrap();
    // −ln p of a probability that rounds to 0 is finite.
    assert_eq!((sure.log_loss, sure.brier, sure.expected_error, sure.largest_error), (400.0, 0.5, 0.5, 0.5));
    let right = Calibration::new(&ClassProbabilities::from_logits(2, &[0.0, 800.0]), &[1], 15).unwrap();
    assert_eq!((right.log_loss.to_bits(), right.expected_error), (0f64.to_bits(), 0.0));
}

#[test]
fn predictions_that_are_no_numbers_are_of_no_class_and_have_no_calibration() {
    let outputs = [f64::NAN, 1.0, 0.0, 2.0];
    let confusion = Confusion::new(2, &[0, 1], &predicted_classes(2, &outputs)).unwrap();
    assert_eq!((confusion.counts(), confusion.undecided()), (&[0, 0, 0, 1][..], &[1, 0][..]));
    assert_eq!((confusion.accuracy(), confusion.recall(0), confusion.precision(0)), (0.5, Some(0.0), None));
    let calibration = Calibration::new(&ClassProbabilities::from_logits(2, &outputs), &[0, 1], 5).unwrap();
    let scores = [calibration.expected_error, calibration.largest_error, calibration.brier, calibration.log_loss];
    assert!(scores.iter().all(|score| score.is_nan()), "{scores:?}");
    assert_eq!(calibration.bins.iter().map(|bin| bin.count).sum::<u64>(), 1);
}

#[test]
fn a_class_that_never_occurs_has_no_share_in_the_means() {
    let confusion = Confusion::new(3, &[0, 1], &[Some(0), Some(1)]).unwrap();
    assert_eq!((confusion.f1(2), confusion.recall(2), confusion.precision(2)), (None, None, None));
    assert_eq!((confusion.macro_f1(), confusion.balanced_accuracy()), (1.0, 1.0));
}

#[test]
fn misfits_are_errors_with_numbers() {
    let text =
        |labels: &[u32], predicted: &[Option<u32>]| Confusion::new(2, labels, predicted).unwrap_err().to_string();
    assert_eq!(text(&[], &[]), "confusion: no samples");
    assert_eq!(text(&[0, 1], &[Some(0)]), "confusion: expected 2 predictions, found 1");
    assert_eq!(text(&[0, 5], &[Some(0), None]), "confusion: row 1 has class 5; expected 0 to 1");
    let values = Targets::Values { width: 1, values: vec![1.0, 0.5] };
    assert!(class_labels(&values).unwrap_err().to_string().contains("target row 1 is not a class"));
    let rows = Targets::Values { width: 3, values: vec![0.0, 0.0, 1.0, 1.0, 0.0, 0.0] };
    assert_eq!(class_labels(&rows).unwrap(), [2, 0]);
}

/// `scipy.stats.binomtest(k, n).proportion_ci(method="wilson")` of SciPy.
#[test]
fn intervals_of_shares_as_scipy() {
    let cases = [
        (0, 2, [0.0, 0.6576197724933469]),
        (1, 3, [0.06149194472039626, 0.7923403991979523]),
        (9, 10, [0.5958499732047615, 0.9821237869049271]),
        (284, 288, [0.9648390491948016, 0.994585979488428]),
        (5, 5, [0.5655175352168251, 1.0]),
    ];
    for (right, count, expected) in cases {
        let found = wilson_interval(right, count).unwrap();
        for (found, expected) in found.into_iter().zip(expected) {
            // A difference of numbers near 1.
            assert!((found - expected).abs() < 1e-15, "{right} of {count}: {found} {expected}");
        }
    }
    assert_eq!(wilson_interval(0, 0), None);
}
