//! How the ranks of a distributed computation talk.

mod threads;

use std::sync::Arc;

pub use threads::ThreadCommunicator;

/// A fixed group of `size` ranks that run the same program on different data, and call these functions in the same order.
///
/// **Bits.** [`Communicator::sum`] adds in the order of ranks and gives every rank the same bits, the same on every repetition; what ranks decide
/// from sums they decide alike.
///
/// **Loss of a rank.** No call returns when a rank is gone: MPI ends all processes, [`ThreadCommunicator`] panics in all threads.
pub trait Communicator: Send + Sync {
    /// Which one this is, from 0.
    fn rank(&self) -> usize;

    /// How many there are, at least 1.
    fn size(&self) -> usize;

    /// Overwrites `numbers`, of the same length on all ranks, with their sums over all ranks.
    fn sum(&self, numbers: &mut [f64]);

    /// Overwrites `numbers`, of the same length on all ranks, with those of rank 0.
    fn broadcast(&self, numbers: &mut [f64]);

    /// Returns once all ranks have called it.
    fn barrier(&self);

    /// Whether there is no other rank.
    fn is_alone(&self) -> bool {
        self.size() == 1
    }

    /// What rank 0 decides: for decisions that depend on clocks, signals and files.
    fn decision_of_rank_0(&self, decision: bool) -> bool {
        if self.is_alone() {
            return decision;
        }
        let mut flag = [f64::from(u8::from(decision))];
        self.broadcast(&mut flag);
        flag[0] != 0.0
    }

    /// The bytes of rank 0; those of other ranks are ignored.
    fn bytes_of_rank_0(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.is_alone() {
            return bytes;
        }
        let mut len = [bytes.len() as f64];
        self.broadcast(&mut len);
        let len = len[0] as usize;
        let mut packed = vec![0.0; len.div_ceil(8)];
        if self.rank() == 0 {
            for (number, bytes) in packed.iter_mut().zip(bytes.chunks(8)) {
                let mut eight = [0; 8];
                eight[..bytes.len()].copy_from_slice(bytes);
                *number = f64::from_le_bytes(eight);
            }
        }
        self.broadcast(&mut packed);
        let mut bytes: Vec<u8> = packed.into_iter().flat_map(f64::to_le_bytes).collect();
        bytes.truncate(len);
        bytes
    }

    /// The lowest rank that has a failure, with its words (the first 1,000 bytes); none where no rank has one. One message of one number where all is well.
    fn first_failure(&self, failure: Option<&str>) -> Option<(usize, String)> {
        let mut count = [f64::from(u8::from(failure.is_some()))];
        self.sum(&mut count);
        (count[0] != 0.0).then(|| self.failure_known_to_exist(failure))
    }

    /// As [`Communicator::first_failure`], where all ranks know that one has failed.
    fn failure_known_to_exist(&self, failure: Option<&str>) -> (usize, String) {
        const LONGEST: usize = 1000;
        let mut failed = vec![0.0; self.size()];
        failed[self.rank()] = f64::from(u8::from(failure.is_some()));
        self.sum(&mut failed);
        let first = failed.iter().position(|flag| *flag != 0.0).unwrap_or(0);
        let mut text = vec![0.0; LONGEST];
        if let (Some(failure), true) = (failure, self.rank() == first) {
            text.iter_mut().zip(failure.bytes()).for_each(|(slot, byte)| *slot = f64::from(byte));
        }
        self.sum(&mut text);
        let bytes: Vec<u8> = text.into_iter().map(|byte| byte as u8).take_while(|byte| *byte != 0).collect();
        (first, String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The group of one rank: a computation that is not distributed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn sum(&self, _numbers: &mut [f64]) {}

    fn broadcast(&self, _numbers: &mut [f64]) {}

    fn barrier(&self) {}
}

impl<C: Communicator + ?Sized> Communicator for Arc<C> {
    fn rank(&self) -> usize {
        (**self).rank()
    }

    fn size(&self) -> usize {
        (**self).size()
    }

    fn sum(&self, numbers: &mut [f64]) {
        (**self).sum(numbers);
    }

    fn broadcast(&self, numbers: &mut [f64]) {
        (**self).broadcast(numbers);
    }

    fn barrier(&self) {
        (**self).barrier();
    }
}
