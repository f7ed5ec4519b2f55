//! From the files of arms to what their study came to.

use std::path::Path;

use miette::Report;

use super::pieces;
use crate::runner::{ArmPath, ArmRun};
use crate::study::{Document, Problem, misuse};
use crate::summary::version;

/// Missing arms that are named.
const MOST_NAMED: usize = 8;

/// The study of the sweep in `folder`.
///
/// # Errors
/// When there is none, or it is wrong.
pub(crate) fn read_study(folder: &Path) -> Result<Problem, Report> {
    Problem::load(Document::read(&folder.join("study.toml"))?)
}

/// What all arms came to, in the order of the study, with the paths that it shows.
///
/// # Errors
/// When arms are missing; names them, and says how to run them.
pub(crate) fn load_runs(problem: &Problem, folder: &Path) -> Result<(Vec<ArmRun>, Vec<ArmPath>), Report> {
    let pieces = pieces(problem, folder)?;
    let warn = |message: String| eprintln!("warning: {message}; it counts as missing");
    let (mut runs, mut paths, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for piece in &pieces {
        match piece.result(problem, warn) {
            Some((run, path)) => {
                runs.push(run);
                paths.extend(path);
            }
            None => missing.push(piece.title(problem)),
        }
    }
    if missing.is_empty() {
        return Ok((runs, paths));
    }
    let mut names = missing.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join("; ");
    if missing.len() > MOST_NAMED {
        names += &format!("; and {} more", missing.len() - MOST_NAMED);
    }
    let path = folder.display();
    let (count, all, own) = (missing.len(), pieces.len(), version());
    let mut message = format!(
        "{path}: {count} of {all} arms on seeds are missing: {names}. `gf sweep {path}/study.toml --out {path}` runs them"
    );
    let text = Document::read(&folder.join("study.toml"))?.text;
    if !text.lines().next().is_some_and(|line| line.contains(&own)) {
        message += &format!("; the sweep was made by another build than this one, {own}, and belongs to that");
    }
    Err(misuse(message))
}
