//! The explicit midpoint rule.

use super::runge_kutta::{RungeKutta, Tableau, runge_kutta_settings};
use crate::registry::{ConstantSettings, ControlSettings, CurvatureNeed, Family, MethodInfo};

const TABLEAU: Tableau = Tableau { a: &[&[0.5]], b: &[0.0, 1.0], embedded: None, dense: None };

impl RungeKutta {
    /// The explicit midpoint rule.
    ///
    /// **Recurrence**: $θ_{k+1} = θ_k − h ∇L(θ_k − \tfrac{h}{2} ∇L(θ_k))$.
    /// **Symbols**: $h$ = step size in flow time; θ, ∇L: p numbers.
    /// **Properties**: order 2; R(z) = 1 − z + z²/2, z = hλ: stable and monotone for 0 < z < 2.
    /// **Cost**: one gradient beside the driver's.
    /// **Fails when**: the gradient at the midpoint is not finite.
    /// **Reference**: C. Runge, *Math. Annalen* 46 (1895).
    ///
    /// ```
    /// use gf_core::problems::Quadratic;
    /// use gf_optim::{Budget, control::Constant, integrate, methods::RungeKutta};
    /// let outcome = integrate(&mut Quadratic::diagonal(&[2.0]), &mut RungeKutta::midpoint(), &mut Constant::new(0.5), &mut [],
    ///                         vec![1.0], &Budget::steps(3))?;
    /// assert_eq!(outcome.theta, [0.125]); // R = 1 − 1 + 1/2
    /// # Ok::<(), gf_optim::RunError>(())
    /// ```
    pub fn midpoint() -> Self {
        Self::new(&TABLEAU)
    }
}

runge_kutta_settings! {
    /// `method.midpoint`.
    MidpointSettings, TABLEAU, ControlSettings::Constant(ConstantSettings {})
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "midpoint",
    title: "explicit midpoint rule",
    family: Family::Explicit,
    order: Some(2),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 2",
    cost: "2 gradients",
    textbook: &[],
};
