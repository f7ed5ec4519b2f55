//! The commands, one a file.

mod check;
mod completions;
mod eval;
mod experiment;
mod export;
mod init;
mod lr_range;
mod methods;
mod point;
mod predict;
mod report;
mod resume;
mod run;
mod schedule;
mod schema;
mod spectrum;
mod stability;
mod sweep;
mod table;
mod verify;

use miette::Report;

use crate::arguments::{Arguments, Command};
use crate::ranks::Ranks;
use crate::study::misuse;

/// Executes a command; returns the exit code.
///
/// # Errors
/// Misuse, to be printed; exit code 2.
pub fn execute(arguments: Arguments) -> Result<u8, Report> {
    execute_on(arguments, &Ranks::default())
}

/// As [`execute`], as one of several ranks that execute the same command together: those that run a study.
///
/// # Errors
/// As [`execute`]; [`Ranks::have_failed_together`] says whether all ranks have the same error.
pub fn execute_on(arguments: Arguments, ranks: &Ranks) -> Result<u8, Report> {
    if !matches!(arguments.command, Command::Run(_) | Command::Resume(_)) {
        ranks.agree(ranks.refuse("this command").map_err(misuse))?;
    }
    match arguments.command {
        Command::Run(arguments) => run::execute(&arguments, ranks),
        Command::Experiment(arguments) => experiment::execute(&arguments),
        Command::Eval(arguments) => eval::execute(&arguments),
        Command::Spectrum(arguments) => spectrum::execute(&arguments),
        Command::Check(arguments) => check::execute(&arguments),
        Command::Predict(arguments) => predict::execute(&arguments),
        Command::Export(arguments) => export::execute(&arguments),
        Command::Resume(arguments) => resume::execute(&arguments, ranks),
        Command::Sweep(arguments) => sweep::execute(&arguments),
        Command::SweepWorker(arguments) => sweep::work(&arguments),
        Command::Report(arguments) => report::execute(&arguments),
        Command::Methods { json } => methods::execute(json),
        Command::Stability(arguments) => stability::execute(&arguments),
        Command::Schedule(arguments) => schedule::execute(&arguments),
        Command::LrRange(arguments) => lr_range::execute(&arguments),
        Command::Verify(arguments) => verify::execute(&arguments),
        Command::Schema(arguments) => schema::execute(&arguments),
        Command::Completions { shell } => completions::execute(shell),
        Command::Init { file } => init::execute(&file),
    }
}

/// Writes to standard output; a closed pipe is no error.
fn print(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}
