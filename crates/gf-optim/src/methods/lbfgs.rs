//! Limited-memory BFGS.

use gf_core::{Counted, Event, Objective, vector};
use serde::{Deserialize, Serialize};

use super::direction::Direction;
use crate::control::StrongWolfe;
use crate::registry::{AnyMethod, ControlSettings, CurvatureNeed, Family, MethodInfo, Settings};
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// A quasi-Newton method: curvature from the differences of the last m gradients.
///
/// **Recurrence**: $d = −B_k ∇L(θ_k)$, $θ_{k+1} = θ_k + α d$, with the inverse Hessian $B_k$ of m BFGS updates of $γI$ by the pairs
/// $s_j = θ_{j+1} − θ_j$, $y_j = ∇L(θ_{j+1}) − ∇L(θ_j)$, $γ = s^T y / y^T y$ of the newest (two-loop recursion). Without a pair $d = −∇L / \max(1, ‖∇L‖)$.
/// **Symbols**: $m$ = `memory`; $α$ = the controller's step size, without unit.
/// **Properties**: d descends, since only pairs with $s^T y > 10^{-10} ‖s‖‖y‖$ are kept; the others are recorded as `skipped-pair`. With exact line searches it is
/// the conjugate gradient method on a quadratic. Does not follow the flow's clock.
/// **Mini-batches**: y is formed from the gradients as they come: where each step has its own sample, y mixes the difference of two points with that of two samples.
/// **Cost**: the driver's gradient; with the default control a gradient a trial, the last of which is the next step's; 4mp flops. Memory: (2m + 4)p numbers.
/// **Fails when**: never by itself; the line search may.
/// **Reference**: J. Nocedal, *Math. Comput.* 35 (1980); D. Liu, J. Nocedal, *Math. Program.* 45 (1989).
///
/// ```
/// use gf_core::problems::Rosenbrock;
/// use gf_optim::{Budget, control::StrongWolfe, integrate, methods::Lbfgs};
/// let budget = Budget { gradient_norm: 1e-8, ..Budget::steps(100) };
/// let outcome = integrate(&mut Rosenbrock::new(2), &mut Lbfgs::new(10), &mut StrongWolfe::default(), &mut [], vec![-1.2, 1.0], &budget)?;
/// assert!((outcome.theta[0] - 1.0).abs() < 1e-7);
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug)]
pub struct Lbfgs {
    memory: usize,
    /// Where the last direction was computed, and the gradient there.
    theta: Vec<f64>,
    gradient: Vec<f64>,
    /// The last accepted step, until its pair is formed.
    step: Vec<f64>,
    /// The pairs, m slots of p numbers each, and 1/sᵀy.
    steps: Vec<f64>,
    differences: Vec<f64>,
    inverse_products: Vec<f64>,
    weights: Vec<f64>,
    /// Pairs kept since the start (the next goes to this slot, modulo m), and whether the pair of `step` is to be formed (1 or 0).
    counts: [f64; 2],
    direction: Direction,
}

/// A pair whose step and gradient difference have a smaller cosine is not kept: its curvature is not positive, or is rounding.
const LEAST_COSINE: f64 = 1e-10;

impl Lbfgs {
    /// With the last `memory` pairs.
    pub fn new(memory: usize) -> Self {
        Self {
            memory: memory.max(1),
            theta: Vec::new(),
            gradient: Vec::new(),
            step: Vec::new(),
            steps: Vec::new(),
            differences: Vec::new(),
            inverse_products: Vec::new(),
            weights: Vec::new(),
            counts: [0.0; 2],
            direction: Direction::default(),
        }
    }

    /// Keeps the pair of the last step, now that the gradient at its end is known. Overwrites the gradient at its start.
    fn form_pair(&mut self, gradient: &[f64]) {
        let y = &mut self.gradient;
        y.iter_mut().zip(gradient).for_each(|(y, g)| *y = g - *y);
        let product = vector::dot(&self.step, y);
        if product <= LEAST_COSINE * vector::norm(&self.step) * vector::norm(y) || product.is_nan() {
            self.direction.met.record(Event::SkippedPair);
            return;
        }
        let (slot, p) = (self.counts[0] as usize % self.memory, y.len());
        self.steps[slot * p..][..p].copy_from_slice(&self.step);
        self.differences[slot * p..][..p].copy_from_slice(y);
        self.inverse_products[slot] = 1.0 / product;
        self.counts[0] += 1.0;
    }

    /// d = −B∇L, by the two-loop recursion.
    fn find_direction(&mut self, gradient: &[f64]) {
        let (p, m, formed) = (gradient.len(), self.memory, self.counts[0] as usize);
        let d = &mut self.direction.entries;
        vector::scale_into(-1.0, gradient, d);
        if formed == 0 {
            let scale = 1.0 / vector::norm(gradient).max(1.0);
            d.iter_mut().for_each(|d| *d *= scale);
            return;
        }
        let pair = |k: usize| (k % m, &self.steps[k % m * p..][..p], &self.differences[k % m * p..][..p]);
        let kept = formed.saturating_sub(m)..formed;
        for (slot, s, y) in kept.clone().rev().map(pair) {
            self.weights[slot] = self.inverse_products[slot] * vector::dot(s, d);
            vector::add_scaled(d, -self.weights[slot], y);
        }
        let (newest, _, y) = pair(formed - 1);
        let gamma = 1.0 / (self.inverse_products[newest] * vector::dot(y, y));
        d.iter_mut().for_each(|d| *d *= gamma);
        for (slot, s, y) in kept.map(pair) {
            let back = self.inverse_products[slot] * vector::dot(y, d);
            vector::add_scaled(d, self.weights[slot] - back, s);
        }
    }
}

/// `method.lbfgs`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LbfgsSettings {
    /// Pairs kept, at least 1.
    pub memory: usize,
}

impl Default for LbfgsSettings {
    /// Ten pairs.
    fn default() -> Self {
        Self { memory: 10 }
    }
}

impl Settings for LbfgsSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        /// Beyond, a step costs more than what older pairs bring, and room is made for all of them.
        const MOST: usize = 1000;
        if !(1..=MOST).contains(&self.memory) {
            return Err(SettingsError::new("lbfgs.memory", "1 to 1000", self.memory));
        }
        Ok(())
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(Lbfgs::new(self.memory))
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::Wolfe(StrongWolfe::default())
    }

    fn label(&self) -> String {
        format!("memory {}", self.memory)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "lbfgs",
    title: "limited-memory BFGS",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::None,
    stability: "does not follow the flow",
    cost: "1 gradient a line-search trial",
    textbook: &[],
};

impl<O: Objective + ?Sized> Discretization<O> for Lbfgs {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        let (p, m) = (dim, self.memory);
        [&mut self.theta, &mut self.gradient, &mut self.step].into_iter().for_each(|x| *x = vec![0.0; p]);
        [&mut self.steps, &mut self.differences].into_iter().for_each(|x| *x = vec![0.0; m * p]);
        [&mut self.inverse_products, &mut self.weights].into_iter().for_each(|x| *x = vec![0.0; m]);
        self.counts = [0.0; 2];
        self.direction.init(p);
        Ok(())
    }

    fn linearize(&mut self, _objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.direction.met.clear();
        if std::mem::take(&mut self.counts[1]) != 0.0 {
            self.form_pair(at.gradient);
        }
        self.theta.copy_from_slice(at.theta);
        self.gradient.copy_from_slice(at.gradient);
        self.find_direction(at.gradient);
        Ok(())
    }

    fn propose(
        &mut self,
        _objective: &mut Counted<'_, O>,
        _at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.direction.scaled(h, delta, events);
        Ok(())
    }

    fn accepted(&mut self, to: &[f64], _h: f64) {
        self.step.iter_mut().zip(to.iter().zip(&self.theta)).for_each(|(s, (to, from))| *s = to - from);
        self.counts[1] = 1.0;
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        let Self { gradient, step, steps, differences, inverse_products, counts, .. } = self;
        vec![gradient, step, steps, differences, inverse_products, counts]
    }
}
