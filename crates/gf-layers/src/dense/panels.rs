//! The products of one task, in panels that stay in cache, and their scattering into the matrix.

use std::ops::Range;

use gf_linalg::{Update, View, ViewMut, product, slices};

use super::{
    tasks::{Kind, Task},
    tensors::{Tensors, packed_start},
};
use crate::products::{Curvature, Operands};

/// Numbers in a panel: 1 MiB, about what the second-level cache holds.
const PANEL: usize = 128 << 10;
/// The fewest columns of a tensor in one product.
const FEWEST_COLUMNS: usize = 100;

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    left: Vec<f64>,
    result: Vec<f64>,
}

/// The first `len` numbers of a buffer that grows to what is needed.
fn room(buffer: &mut Vec<f64>, len: usize) -> &mut [f64] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

/// Runs a task on one chunk; the first one overwrites, the others add.
pub(super) fn run(
    task: &mut Task<'_>,
    of: Curvature,
    at: Operands<'_>,
    tensors: &Tensors,
    overwrite: bool,
    scratch: &mut Scratch,
) {
    let write = if overwrite { Update::Replace } else { Update::Add };
    match task.kind {
        Kind::Inputs { first, last, end } => {
            diagonal(task, first..last, at, tensors, write, scratch);
            for m in task.l + 1..end {
                block(task, first..last, m, at, tensors, write, scratch);
                if of == Curvature::Hessian {
                    residual(task, first..last, m, at, tensors, scratch);
                }
            }
        }
        Kind::Unit { j } => unit(task, j, of, at, tensors, write, scratch),
    }
}

/// out = x or out += x.
fn put(write: Update, x: &[f64], out: &mut [f64]) {
    match write {
        Update::Replace => out.copy_from_slice(x),
        Update::Add => {
            for (out, x) in out.iter_mut().zip(x) {
                *out += x;
            }
        }
    }
}

/// Σₙ x_i y_k Q_c for all pairs (i, k) and all columns c of a tensor, in panels.
struct Pairs<'a> {
    /// Samples.
    n: usize,
    /// x_i and y_k: column-major with n rows.
    x: &'a [f64],
    y: &'a [f64],
    /// The tensor, n numbers a column, cut into groups that stay together.
    tensor: &'a [f64],
    groups: usize,
}

impl Pairs<'_> {
    /// Calls `scatter(i, k, groups, sums)` for every pair and every range of groups; `start` says which column a group starts at.
    fn run(
        &self,
        pairs: impl Iterator<Item = (usize, usize)>,
        start: impl Fn(usize) -> usize,
        scratch: &mut Scratch,
        mut scatter: impl FnMut(usize, usize, Range<usize>, &[f64]),
    ) {
        let (n, columns) = (self.n, start(self.groups));
        let widest = if columns * n <= PANEL { columns } else { (PANEL / n).max(FEWEST_COLUMNS) };
        let size = (PANEL / widest.max(n)).clamp(4, MOST_PAIRS);
        let mut pairs = pairs.peekable();
        let left = room(&mut scratch.left, size * n);
        // At most `size` pairs are known at a time.
        let mut known = [(0, 0); MOST_PAIRS];
        while pairs.peek().is_some() {
            let mut count = 0;
            for (slot, (i, k)) in known[..size].iter_mut().zip(pairs.by_ref()) {
                *slot = (i, k);
                slices::multiply(&self.x[i * n..][..n], &self.y[k * n..][..n], &mut left[count * n..][..n]);
                count += 1;
            }
            let mut first = 0;
            while first < self.groups {
                let mut last = first + 1;
                while last < self.groups && start(last + 1) - start(first) <= widest {
                    last += 1;
                }
                let width = start(last) - start(first);
                let tensor = View::columns(&self.tensor[start(first) * n..], n, width);
                let result = room(&mut scratch.result, width * count);
                let sums = ViewMut::columns(result, width, count);
                product(tensor.transpose(), View::columns(left, n, count), Update::Replace, sums);
                for (sums, (i, k)) in result.chunks_exact(width).zip(&known[..count]) {
                    scatter(*i, *k, first..last, sums);
                }
                first = last;
            }
        }
    }
}

/// Pairs a panel holds at most.
const MOST_PAIRS: usize = 512;

/// The diagonal block: H_{(i,j),(k,r)} = Σₙ ã_i ã_k 𝓗_{ll}\[j,r\] is symmetric in (i, k) and in (j, r), so a quarter is computed.
fn diagonal(
    task: &mut Task<'_>,
    inputs: Range<usize>,
    at: Operands<'_>,
    tensors: &Tensors,
    write: Update,
    scratch: &mut Scratch,
) {
    let layer = &at.shape.layers[task.l];
    let (n, q, u) = (at.tape.rows, layer.rows(), layer.units);
    let x = at.tape.input(at.shape, at.chunk, task.l);
    let products = Pairs { n, x, y: x, tensor: tensors.packed(task.l), groups: u };
    let pairs = inputs.clone().flat_map(|i| (i..q).map(move |k| (i, k)));
    let start = |j| packed_start(u, j);
    products.run(pairs, start, scratch, |i, k, rows, sums| {
        let base = start(rows.start);
        let columns = &mut task.columns[(i - inputs.start) * u..][..u];
        for (r, column) in columns.iter_mut().enumerate().skip(rows.start) {
            let block = &mut column[k * u..][..u];
            // Off the diagonal i = k the part above j = r lies in the lower triangle too.
            if i < k {
                let mut from = r;
                for (j, entry) in block[..rows.end.min(r)].iter_mut().enumerate() {
                    let step = u - 1 - j;
                    if j >= rows.start {
                        let sum = sums[from - base];
                        *entry = if write == Update::Replace { sum } else { *entry + sum };
                    }
                    from += step;
                }
            }
            if r < rows.end {
                put(write, &sums[start(r) - base..][..u - r], &mut block[r..]);
            }
        }
    });
}

/// The first term of block (l, m), l < m.
fn block(
    task: &mut Task<'_>,
    inputs: Range<usize>,
    m: usize,
    at: Operands<'_>,
    tensors: &Tensors,
    write: Update,
    scratch: &mut Scratch,
) {
    let (layer, far) = (&at.shape.layers[task.l], &at.shape.layers[m]);
    let (n, u, units) = (at.tape.rows, layer.units, far.units);
    let x = at.tape.input(at.shape, at.chunk, task.l);
    let y = at.tape.input(at.shape, at.chunk, m);
    let products = Pairs { n, x, y, tensor: tensors.second(task.l, m), groups: u };
    let pairs = inputs.clone().flat_map(|i| (0..far.rows()).map(move |k| (i, k)));
    let offset = far.offset - layer.offset;
    products.run(
        pairs,
        |j| j * units,
        scratch,
        |i, k, rows, sums| {
            let columns = &mut task.columns[(i - inputs.start) * u..][rows];
            for (column, sums) in columns.iter_mut().zip(sums.chunks_exact(units)) {
                put(write, sums, &mut column[offset + k * units..][..units]);
            }
        },
    );
}

/// The second term of block (l, m), l < m: adds Σₙ ã_i J^{l→m−1}\[j,k\] δ_r.
fn residual(
    task: &mut Task<'_>,
    inputs: Range<usize>,
    m: usize,
    at: Operands<'_>,
    tensors: &Tensors,
    scratch: &mut Scratch,
) {
    let (layer, far) = (&at.shape.layers[task.l], &at.shape.layers[m]);
    let (n, u, units) = (at.tape.rows, layer.units, far.units);
    let x = at.tape.input(at.shape, at.chunk, task.l);
    let offset = far.offset - layer.offset;
    if m == task.l + 1 {
        // J is diagonal: k = j. The pair's second factor is the input that is 1.
        let products = Pairs { n, x, y: x, tensor: tensors.cross(task.l), groups: u };
        let pairs = inputs.clone().map(|i| (i, layer.inputs));
        products.run(
            pairs,
            |j| j * units,
            scratch,
            |i, _, rows, sums| {
                for (j, sums) in rows.zip(sums.chunks_exact(units)) {
                    let column = &mut task.columns[(i - inputs.start) * u + j];
                    put(Update::Add, sums, &mut column[offset + j * units..][..units]);
                }
            },
        );
    } else {
        let delta = at.tape.delta(at.shape, m);
        let products = Pairs { n, x, y: delta, tensor: tensors.jacobian(task.l, m - 1), groups: far.inputs };
        let pairs = inputs.clone().flat_map(|i| (0..units).map(move |r| (i, r)));
        products.run(
            pairs,
            |k| k * u,
            scratch,
            |i, r, rows, sums| {
                let columns = &mut task.columns[(i - inputs.start) * u..][..u];
                for (j, column) in columns.iter_mut().enumerate() {
                    for (k, sums) in rows.clone().zip(sums.chunks_exact(u)) {
                        column[offset + k * units + r] += sums[j];
                    }
                }
            },
        );
    }
}

/// Rows of layers l + 2 and on of the columns (·, j): with Y_{(k,r)} = ã_k 𝓗_{lm}\[j,r\] + J\[j,k\] δ_r, one product Yᵀ Ã a panel.
fn unit(
    task: &mut Task<'_>,
    j: usize,
    of: Curvature,
    at: Operands<'_>,
    tensors: &Tensors,
    write: Update,
    scratch: &mut Scratch,
) {
    let l = task.l;
    let layer = &at.shape.layers[l];
    let (n, q, u) = (at.tape.rows, layer.rows(), layer.units);
    let input = View::columns(at.tape.input(at.shape, at.chunk, l), n, q);
    let origin = at.shape.layers[l + 2].offset;
    for (m, far) in at.shape.layers.iter().enumerate().skip(l + 2) {
        let units = far.units;
        let second = &tensors.second(l, m)[j * units * n..][..units * n];
        let y = at.tape.input(at.shape, at.chunk, m);
        let delta = at.tape.delta(at.shape, m);
        let step = (PANEL / (units * n.max(q))).max(1);
        for first in (0..far.rows()).step_by(step) {
            let rows = first..(first + step).min(far.rows());
            let width = rows.len() * units;
            let left = room(&mut scratch.left, width * n);
            for (k, panel) in rows.zip(left.chunks_exact_mut(units * n)) {
                let y = &y[k * n..][..n];
                let residual = of == Curvature::Hessian && k < far.inputs;
                for (r, panel) in panel.chunks_exact_mut(n).enumerate() {
                    let second = &second[r * n..][..n];
                    if residual {
                        let jacobian = &tensors.jacobian(l, m - 1)[(k * u + j) * n..][..n];
                        slices::combine(y, second, jacobian, &delta[r * n..][..n], panel);
                    } else {
                        slices::multiply(y, second, panel);
                    }
                }
            }
            let result = room(&mut scratch.result, width * q);
            let sums = ViewMut::columns(result, width, q);
            product(View::columns(left, n, width).transpose(), input, Update::Replace, sums);
            let start = far.offset - origin + first * units;
            for (column, sums) in task.columns.iter_mut().zip(result.chunks_exact(width)) {
                put(write, sums, &mut column[start..start + width]);
            }
        }
    }
}
