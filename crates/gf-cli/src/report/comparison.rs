//! Several run folders side by side.

use std::path::Path;

use gf_report::{Axis, Block, Figure, Mark, Page, Panel, Section, Table, significant};
use gf_utils::stats::{median, quartiles};
use miette::Report;

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
            let columns: Vec<Vec<f64>> =
                folder.arm(&arm.name).filter_map(|history| history.table.column("val_loss")).collect();
            let length = columns.iter().map(Vec::len).max().unwrap_or(0);
            let (mut x, mut y) = (Vec::new(), Vec::new());
            for row in 0..length {
                let values: Vec<f64> = columns.iter().filter_map(|column| column.get(row).copied()).collect();
                if let Some([_, middle, _]) = quartiles(&values) {
                    x.push(row as f64);
                    y.push(middle);
                }
            }
            panel = panel.with(Mark::line(format!("{}: {}", folder.summary.name, arm.name), style, x, y));
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
