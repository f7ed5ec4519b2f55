//! `gf completions`: what shells need to complete commands and flags.

use clap::CommandFactory;
use clap_complete::Shell;
use miette::Report;

use super::print;
use crate::arguments::Arguments;

pub(super) fn execute(shell: Shell) -> Result<u8, Report> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "gf", &mut script);
    print(String::from_utf8_lossy(&script).trim_end());
    Ok(0)
}
