//! Analytic problems with exact derivatives, for tests, teaching and calibration.

mod beale;
mod double_well;
mod himmelblau;
mod log_cosh;
mod quadratic;
mod quartic;
mod rosenbrock;
mod scalar_chain;
mod sharpening;

pub use beale::Beale;
pub use double_well::DoubleWell;
pub use himmelblau::Himmelblau;
pub use log_cosh::LogCosh;
pub use quadratic::Quadratic;
pub use quartic::Quartic;
pub use rosenbrock::Rosenbrock;
pub use scalar_chain::ScalarChain;
pub use sharpening::Sharpening;

/// Capabilities of a problem that is given as `evaluate(θ) -> L`, `gradient(θ, out)`, `hessian(θ, out)` (column-major, both triangles) and
/// `third(θ, u, v, out)`; the products come from the dense matrix.
macro_rules! small_dense_problem {
    ($problem:ty) => {
        impl crate::Objective for $problem {
            fn dim(&self) -> usize {
                self.order()
            }

            fn value(&mut self, theta: &[f64]) -> Result<f64, crate::EvalError> {
                crate::check_len("theta", self.order(), theta.len())?;
                Ok(self.evaluate(theta))
            }

            fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, crate::EvalError> {
                crate::check_len("theta", self.order(), theta.len())?;
                crate::check_len("gradient", self.order(), gradient.len())?;
                self.gradient(theta, gradient);
                Ok(self.evaluate(theta))
            }
        }

        impl crate::DenseHessian for $problem {
            fn dense_hessian(
                &mut self,
                theta: &[f64],
                _triangle: crate::Triangle,
                out: &mut [f64],
            ) -> Result<(), crate::EvalError> {
                crate::check_len("theta", self.order(), theta.len())?;
                crate::check_len("hessian", self.order().pow(2), out.len())?;
                self.hessian(theta, out);
                Ok(())
            }
        }

        impl crate::ThirdDerivative for $problem {
            fn curvature_gradient(
                &mut self,
                theta: &[f64],
                u: &[f64],
                v: &[f64],
                out: &mut [f64],
            ) -> Result<(), crate::EvalError> {
                crate::check_curvature_gradient_lens(self.order(), theta, u, v, out)?;
                self.third(theta, u, v, out);
                Ok(())
            }
        }
    };
}
use small_dense_problem;

/// ∇(uᵀ∇²L v) in the plane from ∂ₓₓₓL, ∂ₓₓᵧL, ∂ₓᵧᵧL and ∂ᵧᵧᵧL.
fn contract_in_the_plane([xxx, xxy, xyy, yyy]: [f64; 4], u: &[f64], v: &[f64], out: &mut [f64]) {
    let (first, mixed, second) = (u[0] * v[0], u[0] * v[1] + u[1] * v[0], u[1] * v[1]);
    out[0] = first * xxx + mixed * xxy + second * xyy;
    out[1] = first * xxy + mixed * xyy + second * yyy;
}
