//! Parts of `.npy` and IDX files are together what the whole file is, and take their share of memory.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use gf_core::{Samples, Targets};
use gf_testing::{CountingAllocator, peak_bytes};
use gf_utils::data::{TargetKind, read_array, read_array_part, read_pair, read_pair_part};
use gf_utils::idx::{read_idx, read_idx_part};
use gf_utils::npy::{read_npy, read_npy_part, write_npy};
use gf_utils::part::Part;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn parts(of: usize) -> impl Iterator<Item = Part> {
    (0..of).map(move |index| Part::new(index, of).unwrap())
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// A file with a dictionary as NumPy writes it.
fn npy(path: &Path, descr: &str, fortran: bool, shape: &[usize], data: &[u8]) {
    let axes: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let order = if fortran { "True" } else { "False" };
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({axes}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dictionary.len() as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.extend(data);
    fs::write(path, bytes).unwrap();
}

fn idx(code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, shape.len() as u8];
    shape.iter().for_each(|length| bytes.extend(length.to_be_bytes()));
    bytes.extend(data);
    bytes
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_array_that_numpy_wrote_is_the_sum_of_its_parts() {
    let mut seen = 0;
    for entry in fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        let whole = match read_array(&path) {
            Ok(array) if !array.shape.is_empty() => array,
            // What is refused as a whole is refused in parts, but for an integer that is in another part.
            other => {
                let refused = parts(3).filter(|&part| read_array_part(&path, part).is_err()).count();
                assert_eq!(refused, if name.ends_with("int64_inexact.npy") { 1 } else { 3 }, "{name}: {other:?}");
                continue;
            }
        };
        for of in 1..=7 {
            let mut values = Vec::new();
            let mut next = 0;
            for part in parts(of) {
                let read = read_array_part(&path, part).unwrap();
                assert_eq!((read.total, &read.records), (whole.shape[0], &part.range(whole.shape[0])), "{name}");
                assert_eq!((read.records.start, read.array.shape[0]), (next, read.records.len()), "{name}");
                assert_eq!(read.array.shape[1..], whole.shape[1..], "{name}");
                next = read.records.end;
                values.extend(read.array.values);
            }
            assert_eq!((next, bits(&values)), (whole.shape[0], bits(&whole.values)), "{name} in {of}");
        }
        seen += 1;
    }
    assert!(seen >= 15, "{seen}");
}

#[test]
fn fortran_order_and_images_by_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    // np.save(path, np.asfortranarray(np.arange(15.0).reshape(5, 3)))
    let data: Vec<u8> = (0..15).flat_map(|k| f64::from(k % 5 * 3 + k / 5).to_le_bytes()).collect();
    npy(&path, "<f8", true, &[5, 3], &data);
    let second = read_npy_part(&path, Part::new(1, 2).unwrap()).unwrap();
    assert_eq!((second.records, second.total, &second.array.shape[..]), (2..5, 5, &[3, 3][..]));
    assert_eq!(second.array.values, (6..15).map(f64::from).collect::<Vec<_>>());
    let images = idx(8, &[5, 2, 2], &(0..20).collect::<Vec<u8>>());
    for bytes in [images.clone(), compressed(&images)] {
        let path = folder.path().join("images");
        fs::write(&path, bytes).unwrap();
        let middle = read_idx_part(&path, Part::new(1, 3).unwrap()).unwrap();
        assert_eq!((middle.records, middle.total, &middle.array.shape[..]), (1..3, 5, &[2, 2, 2][..]));
        assert_eq!(middle.array.values, (4..12).map(f64::from).collect::<Vec<_>>());
    }
}

#[test]
fn faults_name_the_file_and_the_place_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let second = Part::new(1, 2).unwrap();
    let values: Vec<f64> = (0..6).map(f64::from).collect();
    write_npy(&at("x.npy"), &[3, 2], &values).unwrap();
    write_npy(&at("y.npy"), &[3], &[0.0, 1.0, 7.5]).unwrap();
    write_npy(&at("four.npy"), &[4], &[0.0; 4]).unwrap();
    write_npy(&at("nan.npy"), &[3, 2], &[0.0, 0.0, 0.0, 0.0, 0.0, f64::NAN]).unwrap();
    write_npy(&at("one_hot.npy"), &[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
    let mut short = fs::read(at("x.npy")).unwrap();
    short.pop();
    fs::write(at("short.npy"), short).unwrap();
    let integers: Vec<u8> = [1, 2, (1_i64 << 53) + 1].iter().flat_map(|integer| integer.to_le_bytes()).collect();
    npy(&at("inexact.npy"), "<i8", false, &[3], &integers);
    npy(&at("number.npy"), "<f8", false, &[], &[0; 8]);
    fs::write(at("short.idx"), idx(8, &[3, 2], &[0; 5])).unwrap();
    let gz = compressed(&idx(8, &[3, 2], &[0; 6]));
    fs::write(at("cut.gz"), &gz[..gz.len() - 4]).unwrap();
    fs::write(at("more.gz"), compressed(&idx(8, &[3, 2], &[0; 7]))).unwrap();
    let said = TargetKind::Classes { classes: Some(2) };
    let cases = [
        ("x.npy", "y.npy", said, "y.npy, row 2: expected a class from 0 to 1, found [7.5]"),
        ("x.npy", "y.npy", TargetKind::Classes { classes: None }, "y.npy: expected the number of classes to be said"),
        ("x.npy", "one_hot.npy", said, "one_hot.npy, row 2: expected one 1 and zeros, found [1.0, 1.0]"),
        ("x.npy", "four.npy", TargetKind::Values, "found 3 inputs and 4 targets"),
        ("nan.npy", "y.npy", TargetKind::Values, "inputs: row 2, column 1 is NaN; expected finite numbers"),
        ("short.npy", "y.npy", TargetKind::Values, "short.npy: expected 48 bytes for shape [3, 2] of <f8, found 47"),
        ("x.npy", "inexact.npy", TargetKind::Values, "inexact.npy: element 2 is 9007199254740993; expected integers"),
        ("number.npy", "y.npy", TargetKind::Values, "number.npy: expected records, found a single number"),
        ("short.idx", "y.npy", TargetKind::Values, "short.idx: expected 6 bytes for shape [3, 2] of uint8, found 5"),
        ("cut.gz", "y.npy", TargetKind::Values, "cut.gz: cannot read: "),
        ("more.gz", "y.npy", TargetKind::Values, "more.gz: expected 6 bytes for shape [3, 2] of uint8, found more"),
        ("gone.npy", "y.npy", TargetKind::Values, "gone.npy: cannot read: "),
    ];
    for (x, y, kind, message) in cases {
        let error = read_pair_part(&at(x), &at(y), kind, second).unwrap_err().to_string();
        assert!(error.contains(message), "{message} in {error}");
    }
    // Of the last record nothing is read by the first part, and its fault is none there.
    let first = read_pair_part(&at("nan.npy"), &at("y.npy"), TargetKind::Values, Part::new(0, 2).unwrap()).unwrap();
    assert_eq!((first.rows, first.total), (0..1, 3));
}

#[test]
fn pairs_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let [x, y] = ["x.npy", "y"].map(|name| folder.path().join(name));
    write_npy(&x, &[5, 2], &(0..10).map(|k| f64::from(k) / 8.0).collect::<Vec<_>>()).unwrap();
    fs::write(&y, idx(8, &[5], &[2, 0, 1, 1, 0])).unwrap();
    let kind = TargetKind::Classes { classes: Some(3) };
    let whole = read_pair(&x, &y, kind).unwrap();
    for of in 1..=7 {
        for part in parts(of) {
            let read = read_pair_part(&x, &y, kind, part).unwrap();
            let rows: Vec<usize> = part.range(5).collect();
            let expected: Option<Samples> = (!rows.is_empty()).then(|| whole.select(&rows));
            assert_eq!((read.samples, read.rows, read.total), (expected, part.range(5), 5));
        }
    }
    let own = read_pair_part(&x, &y, kind, Part::new(1, 2).unwrap()).unwrap();
    assert_eq!(own.own(&[4, 0, 2, 1]), [2, 0]);
    assert_eq!(own.samples.unwrap().targets(), &Targets::Classes { classes: 3, labels: vec![1, 1, 0] });
}

/// What a reader takes beyond the numbers: buffers of 64 and 8 KiB, paths, for gzip tables and a window of 32 KiB.
const BUFFERS: usize = 160 * 1024;

#[test]
fn half_of_a_file_takes_half_of_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let half = Part::new(1, 2).unwrap();
    let (records, width) = (4000, 64);
    let numbers = records * width;
    let c_order = folder.path().join("c.npy");
    write_npy(&c_order, &[records, width], &vec![0.5; numbers]).unwrap();
    let fortran = folder.path().join("fortran.npy");
    npy(&fortran, "<f8", true, &[records, width], &vec![0; 8 * numbers]);
    for path in [&c_order, &fortran] {
        let (part, bytes) = peak_bytes(|| read_npy_part(path, half).unwrap());
        assert_eq!(part.array.values.len(), numbers / 2);
        assert!((4 * numbers..4 * numbers + BUFFERS).contains(&bytes), "{bytes}");
        let (_, bytes) = peak_bytes(|| read_npy(path).unwrap());
        assert!(bytes >= 8 * numbers, "{bytes}");
    }
    let images = idx(8, &[records as u32, 8, 8], &vec![7; numbers]);
    let plain = folder.path().join("plain.idx");
    fs::write(&plain, &images).unwrap();
    let (part, bytes) = peak_bytes(|| read_idx_part(&plain, half).unwrap());
    assert_eq!(part.array.values.len(), numbers / 2);
    assert!((4 * numbers..4 * numbers + BUFFERS).contains(&bytes), "{bytes}");
    let gz = folder.path().join("images.gz");
    fs::write(&gz, compressed(&images)).unwrap();
    let (_, whole) = peak_bytes(|| read_idx(&gz).unwrap());
    let (_, bytes) = peak_bytes(|| read_idx_part(&gz, half).unwrap());
    assert!(bytes < whole / 2 + BUFFERS, "{bytes} of {whole}");
}
