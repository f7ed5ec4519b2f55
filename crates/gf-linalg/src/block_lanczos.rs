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
//! Simon's recurrence, and two successive vectors are orthogonalized against all of V when it exceeds 1e-10 (see
//! [`BlockLanczos::with_loss`]). So no ghosts appear, and Ritz values and residuals are those of full orthogonalization to 1e-10 ‖A‖.
//! After a restart the kept vectors would hand their errors on from cycle to cycle (measured: a factor of ten each), so there nothing is
//! estimated.
//!
//! **Reference**: Golub and Underwood (1977); Wu and Simon, *Thick-restart Lanczos method* (2000); Simon, *The Lanczos algorithm with
//! partial reorthogonalization* (1984).

mod ritz;
mod single_step;

use gf_core::{SymmetricOperator, vector};

use crate::{
    Update,
    basis::{combine, overlaps},
    eigen::EigenError,
};
use single_step::LOSS;

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
    /// Estimated overlap above which vectors are orthogonalized against all.
    loss: f64,
    /// The last block of V was taken up from outside.
    is_fresh: bool,
    /// Every vector is orthogonalized against all.
    is_restarted: bool,
    /// T is that of single vectors from one start.
    is_tridiagonal: bool,
    products: u64,
    scratch: Vec<f64>,
    coefficients: Vec<f64>,
    /// R before dependent columns are dropped.
    square: Vec<f64>,
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
            loss: LOSS,
            is_fresh: true,
            is_restarted: false,
            is_tridiagonal: false,
            products: 0,
            scratch: Vec::new(),
            coefficients: Vec::new(),
            square: Vec::new(),
        }
    }

    /// Keeps vectors orthogonal to about `loss`, in place of 1e-10, while single ones grow the first basis: T is then true to loss²‖A‖, and
    /// residuals are to loss·‖A‖. A small one costs more passes over the basis.
    #[must_use]
    pub fn with_loss(self, loss: f64) -> Self {
        Self { loss, ..self }
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

    /// Makes the columns of `block` (p numbers each), orthonormalized against the basis, the pending block: how to go on from an invariant space.
    /// Dependent columns are dropped.
    pub fn extend(&mut self, block: &[f64]) {
        debug_assert!(block.len().is_multiple_of(self.p), "whole columns");
        let columns = block.len() / self.p;
        let at = self.len * self.p;
        self.basis[at..at + block.len()].copy_from_slice(block);
        self.remove_basis(self.len, columns);
        self.remove_basis(self.len, columns);
        self.pending = self.orthonormalize(self.len, columns);
        // What was taken up from outside is not coupled to the last block.
        self.coupling.clear();
        self.coupling.resize(self.pending * self.last, 0.0);
        self.is_fresh = true;
        self.is_tridiagonal = self.len == 0 && self.pending == 1;
    }

    /// Whether there is room for the pending block.
    pub fn has_room(&self) -> bool {
        self.len + self.pending <= self.capacity
    }

    /// One step, with as many products as the pending block has vectors.
    ///
    /// # Errors
    /// [`ProcessError::ProductNotFinite`]; only a new start makes sense then.
    ///
    /// # Panics
    /// Without a pending block, or without room for it: see [`BlockLanczos::is_invariant`] and [`BlockLanczos::has_room`].
    pub fn grow(&mut self, operator: &mut dyn SymmetricOperator) -> Result<(), ProcessError> {
        assert!(self.pending > 0 && self.has_room(), "a pending block with room for it");
        let (p, b) = (self.p, self.pending);
        let known = self.len + b;
        let (old, new) = self.basis.split_at_mut(known * p);
        operator.apply_block(b, &old[self.len * p..], &mut new[..b * p]);
        self.products += b as u64;
        let is_single = b == 1 && self.last == 1 && !self.is_fresh && !self.is_restarted;
        if is_single {
            self.single_step()?
        } else {
            self.full_step(b)?
        }
        self.len = known;
        self.last = b;
        self.is_fresh = false;
        Ok(())
    }

    /// Orthogonalizes the new block against all vectors; writes the new columns of T.
    fn full_step(&mut self, b: usize) -> Result<(), ProcessError> {
        let known = self.len + b;
        let left = self.remove_basis(known, b);
        // A product that is not finite has no finite overlap with anything.
        if !vector::all_finite(&self.coefficients[..known * b]) {
            return Err(ProcessError::ProductNotFinite { product: self.products });
        }
        self.write_columns(known, b, Update::Replace);
        if left < 0.5 {
            self.remove_basis(known, b);
            self.write_columns(known, b, Update::Add);
        }
        self.pending = self.orthonormalize(known, b);
        if b == 1 {
            self.remember_overlaps(true);
        }
        Ok(())
    }

    /// Takes the last overlaps with all vectors as columns of T. Inside the new diagonal block both orders were computed; the later one
    /// is kept in both places.
    fn write_columns(&mut self, known: usize, b: usize, update: Update) {
        for (c, column) in self.coefficients[..known * b].chunks_exact(known).enumerate() {
            let at = self.len + c;
            for (i, value) in column.iter().enumerate() {
                let sum = if update == Update::Add { self.projected[i + at * self.capacity] + value } else { *value };
                self.projected[i + at * self.capacity] = sum;
                self.projected[at + i * self.capacity] = sum;
            }
        }
    }

    /// Removes the components along the first `known` basis vectors from the `columns` vectors after them; leaves these components in
    /// `coefficients`. Returns the smallest share of its length that a column kept.
    fn remove_basis(&mut self, known: usize, columns: usize) -> f64 {
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
        combine(p, old, negated, Update::Add, new);
        let share = |(coefficients, new): (&[f64], &[f64])| {
            // V is orthonormal: what was removed and what is left are the legs of a right triangle.
            let (removed, left) = (vector::norm(coefficients), vector::norm(new));
            left / removed.hypot(left)
        };
        coefficients.chunks_exact(known.max(1)).zip(new.chunks_exact(p)).map(share).fold(1.0, f64::min)
    }

    /// Makes the `columns` vectors from column `first` on orthonormal among themselves, drops dependent ones, and makes R
    /// (kept × columns, column-major) the coupling. Returns how many were kept.
    fn orthonormalize(&mut self, first: usize, columns: usize) -> usize {
        let p = self.p;
        // The scale is that of the products: a block of rounding noise spans nothing.
        let known_scale = self.projected_scale(first);
        let block = &mut self.basis[first * p..(first + columns) * p];
        self.square.clear();
        self.square.resize(columns * columns, 0.0);
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
                    self.square[i + c * columns] += overlap;
                }
            }
            let left = vector::norm(vector);
            if left > DEPENDENT * known_scale.max(size) {
                vector.iter_mut().for_each(|x| *x /= left);
                self.square[kept + c * columns] = left;
                kept += 1;
            }
        }
        self.coupling.clear();
        self.coupling.extend(self.square.chunks_exact(columns).flat_map(|column| &column[..kept]));
        kept
    }

    /// The largest diagonal entry of T, 0 before the first step.
    fn projected_scale(&self, known: usize) -> f64 {
        (0..known.min(self.len + self.pending).min(self.capacity))
            .fold(0.0f64, |largest, i| largest.max(self.projected[i + i * self.capacity].abs()))
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
    fn the_estimate_of_lost_orthogonality_is_no_smaller_than_the_loss() {
        // Far outliers converge at once, and errors grow fastest along them.
        let outliers = |i: i32| if i < 5 { 1e3 - 100.0 * f64::from(i) } else { f64::from(i % 97) };
        for loss in [1e-8, 1e-10] {
            let mut operator = Diagonal((0..3000).map(outliers).collect());
            let mut process = BlockLanczos::new(3000, 90, 1).with_loss(loss);
            process.start(&(0..3000).map(|i| ((i * i) as f64 * 0.37).sin()).collect::<Vec<_>>());
            while process.has_room() && !process.is_invariant() {
                process.grow(&mut operator).unwrap();
            }
            let found = errors(&process, &mut operator);
            assert!(found.0 <= loss && found.1 <= 1e3 * loss, "{loss}: {found:?}");
        }
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
