//! Direct solves with A + shift·I: Cholesky and LBLᵀ, in one p × p buffer.
//!
//! The lower triangle is factorized in place; the upper one keeps A, so that another shift needs no new matrix and a
//! residual can be computed. Rows that are zero off the diagonal (parameters of units that are dead on the whole batch) are solved by a
//! division and left out of the factorization, which then has order q ≤ p. faer's LBLᵀ is slower on two threads and its bits depend on their number: both run sequentially.

use std::collections::TryReserveError;

use faer::diag::{DiagMut, DiagRef};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::{lblt, llt};
use faer::perm::PermRef;
use faer::{MatMut, MatRef, Par, Spec};
use gf_core::vector;

use crate::state::clear_upper_vector_state;

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
    /// LBLᵀ with Bunch–Kaufman pivoting, p³/3 flops plus pivot search: for any symmetric matrix; gives the inertia.
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

/// A symmetric matrix A with a factorization of A + shift·I beside it.
///
/// Memory: p² + O(p) numbers.
pub struct ShiftedMatrix {
    p: usize,
    /// Lower triangle with diagonal: A until it is factorized, then factors. Strictly upper triangle: A, once saved.
    data: Vec<f64>,
    diagonal: Vec<f64>,
    /// Rows with an entry off the diagonal, ascending: the q × q matrix that is factorized, at the top left of `data`.
    coupled: Vec<usize>,
    /// Scratch for right-hand sides of order q.
    gathered: Vec<f64>,
    /// Entries (k − BAND..k, k) of A: what Cholesky's small diagonal blocks overwrite of the upper triangle.
    band: Vec<f64>,
    subdiagonal: Vec<f64>,
    permutation: Vec<usize>,
    inverse_permutation: Vec<usize>,
    scratch: MemBuffer,
    stage: Stage,
    /// Whether the lower triangle still holds all of A, as it was filled.
    lower_is_whole: bool,
}

/// At least the order of the blocks that faer's Cholesky factorizes whole, both triangles written.
const BAND: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// The lower triangle is being filled.
    Filling,
    /// The upper triangle and the diagonal hold A; the lower holds nothing of use.
    Saved,
    /// As `Saved`, with the factors of A + shift·I in the lower triangle.
    Factorized(Factorization, f64),
}

/// Partial pivoting is a fifth faster than faer's default, which also searches the diagonal (123 against 150 ms at p = 2161).
fn lblt_parameters() -> Spec<lblt::factor::LbltParams, f64> {
    let automatic = <lblt::factor::LbltParams as faer::Auto<f64>>::auto();
    Spec::from(lblt::factor::LbltParams { pivoting: lblt::factor::PivotingStrategy::Partial, ..automatic })
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
        let scratch = lblt::factor::cholesky_in_place_scratch::<usize, f64>(p, Par::Seq, lblt_parameters())
            .or(llt::factor::cholesky_in_place_scratch::<f64>(p, Par::Seq, Spec::default()))
            .or(lblt::solve::solve_in_place_scratch::<usize, f64>(p, 1, Par::Seq));
        Ok(Self {
            p,
            data,
            diagonal: vec![0.0; p],
            coupled: Vec::with_capacity(p),
            gathered: vec![0.0; p],
            band: vec![0.0; p * BAND],
            subdiagonal: vec![0.0; p],
            permutation: vec![0; p],
            inverse_permutation: vec![0; p],
            scratch: MemBuffer::new(scratch),
            stage: Stage::Filling,
            lower_is_whole: false,
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
        if self.stage == Stage::Filling {
            self.save()?;
        }
        self.stage = Stage::Saved;
        self.gather_lower();
        let q = self.coupled.len();
        for (k, &row) in self.coupled.iter().enumerate() {
            self.data[k * self.p + k] = self.diagonal[row] + shift;
        }
        for row in self.decoupled() {
            match self.diagonal[row] + shift {
                d if d > 0.0 => {}
                0.0 => return Err(FactorError::Singular),
                _ if kind == Factorization::Cholesky => return Err(FactorError::NotPositiveDefinite { pivot: row }),
                _ => {}
            }
        }
        let matrix = MatMut::from_column_major_slice_with_stride_mut(&mut self.data, q, q, self.p);
        let stack = MemStack::new(&mut self.scratch);
        let result = match kind {
            Factorization::Cholesky => {
                llt::factor::cholesky_in_place(matrix, Default::default(), Par::Seq, stack, Spec::default())
                    .map(|_| ())
                    .map_err(|llt::factor::LltError::NonPositivePivot { index }| FactorError::NotPositiveDefinite {
                        pivot: self.coupled[index],
                    })
            }
            Factorization::Lblt => {
                // faer does not write the last entry, which an earlier factorization of a higher order may have set.
                self.subdiagonal.fill(0.0);
                lblt::factor::cholesky_in_place(
                    matrix,
                    DiagMut::from_slice_mut(&mut self.subdiagonal[..q]),
                    &mut self.permutation[..q],
                    &mut self.inverse_permutation[..q],
                    Par::Seq,
                    stack,
                    lblt_parameters(),
                );
                if self.lblt_inertia(shift).zero > 0 { Err(FactorError::Singular) } else { Ok(()) }
            }
        };
        clear_upper_vector_state();
        if kind == Factorization::Cholesky {
            for k in 0..self.p {
                let above = k.min(BAND);
                self.data[k * self.p + k - above..k * self.p + k]
                    .copy_from_slice(&self.band[k * BAND..k * BAND + above]);
            }
        }
        result?;
        self.stage = Stage::Factorized(kind, shift);
        Ok(())
    }

    /// Overwrites `x` with (A + shift·I)⁻¹x. 2p² flops.
    ///
    /// # Panics
    /// When nothing is factorized, or `x` does not have p entries.
    pub fn solve_in_place(&mut self, x: &mut [f64]) {
        let Stage::Factorized(kind, shift) = self.stage else { panic!("solve before factorize") };
        assert_eq!(x.len(), self.p, "a vector of p numbers");
        let q = self.coupled.len();
        for (gathered, row) in self.gathered.iter_mut().zip(&self.coupled) {
            *gathered = x[*row];
        }
        let mut coupled = self.coupled.iter().copied().peekable();
        for (row, x) in x.iter_mut().enumerate() {
            if coupled.next_if_eq(&row).is_none() {
                *x /= self.diagonal[row] + shift;
            }
        }
        let factors = MatRef::from_column_major_slice_with_stride(&self.data, q, q, self.p);
        let rhs = MatMut::from_column_major_slice_mut(&mut self.gathered[..q], q, 1);
        let stack = MemStack::new(&mut self.scratch);
        match kind {
            Factorization::Cholesky => llt::solve::solve_in_place(factors, rhs, Par::Seq, stack),
            Factorization::Lblt => lblt::solve::solve_in_place(
                factors,
                factors.diagonal(),
                DiagRef::from_slice(&self.subdiagonal[..q]),
                PermRef::new_checked(&self.permutation[..q], &self.inverse_permutation[..q], q),
                rhs,
                Par::Seq,
                stack,
            ),
        }
        clear_upper_vector_state();
        for (gathered, row) in self.gathered.iter().zip(&self.coupled) {
            x[*row] = *gathered;
        }
    }

    /// Inertia of A + shift·I; for Cholesky all eigenvalues are positive.
    ///
    /// # Panics
    /// When nothing is factorized.
    pub fn inertia(&self) -> Inertia {
        match self.stage {
            Stage::Factorized(Factorization::Cholesky, _) => Inertia { positive: self.p, negative: 0, zero: 0 },
            Stage::Factorized(Factorization::Lblt, shift) => self.lblt_inertia(shift),
            _ => panic!("inertia before factorize"),
        }
    }

    /// Overwrites `out` with A·v, from the saved triangle. 2p² flops.
    ///
    /// # Panics
    /// Before the first factorization, or when the lengths differ from p.
    pub fn multiply(&self, v: &[f64], out: &mut [f64]) {
        assert_ne!(self.stage, Stage::Filling, "multiply before factorize");
        for ((out, d), v) in out.iter_mut().zip(&self.diagonal).zip(v) {
            *out = d * v;
        }
        for j in 1..self.p {
            let column = &self.data[j * self.p..j * self.p + j];
            out[j] += vector::dot(column, &v[..j]);
            vector::add_scaled(&mut out[..j], v[j], column);
        }
    }

    /// ‖(A + shift·I)x − b‖ / ‖b‖, with `scratch` of p entries.
    pub fn relative_residual(&self, shift: f64, b: &[f64], x: &[f64], scratch: &mut [f64]) -> f64 {
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
        let mut is_coupled = std::mem::take(&mut self.permutation);
        is_coupled.fill(0);
        for k in 0..self.p {
            let (diagonal, below) =
                self.data[k * self.p + k..(k + 1) * self.p].split_first().expect("a column has a diagonal entry");
            self.diagonal[k] = *diagonal;
            // A sum is finite only if all its terms are.
            let mut sum = *diagonal;
            let mut any = 0;
            for (x, row) in below.iter().zip(&mut is_coupled[k + 1..]) {
                sum += x.abs();
                let nonzero = usize::from(*x != 0.0);
                *row |= nonzero;
                any |= nonzero;
            }
            is_coupled[k] |= any;
            if !sum.is_finite() {
                self.permutation = is_coupled;
                return Err(FactorError::NotFinite);
            }
        }
        self.coupled.clear();
        self.coupled.extend((0..self.p).filter(|row| is_coupled[*row] != 0));
        self.permutation = is_coupled;
        gf_core::mirror(self.p, &mut self.data);
        for k in 0..self.p {
            let above = k.min(BAND);
            self.band[k * BAND..k * BAND + above].copy_from_slice(&self.data[k * self.p + k - above..k * self.p + k]);
        }
        self.lower_is_whole = true;
        Ok(())
    }

    /// Rows that are zero off the diagonal.
    fn decoupled(&self) -> impl Iterator<Item = usize> {
        let mut coupled = self.coupled.iter().copied().peekable();
        (0..self.p).filter(move |row| coupled.next_if_eq(row).is_none())
    }

    /// Copies the coupled rows and columns of A, strictly below the diagonal, to the top left, from the upper triangle, in tiles.
    fn gather_lower(&mut self) {
        const TILE: usize = 32;
        let (p, q) = (self.p, self.coupled.len());
        if std::mem::take(&mut self.lower_is_whole) && q == p {
            return;
        }
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
            let off = self.subdiagonal[k];
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
