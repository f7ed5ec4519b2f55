//! The folder of a sweep: an ordinary run folder, once it is merged, with `arms/` beside.

use std::path::{Path, PathBuf};

use miette::Report;
use serde::Deserialize;

use super::arms_of;
use crate::folder::{has_summary, remove_results, resolved_study, write_text};
use crate::study::{Document, Problem, misuse};

const STUDY: &str = "study.toml";

/// The folder that the shards of a sweep share.
#[derive(Debug)]
pub(crate) struct SweepFolder {
    path: PathBuf,
}

/// Whether a folder is that of a sweep.
pub(crate) fn is_sweep(path: &Path) -> bool {
    arms_of(path).is_dir()
}

impl SweepFolder {
    /// `out`, `runs/NAME` if not given: new, empty, or that of an earlier call for the same study or another version of it.
    ///
    /// # Errors
    /// When the folder holds something else, or cannot be made.
    pub(crate) fn open(out: Option<&Path>, problem: &Problem) -> Result<Self, Report> {
        let name = &problem.study.name;
        let path = Self::place(out, name);
        let is_taken = std::fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) || path.is_file();
        if is_taken && !is_sweep(&path) {
            let message = "expected a folder that does not exist, is empty or is that of a sweep, found it in use";
            return Err(misuse(format!("--out {}: {message}", path.display())));
        }
        if path.join(STUDY).is_file() {
            let found = Document::read(&path.join(STUDY))?.parse::<Named>()?.name;
            if found != *name {
                let message = format!("expected a sweep of the study \"{name}\", found that of \"{found}\"");
                return Err(misuse(format!("--out {}: {message}: take another folder", path.display())));
            }
        }
        let arms = arms_of(&path);
        std::fs::create_dir_all(&arms)
            .map_err(|error| misuse(format!("{}: cannot create: {error}", arms.display())))?;
        Ok(Self { path })
    }

    /// Where the sweep of a study of this name is.
    pub(crate) fn place(out: Option<&Path>, name: &str) -> PathBuf {
        out.map_or_else(|| Path::new("runs").join(name), Path::to_path_buf)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is merged, and holds all there is.
    pub(crate) fn is_complete(&self) -> bool {
        has_summary(&self.path)
    }

    /// Makes `problem` the study of this folder. What an earlier merge wrote goes, if it is that of another version of the study or if arms
    /// are missing; arms stay.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub(crate) fn begin(&self, problem: &Problem, misses_arms: bool) -> Result<(), Report> {
        let (file, text) = (self.path.join(STUDY), resolved_study(problem)?);
        let is_same = std::fs::read_to_string(&file).is_ok_and(|found| found == text);
        if !is_same || misses_arms {
            remove_results(&self.path)?;
        }
        // All shards of a sweep write the same text.
        if is_same { Ok(()) } else { write_text(&file, &text) }
    }
}

/// A study's name; the rest may be that of another version of gf.
#[derive(Deserialize)]
struct Named {
    name: String,
}
