//! Certified problems, and how close gf comes to the certified answers.
//!
//! - [`nist`]: the 27 nonlinear regressions of NIST's Statistical Reference Datasets, parsed from NIST's files;
//! - [`mgh`]: the first 20 functions of Moré, Garbow and Hillstrom (ACM TOMS 7, 1981), which are least squares with known minima;
//! - [`run`]: Levenberg–Marquardt on all of them, against the bar of [`Verdict`].
//!
//! Data and models can be used with any method: each problem gives a [`gf_core::LeastSquares`] objective with an analytic Jacobian.
//!
//! ```
//! let misra = gf_verify::nist::regression("Misra1a").expect("one of the 27");
//! let fit = gf_optim::least_squares::fit(&mut misra.objective(), &misra.starts[0], &Default::default())?;
//! assert!(gf_verify::digits(&fit.theta, &misra.certified) > 9.0);
//! # Ok::<(), gf_optim::RunError>(())
//! ```

pub mod mgh;
mod models;
pub mod nist;
mod run;

use gf_core::LeastSquaresFunction;

pub use models::Model;
pub use run::{Effort, FunctionResult, REQUIRED_DIGITS, RegressionResult, Report, Verdict, ZERO, names, run};

/// A closure of [`LeastSquaresFunction`].
pub type Closure = Box<dyn FnMut(&[f64], &mut [f64]) + Send>;

/// A problem as objective.
pub type Problem = LeastSquaresFunction<Closure, Closure>;

/// An objective from one function `(θ, r, J)` that overwrites r (m) and J (m × n, column-major).
fn problem(
    name: &str,
    m: usize,
    n: usize,
    both: impl Fn(&[f64], &mut [f64], &mut [f64]) + Clone + Send + 'static,
) -> Problem {
    let (mut unused_jacobian, mut unused_residuals) = (vec![0.0; m * n], vec![0.0; m]);
    let again = both.clone();
    LeastSquaresFunction::new(
        name,
        m,
        n,
        Box::new(move |theta: &[f64], r: &mut [f64]| both(theta, r, &mut unused_jacobian)) as Closure,
        Box::new(move |theta: &[f64], j: &mut [f64]| again(theta, &mut unused_residuals, j)) as Closure,
    )
}

/// Digits that a number beyond the certified ones cannot prove.
const MOST_DIGITS: f64 = 11.0;

/// The number of certified digits reached: the least −log₁₀|xᵢ − cᵢ|/|cᵢ| (NIST's log relative error), between 0 and the 11 that are certified.
pub fn digits(found: &[f64], certified: &[f64]) -> f64 {
    found.iter().zip(certified).fold(MOST_DIGITS, |least, (x, c)| {
        let digits = -((x - c) / c).abs().log10();
        if digits.is_nan() { 0.0 } else { least.min(digits.max(0.0)) }
    })
}
