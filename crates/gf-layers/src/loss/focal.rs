//! The focal loss ℓ = φ(q) of a sample, with q = ln p_t the logarithm of the true class's probability and φ(q) = −(1 − e^q)^γ q.
//!
//! **Derivatives**, with e_t the one-hot target, C = diag p − p pᵀ = −∇²q and ∇q = e_t − p: the gradient is −a(e_t − p), and the Hessian
//! B = a C + φ''(q) (e_t − p)(e_t − p)ᵀ, where a = −φ'(q) ≥ 0. φ'' is negative where p_t is small, and B then indefinite.
//!
//! **Near p_t = 1**, φ'' grows like s^(γ−1) with s = 1 − p_t = Σ_{c≠t} p_c, while e_t − p = s ρ shrinks: ρ is 1 for the true class and −p_c/s,
//! minus the share of class c among the wrong ones, else. So all derivatives of φ appear multiplied by a power of s. With
//! κ = −q/s, which is 1 at s = 0:
//!
//! ```text
//! a      = −φ'      = s^γ (1 + γ p_t κ)
//! bend   = φ'' s    = γ p_t s^γ (2 + q + (γ−1) p_t κ)
//! third  = φ''' s³  = γ p_t s^(γ+1) ((3+q) s − 3(γ−1) p_t (1+q) − (γ−1)(γ−2) p_t² κ)
//! ```
//!
//! all finite for γ ≥ 0, at p_t = 0 too, because q comes with the factor p_t. They follow from the probabilities, which are all that is
//! kept of a point. Products with C are taken of x − x_m, m the most probable class, so that nothing
//! cancels where a probability is nearly 1.

use super::Outputs;

/// ℓ of one sample from q = ln p_t ≤ 0.
pub(super) fn value(gamma: f64, q: f64) -> f64 {
    (-q.exp_m1()).powf(gamma) * -q
}

/// What derivatives need of one sample.
struct Sample<'a> {
    /// The probabilities of class c, at `c * rows`.
    probabilities: &'a [f64],
    rows: usize,
    /// The true class.
    truth: usize,
    /// The class of the largest probability.
    top: usize,
    p: f64,
    s: f64,
    a: f64,
    bend: f64,
}

impl<'a> Sample<'a> {
    /// Of sample `i` of the chunk.
    fn new(gamma: f64, at: Outputs<'_>, probabilities: &'a [f64], i: usize) -> Self {
        let n = at.rows;
        let (mut truth, mut top, mut s) = (0, 0, 0.0);
        for c in 0..probabilities.len() / n {
            if at.targets[c * n + i] == 1.0 {
                truth = c;
            } else {
                s += probabilities[c * n + i];
            }
            if probabilities[c * n + i] > probabilities[top * n + i] {
                top = c;
            }
        }
        let p = probabilities[truth * n + i];
        let power = s.powf(gamma);
        let (q, ratio) = logarithm(p, s);
        Self {
            probabilities: &probabilities[i..],
            rows: n,
            truth,
            top,
            p,
            s,
            a: power * (1.0 + gamma * p * ratio),
            bend: gamma * p * power * (2.0 + q + (gamma - 1.0) * p * ratio),
        }
    }

    /// φ''' s³.
    fn third(&self, gamma: f64) -> f64 {
        let Self { p, s, .. } = *self;
        let (q, ratio) = logarithm(p, s);
        let bracket =
            (3.0 + q) * s - 3.0 * (gamma - 1.0) * p * (1.0 + q) - (gamma - 1.0) * (gamma - 2.0) * p * p * ratio;
        gamma * p * s.powf(gamma + 1.0) * bracket
    }

    fn classes(&self) -> std::ops::Range<usize> {
        0..self.probabilities.len().div_ceil(self.rows)
    }

    fn probability(&self, c: usize) -> f64 {
        self.probabilities[c * self.rows]
    }

    /// 1 − p_c, from the other probabilities.
    fn complement(&self, c: usize) -> f64 {
        self.classes().filter(|other| *other != c).map(|other| self.probability(other)).sum()
    }

    /// y/s, or 0 where s has underflowed: what it multiplies there is 0.
    fn by_rest(&self, y: f64) -> f64 {
        if self.s > 0.0 { y / self.s } else { 0.0 }
    }

    /// ρ_c.
    fn rho(&self, c: usize) -> f64 {
        if c == self.truth { 1.0 } else { -self.by_rest(self.probability(c)) }
    }

    /// What to subtract from x_c, in this order, for x_c − E x without the cancellation that a probability near 1 brings.
    fn center(&self, x: impl Fn(usize) -> f64) -> Center {
        let top = x(self.top);
        Center { top, mean: self.classes().map(|c| self.probability(c) * (x(c) - top)).sum() }
    }
}

/// E x = top + mean, with the x of the most probable class.
#[derive(Clone, Copy)]
struct Center {
    top: f64,
    mean: f64,
}

impl Center {
    fn shift(self, x: f64) -> f64 {
        x - self.top - self.mean
    }
}

/// q = ln p and κ = −q/s for s = 1 − p. Both appear multiplied by p only, and may be anything finite where p is 0.
fn logarithm(p: f64, s: f64) -> (f64, f64) {
    if p == 0.0 || s == 0.0 {
        return (0.0, 1.0);
    }
    let q = if p > 0.5 { (-s).ln_1p() } else { p.ln() };
    (q, -q / s)
}

/// out = ∂ℓ/∂a^L.
pub(super) fn gradient(gamma: f64, at: Outputs<'_>, probabilities: &[f64], out: &mut [f64]) {
    for i in 0..at.rows {
        let sample = Sample::new(gamma, at, probabilities, i);
        for c in sample.classes() {
            let rest = if c == sample.truth { -sample.s } else { sample.probability(c) };
            out[c * at.rows + i] = at.scale * sample.a * rest;
        }
    }
}

/// x = B x for every sample and each of `directions` vectors.
pub(super) fn apply(gamma: f64, at: Outputs<'_>, probabilities: &[f64], directions: usize, x: &mut [f64]) {
    let n = at.rows;
    let tall = n * directions;
    for i in 0..n {
        let sample = Sample::new(gamma, at, probabilities, i);
        for d in 0..directions {
            let x = &mut x[d * n + i..];
            let center = sample.center(|c| x[c * tall]);
            // ρᵀx = (x_t − E x)/s.
            let along = sample.by_rest(center.shift(x[sample.truth * tall]));
            for c in sample.classes() {
                let spread = sample.probability(c) * center.shift(x[c * tall]);
                let bent = sample.s * sample.bend * along * sample.rho(c);
                x[c * tall] = at.scale * (sample.a * spread + bent);
            }
        }
    }
}

/// out = B, K × K × n with the sample innermost.
pub(super) fn matrix(gamma: f64, at: Outputs<'_>, probabilities: &[f64], out: &mut [f64]) {
    let n = at.rows;
    for i in 0..n {
        let sample = Sample::new(gamma, at, probabilities, i);
        let classes = sample.classes().len();
        for j in 0..classes {
            for r in 0..=j {
                let rest = if j == r { sample.complement(j) } else { -sample.probability(r) };
                let bent = sample.s * sample.bend * (sample.rho(j) * sample.rho(r));
                let entry = at.scale * (sample.a * (sample.probability(j) * rest) + bent);
                out[(j * classes + r) * n + i] = entry;
                out[(r * classes + j) * n + i] = entry;
            }
        }
    }
}

/// Turns the jet of the outputs into that of the gradient, components ε_u ε_v, ε_v and ε_u; the last one is left alone.
///
/// T\[x, y\] = (third (ρᵀx)(ρᵀy) − bend Cov(x, y)) ρ − bend ((ρᵀx) C y + (ρᵀy) C x) + a p⊙((x − E x)⊙(y − E y) − Cov(x, y)),
/// with mean and covariance under p.
pub(super) fn apply_jet(gamma: f64, at: Outputs<'_>, probabilities: &[f64], jet: &mut [f64]) {
    let n = at.rows;
    for i in 0..n {
        let sample = Sample::new(gamma, at, probabilities, i);
        let third = sample.third(gamma);
        let jet = &mut jet[i..];
        let place = |c: usize, component: usize| (4 * c + component) * n;
        let [center_uv, center_v, center_u] = [0, 1, 2].map(|k| sample.center(|c| jet[place(c, k)]));
        let truth = sample.truth;
        let along = |center: Center, k: usize| sample.by_rest(center.shift(jet[place(truth, k)]));
        let [along_uv, along_v, along_u] = [along(center_uv, 0), along(center_v, 1), along(center_u, 2)];
        let pair = |c: usize| center_v.shift(jet[place(c, 1)]) * center_u.shift(jet[place(c, 2)]);
        let covariance: f64 = sample.classes().map(|c| sample.probability(c) * pair(c)).sum();
        for c in sample.classes() {
            let (p, rho) = (sample.probability(c), sample.rho(c));
            let uv = center_uv.shift(jet[place(c, 0)]);
            let v = center_v.shift(jet[place(c, 1)]);
            let u = center_u.shift(jet[place(c, 2)]);
            let product = |x: f64, along: f64| sample.a * p * x + sample.s * sample.bend * along * rho;
            let tensor = (third * along_u * along_v - sample.bend * covariance) * rho
                - sample.bend * p * (along_u * v + along_v * u)
                + sample.a * p * (u * v - covariance);
            jet[place(c, 0)] = at.scale * (product(uv, along_uv) + tensor);
            jet[place(c, 1)] = at.scale * product(v, along_v);
            jet[place(c, 2)] = at.scale * product(u, along_u);
        }
    }
}
