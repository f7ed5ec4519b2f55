//! φ₁(−hH)·g, φ₁(z) = (eᶻ − 1)/z: what exponential integrators multiply with.

use gf_core::{Counted, DenseHessian, HessianProduct, Triangle, vector};
use gf_linalg::eigen::{Eigen, EigenError, TridiagonalEigen, symmetric_eigen};
use gf_linalg::lanczos::Lanczos;

use crate::{Point, SetupError, StepFailure};

/// Multiplies φ₁(−hH) with the gradient, H = ∇²L(θ).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot multiply with φ₁ of the Hessian of `{O}`",
    note = "`PhiByLanczos` needs `gf_core::HessianProduct`, `PhiByEigendecomposition` needs `gf_core::DenseHessian`"
)]
pub trait PhiProduct<O: ?Sized> {
    /// Allocates for p = `dim` parameters.
    ///
    /// # Errors
    /// [`SetupError`] when memory is short.
    fn init(&mut self, dim: usize) -> Result<(), SetupError>;

    /// Moves to a new point.
    ///
    /// # Errors
    /// [`StepFailure`]; the run ends with it.
    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure>;

    /// Overwrites `out` with φ₁(−hH)∇L at the point of the last `linearize`.
    ///
    /// # Errors
    /// [`StepFailure`]; `out` is then meaningless.
    fn multiply(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        out: &mut [f64],
    ) -> Result<(), StepFailure>;
}

/// φ₁(z), to rounding for every z: `exp_m1` does not cancel.
fn phi1(z: f64) -> f64 {
    if z == 0.0 { 1.0 } else { z.exp_m1() / z }
}

/// φ₂(z) = (φ₁(z) − 1)/z, to about ten digits: it serves an error estimate only.
fn phi2(z: f64) -> f64 {
    if z.abs() < 1e-5 { 0.5 + z / 6.0 } else { (phi1(z) - 1.0) / z }
}

/// In the Krylov space of the gradient, with full reorthogonalization, by the eigenvalues of the projected matrix T.
///
/// The space does not depend on h: another h at the same point grows it only where it needs more. Ends when the first term of Saad's expansion of the
/// error, $hβ_k |e_k^T φ_2(−hT) e_1|$ relative to $‖φ_1(−hT) e_1‖$, is below the tolerance; looked at after each of the first eight products,
/// then after every fourth.
///
/// **Cost**: one product a dimension of the space, and 8kp flops for the k-th. Memory: (m + 1)·p + m² numbers for at most m products.
/// **Fails when**: m products are not enough, or a number overflows (e^{h|λ|} for a negative λ).
/// **Reference**: Y. Saad, *SIAM J. Numer. Anal.* 29 (1992).
pub struct PhiByLanczos {
    tolerance: f64,
    max_products: usize,
    lanczos: Lanczos,
    small: TridiagonalEigen,
    coefficients: Vec<f64>,
    tail: Vec<f64>,
}

impl PhiByLanczos {
    /// To the relative error `tolerance`, in at most `max_products` ≥ 1 products.
    pub fn new(tolerance: f64, max_products: usize) -> Self {
        let (lanczos, small) = (Lanczos::new(0, 0), TridiagonalEigen::new(0));
        Self { tolerance, max_products, lanczos, small, coefficients: Vec::new(), tail: Vec::new() }
    }
}

impl<O: HessianProduct + ?Sized> PhiProduct<O> for PhiByLanczos {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        let most = self.max_products.min(dim);
        self.lanczos = Lanczos::new(dim, most);
        self.small = TridiagonalEigen::new(most);
        (self.coefficients, self.tail) = (vec![0.0; most], vec![0.0; most]);
        Ok(())
    }

    fn linearize(&mut self, _objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.lanczos.start(at.gradient);
        Ok(())
    }

    fn multiply(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        out: &mut [f64],
    ) -> Result<(), StepFailure> {
        let mut operator = objective.hessian_at(at.theta)?;
        let mut wanted = 0;
        loop {
            // The same sizes in the same order whatever is there already, so that a trial leaves no trace.
            wanted += if wanted < 8 { 1 } else { 4 };
            while self.lanczos.len() < wanted && self.lanczos.grow(&mut operator) {}
            let k = wanted.min(self.lanczos.len());
            if k == 0 {
                out.fill(0.0);
                return Ok(());
            }
            let error = self.try_space(k, h)?;
            if error <= self.tolerance {
                self.lanczos.combine(&self.coefficients[..k], out);
                return Ok(());
            }
            if k < wanted {
                let asked = self.tolerance;
                return Err(StepFailure::ResidualMissed { reached: error, asked, products: k, indefinite: false });
            }
        }
    }
}

impl PhiByLanczos {
    /// Overwrites the coefficients with φ₁(−hT)e₁ in the space of k products; returns their relative error.
    fn try_space(&mut self, k: usize, h: f64) -> Result<f64, StepFailure> {
        self.lanczos.project(k, &mut self.small).map_err(not_finite("the Krylov space of the Hessian"))?;
        let (coefficients, tail) = (&mut self.coefficients[..k], &mut self.tail[..k]);
        self.small.apply_to_first(|lambda| phi1(-h * lambda), coefficients);
        self.small.apply_to_first(|lambda| phi2(-h * lambda), tail);
        let coupling = self.lanczos.coupling(k);
        let size = vector::norm(coefficients);
        if !(size.is_finite() && coupling.is_finite()) {
            return Err(StepFailure::NotFinite { what: OVERFLOW });
        }
        Ok(if coupling == 0.0 { 0.0 } else { h * coupling * tail[k - 1].abs() / size })
    }
}

/// What a failure calls the step where an exponential overflows: the driver's words, for a shorter step may pass.
const OVERFLOW: &str = "θ + δ";

fn not_finite(what: &'static str) -> impl Fn(EigenError) -> StepFailure {
    move |_| StepFailure::NotFinite { what }
}

/// By all eigenvalues and eigenvectors of the dense Hessian.
///
/// **Cost**: one matrix and one eigendecomposition (9p³ flops) a point, 4p² flops a multiplication. Memory: 2p² numbers and scratch.
/// **Fails when**: a number overflows.
#[derive(Default)]
pub struct PhiByEigendecomposition {
    matrix: Vec<f64>,
    eigen: Option<Eigen>,
    /// Qᵀ∇L.
    components: Vec<f64>,
}

impl<O: DenseHessian + ?Sized> PhiProduct<O> for PhiByEigendecomposition {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        let size = dim.saturating_mul(dim);
        self.matrix.clear();
        let bytes = size.saturating_mul(8);
        self.matrix.try_reserve_exact(size).map_err(|_| SetupError::Memory { dim, bytes })?;
        self.matrix.resize(size, 0.0);
        self.components = vec![0.0; dim];
        Ok(())
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        let p = at.theta.len();
        objective.dense_hessian(at.theta, Triangle::Lower, &mut self.matrix)?;
        objective.count_factorization(9.0 * (p as f64).powi(3));
        let eigen = symmetric_eigen(p, &self.matrix).map_err(not_finite("the curvature matrix"))?;
        for (c, q) in self.components.iter_mut().zip(eigen.vectors.chunks_exact(p)) {
            *c = vector::dot(q, at.gradient);
        }
        self.eigen = Some(eigen);
        Ok(())
    }

    fn multiply(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        out: &mut [f64],
    ) -> Result<(), StepFailure> {
        let p = at.theta.len();
        let eigen = self.eigen.as_ref().expect("the driver calls linearize first");
        out.fill(0.0);
        for ((c, lambda), q) in self.components.iter().zip(&eigen.values).zip(eigen.vectors.chunks_exact(p)) {
            vector::add_scaled(out, c * phi1(-h * lambda), q);
        }
        objective.count_flops(4.0 * (p as f64).powi(2));
        if !vector::all_finite(out) {
            return Err(StepFailure::NotFinite { what: OVERFLOW });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phi_functions_at_known_arguments() {
        // (e − 1), 1 − 1/e and their neighbors; series for small arguments; limits for large negative ones.
        let cases = [
            (0.0, 1.0, 0.5),
            (1.0, 1.718_281_828_459_045, 0.718_281_828_459_045),
            (-1.0, 0.632_120_558_828_557_7, 0.367_879_441_171_442_3),
            (1e-9, 1.0 + 0.5e-9, 0.5 + 1e-9 / 6.0),
            (-1e-4, 0.999_950_001_666_625, 0.499_983_333_749_991_7),
            (-1e6, 1e-6, 1e-6 - 1e-12),
            (-1e300, 1e-300, 1e-300),
        ];
        for (z, one, two) in cases {
            assert!((phi1(z) - one).abs() <= 2.0 * f64::EPSILON * one, "φ₁({z}) = {}", phi1(z));
            assert!((phi2(z) - two).abs() <= 1e-10 * two, "φ₂({z}) = {}", phi2(z));
        }
        assert_eq!(phi1(1e4), f64::INFINITY);
    }
}
