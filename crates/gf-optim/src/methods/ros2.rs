//! ROS2: a Rosenbrock method with two stages.

use std::f64::consts::FRAC_1_SQRT_2;

use super::ShiftedSystem;
use super::rosenbrock::{Rosenbrock, Tableau};
use super::shifted_system::implicit_settings;
use crate::registry::{CurvatureNeed, Family, MethodInfo};
use crate::settings::positive;
use crate::stability::Amplification;

/// The Rosenbrock method of order 2 with two stages.
///
/// **Recurrence**: $(I + γhH) k_1 = −∇L(θ_k)$, $(I + γhH) k_2 = −∇L(θ_k + h k_1) − 2k_1$, $θ_{k+1} = θ_k + \tfrac32 h k_1 + \tfrac12 h k_2$,
/// computed as [`Rosenbrock`] with $K_i = γh k_i$.
/// **Symbols**: $h$ = step size in flow time; γ = `gamma`.
/// **Properties**: order 2 for every γ; R(z) = (1 − (1 − 2γ)z + (1/2 − 2γ + γ²)z²)/(1 + γz)², z = hλ: A-stable for γ ≥ 1/4, L-stable for γ = 1 ± 1/√2.
/// Double pole at z = −1/γ: −3.41 for γ = 1 − 1/√2, the default, −0.59 for 1 + 1/√2, where R > 0 for every z > 0 and the error constant is 34 times as large.
/// Error estimate h(k₁ + k₂)/2: the embedded method θ_k + hk₁ has order 1.
/// **Cost**: two gradients, one the driver's; two solves with shift 1/(γh).
/// **Fails when**: see [`Rosenbrock`].
/// **Reference**: J. Verwer, E. Spee, J. Blom, W. Hundsdorfer, *SIAM J. Sci. Comput.* 20 (1999).
pub type Ros2<S> = Rosenbrock<S, 2>;

impl<S> Rosenbrock<S, 2> {
    /// With γ = 1 − 1/√2; a matrix that is not positive definite rejects the step.
    pub fn new(solver: S) -> Self {
        Self::with_gamma(GAMMA, ShiftedSystem::new(solver))
    }

    /// With another γ > 0.
    pub fn with_gamma(gamma: f64, system: ShiftedSystem<S>) -> Self {
        let tableau = Tableau {
            gamma,
            a: [[0.0, 0.0], [1.0 / gamma, 0.0]],
            c: [[0.0, 0.0], [-2.0 / gamma, 0.0]],
            weights: [1.5 / gamma, 0.5 / gamma],
            error_weights: [0.5 / gamma, 0.5 / gamma],
            embedded_order: 1,
        };
        Self::of(system, tableau)
    }
}

const GAMMA: f64 = 1.0 - FRAC_1_SQRT_2;

implicit_settings! {
    /// `method.ros2`.
    Ros2Settings of INFO {
        /// γ > 0, without unit: 1 − 1/√2 = 0.2929 or 1 + 1/√2 = 1.7071 for L-stability, at least 1/4 for A-stability.
        gamma: f64 = GAMMA,
    }
    check: |settings| positive("ros2.gamma", settings.gamma),
    build: |settings, system| Box::new(Ros2::with_gamma(settings.gamma, system)),
    amplification: |settings, z| {
        let gamma = settings.gamma;
        let numerator = 1.0 - (1.0 - 2.0 * gamma) * z + (0.5 - 2.0 * gamma + gamma * gamma) * z * z;
        Amplification::one_step(numerator / (1.0 + gamma * z).powi(2))
    },
    estimates_error: true,
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "ros2",
    title: "ROS2 (Rosenbrock, two stages)",
    family: Family::Implicit,
    order: Some(2),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (L-stable); pole at hλ = -3.41",
    cost: "2 gradients + 2 solves, shift 1/(γh)",
    textbook: &[("solver", "lblt"), ("indefinite", "accept")],
};
