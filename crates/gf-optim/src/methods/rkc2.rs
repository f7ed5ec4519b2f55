//! Runge–Kutta–Chebyshev of order 2: an explicit method with a long interval of stability.

use gf_core::{Counted, Objective, vector};
use serde::{Deserialize, Serialize};

use crate::discretization::STAGE;
use crate::registry::{AnyMethod, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Runge–Kutta–Chebyshev of order 2 with s stages.
///
/// **Recurrence**: displacements $d_0 = 0$, $d_1 = −\tilde μ_1 h g_0$, $d_j = μ_j d_{j−1} + ν_j d_{j−2} − h(\tilde μ_j g_{j−1} + \tilde γ_j g_0)$,
/// $g_j = ∇L(θ_k + d_j)$, $θ_{k+1} = θ_k + d_s$, with $w_0 = 1 + ε/s^2$, $w_1 = T_s'(w_0)/T_s''(w_0)$, $b_j = T_j''(w_0)/T_j'(w_0)^2$ (b₀ = b₁ = b₂),
/// $a_j = 1 − b_j T_j(w_0)$, $\tilde μ_1 = b_1 w_1$, $μ_j = 2b_j w_0/b_{j−1}$, $ν_j = −b_j/b_{j−2}$, $\tilde μ_j = 2b_j w_1/b_{j−1}$, $\tilde γ_j = −a_{j−1} \tilde μ_j$.
/// **Symbols**: $s$ = `stages`; $ε$ = 2/13, the damping; $T_j$: Chebyshev polynomials; $h$ = step size in flow time; θ, d, g: p numbers.
/// **Properties**: order 2; $R(z) = a_s + b_s T_s(w_0 − w_1 z)$, z = hλ: stable and monotone for $0 < z < (w_0 + 1)/w_1$, about 0.653(s² − 1), and for
/// even s to $2w_0/w_1$, a little beyond. So the interval that a gradient buys grows with s: 2 for explicit Euler, 6.5 for ten stages.
/// **Cost**: s − 1 gradients beside the driver's; 3p numbers of memory; 8sp flops.
/// **Fails when**: the gradient at a stage is not finite.
/// **Reference**: B. Sommeijer, L. Shampine, J. Verwer, *J. Comput. Appl. Math.* 88 (1998).
#[derive(Debug, Clone)]
pub struct Rkc2 {
    coefficients: Coefficients,
    /// d_{j−1}.
    last: Vec<f64>,
    /// d_{j−2}.
    before: Vec<f64>,
    gradient: Vec<f64>,
}

impl Rkc2 {
    /// With s = `stages` ≥ 2 stages; fewer are raised to 2.
    pub fn new(stages: u32) -> Self {
        let coefficients = Coefficients::new(stages.max(2));
        Self { coefficients, last: Vec::new(), before: Vec::new(), gradient: Vec::new() }
    }
}

/// `method.rkc2`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Rkc2Settings {
    /// Step size h > 0 in flow time.
    pub h: f64,
    /// Stages s ≥ 2, one gradient each.
    pub stages: u32,
}

impl Default for Rkc2Settings {
    /// h = 0.1 with ten stages.
    fn default() -> Self {
        Self { h: 0.1, stages: 10 }
    }
}

impl Settings for Rkc2Settings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("rkc2.h", self.h)?;
        if !(2..=1000).contains(&self.stages) {
            return Err(SettingsError::new("rkc2.stages", "2 to 1000", self.stages));
        }
        Ok(())
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(Rkc2::new(self.stages))
    }

    fn first_step_size(&self) -> f64 {
        self.h
    }

    fn amplification(&self, z: f64) -> Option<Amplification> {
        let (w0, w1) = points(self.stages);
        let [t, first, second] = chebyshev(self.stages, w0);
        let b = second / (first * first);
        Some(Amplification::one_step(1.0 - b * t + b * chebyshev(self.stages, w0 - w1 * z)[0]))
    }

    fn label(&self) -> String {
        format!("h = {}, {} stages", self.h, self.stages)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "rkc2",
    title: "Runge–Kutta–Chebyshev of order 2",
    family: Family::Explicit,
    order: Some(2),
    curvature: CurvatureNeed::None,
    stability: "0 < hλ < 0.653(s² - 1)",
    cost: "s gradients, s stages",
    textbook: &[],
};

/// T_n, T_n' and T_n'' at `x`, by T_j = 2x T_{j−1} − T_{j−2} and its derivatives; n ≥ 1.
fn chebyshev(n: u32, x: f64) -> [f64; 3] {
    let (mut before, mut last) = ([1.0, 0.0, 0.0], [x, 1.0, 0.0]);
    for _ in 1..n {
        let next = [
            2.0 * x * last[0] - before[0],
            2.0 * last[0] + 2.0 * x * last[1] - before[1],
            4.0 * last[1] + 2.0 * x * last[2] - before[2],
        ];
        (before, last) = (last, next);
    }
    last
}

/// w₀ and w₁.
fn points(stages: u32) -> (f64, f64) {
    let s = f64::from(stages);
    let w0 = 1.0 + 2.0 / 13.0 / (s * s);
    let [_, first, second] = chebyshev(stages, w0);
    (w0, first / second)
}

/// μ̃₁, and one (μ, ν, μ̃, γ̃) for each of the stages 2 to s.
#[derive(Debug, Clone)]
struct Coefficients {
    first: f64,
    rest: Vec<[f64; 4]>,
}

impl Coefficients {
    fn new(stages: u32) -> Self {
        let (w0, w1) = points(stages);
        let b = |j: u32| {
            let [_, first, second] = chebyshev(j.max(2), w0);
            second / (first * first)
        };
        let a = |j: u32| 1.0 - b(j) * chebyshev(j, w0)[0];
        let rest = (2..=stages).map(|j| {
            let slope = 2.0 * b(j) * w1 / b(j - 1);
            [2.0 * b(j) * w0 / b(j - 1), -b(j) / b(j - 2), slope, -a(j - 1) * slope]
        });
        Self { first: b(1) * w1, rest: rest.collect() }
    }
}

impl<O: Objective + ?Sized> Discretization<O> for Rkc2 {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        for buffer in [&mut self.last, &mut self.before, &mut self.gradient] {
            *buffer = vec![0.0; dim];
        }
        Ok(())
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        _events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.before.fill(0.0);
        vector::scale_into(-h * self.coefficients.first, at.gradient, &mut self.last);
        for [mu, nu, slope, start] in &self.coefficients.rest {
            // Until the last stage `delta` is scratch.
            vector::sum_into(at.theta, &self.last, delta);
            objective.value_and_gradient(delta, &mut self.gradient)?;
            if !vector::all_finite(&self.gradient) {
                return Err(StepFailure::NotFinite { what: STAGE });
            }
            for i in 0..delta.len() {
                let moved = h * (slope * self.gradient[i] + start * at.gradient[i]);
                self.before[i] = mu * self.last[i] + nu * self.before[i] - moved;
            }
            std::mem::swap(&mut self.before, &mut self.last);
        }
        delta.copy_from_slice(&self.last);
        Ok(())
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }
}
