//! Invariants of ARCHITECTURE.md that text can check.

mod layers;
mod pages;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A rule: `pattern` must not occur in files below `folder`, except below those in `except`.
struct Rule {
    folder: &'static str,
    except: &'static [&'static str],
    pattern: &'static str,
    reason: &'static str,
}

const LIBRARIES: [&str; 5] = [
    "crates/gf-core/src",
    "crates/gf-linalg/src",
    "crates/gf-layers/src",
    "crates/gf-optim/src",
    "crates/gf-spectrum/src",
];

/// Lines of a file at most, far beyond what is usual: a longer one holds a second concept.
const LONGEST: usize = 600;
/// Longer files: tables of cases.
const LONGER: &[&str] = &["crates/gf-optim/tests/newton_like.rs"];

const RULES: &[Rule] = &[
    Rule {
        folder: "crates",
        except: &["crates/gf-linalg"],
        pattern: "faer::",
        reason: "only gf-linalg names faer: its API breaks often",
    },
    Rule {
        folder: "crates",
        except: &["crates/gf-utils"],
        pattern: "bincode::",
        reason: "bincode is confined to one module of gf-utils, behind a checksum",
    },
    Rule {
        folder: "crates",
        except: &["crates/gf-report"],
        pattern: "kuva::",
        reason: "figures are described by gf-report, which alone knows what draws them",
    },
    Rule {
        folder: "crates",
        except: &["crates/gf-mpi"],
        pattern: "mpi::",
        reason: "only gf-mpi names MPI: everything else builds without one",
    },
    Rule { folder: "crates", except: &[], pattern: "todo!(", reason: "no stubs" },
    Rule { folder: "crates", except: &[], pattern: "unimplemented!(", reason: "no stubs" },
    Rule { folder: "crates", except: &[], pattern: "thread_rng", reason: "random numbers come from named streams" },
    Rule { folder: "crates", except: &[], pattern: "rand::rng(", reason: "random numbers come from named streams" },
    Rule { folder: "crates", except: &[], pattern: "SysRng", reason: "random numbers come from named streams" },
];

/// What the computing crates never do.
const NEVER_IN_LIBRARIES: [(&str, &str); 5] = [
    ("println!", "computing crates never print"),
    ("eprintln!", "computing crates never print"),
    ("std::fs", "computing crates never touch files"),
    ("std::time", "computing crates never read the clock"),
    ("SystemTime", "computing crates never read the clock"),
];

/// Checks all rules.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut faults = Vec::new();
    for rule in RULES {
        for file in rust_files(&root.join(rule.folder))? {
            let excepted = rule.except.iter().any(|except| file.starts_with(root.join(except)));
            if !excepted {
                find(root, &file, rule.pattern, rule.reason, &mut faults)?;
            }
        }
    }
    for folder in LIBRARIES {
        for file in rust_files(&root.join(folder))? {
            for (pattern, reason) in NEVER_IN_LIBRARIES {
                find(root, &file, pattern, reason, &mut faults)?;
            }
        }
    }
    for folder in ["crates", "xtask"] {
        for file in rust_files(&root.join(folder))? {
            check_length(root, &file, &mut faults)?;
        }
    }
    layers::check(root, &mut faults)?;
    pages::check(root, &mut faults)?;
    for required in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "DATA-LICENSES.md",
    ] {
        if !root.join(required).exists() {
            faults.push(format!("{required} is missing"));
        }
    }
    if !faults.is_empty() {
        bail!("tidy:\n{}", faults.join("\n"));
    }
    Ok(())
}

fn find(root: &Path, file: &Path, pattern: &str, reason: &str, faults: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if code.contains(pattern) {
            let shown = file.strip_prefix(root).unwrap_or(file).display();
            faults.push(format!("{shown}:{}: `{pattern}`: {reason}", number + 1));
        }
    }
    Ok(())
}

fn check_length(root: &Path, file: &Path, faults: &mut Vec<String>) -> Result<()> {
    let shown = file.strip_prefix(root).unwrap_or(file);
    let lines = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?.lines().count();
    if lines > LONGEST && !LONGER.iter().any(|longer| shown == Path::new(longer)) {
        faults.push(format!("{}: expected at most {LONGEST} lines, found {lines}", shown.display()));
    }
    Ok(())
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
