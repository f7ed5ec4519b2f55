//! Paths that the pages for contributors name: they exist.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const PAGES: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Checks every path from the root of the repository that stands between backticks.
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

/// What stands between backticks and begins like a path; `NAME` stands for what does not exist yet.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |span: &&str| span.starts_with("crates/") || span.starts_with("docs/") || span.starts_with("xtask/");
    text.split('`').skip(1).step_by(2).filter(is_path).filter(|span| !span.contains("NAME") && !span.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn paths_stand_between_backticks() {
        let text = "crates/a `crates/b.rs` and `crates/NAME.rs`, `cargo test` in `docs/c.md`";
        assert_eq!(paths(text).collect::<Vec<_>>(), ["crates/b.rs", "docs/c.md"]);
    }
}
