//! Dense and matrix-free linear algebra for gf: the only crate that names faer.
//!
//! Matrices cross this boundary as column-major slices, symmetric operators as [`gf_core::SymmetricOperator`].
//!
//! - [`ShiftedMatrix`]: Cholesky and LBLᵀ of A + shift·I, with inertia; Cholesky in single precision with refinement;
//! - [`PivotedQr`]: QR with column pivoting;
//! - [`krylov`]: MINRES and CG; [`lanczos`]: extreme eigenvalues and functions of a matrix; [`BlockLanczos`]: many eigenpairs;
//! - [`eigen`]: dense symmetric eigenvalue problems; [`basis`]: products with a tall basis;
//! - [`SingularValues`], and [`GradedProduct`]: those of long products;
//! - [`product`] and [`sum_of_products`]: matrix products over slices, [`Aligned`] ones at best; [`small_product`]: of few numbers; [`panels`]: products of panels packed once; [`slices`]: vectorized elementwise functions.

//!
//! (A + λI) x = b with an indefinite A, by one factorization that also tells the signs of the eigenvalues:
//!
//! ```
//! use gf_linalg::{Factorization, ShiftedMatrix};
//! let mut matrix = ShiftedMatrix::new(2)?;
//! // The lower triangle, column-major: eigenvalues 3 and −1.
//! matrix.fill().copy_from_slice(&[1.0, 2.0, 0.0, 1.0]);
//! matrix.factorize(Factorization::Lblt, 0.5)?;
//! let mut x = [3.5, 3.5];
//! matrix.solve_in_place(&mut x);
//! assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-14));
//! assert_eq!(matrix.inertia().negative, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aligned;
pub mod basis;
mod block_lanczos;
pub mod eigen;
mod factor;
mod fetch;
mod graded;
pub mod krylov;
pub mod lanczos;
mod mirror;
pub mod panels;
mod passes;
mod product;
mod qr;
pub mod slices;
mod small_product;
mod state;
mod svd;
mod three_term;
mod transpose;

pub use aligned::Aligned;
pub use block_lanczos::{BlockLanczos, ProcessError};
pub use factor::{FactorError, Factorization, Inertia, Refined, ShiftedMatrix};
pub use graded::GradedProduct;
pub use mirror::{fetch_block, mirror, mirror_block};
pub use product::{Finish, Update, View, ViewMut, product, sum_of_products};
pub use qr::PivotedQr;
pub use small_product::small_product;
pub use svd::{SingularValues, SvdError};
