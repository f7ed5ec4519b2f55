//! Paths that the pages for contributors name: they exist.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const PAGES: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Checks every path from the root of the repository that stands between backticks, alone or in a command.
pub(super) fn check(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    for page in PAGES {
        let text = fs::read_to_string(root.join(page)).with_context(|| format!("reading {page}"))?;
        for path in paths(&text) {
            if !root.join(path).exists() {
                faults.push(format!("{page}: {path} does not exist"));
            }
        }
    }
    Ok(())
}

/// Words between backticks that begin like a path; `NAME` stands for what does not exist yet.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |word: &&str| ["crates/", "docs/", "xtask/"].iter().any(|folder| word.starts_with(folder));
    let spans = text.split('`').skip(1).step_by(2);
    spans.flat_map(str::split_whitespace).filter(is_path).filter(|word| !word.contains("NAME"))
}

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn paths_stand_between_backticks() {
        let text = "crates/a `crates/b.rs` and `crates/NAME.rs`, `git log -- docs/c.md`";
        assert_eq!(paths(text).collect::<Vec<_>>(), ["crates/b.rs", "docs/c.md"]);
    }
}
