//! Several run folders side by side.

use std::path::Path;

use gf_report::{Axis, Block, Figure, Mark, Page, Panel, Section, Table, significant};
use gf_utils::stats::median;
use miette::Report;

use super::curves::curve;
use super::write_page;
use crate::folder::Folder;
use crate::progress::Progress;

/// Writes a page that compares the arms of several folders.
pub(crate) fn write(folders: &[Folder], path: &Path) -> Result<(), Report> {
    let rows = folders
        .iter()
        .flat_map(|folder| {
            folder.summary.arms.iter().map(|arm| {
                let middle = |values: Vec<f64>| median(&values).map_or_else(|| "–".into(), |v| significant(v, 3));
                vec![
                    folder.path.display().to_string(),
                    arm.name.clone(),
                    significant(arm.final_val_loss_quartiles[1].unwrap_or(f64::INFINITY), 4),
                    middle(arm.runs.iter().map(|run| run.steps as f64).collect()),
                    middle(arm.runs.iter().map(|run| run.grad_equivalents).collect()),
                    middle(arm.runs.iter().map(|run| run.wall_s).collect()),
                ]
            })
        })
        .collect();
    let columns = ["folder", "arm", ">final val. loss (median)", ">steps", ">gradient-equivalents", ">seconds"];
    let mut panel = Panel::new("", Axis::linear("step k"), Axis::log("validation loss"));
    let mut style = 0;
    for folder in folders {
        for arm in &folder.summary.arms {
            if let Some(curve) = curve(folder, &arm.name, "step", "val_loss", None) {
                let name = format!("{}: {}", folder.summary.name, arm.name);
                panel = panel.with(Mark::line(name, style, curve.x, curve.middle));
            }
            style += 1;
        }
    }
    let figure =
        Figure::new("comparison", "Median validation loss of every arm of every folder against steps.", vec![panel]);
    let page = Page::new("Comparison")
        .with(Section::new("Result", vec![Block::Table(Table::new("Medians over seeds.", &columns, rows))]))
        .with(Section::new("Curves", vec![Block::Figure(figure)]));
    write_page(path, &page, Progress::new(false))
}
