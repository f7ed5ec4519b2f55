//! Several run folders side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gf_report::{Axis, Block, Figure, Mark, Page, Panel, Section, Table, TableFormat, significant};
use gf_utils::stats::median;
use miette::Report;

use super::curves::{OTHER_AXES, curve};
use super::{reproduction, shown, styles, tables, write_page};
use crate::folder::Folder;
use crate::progress::Progress;
use crate::study::misuse;

/// Writes a page that compares the arms of several folders; of a folder with more than can be told apart, its best.
pub(crate) fn write(folders: Vec<Folder>, path: &Path, format: Option<TableFormat>) -> Result<(), Report> {
    let shown = folders.into_iter().map(|folder| match shown::best(&folder) {
        Some((best, note)) => (best, Some(note)),
        None => (folder, None),
    });
    let (folders, notes): (Vec<Folder>, Vec<Option<String>>) = shown.unzip();
    let folders = folders.as_slice();
    let names = names(folders);
    let mut page = Page::new("Comparison");
    page.lead =
        names.iter().zip(folders).map(|(name, folder)| format!("{name}: {}", tables::setting(folder))).collect();
    let notes = names.iter().zip(notes).filter_map(|(name, note)| Some(format!("{name}: {}", note?)));
    page.lead.extend(notes);
    page = page.with(Section::new("Result", vec![Block::Table(result(folders, &names))]));
    let claims: Vec<Vec<String>> = names
        .iter()
        .zip(folders)
        .filter_map(|(name, folder)| {
            let brief = tables::verdicts_in_brief(&folder.summary.claims)?;
            Some(vec![name.clone(), brief])
        })
        .collect();
    if !claims.is_empty() {
        let table = Table::new(
            "How the claims of each study fare; its own report has the numbers.",
            &["folder", "claims"],
            claims,
        );
        page = page.with(Section::new("Claims", vec![Block::Table(table)]));
    }
    page = page.with(Section::new("Curves", figures(folders, &names)));
    page = page.with(Section::new("What differs", vec![Block::Table(differences(folders, &names)?)]));
    for (name, folder) in names.iter().zip(folders) {
        let mut own = reproduction::section(folder)?;
        own.heading = format!("{name}: made with");
        page = page.with(own);
    }
    write_page(path, &page, format, Progress::new(false))
}

/// What the folders are called: by their studies, or by their paths where studies share a name.
fn names(folders: &[Folder]) -> Vec<String> {
    let studies: BTreeSet<&str> = folders.iter().map(|folder| folder.summary.name.as_str()).collect();
    let is_unique = studies.len() == folders.len();
    let name = |folder: &Folder| match is_unique {
        true => folder.summary.name.clone(),
        false => folder.path.display().to_string(),
    };
    folders.iter().map(name).collect()
}

fn result(folders: &[Folder], names: &[String]) -> Table {
    let middle = |values: Vec<f64>| median(&values).map_or_else(|| "–".into(), |v| significant(v, 3));
    let row = |(name, folder): (&String, &Folder)| -> Vec<Vec<String>> {
        let arms = folder.summary.arms.iter().map(|arm| {
            let [low, mid, high] = arm.final_val_loss_quartiles.map(|q| significant(q.unwrap_or(f64::INFINITY), 4));
            vec![
                name.clone(),
                arm.name.clone(),
                mid,
                format!("{low} … {high}"),
                middle(arm.runs.iter().map(|run| run.steps as f64).collect()),
                middle(arm.runs.iter().filter_map(|run| run.time).collect()),
                middle(arm.runs.iter().map(|run| run.grad_equivalents).collect()),
                middle(arm.runs.iter().map(|run| run.wall_s).collect()),
                format!("{} of {}", arm.runs.iter().filter(|run| run.failure.is_some()).count(), arm.runs.len()),
            ]
        });
        arms.collect()
    };
    let columns = [
        "folder",
        "arm",
        ">final val. loss (median)",
        ">quartiles",
        ">steps",
        ">flow time",
        ">gradient-equivalents",
        ">seconds",
        ">failed",
    ];
    let caption = "Medians over seeds; a failed run counts as an infinite loss. Seconds compare only where the machines are the same.";
    Table::new(caption, &columns, names.iter().zip(folders).flat_map(row).collect())
}

/// Every arm of every folder against steps, and against the other abscissas.
fn figures(folders: &[Folder], names: &[String]) -> Vec<Block> {
    let arms = || {
        folders
            .iter()
            .zip(names)
            .flat_map(|(folder, name)| folder.summary.arms.iter().map(move |arm| (folder, name, arm)))
    };
    let styles = styles::of_methods(arms().map(|(_, _, arm)| arm.method.as_str()));
    let marks = |x: &str| -> Vec<Mark> {
        let curves = arms().zip(&styles).filter_map(|((folder, name, arm), style)| {
            let curve = curve(folder, &arm.name, x, "val_loss", None)?;
            Some((format!("{name}: {}", arm.name), *style, curve))
        });
        let curves: Vec<_> = curves.collect();
        let bands = curves.iter().map(|(_, style, curve)| curve.band(*style));
        let bands: Vec<Mark> = bands.collect();
        bands
            .into_iter()
            .chain(curves.into_iter().map(|(label, style, curve)| Mark::line(label, style, curve.x, curve.middle)))
            .collect()
    };
    let panel = |title: &str, x: Axis, column: &str| {
        let mut panel = Panel::new(title, x, Axis::log("validation loss"));
        panel.marks = marks(column);
        panel
    };
    let mut over_steps = panel("", Axis::linear("step k"), "step");
    let mut panels = Vec::new();
    for (column, label, title) in OTHER_AXES {
        let other = panel(title, Axis::log(label), column);
        over_steps = over_steps.with_view(other.x.clone(), other.marks.clone());
        panels.push(other);
    }
    let how = "Medians over seeds, bands between the quartiles; one color is one method, dashes tell its arms apart.";
    let over_steps_caption = format!("Validation loss of every arm of every folder against steps. {how}");
    let over_others = format!(
        "The same against flow time, work and seconds, which only equal machines share: an arm is ahead where its line is lower at the same abscissa. {how}"
    );
    vec![
        Block::Figure(Figure::new("comparison", over_steps_caption, vec![over_steps])),
        Block::Figure(Figure::new("comparison-over-other-axes", over_others, panels)),
    ]
}

/// Every setting that is not the same in all studies.
fn differences(folders: &[Folder], names: &[String]) -> Result<Table, Report> {
    let mut settings = Vec::new();
    for folder in folders {
        let study = toml::Table::try_from(&folder.study).map_err(misuse)?;
        let mut found = BTreeMap::new();
        flatten("", &toml::Value::Table(study), &mut found);
        settings.push(found);
    }
    let keys: BTreeSet<&String> = settings.iter().flat_map(BTreeMap::keys).collect();
    let values = |key: &String| {
        settings.iter().map(|found| found.get(key).cloned().unwrap_or_else(|| "–".into())).collect::<Vec<_>>()
    };
    let rows = keys
        .into_iter()
        .map(|key| (key, values(key)))
        .filter(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1]));
    let rows: Vec<Vec<String>> =
        rows.map(|(key, values)| std::iter::once(key.clone()).chain(values).collect()).collect();
    let caption = if rows.is_empty() {
        "The studies are the same in every setting."
    } else {
        "Settings that differ; – where a study does not have one."
    };
    let columns: Vec<&str> = std::iter::once("setting").chain(names.iter().map(String::as_str)).collect();
    Ok(Table::new(caption, &columns, rows))
}

/// Keys with dots; arms by their names. Texts of several paragraphs are no settings.
fn flatten(prefix: &str, value: &toml::Value, found: &mut BTreeMap<String, String>) {
    let join = |key: &str| if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
    match value {
        toml::Value::Table(table) => {
            // The name of an arm stands in the keys already.
            let keys = table.iter().filter(|(key, _)| prefix.is_empty() || *key != "name");
            keys.for_each(|(key, value)| flatten(&join(key), value, found));
        }
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            for (index, item) in items.iter().enumerate() {
                let name =
                    item.get("name").and_then(toml::Value::as_str).map_or_else(|| index.to_string(), str::to_string);
                flatten(&join(&name), item, found);
            }
        }
        toml::Value::String(text) if text.contains('\n') => {}
        toml::Value::String(text) => drop(found.insert(prefix.to_string(), text.clone())),
        toml::Value::Float(number) => drop(found.insert(prefix.to_string(), format!("{number:?}"))),
        other => drop(found.insert(prefix.to_string(), other.to_string())),
    }
}
