//! Names that become part of file names.

/// Whether a name can be part of file names everywhere.
pub(super) fn is_file_name(name: &str) -> bool {
    let usable = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=LONGEST_NAME).contains(&name.len()) && !name.starts_with('.') && name.chars().all(usable)
}

/// What is said where it cannot.
pub(super) const NAME_EXPECTED: &str = "expected 1 to 128 letters, digits, '-', '_' and '.', the first not a '.'";

/// File systems take 255 bytes; the longest file of an arm adds 60 to its name: a seed, a step, an ending and what a temporary file has.
const LONGEST_NAME: usize = 128;
