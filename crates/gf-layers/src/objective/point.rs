//! What is known at one θ: the passes over the current batch, kept between evaluations where they fit.
//!
//! The batch is cut into chunks, and the chunks into lanes: fixed runs of consecutive chunks. A lane adds up its chunks in order, the
//! lanes are added in order, and both cuts depend on the network and the batch alone; so bits do not depend on the threads that share
//! the lanes. Where the passes over the whole batch take more than [`KEPT`] numbers, a lane keeps those of one chunk and repeats the
//! others for each product: memory does not grow with the batch.

use std::ops::Range;

use gf_core::{Cost, vector};
use gf_linalg::Update;
use rayon::prelude::*;

use crate::{
    chunk::Chunk,
    cost,
    dense::Dense,
    problem::Problem,
    products::{self, Curvature, Operands, Products},
    shape::Shape,
    tape::Tape,
};

/// Numbers of inputs and passes that are kept (32 MiB).
const KEPT: usize = 4 << 20;
/// Numbers in all lanes' sums (32 MiB), by which large networks get fewer lanes.
const SUMS: usize = 4 << 20;
/// The most lanes.
const LANES: usize = 16;
/// Below so many model flops in an evaluation, other threads cost more than they bring.
pub(super) const SMALLEST_PARALLEL: f64 = 2e6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Nothing,
    /// Forward and backward pass.
    Passes,
    /// And what curvature needs of them.
    Curvature,
}

/// The passes over one chunk.
#[derive(Debug)]
struct Cell {
    chunk: Chunk,
    /// Which chunk of the current batch.
    holds: Option<usize>,
    tape: Tape,
    known: Known,
    /// This chunk's part of the loss, once the passes are known.
    value: f64,
}

impl Cell {
    /// Makes `wanted` known of chunk `number`.
    fn prepare(&mut self, at: Place<'_>, number: usize, wanted: Known) {
        let Problem { shape, loss, scale, .. } = at.problem;
        self.load(at.problem, number);
        if self.known < Known::Passes && wanted >= Known::Passes {
            self.tape.forward(shape, at.theta, &self.chunk);
            self.value = self.tape.backward(shape, at.theta, loss, &self.chunk, *scale);
            self.known = Known::Passes;
        }
        if self.known < Known::Curvature && wanted >= Known::Curvature {
            self.tape.linearize(shape);
            self.known = Known::Curvature;
        }
    }

    fn load(&mut self, problem: &Problem, number: usize) {
        if self.holds == Some(number) {
            return;
        }
        let start = number * problem.shape.chunk;
        problem.load(start..(start + problem.shape.chunk).min(problem.batch_len()), &mut self.chunk);
        (self.holds, self.known) = (Some(number), Known::Nothing);
    }
}

/// Where the function is looked at.
#[derive(Clone, Copy)]
struct Place<'a> {
    problem: &'a Problem,
    theta: &'a [f64],
}

/// A run of consecutive chunks.
#[derive(Debug)]
struct Lane {
    /// Of the largest batch; smaller ones have fewer.
    chunks: Range<usize>,
    /// One a chunk, or one for all.
    cells: Vec<Cell>,
    /// Forward passes of trial values.
    trial: Tape,
    products: Products,
    value: f64,
    /// This lane's part of a sum, unless it is the first lane.
    sum: Vec<f64>,
}

impl Lane {
    /// The chunks of the current batch, each with its cell.
    fn visit(
        &mut self,
        problem: &Problem,
        mut visit: impl FnMut(&mut Cell, usize, &mut Tape, &mut Products, &mut f64),
    ) {
        let count = problem.batch_len().div_ceil(problem.shape.chunk);
        self.value = 0.0;
        for number in self.chunks.start..self.chunks.end.min(count) {
            let slot = (number - self.chunks.start).min(self.cells.len() - 1);
            visit(&mut self.cells[slot], number, &mut self.trial, &mut self.products, &mut self.value);
        }
    }

    /// Whether the current batch has chunks in this lane.
    fn is_used(&self, problem: &Problem) -> bool {
        self.chunks.start * problem.shape.chunk < problem.batch_len()
    }

    fn value_at(&mut self, problem: &Problem, theta: &[f64]) {
        self.visit(problem, |cell, number, trial, _, value| {
            cell.load(problem, number);
            trial.forward(&problem.shape, theta, &cell.chunk);
            *value += trial.loss(&problem.shape, &problem.loss, &cell.chunk, problem.scale);
        });
    }

    /// Overwrites `gradient` with this lane's part.
    fn evaluate(&mut self, at: Place<'_>, gradient: &mut [f64]) {
        let mut update = Update::Replace;
        self.visit(at.problem, |cell, number, _, _, value| {
            cell.prepare(at, number, Known::Passes);
            *value += cell.value;
            cell.tape.gradient(&at.problem.shape, &cell.chunk, update, gradient);
            update = Update::Add;
        });
    }

    /// Overwrites `out` with this lane's part of the products.
    fn apply(&mut self, of: Curvature, at: Place<'_>, v: &[f64], out: &mut [f64]) {
        let Problem { shape, loss, scale, .. } = at.problem;
        let mut update = Update::Replace;
        self.visit(at.problem, |cell, number, _, scratch, _| {
            cell.prepare(at, number, Known::Curvature);
            let Cell { chunk, tape, .. } = cell;
            let operands = Operands { shape, loss, scale: *scale, theta: at.theta, chunk, tape };
            let size = products::directions_at_a_time(shape, tape.rows) * at.theta.len();
            for (v, out) in v.chunks(size).zip(out.chunks_mut(size)) {
                scratch.apply(of, operands, v, update, out);
            }
            update = Update::Add;
        });
    }
}

/// Runs `part(lane, out)` for all lanes that the batch uses and adds the results to `out`, in order.
fn sum_over_lanes(
    lanes: &mut [Lane],
    problem: &Problem,
    parallel: bool,
    out: &mut [f64],
    part: impl Fn(&mut Lane, &mut [f64]) + Sync,
) {
    let used = lanes.iter().take_while(|lane| lane.is_used(problem)).count();
    let Some((first, others)) = lanes[..used].split_first_mut() else {
        // No sample of the batch belongs to this part.
        out.fill(0.0);
        return;
    };
    let len = out.len();
    let other = |lane: &mut Lane| {
        let mut sum = std::mem::take(&mut lane.sum);
        if sum.len() < len {
            sum.resize(len, 0.0);
        }
        part(lane, &mut sum[..len]);
        lane.sum = sum;
    };
    if parallel {
        // The first half of the lanes for this thread, so that two threads meet twice only.
        let (near, far) = others.split_at_mut(used.div_ceil(2) - 1);
        let first = || part(first, out);
        rayon::join(|| rayon::join(first, || in_halves(near, &other)), || in_halves(far, &other));
    } else {
        part(first, out);
        others.iter_mut().for_each(other);
    }
    // Slices of the sums, so that each is read where it stands in the cache, and by several threads.
    const SLICE: usize = 1 << 14;
    let add = |(number, out): (usize, &mut [f64])| {
        for lane in others.iter() {
            vector::add_scaled(out, 1.0, &lane.sum[number * SLICE..][..out.len()]);
        }
    };
    if parallel && len > SLICE {
        out.par_chunks_mut(SLICE).enumerate().for_each(add);
    } else {
        out.chunks_mut(SLICE).enumerate().for_each(add);
    }
}

/// Runs `work` for each lane, half of them for another thread, and so on.
fn in_halves(lanes: &mut [Lane], work: &(impl Fn(&mut Lane) + Sync)) {
    match lanes {
        [] => {}
        [lane] => work(lane),
        lanes => {
            let (near, far) = lanes.split_at_mut(lanes.len() / 2);
            rayon::join(|| in_halves(near, work), || in_halves(far, work));
        }
    }
}

/// The function at θ.
#[derive(Debug)]
pub(super) struct Point {
    problem: Problem,
    cost_a_sample: Cost,
    theta: Vec<f64>,
    lanes: Vec<Lane>,
    /// What was asked for at θ; each cell knows how far it is.
    known: Known,
    dense: Option<Dense>,
}

impl Point {
    /// Room for batches of `capacity` samples.
    pub(super) fn new(problem: Problem, capacity: usize) -> Self {
        let shape = &problem.shape;
        let p = shape.dim();
        Self {
            theta: vec![0.0; p],
            lanes: lanes(shape, capacity),
            known: Known::Nothing,
            dense: None,
            cost_a_sample: cost::of(shape, 1),
            problem,
        }
    }

    pub(super) fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Takes these samples as the batch.
    pub(super) fn set_batch(&mut self, rows: &[usize]) {
        self.problem.set_batch(rows);
    }

    /// Takes these samples of a part as its share of the batch `whole`.
    pub(super) fn set_part_of_batch(&mut self, rows: &[usize], whole: &[usize], labels: Option<&[u32]>) {
        self.problem.set_part_of_batch(rows, whole, labels);
    }

    /// The function has changed.
    pub(super) fn forget(&mut self) {
        self.known = Known::Nothing;
        for cell in self.lanes.iter_mut().flat_map(|lane| &mut lane.cells) {
            (cell.holds, cell.known) = (None, Known::Nothing);
        }
    }

    /// The loss at `theta`. Leaves what is known at θ alone, as far as the passes are kept.
    pub(super) fn value(&mut self, theta: &[f64]) -> f64 {
        let parallel = self.is_parallel(|cost| cost.value);
        let problem = &self.problem;
        if parallel {
            in_halves(&mut self.lanes, &|lane| lane.value_at(problem, theta));
        } else {
            self.lanes.iter_mut().for_each(|lane| lane.value_at(problem, theta));
        }
        self.lanes.iter().map(|lane| lane.value).sum()
    }

    /// The loss at θ and its gradient; leaves the passes behind.
    pub(super) fn evaluate(&mut self, theta: &[f64], gradient: &mut [f64]) -> f64 {
        self.move_to(theta);
        let parallel = self.is_parallel(|cost| cost.value_and_gradient);
        let at = Place { problem: &self.problem, theta: &self.theta };
        self.lanes.iter_mut().for_each(|lane| lane.value = 0.0);
        sum_over_lanes(&mut self.lanes, &self.problem, parallel, gradient, |lane, out| lane.evaluate(at, out));
        self.known = Known::Passes;
        self.lanes.iter().map(|lane| lane.value).sum()
    }

    /// Takes θ for the products that follow, the first of which makes what they need known. False where it was.
    pub(super) fn linearize(&mut self, theta: &[f64]) -> bool {
        let here = self.known > Known::Nothing && same_bits(&self.theta, theta);
        if here && self.known == Known::Curvature {
            return false;
        }
        if !here {
            self.move_to(theta);
        }
        self.known = Known::Curvature;
        true
    }

    /// Overwrites the lower triangle of the matrix at θ.
    pub(super) fn matrix(&mut self, of: Curvature, theta: &[f64], out: &mut [f64]) {
        if self.problem.batch_len() == 0 {
            let p = self.problem.shape.dim();
            out.chunks_exact_mut(p).enumerate().for_each(|(j, column)| column[j..].fill(0.0));
            return;
        }
        self.dense.get_or_insert_with(|| Dense::new(&self.problem.shape)).assemble(of, &self.problem, theta, out);
    }

    /// Overwrites `out` with the products with `columns` vectors at the θ of [`Point::linearize`].
    pub(super) fn apply_block(&mut self, of: Curvature, columns: usize, v: &[f64], out: &mut [f64]) {
        if columns == 0 {
            return;
        }
        let parallel = self.is_parallel(|cost| cost.hessian_product * columns as f64);
        let at = Place { problem: &self.problem, theta: &self.theta };
        sum_over_lanes(&mut self.lanes, &self.problem, parallel, out, |lane, out| lane.apply(of, at, v, out));
    }

    fn move_to(&mut self, theta: &[f64]) {
        self.known = Known::Nothing;
        for cell in self.lanes.iter_mut().flat_map(|lane| &mut lane.cells) {
            cell.known = Known::Nothing;
        }
        self.theta.copy_from_slice(theta);
    }

    fn is_parallel(&self, flops: impl Fn(Cost) -> f64) -> bool {
        let rows = self.problem.batch_len();
        rows > self.problem.shape.chunk
            && flops(self.cost_a_sample) * rows as f64 >= SMALLEST_PARALLEL
            && rayon::current_num_threads() > 1
    }
}

/// The chunks of each lane for batches of `capacity` samples, as even as whole chunks allow.
pub(super) fn runs_of_chunks(shape: &Shape, capacity: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let count = capacity.div_ceil(shape.chunk);
    let lanes = count.min((SUMS / shape.dim()).clamp(2, LANES));
    (0..lanes).map(move |number| count * number / lanes..count * (number + 1) / lanes)
}

/// The lanes of batches of `capacity` samples.
fn lanes(shape: &Shape, capacity: usize) -> Vec<Lane> {
    let is_kept = capacity * Tape::numbers_a_sample(shape) <= KEPT;
    let lane = |chunks: Range<usize>| {
        let size = |chunk: usize| shape.chunk.min(capacity - chunk * shape.chunk);
        let cell = |chunk: usize| Cell {
            chunk: Chunk::new(shape, size(chunk)),
            holds: None,
            tape: Tape::with_backward(shape, size(chunk)),
            known: Known::Nothing,
            value: 0.0,
        };
        Lane {
            cells: if is_kept { chunks.clone().map(cell).collect() } else { vec![cell(chunks.start)] },
            trial: Tape::new(shape, size(chunks.start)),
            products: Products::default(),
            value: 0.0,
            sum: Vec::new(),
            chunks,
        }
    };
    runs_of_chunks(shape, capacity).map(lane).collect()
}

/// Equal as bits: −0 and 0 are different points, a NaN is the same point as itself.
pub(super) fn same_bits(x: &[f64], y: &[f64]) -> bool {
    x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits())
}
