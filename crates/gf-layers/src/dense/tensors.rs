//! The second derivatives in the z of all layers, and the Jacobians between layers, sample by sample.

use gf_linalg::{
    Update, View, ViewMut,
    panels::{NARROW, Packed, WIDE},
    product,
};
use rayon::prelude::*;

use super::{
    arrays::{
        add, for_chunks, mirror_triangle, packed_start, product_by_stripes, room, scale, scale_each, triangle_rows,
    },
    skips::Skips,
    tasks::far_by_pairs,
};
use crate::{
    products::{Curvature, Operands},
    shape::Shape,
};

/// Tensors of one chunk of n samples; the samples contiguous, or packed where they are right factors. Buffers grow to what is needed.
#[derive(Debug)]
pub(super) struct Tensors {
    /// 𝓗_{lm} as \[j\]\[r\]\[n\], for l ≤ m at \[l\]\[m − l\].
    second: Vec<Vec<Vec<f64>>>,
    /// The same packed, for l < m, where products of pairs of inputs use it.
    second_packed: Vec<Vec<Packed<WIDE>>>,
    /// 𝓗_{ll} for r ≥ j.
    packed: Vec<Packed<WIDE>>,
    /// The row j of the first column of each of its groups.
    packed_rows: Vec<Vec<usize>>,
    /// J^{l→q} as \[k\]\[j\]\[n\], for l < q < L − 1 at \[l\]\[q − l − 1\].
    jacobian: Vec<Vec<Vec<f64>>>,
    jacobian_packed: Vec<Vec<Packed<WIDE>>>,
    /// f'_l\[j\] δ^{l+1}\[r\] as \[j\]\[r\]\[n\].
    cross: Vec<Packed<WIDE>>,
    /// ã^{l−1}, where units use it.
    inputs: Vec<Packed<NARROW>>,
    /// The rank of each input of each layer by the number of samples where it is not 0.
    rarity: Vec<Vec<usize>>,
    /// One for each sample.
    zeros: Vec<f64>,
    skips: Skips,
    /// What is packed next.
    scratch: Vec<f64>,
}

/// Nothing yet.
fn packed<const W: usize>(count: usize) -> Vec<Packed<W>> {
    std::iter::repeat_with(Packed::default).take(count).collect()
}

fn pack(to: &mut Packed<WIDE>, from: &[f64], n: usize, parallel: bool) {
    if parallel { to.pack_in_parallel(from, n, from.len() / n) } else { to.pack(from, n, from.len() / n) }
}

/// The rank of each column of n numbers by how many of them are not 0; in their order where that is the same.
fn rank_by_rarity(columns: &[f64], n: usize, ranks: &mut Vec<usize>) {
    let counts: Vec<usize> = columns.chunks_exact(n).map(|x| x.iter().filter(|x| **x != 0.0).count()).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&i| counts[i]);
    ranks.resize(counts.len(), 0);
    for (rank, i) in order.into_iter().enumerate() {
        ranks[i] = rank;
    }
}

impl Tensors {
    pub(super) fn new(shape: &Shape) -> Self {
        let layers = &shape.layers;
        let count = layers.len();
        let rows = |u: usize| {
            let columns = (0..u).flat_map(move |j| (j..u).map(move |_| j));
            columns.step_by(WIDE).collect()
        };
        Self {
            second: (0..count).map(|l| vec![Vec::new(); count - l]).collect(),
            second_packed: (0..count).map(|l| packed(count - l)).collect(),
            packed: packed(count),
            packed_rows: layers.iter().map(|layer| rows(layer.units)).collect(),
            jacobian: (0..count).map(|l| vec![Vec::new(); count.saturating_sub(l + 2)]).collect(),
            jacobian_packed: (0..count).map(|l| packed(count.saturating_sub(l + 2))).collect(),
            cross: packed(count.saturating_sub(1)),
            inputs: packed(count),
            rarity: vec![Vec::new(); count],
            zeros: Vec::new(),
            skips: Skips::default(),
            scratch: Vec::new(),
        }
    }

    /// Numbers that a sample takes, at most.
    pub(super) fn numbers_a_sample(shape: &Shape) -> usize {
        let units: Vec<usize> = shape.layers.iter().map(|layer| layer.units).collect();
        let pairs = |l: usize| -> usize { units[l + 1..].iter().map(|far| units[l] * far).sum() };
        // 𝓗 twice, J and f'δ; packing rounds up.
        let numbers = |l: usize| 2 * units[l] * (units[l] + WIDE) + 4 * pairs(l);
        (0..units.len()).map(numbers).sum::<usize>() + Skips::numbers_a_sample(shape)
    }

    /// 𝓗_{lm}.
    pub(super) fn second(&self, l: usize, m: usize) -> &[f64] {
        &self.second[l][m - l]
    }

    /// 𝓗_{lm}, l < m.
    pub(super) fn second_packed(&self, l: usize, m: usize) -> &Packed<WIDE> {
        &self.second_packed[l][m - l]
    }

    /// 𝓗_{ll} for r ≥ j.
    pub(super) fn packed(&self, l: usize) -> &Packed<WIDE> {
        &self.packed[l]
    }

    /// The row j of the first column of each group of [`Tensors::packed`].
    pub(super) fn packed_rows(&self, l: usize) -> &[usize] {
        &self.packed_rows[l]
    }

    /// Entry \[k\]\[j\] of J^{l→q}, l < q, for n samples; 0 for no entry.
    pub(super) fn jacobian(&self, l: usize, q: usize, entry: Option<usize>, n: usize) -> &[f64] {
        match entry {
            Some(entry) => &self.jacobian[l][q - l - 1][entry * n..][..n],
            None => &self.zeros[..n],
        }
    }

    /// J^{l→q}, l < q.
    pub(super) fn jacobian_packed(&self, l: usize, q: usize) -> &Packed<WIDE> {
        &self.jacobian_packed[l][q - l - 1]
    }

    /// f'_l δ^{l+1}.
    pub(super) fn cross(&self, l: usize) -> &Packed<WIDE> {
        &self.cross[l]
    }

    /// ã^{l−1}.
    pub(super) fn input(&self, l: usize) -> &Packed<NARROW> {
        &self.inputs[l]
    }

    /// The rank of each input of layer l by the number of samples where it is not 0; in their order where that is the same.
    pub(super) fn rarity(&self, l: usize) -> &[usize] {
        &self.rarity[l]
    }

    /// Computes what the matrix `of` needs.
    pub(super) fn fill(&mut self, of: Curvature, at: Operands<'_>, parallel: bool) {
        let (n, shape) = (at.tape.rows, at.shape);
        let count = shape.layers.len();
        room(&mut self.zeros, n);
        for (l, rarity) in self.rarity.iter_mut().enumerate() {
            rank_by_rarity(at.tape.input(shape, at.chunk, l), n, rarity);
        }
        self.fill_output(of, at);
        for l in (0..count - 1).rev() {
            if Skips::concern(at, l) {
                self.fill_second_by_skips(of, at, l, parallel);
            } else {
                self.fill_second(of, at, l, parallel);
            }
        }
        for (l, layer) in shape.layers.iter().enumerate().take(count - 1) {
            let by_pairs = far_by_pairs(of, layer);
            if of == Curvature::Hessian {
                self.fill_residual(at, l, parallel);
            }
            for m in l + 1..count {
                if m == l + 1 || by_pairs {
                    let numbers = layer.units * shape.layers[m].units * n;
                    pack(&mut self.second_packed[l][m - l], &self.second[l][m - l][..numbers], n, parallel);
                }
            }
            if by_pairs && of == Curvature::Hessian {
                for q in l + 1..count - 1 {
                    let numbers = layer.units * shape.layers[q].units * n;
                    pack(&mut self.jacobian_packed[l][q - l - 1], &self.jacobian[l][q - l - 1][..numbers], n, parallel);
                }
            } else if !by_pairs {
                self.inputs[l].pack(at.tape.input(shape, at.chunk, l), n, layer.rows());
            }
        }
    }

    /// 𝓗_{LL} = f'⊙B⊙f' + diag(bend).
    fn fill_output(&mut self, of: Curvature, at: Operands<'_>) {
        let (n, shape) = (at.tape.rows, at.shape);
        let last = shape.layers.len() - 1;
        let u = shape.layers[last].units;
        let outputs = at.chunk.with_outputs(shape, at.tape.outputs(shape), at.scale);
        let full = room(&mut self.second[last][0], u * u * n);
        at.loss.curvature_matrix(outputs, at.tape.curvature(shape), full);
        self.skips.start(at, full);
        if let Some(slope) = at.tape.slope(shape, last) {
            for (jr, entry) in full.chunks_exact_mut(n).enumerate() {
                let (j, r) = (jr / u, jr % u);
                for i in 0..n {
                    entry[i] *= slope[j * n + i] * slope[r * n + i];
                }
            }
        }
        if let (Curvature::Hessian, Some(bend)) = (of, at.tape.bend(shape, last)) {
            for j in 0..u {
                add(&bend[j * n..][..n], &mut full[(j * u + j) * n..][..n]);
            }
        }
        let triangle = room(&mut self.scratch, packed_start(u, u) * n);
        for j in 0..u {
            let row = (u - j) * n;
            triangle[packed_start(u, j) * n..][..row].copy_from_slice(&full[(j * u + j) * n..][..row]);
        }
        self.packed[last].pack(triangle, n, packed_start(u, u));
    }

    /// 𝓗_{lm} = diag(f'_l) W^{l+1} 𝓗_{l+1,m} for m > l, and 𝓗_{ll} = 𝓗_{l,l+1} W^{l+1 ᵀ} diag(f'_l) + diag(bend).
    fn fill_second(&mut self, of: Curvature, at: Operands<'_>, l: usize, parallel: bool) {
        let (n, shape) = (at.tape.rows, at.shape);
        let (u, outer) = (shape.layers[l].units, &shape.layers[l + 1]);
        let weights = outer.part(at.theta);
        let slope = at.tape.slope(shape, l);
        let (mine, theirs) = self.second.split_at_mut(l + 1);
        let (full, beyond) = mine[l].split_at_mut(1);
        for ((inner, source), far) in beyond.iter_mut().zip(&theirs[0]).zip(&shape.layers[l + 1..]) {
            let long = far.units * n;
            let inner = room(inner, long * u);
            let source = View::columns(source, long, outer.units);
            let weights = |first, count| View::columns(&weights[first * outer.units..], outer.units, count);
            product_by_stripes(source, weights, Update::Replace, inner, long, parallel, |j, row| {
                if let Some(slope) = slope {
                    scale_each(&slope[j * n..][..n], row);
                }
            });
        }
        // Row after row of the triangle, each by one thread.
        let triangle = room(&mut self.scratch, packed_start(u, u) * n);
        let next = &beyond[0];
        let fill = |(j, row): (usize, &mut [f64])| {
            let source = View::columns(&next[j * outer.units * n..], n, outer.units);
            let transposed = View::columns(&weights[j * outer.units..], outer.units, u - j);
            product(source, transposed, Update::Replace, ViewMut::columns(row, n, u - j));
            if let Some(slope) = slope {
                for (entry, slope) in row.chunks_exact_mut(n).zip(slope[j * n..].chunks_exact(n)) {
                    scale(slope, entry);
                }
            }
            if let (Curvature::Hessian, Some(bend)) = (of, at.tape.bend(shape, l)) {
                add(&bend[j * n..][..n], &mut row[..n]);
            }
        };
        let rows = triangle_rows(triangle, u, n);
        if parallel {
            rows.into_par_iter().enumerate().for_each(fill);
        } else {
            rows.into_iter().enumerate().for_each(fill);
        }
        if l > 0 {
            mirror_triangle(triangle, u, n, room(&mut full[0], u * u * n), parallel);
        }
        pack(&mut self.packed[l], triangle, n, parallel);
    }

    /// 𝓗_{lm} for m ≥ l, where this layer or the next has a skip connection.
    fn fill_second_by_skips(&mut self, of: Curvature, at: Operands<'_>, l: usize, parallel: bool) {
        let (n, shape) = (at.tape.rows, at.shape);
        let u = shape.layers[l].units;
        let slope = at.tape.slope(shape, l);
        let (mine, theirs) = self.second.split_at_mut(l + 1);
        let (full, beyond) = mine[l].split_at_mut(1);
        self.skips.advance(at, l, &theirs[0], parallel);
        for (m, inner) in (l + 1..).zip(beyond) {
            let mixed = self.skips.mixed(at, l, m);
            let inner = room(inner, mixed.len());
            for_chunks(inner, mixed.len() / u, parallel, |j, row| {
                row.copy_from_slice(&mixed[j * row.len()..][..row.len()]);
                if let Some(slope) = slope {
                    scale_each(&slope[j * n..][..n], row);
                }
            });
        }
        let triangle = room(&mut self.scratch, packed_start(u, u) * n);
        self.skips.finish(at, l, triangle, parallel);
        for (j, row) in triangle_rows(triangle, u, n).into_iter().enumerate() {
            if let Some(slope) = slope {
                for (entry, other) in row.chunks_exact_mut(n).zip(slope[j * n..].chunks_exact(n)) {
                    scale(&slope[j * n..][..n], entry);
                    scale(other, entry);
                }
            }
            if let (Curvature::Hessian, Some(bend)) = (of, at.tape.bend(shape, l)) {
                add(&bend[j * n..][..n], &mut row[..n]);
            }
        }
        if l > 0 {
            mirror_triangle(triangle, u, n, room(&mut full[0], u * u * n), parallel);
        }
        pack(&mut self.packed[l], triangle, n, parallel);
    }

    /// J^{l→q} for all q that blocks beyond the next layer need, and f'_l δ^{l+1}.
    fn fill_residual(&mut self, at: Operands<'_>, l: usize, parallel: bool) {
        let (n, shape) = (at.tape.rows, at.shape);
        let u = shape.layers[l].units;
        let delta = at.tape.delta(shape, l + 1);
        let slope = at.tape.slope(shape, l);
        let cross = room(&mut self.scratch, u * shape.layers[l + 1].units * n);
        for_chunks(cross, shape.layers[l + 1].units * n, parallel, |j, row| {
            row.copy_from_slice(delta);
            if let Some(slope) = slope {
                scale_each(&slope[j * n..][..n], row);
            }
        });
        pack(&mut self.cross[l], cross, n, parallel);
        for q in l + 1..shape.layers.len() - 1 {
            let layer = &shape.layers[q];
            let (known, rest) = self.jacobian[l].split_at_mut(q - l - 1);
            let out = room(&mut rest[0], layer.units * u * n);
            let weights = layer.part(at.theta);
            let outer = at.tape.slope(shape, q);
            let finish = |k: usize, out: &mut [f64]| {
                if let Some(slope) = outer {
                    scale_each(&slope[k * n..][..n], out);
                }
            };
            match known.last() {
                Some(before) => {
                    let before = View::columns(before, u * n, layer.inputs);
                    let weights = |first: usize, count| {
                        View::strided(&weights[first..], count, layer.inputs, layer.units).transpose()
                    };
                    product_by_stripes(before, weights, Update::Replace, out, u * n, parallel, finish);
                }
                None => for_chunks(out, u * n, parallel, |k, out| {
                    for (j, entry) in out.chunks_exact_mut(n).enumerate() {
                        entry.fill(weights[j * layer.units + k]);
                        if let Some(slope) = slope {
                            scale(&slope[j * n..][..n], entry);
                        }
                    }
                    finish(k, out);
                }),
            }
            if layer.skip {
                match known.last() {
                    Some(before) => add(&before[..out.len()], out),
                    // J^{l→l} = diag(f'_l).
                    None => out.chunks_exact_mut(n).step_by(u + 1).enumerate().for_each(|(j, entry)| match slope {
                        Some(slope) => add(&slope[j * n..][..n], entry),
                        None => entry.iter_mut().for_each(|x| *x += 1.0),
                    }),
                }
            }
        }
    }
}
