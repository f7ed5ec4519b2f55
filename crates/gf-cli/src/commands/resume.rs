//! `gf resume`: a run that was interrupted, from where it stood.

use miette::Report;

use super::print;
use super::run::{Output, carry_on};
use crate::arguments::ResumeArguments;
use crate::folder::{Found, RunFolder};
use crate::study::{Document, Problem};

pub(super) fn execute(arguments: &ResumeArguments) -> Result<u8, Report> {
    match RunFolder::open(&arguments.folder)? {
        Found::Complete => {
            if !arguments.quiet {
                print(&format!("{}: complete, nothing is left to do", arguments.folder.display()));
            }
            Ok(0)
        }
        Found::Unfinished(folder) => {
            let problem = Problem::load(Document::read(&folder.study())?)?;
            let ResumeArguments { threads, no_report, quiet, json, .. } = *arguments;
            let output = Output { threads, has_report: !no_report, quiet, json };
            Ok(carry_on(&problem, folder, &output)?.exit_code())
        }
    }
}
