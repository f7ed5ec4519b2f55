//! `gf report`: reports from run folders.

use gf_report::TableFormat;
use miette::Report;

use super::print;
use super::run::Output;
use super::sweep::merge;
use crate::arguments::{ReportArguments, TablesFormat};
use crate::folder::{Folder, FolderWriter, has_summary, write_summary};
use crate::progress::Progress;
use crate::report;
use crate::sweep;

pub(super) fn execute(arguments: &ReportArguments) -> Result<u8, Report> {
    for path in arguments.folders.iter().filter(|path| sweep::is_sweep(path) && !has_summary(path)) {
        let output = Output { threads: None, has_report: false, quiet: true, json: false };
        merge(&sweep::read_study(path)?, path, &output)?;
    }
    let mut folders = arguments.folders.iter().map(|path| Folder::read(path)).collect::<Result<Vec<_>, _>>()?;
    let format = arguments.tables.map(|format| match format {
        TablesFormat::Latex => TableFormat::Latex,
        TablesFormat::Markdown => TableFormat::Markdown,
    });
    for folder in &mut folders {
        let claims = report::write(folder, format, Progress::new(false))?;
        // A run with --no-report has no verdicts yet.
        if folder.summary.claims.is_empty() && !claims.is_empty() {
            folder.summary.claims = claims;
            write_summary(&folder.path, &folder.summary)?;
        }
        print(&format!("report: {}", folder.path.join("report.html").display()));
        if format.is_some() {
            print(&format!("tables: {}", folder.path.join("tables").display()));
        }
    }
    if folders.len() > 1 {
        let writer = FolderWriter::create(arguments.out.as_deref(), "comparison")?;
        report::write_comparison(folders, writer.path(), format)?;
        let path = writer.finish()?;
        print(&format!("comparison: {}", path.join("report.html").display()));
    }
    Ok(0)
}
