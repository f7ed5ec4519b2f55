//! Passes over vectors of p numbers: each reads and writes several of them and sums up what it sees on the way.
//!
//! A short recurrence written as a dozen calls of vector functions costs as much as a product with the matrix of a large network. As few
//! passes it is bound by the memory. Threads share fixed runs of rows, whose sums are added in order, and a run's sums are eight
//! interleaved ones on every processor: bits depend neither on the number of threads nor on the width of the vector unit.

use std::ops::{Add, Mul, Sub};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::basis::{RUNS, is_parallel, rows_of_a_run};

/// Interleaved sums of a run, as in [`gf_core::vector::dot`].
const LANES: usize = 8;

/// What a pass does with each row of R inputs and W outputs. It has to map zeros to zeros.
pub(crate) trait Pass<const R: usize, const W: usize, const N: usize>: Copy + Send + Sync {
    /// The row's new outputs, and N numbers to be summed up. To be inlined always, or it is not compiled for the vector unit.
    fn row<V: Vector>(self, inputs: [V; R], outputs: [V; W]) -> ([V; W], [V; N]);
}

/// Numbers of consecutive rows.
pub(crate) trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Mul<f64, Output = Self>
{
}

/// Runs `pass` over all rows; returns the sums. All vectors have one length p ≥ 1.
pub(crate) fn run<const R: usize, const W: usize, const N: usize>(
    pass: impl Pass<R, W, N>,
    inputs: [&[f64]; R],
    outputs: [&mut [f64]; W],
) -> [f64; N] {
    let p = outputs[0].len();
    assert!(inputs.iter().all(|x| x.len() == p) && outputs.iter().all(|x| x.len() == p), "vectors of one length");
    let length = rows_of_a_run(p);
    let mut rest = outputs;
    let mut runs: [_; RUNS] = std::array::from_fn(|number| {
        let start = (number * length).min(p);
        let end = (start + length).min(p);
        let outputs = rest.each_mut().map(|rest| rest.split_off_mut(..end - start).expect("rows of a run"));
        Run { pass, inputs: inputs.map(|x| &x[start..end]), outputs, sums: [0.0; N] }
    });
    if is_parallel((R + W) * p) {
        runs.par_iter_mut().for_each(|run| Arch::new().dispatch(run));
    } else {
        runs.iter_mut().take(p.div_ceil(length)).for_each(|run| Arch::new().dispatch(run));
    }
    runs.iter().fold([0.0; N], |total, run| std::array::from_fn(|i| total[i] + run.sums[i]))
}

/// Rows of a pass, and their sums.
struct Run<'a, const R: usize, const W: usize, const N: usize, P> {
    pass: P,
    inputs: [&'a [f64]; R],
    outputs: [&'a mut [f64]; W],
    sums: [f64; N],
}

impl<const R: usize, const W: usize, const N: usize, P: Pass<R, W, N>> WithSimd for &mut Run<'_, R, W, N, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let pass = self.pass;
        let (blocks, left) = (self.outputs[0].len() / LANES, self.outputs[0].len() % LANES);
        let inputs = self.inputs.map(|x| &x.as_chunks::<LANES>().0[..blocks]);
        let mut sums = [[simd.splat_f64s(0.0); LANES]; N];
        let mut outputs = self.outputs.each_mut().map(|y| &mut y.as_chunks_mut::<LANES>().0[..blocks]);
        for block in 0..blocks {
            let x: [&[f64; LANES]; R] = std::array::from_fn(|i| &inputs[i][block]);
            let y: [&mut [f64; LANES]; W] = outputs.each_mut().map(|y| &mut y[block]);
            lanes(simd, pass, x, y, &mut sums);
        }
        if left > 0 {
            let start = blocks * LANES;
            let padded = |rows: &[f64]| {
                let mut lanes = [0.0; LANES];
                lanes[..left].copy_from_slice(rows);
                lanes
            };
            let x = self.inputs.map(|x| padded(&x[start..]));
            let mut y = self.outputs.each_ref().map(|y| padded(&y[start..]));
            lanes(simd, pass, x.each_ref(), y.each_mut(), &mut sums);
            for (output, y) in self.outputs.iter_mut().zip(&y) {
                output[start..].copy_from_slice(&y[..left]);
            }
        }
        for (total, sums) in self.sums.iter_mut().zip(&sums) {
            let mut s = [0.0; LANES];
            for (lanes, sum) in S::as_mut_simd_f64s(&mut s).0.iter_mut().zip(sums) {
                *lanes = *sum;
            }
            *total = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
        }
    }
}

/// One block of rows: as many registers of each vector as hold it.
#[inline(always)]
fn lanes<S: Simd, const R: usize, const W: usize, const N: usize>(
    simd: S,
    pass: impl Pass<R, W, N>,
    inputs: [&[f64; LANES]; R],
    mut outputs: [&mut [f64; LANES]; W],
    sums: &mut [[S::f64s; LANES]; N],
) {
    const { assert!(LANES.is_multiple_of(S::F64_LANES), "whole registers") };
    for register in 0..LANES / S::F64_LANES {
        let x = inputs.map(|x| Register(simd, S::as_simd_f64s(x).0[register]));
        let y = outputs.each_ref().map(|y| Register(simd, S::as_simd_f64s(&y[..]).0[register]));
        let (new, terms) = pass.row(x, y);
        for (output, new) in outputs.iter_mut().zip(new) {
            S::as_mut_simd_f64s(&mut output[..]).0[register] = new.1;
        }
        for (sum, term) in sums.iter_mut().zip(terms) {
            sum[register] = simd.add_f64s(sum[register], term.1);
        }
    }
}

/// A register of the vector unit found at run time.
struct Register<S: Simd>(S, S::f64s);

impl<S: Simd> Clone for Register<S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Simd> Copy for Register<S> {}

impl<S: Simd> Vector for Register<S> {}

impl<S: Simd> Add for Register<S> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0, self.0.add_f64s(self.1, other.1))
    }
}

impl<S: Simd> Sub for Register<S> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0, self.0.sub_f64s(self.1, other.1))
    }
}

impl<S: Simd> Mul for Register<S> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0, self.0.mul_f64s(self.1, other.1))
    }
}

impl<S: Simd> Mul<f64> for Register<S> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f64) -> Self {
        Self(self.0, self.0.mul_f64s(self.1, self.0.splat_f64s(factor)))
    }
}
