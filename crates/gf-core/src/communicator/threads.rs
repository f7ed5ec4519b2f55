//! Ranks that are threads of one process.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use super::Communicator;

/// One rank of a group of threads: for tests, and for machines without MPI.
///
/// ```
/// use gf_core::{Communicator, ThreadCommunicator};
/// let sums = ThreadCommunicator::run(3, |rank| {
///     let mut numbers = [rank.rank() as f64];
///     rank.sum(&mut numbers);
///     numbers[0]
/// });
/// assert_eq!(sums, [3.0, 3.0, 3.0]);
/// ```
#[derive(Debug)]
pub struct ThreadCommunicator {
    rank: usize,
    group: Arc<Group>,
}

#[derive(Debug)]
struct Group {
    /// What each rank sends.
    slots: Vec<RwLock<Vec<f64>>>,
    gate: Mutex<Gate>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct Gate {
    waiting: usize,
    /// How often all have met.
    meetings: u64,
    /// A rank that will not come any more.
    left: Option<usize>,
}

impl ThreadCommunicator {
    /// Runs `work` on `size` threads, each with its rank; what they return, in the order of ranks.
    ///
    /// # Panics
    /// When `size` is 0 or a rank panics.
    pub fn run<R: Send>(size: usize, work: impl Fn(Self) -> R + Sync) -> Vec<R> {
        std::thread::scope(|scope| {
            let spawn = |rank| {
                let work = &work;
                scope.spawn(move || work(rank))
            };
            let threads: Vec<_> = Self::group(size).into_iter().map(spawn).collect();
            threads.into_iter().map(|thread| thread.join().expect("no rank panics")).collect()
        })
    }

    /// The ranks of a group.
    ///
    /// # Panics
    /// When `size` is 0.
    pub fn group(size: usize) -> Vec<Self> {
        assert!(size > 0, "a group has at least one rank");
        let slots = (0..size).map(|_| RwLock::default()).collect();
        let group = Arc::new(Group { slots, gate: Mutex::default(), opened: Condvar::new() });
        (0..size).map(|rank| Self { rank, group: Arc::clone(&group) }).collect()
    }

    fn send(&self, numbers: &[f64]) {
        let mut slot = self.group.slots[self.rank].write().unwrap_or_else(PoisonError::into_inner);
        slot.clear();
        slot.extend_from_slice(numbers);
    }

    /// Calls `take` with what `rank` has sent.
    fn receive(&self, rank: usize, expected: usize, take: impl FnOnce(&[f64])) {
        let slot = self.group.slots[rank].read().unwrap_or_else(PoisonError::into_inner);
        let (this, found) = (self.rank, slot.len());
        assert!(expected == found, "rank {rank} sent {found} numbers where rank {this} expected {expected}");
        take(&slot);
    }
}

impl Group {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meet(&self) {
        let mut gate = self.gate();
        gate.waiting += 1;
        if gate.waiting == self.slots.len() {
            gate.waiting = 0;
            gate.meetings += 1;
            self.opened.notify_all();
            return;
        }
        let meeting = gate.meetings;
        while gate.meetings == meeting {
            if let Some(rank) = gate.left {
                drop(gate);
                panic!("rank {rank} of {} has left while others wait for it", self.slots.len());
            }
            gate = self.opened.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for ThreadCommunicator {
    fn drop(&mut self) {
        self.group.gate().left.get_or_insert(self.rank);
        self.group.opened.notify_all();
    }
}

impl Communicator for ThreadCommunicator {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.group.slots.len()
    }

    fn sum(&self, numbers: &mut [f64]) {
        if self.is_alone() {
            return;
        }
        self.send(numbers);
        self.group.meet();
        let len = numbers.len();
        self.receive(0, len, |first| numbers.copy_from_slice(first));
        for rank in 1..self.size() {
            self.receive(rank, len, |sent| crate::vector::add_scaled(numbers, 1.0, sent));
        }
        // Nobody sends again before all have read.
        self.group.meet();
    }

    fn broadcast(&self, numbers: &mut [f64]) {
        if self.is_alone() {
            return;
        }
        if self.rank == 0 {
            self.send(numbers);
        }
        self.group.meet();
        let len = numbers.len();
        self.receive(0, len, |sent| numbers.copy_from_slice(sent));
        self.group.meet();
    }

    fn barrier(&self) {
        self.group.meet();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_taken_in_the_order_of_ranks_and_equal_on_all() {
        let numbers = [1e16, 1.0, -1e16, 3.0];
        let sums = ThreadCommunicator::run(4, |rank| {
            let mut number = [numbers[rank.rank()], 0.1];
            (0..50).for_each(|_| {
                number = [numbers[rank.rank()], 0.1];
                rank.sum(&mut number);
            });
            number
        });
        let expected = [((1e16 + 1.0) + -1e16) + 3.0, ((0.1 + 0.1) + 0.1) + 0.1];
        assert!(sums.iter().all(|sum| *sum == expected), "{sums:?}");
    }

    #[test]
    fn what_rank_0_has_reaches_all() {
        let bytes: Vec<u8> = (0..=200).collect();
        let found = ThreadCommunicator::run(3, |rank| {
            let own = if rank.rank() == 0 { bytes.clone() } else { vec![1, 2] };
            (rank.bytes_of_rank_0(own), rank.decision_of_rank_0(rank.rank() == 0))
        });
        assert!(found.iter().all(|(found, decision)| *found == bytes && *decision));
    }

    #[test]
    fn the_first_failure_is_named_on_all_ranks() {
        let found = ThreadCommunicator::run(4, |rank| {
            let failure = (rank.rank() >= 2).then(|| format!("λ of rank {} is bad", rank.rank()));
            (rank.first_failure(None), rank.first_failure(failure.as_deref()))
        });
        let expected = (None, Some((2, "λ of rank 2 is bad".to_string())));
        assert!(found.iter().all(|found| *found == expected), "{found:?}");
    }

    #[test]
    fn a_rank_that_leaves_ends_the_others() {
        let mut ranks = ThreadCommunicator::group(3);
        drop(ranks.pop());
        let ends: Vec<_> = ranks
            .into_iter()
            .map(|rank| std::thread::spawn(move || rank.sum(&mut [1.0])))
            .map(|thread| thread.join())
            .collect();
        for end in ends {
            let message = *end.expect_err("the sum cannot be taken").downcast::<String>().expect("a message");
            assert!(message.contains("has left"), "{message}");
        }
    }
}
