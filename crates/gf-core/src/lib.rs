//! Objectives of gradient flow θ' = −∇L(θ), and what everything above them shares.
//!
//! - [`Objective`] and its capabilities [`HessianProduct`], [`DenseHessian`], [`GaussNewton`], [`ThirdDerivative`]: what can be evaluated;
//! - [`LeastSquares`] and [`LeastSquaresFunction`]: ½‖r‖² with residuals and their Jacobian;
//! - [`FromClosure`], [`FiniteDifference`], [`ThroughDense`], [`WithoutHessian`], [`CurvatureSample`], [`Noisy`], [`Counted`]: explicit adapters (nothing here differentiates by differences unless asked);
//! - [`Distributed`]: a sum over the ranks of a [`Communicator`], threads or MPI processes;
//! - [`problems`]: analytic test problems; [`check`]: derivative checks by the slope of Taylor remainders;
//! - [`Samples`]: inputs with targets; [`Streams`]: named random streams;
//! - [`StepRecord`] and [`Observer`]: what a run reports after each accepted step.
//!
//! ```
//! use gf_core::{Objective, problems::Himmelblau};
//! let mut gradient = [0.0; 2];
//! let loss = Himmelblau.value_and_gradient(&[3.0, 2.0], &mut gradient)?;
//! assert_eq!((loss, gradient), (0.0, [0.0, 0.0]));
//! # Ok::<(), gf_core::EvalError>(())
//! ```

pub mod check;
mod closure;
mod communicator;
mod counted;
mod curvature_sample;
mod distributed;
mod finite_difference;
mod least_squares;
mod mirror;
mod noisy;
mod objective;
pub mod problems;
mod record;
mod samples;
mod streams;
mod through_dense;
pub mod vector;
mod without_hessian;

pub use closure::FromClosure;
pub use communicator::{Alone, Communicator, ThreadCommunicator};
pub use counted::{Counted, Work};
pub use curvature_sample::CurvatureSample;
pub use distributed::Distributed;
pub use finite_difference::FiniteDifference;
pub use least_squares::{Evaluations, LeastSquares, LeastSquaresFunction};
pub(crate) use mirror::mirror;
pub use noisy::Noisy;
pub use objective::{
    Cost, CurvatureAt, DenseHessian, EvalError, FullCurvature, GaussNewton, HessianProduct, Objective, Sample,
    SymmetricOperator, ThirdDerivative, Triangle, check_curvature_gradient_lens, check_len,
};
pub use record::{Event, Observer, StepRecord};
pub use samples::{SampleError, Samples, Targets};
pub use streams::{StreamRng, Streams, standard_normal};
pub use through_dense::ThroughDense;
pub use without_hessian::WithoutHessian;
