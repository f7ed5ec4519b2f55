//! What `cargo xtask mpi --measure` starts under mpirun: the time of sums over ranks, of a gradient and of a Hessian product on samples that ranks share, and
//! the memory of a rank. Rank 0 prints a JSON object; seconds, medians of repetitions.

#![allow(clippy::print_stdout, reason = "the answer")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use gf_bench::CaseName;
use gf_core::{Communicator, Distributed, HessianProduct, Objective, Samples, Streams, SymmetricOperator, Targets};
use gf_layers::{Batches, Initialization, Part};
use gf_mpi::{MpiCommunicator, start};

const SAMPLES: usize = 200_000;
const REPETITIONS: usize = 5;
/// Numbers a sum.
const LENGTHS: [usize; 7] = [1, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

fn main() {
    let universe = start().expect("MPI starts once");
    let ranks = Arc::new(MpiCommunicator::world(&universe));
    let before = peak_mib();
    let case = CaseName::C;
    let (network, size) = (case.network(), ranks.size());
    let rows: Vec<usize> = (ranks.rank() * SAMPLES / size..(ranks.rank() + 1) * SAMPLES / size).collect();
    let inputs = rows.iter().flat_map(|row| (0..network.input).map(move |k| uniform(row * 64 + k))).collect();
    let labels = rows.iter().map(|row| (row * 7 % network.outputs()) as u32).collect();
    let targets = Targets::Classes { classes: network.outputs(), labels };
    let samples = Arc::new(Samples::new(network.input, inputs, targets).expect("drawn numbers are finite"));
    let part = Part::new(rows, SAMPLES).expect("rows are different");
    let local = network.objective_of_part(case.loss(), samples, &part, Batches::full()).expect("samples fit");
    drop(part);
    let mut objective = Distributed::new(local, Arc::clone(&ranks));
    let mut theta = network.init(&Initialization::Auto, &mut Streams::new(1).init());
    let p = objective.dim();
    let mut gradient = vec![0.0; p];
    let mut move_and = |objective: &mut Distributed<_, _>, gradient: &mut [f64]| {
        theta[0] += 1e-9;
        black_box(objective.value_and_gradient(&theta, gradient).expect("the loss is there"));
    };
    move_and(&mut objective, &mut gradient);
    let gradient_seconds = median(&*ranks, || move_and(&mut objective, &mut gradient));
    let v = gradient.clone();
    let mut products = objective.hessian_at(&theta).expect("the Hessian is there");
    products.apply(&v, &mut gradient);
    let product_seconds = median(&*ranks, || products.apply(black_box(&v), &mut gradient));
    let memory = peak_mib();
    let mut sums = Vec::new();
    for len in LENGTHS {
        let mut numbers = vec![1.0; len];
        let times = (20_000_000 / (len + 2_000)).clamp(3, 2_000);
        ranks.sum(&mut numbers);
        let seconds = median(&*ranks, || (0..times).for_each(|_| ranks.sum(black_box(&mut numbers)))) / times as f64;
        sums.push((len, seconds));
    }
    if ranks.rank() == 0 {
        let sums: Vec<String> = sums.iter().map(|(len, seconds)| format!("[{len},{seconds:e}]")).collect();
        println!(
            "{{\"ranks\":{size},\"samples\":{SAMPLES},\"parameters\":{p},\"gradient\":{gradient_seconds:e},\"product\":{product_seconds:e},\
             \"memory_mib\":{memory},\"memory_before_mib\":{before},\"sums\":[{}]}}",
            sums.join(",")
        );
    }
}

/// A number in [0, 1) that belongs to `index`.
fn uniform(index: usize) -> f64 {
    // The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
    let mut x = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Of several repetitions, each begun together.
fn median(ranks: &impl Communicator, mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..REPETITIONS)
        .map(|_| {
            ranks.barrier();
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[REPETITIONS / 2]
}

/// The most memory that this process has had, where the system says (Linux).
fn peak_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
