//! The traits of what can be differentiated.
//!
//! Capabilities are separate traits, so that a method that needs more than an objective offers is a compile error.
//! All are object-safe. Curvature operators *borrow* the objective: a product at a stale point cannot be written.

use thiserror::Error;

use crate::Communicator;

/// Why an objective could not be evaluated. A loss that is infinite or NaN is a *value*, not an error.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EvalError {
    /// A slice does not have the length that the objective's dimension demands.
    #[error("{what}: expected {expected} numbers, found {found}")]
    Length {
        /// The argument's name.
        what: &'static str,
        /// The length that was expected.
        expected: usize,
        /// The length that was found.
        found: usize,
    },
    /// The objective has no such thing.
    #[error("the problem does not offer {what}")]
    NotOffered {
        /// What it lacks.
        what: &'static str,
    },
    /// A quantity is infinite or NaN where the computation cannot go on.
    #[error("{what} is not finite")]
    NotFinite {
        /// The quantity's name.
        what: &'static str,
    },
    /// The part of another rank, or of this one, could not be evaluated.
    #[error("on rank {rank}: {words}")]
    OnRank {
        /// The lowest rank that failed.
        rank: usize,
        /// What it says.
        words: String,
    },
}

/// Checks a slice's length at the boundary.
///
/// # Errors
/// [`EvalError::Length`] when it differs from `expected`.
pub fn check_len(what: &'static str, expected: usize, found: usize) -> Result<(), EvalError> {
    if expected == found { Ok(()) } else { Err(EvalError::Length { what, expected, found }) }
}

/// Whether [`Objective::begin_step`] changed the function that is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Values and gradients known at a point stay valid.
    Unchanged,
    /// Another mini-batch: they do not.
    Changed,
}

/// Model floating-point operations of each evaluation on the current sample.
///
/// Only ratios matter: a step's work is reported in gradient-equivalents, its flops over [`Cost::value_and_gradient`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// One value.
    pub value: f64,
    /// One value with its gradient, in one pass.
    pub value_and_gradient: f64,
    /// Preparing curvature products at a new point.
    pub linearize: f64,
    /// One Hessian-vector product.
    pub hessian_product: f64,
    /// One dense Hessian.
    pub dense_hessian: f64,
    /// One Gauss–Newton product.
    pub gauss_newton_product: f64,
    /// One dense Gauss–Newton matrix.
    pub dense_gauss_newton: f64,
}

impl Cost {
    /// A convention for functions of unknown structure with `dim` parameters: a gradient is worth two values, a product two
    /// gradients, a dense matrix `dim` products.
    pub fn of_unknown_function(dim: usize) -> Self {
        let p = dim as f64;
        Self {
            value: p,
            value_and_gradient: 2.0 * p,
            linearize: 0.0,
            hessian_product: 4.0 * p,
            dense_hessian: 4.0 * p * p,
            gauss_newton_product: 4.0 * p,
            dense_gauss_newton: 4.0 * p * p,
        }
    }
}

/// Checks the four slices of a [`ThirdDerivative::curvature_gradient`] at the boundary.
///
/// # Errors
/// [`EvalError::Length`] when one does not have `dim` entries.
pub fn check_curvature_gradient_lens(
    dim: usize,
    theta: &[f64],
    u: &[f64],
    v: &[f64],
    out: &[f64],
) -> Result<(), EvalError> {
    let slices = [("theta", theta), ("u", u), ("v", v), ("out", out)];
    slices.iter().try_for_each(|(what, slice)| check_len(what, dim, slice.len()))
}

/// A scalar function L(θ) of p parameters with its gradient.
pub trait Objective {
    /// The number p of parameters.
    fn dim(&self) -> usize;

    /// L(θ). May be infinite or NaN.
    ///
    /// # Errors
    /// [`EvalError::Length`] when `theta` does not have p entries.
    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError>;

    /// L(θ) and ∇L(θ) in one pass; overwrites `gradient` (p entries).
    ///
    /// # Errors
    /// [`EvalError::Length`] when a slice does not have p entries.
    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError>;

    /// Fixes the sample (mini-batch) for step `step` = 1, 2, …, so that all trials of one step compare like with like.
    /// A pure function of `step`: calling it again with the same number gives the same sample.
    fn begin_step(&mut self, step: u64) -> Sample {
        let _ = step;
        Sample::Unchanged
    }

    /// Model flops of the evaluations on the current sample.
    fn cost(&self) -> Cost {
        Cost::of_unknown_function(self.dim())
    }
}

/// A symmetric p × p matrix known by its products.
pub trait SymmetricOperator {
    /// The order p.
    fn order(&self) -> usize;

    /// Overwrites `out` with A·v; both have p entries.
    fn apply(&mut self, v: &[f64], out: &mut [f64]);

    /// Overwrites `out` with A·V for `columns` vectors, one after the other in `v` (p × columns, column-major).
    fn apply_block(&mut self, columns: usize, v: &[f64], out: &mut [f64]) {
        let p = self.order();
        debug_assert_eq!(v.len(), p * columns);
        for (v, out) in v.chunks_exact(p).zip(out.chunks_exact_mut(p)) {
            self.apply(v, out);
        }
    }
}

/// A curvature matrix at one point. It borrows the objective, so the point cannot move while it lives.
pub struct CurvatureAt<'a> {
    operator: &'a mut dyn SymmetricOperator,
    fresh: bool,
    meter: Option<(&'a mut crate::Work, f64)>,
    /// Whose ranks' operators are added up.
    ranks: Option<&'a dyn Communicator>,
}

impl<'a> CurvatureAt<'a> {
    /// Wraps an operator that was prepared at the wanted point; `fresh` says that preparing it took work
    /// (false when the objective still had it from an earlier call at the same point and sample).
    pub fn new(operator: &'a mut dyn SymmetricOperator, fresh: bool) -> Self {
        Self { operator, fresh, meter: None, ranks: None }
    }

    /// Whether preparing it took work.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Counts each product into `work`, at `flops` model flops a vector.
    pub(crate) fn metered(self, work: &'a mut crate::Work, flops: f64) -> Self {
        Self { meter: Some((work, flops)), ..self }
    }

    /// The sum of the operators of all ranks: each product is one message.
    pub(crate) fn summed_over(self, ranks: &'a dyn Communicator) -> Self {
        Self { ranks: Some(ranks), ..self }
    }

    fn sum(&self, out: &mut [f64]) {
        if let Some(ranks) = self.ranks {
            ranks.sum(out);
        }
    }

    fn count(&mut self, columns: usize) {
        if let Some((work, flops)) = &mut self.meter {
            work.products += columns as u64;
            work.flops += *flops * columns as f64;
        }
    }
}

impl SymmetricOperator for CurvatureAt<'_> {
    fn order(&self) -> usize {
        self.operator.order()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        self.count(1);
        self.operator.apply(v, out);
        self.sum(out);
    }

    fn apply_block(&mut self, columns: usize, v: &[f64], out: &mut [f64]) {
        self.count(columns);
        self.operator.apply_block(columns, v, out);
        self.sum(out);
    }
}

/// Which part of a symmetric column-major matrix is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Triangle {
    /// Entries (i, j) with i ≥ j; the others are left as they were. What factorizations read.
    Lower,
    /// All entries.
    Both,
}

/// Products with the Hessian ∇²L(θ).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no exact Hessian products",
    note = "matrix-free implicit methods need `HessianProduct`; `gf_core::FiniteDifference` adds products by differences, explicitly"
)]
pub trait HessianProduct: Objective {
    /// Fixes θ once, then any number of products.
    /// Called again with the same θ and sample it costs one comparison of θ.
    ///
    /// # Errors
    /// [`EvalError::Length`] when `theta` does not have p entries.
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError>;
}

/// The dense Hessian ∇²L(θ).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no exact dense Hessian",
    note = "direct solvers need `DenseHessian`; `gf_core::FiniteDifference` adds it by differences, explicitly"
)]
pub trait DenseHessian: Objective {
    /// Overwrites the asked triangle of `out`, p × p column-major.
    ///
    /// # Errors
    /// [`EvalError::Length`] when a slice has the wrong length.
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError>;
}

/// The generalized Gauss–Newton matrix G = Jᵀ B J (J the Jacobian of the outputs, B the Hessian of the loss in the outputs).
#[diagnostic::on_unimplemented(message = "`{Self}` has no Gauss-Newton matrix")]
pub trait GaussNewton: Objective {
    /// As [`HessianProduct::hessian_at`], for G.
    ///
    /// # Errors
    /// [`EvalError::Length`] when `theta` does not have p entries.
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError>;

    /// As [`DenseHessian::dense_hessian`], for G.
    ///
    /// # Errors
    /// [`EvalError::Length`] when a slice has the wrong length.
    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError>;
}

/// Contractions of the third derivative ∇³L(θ) with two vectors: how curvature changes along the parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no exact third derivatives",
    note = "the central flow needs `ThirdDerivative`: networks and the analytic problems have it"
)]
pub trait ThirdDerivative: Objective {
    /// Overwrites `out` with ∇_θ(uᵀ∇²L(θ)v), entry i being Σ_jk ∂ᵢ∂ⱼ∂ₖL uⱼvₖ: symmetric in u and v, which are constants here.
    /// For a unit eigenvector u = v of a simple eigenvalue λ of the Hessian it is ∇λ.
    ///
    /// # Errors
    /// [`EvalError::Length`] when a slice does not have p entries.
    fn curvature_gradient(&mut self, theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), EvalError>;
}

/// All capabilities at once: what the method registry and the command line work with, as `dyn FullCurvature`.
pub trait FullCurvature: HessianProduct + DenseHessian + GaussNewton + Send {}
impl<T: HessianProduct + DenseHessian + GaussNewton + Send + ?Sized> FullCurvature for T {}

impl<T: Objective + ?Sized> Objective for Box<T> {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        (**self).value(theta)
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        (**self).value_and_gradient(theta, gradient)
    }

    fn begin_step(&mut self, step: u64) -> Sample {
        (**self).begin_step(step)
    }

    fn cost(&self) -> Cost {
        (**self).cost()
    }
}

impl<T: HessianProduct + ?Sized> HessianProduct for Box<T> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        (**self).hessian_at(theta)
    }
}

impl<T: DenseHessian + ?Sized> DenseHessian for Box<T> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        (**self).dense_hessian(theta, triangle, out)
    }
}

impl<T: GaussNewton + ?Sized> GaussNewton for Box<T> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        (**self).gauss_newton_at(theta)
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        (**self).dense_gauss_newton(theta, triangle, out)
    }
}

impl<T: ThirdDerivative + ?Sized> ThirdDerivative for Box<T> {
    fn curvature_gradient(&mut self, theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        (**self).curvature_gradient(theta, u, v, out)
    }
}
