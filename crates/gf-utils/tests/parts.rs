//! What is reduced over parts against what the whole says, and against NumPy.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::sync::{Barrier, Mutex};

use gf_core::{Samples, Streams, Targets};
use gf_utils::classification::class_labels;
use gf_utils::data::{
    Scaling, ScalingError, ScalingKind, SplitError, shuffled_rows, shuffled_split, stratified_rows, stratified_split,
};
use gf_utils::part::{Part, PartError, gather};
use proptest::prelude::*;

fn parts(of: usize) -> impl Iterator<Item = Part> {
    (0..of).map(move |index| Part::new(index, of).unwrap())
}

const KINDS: [ScalingKind; 3] = [ScalingKind::None, ScalingKind::Standardize, ScalingKind::MinMax];

/// The scaling of `train_rows`, from parts of the samples.
fn in_parts(
    samples: &Samples,
    train_rows: &[usize],
    of: usize,
    kinds: [ScalingKind; 2],
) -> Result<Option<Scaling>, ScalingError> {
    let note = |part: Part| {
        let range = part.range(samples.len());
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let own = samples.select(&range.clone().collect::<Vec<_>>());
        let train: Vec<usize> =
            train_rows.iter().filter(|row| range.contains(row)).map(|row| row - range.start).collect();
        Scaling::note(&own, &train, kinds)
    };
    let notes: Vec<Vec<f64>> = parts(of).map(note).collect::<Result<_, _>>()?;
    Scaling::from_notes(kinds, &notes)
}

fn numbers(scaling: &Scaling) -> Vec<f64> {
    let scales = [&scaling.inputs, &scaling.targets].into_iter().flatten();
    scales.flat_map(|scales| scales.shifts.iter().chain(&scales.scales).copied()).collect()
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance * expected.abs(), "{found:e} for {expected:e}");
    }
}

/// Columns of noise, of noise on 1e8, and a constant one; targets of which two thirds are 0.
fn mixed(n: usize) -> Samples {
    // Weyl's sequence: equidistributed without a generator.
    let noise = |k: usize, step: f64| (k as f64 * step).fract() - 0.5;
    let inputs = (0..n).flat_map(|k| [noise(k, 0.618_033_988_749_895), 1e8 + noise(k, 0.414_213_562_373_095), 3.5]);
    let values = (0..n).map(|k| if k % 3 == 0 { k as f64 } else { 0.0 }).collect();
    Samples::new(3, inputs.collect(), Targets::Values { width: 1, values }).unwrap()
}

#[test]
fn scaling_of_parts_is_that_of_the_whole() {
    let samples = mixed(2000);
    let rows: Vec<usize> = (0..2000).filter(|row| row % 5 != 0).collect();
    let train = samples.select(&rows);
    for kinds in KINDS.into_iter().flat_map(|inputs| KINDS.map(|targets| [inputs, targets])) {
        let whole = Scaling::fit(&train, kinds[0], kinds[1]).unwrap();
        assert_eq!(in_parts(&samples, &rows, 1, kinds).unwrap(), whole, "one part, every bit");
        for of in [2, 3, 4, 7, 1999, 3000] {
            let found = in_parts(&samples, &rows, of, kinds).unwrap();
            assert_eq!(found.is_some(), whole.is_some());
            let (Some(found), Some(whole)) = (&found, &whole) else { continue };
            assert_near(&numbers(found), &numbers(whole), 1e-13);
            assert_eq!(found.inputs.as_ref().map(|scales| scales.scales[2]), whole.inputs.as_ref().map(|_| 1.0));
        }
    }
}

#[test]
fn means_and_deviations_as_numpy_in_extended_precision() {
    let samples = mixed(100_000);
    let rows: Vec<usize> = (0..100_000).collect();
    let scaling = in_parts(&samples, &rows, 16, [ScalingKind::Standardize, ScalingKind::None]).unwrap().unwrap();
    // k = np.arange(100000.); x = np.modf(k * 0.618033988749895)[0] - 0.5; z = 1e8 + (np.modf(k * 0.414213562373095)[0] - 0.5)
    // for a in (x, z): a = a.astype(np.longdouble); print(repr(a.mean()), repr(a.std()))
    let scales = scaling.inputs.unwrap();
    let (shifts, scales) = (&scales.shifts, &scales.scales);
    // A mean near 0 has the error of the numbers, not its own.
    assert!((shifts[0] - 5.00375736781623e-07).abs() < 1e-15, "{:e}", shifts[0]);
    assert_near(&[scales[0]], &[0.2886765190190947], 1e-13);
    assert_near(&[shifts[1], scales[1]], &[100000000.00000188, 0.28867751128103863], 1e-13);
}

#[test]
fn scalings_that_cannot_be_fitted() {
    let samples = mixed(6);
    let both = [ScalingKind::Standardize; 2];
    assert_eq!(in_parts(&samples, &[], 2, both), Err(ScalingError::NoRows));
    assert_eq!(Scaling::from_notes(both, &[Vec::new()]), Err(ScalingError::NoRows));
    let narrow = Samples::new(1, vec![1.0], Targets::Values { width: 1, values: vec![1.0] }).unwrap();
    let notes = [Scaling::note(&samples, &[0], both).unwrap(), Scaling::note(&narrow, &[0], both).unwrap()];
    let width = ScalingError::Width { what: "inputs", expected: 3, found: 1 };
    assert_eq!(Scaling::from_notes(both, &notes), Err(width));
    let classes = Samples::new(1, vec![1.0], Targets::Classes { classes: 2, labels: vec![1] }).unwrap();
    assert_eq!(Scaling::note(&classes, &[0], both), Err(ScalingError::Classes));
}

#[test]
fn splits_by_rows_are_those_of_samples() {
    let samples = mixed(31);
    let labels: Vec<u32> = (0..31).map(|k| k % 3).collect();
    let classes = Samples::new(1, vec![0.0; 31], Targets::Classes { classes: 3, labels }).unwrap();
    for seed in 0..5 {
        let streams = Streams::new(seed);
        let (rows, split) =
            (shuffled_rows(31, 0.3, &streams).unwrap(), shuffled_split(&samples, 0.3, &streams).unwrap());
        assert_eq!((rows.train, rows.validation), (split.train_rows, split.validation_rows));
        // Labels as they are gathered from parts.
        let labels: Vec<u32> = parts(4)
            .flat_map(|part| class_labels(classes.select(&part.range(31).collect::<Vec<_>>()).targets()).unwrap())
            .collect();
        let (rows, split) =
            (stratified_rows(&labels, 0.3, &streams).unwrap(), stratified_split(&classes, 0.3, &streams).unwrap());
        assert_eq!((rows.train, rows.validation), (split.train_rows, split.validation_rows));
    }
    assert!(matches!(shuffled_rows(1, 0.5, &Streams::new(0)), Err(SplitError::EmptyPart { .. })));
    assert!(matches!(stratified_rows(&[], 0.5, &Streams::new(0)), Err(SplitError::EmptyPart { .. })));
}

#[test]
fn notes_of_any_length_are_gathered() {
    for of in 1..=5 {
        let (barrier, total) = (Barrier::new(of), Mutex::new(Vec::new()));
        let sum = |values: &mut [f64]| -> Result<(), Infallible> {
            total.lock().unwrap().resize(values.len(), 0.0);
            barrier.wait();
            total.lock().unwrap().iter_mut().zip(&*values).for_each(|(total, value)| *total += value);
            barrier.wait();
            values.copy_from_slice(&total.lock().unwrap());
            if barrier.wait().is_leader() {
                total.lock().unwrap().clear();
            }
            barrier.wait();
            Ok(())
        };
        let note = |index: usize| -> Vec<f64> { (0..index * index % 7).map(|k| (k as f64 + 0.1) * 1e300).collect() };
        let expected: Vec<Vec<f64>> = (0..of).map(note).collect();
        std::thread::scope(|scope| {
            let run = |part: Part| gather(part, &note(part.index()), sum).unwrap();
            let threads: Vec<_> = parts(of).map(|part| scope.spawn(move || run(part))).collect();
            threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), expected));
        });
    }
    let refused = gather(Part::WHOLE, &[1.0], |_| Err("rank 3 is gone"));
    assert_eq!(refused, Err("rank 3 is gone"));
}

#[test]
fn parts_that_there_are_not() {
    assert_eq!(Part::new(2, 2), Err(PartError { index: 2, of: 2 }));
    assert_eq!(
        Part::new(0, 0).unwrap_err().to_string(),
        "part 0 of 0: expected at least one part, and an index below their number"
    );
    assert_eq!(Part::new(1, 3).unwrap().rows(&[2, 0, 5]), (2..2, 7));
}

proptest! {
    #[test]
    fn ranges_are_contiguous_and_balanced(n in prop_oneof![0..100_usize, any::<usize>()], of in 1..50_usize) {
        let mut next = 0;
        for part in parts(of) {
            let range = part.range(n);
            prop_assert_eq!(range.start, next);
            prop_assert!((n / of..=n.div_ceil(of)).contains(&range.len()));
            next = range.end;
        }
        prop_assert_eq!(next, n);
    }
}
