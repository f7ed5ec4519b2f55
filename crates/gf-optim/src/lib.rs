//! Discretizations of the gradient flow θ' = −∇L(θ), and the driver that runs any of them.
//!
//! A run puts together a [`Discretization`] (explicit Euler, linearly implicit Euler, damped Newton, …), the [`ShiftedSolver`] it is
//! given for its linear systems, a [`StepController`] and observers; [`integrate`] alone moves θ.
//!
//! ```
//! use gf_core::problems::Rosenbrock;
//! use gf_optim::{Budget, control::Armijo, integrate, methods::{DampedNewton, NewtonSettings}, solver::Direct};
//!
//! let mut newton = DampedNewton::new(NewtonSettings { damping: 1e-8, ..Default::default() }, Direct::lblt());
//! let outcome = integrate(&mut Rosenbrock::new(2), &mut newton, &mut Armijo::default(), &mut [], vec![-1.2, 1.0],
//!                         &Budget { gradient_norm: 1e-10, ..Budget::steps(50) })?;
//! assert!((outcome.theta[0] - 1.0).abs() < 1e-8 && outcome.work.matrices < 30);
//! # Ok::<(), gf_optim::RunError>(())
//! ```
//!
//! Nothing here prints, reads the clock, touches files or draws random numbers.

pub mod control;
mod discretization;
mod driver;
mod flow;
pub mod least_squares;
pub mod methods;
pub mod registry;
pub mod schedule;
mod settings;
pub mod solver;
pub mod stability;

pub use control::StepController;
pub use discretization::{Discretization, EventLog, LocalError, Point, SetupError, StepFailure};
pub use driver::{Budget, Carried, Outcome, RunError, Start, Stop, integrate};
pub use flow::{Flow, FlowError, FlowState};
pub use settings::SettingsError;
pub use solver::ShiftedSolver;

/// `docs/adding-a-method.md`, compiled and run.
#[doc = include_str!("../../../docs/adding-a-method.md")]
#[cfg(doctest)]
pub struct AddingAMethod;

/// `docs/tutorials/own-objective.md`, compiled and run.
#[doc = include_str!("../../../docs/tutorials/own-objective.md")]
#[cfg(doctest)]
pub struct OwnObjective;
