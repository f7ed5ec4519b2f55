//! Sweeps: the arms of a study, run by any number of processes on any number of machines into one folder, and merged into an ordinary run folder.
//!
//! An arm on a seed that has ended is a file `arms/HASH-SEED.gfended`, named by the hash of its specification. Every process writes the files of the arms that it runs,
//! atomically, and reads those of others; nobody waits for anybody, and no lock is shared between machines. Two processes that run one arm write the
//! same file twice.

mod folder;
mod merge;
mod shard;
mod slurm;
mod specification;
mod worker;
mod workers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use miette::Report;

pub(crate) use folder::{SweepFolder, is_sweep};
pub(crate) use merge::{load_runs, read_study};
pub use shard::Shard;
pub(crate) use slurm::{JobScript, job_script};
use specification::Specifications;
pub(crate) use worker::work;
pub(crate) use workers::run_by_processes;

use crate::interrupt;
use crate::progress::Progress;
use crate::runner::{Piece, PieceEnd, run_pieces};
use crate::study::Problem;

/// What a process did of its share.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Arms on seeds that it ran to their ends.
    pub(crate) ran: usize,
    /// Those that it could not, with the reason.
    pub(crate) failures: Vec<String>,
    pub(crate) is_interrupted: bool,
}

/// All arms of a study on all seeds, in its order, stored in the folder of a sweep.
///
/// # Errors
/// When the samples of a seed cannot be had.
pub(crate) fn pieces(problem: &Problem, folder: &Path) -> Result<Vec<Piece>, Report> {
    let specifications = Specifications::new(problem)?;
    let mut pieces = Vec::new();
    for arm in 0..problem.study.arms.len() {
        for seed in &problem.study.run.seeds {
            pieces.push(specifications.piece(problem, (arm, *seed), arms_of(folder)));
        }
    }
    Ok(pieces)
}

/// Those of a shard whose results are not there yet, each computation once: arms may differ in nothing but their names. Dense methods
/// take longest: they come first, so that nobody idles at the end.
pub(crate) fn unfinished<'a>(problem: &Problem, pieces: &'a [Piece], shard: Shard) -> Vec<&'a Piece> {
    let mut seen = BTreeSet::new();
    let warn = |message: String| eprintln!("warning: {message}; running it again");
    let mut left: Vec<&Piece> = pieces
        .iter()
        .filter(|piece| shard.has(piece.arm) && seen.insert(piece.file()))
        .filter(|piece| piece.result(problem, warn).is_none())
        .collect();
    let dim = problem.dim();
    left.sort_by_key(|piece| std::cmp::Reverse(problem.study.arms[piece.arm].method.dense_bytes(dim) > 0));
    left
}

/// Runs pieces in this process, `threads` at a time.
///
/// # Errors
/// When they need more memory than there is, or a file cannot be written.
pub(crate) fn run_here(
    problem: &Problem,
    pieces: &[&Piece],
    threads: usize,
    progress: Progress,
) -> Result<Tally, Report> {
    let mut tally = Tally::default();
    for (piece, end) in pieces.iter().zip(run_pieces(problem, pieces, threads, progress)?) {
        match end {
            PieceEnd::Stored => tally.ran += 1,
            PieceEnd::Interrupted => tally.is_interrupted = interrupt::is_requested(),
            PieceEnd::Refused(reason) => tally.failures.push(format!("{}: {reason}", piece.title(problem))),
        }
    }
    Ok(tally)
}

/// Where the files of arms are.
fn arms_of(folder: &Path) -> PathBuf {
    folder.join("arms")
}
