//! Files that appear completely or not at all.

use std::fs;
use std::io;
use std::path::Path;

use gf_utils::write_atomically;

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_failure_in_the_middle_leaves_the_old_file_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("result.csv");
    write_atomically(&path, |out| out.write_all(b"old")).unwrap();
    let error = write_atomically(&path, |out| {
        // More than any buffer, so that bytes have reached the temporary file.
        out.write_all(&vec![b'x'; 1 << 20])?;
        Err(io::Error::other("the disk is full"))
    })
    .unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(directory.path()), ["result.csv"]);
    assert_eq!(error.to_string(), format!("{}: cannot write: writing: the disk is full", path.display()));
}

#[test]
fn a_panic_in_the_middle_leaves_the_old_file_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("result.csv");
    write_atomically(&path, |out| out.write_all(b"old")).unwrap();
    let panicked = std::panic::catch_unwind(|| {
        let _ = write_atomically(&path, |out| {
            out.write_all(&vec![b'x'; 1 << 20])?;
            panic!("in the closure")
        });
    });
    assert!(panicked.is_err());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(directory.path()), ["result.csv"]);
}

#[test]
fn success_replaces_the_old_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("result.csv");
    for text in ["first", "second and longer", "3"] {
        write_atomically(&path, |out| out.write_all(text.as_bytes())).unwrap();
        assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
    }
    assert_eq!(names(directory.path()), ["result.csv"]);
}

#[test]
fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing").join("result.csv");
    let error = write_atomically(&path, |_| Ok(())).unwrap_err();
    let begin = format!("{}: cannot write: creating a temporary file in its directory: ", path.display());
    assert!(error.to_string().starts_with(&begin), "{error}");
}

#[cfg(unix)]
#[test]
fn permissions_are_those_of_an_ordinary_file() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let (ours, plain) = (directory.path().join("ours"), directory.path().join("plain"));
    write_atomically(&ours, |out| out.write_all(b"x")).unwrap();
    fs::write(&plain, "x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}
