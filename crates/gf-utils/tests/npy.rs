//! Arrays against files that NumPy wrote (`fixtures/make_fixtures.py`), round trips, malformed files.

use std::fs;
use std::path::{Path, PathBuf};

use gf_utils::npy::{Element, NpyError, read_npy, read_npy_from, write_npy};
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn parse(bytes: &[u8]) -> Result<Vec<f64>, NpyError> {
    read_npy_from(Path::new("test.npy"), bytes, bytes.len() as u64).map(|array| array.values)
}

/// A version 1.0 file with this dictionary and data.
fn file(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dictionary.len() as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn every_type_and_order_that_numpy_wrote() {
    let a = [1.5, -2.0, 3.25, 0.0, 1e-300, -0.0];
    let cases: [(&str, &[usize], Element, &[f64]); 13] = [
        ("float64_matrix", &[2, 3], Element::Float64, &a),
        ("float64_vector", &[5], Element::Float64, &[0.1, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]),
        ("float64_scalar", &[], Element::Float64, &[2.5]),
        ("float64_empty", &[0, 3], Element::Float64, &[]),
        ("float64_fortran", &[2, 3], Element::Float64, &a),
        ("float32_matrix", &[1, 2], Element::Float32, &[0.5, 0.1f32 as f64]),
        ("int64_vector", &[3], Element::Int64, &[-3.0, 9007199254740992.0, 0.0]),
        ("int32_fortran", &[2, 3], Element::Int32, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        ("uint8_vector", &[2], Element::Uint8, &[0.0, 255.0]),
        ("bool_vector", &[3], Element::Bool, &[1.0, 0.0, 1.0]),
        ("version_2", &[2], Element::Float64, &[1.0, 2.0]),
        ("version_3", &[2], Element::Float64, &[1.0, 2.0]),
        ("y_one_hot", &[3, 3], Element::Uint8, &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]),
    ];
    for (name, shape, element, values) in cases {
        let array = read_npy(&fixture(&format!("{name}.npy"))).unwrap();
        assert_eq!((&array.shape[..], array.element), (shape, element), "{name}");
        assert_eq!(bits(&array.values), bits(values), "{name}");
    }
}

#[test]
fn our_files_are_byte_for_byte_those_of_numpy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ours.npy");
    for name in ["float64_matrix.npy", "float64_vector.npy", "float64_empty.npy", "x.npy", "y_values.npy"] {
        let array = read_npy(&fixture(name)).unwrap();
        write_npy(&path, &array.shape, &array.values).unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(fixture(name)).unwrap(), "{name}");
    }
}

#[test]
fn files_that_are_not_read_say_why() {
    let cases = [
        ("object.npy", "elements of type \"|O\"; expected '<f8', '<f4', '<i8', '<i4', '|u1' or '|b1'"),
        ("big_endian.npy", "elements of type \">f8\"; expected '<f8'"),
        ("structured.npy", "elements of type \"[('a', '<f8'), ('b', '<i4')]\"; expected"),
        ("cube.npy", "shape [2, 2, 2]; expected at most 2 axes"),
        ("int64_inexact.npy", "element 1 is 9007199254740993; expected integers up to 2^53"),
        ("make_fixtures.py", "not a .npy file: expected it to begin with \\x93NUMPY, found"),
        ("missing.npy", "cannot read: "),
    ];
    for (name, message) in cases {
        let path = fixture(name);
        let error = read_npy(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: {message}", path.display())), "{error}");
    }
    assert!(read_npy(&fixture("")).unwrap_err().to_string().contains("cannot read"), "a directory");
}

#[test]
fn sizes_are_checked_before_anything_is_allocated() {
    let dictionary = |shape: &str| format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    let cases = [
        ("(1000000000000,)", "expected 8000000000000 bytes for shape [1000000000000] of <f8, found 8"),
        (
            "(18446744073709551615, 18446744073709551615)",
            "for shape [18446744073709551615, 18446744073709551615] of <f8, found 8",
        ),
        ("(0, 18446744073709551615)", "expected 0 bytes for shape"),
        ("(2,)", "expected 16 bytes for shape [2] of <f8, found 8"),
        ("()", ""),
    ];
    for (shape, message) in cases {
        let result = parse(&file(&dictionary(shape), &[0; 8]));
        if message.is_empty() {
            assert_eq!(result.unwrap(), [0.0], "{shape}");
        } else {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
    // A header of 4 GB that is not there.
    let error = parse(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}").unwrap_err().to_string();
    assert_eq!(error, "test.npy: expected 4294967295 bytes for the header, found 2");
    let error = parse(b"\x93NUMPY\x04\x00\x01\x00 ").unwrap_err().to_string();
    assert_eq!(error, "test.npy: .npy format version 4; expected 1, 2 or 3");
}

#[test]
fn malformed_headers_say_where() {
    let error = parse(&file("{'descr': '<f8', 'shape': (1,), }", &[0; 8])).unwrap_err().to_string();
    assert!(
        error.starts_with("test.npy: malformed .npy header: expected the keys descr, fortran_order and shape"),
        "{error}"
    );
    let error = parse(&file("{'descr': '<f8', 'fortran_order': 1, }", &[0; 8])).unwrap_err().to_string();
    assert_eq!(error, "test.npy: malformed .npy header: expected True or False, found \" 1, }\"");
    let error = parse(&file("{\u{e9}", &[])).unwrap_err().to_string();
    assert!(error.contains("expected a string"), "{error}");
}

#[test]
fn every_truncation_and_every_extension_is_an_error() {
    let bytes = fs::read(fixture("float64_matrix.npy")).unwrap();
    for length in 0..bytes.len() {
        assert!(parse(&bytes[..length]).is_err(), "{length} bytes");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(parse(&longer).is_err());
    assert!(parse(&bytes).is_ok());
}

#[test]
fn the_writer_refuses_shapes_that_do_not_fit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    for shape in [&[][..], &[3], &[2, 2], &[1, 1, 2], &[usize::MAX, 3]] {
        let error = write_npy(&path, shape, &[1.0, 2.0]).unwrap_err().to_string();
        assert!(error.contains(&format!("cannot write 2 numbers with shape {shape:?}")), "{error}");
    }
    assert!(!path.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_trip_bit_for_bit(rows in 0usize..8, columns in 0usize..8, seed in prop::collection::vec(any::<u64>(), 64)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.npy");
        let values: Vec<f64> = seed[..rows * columns].iter().map(|&bits| f64::from_bits(bits)).collect();
        for shape in [vec![rows, columns], vec![rows * columns]] {
            write_npy(&path, &shape, &values).unwrap();
            let array = read_npy(&path).unwrap();
            prop_assert_eq!(&array.shape, &shape);
            prop_assert_eq!(bits(&array.values), bits(&values));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), change in any::<(u8, u8)>()) {
        let _ = parse(&bytes);
        bytes.splice(0..0, *b"\x93NUMPY\x01\x00");
        let _ = parse(&bytes);
        let mut real = fs::read(fixture("float64_matrix.npy")).unwrap();
        let at = usize::from(change.0) % 128; // in the header
        real[at] = change.1;
        let _ = parse(&real);
    }
}
