//! What can be checked of the documentation without running anything: formulas, links, pictures, manifest, table of contents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use super::book::{self, mathml};
use super::manifest::Manifest;
use super::page::{Contents, Page};

/// All faults of `pages`, each with its file and line.
pub(super) fn check(root: &Path, manifest: &Manifest, pages: &[Page]) -> Result<Vec<String>> {
    let contents: BTreeMap<PathBuf, Contents> = pages.iter().map(|page| (page.path.clone(), page.contents())).collect();
    let mut faults = Vec::new();
    let mut shown = BTreeSet::new();
    for page in pages {
        let Contents { formulas, links, pictures, dollars, .. } = &contents[&page.path];
        let mut fault = |line: usize, text: String| faults.push(format!("{}:{line}: {text}", page.name));
        for formula in formulas {
            if let Err(error) = mathml(&formula.what.0, formula.what.1) {
                fault(formula.line, format!("formula {:?} does not convert: {error}", formula.what.0.trim()));
            }
        }
        // Prices and shell variables stand in code.
        for &line in dollars {
            fault(line, "a $ outside of a formula: one is not closed, or it should be in `code`".into());
        }
        for link in links {
            if let Err(text) = resolves(page, &link.what, &contents) {
                fault(link.line, text);
            }
        }
        for picture in pictures {
            let path = beside(page, &picture.what);
            if remote(&picture.what) || !path.exists() {
                fault(picture.line, format!("no picture {:?}", picture.what));
            }
            shown.insert(path);
        }
    }
    faults.extend(pictures(root, manifest, &shown)?);
    faults.extend(chapters(root, pages)?);
    Ok(faults)
}

/// Every picture in `docs/figures` is in the manifest and on a page, and every one in the manifest exists.
fn pictures(root: &Path, manifest: &Manifest, shown: &BTreeSet<PathBuf>) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let docs = root.join("docs");
    let listed: BTreeSet<PathBuf> = manifest.figures.iter().map(|figure| docs.join(&figure.file)).collect();
    let mut name = |path: &Path, text: &str| {
        faults.push(format!("{}: {text}", path.strip_prefix(root).unwrap_or(path).display()));
    };
    for path in listed.iter().filter(|path| !path.exists()) {
        name(path, "is in docs/figures.toml and does not exist");
    }
    let folder = docs.join("figures");
    for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if !listed.contains(&path) {
            name(&path, "is not in docs/figures.toml");
        }
        if !shown.contains(&path) {
            name(&path, "is on no page");
        }
    }
    Ok(faults)
}

/// Every page below `docs/` is a chapter, and every chapter a page.
fn chapters(root: &Path, pages: &[Page]) -> Result<Vec<String>> {
    let chapters: BTreeSet<PathBuf> = book::summary(root)?
        .iter()
        .flat_map(|part| &part.chapters)
        .map(|chapter| root.join("docs").join(&chapter.path))
        .collect();
    let summary = root.join(book::SUMMARY);
    let mut faults: Vec<String> = chapters
        .iter()
        .filter(|chapter| !pages.iter().any(|page| &page.path == *chapter))
        .map(|chapter| {
            format!("{}: no page {}", book::SUMMARY, chapter.strip_prefix(root).unwrap_or(chapter).display())
        })
        .collect();
    faults.extend(
        pages
            .iter()
            .filter(|page| page.path.starts_with(root.join("docs")) && page.path != summary)
            .filter(|page| !chapters.contains(&page.path))
            .map(|page| format!("{}: is not in {}", page.name, book::SUMMARY)),
    );
    Ok(faults)
}

fn resolves(page: &Page, link: &str, contents: &BTreeMap<PathBuf, Contents>) -> Result<(), String> {
    if remote(link) {
        return Ok(());
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { page.path.clone() } else { beside(page, file) };
    if !path.exists() {
        return Err(format!("dead link {link:?}"));
    }
    match (anchor, contents.get(&path)) {
        (Some(anchor), Some(target)) if !target.anchors.iter().any(|known| known == anchor) => {
            Err(format!("link {link:?}: {file:?} has no heading #{anchor}"))
        }
        _ => Ok(()),
    }
}

/// Whether a link leaves the repository. Such links are not followed: checks need no network.
pub(super) fn remote(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// The file that a relative link of `page` means.
pub(super) fn beside(page: &Page, link: &str) -> PathBuf {
    let mut path = page.path.parent().map(Path::to_owned).unwrap_or_default();
    for component in Path::new(link).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A small documentation with one fault of each kind.
    #[test]
    fn every_fault_is_named_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("docs/figures")).unwrap();
        let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
        write("docs/SUMMARY.md", "# Summary\n\n# Part\n\n- [A](a.md)\n- [Gone](gone.md)\n");
        write(
            "docs/a.md",
            "# A\n\n$\\frac{1}$ and $x$\n\n[dead](b2.md) [b](b.md#here) [c](b.md#there)\n\n![p](figures/p.svg) ![q](q.svg)\n\nfor 5$\n",
        );
        write("docs/b.md", "# Here\n");
        write("docs/figures/p.svg", "<svg/>");
        write("docs/figures/r.svg", "<svg/>");
        write(
            "docs/figures.toml",
            "quick = []\n[[figure]]\nfile = \"figures/p.svg\"\nexperiment = \"e\"\nfrom = \"f\"\n[[figure]]\nfile = \"figures/s.svg\"\ncommand = \"c\"\n",
        );
        let manifest = Manifest::read(&root.join("docs/figures.toml")).unwrap();
        let pages: Vec<Page> = ["docs/SUMMARY.md", "docs/a.md", "docs/b.md"]
            .iter()
            .map(|name| Page::read(root, root.join(name)).unwrap())
            .collect();
        let faults = check(root, &manifest, &pages).unwrap().join("\n");
        for expected in [
            "docs/SUMMARY.md:6: dead link \"gone.md\"",
            "docs/a.md:3: formula \"\\\\frac{1}\" does not convert",
            "docs/a.md:5: dead link \"b2.md\"",
            "docs/a.md:5: link \"b.md#there\": \"b.md\" has no heading #there",
            "docs/a.md:7: no picture \"q.svg\"",
            "docs/a.md:9: a $ outside of a formula",
            "docs/figures/s.svg: is in docs/figures.toml and does not exist",
            "docs/figures/r.svg: is not in docs/figures.toml",
            "docs/figures/r.svg: is on no page",
            "docs/b.md: is not in docs/SUMMARY.md",
            "docs/SUMMARY.md: no page docs/gone.md",
        ] {
            assert!(faults.contains(expected), "{expected}\nnot in\n{faults}");
        }
        assert_eq!(
            faults.lines().filter(|line| line.contains(".md:") || line.starts_with("docs/")).count(),
            11,
            "{faults}"
        );
    }
}
