//! `gf schema`: what editors need to complete and check studies.

use miette::Report;

use super::print;
use crate::arguments::SchemaArguments;
use crate::folder::write_text;
use crate::study::{misuse, schema};

pub(super) fn execute(arguments: &SchemaArguments) -> Result<u8, Report> {
    let text = serde_json::to_string_pretty(&schema()).map_err(misuse)?;
    match &arguments.out {
        Some(path) => write_text(path, &(text + "\n"))?,
        None => print(&text),
    }
    Ok(0)
}
