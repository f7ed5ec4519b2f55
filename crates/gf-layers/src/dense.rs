//! The dense Hessian and Gauss–Newton matrix without p passes.
//!
//! With 𝓗_{lm} = ∂²L/∂z^l∂z^m (one a sample) and J^{l→q} = ∂a^q/∂z^l, block l ≤ m of the Hessian is
//!
//! H_{(i,j),(k,r)} = Σₙ ã^{l−1}_i ã^{m−1}_k 𝓗_{lm}\[j,r\] + \[l<m\] ã^{l−1}_i J^{l→m−1}\[j,k\] δ^m_r.
//!
//! The tensors 𝓗 and J come from one backward and one forward recursion ([`tensors`]); the sums over n are matrix products
//! ([`panels`]) of independent tasks ([`tasks`]), each of which owns its part of the matrix. The Gauss–Newton matrix is the same
//! with δ = 0. Skip connections change the recursions alone ([`skips`]). Only the lower triangle is computed, about 0.6 to 0.9 n p² flops, chunk of samples after chunk, in order:
//! bits do not depend on the number of threads, nor memory on the number of samples. Samples where zeros of inputs or of units make a
//! whole group of products vanish are left out ([`gf_linalg::panels`]).

mod arrays;
mod panels;
mod skips;
mod tasks;
mod tensors;

use std::sync::{Mutex, PoisonError};

use panels::{Part, Scratch};
use rayon::prelude::*;
use tasks::Task;
use tensors::Tensors;

use crate::{
    chunk::Chunk,
    problem::Problem,
    products::{Curvature, Operands},
    shape::Shape,
    tape::Tape,
};

/// Below so many parameters, other threads cost more than they bring.
pub(crate) const SMALLEST_PARALLEL: usize = 256;
/// The most samples a chunk: so many that the sums are much more work than adding them to the matrix.
const LARGEST_CHUNK: usize = 1024;
/// Numbers in the tensors of a chunk (80 MiB), by which wide networks get smaller chunks.
const TENSORS: usize = 10 << 20;

/// The assembly of dense matrices: passes, tensors and scratch of one chunk. Nothing is allocated before the first matrix.
#[derive(Debug)]
pub(crate) struct Dense {
    /// The most samples a chunk.
    most: usize,
    chunk: Chunk,
    tape: Tape,
    tensors: Tensors,
    /// One a thread.
    scratch: Vec<Mutex<Scratch>>,
}

impl Dense {
    pub(crate) fn new(shape: &Shape) -> Self {
        let most = (TENSORS / Tensors::numbers_a_sample(shape).max(1)).clamp(8, LARGEST_CHUNK);
        Self {
            most,
            chunk: Chunk::new(shape, 0),
            tape: Tape::new(shape, 0),
            tensors: Tensors::new(shape),
            scratch: Vec::new(),
        }
    }

    /// Overwrites the lower triangle of `out` (p × p column-major) with the matrix of the current batch, without the l2 term.
    pub(crate) fn assemble(&mut self, of: Curvature, problem: &Problem, theta: &[f64], out: &mut [f64]) {
        let Problem { shape, loss, scale, .. } = problem;
        let parallel = rayon::current_num_threads() > 1 && shape.dim() >= SMALLEST_PARALLEL;
        let threads = if parallel { rayon::current_num_threads() } else { 1 };
        while self.scratch.len() < threads {
            self.scratch.push(Mutex::new(Scratch::default()));
        }
        let n = problem.batch_len();
        // Chunks of one size, a multiple of what a vector holds.
        let size = n.div_ceil(n.div_ceil(self.most)).next_multiple_of(8).min(n);
        if self.tape.capacity() < size {
            self.chunk = Chunk::new(shape, size);
            self.tape = Tape::with_backward(shape, size);
        }
        let mut tasks = tasks::cut(of, shape, out);
        for start in (0..n).step_by(size) {
            let end = (start + size).min(n);
            problem.load(start..end, &mut self.chunk);
            self.tape.forward(shape, theta, &self.chunk);
            self.tape.backward(shape, theta, loss, &self.chunk, *scale);
            self.tape.linearize(shape);
            let (chunk, tape) = (&self.chunk, &self.tape);
            let at = Operands { shape, loss, scale: *scale, theta, chunk, tape };
            self.tensors.fill(of, at, parallel);
            let (tensors, scratch) = (&self.tensors, &self.scratch);
            let part = Part { of, at, tensors, is_first: start == 0, is_last: end == n };
            let run = |task: &mut Task<'_>| {
                let mine = rayon::current_thread_index().filter(|_| parallel).unwrap_or(0);
                // Nothing inside a task waits for another one, so each thread finds its own scratch free.
                // What a panicking task left there is overwritten.
                let mut scratch = scratch[mine].lock().unwrap_or_else(PoisonError::into_inner);
                part.run(task, &mut scratch);
            };
            if parallel {
                tasks.par_iter_mut().with_max_len(1).for_each(run);
            } else {
                tasks.iter_mut().for_each(run);
            }
        }
    }
}

/// Model flops of a dense matrix from `n` samples, the passes left out and no zeros assumed.
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
            // The packed tensor of the diagonal block, and what a skip connection adds to it.
            numbers += u * (u + 1.0) * next.units as f64;
            if next.skip {
                numbers += 2.0 * u * u * u;
            }
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
