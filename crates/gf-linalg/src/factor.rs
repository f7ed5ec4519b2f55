//! Direct solves with A + shift·I: Cholesky and LBLᵀ, in one p × p buffer.
//!
//! The lower triangle is factorized in place; the upper one keeps A, so that another shift needs no new matrix and a
//! residual can be computed. Rows that are zero off the diagonal (parameters of units that are dead on the whole batch) are solved by a
//! division and left out of the factorization, which then has order q ≤ p.
//!
//! Both factorizations work by panels of 64 columns, and do almost all of their work in products that run at the speed of matrix
//! multiplication, shared among the threads of the current pool. Bits do not depend on the number of threads.

mod cholesky;
mod kernels;
mod lblt;
mod real;
mod single;
mod tiles;
mod triangle;
mod update;

use std::collections::TryReserveError;

use gf_core::vector;

use crate::mirror;
use lblt::Lblt;
use single::Single;
use tiles::TALL;
use update::{PANEL, Panel};

/// Numbers of positive, negative and zero eigenvalues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inertia {
    /// Eigenvalues above zero.
    pub positive: usize,
    /// Eigenvalues below zero.
    pub negative: usize,
    /// Exactly singular pivots.
    pub zero: usize,
}

/// Which factorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factorization {
    /// LLᵀ, p³/3 flops: for positive definite matrices, and the cheapest test of being one.
    Cholesky,
    /// LLᵀ in single precision, in some 60 % of the time, for [`ShiftedMatrix::solve_refined`]. A matrix with an eigenvalue within some
    /// 10⁻⁷ norms of zero may pass as positive definite or not.
    SingleCholesky,
    /// LBLᵀ with rook pivoting, p³/3 flops plus pivot search: for any symmetric matrix; gives the inertia.
    Lblt,
}

/// Why a factorization failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactorError {
    /// Cholesky met a pivot that is not positive.
    #[error("not positive definite: pivot {pivot} is not positive")]
    NotPositiveDefinite {
        /// Index of the pivot, from 0.
        pivot: usize,
    },
    /// A pivot is exactly zero: the matrix is singular.
    #[error("singular: a zero pivot")]
    Singular,
    /// The matrix holds a NaN or an infinity.
    #[error("the matrix is not finite")]
    NotFinite,
}

/// A solution by refinement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refined {
    /// ‖(A + shift·I)x − b‖ / ‖b‖.
    pub relative_residual: f64,
    /// Solves with the factors, each with a product to follow.
    pub rounds: u32,
}

/// A symmetric matrix A with a factorization of A + shift·I beside it.
///
/// Memory: p² + O(p) numbers (about 270p of scratch).
#[derive(Debug)]
pub struct ShiftedMatrix {
    p: usize,
    /// Lower triangle with diagonal: A until it is factorized, then factors. Strictly upper triangle: A, once saved.
    data: Vec<f64>,
    diagonal: Vec<f64>,
    /// Rows with an entry off the diagonal, ascending: the q × q matrix that is factorized, at the top left of `data`.
    coupled: Vec<usize>,
    /// Scratch for right-hand sides of order q.
    gathered: Vec<f64>,
    /// Scratch of passes over a triangle.
    shares: Vec<f64>,
    panel: Panel<f64, TALL>,
    lblt: Lblt,
    /// Allocated when it is first needed.
    single: Option<Single>,
    stage: Stage,
    /// Whether the lower triangle still holds all of A, as it was filled.
    lower_is_whole: bool,
    /// ‖A‖∞, once saved.
    norm: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// The lower triangle is being filled.
    Filling,
    /// The upper triangle and the diagonal hold A; the lower holds nothing of use.
    Saved,
    /// As `Saved`, with the factors of A + shift·I in the lower triangle.
    Factorized(Factorization, f64),
    /// As `Saved`, with the factors of A made positive definite down to this eigenvalue of B.
    Modified(f64),
}

impl ShiftedMatrix {
    /// Allocates for order `p`.
    ///
    /// # Errors
    /// When p² numbers cannot be had.
    pub fn new(p: usize) -> Result<Self, TryReserveError> {
        let mut data = Vec::new();
        data.try_reserve_exact(p.saturating_mul(p))?;
        data.resize(p * p, 0.0);
        Ok(Self {
            p,
            data,
            diagonal: vec![0.0; p],
            coupled: Vec::with_capacity(p),
            gathered: vec![0.0; p],
            shares: vec![0.0; triangle::room_for_shares(p)],
            panel: Panel::new(p, PANEL),
            lblt: Lblt::new(p),
            single: None,
            stage: Stage::Filling,
            lower_is_whole: false,
            norm: 0.0,
        })
    }

    /// The order p.
    pub fn order(&self) -> usize {
        self.p
    }

    /// The column-major buffer whose lower triangle the caller overwrites with A.
    pub fn fill(&mut self) -> &mut [f64] {
        self.stage = Stage::Filling;
        &mut self.data
    }

    /// Factorizes A + `shift`·I.
    ///
    /// # Errors
    /// [`FactorError`]; A itself survives, and another shift can be tried.
    pub fn factorize(&mut self, kind: Factorization, shift: f64) -> Result<(), FactorError> {
        let q = self.prepare(shift)?;
        for row in self.decoupled() {
            match self.diagonal[row] + shift {
                d if d > 0.0 => {}
                0.0 => return Err(FactorError::Singular),
                _ if kind != Factorization::Lblt => return Err(FactorError::NotPositiveDefinite { pivot: row }),
                _ => {}
            }
        }
        match kind {
            Factorization::Cholesky => cholesky::factorize(&mut self.panel, &mut self.data, self.p, q)
                .map_err(|index| FactorError::NotPositiveDefinite { pivot: self.coupled[index] })?,
            Factorization::SingleCholesky => {
                let single = self.single.get_or_insert_with(|| Single::new(self.p));
                single
                    .factorize(&mut self.data, self.p, q, self.norm + shift.abs())
                    .map_err(|index| FactorError::NotPositiveDefinite { pivot: self.coupled[index] })?;
            }
            Factorization::Lblt => {
                self.lblt.factorize(&mut self.panel, &mut self.data, self.p, q);
                if self.lblt_inertia(shift).zero > 0 {
                    return Err(FactorError::Singular);
                }
            }
        }
        self.stage = Stage::Factorized(kind, shift);
        Ok(())
    }

    /// Factorizes a positive definite matrix in place of A, which is A itself where that is safely so: LBLᵀ with each eigenvalue μ of B (and each
    /// diagonal entry of a row that is zero elsewhere) replaced by max(|μ|, `floor`·‖A‖∞). Returns how many that changed.
    ///
    /// Rook pivoting bounds L, so that A changes little where B does. Reference: S. H. Cheng, N. J. Higham, *SIAM J. Matrix Anal. Appl.* 19 (1998),
    /// who raise negative eigenvalues to the floor; taking |μ|: P. Gill, W. Murray, D. Ponceleón, M. Saunders, *SIAM J. Matrix Anal. Appl.* 13 (1992).
    ///
    /// # Errors
    /// [`FactorError::NotFinite`]; [`FactorError::Singular`] where A is zero.
    pub fn factorize_modified(&mut self, floor: f64) -> Result<usize, FactorError> {
        let q = self.prepare(0.0)?;
        let least = floor * self.norm;
        if least <= 0.0 {
            return Err(FactorError::Singular);
        }
        self.lblt.factorize(&mut self.panel, &mut self.data, self.p, q);
        let decoupled = self.decoupled().filter(|row| self.diagonal[*row] < least).count();
        self.stage = Stage::Modified(least);
        Ok(decoupled + self.lblt.make_positive(&mut self.data, self.p, q, least))
    }

    /// Saves A, where that was not done; puts A + `shift`·I without its decoupled rows where it is factorized, and returns its order q.
    fn prepare(&mut self, shift: f64) -> Result<usize, FactorError> {
        if self.stage == Stage::Filling {
            self.save()?;
        }
        self.stage = Stage::Saved;
        self.gather_lower();
        for (k, &row) in self.coupled.iter().enumerate() {
            self.data[k * self.p + k] = self.diagonal[row] + shift;
        }
        Ok(self.coupled.len())
    }

    /// Overwrites `x` with (A + shift·I)⁻¹x, or that of the modified matrix. 2p² flops. After [`Factorization::SingleCholesky`] to a few
    /// digits only.
    ///
    /// # Panics
    /// When nothing is factorized, or `x` does not have p entries.
    pub fn solve_in_place(&mut self, x: &mut [f64]) {
        let (kind, shift, floor) = match self.stage {
            Stage::Factorized(kind, shift) => (kind, shift, None),
            Stage::Modified(floor) => (Factorization::Lblt, 0.0, Some(floor)),
            Stage::Filling | Stage::Saved => panic!("solve before factorize"),
        };
        assert_eq!(x.len(), self.p, "a vector of p numbers");
        let q = self.coupled.len();
        for (gathered, row) in self.gathered.iter_mut().zip(&self.coupled) {
            *gathered = x[*row];
        }
        let mut coupled = self.coupled.iter().copied().peekable();
        for (row, x) in x.iter_mut().enumerate() {
            if coupled.next_if_eq(&row).is_none() {
                let pivot = self.diagonal[row] + shift;
                *x /= floor.map_or(pivot, |floor| pivot.abs().max(floor));
            }
        }
        let gathered = &mut self.gathered[..q];
        match kind {
            Factorization::Cholesky => {
                triangle::forward(&self.data, self.p, q, 0..q, false, gathered);
                triangle::backward(&self.data, self.p, q, 0..q, false, gathered);
            }
            Factorization::SingleCholesky => {
                let single = self.single.as_mut().expect("factorized by it");
                single.solve(&self.data, self.p, gathered);
            }
            Factorization::Lblt => self.lblt.solve(&self.data, self.p, gathered),
        }
        for (gathered, row) in self.gathered.iter().zip(&self.coupled) {
            x[*row] = *gathered;
        }
    }

    /// Overwrites `x` with (A + shift·I)⁻¹b after [`Factorization::SingleCholesky`], refined in double until the residual r has ‖r‖∞ ≤ ε ‖A + shift·I‖∞ ‖x‖∞,
    /// or until a round gains less than a digit while √p times that is reached. Nothing where it is not: the matrix is too close to singular
    /// for single precision (condition numbers from 10⁷ to 10⁸ on), or not positive definite after all.
    ///
    /// 4p² flops a round, of which there are three or four. `scratch` has 2p entries.
    ///
    /// Reference: J. Langou et al., *Exploiting the performance of 32 bit floating point arithmetic in obtaining 64 bit accuracy*, SC '06;
    /// LAPACK's `dsposv`, which stops at the second criterion.
    ///
    /// # Panics
    /// When anything else is factorized, or a length differs.
    pub fn solve_refined(&mut self, b: &[f64], x: &mut [f64], scratch: &mut [f64]) -> Option<Refined> {
        /// What each round of refinement has to leave of the residual at most.
        const CONTRACTION: f64 = 0.1;
        let Stage::Factorized(Factorization::SingleCholesky, shift) = self.stage else {
            panic!("refinement after a factorization in single precision");
        };
        let largest = |x: &[f64]| x.iter().fold(0.0f64, |largest, x| if x.abs() > largest { x.abs() } else { largest });
        let limit = f64::EPSILON * (self.norm + shift.abs());
        let (residual, correction) = scratch.split_at_mut(self.p);
        residual.copy_from_slice(b);
        x.fill(0.0);
        let mut size = largest(b);
        let mut rounds = 0;
        loop {
            rounds += 1;
            correction.copy_from_slice(residual);
            self.solve_in_place(correction);
            x.iter_mut().zip(&*correction).for_each(|(x, d)| *x += d);
            self.multiply(x, residual);
            for ((r, x), b) in residual.iter_mut().zip(&*x).zip(b) {
                *r = b - shift * x - *r;
            }
            if !vector::all_finite(residual) {
                return None;
            }
            let before = std::mem::replace(&mut size, largest(residual));
            let stalls = size > CONTRACTION * before;
            let limit = limit * largest(x);
            if size <= limit || stalls && size <= (self.p as f64).sqrt() * limit {
                let relative_residual = vector::norm(residual) / vector::norm(b).max(f64::MIN_POSITIVE);
                return Some(Refined { relative_residual, rounds });
            }
            if stalls {
                return None;
            }
        }
    }

    /// Inertia of A + shift·I; for Cholesky, and of a modified matrix, all eigenvalues are positive.
    ///
    /// # Panics
    /// When nothing is factorized.
    pub fn inertia(&self) -> Inertia {
        match self.stage {
            Stage::Factorized(Factorization::Cholesky | Factorization::SingleCholesky, _) | Stage::Modified(_) => {
                Inertia { positive: self.p, negative: 0, zero: 0 }
            }
            Stage::Factorized(Factorization::Lblt, shift) => self.lblt_inertia(shift),
            _ => panic!("inertia before factorize"),
        }
    }

    /// Overwrites `out` with A·v, from the saved triangle. 2p² flops.
    ///
    /// # Panics
    /// Before the first factorization, or when the lengths differ from p.
    pub fn multiply(&mut self, v: &[f64], out: &mut [f64]) {
        assert_ne!(self.stage, Stage::Filling, "multiply before factorize");
        triangle::multiply(&self.data, &mut self.shares, &self.diagonal, v, out);
    }

    /// ‖(A + shift·I)x − b‖ / ‖b‖, with `scratch` of p entries.
    pub fn relative_residual(&mut self, shift: f64, b: &[f64], x: &[f64], scratch: &mut [f64]) -> f64 {
        self.multiply(x, scratch);
        for ((r, x), b) in scratch.iter_mut().zip(x).zip(b) {
            *r += shift * x - b;
        }
        vector::norm(scratch) / vector::norm(b).max(f64::MIN_POSITIVE)
    }

    /// Model flops of the last factorization, q³/3 with q coupled rows.
    pub fn factorization_flops(&self) -> f64 {
        (self.coupled.len() as f64).powi(3) / 3.0
    }

    /// Copies the lower triangle up and the diagonal aside; finds the coupled rows.
    fn save(&mut self) -> Result<(), FactorError> {
        // The sum of the magnitudes in a row: 0 only if all are, and finite only if all are.
        let sums = &mut self.gathered;
        self.diagonal.iter_mut().zip(self.data.iter().step_by(self.p + 1)).for_each(|(d, x)| *d = *x);
        triangle::sum_magnitudes(&self.data, &mut self.shares, sums);
        if !vector::all_finite(sums) || !vector::all_finite(&self.diagonal) {
            return Err(FactorError::NotFinite);
        }
        self.norm = sums.iter().zip(&self.diagonal).fold(0.0, |norm, (sum, d)| norm.max(sum + d.abs()));
        self.coupled.clear();
        self.coupled.extend((0..self.p).filter(|row| sums[*row] != 0.0));
        mirror(self.p, &mut self.data);
        self.lower_is_whole = true;
        Ok(())
    }

    /// Rows that are zero off the diagonal.
    fn decoupled(&self) -> impl Iterator<Item = usize> {
        let mut coupled = self.coupled.iter().copied().peekable();
        (0..self.p).filter(move |row| coupled.next_if_eq(row).is_none())
    }

    /// Copies the coupled rows and columns of A, strictly below the diagonal, to the top left.
    fn gather_lower(&mut self) {
        let (p, q) = (self.p, self.coupled.len());
        if std::mem::take(&mut self.lower_is_whole) {
            if q < p {
                // Leftwards and upwards in place: nothing is overwritten before it is read.
                for (b, &column) in self.coupled.iter().enumerate() {
                    let mut a = b + 1;
                    while a < q {
                        let row = self.coupled[a];
                        let run = self.coupled[a..].iter().enumerate().take_while(|(k, r)| **r == row + k).count();
                        self.data.copy_within(column * p + row..column * p + row + run, b * p + a);
                        a += run;
                    }
                }
            }
            return;
        }
        // From the upper triangle, in tiles of whole cache lines.
        const TILE: usize = 8;
        for b0 in (0..q).step_by(TILE) {
            for a0 in (b0..q).step_by(TILE) {
                for b in b0..(b0 + TILE).min(q) {
                    let row = self.coupled[b];
                    for a in a0.max(b + 1)..(a0 + TILE).min(q) {
                        self.data[a + b * p] = self.data[row + self.coupled[a] * p];
                    }
                }
            }
        }
    }

    /// Signs of the eigenvalues of the 1 × 1 and 2 × 2 blocks of B.
    fn lblt_inertia(&self, shift: f64) -> Inertia {
        let mut inertia = Inertia { positive: 0, negative: 0, zero: 0 };
        let mut k = 0;
        let mut count = |value: f64| match value {
            d if d > 0.0 => inertia.positive += 1,
            d if d < 0.0 => inertia.negative += 1,
            _ => inertia.zero += 1,
        };
        self.decoupled().for_each(|row| count(self.diagonal[row] + shift));
        while k < self.coupled.len() {
            let d = self.data[k * self.p + k];
            let off = self.lblt.off_diagonal[k];
            if off == 0.0 {
                count(d);
                k += 1;
            } else {
                let next = self.data[(k + 1) * self.p + k + 1];
                // Larger eigenvalue first, the other from the determinant: no cancellation decides a sign.
                let mean = 0.5 * (d + next);
                let radius = (0.5 * (d - next)).hypot(off);
                let large = if mean >= 0.0 { mean + radius } else { mean - radius };
                count(large);
                count((d / large) * next - (off / large) * off);
                k += 2;
            }
        }
        inertia
    }
}
