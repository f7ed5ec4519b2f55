//! Parts of CSV files are together what the whole file is.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use gf_core::{Samples, Targets};
use gf_testing::{CountingAllocator, peak_bytes};
use gf_utils::CsvError;
use gf_utils::data::{
    Column, CsvColumns, CsvData, CsvOptions, CsvPart, CsvPartData, CsvScan, Gaps, Missing, TargetColumns, read_csv,
};
use gf_utils::part::{FilePattern, Part};
use proptest::prelude::*;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn parts(of: usize) -> impl Iterator<Item = Part> {
    (0..of).map(move |index| Part::new(index, of).unwrap())
}

/// All parts in their order, or the faults of the first phase that has any.
fn read_parts(
    path: &Path,
    of: usize,
    columns: &CsvColumns,
    options: &CsvOptions,
) -> Result<Vec<CsvPartData>, Vec<CsvError>> {
    let scans = phase(parts(of).map(|part| CsvScan::new(path, part, options)))?;
    let notes: Vec<Vec<f64>> = scans.iter().map(CsvScan::note).collect();
    let rows = phase(scans.into_iter().map(|scan| scan.read(columns, &notes)))?;
    let notes: Vec<Vec<f64>> = rows.iter().map(CsvPart::note).collect();
    phase(parts(of).zip(rows).map(|(part, rows)| rows.finish(part, &notes)))
}

/// What a caller does who lets all parts agree before they go on.
fn phase<T>(results: impl Iterator<Item = Result<T, CsvError>>) -> Result<Vec<T>, Vec<CsvError>> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    results.for_each(|result| match result {
        Ok(value) => values.push(value),
        Err(error) => errors.push(error),
    });
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// Parts that follow each other as the records of the whole; gaps are filled with the means of every other row.
fn joined(parts: Vec<CsvPartData>) -> CsvData {
    let trains = |row: &usize| row.is_multiple_of(2);
    let own: Vec<Vec<usize>> =
        parts.iter().map(|data| data.part.own(&(0..data.part.total).filter(trains).collect::<Vec<_>>())).collect();
    let notes = parts.iter().zip(&own).map(|(data, own)| match &data.part.samples {
        Some(samples) => data.gaps.note(samples, own),
        None => Vec::new(),
    });
    let means = Gaps::means(&notes.collect::<Vec<_>>());
    let (mut inputs, mut width, mut targets) = (Vec::new(), 0, None);
    let mut next = 0;
    let CsvPartData { class_names, feature_names, dropped, .. } = parts[0].clone();
    let total = parts[0].part.total;
    for data in parts {
        assert_eq!((data.class_names, data.feature_names), (class_names.clone(), feature_names.clone()));
        assert_eq!((data.part.rows.start, data.part.total, data.dropped), (next, total, dropped));
        assert_eq!(data.part.rows.len(), data.part.samples.as_ref().map_or(0, Samples::len));
        next = data.part.rows.end;
        let Some(mut samples) = data.part.samples else { continue };
        if let Ok(means) = &means {
            samples = data.gaps.fill_with(&samples, means).unwrap();
        }
        inputs.extend_from_slice(samples.inputs());
        width = samples.width();
        match (&mut targets, samples.targets()) {
            (None, first) => targets = Some(first.clone()),
            (Some(Targets::Values { values, .. }), Targets::Values { values: more, .. }) => values.extend(more),
            (Some(Targets::Classes { labels, classes }), Targets::Classes { labels: more, classes: same }) => {
                assert_eq!(classes, same);
                labels.extend(more);
            }
            _ => panic!("one kind of targets"),
        }
    }
    assert_eq!(next, total);
    let samples = Samples::new(width, inputs, targets.unwrap()).unwrap();
    CsvData { samples, class_names, feature_names, dropped, gaps: Gaps::default() }
}

/// The whole file, gaps filled alike.
fn whole(path: &Path, columns: &CsvColumns, options: &CsvOptions) -> Result<CsvData, CsvError> {
    let mut data = read_csv(path, columns, options)?;
    let trains: Vec<usize> = (0..data.samples.len()).step_by(2).collect();
    if let Ok(filled) = data.gaps.fill(&data.samples, &trains) {
        data.samples = filled;
    }
    Ok(CsvData { gaps: Gaps::default(), ..data })
}

/// That every number of parts gives what the whole file does: the same data, or among the parts' faults the same one.
fn compare(path: &Path, columns: &CsvColumns, options: &CsvOptions) -> Result<bool, TestCaseError> {
    let whole = whole(path, columns, options);
    for of in 1..=7 {
        match (&whole, read_parts(path, of, columns, options)) {
            (Ok(whole), Ok(parts)) => {
                let joined = joined(parts);
                // Sums of means are rounded otherwise in parts.
                let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-13 * a.abs();
                prop_assert!(whole.samples.inputs().iter().zip(joined.samples.inputs()).all(is_near));
                prop_assert_eq!(whole.samples.inputs().len(), joined.samples.inputs().len());
                prop_assert_eq!(whole.samples.targets(), joined.samples.targets());
                prop_assert_eq!(&whole.class_names, &joined.class_names);
                prop_assert_eq!(&whole.feature_names, &joined.feature_names);
                prop_assert_eq!(whole.dropped, joined.dropped);
            }
            (Err(fault), Err(faults)) => {
                let faults: Vec<String> = faults.iter().map(CsvError::to_string).collect();
                prop_assert!(faults.contains(&fault.to_string()), "{} parts: {} in {:?}", of, fault, faults);
            }
            (whole, parts) => prop_assert!(false, "{} parts: {:?}, whole: {:?}", of, parts.map(|_| ()), whole),
        }
    }
    Ok(whole.is_ok())
}

fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.csv");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn all_options() -> Vec<CsvOptions> {
    let missing = [Missing::Refuse, Missing::DropRows, Missing::Mean];
    let options = |missing| [true, false].map(|header| CsvOptions { missing, header, ..Default::default() });
    missing.into_iter().flat_map(options).collect()
}

/// By number, so that files with and without header are read: a note that is not read, an input, a target.
fn all_columns() -> Vec<CsvColumns> {
    let target = || Column::Number(2);
    let classes = |classes| TargetColumns::Classes { column: target(), classes };
    let targets =
        [TargetColumns::Values(vec![target()]), classes(None), classes(Some(3)), TargetColumns::Binary(target())];
    targets.into_iter().map(|targets| CsvColumns { targets, features: Some(vec![Column::Number(1)]) }).collect()
}

fn note() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "note",
        "\"two\nlines\"",
        "\"\r\n\"",
        "\"a \"\"b\"\", c\"",
        "5\" long",
        " \"x",
        "\"\"",
        "\"a\"b",
        "ä",
        "\u{feff}",
        "\"\n\n,,\n\"",
    ])
}

fn row() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec!["1", "2.5", " -3e2 ", "\"4\"", "0.1", "7", "0.3", "", "NA", "x"]);
    // Of those, faults are rare, or no file would be read.
    let input = (0..12_u8, number).prop_map(|(which, number)| match number {
        "" | "NA" if which < 6 => "9",
        "x" if which < 11 => "8",
        _ => number,
    });
    let target = prop::sample::select(vec!["0", "1", "2"]);
    let end = prop::sample::select(vec!["\n", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n"]);
    (note(), input, target, end).prop_map(|(note, input, target, end)| format!("{note},{input},{target}{end}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if gf_testing::long() { 20_000 } else { 300 }))]

    #[test]
    fn files_of_rows(
        head in prop::sample::select(vec!["n,x,y\n", "\u{feff}n,x,y\r\n", "\n\n\"n\nm\",x,y\n", "n,1,2\n"]),
        rows in prop::collection::vec(row(), 0..12),
        names in any::<bool>(),
        columns in prop::sample::select(all_columns()),
        options in prop::sample::select(all_options()),
        damage in prop::option::weighted(0.2, (any::<prop::sample::Index>(), prop::sample::select(vec![b'"', b'\n', b',', 0xff, b'\r']))),
    ) {
        let mut text = format!("{head}{}", rows.concat());
        if names {
            text = ["no", "yes", "maybe"].into_iter().enumerate().fold(text, |text, (class, name)| {
                ["\n", "\r"].into_iter().fold(text, |text, end| text.replace(&format!(",{class}{end}"), &format!(",{name}{end}")))
            });
        }
        let mut bytes = text.into_bytes();
        if let Some((at, byte)) = damage {
            bytes.insert(at.index(bytes.len() + 1), byte);
        }
        let (_folder, path) = file(&bytes);
        compare(&path, &columns, &options)?;
    }

    #[test]
    fn noise(
        text in "[\"\n\r,;1 \u{feff}]{0,40}",
        header in any::<bool>(),
        delimiter in prop::sample::select(vec![b',', b';', b' ', b'1']),
    ) {
        let (_folder, path) = file(text.as_bytes());
        let columns = CsvColumns { targets: TargetColumns::Values(vec![Column::Number(-1)]), features: None };
        compare(&path, &columns, &CsvOptions { delimiter, header, missing: Missing::DropRows })?;
    }
}

#[test]
fn faults_that_only_parts_have() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.csv"), "x,y\n1,2\n3,4\n").unwrap();
    fs::write(at("b.csv"), "x,y\n1,2\n3,4\n5,6\n").unwrap();
    fs::write(at("c.csv"), "z,y\n1,2\n").unwrap();
    let (columns, options) = (CsvColumns::values(&["y"]), CsvOptions::default());
    let scan = |name: &str, part| CsvScan::new(&at(name), part, &options).unwrap();
    let [first, second] = [0, 1].map(|index| Part::new(index, 2).unwrap());
    // The processes see different files behind one name.
    let notes = [scan("a.csv", first).note(), scan("b.csv", second).note()];
    let error = scan("b.csv", second).read(&columns, &notes).unwrap_err().to_string();
    assert!(
        error.ends_with("b.csv: expected the same file in all parts, found 12 bytes in part 0, 16 in part 1"),
        "{error}"
    );
    // Files of their own.
    let rows = ["b.csv", "c.csv"].map(|name| {
        let scan = scan(name, Part::WHOLE);
        let note = scan.note();
        scan.read(&columns, &[note]).unwrap()
    });
    let notes = rows.each_ref().map(CsvPart::note);
    let [_, own] = rows;
    let error = own.finish(second, &notes).unwrap_err().to_string();
    let found = "other names or another number of inputs in part 0 than in part 1";
    assert!(error.ends_with(&format!("c.csv: expected the same columns in all parts, found {found}")), "{error}");
    // A file that is written while it is read.
    let scan = scan("b.csv", Part::WHOLE);
    fs::write(at("b.csv"), "x,y\n1,2\n3,4\n\n\n\n\n").unwrap();
    let note = scan.note();
    let error = scan.read(&columns, &[note]).unwrap_err().to_string();
    assert!(
        error.ends_with("b.csv: expected 4 records in this part, as counted before, found 3: the file changed"),
        "{error}"
    );
}

#[test]
fn files_of_their_own_share_names_and_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = FilePattern::new("part-{rank}.csv").unwrap();
    for (rank, text) in ["x,y\n1,rose\n2,iris\n,iris\n", "x,y\n3,tulip\n4,iris\n5,rose\n"].into_iter().enumerate() {
        fs::write(folder.path().join(pattern.path(rank)), text).unwrap();
    }
    let columns = CsvColumns::classes("y");
    let options = CsvOptions { missing: Missing::DropRows, ..Default::default() };
    let rows = [0, 1].map(|rank| {
        let scan = CsvScan::new(&pattern.open(folder.path(), rank).unwrap(), Part::WHOLE, &options).unwrap();
        let note = scan.note();
        scan.read(&columns, &[note]).unwrap()
    });
    let notes = rows.each_ref().map(CsvPart::note);
    let joined = joined(parts(2).zip(rows).map(|(part, rows)| rows.finish(part, &notes).unwrap()).collect());
    assert_eq!(joined.class_names.unwrap(), ["iris", "rose", "tulip"]);
    assert_eq!(joined.samples.targets(), &Targets::Classes { classes: 3, labels: vec![1, 0, 2, 0, 1] });
    assert_eq!((joined.samples.inputs(), joined.dropped), (&[1.0, 2.0, 3.0, 4.0, 5.0][..], 1));
    let error = pattern.open(folder.path(), 2).unwrap_err().to_string();
    assert!(error.contains("part-2.csv: cannot read the file of rank 2: "), "{error}");
    let error = FilePattern::new("part.csv").unwrap_err().to_string();
    assert_eq!(error, "file pattern \"part.csv\": expected {rank} in it, such as train-{rank}.npy");
}

/// What scanning takes: a buffer of 64 KiB, the tokenizer's table, the header.
const SCAN: usize = 80 * 1024;

#[test]
fn half_of_a_file_takes_half_of_the_memory() {
    let mut text = String::from("x,note,y\n");
    (0..40_000).for_each(|k| text.push_str(&format!("{}.25,\"no\nte\",{}\n", k % 7919, k % 3)));
    let (_folder, path) = file(text.as_bytes());
    let columns = CsvColumns::classes("y").with_features(&["x"]);
    let options = CsvOptions::default();
    let (_, whole) = peak_bytes(|| read_csv(&path, &columns, &options).unwrap());
    let (scans, bytes) =
        peak_bytes(|| [0, 1].map(|index| CsvScan::new(&path, Part::new(index, 2).unwrap(), &options).unwrap()));
    assert!(bytes < SCAN, "{bytes}");
    let notes = scans.each_ref().map(CsvScan::note);
    let [_, scan] = scans;
    let second = Part::new(1, 2).unwrap();
    let ((rows, data), bytes) = peak_bytes(|| {
        let rows = scan.read(&columns, &notes).unwrap();
        // The other half is alike.
        let note = rows.note();
        (note.len(), rows.finish(second, &[note.clone(), note]).unwrap())
    });
    // The shorter numbers are in the first half.
    assert!(rows < 10 && (19_900..20_100).contains(&data.part.rows.len()), "{}", data.part.rows.len());
    // Lists that double as they grow may have just done so in one of the two.
    let share = bytes as f64 / whole as f64;
    assert!((0.4..0.6).contains(&share), "{bytes} of {whole}");
}
