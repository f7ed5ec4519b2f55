//! Arms in several processes of this machine: each takes the next one when it has ended the one before.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread::Scope;
use std::time::Duration;

use indicatif::ProgressBar;
use miette::Report;

use super::Tally;
use super::worker::{Assignment, Order};
use crate::folder::resolved_study;
use crate::interrupt;
use crate::progress::Progress;
use crate::runner::{Piece, PieceEnd, check_room};
use crate::study::{Problem, misuse};

/// How often it is looked whether the end was asked for.
const LOOK: Duration = Duration::from_millis(50);
/// The exit code of a process for which something is wrong that is wrong for all: no room for files, other data than before.
const MISUSE: i32 = 2;

/// Runs pieces in `jobs` processes with `threads` threads each. One that dies is told of with its arm; another takes its place.
///
/// # Errors
/// When processes cannot be started, `jobs` arms at once need more memory than there is, or no file can be written.
pub(crate) fn run_by_processes(
    problem: &Problem,
    (pieces, folder): (&[&Piece], &Path),
    (jobs, threads): (usize, usize),
    progress: Progress,
) -> Result<Tally, Report> {
    check_room(problem, pieces, jobs)?;
    let jobs = jobs.min(pieces.len());
    let study = serde_json::to_string(&Assignment { study: resolved_study(problem)? }).map_err(misuse)?;
    let team = Team {
        problem,
        folder,
        study,
        threads,
        queue: Mutex::new(pieces.iter().copied().collect()),
        tally: Mutex::default(),
        inputs: (0..jobs).map(|_| Mutex::new(None)).collect(),
        bar: progress.bar(pieces.len() as u64, "arms on seeds"),
    };
    let has_ended = AtomicBool::new(false);
    let results: Vec<Result<(), Report>> = std::thread::scope(|scope| {
        let team = &team;
        let workers: Vec<_> = (0..jobs).map(|place| scope.spawn(move || team.employ(scope, place))).collect();
        scope.spawn(|| {
            while !has_ended.load(Ordering::Relaxed) {
                if interrupt::is_requested() {
                    team.dismiss();
                }
                std::thread::sleep(LOOK);
            }
        });
        let results = workers.into_iter().map(|worker| worker.join().expect("no thread of a team panics")).collect();
        has_ended.store(true, Ordering::Relaxed);
        results
    });
    team.bar.finish_and_clear();
    results.into_iter().collect::<Result<(), Report>>()?;
    let mut tally = team.tally.into_inner().expect(NO_PANIC);
    tally.is_interrupted |= interrupt::is_requested() && tally.ran + tally.failures.len() < pieces.len();
    Ok(tally)
}

const NO_PANIC: &str = "no thread panics while it holds a lock";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect(NO_PANIC)
}

/// The processes, and what they share.
struct Team<'a> {
    problem: &'a Problem,
    folder: &'a Path,
    /// The assignment, a line.
    study: String,
    threads: usize,
    queue: Mutex<VecDeque<&'a Piece>>,
    tally: Mutex<Tally>,
    /// Where orders to each process go. Without it, a process saves and ends.
    inputs: Vec<Mutex<Option<ChildStdin>>>,
    bar: ProgressBar,
}

/// A process at work.
struct Worker {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Team<'_> {
    /// Runs pieces of the queue by one process after another, until there are none.
    fn employ<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, place: usize) -> Result<(), Report> {
        let mut worker = None;
        let result = self.work_off(scope, place, &mut worker);
        if result.is_err() {
            lock(&self.queue).clear();
        }
        *lock(&self.inputs[place]) = None;
        if let Some(Worker { mut child, .. }) = worker {
            // It has nothing left to do but to end.
            let _ = child.wait();
        }
        result
    }

    fn work_off<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        place: usize,
        worker: &mut Option<Worker>,
    ) -> Result<(), Report> {
        while !interrupt::is_requested() {
            let Some(piece) = lock(&self.queue).pop_front() else { break };
            if worker.is_none() {
                *worker = Some(self.start(scope, place)?);
            }
            let Some(at_work) = worker else { break };
            let title = piece.title(self.problem);
            match self.order(place, at_work, piece) {
                Some(PieceEnd::Stored) => lock(&self.tally).ran += 1,
                Some(PieceEnd::Refused(reason)) => lock(&self.tally).failures.push(format!("{title}: {reason}")),
                Some(PieceEnd::Interrupted) => lock(&self.tally).is_interrupted = true,
                None => {
                    *lock(&self.inputs[place]) = None;
                    let status = worker.take().map(|mut gone| gone.child.wait());
                    if interrupt::is_requested() {
                        break;
                    }
                    let status = match status {
                        Some(Ok(status)) if status.code() == Some(MISUSE) => {
                            return Err(misuse(format!("{title}: its process ended with the error above")));
                        }
                        Some(Ok(status)) => status.to_string(),
                        _ => "for no known reason".into(),
                    };
                    lock(&self.tally).failures.push(format!("{title}: its process died: {status}"));
                }
            }
            self.bar.inc(1);
        }
        Ok(())
    }

    /// Has a piece run; nothing where the process is gone.
    fn order(&self, place: usize, worker: &mut Worker, piece: &Piece) -> Option<PieceEnd> {
        let order = Order { arm: piece.arm, seed: piece.seed, file: piece.file_name() };
        let line = serde_json::to_string(&order).ok()?;
        writeln!(lock(&self.inputs[place]).as_mut()?, "{line}").ok()?;
        let mut answer = String::new();
        worker.answers.read_line(&mut answer).ok()?;
        serde_json::from_str(&answer).ok()
    }

    fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, place: usize) -> Result<Worker, Report> {
        let fail = |error: std::io::Error| misuse(format!("cannot start a process for an arm: {error}"));
        let mut child = Command::new(std::env::current_exe().map_err(fail)?)
            .arg("sweep-worker")
            .arg(self.folder)
            .args(["--threads", &self.threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        let piped = "it was asked for";
        let mut input = child.stdin.take().expect(piped);
        let (answers, errors) = (child.stdout.take().expect(piped), child.stderr.take().expect(piped));
        // What it has to say goes above the bar.
        scope.spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                self.bar.suspend(|| eprintln!("{line}"));
            }
        });
        // A process that died at once is found when its first answer does not come.
        let _ = writeln!(input, "{}", self.study);
        *lock(&self.inputs[place]) = Some(input);
        Ok(Worker { child, answers: BufReader::new(answers) })
    }

    /// Ends all input: processes save and end.
    fn dismiss(&self) {
        for input in &self.inputs {
            *lock(input) = None;
        }
    }
}
