//! Solvers of (C(θ) + shift·I) x = b, C the Hessian or the Gauss–Newton matrix.
//!
//! One trait carries implicit steps (shift 1/h), damped Newton (shift λ) and Levenberg–Marquardt.

mod automatic;
mod direct;
mod krylov;

use gf_core::{Counted, CurvatureAt, DenseHessian, EvalError, Event, GaussNewton, HessianProduct, Triangle};

pub use automatic::Automatic;
pub use direct::Direct;
pub use krylov::{ConjugateGradients, DEFAULT_MAX_PRODUCTS, DEFAULT_TOLERANCE, Krylov, Minres};

use crate::{EventLog, SetupError, StepFailure};

/// What a solve found out about the matrix and the accuracy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SolveInfo {
    /// Definiteness of C + shift·I.
    pub definiteness: Definiteness,
    /// ‖(C + shift·I)x − b‖ / ‖b‖, computed from the returned x.
    pub relative_residual: f64,
    /// Whether a direct solver stood in for an iterative one.
    pub took_over: bool,
}

/// A relative residual above this is named in the record. Iterative solvers never return one; a direct one may, close to a pole.
const INEXACT: f64 = 1e-6;

impl SolveInfo {
    /// Names in `events` what the record should say of the solve.
    pub(crate) fn report(&self, events: &mut EventLog) {
        if self.took_over {
            events.record(Event::UsedDirectSolver);
        }
        if self.relative_residual > INEXACT {
            events.record(Event::InexactSolve);
        }
    }
}

/// What is known of the definiteness of a symmetric matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Definiteness {
    /// Positive definite: a factorization proved it.
    Positive,
    /// Indefinite (or negative definite), with the evidence.
    Indefinite(crate::discretization::Evidence),
    /// An iterative solver met no negative curvature, which proves nothing.
    NotContradicted,
}

/// Solves with C(θ) + shift·I. The shift is an argument of the solve, so a stale factorization cannot be used by accident.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot solve with the curvature of `{O}`",
    note = "direct solvers need `gf_core::DenseHessian`, matrix-free ones `gf_core::HessianProduct` (or `GaussNewton` for that matrix)"
)]
pub trait ShiftedSolver<O: ?Sized> {
    /// Allocates for p = `dim` parameters.
    ///
    /// # Errors
    /// [`SetupError`] when memory is short.
    fn init(&mut self, dim: usize) -> Result<(), SetupError>;

    /// Moves to a new point; called once per accepted point.
    ///
    /// # Errors
    /// [`StepFailure::Evaluation`] or [`StepFailure::NotFinite`].
    fn linearize(&mut self, objective: &mut Counted<'_, O>, theta: &[f64]) -> Result<(), StepFailure>;

    /// Overwrites `x` with the solution at the point of the last `linearize`, which was at `theta`.
    ///
    /// # Errors
    /// [`StepFailure`]; `x` is then meaningless.
    fn solve(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        shift: f64,
        b: &[f64],
        x: &mut [f64],
    ) -> Result<SolveInfo, StepFailure>;

    /// All numbers that solves at later points depend on, as in [`crate::Discretization::state`].
    fn state(&mut self) -> Vec<&mut [f64]> {
        Vec::new()
    }

    /// A number that the lowest eigenvalue of C does not exceed, where the solver can tell for a few products that a later solve with
    /// this `b` finds again. `None` proves nothing.
    ///
    /// # Errors
    /// [`StepFailure::Evaluation`].
    fn lowest_at_most(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        b: &[f64],
    ) -> Result<Option<f64>, StepFailure> {
        let _ = (objective, theta, b);
        Ok(None)
    }
}

/// The exact Hessian, as the curvature a solver works with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hessian;

/// The Gauss–Newton matrix, as the curvature a solver works with.
#[derive(Debug, Clone, Copy, Default)]
pub struct GaussNewtonMatrix;

/// A curvature matrix known by products.
pub trait ProductCurvature<O: ?Sized> {
    /// The operator at `theta`.
    ///
    /// # Errors
    /// [`EvalError`] of the objective.
    fn at<'a>(&self, objective: &'a mut Counted<'_, O>, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError>;
}

/// A curvature matrix that can be written down.
pub trait MatrixCurvature<O: ?Sized> {
    /// Overwrites the lower triangle of `out`, p × p column-major.
    ///
    /// # Errors
    /// [`EvalError`] of the objective.
    fn fill(&self, objective: &mut Counted<'_, O>, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError>;
}

impl<O: HessianProduct + ?Sized> ProductCurvature<O> for Hessian {
    fn at<'a>(&self, objective: &'a mut Counted<'_, O>, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        objective.hessian_at(theta)
    }
}

impl<O: GaussNewton + ?Sized> ProductCurvature<O> for GaussNewtonMatrix {
    fn at<'a>(&self, objective: &'a mut Counted<'_, O>, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        objective.gauss_newton_at(theta)
    }
}

impl<O: DenseHessian + ?Sized> MatrixCurvature<O> for Hessian {
    fn fill(&self, objective: &mut Counted<'_, O>, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        objective.dense_hessian(theta, Triangle::Lower, out)
    }
}

impl<O: GaussNewton + ?Sized> MatrixCurvature<O> for GaussNewtonMatrix {
    fn fill(&self, objective: &mut Counted<'_, O>, theta: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        objective.dense_gauss_newton(theta, Triangle::Lower, out)
    }
}
