//! The discretizations, one a file. [`crate::registry`] lists them.

mod damped_newton;
mod explicit_euler;
mod indefinite;
mod linearly_implicit_euler;

pub use damped_newton::{DampedNewton, NewtonSettings, OnAscent};
pub use explicit_euler::{ExplicitEuler, ExplicitSettings};
pub use indefinite::{AbsoluteHessian, Accept, IndefinitePolicy, IndefiniteSystem, Reject, UseGaussNewton};
pub use linearly_implicit_euler::{ImplicitSettings, LinearlyImplicitEuler, OnIndefinite};

pub(crate) use damped_newton::INFO as DAMPED_NEWTON;
pub(crate) use explicit_euler::INFO as EXPLICIT_EULER;
pub(crate) use linearly_implicit_euler::INFO as LINEARLY_IMPLICIT_EULER;
