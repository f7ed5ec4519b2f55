//! RODAS3: a stiffly accurate Rosenbrock method of order 3.

use super::ShiftedSystem;
use super::rosenbrock::{Rosenbrock, Tableau};
use super::shifted_system::implicit_settings;
use crate::registry::{CurvatureNeed, Family, MethodInfo};
use crate::stability::Amplification;

/// The Rosenbrock method of order 3 with four stages.
///
/// **Recurrence**: [`Rosenbrock`] with γ = 1/2; a₃₁ = a₄₁ = 2, a₄₃ = 1; c₂₁ = 4, c₃₁ = c₄₁ = 1, c₃₂ = c₄₂ = −1, c₄₃ = −8/3; m = (2, 0, 1, 1);
/// the other coefficients are zero.
/// **Symbols**: $h$ = step size in flow time.
/// **Properties**: order 3; R(z) = (1 + z − z³/6)/(1 + z/2)⁴, z = hλ: L-stable. Fourfold pole at z = −2.
/// Error estimate K₄: the embedded method is the last stage's point, of order 2.
/// **Cost**: three gradients, one the driver's (the second stage shares the first one's); four solves with shift 2/h.
/// **Fails when**: see [`Rosenbrock`].
/// **Reference**: A. Sandu et al., *Atmos. Environ.* 31 (1997).
pub type Rodas3<S> = Rosenbrock<S, 4>;

impl<S> Rosenbrock<S, 4> {
    /// A matrix that is not positive definite rejects the step.
    pub fn new(solver: S) -> Self {
        Self::with_system(ShiftedSystem::new(solver))
    }

    /// With `system` for its linear systems.
    pub fn with_system(system: ShiftedSystem<S>) -> Self {
        Self::of(system, RODAS3)
    }
}

const RODAS3: Tableau<4> = Tableau {
    gamma: 0.5,
    a: [[0.0; 4], [0.0; 4], [2.0, 0.0, 0.0, 0.0], [2.0, 0.0, 1.0, 0.0]],
    c: [[0.0; 4], [4.0, 0.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0], [1.0, -1.0, -8.0 / 3.0, 0.0]],
    weights: [2.0, 0.0, 1.0, 1.0],
    error_weights: [0.0, 0.0, 0.0, 1.0],
    embedded_order: 2,
};

implicit_settings! {
    /// `method.rodas3`.
    Rodas3Settings of INFO {}
    check: |_| Ok(()),
    build: |_, system| Box::new(Rodas3::with_system(system)),
    amplification: |_, z| Amplification::one_step((1.0 + z - z.powi(3) / 6.0) / (1.0 + 0.5 * z).powi(4)),
    estimates_error: true,
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "rodas3",
    title: "RODAS3 (Rosenbrock, stiffly accurate)",
    family: Family::Implicit,
    order: Some(3),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (L-stable); pole at hλ = -2",
    cost: "3 gradients + 4 solves, shift 2/h",
    textbook: &[("solver", "lblt"), ("indefinite", "accept")],
};
