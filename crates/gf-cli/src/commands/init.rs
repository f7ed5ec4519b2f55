//! `gf init`: a commented study to copy.

use std::path::Path;

use miette::Report;

use super::print;
use crate::folder::write_text;
use crate::study::misuse;

/// The example; a test runs it.
const EXAMPLE: &str = include_str!("init.toml");

pub(super) fn execute(file: &Path) -> Result<u8, Report> {
    if file.exists() {
        return Err(misuse(format!(
            "{}: expected a file that does not exist, found one; nothing was written",
            file.display()
        )));
    }
    write_text(file, EXAMPLE)?;
    print(&format!("wrote {}; run it with: gf run {}", file.display(), file.display()));
    Ok(0)
}
