//! Linear stability: what methods do on L = ½λθ², where the flow is θ(t) = e^{−λt}θ₀.
//!
//! Everything follows from the recurrence that a method publishes, [`Amplification`], as a function of z = hλ.

use crate::registry::Settings;

/// A step on L = ½λθ² as a recurrence: θ_{k+1} = `current`·θ_k + `previous`·θ_{k−1}.
///
/// One-step methods have `previous` = 0 and `current` = R(z); momentum and two-step methods have both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amplification {
    /// The factor of θ_k.
    pub current: f64,
    /// The factor of θ_{k−1}.
    pub previous: f64,
}

/// What a method does along an eigen-direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    /// The component shrinks without changing its sign, like the flow where λ > 0.
    Monotone,
    /// It shrinks, and changes its sign.
    Oscillating,
    /// It keeps its size: |R| = 1, as for λ = 0.
    Neutral,
    /// It grows.
    Divergent,
}

impl Behavior {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Monotone => "monotone",
            Self::Oscillating => "oscillating",
            Self::Neutral => "neutral",
            Self::Divergent => "divergent",
        }
    }
}

/// |R| this close to 1 counts as 1.
const NEUTRAL: f64 = 1e-12;

impl Amplification {
    /// R(z) of a one-step method.
    pub fn one_step(factor: f64) -> Self {
        Self { current: factor, previous: 0.0 }
    }

    /// The roots (real and imaginary part) of r² = current·r + previous, the larger modulus first; for one-step methods R and 0.
    pub fn roots(self) -> [(f64, f64); 2] {
        let half = 0.5 * self.current;
        let discriminant = half * half + self.previous;
        if discriminant < 0.0 {
            let imaginary = (-discriminant).sqrt();
            return [(half, imaginary), (half, -imaginary)];
        }
        // The larger root without cancellation, the other from the product −previous.
        let large = half + discriminant.sqrt().copysign(half);
        let small = if large == 0.0 { 0.0 } else { -self.previous / large };
        [(large, 0.0), (small, 0.0)]
    }

    /// The spectral radius: the factor by which a component grows in the long run.
    pub fn radius(self) -> f64 {
        let [(re, im), _] = self.roots();
        re.hypot(im)
    }

    /// What it does to a component in the long run.
    pub fn behavior(self) -> Behavior {
        let [(re, im), (other, _)] = self.roots();
        let radius = re.hypot(im);
        if radius >= 1.0 + NEUTRAL || radius.is_nan() {
            Behavior::Divergent
        } else if radius > 1.0 - NEUTRAL {
            Behavior::Neutral
        } else if im != 0.0 || re < 0.0 || other < 0.0 {
            Behavior::Oscillating
        } else {
            Behavior::Monotone
        }
    }
}

/// The end of the interval 0 < z < limit in which the method is stable; infinite for A-stable methods, none where the method has no R or is
/// not stable near 0.
pub fn limit(method: &dyn Settings) -> Option<f64> {
    let radius = |z: f64| method.amplification(z).map(Amplification::radius);
    let stable = |z: f64| radius(z).is_some_and(|radius| radius <= 1.0 + NEUTRAL);
    if !stable(1e-3) {
        return None;
    }
    // In steps of a percent, so that a narrow instability is not jumped over; then bisection.
    const FAR: f64 = 1e8;
    let mut low = 1e-3;
    loop {
        let high = low * 1.01;
        if high > FAR {
            return Some(f64::INFINITY);
        }
        if !stable(high) {
            let (mut low, mut high) = (low, high);
            while high - low > 1e-14 * high {
                let middle = 0.5 * (low + high);
                if middle <= low || middle >= high {
                    break;
                }
                if stable(middle) { low = middle } else { high = middle }
            }
            return Some(0.5 * (low + high));
        }
        low = high;
    }
}

/// What constant steps achieve on a positive definite spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestStep {
    /// The step size with the smallest factor.
    pub h: f64,
    /// The largest |R(hλ)| over the spectrum: the factor by which the slowest component shrinks a step.
    pub rate: f64,
}

/// The constant step with the best rate on the spectrum `eigenvalues`, all positive: for explicit Euler 2/(λmin + λmax) with the rate
/// (κ − 1)/(κ + 1). None where the method has no R, or the best is an infinite step.
pub fn best_step(method: &dyn Settings, eigenvalues: &[f64]) -> Option<BestStep> {
    method.amplification(1.0)?;
    let (low, high) = eigenvalues.iter().fold((f64::INFINITY, 0.0f64), |(a, b), &x| (a.min(x), b.max(x)));
    if low <= 0.0 || !high.is_finite() {
        return None;
    }
    let rate = |log: f64| {
        let h = log.exp();
        let factors = eigenvalues.iter().filter_map(|x| method.amplification(h * x)).map(Amplification::radius);
        factors.fold(0.0f64, |worst, x| if x.is_nan() { f64::INFINITY } else { worst.max(x) })
    };
    // A grid over all scales of the spectrum, then golden-section search around its best point.
    let (from, to) = ((1e-3 / high).ln(), (1e4 / low).ln());
    const POINTS: usize = 2000;
    let at = |k: usize| from + (to - from) * k as f64 / (POINTS - 1) as f64;
    let best = (0..POINTS).min_by(|&a, &b| rate(at(a)).total_cmp(&rate(at(b))))?;
    if best + 1 == POINTS {
        return None;
    }
    let (mut a, mut b) = (at(best.saturating_sub(1)), at(best + 1));
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    for _ in 0..100 {
        let (x, y) = (b - golden * (b - a), a + golden * (b - a));
        if rate(x) <= rate(y) { b = y } else { a = x }
    }
    let log = 0.5 * (a + b);
    // Where a longer step is no worse, as for e^(−z) once it is 0 in floating point, the best one is infinite.
    if rate(log + std::f64::consts::LN_10) <= rate(log) {
        return None;
    }
    Some(BestStep { h: log.exp(), rate: rate(log) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::{ExplicitSettings, ImplicitSettings};

    #[test]
    fn roots_of_known_recurrences() {
        // Fibonacci: the golden ratio.
        let [(large, _), (small, _)] = Amplification { current: 1.0, previous: 1.0 }.roots();
        assert!((large - 1.618_033_988_749_895).abs() < 1e-15 && (small + 0.618_033_988_749_895).abs() < 1e-15);
        // r² + 1 = 0.
        let turning = Amplification { current: 0.0, previous: -1.0 };
        assert_eq!(turning.roots()[0], (0.0, 1.0));
        assert_eq!(turning.behavior(), Behavior::Neutral);
        assert_eq!(Amplification::one_step(-0.5).behavior(), Behavior::Oscillating);
        assert_eq!(Amplification::one_step(0.5).behavior(), Behavior::Monotone);
        assert_eq!(Amplification::one_step(f64::NAN).behavior(), Behavior::Divergent);
    }

    #[test]
    fn limits_and_best_steps_of_the_two_euler_methods() {
        let explicit = ExplicitSettings::default();
        assert!((limit(&explicit).unwrap_or(0.0) - 2.0).abs() < 1e-9);
        let best = best_step(&explicit, &[1.0, 3.0, 9.0]).map_or((0.0, 0.0), |best| (best.h, best.rate));
        assert!((best.0 - 0.2).abs() < 1e-9 && (best.1 - 0.8).abs() < 1e-9, "{best:?}");
        let implicit = ImplicitSettings::default();
        assert_eq!(limit(&implicit), Some(f64::INFINITY));
        assert_eq!(best_step(&implicit, &[1.0, 9.0]), None);
    }
}
