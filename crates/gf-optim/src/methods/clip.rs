//! Gradient clipping, for every method that uses the driver's gradient only.

use gf_core::{Counted, Event, Objective, vector};

use crate::settings::positive;
use crate::{Discretization, EventLog, LocalError, Point, SettingsError, SetupError, StepFailure};

/// Bounds of a gradient. First the entries are clipped, then the length.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Clip {
    /// The largest ‖g‖, in units of the gradient: a longer g becomes g·norm/‖g‖.
    pub norm: Option<f64>,
    /// The largest |gᵢ|, in units of the gradient: a larger entry becomes ±value.
    pub value: Option<f64>,
}

impl Clip {
    /// Checks the ranges; `method` is the key of the table that the settings `clip_norm` and `clip_value` stand in.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub(super) fn validate(&self, method: &str) -> Result<(), SettingsError> {
        positive(&format!("{method}.clip_norm"), self.norm.unwrap_or(1.0))?;
        positive(&format!("{method}.clip_value"), self.value.unwrap_or(1.0))
    }

    fn is_set(&self) -> bool {
        self.norm.is_some() || self.value.is_some()
    }

    /// Overwrites `out` with the clipped `gradient`, and says whether they differ.
    fn apply(&self, gradient: &[f64], out: &mut [f64]) -> bool {
        out.copy_from_slice(gradient);
        let mut acts = false;
        if let Some(most) = self.value {
            acts = gradient.iter().any(|x| x.abs() > most);
            out.iter_mut().for_each(|x| *x = x.clamp(-most, most));
        }
        if let Some(most) = self.norm.filter(|most| vector::norm(out) > *most) {
            acts = true;
            rescale(out, most);
        }
        acts
    }
}

/// x becomes x·length/‖x‖; zero stays zero. Neither ‖x‖² overflows nor underflows.
pub(super) fn rescale(x: &mut [f64], length: f64) {
    let largest = x.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    if largest == 0.0 {
        return;
    }
    x.iter_mut().for_each(|x| *x /= largest);
    let factor = length / vector::norm(x);
    x.iter_mut().for_each(|x| *x *= factor);
}

/// The method `M`, handed a clipped gradient in place of ∇L(θ).
///
/// **Recurrence**: that of `M` with $g' = \mathrm{clamp}(∇L, ±\text{value})$, then $g'·\min(1, \text{norm}/‖g'‖)$.
/// **Properties**: where a bound acts, the step is named `clipped-gradient` and obeys neither the stability nor the order of `M`, whose clock goes on all the same;
/// where none acts, and without bounds, it is the step of `M` to the last bit.
/// **Cost**: that of `M`, p numbers of memory and 2p flops where a bound is set.
/// **Fails when**: `M` does.
/// **Reference**: R. Pascanu, T. Mikolov, Y. Bengio, *ICML* 2013. (PyTorch's `clip_grad_norm_` divides by ‖g‖ + 1e-6 instead.)
///
/// ```
/// use gf_core::problems::Quadratic;
/// use gf_optim::methods::{Clip, Clipped, ExplicitEuler};
/// use gf_optim::{Budget, control::Constant, integrate};
/// let mut method = Clipped::new(ExplicitEuler, Clip { norm: Some(1.0), value: None });
/// let outcome = integrate(&mut Quadratic::diagonal(&[2.0]), &mut method, &mut Constant::new(0.25), &mut [],
///                         vec![4.0], &Budget::steps(1))?;
/// assert_eq!(outcome.theta, [3.75]); // The gradient 8 became 1.
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Clipped<M> {
    method: M,
    clip: Clip,
    gradient: Vec<f64>,
    /// Whether the clipped gradient of this point differs from the point's.
    acts: bool,
}

impl<M> Clipped<M> {
    /// Clips what `method` sees.
    pub fn new(method: M, clip: Clip) -> Self {
        Self { method, clip, gradient: Vec::new(), acts: false }
    }

    pub(super) fn method(&self) -> &M {
        &self.method
    }
}

impl<O: Objective + ?Sized, M: Discretization<O>> Discretization<O> for Clipped<M> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.gradient = vec![0.0; if self.clip.is_set() { dim } else { 0 }];
        self.acts = false;
        self.method.init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.acts = self.clip.is_set() && self.clip.apply(at.gradient, &mut self.gradient);
        let gradient = if self.acts { &self.gradient } else { at.gradient };
        self.method.linearize(objective, Point { gradient, ..at })
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        if self.acts {
            events.record(Event::ClippedGradient);
        }
        let gradient = if self.acts { &self.gradient } else { at.gradient };
        self.method.propose(objective, Point { gradient, ..at }, h, delta, events)
    }

    fn accepted(&mut self, to: &[f64], h: f64) {
        self.method.accepted(to, h);
    }

    fn time(&self, h: f64) -> Option<f64> {
        self.method.time(h)
    }

    fn unconditional(&self, at: Point<'_>) -> bool {
        self.method.unconditional(at)
    }

    fn local_error(&self) -> Option<LocalError<'_>> {
        self.method.local_error()
    }

    fn predicted_decrease(&self) -> Option<f64> {
        self.method.predicted_decrease()
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.method.state()
    }
}
