//! The communicator under mpirun: this program starts itself again, as 1, 2, 3 and 4 ranks.

#![allow(clippy::print_stdout, reason = "the harness of a test")]

mod support;

use gf_core::Communicator;
use gf_mpi::{MpiCommunicator, start};

const IS_RANK: &str = "GF_MPI_TEST_IS_RANK";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if std::env::var_os(IS_RANK).is_some() {
        check_as_rank();
    } else if arguments.iter().any(|argument| argument == "--list") {
        // What cargo-nextest asks for.
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("sums_broadcasts_and_failures_on_ranks: test");
        }
    } else {
        let this = std::env::current_exe().expect("a program knows where it is");
        for ranks in 1..=4 {
            let status = support::mpirun(ranks, &this).env(IS_RANK, "1").status().expect("mpirun starts");
            assert!(status.success(), "{ranks} ranks: {status}");
        }
        println!("test sums_broadcasts_and_failures_on_ranks ... ok");
    }
}

/// A number of rank `rank` at `place` that rounds differently in another order of additions.
fn number(rank: usize, place: usize) -> f64 {
    ((rank * 7919 + place * 31) as f64).sin() * 10.0_f64.powi((rank * 5 + place) as i32 % 17 - 8)
}

fn check_as_rank() {
    let universe = start().expect("MPI starts once");
    assert!(start().is_none(), "MPI starts once");
    let ranks = MpiCommunicator::world(&universe);
    let (rank, size) = (ranks.rank(), ranks.size());
    for len in [0, 1, 2, 3, 1023, 1024, 1025, 4096, 10_007, 300_001] {
        let own: Vec<f64> = (0..len).map(|place| number(rank, place)).collect();
        let mut sums = own.clone();
        ranks.sum(&mut sums);
        let in_order = |place: usize| (1..size).fold(number(0, place), |sum, rank| sum + number(rank, place));
        for (place, sum) in sums.iter().enumerate() {
            assert_eq!(sum.to_bits(), in_order(place).to_bits(), "rank {rank} of {size}, {place} of {len}");
        }
        let mut again = own.clone();
        ranks.sum(&mut again);
        assert_eq!(again, sums);
        let mut numbers = own;
        ranks.broadcast(&mut numbers);
        assert!(numbers.iter().enumerate().all(|(place, x)| *x == number(0, place)));
    }
    let bytes: Vec<u8> = (0..=255).collect();
    let own = if rank == 0 { bytes.clone() } else { Vec::new() };
    assert_eq!(ranks.bytes_of_rank_0(own), bytes);
    assert!(ranks.decision_of_rank_0(rank == 0));
    assert_eq!(ranks.first_failure(None), None);
    let last = size - 1;
    let failure = (rank == last).then_some("σ is not finite");
    assert_eq!(ranks.first_failure(failure), Some((last, "σ is not finite".to_string())));
    ranks.barrier();
}
