//! The sums of one task, tile by tile into the matrix.

use std::ops::Range;

use gf_linalg::{
    Update, fetch_block, mirror_block,
    panels::{Combination, NARROW, Packed, Product, Tile, Tiles, WIDE, products},
};

use super::{
    arrays::{packed_start, room},
    tasks::{Kind, Task},
    tensors::Tensors,
};
use crate::products::{Curvature, Operands};

/// Groups of left columns that are packed at a time, at most.
const LEFT_GROUPS: usize = 9;
/// Groups of right columns of a unit's panel that are packed at a time.
const UNIT_GROUPS: usize = 4;

/// What one thread keeps from task to task.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Pairs of inputs, as many as a task has.
    pairs: Vec<(usize, usize)>,
    /// Residual terms of the next layer's block, \[i\]\[j\]\[r\].
    residual: Vec<f64>,
    buffers: Buffers,
}

/// The factors of a product and its sums.
#[derive(Debug, Default)]
struct Buffers {
    left: Packed<NARROW>,
    right: Packed<WIDE>,
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
                    if m == task.l + 1 && self.of == Curvature::Hessian {
                        self.next_residual(task.l, first..last, scratch);
                    }
                    self.block(task, first..last, m, scratch);
                    if m > task.l + 1 && self.of == Curvature::Hessian {
                        self.far_residual(task, first..last, m, scratch);
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
        let right = self.tensors.packed(task.l);
        let rows = self.tensors.packed_rows(task.l);
        let Scratch { pairs, buffers, .. } = scratch;
        pairs.clear();
        pairs.extend(inputs.clone().flat_map(|i| (i..q).map(move |k| (i, k))));
        // Pairs with zeros in about the same samples come together, so that samples are left out for all of a group.
        let rarity = self.tensors.rarity(task.l);
        pairs.sort_unstable_by_key(|&(i, k)| (rarity[i].min(rarity[k]), rarity[i].max(rarity[k])));
        for pairs in parts(pairs) {
            sweep(self.at.tape.rows, x, x, pairs, right, buffers, |tile| {
                let mut j = rows[tile.right / WIDE];
                let (mut c, mut r) = (0, j + tile.right - packed_start(u, j));
                while c < tile.columns {
                    let count = (tile.columns - c).min(u - r);
                    for b in 0..tile.rows {
                        let (i, k) = pairs[tile.left + b];
                        let column = &mut task.columns[(i - inputs.start) * u + j];
                        tile.put(write, b, c, &mut column[k * u + r..][..count]);
                    }
                    (c, j, r) = (c + count, j + 1, j + 1);
                }
            });
            // Off the diagonal i = k the part above j = r lies in the lower triangle too.
            let mut blocks = pairs.iter().filter(|(i, k)| self.is_last && k > i).peekable();
            while let Some(&(i, k)) = blocks.next() {
                if let Some(&&(i, k)) = blocks.peek() {
                    fetch_block(&task.columns[(i - inputs.start) * u..][..u], k * u);
                }
                mirror_block(&mut task.columns[(i - inputs.start) * u..][..u], k * u);
            }
        }
    }

    /// The first term of block (l, m), l < m; with the second one, where m = l + 1.
    fn block(&self, task: &mut Task<'_>, inputs: Range<usize>, m: usize, scratch: &mut Scratch) {
        let (layer, far) = (&self.at.shape.layers[task.l], &self.at.shape.layers[m]);
        let (u, units, write) = (layer.units, far.units, self.write());
        let x = self.at.tape.input(self.at.shape, self.at.chunk, task.l);
        let y = self.at.tape.input(self.at.shape, self.at.chunk, m);
        let right = self.tensors.second_packed(task.l, m);
        let offset = far.offset - layer.offset;
        let with_residual = m == task.l + 1 && self.of == Curvature::Hessian;
        let Scratch { pairs, residual, buffers } = scratch;
        pairs.clear();
        pairs.extend(inputs.clone().flat_map(|i| (0..far.rows()).map(move |k| (i, k))));
        for pairs in parts(pairs) {
            sweep(self.at.tape.rows, x, y, pairs, right, buffers, |tile| {
                rows_of(tile, units, |j, r, c, count| {
                    for b in 0..tile.rows {
                        let (i, k) = pairs[tile.left + b];
                        let column = (i - inputs.start) * u + j;
                        let out = &mut task.columns[column][offset + k * units + r..][..count];
                        tile.put(write, b, c, out);
                        if with_residual && j == k && tile.is_known() {
                            let residual = &residual[column * units + r..][..count];
                            out.iter_mut().zip(residual).for_each(|(out, x)| *out += x);
                        }
                    }
                });
            });
        }
    }

    /// The second term of block (l, l + 1), Σₙ ã_i f'_j δ_r for k = j, where J is diagonal.
    fn next_residual(&self, l: usize, inputs: Range<usize>, scratch: &mut Scratch) {
        let n = self.at.tape.rows;
        let x = &self.at.tape.input(self.at.shape, self.at.chunk, l)[inputs.start * n..];
        let Scratch { residual, buffers: Buffers { left, tiles, .. }, .. } = scratch;
        left.pack(x, n, inputs.len());
        let right = self.tensors.cross(l);
        let width = right.columns();
        let residual = room(residual, inputs.len() * width);
        products(left, right, 0..right.groups(), tiles, |tile| {
            for b in 0..tile.rows {
                let out = &mut residual[(tile.left + b) * width + tile.right..][..tile.columns];
                tile.put(Update::Replace, b, 0, out);
            }
        });
    }

    /// The second term of block (l, m), l + 1 < m: adds Σₙ (ã_i δ_r) J^{l→m−1}\[j,k\].
    fn far_residual(&self, task: &mut Task<'_>, inputs: Range<usize>, m: usize, scratch: &mut Scratch) {
        let (layer, far) = (&self.at.shape.layers[task.l], &self.at.shape.layers[m]);
        let (u, units) = (layer.units, far.units);
        let x = self.at.tape.input(self.at.shape, self.at.chunk, task.l);
        let delta = self.at.tape.delta(self.at.shape, m);
        let right = self.tensors.jacobian_packed(task.l, m - 1);
        let offset = far.offset - layer.offset;
        let Scratch { pairs, buffers, .. } = scratch;
        pairs.clear();
        pairs.extend(inputs.clone().flat_map(|i| (0..units).map(move |r| (i, r))));
        for pairs in parts(pairs) {
            sweep(self.at.tape.rows, x, delta, pairs, right, buffers, |tile| {
                if !tile.is_known() {
                    return;
                }
                for c in 0..tile.columns {
                    let (k, j) = ((tile.right + c) / u, (tile.right + c) % u);
                    for b in 0..tile.rows {
                        let (i, r) = pairs[tile.left + b];
                        task.columns[(i - inputs.start) * u + j][offset + k * units + r] += tile.sum(b, c);
                    }
                }
            });
        }
    }

    /// Rows of layers l + 2 and on of the columns (·, j): with Y_{(k,r)} = ã_k 𝓗_{lm}\[j,r\] + J\[j,k\] δ_r, one product Ãᵀ Y a layer.
    fn unit(&self, task: &mut Task<'_>, j: usize, scratch: &mut Scratch) {
        let (l, at) = (task.l, &self.at);
        let layer = &at.shape.layers[l];
        let (n, u, write) = (at.tape.rows, layer.units, self.write());
        let left = self.tensors.input(l);
        let origin = at.shape.layers[l + 2].offset;
        let Buffers { right, tiles, .. } = &mut scratch.buffers;
        for (m, far) in at.shape.layers.iter().enumerate().skip(l + 2) {
            let units = far.units;
            let second = &self.tensors.second(l, m)[j * units * n..][..units * n];
            let y = at.tape.input(at.shape, at.chunk, m);
            let delta = at.tape.delta(at.shape, m);
            let offset = far.offset - origin;
            for first in (0..far.len()).step_by(UNIT_GROUPS * WIDE) {
                let width = (far.len() - first).min(UNIT_GROUPS * WIDE);
                right.pack_from(n, width, |c| {
                    let (k, r) = ((first + c) / units, (first + c) % units);
                    // No J in the row of the biases.
                    let jacobian = self.tensors.jacobian(l, m - 1, (k < far.inputs).then_some(k * u + j), n);
                    let residual = Product(jacobian, &delta[r * n..][..n]);
                    Combination(Product(&y[k * n..][..n], &second[r * n..][..n]), residual)
                });
                products(left, right, 0..right.groups(), tiles, |tile| {
                    for b in 0..tile.rows {
                        let start = offset + first + tile.right;
                        tile.put(write, b, 0, &mut task.columns[tile.left + b][start..][..tile.columns]);
                    }
                });
            }
        }
    }
}

/// Pairs cut into parts of as many whole groups of left columns, but for one, and at most [`LEFT_GROUPS`].
fn parts(pairs: &[(usize, usize)]) -> impl Iterator<Item = &[(usize, usize)]> {
    let groups = pairs.len().div_ceil(NARROW);
    let count = groups.div_ceil(LEFT_GROUPS);
    let start = move |part: usize| (part * groups / count * NARROW).min(pairs.len());
    (0..count).map(move |part| &pairs[start(part)..start(part + 1)])
}

/// Σₙ x_i y_k Q_c for all `pairs` (i, k), the left columns, and all columns c of a tensor.
fn sweep(
    n: usize,
    x: &[f64],
    y: &[f64],
    pairs: &[(usize, usize)],
    tensor: &Packed<WIDE>,
    Buffers { left, tiles, .. }: &mut Buffers,
    scatter: impl FnMut(Tile<'_>),
) {
    left.pack_from(n, pairs.len(), |c| {
        let (i, k) = pairs[c];
        Product(&x[i * n..][..n], &y[k * n..][..n])
    });
    products(left, tensor, 0..tensor.groups(), tiles, scatter);
}

/// Cuts a tile's columns at the rows of a tensor: calls `f(row, first column in it, first column of the tile, count)`.
#[inline(always)]
fn rows_of(tile: Tile<'_>, width: usize, mut f: impl FnMut(usize, usize, usize, usize)) {
    let (mut row, mut column) = (tile.right / width, tile.right % width);
    let mut c = 0;
    while c < tile.columns {
        let count = (tile.columns - c).min(width - column);
        f(row, column, c, count);
        (c, row, column) = (c + count, row + 1, 0);
    }
}
