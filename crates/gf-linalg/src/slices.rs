//! Elementwise functions over slices: branch-free kernels that the compiler vectorizes under pulp's run-time dispatch.
//!
//! Every element sees the same operations wherever it stands, so results do not depend on alignment or on how a slice is cut.
//! Errors are at most 2 units in the last place, 3 for `tanh`, `sigmoid` and `softplus`, 4 for `normal_cdf` and `gelu` (tested
//! against high-precision tables); ±0, ±∞, NaN and subnormal numbers are treated as the scalar functions of std treat them.
//! The slices of a call have one length: every function panics where they do not.
//!
//! The kernels use fused multiply-add; where the processor has none, std emulates it exactly and slowly.

mod exponential;
mod normal;
mod periodic;

use pulp::{Arch, Simd, WithSimd};

use exponential::{exp_kernel, exp_m1_kernel, ln_1p_kernel, scale, sigmoid_kernel, softplus_kernel, tanh_kernel};
use normal::{INVERSE_SQRT_2_PI, clamp_normal, gaussian, mills};
use periodic::{NEAR, cos_kernel, sin_kernel};

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

/// out = f(x), element by element, compiled for the vector unit found at run time.
///
/// It vectorizes if `f` is branch-free arithmetic: selections by `if` between values, no calls left after inlining.
#[inline]
pub fn map(x: &[f64], out: &mut [f64], f: impl Fn(f64) -> f64) {
    assert_eq!(x.len(), out.len(), "slices of one length");
    Arch::new().dispatch(Map { x, out, f });
}

/// out = f(x, out), element by element, compiled like [`map`].
#[inline]
pub fn update(x: &[f64], out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    struct Pairs<'a, F>(&'a [f64], &'a mut [f64], F);
    impl<F: Fn(f64, f64) -> f64> WithSimd for Pairs<'_, F> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            for (out, x) in self.1.iter_mut().zip(self.0) {
                *out = (self.2)(*x, *out);
            }
        }
    }
    assert_eq!(x.len(), out.len(), "slices of one length");
    Arch::new().dispatch(Pairs(x, out, f));
}

/// out = f(out, x, y), element by element, compiled like [`map`].
pub fn zip(x: &[f64], y: &[f64], out: &mut [f64], f: impl Fn(f64, f64, f64) -> f64) {
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

/// out = ln(1 + x) for x ≥ 0, with relative accuracy near 0. For x < 0 the result is meaningless.
pub fn ln_1p_of_nonnegative(x: &[f64], out: &mut [f64]) {
    map(x, out, ln_1p_kernel);
}

/// out = eˣ − 1 for x ≤ 0 and 0 for x > 0, with relative accuracy near 0.
pub fn exp_m1_of_negative(x: &[f64], out: &mut [f64]) {
    map(x, out, |x| exp_m1_kernel(if x > 0.0 { 0.0 } else { x }));
}

/// out = sin x. Elements beyond ±2³⁰ are left to std, one by one.
pub fn sin(x: &[f64], out: &mut [f64]) {
    periodic(x, out, sin_kernel, f64::sin);
}

/// out = cos x. Elements beyond ±2³⁰ are left to std, one by one.
pub fn cos(x: &[f64], out: &mut [f64]) {
    periodic(x, out, cos_kernel, f64::cos);
}

/// out = φ(x) = e^{−x²/2}/√(2π), the normal density, with relative accuracy in the tails.
pub fn normal_density(x: &[f64], out: &mut [f64]) {
    map(x, out, |x| {
        let (n, e) = gaussian(clamp_normal(x.abs()));
        scale(e.mul_add(INVERSE_SQRT_2_PI, INVERSE_SQRT_2_PI), n)
    });
}

/// out = Φ(x) = ½ erfc(−x/√2), the normal distribution, with relative accuracy in the left tail.
pub fn normal_cdf(x: &[f64], out: &mut [f64]) {
    map(x, out, |x| {
        let s = clamp_normal(x.abs());
        let ((n, e), (q, d)) = (gaussian(s), mills(s));
        let tail = scale(INVERSE_SQRT_2_PI * e.mul_add(q, q) / d, n);
        if x > 0.0 { 1.0 - tail } else { tail }
    });
}

/// out = x·Φ(x) (exact gelu), with relative accuracy in the left tail; −0 at −∞.
pub fn gelu(x: &[f64], out: &mut [f64]) {
    map(x, out, |x| {
        let s = clamp_normal(x.abs());
        let ((n, e), (q, d)) = (gaussian(s), mills(s));
        // |x|·Φ(−|x|), scaled last: a subnormal Φ has lost digits.
        let tail = scale(INVERSE_SQRT_2_PI * s * e.mul_add(q, q) / d, n);
        (if x >= 0.0 { x } else { -0.0 }) - tail
    });
}

/// out = Φ(x) + xφ(x), the derivative of gelu, with relative accuracy in the left tail but for the neighborhood of its zero −0.75.
pub fn gelu_slope(x: &[f64], out: &mut [f64]) {
    map(x, out, |x| {
        let s = clamp_normal(x.abs());
        let ((n, e), (q, d)) = (gaussian(s), mills(s));
        // Φ(−s) − sφ(s).
        let rest = INVERSE_SQRT_2_PI * (q / d - s);
        let left = scale(e.mul_add(rest, rest), n);
        if x > 0.0 { 1.0 - left } else { left }
    });
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

/// out = kernel(x) and, beyond [`NEAR`], exact(x).
#[inline(always)]
fn periodic(x: &[f64], out: &mut [f64], kernel: impl Fn(f64) -> f64, exact: impl Fn(f64) -> f64) {
    struct Periodic<'a, F, G>(&'a [f64], &'a mut [f64], F, G);
    impl<F: Fn(f64) -> f64, G: Fn(f64) -> f64> WithSimd for Periodic<'_, F, G> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            for (x, out) in self.0.chunks(128).zip(self.1.chunks_mut(128)) {
                let mut near = true;
                for (out, x) in out.iter_mut().zip(x) {
                    near &= x.abs() <= NEAR;
                    *out = (self.2)(*x);
                }
                if !near {
                    for (out, x) in out.iter_mut().zip(x).filter(|(_, x)| !(-NEAR..=NEAR).contains(*x)) {
                        *out = (self.3)(*x);
                    }
                }
            }
        }
    }
    assert_eq!(x.len(), out.len(), "slices of one length");
    Arch::new().dispatch(Periodic(x, out, kernel, exact));
}
