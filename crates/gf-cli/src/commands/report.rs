//! `gf report`: reports from run folders.

use miette::Report;

use super::print;
use crate::arguments::ReportArguments;
use crate::folder::{Folder, FolderWriter};
use crate::progress::Progress;
use crate::report;

pub(super) fn execute(arguments: &ReportArguments) -> Result<u8, Report> {
    let folders = arguments.folders.iter().map(|path| Folder::read(path)).collect::<Result<Vec<_>, _>>()?;
    for folder in &folders {
        report::write(folder, Progress::new(false))?;
        print(&format!("report: {}", folder.path.join("report.html").display()));
    }
    if folders.len() > 1 {
        let writer = FolderWriter::create(arguments.out.as_deref(), "comparison")?;
        report::write_comparison(&folders, writer.path())?;
        let path = writer.finish()?;
        print(&format!("comparison: {}", path.join("report.html").display()));
    }
    Ok(0)
}
