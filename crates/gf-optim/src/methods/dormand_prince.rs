//! Dormand–Prince 5(4).

use super::runge_kutta::{DenseWeights, Embedded, RungeKutta, Tableau, runge_kutta_settings};
use crate::control::EmbeddedError;
use crate::registry::{ControlSettings, CurvatureNeed, Family, MethodInfo};

const TABLEAU: Tableau = Tableau {
    a: &[
        &[1.0 / 5.0],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
        &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
    ],
    b: &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0],
    embedded: Some(Embedded {
        difference: &[
            71.0 / 57600.0,
            0.0,
            -71.0 / 16695.0,
            71.0 / 1920.0,
            -17253.0 / 339_200.0,
            22.0 / 525.0,
            -1.0 / 40.0,
        ],
        order: 4,
    }),
    dense: Some(dense),
};

/// Hairer's continuous extension, with the derivatives of the flow at both ends: with $f_i = −g_i$, $b = hf_1 − δ$, $c = 2δ − hf_1 − hf_7$ and
/// $e = h \sum d_i f_i$, $u(s) = s(δ + (1−s)(b + s(c + (1−s)e)))$.
/// **Reference**: E. Hairer, S. Nørsett, G. Wanner, *Solving ODEs I*, II.6; the authors' code `dopri5.f`.
fn dense(s: f64) -> DenseWeights {
    const D: [f64; 7] = [
        -12_715_105_075.0 / 11_282_082_432.0,
        0.0,
        87_487_479_700.0 / 32_700_410_799.0,
        -10_690_763_975.0 / 1_880_347_072.0,
        701_980_252_875.0 / 199_316_789_632.0,
        -1_453_857_185.0 / 822_651_844.0,
        69_997_945.0 / 29_380_423.0,
    ];
    let (first, second) = (s * (1.0 - s), s * s * (1.0 - s));
    let mut stages = D.map(|d| second * (1.0 - s) * d);
    stages[0] += first - second;
    stages[6] -= second;
    DenseWeights { step: s - first + 2.0 * second, stages }
}

impl RungeKutta {
    /// Dormand–Prince 5(4): order 5 with an error estimate from order 4 and dense output, the integrator of reference flows.
    ///
    /// **Recurrence**: that of [`RungeKutta`] with seven stages; the seventh lies at the end of the step and serves the error estimate and
    /// [`RungeKutta::interpolant`] only.
    /// **Symbols**: $h$ = step size in flow time.
    /// **Properties**: order 5, embedded order 4; R(z) = 1 − z + z²/2 − z³/6 + z⁴/24 − z⁵/120 + z⁶/600, z = hλ: stable and monotone for
    /// 0 < z < 3.306567893.
    /// **Cost**: six gradients beside the driver's. The sixth is at the point where the driver evaluates next: that the last stage of a step is
    /// the first one of the next is not made use of, since the sample may change between them.
    /// **Fails when**: the gradient at a stage is not finite.
    /// **Reference**: J. Dormand, P. Prince, *J. Comput. Appl. Math.* 6 (1980).
    pub fn dormand_prince() -> Self {
        Self::new(&TABLEAU)
    }
}

runge_kutta_settings! {
    /// `method.dormand-prince`. The local error chooses the step sizes unless a study names another control.
    DormandPrinceSettings, TABLEAU, ControlSettings::EmbeddedError(EmbeddedError::default())
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "dormand-prince",
    title: "Dormand–Prince 5(4)",
    family: Family::Explicit,
    order: Some(5),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 3.307",
    cost: "7 gradients",
    textbook: &[],
};
