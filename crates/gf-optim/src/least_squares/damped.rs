//! min ‖J δ + r‖² + λ‖D δ‖² from the QR factors of J, and the λ whose step has a given scaled length.

use gf_core::vector;
use gf_linalg::PivotedQr;

/// J·P = Q·R with −Qᵀr: everything that the step depends on beside D and λ. All matrices are n × n, column-major.
#[derive(Debug, Default)]
pub(super) struct Damped {
    n: usize,
    r: Vec<f64>,
    order: Vec<usize>,
    /// The first n entries of −Qᵀr.
    rhs: Vec<f64>,
    /// The triangle S of RᵀR + PᵀλD²P = SᵀS.
    s: Vec<f64>,
    /// A row of √λD while it is rotated into S.
    row: Vec<f64>,
    /// Solutions and right-hand sides in the pivoted order.
    z: Vec<f64>,
    work: Vec<f64>,
}

/// A step and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Step {
    /// λ.
    pub(super) damping: f64,
    /// ‖D δ‖.
    pub(super) length: f64,
    /// ½‖r‖² − ½‖J δ + r‖².
    pub(super) predicted: f64,
}

/// How far, relative to the radius, ‖D δ‖ may be from it.
const SLACK: f64 = 0.1;

impl Damped {
    pub(super) fn new(n: usize) -> Self {
        let vector = || vec![0.0; n];
        Self {
            n,
            r: vec![0.0; n * n],
            order: vec![0; n],
            rhs: vector(),
            s: vec![0.0; n * n],
            row: vector(),
            z: vector(),
            work: vector(),
        }
    }

    /// Takes the factors of J over; overwrites `residuals` with Qᵀr.
    pub(super) fn take(&mut self, qr: &PivotedQr, residuals: &mut [f64]) {
        qr.upper_triangle(&mut self.r);
        self.order.copy_from_slice(qr.order());
        qr.apply_transpose(residuals);
        self.rhs.fill(0.0);
        self.rhs.iter_mut().zip(&*residuals).for_each(|(rhs, q)| *rhs = -q);
    }

    /// Overwrites `delta` with the step whose scaled length is at most `radius`, to 10 %: the Gauss–Newton step where that is short enough,
    /// else the damped one, its λ found by Newton's method on 1/‖D δ(λ)‖, from `guess` on.
    pub(super) fn step(&mut self, scale: &[f64], radius: f64, guess: f64, delta: &mut [f64]) -> Step {
        self.s.copy_from_slice(&self.r);
        self.z.copy_from_slice(&self.rhs);
        let full_rank = self.solve_triangle() == self.n;
        let mut length = self.unpermute(scale, delta);
        let mut excess = length - radius;
        let mut damping = 0.0;
        if excess > SLACK * radius {
            // φ(λ) = ‖D δ(λ)‖ − Δ is convex and falls: Newton from 0 bounds the root from below, ‖D⁻¹Jᵀr‖/Δ from above.
            let mut low = if full_rank { self.newton(scale, delta, length, excess, radius) } else { 0.0 };
            let gradient = self.scaled_gradient(scale);
            let mut high = (gradient / radius).max(f64::MIN_POSITIVE);
            damping = guess.max(low).min(high);
            if damping == 0.0 {
                damping = gradient / length;
            }
            const MOST: usize = 10;
            for iteration in 1..=MOST {
                if damping == 0.0 {
                    damping = f64::MIN_POSITIVE.max(1e-3 * high);
                }
                self.rotate_in(scale, damping.sqrt());
                self.solve_triangle();
                length = self.unpermute(scale, delta);
                let before = excess;
                excess = length - radius;
                let too_short_for_good = low == 0.0 && excess <= before && before < 0.0;
                if excess.abs() <= SLACK * radius || too_short_for_good || iteration == MOST {
                    break;
                }
                let correction = self.newton(scale, delta, length, excess, radius);
                if excess > 0.0 {
                    low = low.max(damping);
                } else {
                    high = high.min(damping);
                }
                damping = low.max(damping + correction).min(high);
            }
        }
        // ½‖r‖² − ½‖J δ + r‖² = ½‖J δ‖² + λ‖D δ‖², without cancellation.
        for (z, &j) in self.z.iter_mut().zip(&self.order) {
            *z = delta[j];
        }
        self.work.fill(0.0);
        for (k, z) in self.z.iter().enumerate() {
            vector::add_scaled(&mut self.work[..=k], *z, &self.r[k * self.n..k * self.n + k + 1]);
        }
        let predicted = 0.5 * vector::dot(&self.work, &self.work) + damping * length * length;
        Step { damping, length, predicted }
    }

    /// S and the right-hand side of min ‖[R; √λ D P] z − [rhs; 0]‖: the rows of √λ D P are rotated into R, one after the other.
    fn rotate_in(&mut self, scale: &[f64], root: f64) {
        let n = self.n;
        self.s.copy_from_slice(&self.r);
        self.z.copy_from_slice(&self.rhs);
        for k in 0..n {
            self.row[k..].fill(0.0);
            self.row[k] = root * scale[self.order[k]];
            let mut tail = 0.0;
            for i in k..n {
                let (a, b) = (self.s[i * n + i], self.row[i]);
                if b == 0.0 {
                    continue;
                }
                let hypotenuse = a.hypot(b);
                let (cos, sin) = (a / hypotenuse, b / hypotenuse);
                self.s[i * n + i] = hypotenuse;
                for j in i + 1..n {
                    let (a, b) = (self.s[j * n + i], self.row[j]);
                    self.s[j * n + i] = cos * a + sin * b;
                    self.row[j] = cos * b - sin * a;
                }
                (self.z[i], tail) = (cos * self.z[i] + sin * tail, cos * tail - sin * self.z[i]);
            }
        }
    }

    /// z ← S⁻¹z; where S is singular, of its leading block with the other entries 0. Returns the order of that block.
    fn solve_triangle(&mut self) -> usize {
        let n = self.n;
        let rank = (0..n).find(|k| self.s[k * n + k] == 0.0).unwrap_or(n);
        self.z[rank..].fill(0.0);
        for k in (0..rank).rev() {
            let z = self.z[k] / self.s[k * n + k];
            self.z[k] = z;
            vector::add_scaled(&mut self.z[..k], -z, &self.s[k * n..k * n + k]);
        }
        rank
    }

    /// Overwrites `delta` with P·z; returns ‖D δ‖.
    fn unpermute(&mut self, scale: &[f64], delta: &mut [f64]) -> f64 {
        for (k, &j) in self.order.iter().enumerate() {
            delta[j] = self.z[k];
            self.work[k] = scale[j] * delta[j];
        }
        vector::norm(&self.work)
    }

    /// The Newton correction of λ for φ(λ) = ‖D δ‖ − Δ = `excess`, with S that of λ: (φ/Δ)/‖S⁻ᵀPᵀD²δ/‖Dδ‖‖².
    fn newton(&mut self, scale: &[f64], delta: &[f64], length: f64, excess: f64, radius: f64) -> f64 {
        let n = self.n;
        for k in 0..n {
            let j = self.order[k];
            let entry = scale[j] * (scale[j] * delta[j] / length);
            let known = vector::dot(&self.s[k * n..k * n + k], &self.work[..k]);
            self.work[k] = (entry - known) / self.s[k * n + k];
        }
        let norm = vector::norm(&self.work);
        excess / radius / norm / norm
    }

    /// ‖D⁻¹Jᵀr‖.
    fn scaled_gradient(&mut self, scale: &[f64]) -> f64 {
        let n = self.n;
        for k in 0..n {
            let slope = vector::dot(&self.r[k * n..k * n + k + 1], &self.rhs[..=k]);
            self.work[k] = slope / scale[self.order[k]];
        }
        vector::norm(&self.work)
    }
}
