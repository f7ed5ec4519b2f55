//! `cargo xtask docs`: the book, its figures and the numbers in it, made by the commands that it names.

mod book;
mod manifest;
mod number;
mod page;
mod references;
mod svg;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use manifest::{Manifest, Source};
use number::Number;
use page::Page;

/// How the name of a study in `docs/` ends, which stands where the name of a built-in experiment may.
const STUDY: &str = ".toml";

/// What `cargo xtask docs` is told.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Change nothing; fail, with file and line, where a figure, number, link or formula is not what it should be.
    #[arg(long)]
    pub(crate) check: bool,
    /// Run only the experiments that docs/figures.toml calls quick.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Run only this experiment.
    #[arg(long, value_name = "EXPERIMENT", conflicts_with = "quick")]
    pub(crate) only: Option<String>,
    /// Take what earlier calls have run, and run what is missing: for writing pages. Only without, figures and numbers are those of the present build.
    #[arg(long)]
    pub(crate) reuse: bool,
    /// Run nothing: links, formulas and the manifest, and the book from the figures and numbers that are there.
    #[arg(long, conflicts_with_all = ["quick", "only", "reuse"])]
    pub(crate) no_runs: bool,
}

/// Regenerates or checks the documentation.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let manifest = Manifest::read(&root.join("docs/figures.toml"))?;
    if options.check {
        // Before minutes of runs, which mend none of it.
        stop_at(&references::check(root, &manifest, &pages(root)?)?)?;
    }
    let runs = chosen(&manifest, &pages(root)?, options)?;
    let folders = execute(root, &runs, options.reuse)?;
    // Read after the runs: somebody may have written on meanwhile.
    let mut pages = pages(root)?;
    let mut faults = figures(root, &manifest, &folders, options.check)?;
    faults.extend(numbers(&mut pages, &folders, options.check)?);
    stop_at(&faults)?;
    if !options.check {
        // A figure that is new in the manifest is there only now.
        stop_at(&references::check(root, &manifest, &pages)?)?;
        say(&format!("book: {}", book::build(root, &super::target(root).join("book"), &pages)?.display()));
    }
    Ok(())
}

/// The Markdown files at the root and below `docs/`, in the order of their names.
fn pages(root: &Path) -> Result<Vec<Page>> {
    let mut paths = Vec::new();
    markdown(root, false, &mut paths)?;
    markdown(&root.join("docs"), true, &mut paths)?;
    paths.sort();
    paths.into_iter().map(|path| Page::read(root, path)).collect()
}

fn markdown(folder: &Path, deep: bool, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && deep {
            markdown(&path, deep, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    Ok(())
}

/// The experiments to run: those of figures and numbers that `options` do not leave out.
fn chosen(manifest: &Manifest, pages: &[Page], options: &Options) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for figure in &manifest.figures {
        if let Source::Experiment { experiment, .. } = &figure.source {
            all.insert(experiment.clone());
        }
    }
    for page in pages {
        all.extend(Number::all(&page.name, &page.text)?.into_iter().map(|number| number.experiment));
    }
    if let Some(unknown) = manifest.quick.iter().chain(&options.only).find(|&name| !all.contains(name)) {
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        bail!("no figure and no number comes from experiment {unknown:?}; expected one of {}", names.join(", "));
    }
    all.retain(|name| match &options.only {
        Some(only) => name == only,
        None => !options.no_runs && (!options.quick || manifest.quick.contains(name)),
    });
    Ok(all)
}

/// Runs each experiment once, at standard scale, or each study below `docs/`, into a folder of its own below `target/docs`; with `reuse` only those without a complete one.
fn execute(root: &Path, experiments: &BTreeSet<String>, reuse: bool) -> Result<BTreeMap<String, PathBuf>> {
    let folder = |name: &str| super::target(root).join("docs").join(name.strip_suffix(STUDY).unwrap_or(name));
    let folders = experiments.iter().map(|name| (name.clone(), folder(name))).collect();
    // A run folder is complete when it has its summary.
    let missing: Vec<&String> =
        experiments.iter().filter(|name| !reuse || !folder(name).join("summary.json").exists()).collect();
    if missing.is_empty() {
        return Ok(folders);
    }
    super::cargo(root, ["build", "--release", "--package", "gf-cli", "--quiet"])?;
    for name in missing {
        let folder = folder(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        }
        let mut gf = Command::new(super::binary(root, "release", "gf"));
        if name.ends_with(STUDY) {
            gf.arg("run").arg(root.join("docs").join(name));
        } else {
            gf.args(["experiment", name]);
        }
        super::run(gf.args(["--quiet", "--out"]).arg(&folder))?;
    }
    Ok(folders)
}

/// Copies the figures of the runs in `folders`, or says which differ.
fn figures(root: &Path, manifest: &Manifest, folders: &BTreeMap<String, PathBuf>, check: bool) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for figure in &manifest.figures {
        let Source::Experiment { experiment, from } = &figure.source else { continue };
        let Some(folder) = folders.get(experiment) else { continue };
        let (made, kept) = (folder.join(from), root.join("docs").join(&figure.file));
        let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
        let fresh = read(&made)?;
        if !check {
            std::fs::write(&kept, fresh).with_context(|| format!("writing {}", kept.display()))?;
        } else if !svg::same(&read(&kept)?, &fresh) {
            faults.push(format!("docs/{}: differs from what `cargo xtask experiment {experiment}` draws", figure.file));
        }
    }
    Ok(faults)
}

/// Refreshes the numbers that come from the runs in `folders`, or says which differ.
fn numbers(pages: &mut [Page], folders: &BTreeMap<String, PathBuf>, check: bool) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for page in pages {
        let mut text = page.text.clone();
        let mut differing = Vec::new();
        // From the last to the first, so that the places of those before stay.
        for number in Number::all(&page.name, &page.text)?.into_iter().rev() {
            let Some(folder) = folders.get(&number.experiment) else { continue };
            let (shown, place) = (&page.text[number.range.clone()], format!("{}:{}", page.name, number.line));
            let fresh = number.printed(folder).with_context(|| place.clone())?;
            if !check {
                text.replace_range(number.range.clone(), &fresh);
            } else if !number.agrees(shown, &fresh) {
                differing.push(format!("{place}: says {shown}, experiment {} gives {fresh}", number.experiment));
            }
        }
        faults.extend(differing.into_iter().rev());
        if text != page.text {
            std::fs::write(&page.path, &text).with_context(|| format!("writing {}", page.path.display()))?;
            page.text = text;
        }
    }
    Ok(faults)
}

fn stop_at(faults: &[String]) -> Result<()> {
    if !faults.is_empty() {
        bail!("docs:\n{}", faults.join("\n"));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "where the book is")]
fn say(line: &str) {
    println!("{line}");
}
