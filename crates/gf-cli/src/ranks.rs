//! The ranks that run a study together: one process of `gf`, or the processes of `mpirun … gf-mpi`.
//!
//! All ranks run the same code on their own samples. What must be equal on all is summed or comes from rank 0: losses and derivatives
//! ([`gf_core::Distributed`]), what files hold, when to save and to stop. Rank 0 alone writes and prints.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gf_core::{Alone, Communicator, Samples, Targets};
use gf_layers::Part;
use gf_utils::part;
use miette::Report;

use crate::interrupt;
use crate::study::{Document, misuse};

/// This process among all that run the study.
#[derive(Clone)]
pub struct Ranks {
    communicator: Arc<dyn Communicator>,
    have_failed: Arc<AtomicBool>,
}

impl Default for Ranks {
    fn default() -> Self {
        Self::new(Arc::new(Alone))
    }
}

impl Ranks {
    /// This process as a rank of `communicator`.
    pub fn new(communicator: Arc<dyn Communicator>) -> Self {
        Self { communicator, have_failed: Arc::default() }
    }

    /// Whether all ranks know of a failure, and end by themselves with the same error.
    pub fn have_failed_together(&self) -> bool {
        self.have_failed.load(Ordering::Relaxed)
    }

    /// Whether this one writes and prints.
    pub(crate) fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// Which part of all records belongs here.
    pub(crate) fn part(&self) -> part::Part {
        part::Part::new(self.rank(), self.size()).expect("a rank is below their number")
    }

    /// What `result` is on all ranks: where one has failed, its error is that of all.
    pub(crate) fn agree<T>(&self, result: Result<T, Report>) -> Result<T, Report> {
        if self.is_alone() {
            return result;
        }
        let words = result.as_ref().err().map(ToString::to_string);
        let Some((rank, words)) = self.first_failure(words.as_deref()) else { return result };
        self.have_failed.store(true, Ordering::Relaxed);
        match rank {
            // The whole report, with its place in the study, where it is known.
            0 if self.is_first() => result,
            0 => Err(misuse(words)),
            rank => Err(misuse(format!("rank {rank} of {}: {words}", self.size()))),
        }
    }

    /// What rank 0 does alone, such as writing; its failure is that of all.
    pub(crate) fn on_rank_0<T>(&self, work: impl FnOnce() -> Result<T, Report>) -> Result<Option<T>, Report> {
        self.agree(if self.is_first() { work().map(Some) } else { Ok(None) })
    }

    /// A text that rank 0 reads, on all ranks.
    pub(crate) fn document(&self, read: impl FnOnce() -> Result<Document, Report>) -> Result<Document, Report> {
        let read = self.on_rank_0(read)?;
        let bytes = |part: &dyn Fn(&Document) -> Vec<u8>| {
            let bytes = self.bytes_of_rank_0(read.as_ref().map(part).unwrap_or_default());
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let name = bytes(&|document| document.name.clone().into_bytes());
        let text = bytes(&|document| document.text.clone().into_bytes());
        let folder = bytes(&|document| document.folder.to_string_lossy().into_owned().into_bytes());
        // Rank 0 keeps its own: a folder need not be text.
        Ok(read.unwrap_or_else(|| Document { name, text, folder: folder.into() }))
    }

    /// The notes of all ranks, in their order.
    pub(crate) fn gather(&self, note: &[f64]) -> Vec<Vec<f64>> {
        if self.is_alone() {
            return vec![note.to_vec()];
        }
        let sum = |numbers: &mut [f64]| {
            self.sum(numbers);
            Ok::<(), std::convert::Infallible>(())
        };
        match part::gather(self.part(), note, sum) {
            Ok(notes) => notes,
        }
    }

    /// Rows of `width` numbers of the whole set, on all ranks, from those of this rank; `part` says which they are, none that they are all.
    pub(crate) fn all_rows(&self, part: Option<&Part>, width: usize, own: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; part.map_or(own.len(), |part| part.total() * width)];
        self.spread(part, width, own, &mut all);
        all
    }

    /// As [`Ranks::all_rows`], into `all`.
    pub(crate) fn spread(&self, part: Option<&Part>, width: usize, own: &[f64], all: &mut [f64]) {
        let Some(part) = part else { return all.copy_from_slice(own) };
        all.fill(0.0);
        for (row, numbers) in part.rows().iter().zip(own.chunks_exact(width)) {
            all[row * width..][..width].copy_from_slice(numbers);
        }
        self.sum(all);
    }

    /// The targets of the whole set, on all ranks.
    pub(crate) fn all_targets(&self, part: Option<&Part>, own: &Targets) -> Targets {
        match own {
            Targets::Values { width, values } => {
                Targets::Values { width: *width, values: self.all_rows(part, *width, values) }
            }
            Targets::Classes { classes, labels } => {
                let own: Vec<f64> = labels.iter().map(|label| f64::from(*label)).collect();
                let labels = self.all_rows(part, 1, &own).into_iter().map(|label| label as u32).collect();
                Targets::Classes { classes: *classes, labels }
            }
        }
    }

    /// The samples of the whole set with their first `inputs` inputs, on all ranks.
    pub(crate) fn all_samples(&self, part: Option<&Part>, own: &Samples, inputs: usize) -> Result<Samples, Report> {
        let inputs = inputs.min(own.width());
        let first: Vec<f64> = own.inputs().chunks_exact(own.width()).flat_map(|row| &row[..inputs]).copied().collect();
        Samples::new(inputs, self.all_rows(part, inputs, &first), self.all_targets(part, own.targets())).map_err(misuse)
    }

    /// How many tasks run at once on `threads` threads: several ranks have to come to them in the same order, and share the threads within one.
    pub(crate) fn tasks_at_once(&self, threads: usize) -> usize {
        if self.is_alone() { threads } else { 1 }
    }

    /// Whether the end of the run was asked for.
    pub(crate) fn are_interrupted(&self) -> bool {
        self.decision_of_rank_0(interrupt::is_requested())
    }

    /// Refuses what only one process can do.
    pub(crate) fn refuse(&self, what: &str) -> Result<(), String> {
        match self.is_alone() {
            true => Ok(()),
            false => {
                Err(format!("expected one process for {what}, found {} ranks: leave it out, or run `gf`", self.size()))
            }
        }
    }
}

impl Communicator for Ranks {
    fn rank(&self) -> usize {
        self.communicator.rank()
    }

    fn size(&self) -> usize {
        self.communicator.size()
    }

    fn sum(&self, numbers: &mut [f64]) {
        self.communicator.sum(numbers);
    }

    fn broadcast(&self, numbers: &mut [f64]) {
        self.communicator.broadcast(numbers);
    }

    fn barrier(&self) {
        self.communicator.barrier();
    }
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank(), self.size())
    }
}
