//! The report of a run folder: figures and one page, from what the folder holds and nothing else.

mod basins;
mod central_flow;
mod claims;
mod classification;
mod comparison;
mod conservation;
mod curves;
mod depth;
mod epochs;
mod extremes;
mod landscape;
mod layers;
pub(crate) mod lr_range;
mod planes;
mod pole;
mod predictions;
mod reproduction;
pub(crate) mod schedule;
mod shown;
pub(crate) mod spectrum;
pub(crate) mod stability;
mod styles;
mod sweep;
mod swept;
mod tables;

use std::path::Path;

use gf_report::{Block, Page, Section, TableFormat};
use gf_utils::write_atomically;
use miette::Report;

pub use claims::{AxisVerdict, ClaimVerdict, Holds};
pub(crate) use comparison::write as write_comparison;
pub(crate) use shown::best_arms;

use crate::folder::{Folder, write_text};
use crate::progress::Progress;
use crate::study::misuse;

/// Writes `figures/` and `report.html`, and `tables/` where a format is given; returns the verdicts on the study's claims.
pub(crate) fn write(
    folder: &Folder,
    format: Option<TableFormat>,
    progress: Progress,
) -> Result<Vec<ClaimVerdict>, Report> {
    let verdicts = claims::judge(folder);
    let page = page(folder, &verdicts)?;
    write_page(&folder.path, &page, format, progress)?;
    Ok(verdicts)
}

/// Writes a page with its figures as SVG and PNG beside it, and its tables where a format is given.
fn write_page(path: &Path, page: &Page, format: Option<TableFormat>, progress: Progress) -> Result<(), Report> {
    let figures = path.join("figures");
    std::fs::create_dir_all(&figures).map_err(|error| misuse(format!("{}: {error}", figures.display())))?;
    let bar = progress.bar(page.figures().count() as u64 + 1, "figures");
    for figure in page.figures() {
        write_text(&figures.join(format!("{}.svg", figure.id)), &figure.to_svg().map_err(misuse)?)?;
        if figure.is_animated {
            let file = figures.join(format!("{}-animated.svg", figure.id));
            write_text(&file, &figure.to_animated_svg().map_err(misuse)?)?;
        }
        let png = figure.to_png(2.0).map_err(misuse)?;
        let file = figures.join(format!("{}.png", figure.id));
        write_atomically(&file, |out| std::io::Write::write_all(out, &png)).map_err(misuse)?;
        bar.inc(1);
    }
    write_text(&path.join("report.html"), &page.to_html().map_err(misuse)?)?;
    if let Some(format) = format {
        write_tables(&path.join("tables"), page, format)?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// A file for each table, numbered as in the page and named after its section.
fn write_tables(folder: &Path, page: &Page, format: TableFormat) -> Result<(), Report> {
    std::fs::create_dir_all(folder).map_err(|error| misuse(format!("{}: {error}", folder.display())))?;
    for (index, (heading, table)) in page.tables().enumerate() {
        let letters = heading.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let words: Vec<&str> = letters.split('-').filter(|word| !word.is_empty()).collect();
        let name = format!("{:02}-{}.{}", index + 1, words.join("-"), format.extension());
        write_text(&folder.join(name), &format.write(table))?;
    }
    Ok(())
}

fn page(all: &Folder, verdicts: &[ClaimVerdict]) -> Result<Page, Report> {
    let best = shown::best(all);
    let folder = best.as_ref().map_or(all, |(folder, _)| folder);
    let study = &folder.study;
    let title = if study.title.is_empty() { &study.name } else { &study.title };
    let mut page = Page::new(title);
    page.lead.extend(study.about.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).map(str::to_string));
    page.lead.push(tables::setting(folder));
    page.lead.extend(best.as_ref().map(|(_, note)| note.clone()));
    page.lead.extend(tables::verdicts_in_brief(verdicts));
    let result = [Some(tables::summary(folder)), tables::best_settings(all), tables::advice(folder)];
    page = page.with(Section::new("Result", result.into_iter().flatten().map(Block::Table).collect()));
    if !verdicts.is_empty() {
        page = page.with(Section::new("Claims", tables::claims(verdicts)));
    }
    let landscape = landscape::blocks(folder);
    if !landscape.is_empty() {
        page = page.with(Section::new("Path", landscape));
    }
    let planes = planes::blocks(folder)?;
    if !planes.is_empty() {
        page = page.with(Section::new("Loss landscape", planes));
    }
    let basins = basins::blocks(folder)?;
    if !basins.is_empty() {
        page = page.with(Section::new("Basins of attraction", basins));
    }
    let stability = stability::blocks(folder);
    if !stability.is_empty() {
        page = page.with(Section::new("Linear stability", stability));
    }
    let spectrum = spectrum::blocks(folder)?;
    if !spectrum.is_empty() {
        page = page.with(Section::new("Curvature along the run", spectrum));
    }
    let depth = depth::blocks(folder)?;
    if !depth.is_empty() {
        page = page.with(Section::new("Signals and depth", depth));
    }
    let conservation = conservation::blocks(folder);
    if !conservation.is_empty() {
        page = page.with(Section::new("What the flow conserves", conservation));
    }
    let central_flow = central_flow::blocks(folder)?;
    if !central_flow.is_empty() {
        page = page.with(Section::new("Central flow", central_flow));
    }
    let lr_range = lr_range::blocks(folder)?;
    if !lr_range.is_empty() {
        page = page.with(Section::new("Learning-rate range test", lr_range));
    }
    let schedule = schedule::blocks(folder);
    if !schedule.is_empty() {
        page = page.with(Section::new("Schedules", schedule));
    }
    let swept = swept::blocks(all);
    if !swept.is_empty() {
        page = page.with(Section::new("Settings that were swept", swept));
    }
    let sweep = sweep::blocks(all);
    if !sweep.is_empty() {
        page = page.with(Section::new("Step sizes", sweep));
    }
    page = page.with(Section::new("Curves", curves::blocks(folder)));
    let epochs = epochs::blocks(folder)?;
    if !epochs.is_empty() {
        page = page.with(Section::new("Epochs", epochs));
    }
    let layers = layers::blocks(folder)?;
    if !layers.is_empty() {
        page = page.with(Section::new("Layers", layers));
    }
    let classes = classification::blocks(folder)?;
    if !classes.is_empty() {
        page = page.with(Section::new("Classes", classes));
    }
    if let Some(blocks) = predictions::blocks(folder)? {
        page = page.with(Section::new("Predictions", blocks));
    }
    if study.network.is_some() {
        let late = vec![Block::Table(tables::exponents(folder)), tables::exponents_note()];
        page = page.with(Section::new("Late phase", late));
    }
    if let Some(spec) = &study.first_steps {
        page = page.with(Section::new(
            "The first implicit step and the pole",
            pole::blocks(&folder.summary.first_steps, spec),
        ));
    }
    page = page.with(Section::new("What the steps met", tables::events(folder)));
    page = page.with(Section::new("Settings", vec![tables::settings(folder)]));
    page = page.with(reproduction::section(folder)?);
    page.footer = vec![folder.summary.version.clone()];
    Ok(page)
}
