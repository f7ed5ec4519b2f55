//! The ranks of an MPI program as a [`Communicator`].
//!
//! ```no_run
//! use gf_core::Communicator;
//! use gf_mpi::{MpiCommunicator, start};
//! let universe = start().expect("MPI has not been started before");
//! let ranks = MpiCommunicator::world(&universe);
//! let mut numbers = [ranks.rank() as f64];
//! ranks.sum(&mut numbers);
//! ```
//!
//! Building needs an MPI (`cargo xtask mpi` says what is missing); nothing else of gf does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gf_core::Communicator;
use mpi::Threading;
use mpi::environment::Universe;
use mpi::topology::{Communicator as _, SimpleCommunicator};
use mpi::traits::{CommunicatorCollectives, Root};

/// Starts MPI for calls from any thread, one at a time; none when it was started before. MPI ends when the value is dropped.
pub fn start() -> Option<Universe> {
    mpi::initialize_with_threading(Threading::Serialized).map(|(universe, _)| universe)
}

/// The ranks of `MPI_COMM_WORLD`.
///
/// **Sums** are our own additions in the order of ranks, so that they have the same bits on all ranks and at every repetition, which `MPI_Allreduce` does
/// not promise: it may choose its order by message size and topology. Short vectors are gathered by all and added by each. Of long ones each
/// rank receives one slice of all others (all-to-all), adds it, and all gather the slices: 2(s − 1)/s of the vector sent and received by each of s ranks, as in the best all-reduce.
///
/// **Memory**: scratch of s short vectors or three long ones, kept.
///
/// **A lost rank** ends all processes: MPI's default for errors.
pub struct MpiCommunicator {
    rank: usize,
    size: usize,
    scratch: Mutex<Scratch>,
}

#[derive(Default)]
struct Scratch {
    sent: Vec<f64>,
    received: Vec<f64>,
    slice: Vec<f64>,
}

/// Numbers that are gathered whole: above, sending every vector to every rank costs more than a second message.
const SHORT: usize = 1024;

impl MpiCommunicator {
    /// This process among all that `mpirun` started.
    pub fn world(_running: &Universe) -> Self {
        let world = SimpleCommunicator::world();
        Self { rank: world.rank() as usize, size: world.size() as usize, scratch: Mutex::default() }
    }

    /// Ends all processes with this exit code.
    pub fn abort(&self, code: i32) -> ! {
        SimpleCommunicator::world().abort(code)
    }

    /// Held during each call: MPI is called from one thread at a time.
    fn scratch(&self) -> MutexGuard<'_, Scratch> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Communicator for MpiCommunicator {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn sum(&self, numbers: &mut [f64]) {
        if self.size == 1 || numbers.is_empty() {
            return;
        }
        let mut scratch = self.scratch();
        let Scratch { sent, received, slice } = &mut *scratch;
        let world = SimpleCommunicator::world();
        let len = numbers.len();
        if len <= SHORT {
            received.resize(len * self.size, 0.0);
            world.all_gather_into(&*numbers, &mut received[..]);
            add_in_order(received, numbers);
            return;
        }
        let part = len.div_ceil(self.size);
        sent.resize(part * self.size, 0.0);
        sent[..len].copy_from_slice(numbers);
        sent[len..].fill(0.0);
        received.resize(part * self.size, 0.0);
        world.all_to_all_into(&sent[..], &mut received[..]);
        slice.resize(part, 0.0);
        add_in_order(received, slice);
        world.all_gather_into(&slice[..], &mut sent[..]);
        numbers.copy_from_slice(&sent[..len]);
    }

    fn broadcast(&self, numbers: &mut [f64]) {
        if self.size > 1 && !numbers.is_empty() {
            let _one_at_a_time = self.scratch();
            SimpleCommunicator::world().process_at_rank(0).broadcast_into(numbers);
        }
    }

    fn barrier(&self) {
        let _one_at_a_time = self.scratch();
        SimpleCommunicator::world().barrier();
    }
}

/// Overwrites `sum` with the sum of the vectors of its length in `parts`, from the first to the last.
fn add_in_order(parts: &[f64], sum: &mut [f64]) {
    let mut parts = parts.chunks_exact(sum.len());
    if let Some(first) = parts.next() {
        sum.copy_from_slice(first);
    }
    for part in parts {
        gf_core::vector::add_scaled(sum, 1.0, part);
    }
}
