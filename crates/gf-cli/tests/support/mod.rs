//! Helpers of the command-line tests.

#![allow(dead_code, reason = "each test binary uses some of them")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with files, and `gf` run inside it.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn gf(&self, arguments: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_gf"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .output();
        output.unwrap()
    }

    /// Runs, expects this exit code, and returns standard output and standard error.
    pub(crate) fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.gf(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), unwrapped(&text(&output.stderr)));
        assert_eq!(output.status.code(), Some(code), "gf {arguments:?}\n{out}\n{err}");
        (out, err)
    }

    /// All files, relative, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut files);
        files.sort();
        files
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(root, &path, files),
            false => files.push(path.strip_prefix(root).unwrap().display().to_string()),
        }
    }
}

/// An error without the line breaks and frames that fit it to the terminal.
fn unwrapped(text: &str) -> String {
    let plain: String = text.chars().map(|c| if "│╭╰─·┬┴├╯×".contains(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A study of seconds: a 1-4-1 tanh network on eight points.
pub(crate) const STUDY: &str = r#"
name = "tiny"
[network]
input = 1
layers = [{ units = 4, activation = "tanh" }, { units = 1, activation = "identity" }]
[loss]
kind = "mse"
[data]
csv = "data.csv"
target = ["y"]
[validation]
fraction = 0.25
[run]
steps = 8
seeds = [0, 1]
batch = 3
[[arm]]
name = "explicit"
method.explicit = { h = 0.1 }
[[arm]]
name = "implicit"
method.implicit = { h = 0.5 }
[[arm]]
name = "newton"
method.newton = { damping = 1e-2 }
"#;

pub(crate) const DATA: &str = "x,y\n-1,1\n-0.7,0.5\n-0.4,0.2\n-0.1,0.0\n0.2,0.1\n0.5,0.3\n0.8,0.6\n1,1\n";

/// A CSV file without the columns of wall-clock time.
pub(crate) fn without_wall(text: &str) -> String {
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let kept: Vec<usize> = (0..header.len()).filter(|k| !header[*k].contains("wall")).collect();
    text.lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            kept.iter().map(|k| cells[*k]).collect::<Vec<_>>().join(",") + "\n"
        })
        .collect()
}

/// Starts `gf` and does not wait for it.
pub(crate) fn start(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gf"));
    command.args(arguments).current_dir(bench.path(".")).env("NO_COLOR", "1");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal such as `-INT`.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// All data of a run folder, folders within left out, without the columns of wall-clock time.
pub(crate) fn data(bench: &Bench, folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(bench.path(folder)).unwrap().map(|entry| entry.unwrap()).collect();
    files.sort_by_key(|entry| entry.file_name());
    let mut found = Vec::new();
    for entry in files.into_iter().filter(|entry| entry.path().is_file()) {
        let name = entry.file_name().into_string().unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        let bytes = match name.rsplit('.').next().unwrap() {
            "csv" => without_wall(&String::from_utf8(bytes).unwrap()).into_bytes(),
            "json" => {
                let text = String::from_utf8(bytes).unwrap();
                text.lines().filter(|line| !line.contains("wall")).collect::<Vec<_>>().join("\n").into_bytes()
            }
            _ => bytes,
        };
        found.push((name, bytes));
    }
    found
}

pub(crate) fn expect_equal(found: &[(String, Vec<u8>)], expected: &[(String, Vec<u8>)]) {
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert!(found == expected, "{name} differs from that of the undisturbed run");
    }
}
