//! The speed of the machine, to which operations are compared.

use std::time::Instant;

use gf_linalg::{Update, View, ViewMut, product};
use rayon::prelude::*;

/// The best rate of `order`³ matrix multiplications by faer on `threads` threads, in GFLOP/s: the best of `repetitions`.
///
/// With several threads each multiplies by its share of the columns.
///
/// # Panics
/// When no threads can be started.
pub fn matrix_multiplication_of(order: usize, threads: usize, repetitions: usize) -> f64 {
    let numbers = |seed: usize| -> Vec<f64> {
        (0..order * order).map(|k| ((k * 7919 + seed) % 1009) as f64 / 1009.0 - 0.5).collect()
    };
    let (a, b, mut out) = (numbers(1), numbers(2), vec![0.0; order * order]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    let share = order.div_ceil(threads) * order;
    let multiply = |out: &mut [f64]| {
        pool.install(|| {
            out.par_chunks_mut(share).zip(b.par_chunks(share)).for_each(|(out, b)| {
                let columns = b.len() / order;
                let (a, b) = (View::columns(&a, order, order), View::columns(b, order, columns));
                product(a, b, Update::Replace, ViewMut::columns(out, order, columns));
            });
        });
    };
    multiply(&mut out);
    let seconds = (0..repetitions.max(1)).map(|_| {
        let start = Instant::now();
        multiply(&mut out);
        start.elapsed().as_secs_f64()
    });
    2.0 * (order as f64).powi(3) / seconds.fold(f64::INFINITY, f64::min) * 1e-9
}

/// The machine's rate of matrix multiplication on `threads` threads, in GFLOP/s, by faer: 1024³, best of 7 (about a quarter of a second).
pub fn matrix_multiplication(threads: usize) -> f64 {
    matrix_multiplication_of(1024, threads, 7)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_rate_is_positive_for_any_number_of_threads() {
        for threads in [1, 2, 3] {
            assert!(super::matrix_multiplication_of(50, threads, 1) > 0.0);
        }
    }
}
