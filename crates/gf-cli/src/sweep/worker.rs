//! A process that runs arms for another one, which names them on its standard input.
//!
//! A line each, JSON: first an [`Assignment`], then [`Order`]s; every order is answered by a [`PieceEnd`] on standard output before the next one comes.
//! Where the input ends while an arm is under way, whoever gave the orders is gone or wants the end: the arm saves and ends.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::mpsc;

use miette::Report;
use serde::{Deserialize, Serialize};

use super::arms_of;
use super::specification::Specifications;
use crate::interrupt;
use crate::progress::Progress;
use crate::runner::{PieceEnd, run_pieces};
use crate::study::{Document, Problem, misuse};

/// What all orders are about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Assignment {
    /// The resolved study.
    pub(super) study: String,
}

/// An arm on a seed to be run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) arm: usize,
    pub(super) seed: u64,
    /// The name of the file of what it comes to: another one would tell of other data, or another build.
    pub(super) file: String,
}

/// Runs what standard input orders, into the sweep in `folder`; until there is nothing left to do, or the end is asked for.
///
/// # Errors
/// When orders are not those of a sweep, or a file cannot be written.
pub(crate) fn work(folder: &Path, threads: usize) -> Result<(), Report> {
    interrupt::install();
    let (sender, orders) = mpsc::channel();
    // It ends with the process, as it may be waiting for a line.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
        interrupt::request();
    });
    let expected = "expected the orders of `gf sweep --jobs` on standard input, found";
    let Ok(first) = orders.recv() else { return Err(misuse(format!("{expected} none"))) };
    let Assignment { study } = read(&first, expected)?;
    let problem = Problem::load(Document::builtin("the study of the sweep", study))?;
    let specifications = Specifications::new(&problem)?;
    for line in orders {
        let Order { arm, seed, file } = read(&line, expected)?;
        if arm >= problem.study.arms.len() || !problem.study.run.seeds.contains(&seed) {
            return Err(misuse(format!("{expected} arm {arm} on seed {seed}, which the study does not have")));
        }
        let piece = specifications.piece(&problem, (arm, seed), arms_of(folder));
        if piece.file_name() != file {
            return Err(misuse(format!(
                "{}: the data, or gf itself, have changed since the sweep began",
                piece.title(&problem)
            )));
        }
        let ends = run_pieces(&problem, &[&piece], threads, Progress::new(true))?;
        for end in ends {
            let answer = serde_json::to_string(&end).map_err(misuse)?;
            let written = writeln!(std::io::stdout(), "{answer}").and_then(|()| std::io::stdout().flush());
            if written.is_err() || end == PieceEnd::Interrupted {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn read<'a, T: Deserialize<'a>>(line: &'a str, expected: &str) -> Result<T, Report> {
    serde_json::from_str(line).map_err(|error| misuse(format!("{expected} another line: {error}")))
}
