//! Files that are there completely or not at all.
//!
//! A crash or an error in the middle of writing leaves what stood at the path before: the bytes go to a temporary file in the same
//! directory, reach the disk, and only then take the name.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file could not be written. The path still holds what it held before.
#[derive(Debug, Error)]
#[error("{}: cannot write: {action}: {source}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What was being done.
    pub action: &'static str,
    /// The operating system's reason, or that of the closure.
    pub source: io::Error,
}

/// Writes `path` with what `fill` writes: temporary file in the same directory → `sync_all` → rename → `fsync` of the directory.
///
/// The file gets the permissions that a plain `File::create` would give it. A symbolic link at `path` is replaced, not followed.
///
/// # Errors
/// [`WriteError`] when the directory is missing, the disk is full, or `fill` fails; then `path` is as it was and no temporary
/// file stays. (If only the last step fails, the `fsync` of the directory, the new file is in place but may not survive a power cut.)
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("note.txt");
/// gf_utils::write_atomically(&path, |out| out.write_all(b"complete"))?;
/// assert_eq!(std::fs::read(&path)?, b"complete");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_atomically(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), WriteError> {
    let failed = |action| move |source| WriteError { path: path.to_owned(), action, source };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary = temporary_in(directory).map_err(failed("creating a temporary file in its directory"))?;
    let mut buffered = BufWriter::new(temporary.as_file_mut());
    fill(&mut buffered).and_then(|()| buffered.flush()).map_err(failed("writing"))?;
    drop(buffered);
    temporary.as_file().sync_all().map_err(failed("sync"))?;
    temporary.persist(path).map_err(|error| failed("renaming the temporary file")(error.error))?;
    sync_directory(directory).map_err(failed("sync of its directory"))
}

fn temporary_in(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gf-").suffix(".tmp");
    // The default of 0600 would make results unreadable for others; the process's umask applies to this.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(()) // Directories cannot be opened as files there.
}
