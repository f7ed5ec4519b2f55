//! Tsitouras 5(4).

use super::runge_kutta::{DenseWeights, Embedded, RungeKutta, Tableau, runge_kutta_settings};
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
    dense: Some(dense),
};

/// Tsitouras's continuous extension of order 4.
fn dense(s: f64) -> DenseWeights {
    let square = s * s;
    let stages = [
        -1.0530884977290216 * s * (s - 1.329989018975141) * (square - 1.4364028541716351 * s + 0.7139816917074209),
        0.1017 * square * (square - 2.1966568338249754 * s + 1.294985250737463),
        2.490627285651253 * square * (square - 2.3853564547206166 * s + 1.578034682080925),
        -16.548102889244902 * (s - 1.2171292729553325) * (s - 0.616204060378) * square,
        47.37952196281928 * (s - 1.2030712083723627) * (s - 0.6580472926535474) * square,
        -34.87065786149661 * (s - 1.2) * (s - 2.0 / 3.0) * square,
        2.5 * (s - 1.0) * (s - 0.6) * square,
    ];
    DenseWeights { step: 0.0, stages }
}

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
