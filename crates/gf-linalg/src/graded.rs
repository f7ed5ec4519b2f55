//! Products of many matrices, factored so that their small singular values are not lost.

use gf_core::vector;

use crate::{SvdError, Update, View, ViewMut, product};

/// A = A_k ⋯ A₁ as Q·R·e^s: Q with orthonormal columns, R upper trapezoidal, s the logarithm of its size.
///
/// **Recurrence**: A_{k+1}·Q = Q'·R' by Householder reflections, then R ← R'·R, divided by its largest entry, whose logarithm goes to s. Rows of
/// zeros (units that are off) are taken out before, so that what has rank 0 stays so and is not replaced by rounding.
/// **Accuracy**: ln σ is right to about ε·Σ κ(A_k): the conditions of the factors, not that of the product, whose small singular values an
/// explicit product would lose below 1e-16 of the largest. A value below 1e-300 of the largest is lost to underflow and counts as zero.
/// **Cost**: 2mnr + 4mr² flops a factor; the singular values by one-sided Jacobi rotations, about 8 sweeps of 6nr².
/// **Reference**: G. Golub, K. Sølna, P. Van Dooren, *SIAM J. Matrix Anal. Appl.* 22 (2000); Z. Drmač, K. Veselić, same journal, 29 (2008).
///
/// ```
/// let mut product = gf_linalg::GradedProduct::new(2);
/// for _ in 0..30 {
///     product.multiply(2, &[1.0, 0.0, 0.0, 1e-3]);
/// }
/// let logarithms = product.log_singular_values()?;
/// assert!(logarithms[0].abs() < 1e-12 && (logarithms[1] - 30.0 * 1e-3f64.ln()).abs() < 1e-12);
/// # Ok::<(), gf_linalg::SvdError>(())
/// ```
#[derive(Debug, Clone)]
pub struct GradedProduct {
    inputs: usize,
    rows: usize,
    rank: usize,
    /// rows × rank.
    q: Vec<f64>,
    /// rank × inputs.
    r: Vec<f64>,
    log_scale: f64,
    fault: Option<SvdError>,
}

impl GradedProduct {
    /// The identity on `inputs` numbers.
    pub fn new(inputs: usize) -> Self {
        let mut identity = vec![0.0; inputs * inputs];
        identity.iter_mut().step_by(inputs + 1).for_each(|diagonal| *diagonal = 1.0);
        Self { inputs, rows: inputs, rank: inputs, q: identity.clone(), r: identity, log_scale: 0.0, fault: None }
    }

    /// A ← `factor`·A, with `factor` of `rows` × (rows of A so far), column-major.
    ///
    /// # Panics
    /// When `factor` does not have that many numbers.
    pub fn multiply(&mut self, rows: usize, factor: &[f64]) {
        assert_eq!(factor.len(), rows * self.rows, "a matrix that fits the product so far");
        if !vector::all_finite(factor) {
            self.fault = Some(SvdError::NotFinite);
        }
        let mut image = vec![0.0; rows * self.rank];
        product(
            View::columns(factor, rows, self.rows),
            View::columns(&self.q, self.rows, self.rank),
            Update::Replace,
            ViewMut::columns(&mut image, rows, self.rank),
        );
        let used: Vec<usize> = (0..rows).filter(|i| (0..self.rows).any(|j| factor[i + j * rows] != 0.0)).collect();
        let (m, n) = (used.len(), self.rank);
        let mut packed: Vec<f64> =
            (0..n).flat_map(|j| used.iter().map(move |i| i + j * rows)).map(|k| image[k]).collect();
        let rank = m.min(n);
        let thin = orthogonalize(m, n, &mut packed);
        self.q = vec![0.0; rows * rank];
        for j in 0..rank {
            for (row, i) in used.iter().enumerate() {
                self.q[i + j * rows] = thin[row + j * m];
            }
        }
        let mut triangle = vec![0.0; rank * n];
        for j in 0..n {
            let above = (j + 1).min(rank);
            triangle[j * rank..j * rank + above].copy_from_slice(&packed[j * m..j * m + above]);
        }
        let mut r = vec![0.0; rank * self.inputs];
        product(
            View::columns(&triangle, rank, n),
            View::columns(&self.r, n, self.inputs),
            Update::Replace,
            ViewMut::columns(&mut r, rank, self.inputs),
        );
        let size = largest(&r);
        if size > 0.0 {
            r.iter_mut().for_each(|x| *x /= size);
            self.log_scale += size.ln();
        }
        (self.r, self.rows, self.rank) = (r, rows, rank);
    }

    /// ln σ of the min(rows, inputs) singular values, descending; −∞ where σ is zero.
    ///
    /// # Errors
    /// [`SvdError`]: a factor was not finite, or the rotations did not converge.
    pub fn log_singular_values(&self) -> Result<Vec<f64>, SvdError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let (n, rank) = (self.inputs, self.rank);
        // The rows of R differ in size and not in direction: as columns of Rᵀ they are what one-sided rotations keep the digits of.
        let mut columns: Vec<f64> =
            (0..rank).flat_map(|i| (0..n).map(move |j| i + j * rank)).map(|k| self.r[k]).collect();
        rotate_until_orthogonal(n, rank, &mut columns)?;
        let mut logarithms: Vec<f64> = (0..rank)
            .map(|i| match norm(&columns[i * n..(i + 1) * n]) {
                size if size < SMALLEST => f64::NEG_INFINITY,
                size => size.ln() + self.log_scale,
            })
            .collect();
        logarithms.sort_unstable_by(|a, b| b.total_cmp(a));
        logarithms.resize(self.rows.min(self.inputs), f64::NEG_INFINITY);
        Ok(logarithms)
    }
}

/// Smaller ones, with the largest entry at 1, are about to underflow.
const SMALLEST: f64 = 1e-300;
/// Sweeps of rotations; about 8 are needed.
const MOST_SWEEPS: usize = 60;

/// One-sided Jacobi: rotates pairs of the n-vectors in `columns` until all are orthogonal to rounding. Cosines and ratios of norms in place of
/// dot products, whose squares would underflow.
fn rotate_until_orthogonal(n: usize, count: usize, columns: &mut [f64]) -> Result<(), SvdError> {
    let tolerance = f64::EPSILON * (n as f64).sqrt();
    for _ in 0..MOST_SWEEPS {
        let mut is_done = true;
        for k in 1..count {
            let (left, right) = columns.split_at_mut(k * n);
            let q = &mut right[..n];
            for p in left.chunks_exact_mut(n) {
                let (size_p, size_q) = (norm(p), norm(q));
                if size_p < SMALLEST || size_q < SMALLEST {
                    continue;
                }
                let cosine: f64 = p.iter().zip(&*q).map(|(x, y)| (x / size_p) * (y / size_q)).sum();
                if cosine.abs() <= tolerance {
                    continue;
                }
                is_done = false;
                let ratio = size_q / size_p;
                let zeta = (ratio - 1.0 / ratio) / (2.0 * cosine);
                let tangent = 1.0f64.copysign(zeta) / (zeta.abs() + zeta.hypot(1.0));
                let c = 1.0 / tangent.hypot(1.0);
                let s = c * tangent;
                for (x, y) in p.iter_mut().zip(&mut *q) {
                    (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                }
            }
        }
        if is_done {
            return Ok(());
        }
    }
    Err(SvdError::NoConvergence)
}

/// Householder: overwrites the upper trapezoid of `a` (m × n, column-major) with R; returns the first min(m, n) columns of Q.
fn orthogonalize(m: usize, n: usize, a: &mut [f64]) -> Vec<f64> {
    let rank = m.min(n);
    // v/√(vᵀv/2) of each reflection I − v vᵀ.
    let mut reflectors = vec![0.0; m * rank];
    for k in 0..rank {
        let v = &mut reflectors[k * m + k..(k + 1) * m];
        v.copy_from_slice(&a[k * m + k..(k + 1) * m]);
        let size = norm(v);
        if size == 0.0 {
            continue;
        }
        v.iter_mut().for_each(|x| *x /= size);
        v[0] += 1.0f64.copysign(v[0]);
        let half = (0.5 * vector::dot(v, v)).sqrt();
        v.iter_mut().for_each(|x| *x /= half);
        for column in a[k * m..].chunks_exact_mut(m) {
            reflect(v, &mut column[k..]);
        }
    }
    let mut q = vec![0.0; m * rank];
    for (j, column) in q.chunks_exact_mut(m.max(1)).enumerate() {
        column[j] = 1.0;
        for k in (0..rank).rev() {
            reflect(&reflectors[k * m + k..(k + 1) * m], &mut column[k..]);
        }
    }
    q
}

/// x ← (I − v vᵀ) x.
fn reflect(v: &[f64], x: &mut [f64]) {
    let factor = -vector::dot(v, x);
    vector::add_scaled(x, factor, v);
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, x| largest.max(x.abs()))
}

/// The Euclidean norm, without squares that underflow.
fn norm(x: &[f64]) -> f64 {
    let size = largest(x);
    if size == 0.0 { 0.0 } else { size * x.iter().map(|x| (x / size).powi(2)).sum::<f64>().sqrt() }
}
