//! Direct solves with A + shift·I: Cholesky and LBLᵀ, in one p × p buffer.
//!
//! The lower triangle is factorized in place; the upper one keeps A, so that another shift needs no new matrix and a
//! residual can be computed. faer's LBLᵀ is slower on two threads and its bits depend on their number: both run sequentially.

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
    /// Lower triangle with diagonal: A until it is factorized. Strictly upper triangle: A, once saved.
    data: Vec<f64>,
    diagonal: Vec<f64>,
    /// Entries (k − BAND..k, k) of A: what Cholesky's small diagonal blocks overwrite of the upper triangle.
    band: Vec<f64>,
    subdiagonal: Vec<f64>,
    permutation: Vec<usize>,
    inverse_permutation: Vec<usize>,
    scratch: MemBuffer,
    stage: Stage,
}

/// At least the order of the blocks that faer's Cholesky factorizes whole, both triangles written.
const BAND: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The lower triangle is being filled.
    Filling,
    /// The upper triangle and the diagonal hold A; the lower holds nothing of use.
    Saved,
    /// As `Saved`, with the factors in the lower triangle.
    Factorized(Factorization),
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
            band: vec![0.0; p * BAND],
            subdiagonal: vec![0.0; p],
            permutation: vec![0; p],
            inverse_permutation: vec![0; p],
            scratch: MemBuffer::new(scratch),
            stage: Stage::Filling,
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
        } else {
            self.restore_lower();
        }
        self.stage = Stage::Saved;
        for (k, d) in self.diagonal.iter().enumerate() {
            self.data[k * self.p + k] = d + shift;
        }
        let matrix = MatMut::from_column_major_slice_mut(&mut self.data, self.p, self.p);
        let stack = MemStack::new(&mut self.scratch);
        let result = match kind {
            Factorization::Cholesky => {
                llt::factor::cholesky_in_place(matrix, Default::default(), Par::Seq, stack, Spec::default())
                    .map(|_| ())
                    .map_err(|llt::factor::LltError::NonPositivePivot { index }| FactorError::NotPositiveDefinite {
                        pivot: index,
                    })
            }
            Factorization::Lblt => {
                lblt::factor::cholesky_in_place(
                    matrix,
                    DiagMut::from_slice_mut(&mut self.subdiagonal),
                    &mut self.permutation,
                    &mut self.inverse_permutation,
                    Par::Seq,
                    stack,
                    lblt_parameters(),
                );
                if self.lblt_inertia().zero > 0 { Err(FactorError::Singular) } else { Ok(()) }
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
        self.stage = Stage::Factorized(kind);
        Ok(())
    }

    /// Overwrites `x` with (A + shift·I)⁻¹x. 2p² flops.
    ///
    /// # Panics
    /// When nothing is factorized, or `x` does not have p entries.
    pub fn solve_in_place(&mut self, x: &mut [f64]) {
        let Stage::Factorized(kind) = self.stage else { panic!("solve before factorize") };
        let factors = MatRef::from_column_major_slice(&self.data, self.p, self.p);
        let rhs = MatMut::from_column_major_slice_mut(x, self.p, 1);
        let stack = MemStack::new(&mut self.scratch);
        match kind {
            Factorization::Cholesky => llt::solve::solve_in_place(factors, rhs, Par::Seq, stack),
            Factorization::Lblt => lblt::solve::solve_in_place(
                factors,
                factors.diagonal(),
                DiagRef::from_slice(&self.subdiagonal),
                PermRef::new_checked(&self.permutation, &self.inverse_permutation, self.p),
                rhs,
                Par::Seq,
                stack,
            ),
        }
        clear_upper_vector_state();
    }

    /// Inertia of A + shift·I; for Cholesky all eigenvalues are positive.
    ///
    /// # Panics
    /// When nothing is factorized.
    pub fn inertia(&self) -> Inertia {
        match self.stage {
            Stage::Factorized(Factorization::Cholesky) => Inertia { positive: self.p, negative: 0, zero: 0 },
            Stage::Factorized(Factorization::Lblt) => self.lblt_inertia(),
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

    /// Model flops of one factorization, p³/3.
    pub fn factorization_flops(&self) -> f64 {
        (self.p as f64).powi(3) / 3.0
    }

    /// Copies the lower triangle up and the diagonal aside.
    fn save(&mut self) -> Result<(), FactorError> {
        for k in 0..self.p {
            self.diagonal[k] = self.data[k * self.p + k];
            if !vector::all_finite(&self.data[k * self.p + k..(k + 1) * self.p]) {
                return Err(FactorError::NotFinite);
            }
        }
        gf_core::mirror(self.p, &mut self.data);
        for k in 0..self.p {
            let above = k.min(BAND);
            self.band[k * BAND..k * BAND + above].copy_from_slice(&self.data[k * self.p + k - above..k * self.p + k]);
        }
        Ok(())
    }

    /// Copies the upper triangle down, in tiles.
    fn restore_lower(&mut self) {
        const TILE: usize = 32;
        let p = self.p;
        for j0 in (0..p).step_by(TILE) {
            for i0 in (j0..p).step_by(TILE) {
                for j in j0..(j0 + TILE).min(p) {
                    for i in i0.max(j + 1)..(i0 + TILE).min(p) {
                        self.data[i + j * p] = self.data[j + i * p];
                    }
                }
            }
        }
    }

    /// Signs of the eigenvalues of the 1 × 1 and 2 × 2 blocks of B.
    fn lblt_inertia(&self) -> Inertia {
        let mut inertia = Inertia { positive: 0, negative: 0, zero: 0 };
        let mut k = 0;
        let mut count = |value: f64| match value {
            d if d > 0.0 => inertia.positive += 1,
            d if d < 0.0 => inertia.negative += 1,
            _ => inertia.zero += 1,
        };
        while k < self.p {
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
