//! Saved models and their envelope: every kind of damage is detected and named.

use std::fs;
use std::path::{Path, PathBuf};

use gf_utils::data::ColumnScales;
use gf_utils::envelope::{self, EnvelopeError};
use gf_utils::{OutputMeaning, Preprocessing, SavedModel};
use proptest::prelude::*;

fn model() -> SavedModel {
    SavedModel {
        network_toml: "inputs = 2\nlayers = [\"dense 3 relu\"]\n".to_owned(),
        theta: vec![0.1, -1e-300, f64::INFINITY, -0.0],
        preprocessing: Preprocessing {
            inputs: Some(ColumnScales { shifts: vec![0.5, -3.0], scales: vec![2.0, 1e-9] }),
            targets: None,
            feature_names: Some(vec!["length".to_owned(), "width".to_owned()]),
            class_names: Some(vec!["no".to_owned(), "yes".to_owned()]),
        },
        outputs: OutputMeaning::Logits,
        provenance: [("seed".to_owned(), "7".to_owned()), ("method".to_owned(), "implicit".to_owned())].into(),
    }
}

fn saved() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("best.model");
    model().save(&path).expect("saved");
    let bytes = fs::read(&path).expect("read");
    (directory, path, bytes)
}

fn load(path: &Path, bytes: &[u8]) -> Result<SavedModel, EnvelopeError> {
    fs::write(path, bytes).expect("written");
    SavedModel::load(path)
}

#[test]
fn a_model_comes_back() {
    let (_directory, path, _) = saved();
    assert_eq!(SavedModel::load(&path).unwrap(), model());
}

#[test]
fn the_layout_is_the_documented_one() {
    let (_directory, _, bytes) = saved();
    assert_eq!(&bytes[..16], b"\x89gf\r\n\x1a\n\0gf-model");
    assert_eq!(bytes[16..20], 2u32.to_le_bytes());
    assert_eq!(bytes[20..28], (bytes.len() as u64 - 32).to_le_bytes());
    assert_eq!(bytes[28..32], crc32fast::hash(&bytes[32..]).to_le_bytes());
    assert_eq!(bytes[32..40], (model().network_toml.len() as u64).to_le_bytes());
}

#[test]
fn every_single_bit_flip_is_detected() {
    let (_directory, path, bytes) = saved();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = load(&path, &flipped).expect_err("a flipped bit");
        let right = match bit / 8 {
            0..8 => matches!(error, EnvelopeError::Magic { .. }),
            8..16 => matches!(error, EnvelopeError::Kind { .. }),
            16..20 => matches!(error, EnvelopeError::Version { .. }),
            20..28 => matches!(
                error,
                EnvelopeError::Truncated { .. } | EnvelopeError::TrailingBytes { .. } | EnvelopeError::TooLarge { .. }
            ),
            _ => matches!(error, EnvelopeError::Checksum { .. }),
        };
        assert!(right, "bit {bit}: {error}");
    }
}

#[test]
fn every_truncation_is_detected() {
    let (_directory, path, bytes) = saved();
    for length in 0..bytes.len() {
        let error = load(&path, &bytes[..length]).expect_err("a truncated file");
        let right = match length {
            0..32 => matches!(error, EnvelopeError::Header { found, .. } if found == length),
            _ => matches!(error, EnvelopeError::Truncated { found, .. } if found == length as u64 - 32),
        };
        assert!(right, "{length} bytes: {error}");
    }
}

#[test]
fn each_fault_has_its_own_message() {
    let (_directory, path, bytes) = saved();
    let name = path.display().to_string();
    let longer = [&bytes[..], b"xyz"].concat();
    assert_eq!(load(&path, &longer).unwrap_err().to_string(), format!("{name}: 3 bytes after the end of the payload"));
    assert_eq!(
        load(&path, b"inputs = 2\n").unwrap_err().to_string(),
        format!("{name}: not a file of gf (wrong first bytes)")
    );
    assert_eq!(
        load(&path, &bytes[..10]).unwrap_err().to_string(),
        format!("{name}: truncated: expected at least 32 bytes, found 10")
    );
    fs::write(&path, &bytes).unwrap();
    let error = envelope::read::<SavedModel>(&path, *b"gf-check", 1).unwrap_err();
    assert_eq!(error.to_string(), format!("{name}: expected a file of kind \"gf-check\", found \"gf-model\""));
    let error = envelope::read::<SavedModel>(&path, SavedModel::KIND, 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{name}: expected format version 3, found 2 (written by another version of gf)")
    );
    envelope::write(&path, SavedModel::KIND, 3, &model()).unwrap();
    assert_eq!(
        SavedModel::load(&path).unwrap_err().to_string(),
        format!("{name}: expected format version 1 to 2, found 3 (written by another version of gf)")
    );
    fs::remove_file(&path).unwrap();
    assert!(SavedModel::load(&path).unwrap_err().to_string().starts_with(&format!("{name}: cannot read: ")));
}

/// Written by gf 0.1.0 at commit af76087f6dd7, before version 2: a 2-2-1 tanh network after three explicit steps.
#[test]
fn a_model_of_version_1_still_loads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version-1.gfmodel");
    let model = SavedModel::load(&path).unwrap();
    assert!(model.network_toml.starts_with("input = 2\n\n[[layers]]\nunits = 2\nactivation = \"tanh\"\n"));
    assert_eq!(model.theta.len(), 9);
    assert_eq!(model.theta[0].to_bits(), 0xbfcf0e45dfdd6bde);
    assert_eq!(model.provenance["val_loss"], "0.23122664393519046");
    assert_eq!((model.preprocessing, model.outputs), (Preprocessing::default(), OutputMeaning::Unknown));
}

#[test]
fn a_sound_payload_of_another_type_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other");
    let kind = *b"gf-other";
    // Bytes are left over after a shorter type.
    envelope::write(&path, kind, 1, &(1u64, 2u64)).unwrap();
    let error = envelope::read::<u64>(&path, kind, 1).unwrap_err();
    assert!(error.to_string().ends_with("does not decode: the value ends after 8 of 16 bytes"), "{error}");
    // A length of 2^60 elements must be an error, not an allocation.
    envelope::write(&path, kind, 1, &(1u64 << 60)).unwrap();
    let error = envelope::read::<Vec<f64>>(&path, kind, 1).unwrap_err();
    assert!(matches!(error, EnvelopeError::Decode { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_model_comes_back_bit_for_bit(
        network_toml in ".*",
        theta in prop::collection::vec(any::<u64>(), 0..50),
        scales in prop::option::of(prop::collection::vec(any::<f64>(), 0..5)),
        names in prop::option::of(prop::collection::vec(".*", 0..5)),
        provenance in prop::collection::btree_map(".*", ".*", 0..5),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m");
        let theta: Vec<f64> = theta.into_iter().map(f64::from_bits).collect();
        let preprocessing = Preprocessing {
            inputs: scales.clone().map(|scales| ColumnScales { shifts: vec![0.0; scales.len()], scales }),
            targets: scales.map(|shifts| ColumnScales { scales: vec![1.0; shifts.len()], shifts }),
            feature_names: names.clone(),
            class_names: names,
        };
        let outputs = OutputMeaning::ClassLogits;
        let model = SavedModel { network_toml, theta, preprocessing, outputs, provenance };
        model.save(&path).unwrap();
        let back = SavedModel::load(&path).unwrap();
        prop_assert_eq!(&back.preprocessing, &model.preprocessing);
        prop_assert_eq!(&back.network_toml, &model.network_toml);
        prop_assert_eq!(&back.provenance, &model.provenance);
        let bits = |model: &SavedModel| model.theta.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&back), bits(&model));
    }
}
