//! Embedded and synthetic data, `.npy` pairs, splits, scaling.

use std::path::{Path, PathBuf};

use gf_core::{SampleError, Samples, Streams, Targets};
use gf_utils::data::*;
use proptest::prelude::*;

fn values(samples: &Samples) -> &[f64] {
    match samples.targets() {
        Targets::Values { values, .. } => values,
        Targets::Classes { .. } => panic!("real targets"),
    }
}

fn labels(samples: &Samples) -> &[u32] {
    match samples.targets() {
        Targets::Classes { labels, .. } => labels,
        Targets::Values { .. } => panic!("classes"),
    }
}

/// Mean of column `c`.
fn column_mean(samples: &Samples, c: usize) -> f64 {
    samples.inputs().iter().skip(c).step_by(samples.width()).sum::<f64>() / samples.len() as f64
}

#[test]
fn the_small_sets_are_those_of_scikit_learn() {
    // from sklearn.datasets import load_iris, load_wine, load_breast_cancer; d.data.shape, np.bincount(d.target), d.data[0], d.data.mean(0)[[0, -1]]
    let cases = [
        (iris(), 3, vec![50, 50, 50], [5.1, 0.2], [5.843333333333334, 1.1993333333333336]),
        (wine(), 3, vec![59, 71, 48], [14.23, 1065.0], [13.00061797752809, 746.8932584269663]),
        (breast_cancer(), 2, vec![212, 357], [17.99, 0.1189], [14.127291739894552, 0.08394581722319859]),
    ];
    for (samples, classes, counts, first, means) in cases {
        assert_eq!((samples.len(), samples.outputs()), (counts.iter().sum(), classes));
        let width = samples.width();
        assert_eq!([samples.inputs()[0], samples.inputs()[width - 1]], first);
        for (found, expected) in [column_mean(&samples, 0), column_mean(&samples, width - 1)].into_iter().zip(means) {
            assert!((found - expected).abs() < 1e-12 * expected, "{found} {expected}");
        }
        let found: Vec<usize> =
            (0..classes as u32).map(|class| labels(&samples).iter().filter(|label| **label == class).count()).collect();
        assert_eq!(found, counts);
    }
}

#[test]
fn the_digits_are_those_of_scikit_learn() {
    // from sklearn.datasets import load_digits; d = load_digits()
    // d.data.sum(), np.bincount(d.target), d.data[0, :16], d.data[1796].sum()
    let digits = digits();
    assert_eq!((digits.len(), digits.width(), digits.outputs()), (1797, 64, 10));
    // Sixteenths add without rounding.
    assert_eq!(digits.inputs().iter().sum::<f64>() * 16.0, 561718.0);
    assert!(digits.inputs().iter().all(|x| (0.0..=1.0).contains(x)));
    let first = [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0, 0.0, 0.0, 13.0, 15.0, 10.0, 15.0, 5.0, 0.0];
    assert_eq!(digits.inputs()[..16], first.map(|gray| gray / 16.0));
    assert_eq!(digits.inputs()[1796 * 64..].iter().sum::<f64>() * 16.0, 392.0);
    let counts: Vec<usize> = (0..10).map(|class| labels(&digits).iter().filter(|&&l| l == class).count()).collect();
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(labels(&digits)[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn the_original_problem_obeys_its_formula() {
    let samples = original(&Streams::new(5));
    assert_eq!((samples.len(), samples.width(), samples.outputs()), (ORIGINAL_POINTS, 2, 1));
    let (mut noise, mut count) = ([0.0; 3], 0.0);
    for (i, (x, y)) in samples.inputs().chunks(2).zip(values(&samples)).enumerate() {
        let t = -1.0 + 2.0 * i as f64 / 3999.0;
        let (first, second) = ((x[0] - t) / 0.1, (x[1] - t.powi(3)) / 0.1);
        // The last bits of u′ are lost in t + 0.1 u′.
        assert!((-1e-14..1.0 + 1e-14).contains(&first) && (-1e-14..1.0 + 1e-14).contains(&second));
        let curve = 0.5 * (t + 0.2).powi(5) + 0.3 * (t - 0.1);
        if t > 0.5 {
            // All terms are positive: u can be read off.
            let u = (y - curve) / (0.1 * t.powi(3));
            assert!((-1e-12..1.0 + 1e-12).contains(&u), "{t} {u}");
            noise[0] += u;
            count += 1.0;
        }
        noise[1] += first / 4000.0;
        noise[2] += second / 4000.0;
    }
    // Means of U(0, 1): standard errors 0.0091 of the 1000 points above ½, 0.0046 of all 4000; four of them.
    for (mean, bound) in [(noise[0] / count, 0.037), (noise[1], 0.019), (noise[2], 0.019)] {
        assert!((mean - 0.5).abs() < bound, "{mean}");
    }
}

#[test]
fn the_original_problem_is_a_function_of_its_seed() {
    let samples = original_with_points(&Streams::new(1), 3).unwrap();
    assert_eq!(samples, original_with_points(&Streams::new(1), 3).unwrap());
    assert_ne!(samples, original_with_points(&Streams::new(2), 3).unwrap());
    // Frozen: results of earlier versions stay comparable.
    assert_eq!(samples.inputs(), FROZEN_INPUTS);
    assert_eq!(values(&samples), FROZEN_TARGETS);
    assert_eq!(original_with_points(&Streams::new(1), 1).unwrap().len(), 1);
    assert_eq!(original_with_points(&Streams::new(1), 0), Err(SampleError::Empty("inputs")));
}

const FROZEN_INPUTS: [f64; 6] = [
    -0.9701356323484415,
    -0.9874283496561497,
    0.08745073887520242,
    0.025127354172194718,
    1.0344998086945207,
    1.0152836646142054,
];
const FROZEN_TARGETS: [f64; 3] = [0.5125027598491758, 0.02984, 1.561692532171652];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn pair(x: &str, y: &str, kind: TargetKind) -> Result<Samples, String> {
    read_pair(&fixture(x), &fixture(y), kind).map_err(|error| {
        let directory = format!("{}/", fixture("").display()).replace("//", "/");
        error.to_string().replace(&directory, "")
    })
}

#[test]
fn pairs_of_arrays() {
    let classes = TargetKind::Classes { classes: None };
    let samples = pair("x.npy", "y_values.npy", TargetKind::Values).unwrap();
    assert_eq!((samples.width(), samples.inputs()), (2, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0][..]));
    assert_eq!(values(&samples), [0.5, 1.5, 2.5]);
    let samples = pair("x.npy", "y_labels.npy", classes).unwrap();
    assert_eq!((labels(&samples), samples.outputs()), (&[0, 2, 1][..], 3));
    assert_eq!(pair("x.npy", "y_one_hot.npy", classes).unwrap(), samples);
    assert_eq!(pair("x.npy", "y_labels.npy", TargetKind::Classes { classes: Some(5) }).unwrap().outputs(), 5);
    assert_eq!(pair("x.npy", "y_one_hot.npy", TargetKind::Values).unwrap().outputs(), 3);
    assert_eq!(pair("y_one_hot.npy", "y_labels.npy", classes).unwrap().width(), 3, "inputs may be integers");
}

#[test]
fn pairs_that_do_not_fit_say_why() {
    let classes = |classes| TargetKind::Classes { classes };
    let cases = [
        (
            "y_values.npy",
            "y_values.npy",
            TargetKind::Values,
            "y_values.npy: expected samples x inputs (for one input: x.reshape(-1, 1)), found shape [3]",
        ),
        (
            "x.npy",
            "float64_scalar.npy",
            TargetKind::Values,
            "float64_scalar.npy: expected one target, or one row of targets, a sample, found shape []",
        ),
        ("x.npy", "uint8_vector.npy", TargetKind::Values, "x.npy and uint8_vector.npy: 3 input rows but 2 targets"),
        (
            "x.npy",
            "y_values.npy",
            classes(None),
            "y_values.npy, row 0: expected a class, an integer from 0 to 65535, found [0.5]",
        ),
        ("x.npy", "y_labels.npy", classes(Some(2)), "y_labels.npy, row 1: expected a class from 0 to 1, found [2.0]"),
        (
            "x.npy",
            "y_not_one_hot.npy",
            classes(None),
            "y_not_one_hot.npy, row 1: expected one 1 and zeros, found [0.5, 0.5]",
        ),
        (
            "x.npy",
            "y_one_hot.npy",
            classes(Some(4)),
            "y_one_hot.npy: expected 3 labels or 3 x 4 one-hot, found shape [3, 3]",
        ),
        (
            "float64_empty.npy",
            "y_values.npy",
            TargetKind::Values,
            "float64_empty.npy and y_values.npy: no data: inputs is empty",
        ),
        ("x.npy", "object.npy", TargetKind::Values, "object.npy: elements of type \"|O\""),
    ];
    for (x, y, kind, message) in cases {
        let error = pair(x, y, kind).unwrap_err();
        assert!(error.starts_with(message), "{error}\n{message}");
    }
}

/// Inputs and labels are the row's number, modulo the classes.
fn numbered(n: usize, classes: usize) -> Samples {
    let labels = (0..n).map(|row| (row % classes) as u32).collect();
    Samples::new(1, (0..n).map(|row| row as f64).collect(), Targets::Classes { classes, labels })
        .expect("labels below the classes")
}

#[test]
fn a_shuffled_split_is_a_partition_in_random_order() {
    let samples = numbered(100, 10);
    let split = shuffled_split(&samples, DEFAULT_VALIDATION, &Streams::new(3)).unwrap();
    assert_eq!((split.train.len(), split.validation.len()), (80, 20));
    assert_eq!(split, shuffled_split(&samples, 0.2, &Streams::new(3)).unwrap());
    assert_ne!(split.train_rows, shuffled_split(&samples, 0.2, &Streams::new(4)).unwrap().train_rows);
    assert!(!split.train_rows.is_sorted(), "the training part stays shuffled");
    assert_eq!(split.train_rows[..5], FROZEN_ROWS);
}

const FROZEN_ROWS: [usize; 5] = [50, 31, 85, 98, 40];

#[test]
fn every_row_is_held_out_about_equally_often() {
    // 500 splits: each row validates with probability 0.2; five standard errors of 0.018.
    let samples = numbered(20, 2);
    let mut held = [0usize; 20];
    for seed in 0..500 {
        let split = shuffled_split(&samples, 0.2, &Streams::new(seed)).unwrap();
        split.validation_rows.iter().for_each(|&row| held[row] += 1);
    }
    assert!(held.iter().all(|&count| (count as f64 / 500.0 - 0.2).abs() < 0.09), "{held:?}");
}

#[test]
fn the_validation_part_can_be_sorted_as_in_the_original() {
    let mut split = shuffled_split(&original(&Streams::new(1)), 0.2, &Streams::new(1)).unwrap();
    let unsorted = split.clone();
    split.sort_validation_by_input(0).unwrap();
    assert!(split.validation.inputs().iter().step_by(2).is_sorted());
    assert!(!unsorted.validation.inputs().iter().step_by(2).is_sorted());
    assert_eq!(split.train, unsorted.train);
    assert_eq!(split.validation, original(&Streams::new(1)).select(&split.validation_rows));
    assert_eq!(sort_by_input(&unsorted.validation, 0).unwrap(), split.validation);
    let error = sort_by_input(&split.train, 2).unwrap_err().to_string();
    assert_eq!(error, "input column 2: expected 0 to 1");
}

#[test]
fn splits_that_cannot_be_made_say_why() {
    let samples = numbered(3, 3);
    let cases = [
        (0.0, "validation share 0: expected a number between 0 and 1, such as 0.2"),
        (1.0, "validation share 1: expected a number between 0 and 1, such as 0.2"),
        (f64::NAN, "validation share NaN: expected a number between 0 and 1, such as 0.2"),
        (0.1, "3 samples with a validation share of 0.1: 3 to train and 0 to validate; expected at least 1 each"),
        (0.9, "3 samples with a validation share of 0.9: 0 to train and 3 to validate; expected at least 1 each"),
    ];
    for (share, message) in cases {
        assert_eq!(shuffled_split(&samples, share, &Streams::new(1)).unwrap_err().to_string(), message);
    }
    let real = original_with_points(&Streams::new(1), 10).unwrap();
    let error = stratified_split(&real, 0.2, &Streams::new(1)).unwrap_err();
    assert_eq!(error, SplitError::NotClasses);
}

/// Two classes for one logit are a column of 0 and 1.
#[test]
fn zeros_and_ones_are_stratified_as_the_classes_they_are() {
    let classes = breast_cancer();
    let column = labels(&classes).iter().map(|label| f64::from(*label)).collect();
    let values = Targets::Values { width: 1, values: column };
    let values = Samples::new(30, classes.inputs().to_vec(), values).unwrap();
    let split = |samples| stratified_split(samples, 0.2, &Streams::new(3)).unwrap();
    assert_eq!(split(&values).validation_rows, split(&classes).validation_rows);
}

#[test]
fn a_stratified_split_keeps_proportions() {
    let digits = digits();
    let split = stratified_split(&digits, 0.2, &Streams::new(1)).unwrap();
    assert_eq!(split.validation.len(), 359); // round(0.2 · 1797)
    for class in 0..10 {
        let count = |samples: &Samples| labels(samples).iter().filter(|&&label| label == class).count();
        let exact = 0.2 * count(&digits) as f64;
        assert!((count(&split.validation) as f64 - exact).abs() < 1.0, "class {class}");
    }
    assert!(!labels(&split.train).is_sorted() && !labels(&split.validation).is_sorted());
}

#[test]
fn a_class_of_one_sample_trains() {
    let labels = vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let samples = Samples::new(1, vec![0.0; 10], Targets::Classes { classes: 2, labels }).unwrap();
    for seed in 0..20 {
        let split = stratified_split(&samples, 0.5, &Streams::new(seed)).unwrap();
        assert!(split.train_rows.contains(&9));
    }
}

#[test]
fn standardization_as_scikit_learn() {
    // X = np.array([[1.0, 10.0, 5.0], [2.0, -10.0, 5.0], [4.0, 30.0, 5.0]]); s = StandardScaler().fit(X)
    // s.mean_, s.scale_, s.transform(X)
    let x = vec![1.0, 10.0, 5.0, 2.0, -10.0, 5.0, 4.0, 30.0, 5.0];
    let train = Samples::new(3, x, Targets::Values { width: 1, values: vec![1.0, 2.0, 6.0] }).unwrap();
    let transform = Scaling::fit(&train, ScalingKind::Standardize, ScalingKind::None).unwrap().unwrap();
    let inputs = transform.inputs.as_ref().unwrap();
    assert_eq!(inputs.shifts, [2.3333333333333335, 10.0, 5.0]);
    assert_eq!(inputs.scales, [1.247219128924647, 16.32993161855452, 1.0]);
    let expected = [
        -1.0690449676496978,
        0.0,
        0.0,
        -0.2672612419124245,
        -1.224744871391589,
        0.0,
        1.3363062095621219,
        1.224744871391589,
        0.0,
    ];
    let applied = transform.apply(&train).unwrap();
    for (found, expected) in applied.inputs().iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15, "{found} {expected}");
    }
    assert_eq!(applied.targets(), train.targets(), "targets only when asked");
}

#[test]
fn min_max_as_numpy() {
    // X as above: X.min(0), np.ptp(X, 0), (X - X.min(0)) / np.where(np.ptp(X, 0) > 0, np.ptp(X, 0), 1); y likewise
    let x = vec![1.0, 10.0, 5.0, 2.0, -10.0, 5.0, 4.0, 30.0, 5.0];
    let train = Samples::new(3, x, Targets::Values { width: 1, values: vec![1.0, 2.0, 6.0] }).unwrap();
    let transform = Scaling::fit(&train, ScalingKind::MinMax, ScalingKind::MinMax).unwrap().unwrap();
    let inputs = transform.inputs.as_ref().unwrap();
    assert_eq!((&inputs.shifts[..], &inputs.scales[..]), (&[1.0, -10.0, 5.0][..], &[3.0, 40.0, 1.0][..]));
    let applied = transform.apply(&train).unwrap();
    assert_eq!(applied.inputs(), [0.0, 0.5, 0.0, 0.3333333333333333, 0.0, 0.0, 1.0, 1.0, 0.0]);
    assert_eq!(values(&applied), [0.0, 0.2, 1.0]);
    assert_eq!(Scaling::fit(&train, ScalingKind::None, ScalingKind::None), Ok(None));
}

#[test]
fn a_scale_beyond_double_precision_is_an_error() {
    let train = Samples::new(1, vec![-1.7e308, 1.7e308], Targets::Values { width: 1, values: vec![0.0; 2] }).unwrap();
    let transform = Scaling::fit(&train, ScalingKind::MinMax, ScalingKind::None).unwrap().unwrap();
    let error = transform.apply(&train).unwrap_err().to_string();
    assert!(error.starts_with("scaling: inputs: row 1, column 0 is NaN"), "{error}");
}

#[test]
fn validation_is_transformed_by_the_scales_of_training_and_predictions_come_back() {
    let make = |x: Vec<f64>, values: Vec<f64>| Samples::new(1, x, Targets::Values { width: 1, values }).unwrap();
    let train = make(vec![0.0, 2.0], vec![10.0, 30.0]);
    let validation = make(vec![5.0], vec![40.0]);
    let transform = Scaling::fit(&train, ScalingKind::Standardize, ScalingKind::Standardize).unwrap().unwrap();
    let applied = transform.apply(&validation).unwrap();
    assert_eq!((applied.inputs(), values(&applied)), (&[4.0][..], &[2.0][..]));
    let mut predictions = values(&applied).to_vec();
    transform.invert_targets(&mut predictions);
    assert_eq!(predictions, [40.0]);
    let classes = numbered(4, 2);
    assert_eq!(Scaling::fit(&classes, ScalingKind::None, ScalingKind::MinMax), Err(ScalingError::Classes));
    assert_eq!(transform.apply(&classes), Err(ScalingError::Classes));
    let wide = Samples::new(2, vec![1.0, 2.0], Targets::Values { width: 1, values: vec![1.0] }).unwrap();
    let error = transform.apply(&wide).unwrap_err().to_string();
    assert_eq!(error, "scaling of inputs: fitted on 1 columns, found 2");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn splits_are_partitions(n in 2usize..80, classes in 1usize..6, share in 0.01f64..0.99, seed in any::<u64>()) {
        let samples = numbered(n, classes);
        for split in [shuffled_split, stratified_split].map(|split| split(&samples, share, &Streams::new(seed))) {
            let Ok(split) = split else { continue };
            let mut rows = [&split.train_rows[..], &split.validation_rows[..]].concat();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..n).collect::<Vec<_>>());
            prop_assert_eq!(&split.train, &samples.select(&split.train_rows));
            prop_assert_eq!(&split.validation, &samples.select(&split.validation_rows));
        }
    }

    #[test]
    fn scaling_inverts(rows in prop::collection::vec(-1e6f64..1e6, 3 * 2..3 * 20), is_min_max in any::<bool>()) {
        let rows = &rows[..rows.len() / 3 * 3];
        let kind = if is_min_max { ScalingKind::MinMax } else { ScalingKind::Standardize };
        let scales = ColumnScales::fit(kind, 3, rows).unwrap();
        let mut there_and_back = rows.to_vec();
        scales.apply(&mut there_and_back);
        scales.invert(&mut there_and_back);
        for (found, expected) in there_and_back.iter().zip(rows) {
            // A few roundings of numbers of the size of the mean.
            prop_assert!((found - expected).abs() <= 1e-9, "{} {}", found, expected);
        }
    }
}
