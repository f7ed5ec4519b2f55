//! The second derivatives in the z of all layers, and the Jacobians between layers, sample by sample.

use gf_linalg::{Update, View, ViewMut, product, slices};

use crate::{
    products::{Curvature, Operands},
    shape::Shape,
};

/// Tensors of one chunk of n samples; the samples contiguous.
#[derive(Debug)]
pub(super) struct Tensors {
    /// 𝓗_{lm} as \[j\]\[r\]\[n\], for l ≤ m at \[l\]\[m − l\].
    second: Vec<Vec<Vec<f64>>>,
    /// 𝓗_{ll} for r ≥ j, packed.
    packed: Vec<Vec<f64>>,
    /// J^{l→q} as \[k\]\[j\]\[n\], for l < q < L − 1 at \[l\]\[q − l − 1\].
    jacobian: Vec<Vec<Vec<f64>>>,
    /// f'_l\[j\] δ^{l+1}\[r\] as \[j\]\[r\]\[n\].
    cross: Vec<Vec<f64>>,
}

/// Where row j of a packed symmetric u × u matrix starts: entries (j, r ≥ j), row after row.
pub(super) fn packed_start(u: usize, j: usize) -> usize {
    j * u - j * j.saturating_sub(1) / 2
}

impl Tensors {
    pub(super) fn new(shape: &Shape, capacity: usize) -> Self {
        let layers = &shape.layers;
        let units = |l: usize| layers[l].units;
        let tensor = |l: usize, m: usize| vec![0.0; units(l) * units(m) * capacity];
        let count = layers.len();
        Self {
            second: (0..count).map(|l| (l..count).map(|m| tensor(l, m)).collect()).collect(),
            packed: (0..count).map(|l| vec![0.0; packed_start(units(l), units(l)) * capacity]).collect(),
            jacobian: (0..count).map(|l| (l + 1..count.max(1) - 1).map(|q| tensor(l, q)).collect()).collect(),
            cross: (0..count - 1).map(|l| tensor(l, l + 1)).collect(),
        }
    }

    /// 𝓗_{lm}.
    pub(super) fn second(&self, l: usize, m: usize) -> &[f64] {
        &self.second[l][m - l]
    }

    /// 𝓗_{ll}, packed.
    pub(super) fn packed(&self, l: usize) -> &[f64] {
        &self.packed[l]
    }

    /// J^{l→q}, l < q.
    pub(super) fn jacobian(&self, l: usize, q: usize) -> &[f64] {
        &self.jacobian[l][q - l - 1]
    }

    /// f'_l δ^{l+1}.
    pub(super) fn cross(&self, l: usize) -> &[f64] {
        &self.cross[l]
    }

    /// Computes what the matrix `of` needs.
    pub(super) fn fill(&mut self, of: Curvature, at: Operands<'_>) {
        self.fill_output(of, at);
        for l in (0..at.shape.layers.len() - 1).rev() {
            self.fill_second(of, at, l);
        }
        if of == Curvature::Hessian {
            for l in 0..at.shape.layers.len() - 1 {
                self.fill_residual(at, l);
            }
        }
    }

    /// 𝓗_{LL} = f'⊙B⊙f' + diag(bend).
    fn fill_output(&mut self, of: Curvature, at: Operands<'_>) {
        let (n, shape) = (at.tape.rows, at.shape);
        let last = shape.layers.len() - 1;
        let u = shape.layers[last].units;
        let outputs = at.chunk.with_outputs(shape, at.tape.outputs(shape), at.scale);
        let full = &mut self.second[last][0];
        for j in 0..u {
            for r in 0..u {
                let entry = &mut full[(j * u + r) * n..][..n];
                at.loss.curvature_entry(outputs, at.tape.curvature(shape), j, r, entry);
                if let Some(slope) = at.tape.slope(shape, last) {
                    for i in 0..n {
                        entry[i] *= slope[j * n + i] * slope[r * n + i];
                    }
                }
            }
        }
        if let (Curvature::Hessian, Some(bend)) = (of, at.tape.bend(shape, last)) {
            for j in 0..u {
                add(&bend[j * n..][..n], &mut full[(j * u + j) * n..][..n]);
            }
        }
        for j in 0..u {
            let start = packed_start(u, j) * n;
            let row = (u - j) * n;
            self.packed[last][start..start + row].copy_from_slice(&full[(j * u + j) * n..][..row]);
        }
    }

    /// 𝓗_{lm} = diag(f'_l) W^{l+1} 𝓗_{l+1,m} for m > l, and 𝓗_{ll} = 𝓗_{l,l+1} W^{l+1 ᵀ} diag(f'_l) + diag(bend).
    fn fill_second(&mut self, of: Curvature, at: Operands<'_>, l: usize) {
        let (n, shape) = (at.tape.rows, at.shape);
        let (u, outer) = (shape.layers[l].units, &shape.layers[l + 1]);
        let weights = outer.part(at.theta);
        let slope = at.tape.slope(shape, l);
        let (mine, theirs) = self.second.split_at_mut(l + 1);
        let (full, beyond) = mine[l].split_at_mut(1);
        for ((inner, source), far) in beyond.iter_mut().zip(&theirs[0]).zip(&shape.layers[l + 1..]) {
            let long = far.units * n;
            let source = View::columns(source, long, outer.units);
            let transposed = View::columns(weights, outer.units, u);
            product(source, transposed, Update::Replace, ViewMut::columns(inner, long, u));
            if let Some(slope) = slope {
                for (row, slope) in inner.chunks_exact_mut(long).zip(slope.chunks_exact(n)) {
                    row.chunks_exact_mut(n).for_each(|entry| scale(slope, entry));
                }
            }
        }
        let (packed, full) = (&mut self.packed[l], &mut full[0]);
        for j in 0..u {
            let row = &mut packed[packed_start(u, j) * n..][..(u - j) * n];
            let source = View::columns(&beyond[0][j * outer.units * n..], n, outer.units);
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
            if l > 0 {
                full[(j * u + j) * n..(j + 1) * u * n].copy_from_slice(row);
                for r in j + 1..u {
                    full[(r * u + j) * n..][..n].copy_from_slice(&row[(r - j) * n..][..n]);
                }
            }
        }
    }

    /// J^{l→q} for all q that blocks beyond the next layer need, and f'_l δ^{l+1}.
    fn fill_residual(&mut self, at: Operands<'_>, l: usize) {
        let (n, shape) = (at.tape.rows, at.shape);
        let u = shape.layers[l].units;
        let delta = at.tape.delta(shape, l + 1);
        let slope = at.tape.slope(shape, l);
        for (j, row) in self.cross[l].chunks_exact_mut(shape.layers[l + 1].units * n).take(u).enumerate() {
            match slope {
                Some(slope) => {
                    let slope = &slope[j * n..][..n];
                    for (entry, delta) in row.chunks_exact_mut(n).zip(delta.chunks_exact(n)) {
                        slices::multiply(slope, delta, entry);
                    }
                }
                None => row.copy_from_slice(delta),
            }
        }
        for q in l + 1..shape.layers.len() - 1 {
            let layer = &shape.layers[q];
            let (known, rest) = self.jacobian[l].split_at_mut(q - l - 1);
            let out = &mut rest[0][..layer.units * u * n];
            match known.last() {
                Some(before) => {
                    let weights = View::strided(layer.part(at.theta_columns), layer.inputs, layer.units, layer.rows());
                    let before = View::columns(before, u * n, layer.inputs);
                    product(before, weights, Update::Replace, ViewMut::columns(out, u * n, layer.units));
                }
                None => {
                    let weights = layer.part(at.theta);
                    for (k, out) in out.chunks_exact_mut(u * n).enumerate() {
                        for (j, entry) in out.chunks_exact_mut(n).enumerate() {
                            entry.fill(weights[j * layer.units + k]);
                            if let Some(slope) = slope {
                                scale(&slope[j * n..][..n], entry);
                            }
                        }
                    }
                }
            }
            if let Some(slope) = at.tape.slope(shape, q) {
                for (out, slope) in out.chunks_exact_mut(u * n).zip(slope.chunks_exact(n)) {
                    out.chunks_exact_mut(n).for_each(|entry| scale(slope, entry));
                }
            }
        }
    }
}

/// out = out⊙x.
fn scale(x: &[f64], out: &mut [f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out *= x;
    }
}

/// out += x.
fn add(x: &[f64], out: &mut [f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out += x;
    }
}
