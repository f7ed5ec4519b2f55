//! Dense and matrix-free linear algebra for gf: the only crate that names faer.
//!
//! Matrices cross this boundary as column-major slices, symmetric operators as [`gf_core::SymmetricOperator`].
//!
//! - [`ShiftedMatrix`]: Cholesky and LBLᵀ of A + shift·I, with inertia;
//! - [`PivotedQr`]: QR with column pivoting;
//! - [`krylov`]: MINRES and CG; [`lanczos`]: extreme eigenvalues and functions of a matrix; [`BlockLanczos`]: many eigenpairs;
//! - [`eigen`]: dense symmetric eigenvalue problems; [`basis`]: products with a tall basis;
//! - [`singular_values`], and [`GradedProduct`]: those of long products;
//! - [`product`]: matrix products over slices; [`panels`]: products of panels packed once; [`slices`]: vectorized elementwise functions.

pub mod basis;
mod block_lanczos;
pub mod eigen;
mod factor;
mod graded;
pub mod krylov;
pub mod lanczos;
mod mirror;
pub mod panels;
mod product;
mod qr;
pub mod slices;
mod state;
mod svd;
mod three_term;

pub use block_lanczos::{BlockLanczos, ProcessError};
pub use factor::{FactorError, Factorization, Inertia, ShiftedMatrix};
pub use graded::GradedProduct;
pub use mirror::mirror;
pub use product::{Update, View, ViewMut, product};
pub use qr::PivotedQr;
pub use svd::{SingularValues, SvdError, singular_values};
