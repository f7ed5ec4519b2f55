//! IDX arrays against files that NumPy and gzip wrote (`fixtures/make_fixtures.py`), and malformed files.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use gf_core::Targets;
use gf_testing::{CountingAllocator, peak_bytes};
use gf_utils::data::{TargetKind, read_pair};
use gf_utils::idx::{Element, IdxArray, IdxError, read_idx, read_idx_from};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn parse(bytes: &[u8]) -> Result<IdxArray, IdxError> {
    read_idx_from(Path::new("test.idx"), bytes, bytes.len() as u64)
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A header of this type and shape, with this data.
fn file(code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, shape.len() as u8];
    shape.iter().for_each(|length| bytes.extend(length.to_be_bytes()));
    bytes.extend(data);
    bytes
}

#[test]
fn every_type_as_numpy_packs_it() {
    // a = np.array(values).astype(dtype).reshape(2, 2), dtype '>u1', '>i1', '>i2', '>i4', '>f4', '>f8';
    // bytes([0, 0, code, 2]) + np.array(a.shape, '>u4').tobytes() + a.tobytes(), in hex
    let cases: [(Element, &str, [f64; 4]); 6] = [
        (Element::Uint8, "000008020000000200000002000180ff", [0.0, 1.0, 128.0, 255.0]),
        (Element::Int8, "00000902000000020000000200ff7f80", [0.0, -1.0, 127.0, -128.0]),
        (Element::Int16, "00000b0200000002000000020000ffff7fff8000", [0.0, -1.0, 32767.0, -32768.0]),
        (
            Element::Int32,
            "00000c02000000020000000200000000ffffffff7fffffff80000000",
            [0.0, -1.0, 2147483647.0, -2147483648.0],
        ),
        (
            Element::Float32,
            "00000d02000000020000000200000000bfc000003dcccccd7f61b1e6",
            [0.0, -1.5, 0.10000000149011612, 3.0000000054977558e+38],
        ),
        (
            Element::Float64,
            "00000e0200000002000000020000000000000000bff80000000000003fb999999999999a7fe1ccf385ebc8a0",
            [0.0, -1.5, 0.1, 1e308],
        ),
    ];
    for (element, hex, values) in cases {
        let bytes = from_hex(hex);
        let expected = IdxArray { shape: vec![2, 2], element, values: values.to_vec() };
        assert_eq!(parse(&bytes).unwrap(), expected);
        assert_eq!(parse(&compressed(&bytes)).unwrap(), expected);
    }
}

#[test]
fn images_become_rows_and_keep_their_gray_values() {
    let images = read_idx(&fixture("images-idx3-ubyte.gz")).unwrap();
    assert_eq!(images.shape, [3, 2, 2]);
    let classes = TargetKind::Classes { classes: None };
    let samples = read_pair(&fixture("images-idx3-ubyte.gz"), &fixture("labels-idx1-ubyte"), classes).unwrap();
    let expected: Vec<f64> = (0..12).map(|k| 23.0 * f64::from(k)).collect();
    assert_eq!((samples.len(), samples.width(), samples.inputs()), (3, 4, &expected[..]));
    assert_eq!(samples.targets(), &Targets::Classes { classes: 3, labels: vec![2, 0, 1] });
    // The formats may be mixed.
    let mixed = read_pair(&fixture("images-idx3-ubyte.gz"), &fixture("y_values.npy"), TargetKind::Values).unwrap();
    assert_eq!(mixed.targets(), &Targets::Values { width: 1, values: vec![0.5, 1.5, 2.5] });
    let error = read_pair(&fixture("make_fixtures.py"), &fixture("y_values.npy"), TargetKind::Values).unwrap_err();
    assert!(error.to_string().contains("make_fixtures.py: expected an array, .npy"), "{error}");
}

#[test]
fn faults_name_file_expected_and_found() {
    let labels = file(8, &[3], &[1, 2, 3]);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            vec![],
            "not an IDX file: expected it to begin with 00 00, one of the types 08 09 0b 0c 0d 0e, and the number of axes, found []",
        ),
        (vec![0, 0, 8], "and the number of axes, found [00, 00, 08]"),
        (b"P5 28 28".to_vec(), "found [50, 35, 20, 32]"),
        (file(0x0a, &[3], &[1, 2, 3]), "found [00, 00, 0a, 01]"),
        (file(8, &[], &[1]), "0 axes; expected 1 to 8"),
        (file(8, &[1; 9], &[1]), "9 axes; expected 1 to 8"),
        (labels[..6].to_vec(), "expected 4 bytes for the lengths of 1 axes, found 2"),
        (labels[..10].to_vec(), "expected 3 bytes for shape [3] of uint8, found 2"),
        ([&labels[..], &[4]].concat(), "expected 3 bytes for shape [3] of uint8, found 4"),
        (file(0x0e, &[3], &[0; 23]), "expected 24 bytes for shape [3] of float64, found 23"),
        (compressed(&labels[..10]), "expected 3 bytes for shape [3] of uint8, found 2"),
        (compressed(&[&labels[..], &[4]].concat()), "expected 3 bytes for shape [3] of uint8, found more"),
        (compressed(b"no array"), "found [6e, 6f, 20, 61]"),
        (file(8, &[u32::MAX; 8], &[]), "expected 340282366920938463463374607431768211455 bytes"),
    ];
    for (bytes, piece) in cases {
        let error = parse(&bytes).unwrap_err().to_string();
        assert!(error.starts_with("test.idx: ") && error.contains(piece), "{piece:?} in {error}");
    }
    // Of the promised 4 GiB a compressed file of 40 bytes cannot hold the 100th part.
    let small = compressed(&file(8, &[u32::MAX], &[0; 100]));
    let error = parse(&small).unwrap_err().to_string();
    assert!(
        error.contains("expected 4294967295 bytes") && error.contains("compressed bytes, which hold less"),
        "{error}"
    );
    let mut damaged = compressed(&labels);
    let last = damaged.len() - 1;
    damaged[last - 4] ^= 1;
    assert!(parse(&damaged).unwrap_err().to_string().contains("cannot read"), "the checksum of gzip is compared");
}

#[test]
fn a_bomb_is_stopped_where_its_header_ends() {
    // 16 MiB of zeros in 16 kB, behind a header that promises ten bytes.
    let bomb = compressed(&file(8, &[10], &vec![0; 1 << 24]));
    assert!(bomb.len() < 20_000);
    let (result, bytes) = peak_bytes(|| parse(&bomb));
    assert!(result.unwrap_err().to_string().contains("expected 10 bytes for shape [10] of uint8, found more"));
    // The tables and the window of the decoder.
    assert!(bytes < 100_000, "{bytes}");
    // And behind one that promises more than there is: memory follows what comes.
    let (result, bytes) = peak_bytes(|| parse(&compressed(&file(8, &[1 << 20], &[0; 5000]))));
    assert!(result.unwrap_err().to_string().contains("hold less"));
    assert!(bytes < 1_000_000, "{bytes}");
}
