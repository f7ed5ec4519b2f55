//! Heun's method.

use super::runge_kutta::{Embedded, RungeKutta, Tableau, runge_kutta_settings};
use crate::registry::{ConstantSettings, ControlSettings, CurvatureNeed, Family, MethodInfo};

const TABLEAU: Tableau = Tableau {
    a: &[&[1.0]],
    b: &[0.5, 0.5],
    embedded: Some(Embedded { difference: &[-0.5, 0.5], order: 1 }),
    dense: None,
};

impl RungeKutta {
    /// Heun's method: the explicit trapezoidal rule, with explicit Euler embedded.
    ///
    /// **Recurrence**: $g_2 = ∇L(θ_k − h g_1)$, $θ_{k+1} = θ_k − \tfrac{h}{2}(g_1 + g_2)$, $g_1 = ∇L(θ_k)$.
    /// **Symbols**: $h$ = step size in flow time; θ, g: p numbers.
    /// **Properties**: order 2; R(z) = 1 − z + z²/2, z = hλ: stable and monotone for 0 < z < 2. The difference to explicit Euler,
    /// $\tfrac{h}{2}(g_1 − g_2)$, is its local error estimate.
    /// **Cost**: one gradient beside the driver's.
    /// **Fails when**: the gradient at the Euler step's end is not finite.
    /// **Reference**: K. Heun, *Z. Math. Phys.* 45 (1900).
    pub fn heun() -> Self {
        Self::new(&TABLEAU)
    }
}

runge_kutta_settings! {
    /// `method.heun`.
    HeunSettings, TABLEAU, ControlSettings::Constant(ConstantSettings {})
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "heun",
    title: "Heun's method, explicit Euler embedded",
    family: Family::Explicit,
    order: Some(2),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 2",
    cost: "2 gradients",
    textbook: &[],
};
