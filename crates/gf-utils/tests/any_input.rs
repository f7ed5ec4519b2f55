//! No input breaks a reader: damaged files and noise are refused or read, never a panic, and never more memory than a multiple of the input.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use gf_testing::CountingAllocator;
use gf_testing::mutation::survive;
use gf_utils::data::{Column, ColumnScales, CsvColumns, CsvOptions, CsvScan, Missing, TargetColumns, read_csv_from};
use gf_utils::idx::{read_idx_from, read_idx_part};
use gf_utils::npy::{read_npy_from, read_npy_part};
use gf_utils::part::Part;
use gf_utils::{OutputMeaning, Preprocessing, SavedModel};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// What errors, tables and buffers take however small the input is.
const CONSTANT: usize = 100_000;

fn fixtures(extension: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let paths = paths.iter().filter(|path| path.to_string_lossy().ends_with(extension));
    paths.map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn csv() {
    let valid = [
        "a,b,label\n1,2,0\n3.5,-4e2,1\n5,6,2\n7,8,0\n",
        "a,b,label\n1,,setosa\n3.5,NA,virginica\n\"5\",6,\"se\"\"tosa\"\n\n7,8,versicolor\n",
        "1;2;yes\r\n3;?;no\r\n5;6;yes\r\n",
        "\u{feff}a,b,label\n1,2,3\n",
        "a,b,label\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n,,\n",
    ]
    .map(|text| text.as_bytes().to_vec());
    let columns = [
        CsvColumns::values(&["label"]),
        CsvColumns::classes("label").with_features(&["b", "a"]),
        CsvColumns {
            targets: TargetColumns::Classes { column: Column::Number(-1), classes: Some(3) },
            features: Some(vec![Column::Number(0)]),
        },
        CsvColumns { targets: TargetColumns::Binary(Column::Number(-1)), features: None },
    ];
    let options = [
        CsvOptions::default(),
        CsvOptions { missing: Missing::DropRows, ..Default::default() },
        CsvOptions { missing: Missing::Mean, delimiter: b';', header: false },
        CsvOptions { missing: Missing::Mean, ..Default::default() },
    ];
    // A field of one character becomes its end (8 bytes), a number (8) or a gap (16), in lists that double as they grow.
    survive("CSV", 40_000, &valid, [100, CONSTANT], |bytes| {
        let (columns, options) = (&columns[bytes.len() % 4], &options[bytes.len() / 4 % 4]);
        if let Ok(data) = read_csv_from(Path::new("any.csv"), bytes.to_vec(), columns, options) {
            let rows: Vec<usize> = (0..data.samples.len()).collect();
            let _ = data.gaps.fill(&data.samples, &rows);
        }
    });
}

#[test]
fn npy() {
    // A byte becomes a number of 8, twice for Fortran order.
    survive("npy", 30_000, &fixtures(".npy"), [40, CONSTANT], |bytes| {
        let _ = read_npy_from(Path::new("any.npy"), bytes, bytes.len() as u64);
    });
}

fn idx_files() -> Vec<Vec<u8>> {
    let header = |code: u8, shape: &[u32]| {
        let lengths = shape.iter().flat_map(|length| length.to_be_bytes());
        [0, 0, code, shape.len() as u8].into_iter().chain(lengths).collect::<Vec<u8>>()
    };
    [
        (8, vec![3, 2, 2], 12),
        (9, vec![5], 5),
        (11, vec![2, 2], 8),
        (12, vec![3], 12),
        (13, vec![1, 2], 8),
        (14, vec![2], 16),
    ]
    .into_iter()
    .map(|(code, shape, bytes)| [header(code, &shape), (0..bytes).collect()].concat())
    .collect()
}

#[test]
fn idx() {
    survive("IDX", 20_000, &idx_files(), [40, CONSTANT], |bytes| {
        let _ = read_idx_from(Path::new("any.idx"), bytes, bytes.len() as u64);
    });
}

#[test]
fn idx_compressed() {
    let compressed = |bytes: &Vec<u8>| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mut large = vec![0, 0, 8, 1, 0, 1, 0, 0];
    large.resize(8 + (1 << 16), 7);
    let files: Vec<Vec<u8>> = idx_files().iter().chain([&large]).map(compressed).collect();
    let read = |bytes: &[u8]| {
        let _ = read_idx_from(Path::new("any.idx.gz"), bytes, bytes.len() as u64);
    };
    // What was compressed, at most 1032-fold, becomes numbers of 8 bytes in a list that doubles.
    survive("IDX.gz", 10_000, &files, [1032 * 8 * 2, CONSTANT], read);
    // Damage inside, where no checksum of gzip tells; the constant is that of the test's own encoder.
    survive("IDX in gz", 10_000, &idx_files(), [40, 5 * CONSTANT], |bytes| read(&compressed(&bytes.to_vec())));
}

/// Parts seek in files, so that these are written.
#[test]
fn parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any");
    let part = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Part::new(bytes.len() % 3, 3).unwrap()
    };
    // Buffers of 64 KiB for each part that is open.
    let constant = 3 * CONSTANT;
    survive("npy in parts", 1_000, &fixtures(".npy"), [40, constant], |bytes| {
        let _ = read_npy_part(&path, part(bytes));
    });
    survive("IDX in parts", 1_000, &idx_files(), [40, constant], |bytes| {
        let _ = read_idx_part(&path, part(bytes));
    });
    let valid = [b"a,b,label\n1,,setosa\n3.5,NA,virginica\n\"5\",6,\"se\"\"tosa\"\n\n7,8,versicolor\n".to_vec()];
    survive("CSV in parts", 1_000, &valid, [100, constant], |bytes| {
        let options = CsvOptions { missing: Missing::DropRows, ..Default::default() };
        let scan = |index| CsvScan::new(&path, Part::new(index, 3).unwrap(), &options);
        let _ = part(bytes);
        let (Ok(first), Ok(second), Ok(third)) = (scan(0), scan(1), scan(2)) else { return };
        let notes = [first.note(), second.note(), third.note()];
        let read = |scan: CsvScan| scan.read(&CsvColumns::classes("label"), &notes);
        let (Ok(first), Ok(second), Ok(third)) = (read(first), read(second), read(third)) else { return };
        let notes = [first.note(), second.note(), third.note()];
        let _ = second.finish(Part::new(1, 3).unwrap(), &notes);
    });
}

#[test]
fn saved_models() {
    let model = SavedModel {
        network_toml: "input = 2\nlayers = []\n".into(),
        theta: vec![0.5, -1.0, 1e300],
        preprocessing: Preprocessing {
            inputs: Some(ColumnScales { shifts: vec![0.5, 1.5], scales: vec![2.0, 3.0] }),
            targets: Some(ColumnScales { shifts: vec![-4.0], scales: vec![0.25] }),
            feature_names: Some(vec!["length".to_owned(), "width".to_owned()]),
            class_names: Some(vec!["no".to_owned(), "yes".to_owned()]),
        },
        outputs: OutputMeaning::ClassLogits,
        provenance: [("seed".to_owned(), "1".to_owned()), ("arm".to_owned(), "newton".to_owned())].into(),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.gfmodel");
    model.save(&path).unwrap();
    let file = std::fs::read(&path).unwrap();
    let read = |bytes: &[u8]| {
        let _ = SavedModel::load_from(Path::new("any.gfmodel"), bytes);
    };
    let older = include_bytes!("fixtures/version-1.gfmodel").to_vec();
    survive("gfmodel", 10_000, &[file.clone(), older], [40, CONSTANT], read);
    // Payloads of another hand: length and checksum are made to fit, so that the decoder sees them.
    let (header, payload) = file.split_at(32);
    // A list that claims to be long gets room for 1 MiB at once (serde's cautious limit), and more only as it fills; a string, 32 KiB.
    survive("gfmodel payload", 20_000, &[payload.to_vec()], [40, (1 << 20) + CONSTANT], |payload| {
        let mut bytes = header[..20].to_vec();
        bytes.extend((payload.len() as u64).to_le_bytes());
        bytes.extend(crc32fast::hash(payload).to_le_bytes());
        bytes.extend(payload);
        read(&bytes);
    });
}
