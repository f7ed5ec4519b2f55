//! Spectra of curvature matrices at a point, and along a run.
//!
//! - [`Matrix`]: which matrix: the Hessian, the Gauss–Newton matrix, or their difference; as an operator and dense;
//! - [`EigenpairSolver`]: the highest and lowest eigenpairs from products alone, each with its residual, warm-started along a run;
//! - [`full_spectrum`]: all eigenvalues of a dense matrix; [`inertia`]: how many are negative, zero and positive; [`classify`]: minimum,
//!   maximum or saddle; [`QuadraticForm`]: what each principal direction contributes to xᵀAx;
//! - [`density()`]: the spectral density by stochastic Lanczos quadrature; [`hutchinson`], [`hutch_plus_plus`], [`diagonal`]: estimators
//!   of trace and diagonal with their errors;
//! - [`blocks()`]: a matrix layer by layer; [`Restricted`]: one layer's block by products;
//! - [`CentralFlow`]: the path of gradient descent at the edge of stability without its oscillation;
//! - [`principal_directions`]: the directions in which the points of a path differ most; [`Plane`]: projections on a plane, and its points;
//! - [`SpectrumTracker`]: an observer of a run.
//!
//! ```
//! use gf_core::{HessianProduct, Streams, ThroughDense, problems::Rosenbrock};
//! use gf_spectrum::{EigenpairSettings, EigenpairSolver};
//!
//! let settings = EigenpairSettings { top: 1, bottom: 1, ..EigenpairSettings::default() };
//! let mut solver = EigenpairSolver::new(2, settings)?;
//! let mut problem = ThroughDense::new(Rosenbrock::new(2));
//! let pairs = solver.solve(&mut problem.hessian_at(&[1.0, 1.0])?, &mut Streams::new(0).probes())?;
//! // The Hessian at the minimum is [[802, −400], [−400, 200]].
//! assert!((pairs.top()[0].value - 1001.6006).abs() < 1e-3 && (pairs.bottom()[0].value - 0.3994).abs() < 1e-3);
//! # Ok::<(), gf_spectrum::SpectrumError>(())
//! ```

mod blocks;
mod central_flow;
mod dense;
mod density;
mod eigenpairs;
mod error;
mod matrix;
mod plane;
mod principal;
mod trace;
mod tracker;

pub use blocks::{Blocks, blocks};
pub use central_flow::{CentralFlow, CentralFlowSettings, CentralFlowState, CentralFlowStep, ComplementarityResiduals};
pub use dense::{Contribution, PointKind, QuadraticForm, classify, full_spectrum, inertia};
pub use density::{Density, DensitySettings, Quadrature, density, density_of, mass, quadratures};
pub use eigenpairs::{Eigenpair, EigenpairSettings, EigenpairSolver, Eigenpairs};
pub use error::SpectrumError;
pub use gf_linalg::Inertia;
pub use matrix::{Matrix, MatrixAt, Restricted, square};
pub use plane::{Plane, Projection};
pub use principal::{PrincipalDirections, principal_directions};
pub use trace::{Estimate, diagonal, hutch_plus_plus, hutchinson, trace_beyond};
pub use tracker::{Interruption, SpectrumRow, SpectrumTracker, TrackerSettings, TrackerState};
