//! QR with column pivoting of tall, narrow matrices, in place.
//!
//! Ours and not faer's: that one divides the matrix by its largest column norm first, which rounds every entry, and shares columns among
//! threads. Jacobians of curve fits have a few columns whose sizes differ by many decades, and digits are what is wanted of them.

use gf_core::vector;

/// Householder factors of A·P = Q·R for an m × n matrix A, column-major; works for m < n too (R then has zero rows).
///
/// **Pivoting**: each step takes the remaining column with the largest norm, so |R₁₁| ≥ |R₂₂| ≥ …, and a rank deficit shows as trailing zeros.
/// **Cost**: 2n²(m − n/3) flops; memory m·n + O(m + n). Nothing is allocated after [`PivotedQr::new`].
/// **Reference**: P. Businger, G. Golub, *Numer. Math.* 7 (1965); norms are updated and recomputed as in LINPACK's dqrdc.
///
/// ```
/// let mut qr = gf_linalg::PivotedQr::new(2, 2);
/// qr.fill().copy_from_slice(&[1.0, 0.0, 0.0, 3.0]);
/// qr.factorize();
/// let mut r = [0.0; 4];
/// qr.upper_triangle(&mut r);
/// assert_eq!((qr.order(), r[0].abs(), r[3].abs()), (&[1, 0][..], 3.0, 1.0));
/// ```
#[derive(Debug, Clone)]
pub struct PivotedQr {
    rows: usize,
    columns: usize,
    /// A, then above the diagonal R and from it on down the reflectors v.
    data: Vec<f64>,
    diagonal: Vec<f64>,
    order: Vec<usize>,
    column_norms: Vec<f64>,
    /// Norms of what is left of each column, and what they were when last computed.
    left: Vec<f64>,
    computed: Vec<f64>,
}

impl PivotedQr {
    /// Allocates for `rows` × `columns`.
    pub fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            data: vec![0.0; rows * columns],
            diagonal: vec![0.0; columns],
            order: (0..columns).collect(),
            column_norms: vec![0.0; columns],
            left: vec![0.0; columns],
            computed: vec![0.0; columns],
        }
    }

    /// The buffer that the caller overwrites with A, m × n column-major; then [`PivotedQr::factorize`].
    pub fn fill(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// Factorizes what [`PivotedQr::fill`] was overwritten with.
    pub fn factorize(&mut self) {
        let (m, n) = (self.rows, self.columns);
        self.diagonal.fill(0.0);
        for j in 0..n {
            self.order[j] = j;
            self.column_norms[j] = vector::norm(&self.data[j * m..(j + 1) * m]);
        }
        self.left.copy_from_slice(&self.column_norms);
        self.computed.copy_from_slice(&self.column_norms);
        for k in 0..m.min(n) {
            let largest = (k..n).fold(k, |best, j| if self.left[j] > self.left[best] { j } else { best });
            self.swap(k, largest);
            let (done, rest) = self.data.split_at_mut((k + 1) * m);
            let reflector = &mut done[k * m + k..];
            let norm = vector::norm(reflector);
            if norm == 0.0 {
                continue;
            }
            // v = a/(±‖a‖) + e₁ with the sign that adds; then H = I − v vᵀ/v₁ and H·a = ∓‖a‖e₁.
            let signed = norm.copysign(reflector[0]);
            reflector.iter_mut().for_each(|v| *v /= signed);
            reflector[0] += 1.0;
            self.diagonal[k] = -signed;
            for (j, column) in (k + 1..n).zip(rest.chunks_exact_mut(m)) {
                reflect(reflector, &mut column[k..]);
                if self.left[j] == 0.0 {
                    continue;
                }
                let ratio = column[k] / self.left[j];
                self.left[j] *= (1.0 - ratio * ratio).max(0.0).sqrt();
                // The update cancels: after a loss of half the digits the norm is computed anew.
                if 0.05 * (self.left[j] / self.computed[j]).powi(2) <= f64::EPSILON {
                    self.left[j] = vector::norm(&column[k + 1..]);
                    self.computed[j] = self.left[j];
                }
            }
        }
    }

    fn swap(&mut self, k: usize, other: usize) {
        if k == other {
            return;
        }
        let m = self.rows;
        let (left, right) = self.data.split_at_mut(other * m);
        left[k * m..(k + 1) * m].swap_with_slice(&mut right[..m]);
        self.order.swap(k, other);
        self.left.swap(k, other);
        self.computed.swap(k, other);
    }

    /// Which column of A is column k of A·P.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Euclidean norms of the n columns of A, in A's order.
    pub fn column_norms(&self) -> &[f64] {
        &self.column_norms
    }

    /// Overwrites `out` with R, n × n column-major; zeros below the diagonal.
    ///
    /// # Panics
    /// When `out` does not hold n² numbers.
    pub fn upper_triangle(&self, out: &mut [f64]) {
        let (m, n) = (self.rows, self.columns);
        assert_eq!(out.len(), n * n, "an n x n matrix");
        out.fill(0.0);
        for k in 0..n {
            let above = k.min(m);
            out[k * n..k * n + above].copy_from_slice(&self.data[k * m..k * m + above]);
            out[k * n + k] = self.diagonal[k];
        }
    }

    /// Overwrites `b` (m numbers) with Qᵀb.
    ///
    /// # Panics
    /// When `b` does not hold m numbers.
    pub fn apply_transpose(&self, b: &mut [f64]) {
        let m = self.rows;
        assert_eq!(b.len(), m, "a vector of m numbers");
        for k in 0..m.min(self.columns) {
            if self.diagonal[k] != 0.0 {
                reflect(&self.data[k * m + k..(k + 1) * m], &mut b[k..]);
            }
        }
    }
}

/// x ← (I − v vᵀ/v₁) x.
fn reflect(v: &[f64], x: &mut [f64]) {
    let factor = -vector::dot(v, x) / v[0];
    vector::add_scaled(x, factor, v);
}
