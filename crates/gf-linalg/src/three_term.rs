//! The passes over vectors of p numbers that one step of the three-term recurrence makes: w ← A·v − β·v₋ − α·v, then once more against v
//! and v₋, then to unit length.
//!
//! Written as a dozen calls of vector functions they would cost as much as a product with the matrix of a large network. Here they are
//! three, shared by threads in fixed runs of rows whose sums are added in order: bits do not depend on the number of threads.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::basis::{RUNS, is_parallel, rows_of_a_run};

/// Interleaved sums of a run, as in [`gf_core::vector::dot`].
const LANES: usize = 8;

/// w −= β·before. Returns currentᵀw: not finite where w is not.
pub(crate) fn remove_before(beta: f64, before: &[f64], current: &[f64], w: &mut [f64]) -> f64 {
    let [alpha] = shared(w, |rows, w| {
        lanes(&before[rows.clone()], &current[rows], w, |before, current, w| {
            *w -= beta * before;
            [current * *w]
        })
    });
    alpha
}

/// w −= α·current. Returns \[currentᵀw, beforeᵀw, wᵀw\].
pub(crate) fn remove_current(alpha: f64, before: &[f64], current: &[f64], w: &mut [f64]) -> [f64; 3] {
    shared(w, |rows, w| {
        lanes(&before[rows.clone()], &current[rows], w, |before, current, w| {
            *w -= alpha * current;
            [current * *w, before * *w, *w * *w]
        })
    })
}

/// w = (w − a·current − b·before)·scale. Returns wᵀw.
pub(crate) fn correct([a, b]: [f64; 2], scale: f64, before: &[f64], current: &[f64], w: &mut [f64]) -> f64 {
    let [square] = shared(w, |rows, w| {
        lanes(&before[rows.clone()], &current[rows], w, |before, current, w| {
            *w = (*w - a * current - b * before) * scale;
            [*w * *w]
        })
    });
    square
}

/// Runs `pass` over all rows and adds its sums up.
fn shared<const N: usize>(w: &mut [f64], pass: impl Fn(Range<usize>, &mut [f64]) -> [f64; N] + Sync) -> [f64; N] {
    let run = rows_of_a_run(w.len());
    let mut sums = [[0.0; N]; RUNS];
    let one = |(number, (w, sum)): (usize, (&mut [f64], &mut [f64; N]))| {
        *sum = pass(number * run..number * run + w.len(), w);
    };
    if is_parallel(3 * w.len()) {
        w.par_chunks_mut(run).zip(&mut sums).enumerate().for_each(one);
    } else {
        w.chunks_mut(run).zip(&mut sums).enumerate().for_each(one);
    }
    sums.iter().fold([0.0; N], |total, sum| std::array::from_fn(|i| total[i] + sum[i]))
}

/// Calls `f` for every row and adds up what it returns, in interleaved sums.
#[inline(always)]
fn lanes<const N: usize>(
    before: &[f64],
    current: &[f64],
    w: &mut [f64],
    f: impl Fn(f64, f64, &mut f64) -> [f64; N],
) -> [f64; N] {
    struct Rows<'a, F>(&'a [f64], &'a [f64], &'a mut [f64], F);
    impl<const N: usize, F: Fn(f64, f64, &mut f64) -> [f64; N]> WithSimd for Rows<'_, F> {
        type Output = [f64; N];
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> [f64; N] {
            let Self(before, current, w, f) = self;
            let mut sums = [[0.0; LANES]; N];
            let full = w.len() / LANES * LANES;
            let columns = before.chunks_exact(LANES).zip(current.chunks_exact(LANES));
            for (w, (before, current)) in w.chunks_exact_mut(LANES).zip(columns) {
                for k in 0..LANES {
                    let terms = f(before[k], current[k], &mut w[k]);
                    for (sum, term) in sums.iter_mut().zip(terms) {
                        sum[k] += term;
                    }
                }
            }
            for i in full..w.len() {
                let terms = f(before[i], current[i], &mut w[i]);
                for (sum, term) in sums.iter_mut().zip(terms) {
                    sum[i - full] += term;
                }
            }
            sums.map(|s| ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])))
        }
    }
    Arch::new().dispatch(Rows(before, current, w, f))
}
