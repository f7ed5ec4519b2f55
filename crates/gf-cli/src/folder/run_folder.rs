//! The folder of a run that is under way: it can be left at any moment, by `kill -9` too, and be continued.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use miette::Report;

use super::{FolderWriter, SUMMARY, resolved_study, write_text};
use crate::study::{Problem, misuse};
use crate::sweep::is_sweep;

/// What is there while the run is under way, and what remains of it.
///
/// | file | from | to |
/// |---|---|---|
/// | `study.toml` | the first moment: the folder appears with it | for good |
/// | `lock` | the first moment, held by the process that writes | the end |
/// | `checkpoints/` | the first checkpoint or finished arm | the end |
/// | everything else | the end, `summary.json` last: a folder that has it is complete | for good |
pub struct RunFolder {
    path: PathBuf,
    /// Held while this lives; the system lets go of it when the process ends, however it ends.
    _lock: File,
    /// Whether the folder goes when this does.
    is_discarded: bool,
}

/// What `gf resume` finds.
pub enum Found {
    /// A run to go on with.
    Unfinished(RunFolder),
    /// A run that has ended.
    Complete,
}

const LOCK: &str = "lock";
const CHECKPOINTS: &str = "checkpoints";
const STUDY: &str = "study.toml";

impl RunFolder {
    /// `out`, which must not exist yet or be empty; `runs/NAME` (with a number when taken) if not given. It appears with its study.
    ///
    /// # Errors
    /// When the folder is taken or cannot be made.
    pub fn create(out: Option<&Path>, problem: &Problem) -> Result<Self, Report> {
        let writer = FolderWriter::create(out, &problem.study.name)?;
        write_text(&writer.path().join(STUDY), &resolved_study(problem)?)?;
        let path = writer.finish()?;
        Ok(Self { _lock: lock(&path)?, path, is_discarded: true })
    }

    /// An existing folder, to go on with its run.
    ///
    /// # Errors
    /// When it is not the folder of a run, or another process writes to it.
    pub fn open(path: &Path) -> Result<Found, Report> {
        if !path.join(STUDY).is_file() {
            let message = "expected the folder of a run, found no study.toml in it";
            return Err(misuse(format!("{}: {message}", path.display())));
        }
        let serves_a_run = |name: &str| path.join(name).exists();
        if is_sweep(path) && !serves_a_run(SUMMARY) {
            let message = "a sweep, not a run: `gf sweep` goes on with it, `gf report` merges it";
            return Err(misuse(format!("{}: {message}", path.display())));
        }
        if serves_a_run(SUMMARY) && !serves_a_run(LOCK) && !serves_a_run(CHECKPOINTS) {
            return Ok(Found::Complete);
        }
        let folder = Self { path: path.to_path_buf(), _lock: lock(path)?, is_discarded: false };
        folder.remove_left_overs()?;
        // With the lock in hand: the run may have ended just now, or been killed between its end and its last removal.
        if serves_a_run(SUMMARY) {
            folder.remove_service();
            return Ok(Found::Complete);
        }
        Ok(Found::Unfinished(folder))
    }

    /// The folder of a sweep, to write its results.
    ///
    /// # Errors
    /// When another process writes them.
    pub(crate) fn of_sweep(path: &Path) -> Result<Self, Report> {
        let folder = Self { path: path.to_path_buf(), _lock: lock(path)?, is_discarded: false };
        folder.remove_left_overs()?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its study.
    pub fn study(&self) -> PathBuf {
        self.path.join(STUDY)
    }

    /// Where checkpoints are.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// The folder stays, to be continued.
    pub fn keep(&mut self) {
        self.is_discarded = false;
    }

    /// A place for the results, within the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn results(&self) -> Result<FolderWriter, Report> {
        FolderWriter::within(&self.path)
    }

    /// Moves the results into the folder, the summary last, and removes what served the run.
    ///
    /// # Errors
    /// When a file cannot be moved; the run can then be continued, from its end.
    pub fn finish(mut self, results: FolderWriter) -> Result<PathBuf, Report> {
        self.keep();
        let fail = |path: &Path, error: std::io::Error| misuse(format!("{}: cannot write: {error}", path.display()));
        let from = results.path();
        let entries = std::fs::read_dir(from).map_err(|error| fail(from, error))?;
        let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.sort_by_key(|name| name == SUMMARY);
        // The study is there since the beginning.
        for name in names.into_iter().filter(|name| name != STUDY) {
            let to = self.path.join(&name);
            if to.is_dir() {
                std::fs::remove_dir_all(&to).map_err(|error| fail(&to, error))?;
            }
            std::fs::rename(from.join(&name), &to).map_err(|error| fail(&to, error))?;
        }
        drop(results);
        self.remove_service();
        Ok(self.path.clone())
    }

    /// Removes what served the run. It is complete: what cannot be removed does no harm.
    fn remove_service(&self) {
        let _ = std::fs::remove_dir_all(self.checkpoints());
        let _ = std::fs::remove_file(self.path.join(LOCK));
    }

    /// Removes temporary files of a process that was killed while it wrote.
    fn remove_left_overs(&self) -> Result<(), Report> {
        for folder in [self.path.clone(), self.checkpoints()] {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                let path = entry.path();
                let removed = if name.starts_with(".gf-") && name.ends_with(".tmp") {
                    std::fs::remove_file(&path)
                } else if name.starts_with(super::TEMPORARY) {
                    std::fs::remove_dir_all(&path)
                } else {
                    Ok(())
                };
                removed.map_err(|error| misuse(format!("{}: cannot remove: {error}", path.display())))?;
            }
        }
        Ok(())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.is_discarded && !self.checkpoints().exists() {
            // A run that could not start leaves nothing.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Takes the folder for this process.
fn lock(folder: &Path) -> Result<File, Report> {
    let path = folder.join(LOCK);
    let fail = |error: std::io::Error| misuse(format!("{}: cannot lock: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = "another process is running this study here: wait for it, or end it first";
            Err(misuse(format!("{}: {message}", folder.display())))
        }
        // Where the file system knows no locks, nobody can be told apart.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(fail(error)),
    }
}
