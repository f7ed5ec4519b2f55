//! The classical Runge–Kutta method.

use super::runge_kutta::{RungeKutta, Tableau, runge_kutta_settings};
use crate::registry::{ConstantSettings, ControlSettings, CurvatureNeed, Family, MethodInfo};

const TABLEAU: Tableau = Tableau {
    a: &[&[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
    b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    embedded: None,
    dense: None,
};

impl RungeKutta {
    /// The classical method of order 4.
    ///
    /// **Recurrence**: $g_2 = ∇L(θ_k − \tfrac{h}{2} g_1)$, $g_3 = ∇L(θ_k − \tfrac{h}{2} g_2)$, $g_4 = ∇L(θ_k − h g_3)$,
    /// $θ_{k+1} = θ_k − \tfrac{h}{6}(g_1 + 2g_2 + 2g_3 + g_4)$, $g_1 = ∇L(θ_k)$.
    /// **Symbols**: $h$ = step size in flow time; θ, g: p numbers.
    /// **Properties**: order 4; R(z) = 1 − z + z²/2 − z³/6 + z⁴/24, z = hλ: stable and monotone for 0 < z < 2.785293563.
    /// **Cost**: three gradients beside the driver's.
    /// **Fails when**: the gradient at a stage is not finite.
    /// **Reference**: W. Kutta, *Z. Math. Phys.* 46 (1901).
    pub fn rk4() -> Self {
        Self::new(&TABLEAU)
    }
}

runge_kutta_settings! {
    /// `method.rk4`.
    Rk4Settings, TABLEAU, ControlSettings::Constant(ConstantSettings {})
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "rk4",
    title: "classical Runge–Kutta method",
    family: Family::Explicit,
    order: Some(4),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 2.785",
    cost: "4 gradients",
    textbook: &[],
};
