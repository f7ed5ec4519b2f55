//! `gf report`: reports from run folders.

use miette::Report;

use super::print;
use crate::arguments::ReportArguments;
use crate::folder::{Folder, FolderWriter, write_summary};
use crate::progress::Progress;
use crate::report;

pub(super) fn execute(arguments: &ReportArguments) -> Result<u8, Report> {
    let mut folders = arguments.folders.iter().map(|path| Folder::read(path)).collect::<Result<Vec<_>, _>>()?;
    for folder in &mut folders {
        let claims = report::write(folder, Progress::new(false))?;
        // A run with --no-report has no verdicts yet.
        if folder.summary.claims.is_empty() && !claims.is_empty() {
            folder.summary.claims = claims;
            write_summary(&folder.path, &folder.summary)?;
        }
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
