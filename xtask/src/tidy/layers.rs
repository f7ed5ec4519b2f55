//! Which crate builds on which: the table of ARCHITECTURE.md, held against the manifests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The crates of gf that each of them may depend on, tests and benches left out.
const LAYERS: &[(&str, &[&str])] = &[
    ("gf-core", &[]),
    ("gf-linalg", &["gf-core"]),
    ("gf-layers", &["gf-core", "gf-linalg"]),
    ("gf-optim", &["gf-core", "gf-linalg"]),
    ("gf-spectrum", &["gf-core", "gf-linalg"]),
    ("gf-verify", &["gf-core", "gf-optim"]),
    ("gf-utils", &["gf-core"]),
    ("gf-report", &[]),
    ("gf-cli", &["gf-core", "gf-layers", "gf-linalg", "gf-optim", "gf-report", "gf-spectrum", "gf-utils", "gf-verify"]),
    ("gf-mpi", &["gf-cli", "gf-core"]),
    ("gf-bench", &["gf-core", "gf-layers", "gf-linalg", "gf-optim", "gf-report", "gf-spectrum", "gf-utils"]),
    ("gf-testing", &[]),
    ("xtask", &[]),
];

/// Checks every crate of the workspace.
pub(super) fn check(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    let page = read(&root.join("ARCHITECTURE.md"))?;
    let mut crates: Vec<_> = fs::read_dir(root.join("crates"))
        .context("reading crates")?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    crates.sort_unstable();
    for name in crates.iter().map(String::as_str).chain(["xtask"]) {
        if !page.lines().any(|line| line.split_whitespace().next() == Some(name)) {
            faults.push(format!("ARCHITECTURE.md: no row for {name} in the table of crates"));
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
            faults.push(format!("{name}: no row in LAYERS of xtask/src/tidy/layers.rs"));
            continue;
        };
        let manifest = if name == "xtask" { "xtask/Cargo.toml".into() } else { format!("crates/{name}/Cargo.toml") };
        for found in dependencies(&read(&root.join(&manifest))?) {
            if !allowed.contains(&found.as_str()) {
                faults.push(format!("{manifest}: {name} depends on {found}, which the layers do not have"));
            }
        }
    }
    Ok(())
}

/// The crates of gf in the `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = line == "[dependencies]";
        } else if is_inside && line.starts_with("gf-") {
            let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
            found.push(line[..end].to_string());
        }
    }
    found
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::dependencies;

    #[test]
    fn dependencies_are_those_of_the_library() {
        let manifest = "[package]\nname = \"gf-a\"\n[dependencies]\nserde.workspace = true\ngf-b.workspace = true\n\
                        gf-c = { workspace = true }\n[dev-dependencies]\ngf-d.workspace = true\n";
        assert_eq!(dependencies(manifest), ["gf-b", "gf-c"]);
    }
}
