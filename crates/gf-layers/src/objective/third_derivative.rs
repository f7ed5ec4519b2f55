//! ∇(uᵀ∇²L v) over the current batch.
//!
//! The passes run through the layers as they are described, not through merged ones: merging would bring three more terms of the chain
//! rule for a factor that a few contractions a step do not notice. They keep nothing between calls, and as little as one chunk a lane:
//! beside a jet's pass, four times a plain one, repeating the plain one costs little.

use std::ops::Range;

use gf_core::vector;
use gf_linalg::Update;
use rayon::prelude::*;

use super::point::{SMALLEST_PARALLEL, runs_of_chunks};
use crate::{
    chunk::Chunk,
    jets::{Directions, Jets},
    problem::Problem,
    shape::Shape,
};

/// Scratch of the contractions.
#[derive(Debug)]
pub(super) struct ThirdDerivatives {
    /// Of the network as described.
    shape: Shape,
    flops_a_sample: f64,
    lanes: Vec<Lane>,
}

/// A run of consecutive chunks, summed in order.
#[derive(Debug)]
struct Lane {
    chunks: Range<usize>,
    chunk: Chunk,
    jets: Jets,
    sum: Vec<f64>,
}

impl Lane {
    /// Overwrites `sum`.
    fn contract(&mut self, problem: &Problem, at: Directions<'_>) {
        let size = at.shape.chunk;
        let mut update = Update::Replace;
        for number in self.chunks.start..self.chunks.end.min(problem.batch_len().div_ceil(size)) {
            problem.load(number * size..((number + 1) * size).min(problem.batch_len()), &mut self.chunk);
            self.jets.contract(at, &self.chunk, update, &mut self.sum);
            update = Update::Add;
        }
    }
}

impl ThirdDerivatives {
    /// Room for batches of `capacity` samples.
    pub(super) fn new(shape: Shape, capacity: usize) -> Self {
        let room = shape.chunk.min(capacity);
        let lane = |chunks| Lane {
            chunks,
            chunk: Chunk::new(&shape, room),
            jets: Jets::new(&shape, room),
            sum: vec![0.0; shape.dim()],
        };
        let lanes = runs_of_chunks(&shape, capacity).map(lane).collect();
        // Forward and backward 8 products with a part of Θ, of which θ itself takes 4, and ãᵀδ another 4.
        let flops_a_sample = 40.0 * shape.dim() as f64;
        Self { flops_a_sample, lanes, shape }
    }

    /// Overwrites `out` with ∇(uᵀ∇²L v) on the problem's batch, without the l2 term, to which the third derivative is 0.
    pub(super) fn contract(&mut self, problem: &Problem, theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        let Self { shape, lanes, .. } = self;
        let rows = problem.batch_len();
        let at = Directions { shape, loss: &problem.loss, scale: problem.scale, theta, u, v };
        let used = lanes.iter().take_while(|lane| lane.chunks.start * shape.chunk < rows).count();
        let lanes = &mut lanes[..used];
        let parallel =
            used > 1 && self.flops_a_sample * rows as f64 >= SMALLEST_PARALLEL && rayon::current_num_threads() > 1;
        if parallel {
            lanes.par_iter_mut().with_max_len(1).for_each(|lane| lane.contract(problem, at));
        } else {
            lanes.iter_mut().for_each(|lane| lane.contract(problem, at));
        }
        out.fill(0.0);
        for lane in lanes {
            vector::add_scaled(out, 1.0, &lane.sum);
        }
    }
}
