//! The block Lanczos process with thick restarts.
//!
//! **Recurrence**: with an orthonormal basis V of k columns and a pending block Q orthonormal to it, one step forms W = A·Q, takes
//! T ← \[V Q\]ᵀ A \[V Q\], V ← \[V Q\], and makes W orthonormal to V as the next pending block: W = V C + Q' R.
//! Then A V = V T + Q' R Eᵀ, E the last block's columns: a Ritz pair (ϑ, V y) has the residual ‖R Eᵀ y‖.
//!
//! **Restart**: V ← V Y for some eigenvectors Y of T; the relation keeps its form with T = diag(ϑ) and the same Q'.
//!
//! **Orthogonality**: every new block is orthogonalized against all of V, but for one case. While single vectors grow the first, often
//! long, basis, reading V from memory at every step would cost more than the products; there the loss of orthogonality is *estimated* by
//! Simon's recurrence, and two successive vectors are orthogonalized against all of V when it exceeds 1e-10. So no ghosts appear, and
//! Ritz values and residuals are those of full orthogonalization to 1e-10 ‖A‖. After a restart the kept vectors would hand
//! their errors on from cycle to cycle (measured: a factor of ten each), so there nothing is estimated.
//!
//! **Reference**: Golub and Underwood (1977); Wu and Simon, *Thick-restart Lanczos method* (2000); Simon, *The Lanczos algorithm with
//! partial reorthogonalization* (1984).

use gf_core::{SymmetricOperator, vector};

use crate::{
    Update,
    basis::{combine, overlaps, rotate},
    eigen::{Eigen, EigenError, symmetric_eigen},
};

/// Estimated overlap with earlier vectors above which a vector is orthogonalized again.
const LOSS: f64 = 1e-10;
/// What remains of a vector below this share of its length is rounding: its block has one vector less.
const DEPENDENT: f64 = 1e-12;

/// Why a process cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// A product holds a NaN or an infinity.
    #[error("product {product} with the operator is not finite")]
    ProductNotFinite {
        /// Counted from 1 since the start.
        product: u64,
    },
    /// The projected problem was not solved.
    #[error(transparent)]
    Eigen(#[from] EigenError),
}

/// The process, in memory that is allocated once: (capacity + 2 blocks)·p numbers.
#[derive(Debug)]
pub struct BlockLanczos {
    p: usize,
    capacity: usize,
    /// V, the pending block, and room for the next one.
    basis: Vec<f64>,
    /// Columns of V.
    len: usize,
    /// Columns of the pending block.
    pending: usize,
    /// capacity × capacity, column-major; the leading `len` × `len` part is known.
    projected: Vec<f64>,
    /// R: pending × last.
    coupling: Vec<f64>,
    /// Columns of the last block of V, which R couples to.
    last: usize,
    /// Estimated overlaps of the pending vector, and of the one before it, with all earlier ones.
    overlap: [Vec<f64>; 2],
    /// The next vector is orthogonalized against all.
    is_due: bool,
    /// The last block of V was taken up from outside.
    is_fresh: bool,
    /// Every vector is orthogonalized against all.
    is_restarted: bool,
    products: u64,
    scratch: Vec<f64>,
    coefficients: Vec<f64>,
}

impl BlockLanczos {
    /// For order `p`, at most `capacity` ≤ p basis vectors and blocks of at most `block` vectors.
    pub fn new(p: usize, capacity: usize, block: usize) -> Self {
        let capacity = capacity.min(p);
        Self {
            p,
            capacity,
            basis: vec![0.0; (capacity + 2 * block) * p],
            len: 0,
            pending: 0,
            projected: vec![0.0; capacity * capacity],
            coupling: Vec::new(),
            last: 0,
            overlap: [Vec::new(), Vec::new()],
            is_due: false,
            is_fresh: true,
            is_restarted: false,
            products: 0,
            scratch: Vec::new(),
            coefficients: Vec::new(),
        }
    }

    /// The order p.
    pub fn order(&self) -> usize {
        self.p
    }

    /// The most basis vectors.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Basis vectors so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no step was made yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Products since the start.
    pub fn products(&self) -> u64 {
        self.products
    }

    /// Whether the space is invariant: nothing is pending, and all Ritz pairs are eigenpairs.
    pub fn is_invariant(&self) -> bool {
        self.pending == 0
    }

    /// Forgets everything and starts from the span of the columns of `block` (p numbers each; dependent ones are dropped).
    pub fn start(&mut self, block: &[f64]) {
        (self.len, self.last, self.products) = (0, 0, 0);
        self.coupling.clear();
        self.is_restarted = false;
        self.extend(block);
    }

    /// Makes the columns of `block`, orthonormalized against the basis, the pending block: how to go on from an invariant space.
    /// Dependent columns are dropped.
    pub fn extend(&mut self, block: &[f64]) {
        debug_assert!(block.len().is_multiple_of(self.p), "whole columns");
        let columns = block.len() / self.p;
        let at = self.len * self.p;
        self.basis[at..at + block.len()].copy_from_slice(block);
        let mut sizes = [0.0; 2];
        self.remove_basis(self.len, columns, &mut sizes);
        self.remove_basis(self.len, columns, &mut sizes);
        let mut triangle = Vec::new();
        self.pending = self.orthonormalize(self.len, columns, &mut triangle);
        // What was taken up from outside is not coupled to the last block.
        self.coupling = vec![0.0; self.pending * self.last];
        (self.is_fresh, self.is_due) = (true, true);
    }

    /// Whether there is room for the pending block.
    pub fn has_room(&self) -> bool {
        self.len + self.pending <= self.capacity
    }

    /// One step, with as many products as the pending block has vectors. Needs a pending block and room for it.
    ///
    /// # Errors
    /// [`ProcessError::ProductNotFinite`].
    pub fn grow(&mut self, operator: &mut dyn SymmetricOperator) -> Result<(), ProcessError> {
        assert!(self.pending > 0 && self.has_room(), "a pending block with room for it");
        let (p, b) = (self.p, self.pending);
        let known = self.len + b;
        let (old, new) = self.basis.split_at_mut(known * p);
        let next = &mut new[..b * p];
        operator.apply_block(b, &old[self.len * p..], next);
        self.products += b as u64;
        if !vector::all_finite(next) {
            return Err(ProcessError::ProductNotFinite { product: self.products });
        }
        let is_single = b == 1 && self.last == 1 && !self.is_fresh && !self.is_restarted;
        let reused = if is_single { self.single_step() } else { self.full_step(b) };
        let mut triangle = Vec::new();
        let found = self.orthonormalize(known, b, &mut triangle);
        (self.coupling, self.last, self.pending) = (triangle, b, found);
        self.len = known;
        if b == 1 {
            self.remember_overlaps(reused);
        }
        self.is_fresh = false;
        Ok(())
    }

    /// Orthogonalizes the new block against all vectors; writes the new columns of T.
    fn full_step(&mut self, b: usize) -> bool {
        let known = self.len + b;
        let mut sizes = [0.0; 2];
        let mut coefficients = vec![0.0; known * b];
        self.remove_basis(known, b, &mut sizes);
        coefficients.copy_from_slice(&self.coefficients[..known * b]);
        if sizes[1] < 0.5 * sizes[0] {
            self.remove_basis(known, b, &mut sizes);
            vector::add_scaled(&mut coefficients, 1.0, &self.coefficients[..known * b]);
        }
        for (c, column) in coefficients.chunks_exact(known).enumerate() {
            for (i, value) in column.iter().enumerate() {
                // Inside the new diagonal block both orders were computed; the later one is kept in both places.
                self.projected[i + (self.len + c) * self.capacity] = *value;
                self.projected[(self.len + c) + i * self.capacity] = *value;
            }
        }
        // The vector before it may be orthogonal to 1e-10 only: another one is orthogonalized fully after it.
        self.is_due = self.is_fresh;
        true
    }

    /// The three-term recurrence; against all vectors only where the estimate asks for it. Returns whether it did.
    fn single_step(&mut self) -> bool {
        let (p, j) = (self.p, self.len);
        let (old, new) = self.basis.split_at_mut((j + 1) * p);
        let next = &mut new[..p];
        let (before, current) = (&old[(j - 1) * p..j * p], &old[j * p..]);
        let beta = self.coupling[0];
        vector::add_scaled(next, -beta, before);
        let mut alpha = vector::dot(current, next);
        vector::add_scaled(next, -alpha, current);
        // Once more against the two: what is left of them is rounding.
        let correction = vector::dot(current, next);
        vector::add_scaled(next, -correction, current);
        alpha += correction;
        vector::add_scaled(next, -vector::dot(before, next), before);
        self.projected[j + j * self.capacity] = alpha;
        self.projected[j + (j - 1) * self.capacity] = beta;
        self.projected[(j - 1) + j * self.capacity] = beta;
        for i in 0..j - 1 {
            self.projected[i + j * self.capacity] = 0.0;
            self.projected[j + i * self.capacity] = 0.0;
        }
        let size = vector::norm(next);
        let worst = self.estimate(alpha, beta, size);
        let is_bad = worst > LOSS || worst.is_nan();
        if is_bad || self.is_due {
            let mut sizes = [0.0; 2];
            self.remove_basis(j + 1, 1, &mut sizes);
            if sizes[1] < 0.5 * sizes[0] {
                self.remove_basis(j + 1, 1, &mut sizes);
            }
            // Two in a row, because the recurrence carries the overlaps of both.
            self.is_due = is_bad && !self.is_due;
            return true;
        }
        false
    }

    /// Simon's recurrence: leaves the estimated overlaps of the new vector in place of the oldest, and returns the largest.
    fn estimate(&mut self, alpha: f64, beta: f64, size: f64) -> f64 {
        let (j, cap) = (self.len, self.capacity);
        let scale = (0..=j).fold(size, |largest, i| largest.max(self.projected[i + i * cap].abs()));
        let noise = 50.0 * f64::EPSILON * scale;
        let [current, before] = &mut self.overlap;
        let mut largest = 0.0f64;
        for i in 0..j {
            // Row i of T times the overlaps of v_j, whose own entry j is 1.
            let mut sum = self.projected[j + i * cap];
            for (l, overlap) in current.iter().enumerate().take(j) {
                sum += self.projected[l + i * cap] * overlap;
            }
            let earlier = if i + 1 == j { 1.0 } else { before[i] };
            let value = sum - alpha * current[i] - beta * earlier;
            let value = (value + noise.copysign(value)) / size;
            before[i] = value;
            largest = largest.max(value.abs());
        }
        largest
    }

    /// Makes the overlaps of the new vector those of the pending one.
    fn remember_overlaps(&mut self, is_orthogonal: bool) {
        let rounding = f64::EPSILON * (self.p as f64).sqrt();
        let [current, before] = &mut self.overlap;
        current.resize(self.capacity + 1, rounding);
        before.resize(self.capacity + 1, rounding);
        std::mem::swap(current, before);
        let known = self.len;
        if is_orthogonal {
            current[..known].fill(rounding);
        } else {
            current[known - 1] = rounding;
        }
    }

    /// Removes the components along the first `known` basis vectors from the `columns` vectors after them; leaves these components in
    /// `coefficients`, and the lengths before and after (of the column that lost most) in `sizes`.
    fn remove_basis(&mut self, known: usize, columns: usize, sizes: &mut [f64; 2]) {
        let p = self.p;
        let (old, new) = self.basis.split_at_mut(known * p);
        let new = &mut new[..columns * p];
        let numbers = known * columns;
        if self.coefficients.len() < 2 * numbers {
            self.coefficients.resize(2 * numbers, 0.0);
        }
        let (coefficients, negated) = self.coefficients[..2 * numbers].split_at_mut(numbers);
        overlaps(p, old, new, &mut self.scratch, coefficients);
        for (negated, coefficient) in negated.iter_mut().zip(&*coefficients) {
            *negated = -coefficient;
        }
        let lengths: Vec<f64> = new.chunks_exact(p).map(vector::norm).collect();
        combine(p, old, negated, Update::Add, new);
        *sizes = [1.0, f64::INFINITY];
        for (before, new) in lengths.iter().zip(new.chunks_exact(p)) {
            let after = vector::norm(new);
            if after * sizes[0] < sizes[1] * before {
                *sizes = [*before, after];
            }
        }
    }

    /// Makes the `columns` vectors from column `first` on orthonormal among themselves, drops dependent ones, and writes R
    /// (kept × columns, column-major). Returns how many were kept.
    fn orthonormalize(&mut self, first: usize, columns: usize, triangle: &mut Vec<f64>) -> usize {
        let p = self.p;
        // The scale is that of the products: a block of rounding noise spans nothing.
        let known_scale = self.projected_scale(first);
        let block = &mut self.basis[first * p..(first + columns) * p];
        let mut square = vec![0.0; columns * columns];
        let mut kept = 0;
        for c in 0..columns {
            block.copy_within(c * p..(c + 1) * p, kept * p);
            let (before, rest) = block.split_at_mut(kept * p);
            let vector = &mut rest[..p];
            let size = vector::norm(vector);
            for _ in 0..2 {
                for (i, q) in before.chunks_exact(p).enumerate() {
                    let overlap = vector::dot(q, vector);
                    vector::add_scaled(vector, -overlap, q);
                    square[i + c * columns] += overlap;
                }
            }
            let left = vector::norm(vector);
            if left > DEPENDENT * known_scale.max(size) {
                vector.iter_mut().for_each(|x| *x /= left);
                square[kept + c * columns] = left;
                kept += 1;
            }
        }
        triangle.clear();
        triangle.extend(square.chunks_exact(columns).flat_map(|column| column[..kept].iter().copied()));
        kept
    }

    /// The largest diagonal entry of T, 0 before the first step.
    fn projected_scale(&self, known: usize) -> f64 {
        (0..known.min(self.len + self.pending).min(self.capacity))
            .fold(0.0f64, |largest, i| largest.max(self.projected[i + i * self.capacity].abs()))
    }

    /// The eigenvalues of T, ascending, with their eigenvectors: the Ritz values.
    ///
    /// # Errors
    /// [`EigenError`].
    pub fn project(&self) -> Result<Eigen, EigenError> {
        let k = self.len;
        let packed: Vec<f64> =
            self.projected.chunks_exact(self.capacity.max(1)).take(k).flat_map(|column| column[..k].to_vec()).collect();
        symmetric_eigen(k, &packed)
    }

    /// ‖A x − ϑ x‖ of the Ritz pair with the eigenvector `y` of T, as the process knows it.
    pub fn residual(&self, y: &[f64]) -> f64 {
        if self.pending == 0 {
            return 0.0;
        }
        let tail = &y[self.len - self.last..self.len];
        let row = |i: usize| tail.iter().enumerate().map(|(c, y)| self.coupling[i + c * self.pending] * y).sum::<f64>();
        (0..self.pending).map(|i| row(i).powi(2)).sum::<f64>().sqrt()
    }

    /// Overwrites `out` with the Ritz vectors V y, one for each eigenvector of T in `y` (len numbers each).
    pub fn ritz_vectors(&self, y: &[f64], out: &mut [f64]) {
        combine(self.p, &self.basis[..self.len * self.p], y, Update::Replace, out);
    }

    /// Keeps the Ritz vectors `y` (eigenvectors of T, len numbers each, fewer than len of them) with their `values`, and the pending block.
    pub fn restart(&mut self, values: &[f64], y: &[f64]) {
        let (p, len, kept) = (self.p, self.len, values.len());
        debug_assert!(kept < len && y.len() == kept * len);
        rotate(p, &mut self.basis[..len * p], y, &mut self.scratch);
        self.basis.copy_within(len * p..(len + self.pending) * p, kept * p);
        // R Eᵀ Y couples the pending block to every vector kept.
        let tails = y.chunks_exact(len).map(|y| &y[len - self.last..]);
        let coupling: Vec<f64> = tails
            .flat_map(|tail| {
                let row =
                    |i: usize| tail.iter().enumerate().map(|(c, y)| self.coupling[i + c * self.pending] * y).sum();
                (0..self.pending).map(row).collect::<Vec<f64>>()
            })
            .collect();
        (self.coupling, self.last, self.len) = (coupling, kept, kept);
        self.projected.fill(0.0);
        for (i, value) in values.iter().enumerate() {
            self.projected[i + i * self.capacity] = *value;
        }
        self.is_restarted = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Diagonal(Vec<f64>);

    impl SymmetricOperator for Diagonal {
        fn order(&self) -> usize {
            self.0.len()
        }

        fn apply(&mut self, v: &[f64], out: &mut [f64]) {
            for ((out, v), d) in out.iter_mut().zip(v).zip(&self.0) {
                *out = d * v;
            }
        }
    }

    /// The largest entry of VᵀV − I, and of VᵀAV − T.
    fn errors(process: &BlockLanczos, operator: &mut Diagonal) -> (f64, f64) {
        let (p, k) = (process.p, process.len);
        let (mut overlap, mut projection) = (0.0f64, 0.0f64);
        let mut product = vec![0.0; p];
        for i in 0..k {
            let v = &process.basis[i * p..(i + 1) * p];
            operator.apply(v, &mut product);
            for j in 0..k {
                let u = &process.basis[j * p..(j + 1) * p];
                let unit = if i == j { 1.0 } else { 0.0 };
                overlap = overlap.max((vector::dot(u, v) - unit).abs());
                let known = process.projected[j + i * process.capacity];
                projection = projection.max((vector::dot(u, &product) - known).abs());
            }
        }
        (overlap, projection)
    }

    #[test]
    fn the_basis_stays_orthonormal_and_the_projection_true_over_restarts() {
        for power in [1.0, 3.0] {
            let mut operator = Diagonal((0..1000).map(|i| (f64::from(i) / 999.0).powf(power)).collect());
            for block in [1, 3] {
                let mut process = BlockLanczos::new(1000, 60, block);
                let start: Vec<f64> = (0..1000 * block).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
                process.start(&start);
                for restart in 0..8 {
                    while process.has_room() {
                        process.grow(&mut operator).unwrap();
                    }
                    let found = errors(&process, &mut operator);
                    let case = format!("power {power}, block {block}, restart {restart}: {found:?}");
                    assert!(found.0 <= 1e-10 && found.1 <= 1e-10, "{case}");
                    let ritz = process.project().unwrap();
                    let k = process.len();
                    process.restart(&ritz.values[k - 20..], &ritz.vectors[(k - 20) * k..]);
                }
            }
        }
    }
}
