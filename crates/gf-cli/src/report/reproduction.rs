//! The end of a report: what made it, on what, and how to make it again.

use gf_report::{Block, Section, Table};
use miette::Report;

use crate::folder::Folder;
use crate::study::misuse;

/// Version, machine, command and the whole study.
pub(super) fn section(folder: &Folder) -> Result<Section, Report> {
    let summary = &folder.summary;
    let file = folder.path.join("study.toml");
    let study = std::fs::read_to_string(&file).map_err(|error| misuse(format!("{}: {error}", file.display())))?;
    let machine = match &summary.machine {
        Some(machine) => machine.to_string(),
        None => "not recorded by the version of gf that made this".into(),
    };
    let rows = [
        ("gf", summary.version.clone()),
        ("machine", machine),
        ("seeds", folder.study.run.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    ];
    let rows = rows.map(|(what, value)| vec![what.into(), value]).to_vec();
    let same = match folder.study.run.wall_time {
        None => "The same version gives the same numbers, whatever the machine's number of cores; only seconds differ.",
        Some(_) => "It ends by wall time: another run may take another number of steps.",
    };
    Ok(Section::new(
        "Made with",
        vec![
            Block::Table(Table::new("What made this report.", &["", "value"], rows)),
            Block::Paragraph(format!(
                "To repeat it, save the study below as study.toml, or take that of this folder. {same}"
            )),
            Block::Code("gf run study.toml".into()),
            Block::Code(study),
        ],
    ))
}
