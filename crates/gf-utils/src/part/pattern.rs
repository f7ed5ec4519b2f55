//! A file for each process.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Where the part's index stands in a pattern.
const PLACE: &str = "{rank}";

/// A path with `{rank}` in it: `train-{rank}.npy` is `train-0.npy` for part 0. The files may differ in size.
///
/// ```
/// use gf_utils::part::FilePattern;
/// let pattern = FilePattern::new("data/train-{rank}.npy")?;
/// assert_eq!(pattern.path(12), std::path::Path::new("data/train-12.npy"));
/// # Ok::<(), gf_utils::part::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePattern(String);

/// Why a pattern names no file.
#[derive(Debug, Error)]
pub enum PatternError {
    /// All parts would read one file.
    #[error("file pattern {found:?}: expected {PLACE} in it, such as train-{PLACE}.npy")]
    NoPlace {
        /// The pattern.
        found: String,
    },
    /// The part's file cannot be opened.
    #[error("{}: cannot read the file of rank {rank}: {source}", path.display())]
    Io {
        /// The part's index.
        rank: usize,
        /// Its file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl FilePattern {
    /// Whether a path is a pattern.
    pub fn is_pattern(path: &str) -> bool {
        path.contains(PLACE)
    }

    /// A path with `{rank}` at least once.
    ///
    /// # Errors
    /// [`PatternError::NoPlace`].
    pub fn new(pattern: impl Into<String>) -> Result<Self, PatternError> {
        let pattern = pattern.into();
        if Self::is_pattern(&pattern) { Ok(Self(pattern)) } else { Err(PatternError::NoPlace { found: pattern }) }
    }

    /// The file of a part.
    pub fn path(&self, rank: usize) -> PathBuf {
        self.0.replace(PLACE, &rank.to_string()).into()
    }

    /// The file of a part in `folder` (an absolute pattern ignores the folder), once it is known to open.
    ///
    /// # Errors
    /// [`PatternError::Io`], which names rank and file.
    pub fn open(&self, folder: &Path, rank: usize) -> Result<PathBuf, PatternError> {
        let path = folder.join(self.path(rank));
        match File::open(&path) {
            Ok(_) => Ok(path),
            Err(source) => Err(PatternError::Io { rank, path, source }),
        }
    }
}
