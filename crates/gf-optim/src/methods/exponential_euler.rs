//! Exponential Euler.

use gf_core::{Counted, Objective};
use serde::{Deserialize, Serialize};

use super::phi::{PhiByEigendecomposition, PhiByLanczos, PhiProduct};
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::solver::DEFAULT_TOLERANCE;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// The exponential Rosenbrock–Euler method on θ' = −∇L(θ): the exact flow of the quadratic model.
///
/// **Recurrence**: $δ = −h φ_1(−hH) ∇L(θ_k)$, $φ_1(z) = (e^z − 1)/z$, $θ_{k+1} = θ_k + δ$.
/// **Symbols**: $h$ = step size in flow time; $H = ∇²L(θ_k)$, p × p; φ₁(−hH)∇L by `F`.
/// **Properties**: order 2; exact on quadratics; R(z) = e^{−z}, z = hλ, the flow's own factor: no pole, and no sign ever flips.
/// **Cost**: the driver's gradient, and the products of [`PhiByLanczos`] or the matrix and the decomposition of [`PhiByEigendecomposition`].
/// **Fails when**: `F` does; e^{h|λ|} overflows for hλ below about −709.
/// **Reference**: D. Pope, *Comm. ACM* 6 (1963); M. Hochbruck, A. Ostermann, *Acta Numerica* 19 (2010), 2.4.
///
/// ```
/// use gf_core::problems::Quadratic;
/// use gf_optim::{Budget, control::Constant, integrate, methods::{ExponentialEuler, PhiByLanczos}};
/// let mut method = ExponentialEuler::new(PhiByLanczos::new(1e-12, 50));
/// let outcome = integrate(&mut Quadratic::diagonal(&[2.0, -1.0]), &mut method, &mut Constant::new(0.5), &mut [], vec![1.0, 1.0],
///                         &Budget::steps(2))?;
/// assert!((outcome.theta[0] - (-2.0f64).exp()).abs() < 1e-14 && (outcome.theta[1] - 1.0f64.exp()).abs() < 1e-14);
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ExponentialEuler<F> {
    phi: F,
}

impl<F> ExponentialEuler<F> {
    /// With `phi` for the product φ₁(−hH)∇L.
    pub fn new(phi: F) -> Self {
        Self { phi }
    }
}

/// `method.exponential-euler`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ExponentialEulerSettings {
    /// Step size h > 0 in flow time.
    pub h: f64,
    /// `lanczos` (products) or `eigendecomposition` (dense).
    pub by: PhiBy,
    /// Largest relative error of `lanczos`, without unit.
    pub tolerance: f64,
    /// Limit of products of `lanczos`, which keeps them all.
    pub max_products: usize,
}

/// How φ₁(−hH)∇L is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PhiBy {
    /// From products, by the Lanczos process: [`PhiByLanczos`].
    #[default]
    Lanczos,
    /// From the dense matrix: [`PhiByEigendecomposition`].
    Eigendecomposition,
}

impl PhiBy {
    /// The name in studies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lanczos => "lanczos",
            Self::Eigendecomposition => "eigendecomposition",
        }
    }
}

impl Default for ExponentialEulerSettings {
    /// h = 0.05, Lanczos to 1e-10 in at most 200 products.
    fn default() -> Self {
        Self { h: 0.05, by: PhiBy::default(), tolerance: DEFAULT_TOLERANCE, max_products: 200 }
    }
}

impl Settings for ExponentialEulerSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("exponential-euler.h", self.h)?;
        positive("exponential-euler.tolerance", self.tolerance)?;
        if self.max_products == 0 {
            return Err(SettingsError::new("exponential-euler.max_products", "at least 1", 0));
        }
        Ok(())
    }

    fn build(&self) -> Box<AnyMethod> {
        match self.by {
            PhiBy::Lanczos => Box::new(ExponentialEuler::new(PhiByLanczos::new(self.tolerance, self.max_products))),
            PhiBy::Eigendecomposition => Box::new(ExponentialEuler::new(PhiByEigendecomposition::default())),
        }
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn dense_matrices(&self) -> usize {
        // The matrix, its eigenvectors and the decomposition's scratch.
        if self.by == PhiBy::Eigendecomposition { 4 } else { 0 }
    }

    fn amplification(&self, z: f64) -> Option<Amplification> {
        Some(Amplification::one_step((-z).exp()))
    }

    fn label(&self) -> String {
        format!("h = {}, {}", self.h, self.by.name())
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "exponential-euler",
    title: "exponential (Rosenbrock-)Euler",
    family: Family::Exponential,
    order: Some(2),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (the flow's own factor, no pole)",
    cost: "1 gradient + 1 product with φ1(-hH)",
    textbook: &[("by", "eigendecomposition")],
};

impl<O: Objective + ?Sized, F: PhiProduct<O>> Discretization<O> for ExponentialEuler<F> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.phi.init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.phi.linearize(objective, at)
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        _events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.phi.multiply(objective, at, h, delta)?;
        delta.iter_mut().for_each(|x| *x *= -h);
        Ok(())
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }
}
