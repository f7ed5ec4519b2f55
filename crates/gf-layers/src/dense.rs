//! The dense Hessian and Gauss–Newton matrix without p passes.
//!
//! With 𝓗_{lm} = ∂²L/∂z^l∂z^m (one a sample) and J^{l→q} = ∂a^q/∂z^l, block l ≤ m of the Hessian is
//!
//! H_{(i,j),(k,r)} = Σₙ ã^{l−1}_i ã^{m−1}_k 𝓗_{lm}\[j,r\] + \[l<m\] ã^{l−1}_i J^{l→m−1}\[j,k\] δ^m_r.
//!
//! The tensors 𝓗 and J come from one backward and one forward recursion ([`tensors`]); the sums over n are matrix products
//! ([`panels`]) of independent tasks ([`tasks`]), each of which owns its part of the matrix. The Gauss–Newton matrix is the same
//! with δ = 0. Only the lower triangle is computed, about 0.6 to 0.9 n p² flops, chunk of samples after chunk, in order:
//! neither memory nor bits depend on the number of threads.

mod panels;
mod tasks;
mod tensors;

use std::sync::{Mutex, PoisonError};

use panels::Scratch;
use rayon::prelude::*;
use tasks::Task;
use tensors::Tensors;

use crate::{
    products::{Curvature, Operands},
    shape::Shape,
};

/// Below so many parameters, other threads cost more than they bring.
const SMALLEST_PARALLEL: usize = 256;

/// Scratch of the assembly.
#[derive(Debug)]
pub(crate) struct Dense {
    tensors: Tensors,
    /// One a thread.
    scratch: Vec<Mutex<Scratch>>,
}

impl Dense {
    /// Room for chunks of `capacity` samples.
    pub(crate) fn new(shape: &Shape, capacity: usize) -> Self {
        Self { tensors: Tensors::new(shape, capacity), scratch: Vec::new() }
    }

    /// Overwrites the lower triangle of `out` (p × p column-major) with the sum over all chunks, without the l2 term.
    pub(crate) fn assemble<'a>(
        &mut self,
        of: Curvature,
        shape: &Shape,
        chunks: impl Iterator<Item = Operands<'a>>,
        out: &mut [f64],
    ) {
        let parallel = rayon::current_num_threads() > 1 && shape.dim() >= SMALLEST_PARALLEL;
        let threads = if parallel { rayon::current_num_threads() } else { 1 };
        while self.scratch.len() < threads {
            self.scratch.push(Mutex::new(Scratch::default()));
        }
        let mut tasks = tasks::cut(of, shape, out);
        for (number, at) in chunks.enumerate() {
            self.tensors.fill(of, at);
            let (tensors, scratch) = (&self.tensors, &self.scratch);
            let run = |task: &mut Task<'_>| {
                let mine = rayon::current_thread_index().filter(|_| parallel).unwrap_or(0);
                // Nothing inside a task waits for another one, so each thread finds its own scratch free.
                // What a panicking task left there is overwritten.
                let mut scratch = scratch[mine].lock().unwrap_or_else(PoisonError::into_inner);
                panels::run(task, of, at, tensors, number == 0, &mut scratch);
            };
            if parallel {
                tasks.par_iter_mut().with_max_len(1).for_each(run);
            } else {
                tasks.iter_mut().for_each(run);
            }
        }
    }
}

/// Model flops of a dense matrix from `n` samples, the passes left out.
pub(crate) fn flops(shape: &Shape, n: f64, hessian: bool) -> f64 {
    let of = if hessian { Curvature::Hessian } else { Curvature::GaussNewton };
    let layers = &shape.layers;
    let mut numbers = 0.0;
    for (l, near) in layers.iter().enumerate() {
        let (q, u) = (near.rows() as f64, near.units as f64);
        // Products a_i a_k and the diagonal block.
        let pairs = q * (q + 1.0) / 2.0;
        numbers += pairs + pairs * u * (u + 1.0);
        if let Some(next) = layers.get(l + 1) {
            // The packed tensor of the diagonal block.
            numbers += u * (u + 1.0) * next.units as f64;
        }
        for (m, far) in layers.iter().enumerate().skip(l + 1) {
            let (rows, units) = (far.rows() as f64, far.units as f64);
            // The tensor, the block.
            numbers += 2.0 * u * units * layers[l + 1].units as f64 + 2.0 * q * u * rows * units;
            if !hessian {
                continue;
            }
            numbers += if m == l + 1 {
                u * units + 2.0 * q * u * units
            } else {
                // The recursion of J, then its part of the block.
                let jacobian = 2.0 * u * far.inputs as f64 * layers[m - 2].units as f64;
                let residual = far.inputs as f64 * units;
                jacobian + if tasks::far_by_pairs(of, near) { 2.0 * q * u * residual } else { 4.0 * u * rows * units }
            };
        }
    }
    n * numbers
}
