//! `gf resume`: a run that was interrupted, from where it stood.

use gf_core::Communicator;
use miette::Report;

use super::print;
use super::run::{Output, carry_on};
use crate::arguments::ResumeArguments;
use crate::folder::{Found, RunFolder};
use crate::ranks::Ranks;
use crate::study::{Document, Problem};

pub(super) fn execute(arguments: &ResumeArguments, ranks: &Ranks) -> Result<u8, Report> {
    let found = ranks.on_rank_0(|| RunFolder::open(&arguments.folder))?;
    let is_complete = ranks.decision_of_rank_0(matches!(found, Some(Found::Complete)));
    match found {
        _ if is_complete => {
            if !arguments.quiet && ranks.is_first() {
                print(&format!("{}: complete, nothing is left to do", arguments.folder.display()));
            }
            Ok(0)
        }
        found => {
            let folder =
                found.and_then(|found| if let Found::Unfinished(folder) = found { Some(folder) } else { None });
            let study = arguments.folder.join("study.toml");
            let problem = Problem::load_on(ranks, ranks.document(|| Document::read(&study))?)?;
            let ResumeArguments { threads, no_report, quiet, json, .. } = *arguments;
            let output = Output { threads, has_report: !no_report, quiet: quiet || !ranks.is_first(), json };
            Ok(carry_on(&problem, folder, &output)?.exit_code())
        }
    }
}
