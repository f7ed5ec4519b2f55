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
mod landscape;
mod layers;
pub(crate) mod lr_range;
mod pole;
mod predictions;
pub(crate) mod schedule;
pub(crate) mod spectrum;
pub(crate) mod stability;
mod sweep;
mod tables;

use std::path::Path;

use gf_report::{Block, Page, Section};
use gf_utils::write_atomically;
use miette::Report;

pub use claims::{AxisVerdict, ClaimVerdict, Holds};
pub(crate) use comparison::write as write_comparison;

use crate::folder::{Folder, write_text};
use crate::progress::Progress;
use crate::study::misuse;

/// Writes `figures/` and `report.html`; returns the verdicts on the study's claims.
pub(crate) fn write(folder: &Folder, progress: Progress) -> Result<Vec<ClaimVerdict>, Report> {
    let verdicts = claims::judge(folder);
    let page = page(folder, &verdicts)?;
    write_page(&folder.path, &page, progress)?;
    Ok(verdicts)
}

/// Writes a page with its figures as SVG and PNG beside it.
fn write_page(path: &Path, page: &Page, progress: Progress) -> Result<(), Report> {
    let figures = path.join("figures");
    std::fs::create_dir_all(&figures).map_err(|error| misuse(format!("{}: {error}", figures.display())))?;
    let bar = progress.bar(page.figures().count() as u64 + 1, "figures");
    for figure in page.figures() {
        write_text(&figures.join(format!("{}.svg", figure.id)), &figure.to_svg().map_err(misuse)?)?;
        let png = figure.to_png(2.0).map_err(misuse)?;
        let file = figures.join(format!("{}.png", figure.id));
        write_atomically(&file, |out| std::io::Write::write_all(out, &png)).map_err(misuse)?;
        bar.inc(1);
    }
    write_text(&path.join("report.html"), &page.to_html().map_err(misuse)?)?;
    bar.finish_and_clear();
    Ok(())
}

fn page(folder: &Folder, verdicts: &[ClaimVerdict]) -> Result<Page, Report> {
    let study = &folder.study;
    let title = if study.title.is_empty() { &study.name } else { &study.title };
    let mut page = Page::new(title);
    page.lead.extend(study.about.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).map(str::to_string));
    page.lead.push(tables::setting(folder));
    let result = [Some(tables::summary(folder)), tables::best_settings(folder), tables::advice(folder)];
    page = page.with(Section::new("Result", result.into_iter().flatten().map(Block::Table).collect()));
    if !verdicts.is_empty() {
        page = page.with(Section::new("Claims", tables::claims(verdicts)));
    }
    let landscape = landscape::blocks(folder);
    if !landscape.is_empty() {
        page = page.with(Section::new("Path", landscape));
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
    let sweep = sweep::blocks(folder);
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
    page.footer = vec![
        folder.summary.version.clone(),
        match study.run.wall_time {
            None => "Repeat: gf run study.toml, with the study.toml of this folder. Seconds depend on the machine; nothing else does.",
            Some(_) => "Repeat: gf run study.toml, with the study.toml of this folder. It ends by wall time: another run may take another number of steps.",
        }
        .into(),
    ];
    Ok(page)
}
