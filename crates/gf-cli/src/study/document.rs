//! Reading studies, with errors that point at the line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, NamedSource, Report, SourceSpan};
use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::de::{DeTable, DeValue};

/// Misuse: something in the input is wrong. Exit code 2.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
pub struct InputError {
    message: String,
    #[source_code]
    source_code: Option<NamedSource<String>>,
    #[label("{label}")]
    span: Option<SourceSpan>,
    label: String,
    #[help]
    help: Option<String>,
}

/// An error without a place in a file.
pub fn misuse(message: impl std::fmt::Display) -> Report {
    InputError { message: message.to_string(), source_code: None, span: None, label: String::new(), help: None }.into()
}

/// A TOML text with the file that it came from.
#[derive(Debug, Clone)]
pub struct Document {
    /// Shown in errors.
    pub name: String,
    /// The text.
    pub text: String,
    /// Relative paths in it are relative to this folder.
    pub folder: PathBuf,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read; names it.
    pub fn read(path: &Path) -> Result<Self, Report> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| misuse(format!("{}: cannot read: {error}", path.display())))?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { name: path.display().to_string(), text, folder })
    }

    /// A text that is no file.
    pub fn builtin(name: &str, text: String) -> Self {
        Self { name: name.into(), text, folder: PathBuf::new() }
    }

    /// Replaces `key.path` by `value` (TOML; a bare word is text) for each `key.path=value`. Elements of arrays are numbered from 0.
    ///
    /// # Errors
    /// When an assignment has no `=`, or a key leads nowhere.
    pub fn set(&mut self, assignments: &[String]) -> Result<(), Report> {
        if assignments.is_empty() {
            return Ok(());
        }
        let mut root: toml::Value = toml::Value::Table(self.parse()?);
        for assignment in assignments {
            let (path, value) = assignment
                .split_once('=')
                .ok_or_else(|| misuse(format!("--set {assignment}: expected key.path=value, found no '='")))?;
            if path.trim().split('.').any(str::is_empty) {
                return Err(misuse(format!("--set {assignment}: expected key.path=value, found an empty key")));
            }
            let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
                .ok()
                .and_then(|mut table| table.remove("value"))
                .unwrap_or_else(|| toml::Value::String(value.to_string()));
            let mut at = &mut root;
            for key in path.trim().split('.') {
                at = match at {
                    toml::Value::Table(table) => {
                        table.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()))
                    }
                    toml::Value::Array(array) => {
                        let length = array.len();
                        key.parse().ok().and_then(|index: usize| array.get_mut(index)).ok_or_else(|| {
                            misuse(format!("--set {assignment}: expected an index below {length}, found '{key}'"))
                        })?
                    }
                    _ => return Err(misuse(format!("--set {assignment}: '{key}' lies inside a plain value"))),
                };
            }
            *at = value;
        }
        self.text = toml::to_string(&root).map_err(|error| misuse(format!("--set: {error}")))?;
        self.name = format!("{} with --set", self.name);
        Ok(())
    }

    /// Deserializes the text.
    ///
    /// # Errors
    /// Points at the line; suggests a name where one was misspelled.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Report> {
        toml::from_str(&self.text).map_err(|error| {
            let help = suggestion(error.message());
            self.error(error.span(), &in_toml_terms(error.message()), help)
        })
    }

    /// An error at the value of a key, given as the path to it. Falls back to the nearest enclosing key that is in the text.
    pub fn error_at(&self, path: &[&str], message: impl std::fmt::Display) -> Report {
        let message = format!("{}: {message}", path.join("."));
        self.error(locate(&self.text, path), &message, None)
    }

    fn error(&self, span: Option<Range<usize>>, message: &str, help: Option<String>) -> Report {
        InputError {
            message: format!("{}: {message}", self.name),
            source_code: Some(NamedSource::new(&self.name, self.text.clone()).with_language("TOML")),
            span: span.map(SourceSpan::from),
            label: "here".into(),
            help,
        }
        .into()
    }

    /// A path in the text, relative to its folder.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

/// Where the value at `path` stands in the text.
fn locate(text: &str, path: &[&str]) -> Option<Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let mut table = Some(root.get_ref());
    let mut array: Option<&toml::de::DeArray<'_>> = None;
    let mut span = None;
    for key in path {
        let value = match (table, array) {
            (Some(table), _) => table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value),
            (None, Some(array)) => key.parse().ok().and_then(|index: usize| array.get(index)),
            (None, None) => None,
        };
        let Some(value) = value else { break };
        span = Some(value.span());
        (table, array) = match value.get_ref() {
            DeValue::Table(table) => (Some(table), None),
            DeValue::Array(array) => (None, Some(array)),
            _ => (None, None),
        };
    }
    span
}

/// "did you mean" for serde's "unknown field `a`, expected one of `b`, `c`".
fn suggestion(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown") {
        return None;
    }
    let found = quoted.next()?;
    let candidates: Vec<&str> = quoted.collect();
    let nearest = gf_utils::suggest(found, candidates.iter().copied())?;
    Some(format!("did you mean `{nearest}`?"))
}

/// serde's "invalid type: X, expected Y", which names types of Rust, as "expected Y, found X" with what a study has in their place.
fn in_toml_terms(message: &str) -> String {
    let fault = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if message == "wanted string or table" {
        return "expected a name or a table of settings".into();
    }
    // What was found may be any text, what is expected is gf's own.
    let Some((found, expected)) = fault.and_then(|fault| fault.rsplit_once(", expected ")) else {
        return message.to_string();
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a sequence" => "a list",
        "a string" | "path string" => "text in quotes",
        "a map" => "a table",
        expected if expected.starts_with("struct ") => "a table",
        expected => expected,
    };
    format!("expected {expected}, found {found}")
}
