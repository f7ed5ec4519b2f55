//! What a dense matrix tells: all eigenvalues, inertia, the kind of a point, and contributions to the quadratic form.

use gf_core::vector;
use gf_linalg::eigen::{Eigen, symmetric_eigen, symmetric_eigenvalues};
use gf_linalg::{FactorError, Factorization, Inertia, ShiftedMatrix};

use crate::SpectrumError;

/// All eigenvalues of the symmetric matrix in the lower triangle of `matrix` (p × p, column-major), ascending. About 4p³/3 flops.
///
/// # Errors
/// [`SpectrumError::Eigen`], when an entry is not finite.
pub fn full_spectrum(p: usize, matrix: &[f64]) -> Result<Vec<f64>, SpectrumError> {
    Ok(symmetric_eigenvalues(p, matrix)?)
}

/// The inertia of the symmetric matrix A in the lower triangle of `matrix`, with eigenvalues of at most `tolerance` in modulus counted as 0:
/// by Sylvester's law from LBLᵀ factorizations of A − tolerance·I (its positive ones) and A + tolerance·I (its negative ones), without any
/// eigenvalue. 2p³/3 flops.
///
/// # Errors
/// [`SpectrumError::Setting`] unless the tolerance is positive (rounding makes a tolerance of 0 meaningless), [`SpectrumError::NotFinite`] when
/// an entry is not finite, [`SpectrumError::Memory`].
pub fn inertia(p: usize, matrix: &[f64], tolerance: f64) -> Result<Inertia, SpectrumError> {
    if !(tolerance > 0.0 && tolerance.is_finite()) {
        return Err(SpectrumError::Setting { name: "tolerance", expected: "a positive number", found: tolerance });
    }
    let memory = |_| SpectrumError::Memory { order: p, bytes: 8.0 * (p as f64).powi(2) };
    let mut shifted = ShiftedMatrix::new(p).map_err(memory)?;
    let mut count = |shift: f64| {
        shifted.fill().copy_from_slice(matrix);
        let mut factorized = shifted.factorize(Factorization::Lblt, shift);
        if factorized == Err(FactorError::Singular) {
            // An eigenvalue on the tolerance itself: to the last digits it counts as zero.
            factorized = shifted.factorize(Factorization::Lblt, shift * (1.0 + 1e-10));
        }
        let not_finite = |error| SpectrumError::NotFinite { what: format!("the matrix ({error})") };
        factorized.map(|()| shifted.inertia()).map_err(not_finite)
    };
    let positive = count(-tolerance)?.positive;
    let negative = count(tolerance)?.negative;
    Ok(Inertia { positive, negative, zero: p.saturating_sub(positive + negative) })
}

/// What kind of point θ is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointKind {
    /// ‖∇L‖ is above its tolerance: the sign of the curvature decides nothing here.
    NotCritical,
    /// All eigenvalues are positive: a strict local minimum.
    Minimum,
    /// All eigenvalues are negative: a strict local maximum.
    Maximum,
    /// Some are positive, some negative.
    Saddle,
    /// Some are 0 within the tolerance and the others of one sign: second derivatives do not decide.
    Degenerate,
}

impl PointKind {
    /// In words, for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotCritical => "not critical",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Saddle => "saddle",
            Self::Degenerate => "degenerate",
        }
    }
}

/// The kind of a point from its gradient's norm and the inertia of its Hessian, both with stated tolerances.
///
/// One negative and one positive eigenvalue make a saddle, whatever the zero ones do.
pub fn classify(gradient_norm: f64, gradient_tolerance: f64, inertia: Inertia) -> PointKind {
    if gradient_norm > gradient_tolerance || gradient_norm.is_nan() {
        return PointKind::NotCritical;
    }
    match (inertia.positive, inertia.negative, inertia.zero) {
        (1.., 1.., _) => PointKind::Saddle,
        (1.., 0, 0) => PointKind::Minimum,
        (0, 1.., 0) => PointKind::Maximum,
        _ => PointKind::Degenerate,
    }
}

/// xᵀAx as a sum over principal directions: Σ λᵢ (vᵢᵀx)².
#[derive(Debug, Clone)]
pub struct QuadraticForm {
    p: usize,
    eigen: Eigen,
}

/// One principal direction's part of xᵀAx.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// The number of the eigenvalue, ascending from 0.
    pub index: usize,
    /// λᵢ, the principal magnitude.
    pub value: f64,
    /// (vᵢᵀx)²/‖x‖², the share of the direction in x; 0 for x = 0.
    pub share: f64,
    /// λᵢ (vᵢᵀx)².
    pub contribution: f64,
}

impl QuadraticForm {
    /// Decomposes the symmetric matrix in the lower triangle of `matrix` (p × p, column-major). About 9p³ flops.
    ///
    /// # Errors
    /// [`SpectrumError::Eigen`], when an entry is not finite.
    pub fn new(p: usize, matrix: &[f64]) -> Result<Self, SpectrumError> {
        Ok(Self { p, eigen: symmetric_eigen(p, matrix)? })
    }

    /// The p principal magnitudes, ascending.
    pub fn values(&self) -> &[f64] {
        &self.eigen.values
    }

    /// The principal direction of value `k`, p numbers of length 1.
    pub fn direction(&self, k: usize) -> &[f64] {
        &self.eigen.vectors[k * self.p..(k + 1) * self.p]
    }

    /// xᵀAx by its parts, in the order of the eigenvalues.
    ///
    /// # Panics
    /// When `x` does not have p entries.
    pub fn contributions(&self, x: &[f64]) -> Vec<Contribution> {
        assert_eq!(x.len(), self.p, "a direction of p entries");
        let size = vector::dot(x, x);
        let part = |(index, value): (usize, &f64)| {
            let squared = vector::dot(self.direction(index), x).powi(2);
            let share = if size == 0.0 { 0.0 } else { squared / size };
            Contribution { index, value: *value, share, contribution: value * squared }
        };
        self.eigen.values.iter().enumerate().map(part).collect()
    }
}
