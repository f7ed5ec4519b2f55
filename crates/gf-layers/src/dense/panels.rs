//! The sums of one task, tile by tile into the matrix.

use std::ops::Range;

use gf_linalg::{
    Update,
    panels::{NARROW, Packed, Tile, Tiles, WIDE, products},
    slices,
};

use super::{
    arrays::packed_start,
    tasks::{Kind, Task},
    tensors::Tensors,
};
use crate::products::{Curvature, Operands};

/// Left columns that are packed at a time.
const PAIRS: usize = 8 * NARROW;
/// Groups of right columns of a unit's panel that are packed at a time.
const UNIT_GROUPS: usize = 4;

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    left: Packed<NARROW>,
    right: Packed<WIDE>,
    columns: Vec<f64>,
    pairs: Vec<(usize, usize)>,
    tiles: Tiles,
}

/// What all tasks of one chunk share.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) of: Curvature,
    pub(super) at: Operands<'a>,
    pub(super) tensors: &'a Tensors,
    /// The first chunk overwrites, the others add.
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

impl Part<'_> {
    /// Runs a task.
    pub(super) fn run(&self, task: &mut Task<'_>, scratch: &mut Scratch) {
        match task.kind {
            Kind::Inputs { first, last, end } => {
                self.diagonal(task, first..last, scratch);
                for m in task.l + 1..end {
                    self.block(task, first..last, m, scratch);
                    if self.of == Curvature::Hessian {
                        if m == task.l + 1 {
                            self.next_residual(task, first..last, scratch);
                        } else {
                            self.far_residual(task, first..last, m, scratch);
                        }
                    }
                }
            }
            Kind::Unit { j } => self.unit(task, j, scratch),
        }
    }

    fn write(&self) -> Update {
        if self.is_first { Update::Replace } else { Update::Add }
    }

    /// The diagonal block: H_{(i,j),(k,r)} = Σₙ ã_i ã_k 𝓗_{ll}\[j,r\] is symmetric in (i, k) and in (j, r), so a quarter is computed.
    fn diagonal(&self, task: &mut Task<'_>, inputs: Range<usize>, scratch: &mut Scratch) {
        let layer = &self.at.shape.layers[task.l];
        let (q, u, write) = (layer.rows(), layer.units, self.write());
        let x = self.at.tape.input(self.at.shape, self.at.chunk, task.l);
        let pairs = inputs.clone().flat_map(|i| (i..q).map(move |k| (i, k)));
        let right = self.tensors.packed(task.l);
        let rows = self.tensors.packed_rows(task.l);
        sweep(self.at.tape.rows, x, x, pairs, right, scratch, |known, tile| {
            for b in 0..tile.rows {
                let (i, k) = known[tile.left + b];
                let columns = &mut task.columns[(i - inputs.start) * u..][..u];
                let mut sums = tile.row(b);
                let mut j = rows[tile.right / WIDE];
                let mut r = j + tile.right - packed_start(u, j);
                while !sums.is_empty() {
                    let (here, rest) = sums.split_at(sums.len().min(u - r));
                    put(write, here, &mut columns[j][k * u + r..]);
                    (sums, j, r) = (rest, j + 1, j + 1);
                }
            }
        });
        if self.is_last {
            // Off the diagonal i = k the part above j = r lies in the lower triangle too.
            for i in inputs.clone() {
                let columns = &mut task.columns[(i - inputs.start) * u..][..u];
                for k in i + 1..q {
                    mirror_block(columns, k * u);
                }
            }
        }
    }

    /// The first term of block (l, m), l < m.
    fn block(&self, task: &mut Task<'_>, inputs: Range<usize>, m: usize, scratch: &mut Scratch) {
        let (layer, far) = (&self.at.shape.layers[task.l], &self.at.shape.layers[m]);
        let (u, units, write) = (layer.units, far.units, self.write());
        let x = self.at.tape.input(self.at.shape, self.at.chunk, task.l);
        let y = self.at.tape.input(self.at.shape, self.at.chunk, m);
        let pairs = inputs.clone().flat_map(|i| (0..far.rows()).map(move |k| (i, k)));
        let offset = far.offset - layer.offset;
        sweep(self.at.tape.rows, x, y, pairs, self.tensors.second_packed(task.l, m), scratch, |known, tile| {
            for b in 0..tile.rows {
                let (i, k) = known[tile.left + b];
                let columns = &mut task.columns[(i - inputs.start) * u..][..u];
                rows_of(tile.row(b), tile.right, units, |j, r, sums| {
                    put(write, sums, &mut columns[j][offset + k * units + r..]);
                });
            }
        });
    }

    /// The second term of block (l, l + 1): adds Σₙ ã_i f'_j δ_r at k = j, where J is diagonal.
    fn next_residual(&self, task: &mut Task<'_>, inputs: Range<usize>, scratch: &mut Scratch) {
        let (layer, far) = (&self.at.shape.layers[task.l], &self.at.shape.layers[task.l + 1]);
        let (n, u, units) = (self.at.tape.rows, layer.units, far.units);
        let x = &self.at.tape.input(self.at.shape, self.at.chunk, task.l)[inputs.start * n..];
        let offset = far.offset - layer.offset;
        let Scratch { left, tiles, .. } = scratch;
        left.pack(x, n, inputs.len());
        let right = self.tensors.cross(task.l);
        products(left, right, 0..right.groups(), tiles, |tile| {
            for b in 0..tile.rows {
                let columns = &mut task.columns[(tile.left + b) * u..][..u];
                rows_of(tile.row(b), tile.right, units, |j, r, sums| {
                    put(Update::Add, sums, &mut columns[j][offset + j * units + r..]);
                });
            }
        });
    }

    /// The second term of block (l, m), l + 1 < m: adds Σₙ (ã_i δ_r) J^{l→m−1}\[j,k\].
    fn far_residual(&self, task: &mut Task<'_>, inputs: Range<usize>, m: usize, scratch: &mut Scratch) {
        let (layer, far) = (&self.at.shape.layers[task.l], &self.at.shape.layers[m]);
        let (u, units) = (layer.units, far.units);
        let x = self.at.tape.input(self.at.shape, self.at.chunk, task.l);
        let delta = self.at.tape.delta(self.at.shape, m);
        let pairs = inputs.clone().flat_map(|i| (0..units).map(move |r| (i, r)));
        let offset = far.offset - layer.offset;
        sweep(
            self.at.tape.rows,
            x,
            delta,
            pairs,
            self.tensors.jacobian_packed(task.l, m - 1),
            scratch,
            |known, tile| {
                for c in 0..tile.columns {
                    let (k, j) = ((tile.right + c) / u, (tile.right + c) % u);
                    for b in 0..tile.rows {
                        let (i, r) = known[tile.left + b];
                        task.columns[(i - inputs.start) * u + j][offset + k * units + r] += tile.row(b)[c];
                    }
                }
            },
        );
    }

    /// Rows of layers l + 2 and on of the columns (·, j): with Y_{(k,r)} = ã_k 𝓗_{lm}\[j,r\] + J\[j,k\] δ_r, one product Ãᵀ Y a layer.
    fn unit(&self, task: &mut Task<'_>, j: usize, scratch: &mut Scratch) {
        let (l, at) = (task.l, &self.at);
        let layer = &at.shape.layers[l];
        let (n, u, write) = (at.tape.rows, layer.units, self.write());
        let left = self.tensors.input(l);
        let origin = at.shape.layers[l + 2].offset;
        let Scratch { right, columns, tiles, .. } = scratch;
        for (m, far) in at.shape.layers.iter().enumerate().skip(l + 2) {
            let units = far.units;
            let second = &self.tensors.second(l, m)[j * units * n..][..units * n];
            let y = at.tape.input(at.shape, at.chunk, m);
            let delta = at.tape.delta(at.shape, m);
            let offset = far.offset - origin;
            for first in (0..far.len()).step_by(UNIT_GROUPS * WIDE) {
                let width = (far.len() - first).min(UNIT_GROUPS * WIDE);
                if columns.len() < width * n {
                    columns.resize(width * n, 0.0);
                }
                for (c, column) in (first..first + width).zip(columns.chunks_exact_mut(n)) {
                    let (k, r) = (c / units, c % units);
                    let (y, second) = (&y[k * n..][..n], &second[r * n..][..n]);
                    if self.of == Curvature::Hessian && k < far.inputs {
                        let jacobian = &self.tensors.jacobian(l, m - 1)[(k * u + j) * n..][..n];
                        slices::combine(y, second, jacobian, &delta[r * n..][..n], column);
                    } else {
                        slices::multiply(y, second, column);
                    }
                }
                right.pack(columns, n, width);
                products(left, right, 0..right.groups(), tiles, |tile| {
                    for b in 0..tile.rows {
                        let start = offset + first + tile.right;
                        put(write, tile.row(b), &mut task.columns[tile.left + b][start..]);
                    }
                });
            }
        }
    }
}

/// Σₙ x_i y_k Q_c for all pairs (i, k) and all columns c of a tensor; the scatterer learns which pairs the left columns are.
fn sweep(
    n: usize,
    x: &[f64],
    y: &[f64],
    mut pairs: impl Iterator<Item = (usize, usize)>,
    tensor: &Packed<WIDE>,
    scratch: &mut Scratch,
    mut scatter: impl FnMut(&[(usize, usize)], Tile<'_>),
) {
    let Scratch { left, pairs: known, tiles, .. } = scratch;
    loop {
        known.clear();
        known.extend(pairs.by_ref().take(PAIRS));
        if known.is_empty() {
            return;
        }
        left.pack_pairs(x, y, n, known);
        products(left, tensor, 0..tensor.groups(), tiles, |tile| scatter(known, tile));
    }
}

/// The leading numbers of out = x or out += x.
#[inline(always)]
fn put(write: Update, x: &[f64], out: &mut [f64]) {
    let out = &mut out[..x.len()];
    match write {
        Update::Replace => copy(x, out),
        Update::Add => {
            for (out, x) in out.iter_mut().zip(x) {
                *out += x;
            }
        }
    }
}

/// out = x for a few numbers: a call of `memcpy` takes longer than that.
#[inline(always)]
fn copy(x: &[f64], out: &mut [f64]) {
    fn pieces<const K: usize>(x: &[f64], out: &mut [f64]) -> Option<()> {
        // The last piece overlaps the one before it.
        let (from, to) = (x.last_chunk::<K>()?, out.last_chunk_mut::<K>()?);
        *to = *from;
        let whole = x.len() / K;
        for piece in 0..whole {
            let to: &mut [f64; K] = out[piece * K..].first_chunk_mut()?;
            *to = *x[piece * K..].first_chunk()?;
        }
        Some(())
    }
    let _ = match x.len() {
        8.. => pieces::<8>(x, out),
        4..8 => pieces::<4>(x, out),
        2..4 => pieces::<2>(x, out),
        _ => pieces::<1>(x, out),
    };
}

/// Cuts sums with the columns `first`, `first + 1`, … of a tensor at its rows: calls `f(row, first column in it, sums)`.
#[inline(always)]
fn rows_of(mut sums: &[f64], first: usize, width: usize, mut f: impl FnMut(usize, usize, &[f64])) {
    let (mut row, mut column) = (first / width, first % width);
    while !sums.is_empty() {
        let (here, rest) = sums.split_at(sums.len().min(width - column));
        f(row, column, here);
        (sums, row, column) = (rest, row + 1, 0);
    }
}

/// Entry (offset + j, column r) = entry (offset + r, column j) for j < r: the part above the diagonal of a square block.
fn mirror_block(columns: &mut [&mut [f64]], offset: usize) {
    const TILE: usize = 8;
    let u = columns.len();
    let mut tile = [[0.0; TILE]; TILE];
    for j0 in (0..u).step_by(TILE) {
        let width = TILE.min(u - j0);
        for r0 in (j0..u).step_by(TILE) {
            let height = TILE.min(u - r0);
            for (j, column) in columns[j0..j0 + width].iter().enumerate() {
                for (r, x) in column[offset + r0..][..height].iter().enumerate() {
                    tile[r][j] = *x;
                }
            }
            for (r, column) in columns[r0..r0 + height].iter_mut().enumerate() {
                let count = width.min(r0 + r - j0);
                column[offset + j0..][..count].copy_from_slice(&tile[r][..count]);
            }
        }
    }
}
