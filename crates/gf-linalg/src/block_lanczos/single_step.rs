//! Steps of single vectors by the three-term recurrence, with the loss of orthogonality estimated.
//!
//! **Estimate** (Simon 1984): with ω(j, i) the overlap of vectors j and i, and β the length of the new vector before it is normalized,
//! ω(j+1, i) = (Σₗ T(i, l) ω(j, l) − α ω(j, i) − β' ω(j−1, i) ± rounding)/β, where β' is the β of the step before.

use gf_core::vector;

use super::{BlockLanczos, DEPENDENT, ProcessError};
use crate::three_term::{correct, remove_before, remove_current};

/// Estimated overlap with earlier vectors above which a vector is orthogonalized again, unless said otherwise.
pub(super) const LOSS: f64 = 1e-10;
/// Rounding of a step, in units of ε‖A‖, as the estimate of overlaps takes it.
const NOISE: f64 = 4.0;

impl BlockLanczos {
    /// The three-term recurrence; against all vectors only where the estimate asks for it.
    pub(super) fn single_step(&mut self) -> Result<(), ProcessError> {
        let (p, j) = (self.p, self.len);
        let beta = self.coupling[0];
        let (before, current, next) = last_three(&mut self.basis, p, j);
        let alpha = remove_before(beta, before, 0.0, current, next);
        if !alpha.is_finite() {
            return Err(ProcessError::ProductNotFinite { product: self.products });
        }
        // What is left along the two is rounding.
        let [along_current, along_before, square] = remove_current(alpha, before, current, next);
        let rest = square - along_current * along_current - along_before * along_before;
        let alpha = alpha + along_current;
        self.write_tridiagonal(alpha, beta);
        let smallest = DEPENDENT * self.projected_scale(j + 1);
        let (before, current, next) = last_three(&mut self.basis, p, j);
        let mut size = rest.max(0.0).sqrt();
        if rest > 0.5 * square && size > smallest {
            correct([along_current, along_before], 1.0 / size, before, current, next);
        } else {
            // The difference of nearly equal squares has no correct digit: the length is that of what is left.
            size = correct([along_current, along_before], 1.0, before, current, next).sqrt();
            if size > smallest {
                next.iter_mut().for_each(|x| *x /= size);
            }
        }
        let worst = self.estimate(alpha, beta, size);
        let is_bad = worst > self.loss || worst.is_nan();
        if is_bad && size > smallest {
            // Both vectors, because the recurrence carries the overlaps of both, in one reading of the basis.
            if self.remove_basis(j, 2) < 0.5 {
                self.remove_basis(j, 2);
            }
            let (_, current, next) = last_three(&mut self.basis, p, j);
            vector::add_scaled(next, -vector::dot(current, next), current);
            let left = vector::norm(next);
            next.iter_mut().for_each(|x| *x /= left);
            size *= left;
        }
        self.coupling.clear();
        self.coupling.extend((size > smallest).then_some(size));
        self.pending = self.coupling.len();
        self.remember_overlaps(is_bad);
        Ok(())
    }

    /// The new row and column of T after a step of the recurrence.
    fn write_tridiagonal(&mut self, alpha: f64, beta: f64) {
        let (j, capacity) = (self.len, self.capacity);
        self.projected[j * capacity..j * capacity + j].fill(0.0);
        for i in 0..j {
            self.projected[j + i * capacity] = 0.0;
        }
        self.projected[j + j * capacity] = alpha;
        self.projected[j + (j - 1) * capacity] = beta;
        self.projected[(j - 1) + j * capacity] = beta;
    }

    /// Simon's recurrence: leaves the estimated overlaps of the new vector in place of the oldest, and returns the largest.
    fn estimate(&mut self, alpha: f64, beta: f64, size: f64) -> f64 {
        let (j, cap) = (self.len, self.capacity);
        let scale = (0..=j).fold(size, |largest, i| largest.max(self.projected[i + i * cap].abs()));
        let noise = NOISE * f64::EPSILON * scale;
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

    /// Makes the overlaps of the new vector those of the pending one; both are rounding where they were orthogonalized.
    pub(super) fn remember_overlaps(&mut self, are_orthogonal: bool) {
        let rounding = f64::EPSILON * (self.p as f64).sqrt();
        let known = self.len + 1;
        for overlap in &mut self.overlap {
            overlap.resize(self.capacity + 1, rounding);
            if are_orthogonal {
                overlap[..known].fill(rounding);
            }
        }
        let [current, before] = &mut self.overlap;
        std::mem::swap(current, before);
        current[known - 1] = rounding;
    }
}

/// Columns j − 1, j and j + 1.
fn last_three(basis: &mut [f64], p: usize, j: usize) -> (&[f64], &[f64], &mut [f64]) {
    let (old, new) = basis.split_at_mut((j + 1) * p);
    (&old[(j - 1) * p..j * p], &old[j * p..], &mut new[..p])
}
