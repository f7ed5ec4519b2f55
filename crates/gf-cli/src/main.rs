//! The `gf` binary. Exit codes: 0 done, 1 a run failed, 2 misuse.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = gf_cli::arguments::Arguments::parse();
    match gf_cli::commands::execute(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::from(2)
        }
    }
}
