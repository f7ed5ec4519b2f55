//! The virtual environment of the documentation's Python example.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What `docs/reading-results.md` imports.
const REQUIREMENTS: [&str; 2] = ["numpy==2.2.6", "pandas==2.2.3"];

/// A Python with NumPy and pandas below `target/`, made on first use; none (with a message) where that is impossible.
pub(crate) fn environment(root: &Path) -> Option<PathBuf> {
    let folder = super::target(root).join("python");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if works(&python) {
        return Some(python);
    }
    let made = succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        && succeeds(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(REQUIREMENTS))
        && works(&python);
    if !made {
        eprintln!(
            "note: no Python with NumPy and pandas could be set up: the test of docs/reading-results.md will be skipped"
        );
    }
    made.then_some(python)
}

fn works(python: &Path) -> bool {
    python.exists() && succeeds(Command::new(python).args(["-c", "import numpy, pandas"]))
}

fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}
