//! Tsitouras 5(4).

use super::runge_kutta::{Embedded, RungeKutta, Tableau, runge_kutta_settings};
use crate::control::EmbeddedError;
use crate::registry::{ControlSettings, CurvatureNeed, Family, MethodInfo};

const TABLEAU: Tableau = Tableau {
    a: &[
        &[0.161],
        &[-0.008480655492356989, 0.335480655492357],
        &[2.8971530571054935, -6.359448489975075, 4.3622954328695815],
        &[5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525],
        &[5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383],
        &[0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774],
    ],
    b: &[0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0.0],
    embedded: Some(Embedded {
        difference: &[
            0.001780011052225777,
            0.0008164344596567469,
            -0.007880878010261995,
            0.1447110071732629,
            -0.5823571654525552,
            0.45808210592918697,
            -1.0 / 66.0,
        ],
        order: 4,
    }),
    dense: None,
};

impl RungeKutta {
    /// Tsitouras 5(4): order 5 with an error estimate from order 4.
    ///
    /// **Recurrence**: that of [`RungeKutta`] with seven stages; the seventh lies at the end of the step and serves the error estimate only.
    /// **Symbols**: $h$ = step size in flow time.
    /// **Properties**: order 5, embedded order 4; R(z), z = hλ, agrees with e^(−z) to z⁵: stable and monotone for 0 < z < 3.506846994.
    /// **Cost**: six gradients beside the driver's, as [`RungeKutta::dormand_prince`].
    /// **Fails when**: the gradient at a stage is not finite.
    /// **Reference**: Ch. Tsitouras, *Comput. Math. Appl.* 62 (2011).
    pub fn tsitouras() -> Self {
        Self::new(&TABLEAU)
    }
}

runge_kutta_settings! {
    /// `method.tsitouras`. The local error chooses the step sizes unless a study names another control.
    TsitourasSettings, TABLEAU, ControlSettings::EmbeddedError(EmbeddedError::default())
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "tsitouras",
    title: "Tsitouras 5(4)",
    family: Family::Explicit,
    order: Some(5),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 3.507",
    cost: "7 gradients",
    textbook: &[],
};
