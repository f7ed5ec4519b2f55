//! Elementwise functions over slices: branch-free polynomial kernels that the compiler vectorizes under pulp's run-time dispatch.
//!
//! Every element sees the same operations wherever it stands, so results do not depend on alignment or on how a slice is cut.
//! Errors are at most 3 units in the last place (tested against a high-precision table); ±0, ±∞, NaN and subnormal numbers
//! are treated as the scalar functions of std treat them. The kernels use fused multiply-add; where the processor has none,
//! std emulates it exactly and slowly.

use pulp::{Arch, Simd, WithSimd};

/// out = f(x), element by element.
struct Map<'a, F> {
    x: &'a [f64],
    out: &'a mut [f64],
    f: F,
}

impl<F: Fn(f64) -> f64> WithSimd for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, x) in self.out.iter_mut().zip(self.x) {
            *out = (self.f)(*x);
        }
    }
}

/// out = f(out, x, y), element by element.
struct Zip<'a, F> {
    x: &'a [f64],
    y: &'a [f64],
    out: &'a mut [f64],
    f: F,
}

impl<F: Fn(f64, f64, f64) -> f64> WithSimd for Zip<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, (x, y)) in self.out.iter_mut().zip(self.x.iter().zip(self.y)) {
            *out = (self.f)(*out, *x, *y);
        }
    }
}

fn map(x: &[f64], out: &mut [f64], f: impl Fn(f64) -> f64) {
    assert_eq!(x.len(), out.len(), "slices of one length");
    Arch::new().dispatch(Map { x, out, f });
}

fn zip(x: &[f64], y: &[f64], out: &mut [f64], f: impl Fn(f64, f64, f64) -> f64) {
    assert!(x.len() == out.len() && y.len() == out.len(), "slices of one length");
    Arch::new().dispatch(Zip { x, y, out, f });
}

/// out = eˣ.
pub fn exp(x: &[f64], out: &mut [f64]) {
    map(x, out, exp_kernel);
}

/// out = tanh x, with relative accuracy near 0.
pub fn tanh(x: &[f64], out: &mut [f64]) {
    map(x, out, tanh_kernel);
}

/// out = σ(x) = 1/(1 + e⁻ˣ), with relative accuracy in the left tail.
pub fn sigmoid(x: &[f64], out: &mut [f64]) {
    map(x, out, sigmoid_kernel);
}

/// out = ln(1 + eˣ), with relative accuracy in the left tail.
pub fn softplus(x: &[f64], out: &mut [f64]) {
    map(x, out, softplus_kernel);
}

/// out = eˣ − 1 for x ≤ 0 and 0 for x > 0, with relative accuracy near 0.
pub fn exp_m1_of_negative(x: &[f64], out: &mut [f64]) {
    map(x, out, |x| exp_m1_kernel(if x > 0.0 { 0.0 } else { x }));
}

/// out = φ(x) = e^{−x²/2}/√(2π), the normal density. Its relative error grows like x² units in the last place.
pub fn normal_density(x: &[f64], out: &mut [f64]) {
    const FACTOR: f64 = 0.398_942_280_401_432_7;
    map(x, out, |x| FACTOR * exp_kernel(-0.5 * x * x));
}

/// out = Φ(x) = ½ erfc(−x/√2), the normal distribution, with relative accuracy in the left tail. Not vectorized: libm's `erfc`.
pub fn normal_cdf(x: &[f64], out: &mut [f64]) {
    assert_eq!(x.len(), out.len(), "slices of one length");
    for (out, x) in out.iter_mut().zip(x) {
        *out = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    }
}

/// out = x·Φ(x) (exact gelu). Not vectorized: libm's `erfc`. 0 at −∞.
pub fn gelu(x: &[f64], out: &mut [f64]) {
    normal_cdf(x, out);
    for (out, x) in out.iter_mut().zip(x) {
        *out = if *out == 0.0 { 0.0 } else { x * *out };
    }
}

/// out = x⊙y.
pub fn multiply(x: &[f64], y: &[f64], out: &mut [f64]) {
    zip(x, y, out, |_, x, y| x * y);
}

/// out += x⊙y, each product rounded once with its sum.
pub fn multiply_add(x: &[f64], y: &[f64], out: &mut [f64]) {
    zip(x, y, out, |out, x, y| x.mul_add(y, out));
}

/// out = a⊙x + b⊙y: the second product is rounded before the sum.
pub fn combine(a: &[f64], x: &[f64], b: &[f64], y: &[f64], out: &mut [f64]) {
    struct Combine<'a>(&'a [f64], &'a [f64], &'a [f64], &'a [f64], &'a mut [f64]);
    impl WithSimd for Combine<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let inputs = self.0.iter().zip(self.1).zip(self.2.iter().zip(self.3));
            for (out, ((a, x), (b, y))) in self.4.iter_mut().zip(inputs) {
                *out = a.mul_add(*x, b * y);
            }
        }
    }
    let n = out.len();
    assert!(a.len() == n && x.len() == n && b.len() == n && y.len() == n, "slices of one length");
    Arch::new().dispatch(Combine(a, x, b, y, out));
}

/// 1.5·2⁵²: adding it rounds to an integer, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; a product of the first with an integer below 2²⁰ is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// 2ⁿ for the integer n that was rounded into `shifted` = n + ROUND; −1022 ≤ n ≤ 1023.
#[inline(always)]
fn power_of_two(shifted: f64) -> f64 {
    f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

/// x = n ln 2 + r, |r| ≤ ½ ln 2 (up to rounding): (n + ROUND, n, r).
#[inline(always)]
fn reduce(x: f64) -> (f64, f64, f64) {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    (shifted, n, (-n).mul_add(LN_2_LOW, (-n).mul_add(LN_2_HIGH, x)))
}

/// (eʳ − 1 − r)/r² for |r| ≤ 0.35: its Taylor polynomial, the first term left out below 2⁻⁵⁹.
#[inline(always)]
fn exp_tail(r: f64) -> f64 {
    let mut sum = 1.0 / 6_227_020_800.0;
    for inverse in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ] {
        sum = f64::mul_add(sum, r, inverse);
    }
    sum
}

#[inline(always)]
fn exp_kernel(x: f64) -> f64 {
    // Beyond these bounds the result is ∞ or 0; comparisons that are false for NaN let NaN pass.
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (_, n, r) = reduce(x);
    let sum = (r * r).mul_add(exp_tail(r), r) + 1.0;
    // Two factors, because 2ⁿ alone overflows or is subnormal at the ends of the range.
    let half = n.mul_add(0.5, ROUND);
    let rest = (n - (half - ROUND)) + ROUND;
    sum * power_of_two(half) * power_of_two(rest)
}

/// eˣ − 1 for x ≤ 40; −1 below −40.
#[inline(always)]
fn exp_m1_kernel(x: f64) -> f64 {
    let clamped = if x < -40.0 { -40.0 } else { x };
    let (shifted, _, r) = reduce(clamped);
    let scale = power_of_two(shifted);
    let result = scale.mul_add((r * r).mul_add(exp_tail(r), r), scale - 1.0);
    // −0 would become +0.
    if x == 0.0 { x } else { result }
}

#[inline(always)]
fn tanh_kernel(x: f64) -> f64 {
    let magnitude = x.abs();
    // tanh 20 rounds to 1.
    let magnitude = if magnitude > 20.0 { 20.0 } else { magnitude };
    let e = exp_m1_kernel(2.0 * magnitude);
    (e / (e + 2.0)).copysign(x)
}

#[inline(always)]
fn sigmoid_kernel(x: f64) -> f64 {
    let e = exp_kernel(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

#[inline(always)]
fn softplus_kernel(x: f64) -> f64 {
    let e = exp_kernel(-x.abs());
    // ln(1+e) = 2 artanh s, s = e/(2+e) ≤ 1/3: all terms of the series are positive.
    let s = e / (2.0 + e);
    let square = s * s;
    let mut sum = 2.0 / 35.0;
    let mut odd = 33.0;
    for _ in 0..16 {
        sum = f64::mul_add(sum, square, 2.0 / odd);
        odd -= 2.0;
    }
    let log = (s * square).mul_add(sum, 2.0 * s);
    (if x > 0.0 { x } else { 0.0 }) + log
}
