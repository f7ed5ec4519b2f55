//! Global minimizers of quadratic models with a bounded step, in the basis of the eigenvectors.

use gf_core::{Counted, DenseHessian, Event};

use super::spectrum::Spectrum;
use crate::{EventLog, SetupError};

/// A quadratic model at a point, and the last minimizer's predicted decrease.
#[derive(Default)]
pub(super) struct ExactModel {
    pub(super) spectrum: Spectrum,
    coordinates: Vec<f64>,
    pub(super) predicted: Option<f64>,
}

impl ExactModel {
    pub(super) fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.coordinates = vec![0.0; dim];
        self.predicted = None;
        self.spectrum.init(dim)
    }

    /// Overwrites `delta` with the model's global minimizer.
    pub(super) fn minimize<O: DenseHessian + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        bound: Bound,
        delta: &mut [f64],
        events: &mut EventLog,
    ) {
        let Spectrum { values, gradient, .. } = &self.spectrum;
        let found = minimize(values, gradient, bound, &mut self.coordinates);
        if found.indefinite {
            events.record(Event::NegativeCurvature);
        }
        self.predicted = Some(found.decrease);
        self.spectrum.combine(objective, &self.coordinates, delta);
    }
}

/// What bounds the step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// ‖δ‖ ≤ Δ.
    Radius(f64),
    /// The model has the term (σ/3)‖δ‖³.
    Cubic(f64),
}

impl Bound {
    /// 1/r and −d(1/r)/dμ, where r(μ) is the length of the step that belongs to the shift μ: Δ, or μ/σ.
    fn inverse_length(self, shift: f64) -> (f64, f64) {
        match self {
            Self::Radius(radius) => (1.0 / radius, 0.0),
            Self::Cubic(weight) => (weight / shift, weight / (shift * shift)),
        }
    }

    /// The least s ≥ 0 at which the component c/(e + s) alone is not longer than r(base + s).
    fn least(self, base: f64, e: f64, c: f64) -> f64 {
        match self {
            Self::Radius(radius) => (c.abs() / radius - e).max(0.0),
            Self::Cubic(weight) => {
                // (e + s)(base + s) = σ|c|, its positive root without cancellation.
                let (half, missing) = (0.5 * (e + base), (weight * c.abs() - e * base).max(0.0));
                if missing > 0.0 { missing / (half + (half * half + missing).sqrt()) } else { 0.0 }
            }
        }
    }
}

/// A global minimizer δ of gᵀδ + ½δᵀHδ within the bound: (H + μI)δ = −g with H + μI ⪰ 0, and either ‖δ‖ = r(μ) or μ = 0.
#[derive(Debug, Clone, Copy)]
struct Minimizer {
    /// What the model says that the loss falls, its cubic term included.
    decrease: f64,
    /// Whether H has a negative eigenvalue.
    indefinite: bool,
}

/// More than it ever takes: the iteration converges quadratically from a start within a factor of √p.
const MOST_ITERATIONS: u32 = 200;

/// Overwrites `y` with the minimizer's coordinates, for H with eigenvalues `values` and the gradient `c`, both along the eigenvectors.
///
/// **Equation**: 1/‖δ(μ)‖ = 1/r(μ) for the shift μ. With s = μ − max(0, −λ₁) as unknown no eigenvalue of H + μI suffers cancellation, however close to
/// singular it is. The difference of both sides is concave and grows: Newton's iteration from a start where one component alone is as long as allowed
/// climbs to the root without overshooting, and ends where rounding stops it.
/// **Hard case**: c vanishes along the lowest eigenvectors, and the rest of the step is too short for μ = −λ₁: the step is filled up along one of them.
/// **Reference**: J. Moré, D. Sorensen, *SIAM J. Sci. Stat. Comput.* 4 (1983); C. Cartis, N. Gould, P. Toint, *Math. Program.* 127 (2011), 6.1.
fn minimize(values: &[f64], c: &[f64], bound: Bound, y: &mut [f64]) -> Minimizer {
    let (lowest, lowest_value) = Spectrum::lowest(values);
    let base = (-lowest_value).max(0.0);
    let components = || values.iter().zip(c).map(|(value, c)| (value + base, *c)).filter(|(_, c)| *c != 0.0);
    let mut s = components().fold(0.0f64, |s, (e, c)| s.max(bound.least(base, e, c)));
    let mut norm = 0.0;
    for _ in 0..MOST_ITERATIONS {
        let (squares, cubes) = components().fold((0.0, 0.0), |(squares, cubes), (e, c)| {
            let y = c / (e + s);
            (squares + y * y, cubes + y * y / (e + s))
        });
        norm = f64::sqrt(squares);
        let (inverse, slope) = bound.inverse_length(base + s);
        let next = s + (inverse - 1.0 / norm) / (cubes / norm.powi(3) + slope);
        // Written so that NaN ends it, as without a gradient.
        if !(norm * inverse > 1.0 && next > s) {
            break;
        }
        s = next;
    }
    let mut descent = 0.0;
    for ((y, value), c) in y.iter_mut().zip(values).zip(c) {
        *y = if *c == 0.0 { 0.0 } else { -c / (value + base + s) };
        descent -= c * *y;
    }
    let shift = base + s;
    if s == 0.0 && base > 0.0 {
        let length = 1.0 / bound.inverse_length(base).0;
        y[lowest] = ((length - norm).max(0.0) * (length + norm)).sqrt();
        norm = norm.max(length);
    }
    // From δᵀHδ = −gᵀδ − μ‖δ‖²: sums of positive terms.
    let decrease = 0.5 * descent
        + shift
            * norm
            * norm
            * match bound {
                Bound::Radius(_) => 0.5,
                Bound::Cubic(_) => 1.0 / 6.0,
            };
    Minimizer { decrease, indefinite: base > 0.0 }
}
