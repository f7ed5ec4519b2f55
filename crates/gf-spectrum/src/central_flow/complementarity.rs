//! The semidefinite complementarity problem of a central flow.

use gf_core::vector;
use gf_linalg::eigen::Eigensolver;

use crate::SpectrumError;

/// How well X ⪰ 0, S = A + B\[X\] ⪰ 0 and ⟨X, S⟩ = 0 are met; 0 is exact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ComplementarityResiduals {
    /// The smallest eigenvalue of X over ‖X‖, if negative; 0 where X = 0.
    pub variance: f64,
    /// The smallest eigenvalue of S over ‖A‖, if negative.
    pub slack: f64,
    /// |⟨X, S⟩| / (‖X‖ ‖A‖).
    pub product: f64,
    /// Iterations of the projected gradient: 0 where X = 0 or the equation S = 0 gave a positive X.
    pub iterations: u64,
}

impl ComplementarityResiduals {
    /// The worse of each.
    pub(super) fn merge(&mut self, other: Self) {
        self.variance = self.variance.min(other.variance);
        self.slack = self.slack.min(other.slack);
        self.product = self.product.max(other.product);
        self.iterations = self.iterations.max(other.iterations);
    }
}

/// Stop where a step is smaller than this share of X and A.
const TOLERANCE: f64 = 1e-13;
const ITERATIONS: u64 = 20_000;

/// Problems of one size: min ½⟨X, B\[X\]⟩ + ⟨A, X⟩ over X ⪰ 0, k × k, whose optimality conditions are the complementarity problem.
///
/// Symmetric matrices are vectors of m = k(k+1)/2 numbers: the lower triangle, column after column, off-diagonal entries times √2, so that
/// ⟨X, Y⟩ = xᵀy. B is then a positive semidefinite m × m matrix.
///
/// **Method**: X = 0 where A ⪰ 0; else −B⁻¹a where that is positive semidefinite; else the projected gradient with step 1/‖B‖, accelerated and
/// restarted where the momentum points uphill (Nesterov 1983; O'Donoghue and Candès 2015).
pub(super) struct ComplementarityProblem {
    k: usize,
    small: Eigensolver,
    large: Eigensolver,
    matrix: Vec<f64>,
    /// The extrapolated point, B times it (or x) + a, and x before.
    y: Vec<f64>,
    slack: Vec<f64>,
    before: Vec<f64>,
}

impl ComplementarityProblem {
    pub(super) fn new(k: usize) -> Result<Self, SpectrumError> {
        let solver = |order: usize| {
            let bytes = 8.0 * (order * order) as f64;
            Eigensolver::new(order).map_err(|_| SpectrumError::Memory { order, bytes })
        };
        let m = packed_len(k);
        let numbers = || vec![0.0; m];
        let (y, slack, before) = (numbers(), numbers(), numbers());
        Ok(Self { k, small: solver(k)?, large: solver(m)?, matrix: vec![0.0; k * k], y, slack, before })
    }

    /// k.
    pub(super) fn order(&self) -> usize {
        self.k
    }

    /// Overwrites `x`, which holds a guess.
    pub(super) fn solve(
        &mut self,
        a: &[f64],
        b: &[f64],
        x: &mut [f64],
    ) -> Result<ComplementarityResiduals, SpectrumError> {
        let mut iterations = 0;
        if self.smallest(a)? >= 0.0 {
            x.fill(0.0);
        } else {
            let eigen = self.large.decompose(b)?;
            let largest = eigen.values.last().copied().unwrap_or(0.0);
            // A = −B[X] has no solution to speak of where B is singular, and no X helps where it is 0.
            let is_regular = eigen.values[0] > 1e-12 * largest;
            if is_regular {
                self.y.fill(0.0);
                for (value, vector) in eigen.values.iter().zip(eigen.vectors.chunks_exact(a.len())) {
                    vector::add_scaled(&mut self.y, -vector::dot(vector, a) / value, vector);
                }
            }
            let free = std::mem::take(&mut self.y);
            let is_solved = is_regular && self.smallest(&free)? >= 0.0;
            self.y = free;
            if is_solved {
                x.copy_from_slice(&self.y);
            } else if largest > 0.0 {
                iterations = self.descend(a, b, largest, x)?;
            } else {
                x.fill(0.0);
            }
        }
        self.residuals(a, b, x, iterations)
    }

    fn descend(&mut self, a: &[f64], b: &[f64], largest: f64, x: &mut [f64]) -> Result<u64, SpectrumError> {
        self.project(x)?;
        self.y.copy_from_slice(x);
        let mut momentum = 1.0f64;
        for iteration in 1..=ITERATIONS {
            self.before.copy_from_slice(x);
            affine(a, b, &self.y, &mut self.slack);
            x.copy_from_slice(&self.y);
            vector::add_scaled(x, -1.0 / largest, &self.slack);
            self.project(x)?;
            let (mut step, mut uphill) = (0.0f64, 0.0);
            for ((x, y), before) in x.iter().zip(&self.y).zip(&self.before) {
                step += (x - y) * (x - y);
                uphill += (y - x) * (x - before);
            }
            if largest * step.sqrt() <= TOLERANCE * (vector::norm(a) + largest * vector::norm(x)) {
                return Ok(iteration);
            }
            let next = if uphill > 0.0 { 1.0 } else { 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) };
            let weight = if uphill > 0.0 { 0.0 } else { (momentum - 1.0) / next };
            for ((y, x), before) in self.y.iter_mut().zip(x.iter()).zip(&self.before) {
                *y = x + weight * (x - before);
            }
            momentum = next;
        }
        Ok(ITERATIONS)
    }

    fn residuals(
        &mut self,
        a: &[f64],
        b: &[f64],
        x: &[f64],
        iterations: u64,
    ) -> Result<ComplementarityResiduals, SpectrumError> {
        affine(a, b, x, &mut self.slack);
        let slack = std::mem::take(&mut self.slack);
        let (size, scale) = (vector::norm(x), vector::norm(a));
        let relative = |value: f64, size: f64| if size > 0.0 { value / size } else { 0.0 };
        let residuals = ComplementarityResiduals {
            variance: relative(self.smallest(x)?.min(0.0), size),
            slack: relative(self.smallest(&slack)?.min(0.0), scale),
            product: relative(vector::dot(x, &slack).abs(), size * scale),
            iterations,
        };
        self.slack = slack;
        Ok(residuals)
    }

    fn smallest(&mut self, x: &[f64]) -> Result<f64, SpectrumError> {
        unpack(self.k, x, &mut self.matrix);
        Ok(self.small.decompose(&self.matrix)?.values[0])
    }

    /// The number of eigenvalues of X above 1e-9 of the largest one: its rank.
    pub(super) fn rank(&mut self, x: &[f64]) -> Result<usize, SpectrumError> {
        unpack(self.k, x, &mut self.matrix);
        let values = &self.small.decompose(&self.matrix)?.values;
        let largest = values[self.k - 1];
        Ok(values.iter().filter(|value| largest > 0.0 && **value > 1e-9 * largest).count())
    }

    /// x becomes the nearest positive semidefinite matrix.
    fn project(&mut self, x: &mut [f64]) -> Result<(), SpectrumError> {
        let k = self.k;
        unpack(k, x, &mut self.matrix);
        let eigen = self.small.decompose(&self.matrix)?;
        if eigen.values[0] >= 0.0 {
            return Ok(());
        }
        x.fill(0.0);
        for (value, vector) in eigen.values.iter().zip(eigen.vectors.chunks_exact(k)) {
            for (x, (i, j)) in x.iter_mut().zip(entries(k)) {
                *x += value.max(0.0) * vector[i] * vector[j] * weight(i, j);
            }
        }
        Ok(())
    }
}

/// k(k+1)/2.
pub(super) fn packed_len(k: usize) -> usize {
    k * (k + 1) / 2
}

/// The (i, j), i ≥ j, of a packed matrix, in order.
pub(super) fn entries(k: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..k).flat_map(move |j| (j..k).map(move |i| (i, j)))
}

/// 1 on the diagonal, √2 elsewhere: a packed entry over the matrix's.
pub(super) fn weight(i: usize, j: usize) -> f64 {
    if i == j { 1.0 } else { std::f64::consts::SQRT_2 }
}

/// Overwrites both triangles of `matrix`, k × k.
pub(super) fn unpack(k: usize, x: &[f64], matrix: &mut [f64]) {
    for (x, (i, j)) in x.iter().zip(entries(k)) {
        (matrix[i + j * k], matrix[j + i * k]) = (x / weight(i, j), x / weight(i, j));
    }
}

/// out = a + B x.
fn affine(a: &[f64], b: &[f64], x: &[f64], out: &mut [f64]) {
    out.copy_from_slice(a);
    for (x, column) in x.iter().zip(b.chunks_exact(a.len())) {
        vector::add_scaled(out, *x, column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With B = 1 the problem is the projection of −A: X = (−A)₊ and S = A₊.
    #[test]
    fn with_the_identity_it_splits_a_matrix_into_its_positive_and_negative_part() {
        // Eigenvalues 3 and −2 with eigenvectors (2, 1)/√5 and (−1, 2)/√5.
        let a = [2.0, 2.0 * std::f64::consts::SQRT_2, -1.0];
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let mut x = [5.0, 1.0, -3.0];
        let residuals = ComplementarityProblem::new(2).unwrap().solve(&a, &identity, &mut x).unwrap();
        let expected = [0.4, -0.8 * std::f64::consts::SQRT_2, 1.6];
        for (x, expected) in x.iter().zip(expected) {
            assert!((x - expected).abs() < 1e-12, "{x} against {expected}");
        }
        assert!(residuals.variance > -1e-12 && residuals.slack > -1e-12 && residuals.product < 1e-12, "{residuals:?}");
    }

    /// Random problems of order 3: the conditions themselves are the test, as the problem is convex.
    #[test]
    fn optimality_holds_on_random_problems() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let mut problem = ComplementarityProblem::new(3).unwrap();
        let mut projected = 0;
        for _ in 0..50 {
            let factors: Vec<f64> = (0..6 * 9).map(|_| next()).collect();
            let b: Vec<f64> =
                (0..36).map(|e| (0..9).map(|r| factors[e / 6 + 6 * r] * factors[e % 6 + 6 * r]).sum()).collect();
            let a: Vec<f64> = (0..6).map(|_| next()).collect();
            let mut x = [0.0; 6];
            let residuals = problem.solve(&a, &b, &mut x).unwrap();
            projected += usize::from(residuals.iterations > 0);
            assert!(
                residuals.variance > -1e-10 && residuals.slack > -1e-8 && residuals.product < 1e-8,
                "{residuals:?}"
            );
        }
        assert!(projected > 20, "{projected} of 50 took the projected gradient");
    }
}
