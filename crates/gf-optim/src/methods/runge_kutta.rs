//! Explicit Runge–Kutta methods: one core for all tableaux.

use gf_core::{Counted, Objective, vector};

use crate::discretization::STAGE;
use crate::{Discretization, EventLog, LocalError, Point, SetupError, StepFailure};

/// A Butcher tableau, strictly lower triangular. The nodes c are its row sums: the flow does not depend on time.
#[derive(Debug)]
pub(crate) struct Tableau {
    /// Rows 2 to s of A; row i has i − 1 entries.
    pub(crate) a: &'static [&'static [f64]],
    /// The weights b, s entries.
    pub(crate) b: &'static [f64],
    /// The embedded method, where there is one.
    pub(crate) embedded: Option<Embedded>,
    /// The continuous extension, for seven stages the last of which lies at the end of the step: what θ moves up to the part s of it.
    pub(crate) dense: Option<fn(f64) -> DenseWeights>,
}

/// u(s) = `step`·δ − h Σ `stages`ᵢ gᵢ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DenseWeights {
    pub(crate) step: f64,
    pub(crate) stages: [f64; 7],
}

/// A second set of weights b̂ for the same stages.
#[derive(Debug)]
pub(crate) struct Embedded {
    /// b − b̂, s entries.
    pub(crate) difference: &'static [f64],
    /// The order of b̂.
    pub(crate) order: u32,
}

impl Tableau {
    /// R(z), what a step makes of 1 on L = ½λθ², z = hλ.
    pub(crate) fn amplification(&self, z: f64) -> f64 {
        let mut stages = vec![1.0];
        for row in self.a {
            stages.push(1.0 - z * vector::dot(row, &stages));
        }
        1.0 - z * vector::dot(self.b, &stages)
    }
}

/// An explicit Runge–Kutta method on θ' = −∇L(θ).
///
/// **Recurrence**: $g_i = ∇L(θ_k − h \sum_{j<i} a_{ij} g_j)$, $θ_{k+1} = θ_k − h \sum_i b_i g_i$, i = 1, …, s.
/// **Symbols**: $h$ = step size in flow time; $a$, $b$: the tableau, chosen by the constructor; $g_i$: p numbers each.
/// **Properties**: see the constructors.
/// **Cost**: s gradients a step, the first of them the driver's; (s − 1)p numbers of memory, p more with an embedded method; about s²p flops.
/// **Fails when**: the gradient at a stage is not finite.
/// **Reference**: E. Hairer, S. Nørsett, G. Wanner, *Solving ODEs I*, II.1.
#[derive(Debug, Clone)]
pub struct RungeKutta {
    tableau: &'static Tableau,
    /// g₂ to g_s of the last proposal.
    gradients: Vec<Vec<f64>>,
    /// −h Σ (bᵢ − b̂ᵢ) gᵢ of the last proposal.
    error: Vec<f64>,
}

impl RungeKutta {
    pub(crate) fn new(tableau: &'static Tableau) -> Self {
        Self { tableau, gradients: Vec::new(), error: Vec::new() }
    }

    /// Makes room for p = `dim` parameters.
    pub(crate) fn resize(&mut self, dim: usize) {
        self.gradients = vec![vec![0.0; dim]; self.tableau.a.len()];
        self.error = vec![0.0; if self.tableau.embedded.is_some() { dim } else { 0 }];
    }

    /// Overwrites `delta` with the step of size `h` from `theta`, where the gradient is `gradient`; keeps stages and error estimate.
    ///
    /// # Errors
    /// [`StepFailure::NotFinite`] at a stage.
    pub(crate) fn step<O: Objective + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        gradient: &[f64],
        h: f64,
        delta: &mut [f64],
    ) -> Result<(), StepFailure> {
        for (stage, row) in self.tableau.a.iter().enumerate() {
            let (known, rest) = self.gradients.split_at_mut(stage);
            // Until the last stage `delta` is scratch.
            delta.copy_from_slice(theta);
            add_combination(delta, -h, row, gradient, known);
            objective.value_and_gradient(delta, &mut rest[0])?;
            if !vector::all_finite(&rest[0]) {
                return Err(StepFailure::NotFinite { what: STAGE });
            }
        }
        delta.fill(0.0);
        add_combination(delta, -h, self.tableau.b, gradient, &self.gradients);
        if let Some(embedded) = &self.tableau.embedded {
            self.error.fill(0.0);
            add_combination(&mut self.error, -h, embedded.difference, gradient, &self.gradients);
        }
        Ok(())
    }

    /// The solution between the ends of the last proposal, for tableaux with a continuous extension (Dormand–Prince's and Tsitouras's). `gradient`, `h`
    /// (flow time) and `delta` are those of the proposal. None for other tableaux.
    pub fn interpolant<'a>(&'a self, gradient: &'a [f64], h: f64, delta: &'a [f64]) -> Option<Interpolant<'a>> {
        let dense = self.tableau.dense?;
        Some(Interpolant { dense, gradient, others: &self.gradients, h, delta })
    }
}

/// y += a Σ cᵢ gᵢ, g₁ = `first`.
fn add_combination(y: &mut [f64], a: f64, c: &[f64], first: &[f64], others: &[Vec<f64>]) {
    let gradients = std::iter::once(first).chain(others.iter().map(Vec::as_slice));
    for (c, g) in c.iter().zip(gradients).filter(|(c, _)| **c != 0.0) {
        vector::add_scaled(y, a * c, g);
    }
}

/// Dense output of one step: of order 4.
#[derive(Debug, Clone, Copy)]
pub struct Interpolant<'a> {
    dense: fn(f64) -> DenseWeights,
    gradient: &'a [f64],
    others: &'a [Vec<f64>],
    h: f64,
    delta: &'a [f64],
}

impl Interpolant<'_> {
    /// Overwrites `out` (p numbers) with u(s) = θ(t + sh) − θ(t), 0 ≤ s ≤ 1.
    pub fn at(&self, s: f64, out: &mut [f64]) {
        let weights = (self.dense)(s);
        vector::scale_into(weights.step, self.delta, out);
        add_combination(out, -self.h, &weights.stages, self.gradient, self.others);
    }
}

impl<O: Objective + ?Sized> Discretization<O> for RungeKutta {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.resize(dim);
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
        self.step(objective, at.theta, at.gradient, h, delta)
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }

    fn local_error(&self) -> Option<LocalError<'_>> {
        let embedded = self.tableau.embedded.as_ref()?;
        Some(LocalError { estimate: &self.error, order: embedded.order })
    }
}

/// Settings of a Runge–Kutta method: its step size. The control named last is its default.
macro_rules! runge_kutta_settings {
    ($(#[$attribute:meta])* $settings:ident, $tableau:expr, $control:expr) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields, default)]
        pub struct $settings {
            /// Step size h > 0 in flow time; the first one where a control chooses the others.
            pub h: f64,
        }

        impl Default for $settings {
            /// h = 0.01, as for explicit Euler.
            fn default() -> Self {
                Self { h: 0.01 }
            }
        }

        impl $crate::registry::Settings for $settings {
            fn validate(&self) -> Result<(), $crate::SettingsError> {
                $crate::settings::positive(&format!("{}.h", INFO.name), self.h)
            }

            fn build(&self) -> Box<$crate::registry::AnyMethod> {
                Box::new($crate::methods::RungeKutta::new(&$tableau))
            }

            fn first_step_size(&self) -> f64 {
                self.h
            }

            fn default_control(&self) -> $crate::registry::ControlSettings {
                $control
            }

            fn estimates_error(&self) -> bool {
                $tableau.embedded.is_some()
            }

            fn amplification(&self, z: f64) -> Option<$crate::stability::Amplification> {
                Some($crate::stability::Amplification::one_step($tableau.amplification(z)))
            }

            fn label(&self) -> String {
                format!("h = {}", self.h)
            }
        }
    };
}

pub(super) use runge_kutta_settings;
