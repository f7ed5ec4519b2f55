//! Elementwise functions over slices: branch-free kernels that the compiler vectorizes under pulp's run-time dispatch.
//!
//! Every element sees the same operations wherever it stands, so results do not depend on alignment or on how a slice is cut.
//! Errors are at most 2 units in the last place, 3 for `tanh`, `sigmoid` and `softplus`, 4 for `normal_cdf` and `gelu` (tested
//! against high-precision tables); ±0, ±∞, NaN and subnormal numbers are treated as the scalar functions of std treat them.
//! The kernels use fused multiply-add; where the processor has none, std emulates it exactly and slowly.

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

/// 1.5·2⁵²: adding it rounds to an integer, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; a product of the first with an integer below 2²⁰ is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1/√(2π).
const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;

/// Σ coefficientᵢ·x^{N−1−i}: the highest power first.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = coefficients[0];
    for coefficient in &coefficients[1..] {
        sum = f64::mul_add(sum, x, *coefficient);
    }
    sum
}

/// 2ⁿ for the integer n that was rounded into `shifted` = n + ROUND; −1022 ≤ n ≤ 1023.
#[inline(always)]
fn power_of_two(shifted: f64) -> f64 {
    f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

/// 2ⁿ in two factors, because 2ⁿ alone overflows or is subnormal at the ends of the range; −2044 ≤ n ≤ 2046.
#[inline(always)]
fn powers_of_two(n: f64) -> (f64, f64) {
    let half = n.mul_add(0.5, ROUND);
    (power_of_two(half), power_of_two((n - (half - ROUND)) + ROUND))
}

/// 2ⁿ·value, rounded once: `value` is near 1 and only the second factor can leave the normal numbers.
#[inline(always)]
fn scale(value: f64, n: f64) -> f64 {
    let (first, second) = powers_of_two(n);
    value * first * second
}

/// x = n ln 2 + r, |r| ≤ ½ ln 2 (up to rounding): (n + ROUND, n, r).
#[inline(always)]
fn reduce(x: f64) -> (f64, f64, f64) {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    (shifted, n, (-n).mul_add(LN_2_LOW, (-n).mul_add(LN_2_HIGH, x)))
}

/// eʳ − 1 for |r| ≤ 0.3475. The factor of r² is a minimax polynomial (Remez at 60 digits): it adds 1.2e-17 to the relative error.
#[inline(always)]
fn exp_m1_reduced(r: f64) -> f64 {
    let tail = polynomial(
        r,
        [
            2.511_368_131_078_647_3e-8,
            2.762_500_426_982_796_6e-7,
            2.755_723_078_143_251e-6,
            2.480_150_840_082_228_7e-5,
            1.984_126_989_944_698e-4,
            1.388_888_892_835_207_5e-3,
            8.333_333_333_316_465e-3,
            4.166_666_666_658_944e-2,
            1.666_666_666_666_668_2e-1,
            5.000_000_000_000_003e-1,
        ],
    );
    (r * r).mul_add(tail, r)
}

#[inline(always)]
fn exp_kernel(x: f64) -> f64 {
    // Beyond these bounds the result is ∞ or 0; comparisons that are false for NaN let NaN pass.
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (_, n, r) = reduce(x);
    scale(exp_m1_reduced(r) + 1.0, n)
}

/// eˣ − 1 for x ≤ 40; −1 below −40.
#[inline(always)]
fn exp_m1_kernel(x: f64) -> f64 {
    let clamped = if x < -40.0 { -40.0 } else { x };
    let (shifted, _, r) = reduce(clamped);
    let scale = power_of_two(shifted);
    let result = scale.mul_add(exp_m1_reduced(r), scale - 1.0);
    // −0 would become +0.
    if x == 0.0 { x } else { result }
}

/// ln(1 + x) for x ≥ 0, in the form of fdlibm's `log1p`: 1 + x = 2ᵏ(1 + f) with √½ ≤ 1 + f < √2, s = f/(2 + f),
/// ln(1 + f) = 2 artanh s = f − (f²/2 − s(f²/2 + R(s²))).
#[inline(always)]
fn ln_1p_kernel(x: f64) -> f64 {
    /// The bits of √½, rounded down.
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcc;
    /// 2⁵²: an integer below 2⁵² put into its low bits is added to it.
    const SHIFT: f64 = 4_503_599_627_370_496.0;
    let sum = 1.0 + x;
    let x_part = sum - 1.0;
    let lost = (1.0 - (sum - x_part)) + (x - x_part);
    let exponent = sum.to_bits().wrapping_sub(SQRT_HALF) >> 52;
    let k = f64::from_bits(exponent | SHIFT.to_bits()) - SHIFT;
    let mantissa = f64::from_bits(sum.to_bits().wrapping_sub(exponent << 52));
    // 2⁻ᵏ, exact, and 0 for k ≥ 1023, where what the sum lost no longer matters.
    let scale = f64::from_bits(1023_u64.saturating_sub(exponent) << 52);
    let f = lost.mul_add(scale, mantissa - 1.0);
    let s = f / (2.0 + f);
    let square = s * s;
    let rest = polynomial(
        square,
        [
            1.479_819_860_511_658_6e-1,
            1.531_383_769_920_937_3e-1,
            1.818_357_216_161_805e-1,
            2.222_219_843_214_978_4e-1,
            2.857_142_874_366_239e-1,
            3.999_999_999_940_942e-1,
            6.666_666_666_666_735e-1,
        ],
    );
    let half_square = 0.5 * f * f;
    let bent = s.mul_add(square.mul_add(rest, half_square), k * LN_2_LOW);
    let result = k.mul_add(LN_2_HIGH, f - (half_square - bent));
    // ±0, ∞ and NaN are their own logarithms here.
    if x > 0.0 && x < f64::INFINITY { result } else { x }
}

/// e²ʸ as a quotient: 2ⁿ·plus/minus with plus = q + p, minus = q − p, p/q = tanh(y − ½n ln 2).
struct Quotient {
    n: f64,
    p: f64,
    q: f64,
}

/// Rational functions of eˣ then cost one division, and polynomials of degree 2 in place of one of degree 11.
/// p and q are minimax (Remez at 60 digits): tanh h = h·P(h²)/Q(h²) for |h| ≤ ¼ ln 2 with a relative error of 4.8e-18.
#[inline(always)]
fn quotient(y: f64) -> Quotient {
    let shifted = y.mul_add(2.0 * std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let h = (-n).mul_add(0.5 * LN_2_LOW, (-n).mul_add(0.5 * LN_2_HIGH, y));
    let square = h * h;
    let p = (h * square).mul_add(square.mul_add(1.057_399_494_925_636_2e-3, 1.110_990_786_394_422_3e-1), h);
    let q = polynomial(square, [1.586_820_348_799_643e-2, 4.444_324_119_727_675e-1, 1.0]);
    Quotient { n, p, q }
}

/// (2ⁿ·plus − minus)/(2ⁿ·plus + minus) at y = |x|, where n ≥ 0: nothing cancels.
#[inline(always)]
fn tanh_kernel(x: f64) -> f64 {
    let magnitude = x.abs();
    // tanh 20 rounds to 1.
    let magnitude = if magnitude > 20.0 { 20.0 } else { magnitude };
    let Quotient { n, p, q } = quotient(magnitude);
    let power = power_of_two(n + ROUND);
    let (below, above) = (power - 1.0, power + 1.0);
    (below.mul_add(q, above * p) / above.mul_add(q, below * p)).copysign(x)
}

/// e = e^{−|x|}: e/(1+e) for x < 0 and 1/(1+e) otherwise.
#[inline(always)]
fn sigmoid_kernel(x: f64) -> f64 {
    let magnitude = x.abs();
    let magnitude = if magnitude > 746.0 { 746.0 } else { magnitude };
    let Quotient { n, p, q } = quotient(-0.5 * magnitude);
    let (plus, minus) = (q + p, q - p);
    let (first, second) = powers_of_two(n);
    let power = first * second;
    let denominator = power.mul_add(plus, minus);
    let (numerator, first, second) = if x < 0.0 { (plus, first, second) } else { (minus, 1.0, 1.0) };
    numerator / denominator * first * second
}

/// max(x, 0) + ln(1+e), e = e^{−|x|}. ln(1+e) = 2 artanh(s/2), s = 2e/(2+e) ≤ 2/3; all terms of the series are positive.
#[inline(always)]
fn softplus_kernel(x: f64) -> f64 {
    let magnitude = x.abs();
    let magnitude = if magnitude > 746.0 { 746.0 } else { magnitude };
    let Quotient { n, p, q } = quotient(-0.5 * magnitude);
    let (plus, minus) = (q + p, q - p);
    let (first, second) = powers_of_two(n);
    let power = first * second;
    let s = 2.0 * plus / power.mul_add(plus, 2.0 * minus) * first * second;
    let square = s * s;
    // (2 artanh(s/2)/s − 1)/s², minimax (Remez at 60 digits): it adds 1.7e-18 to the relative error.
    let tail = polynomial(
        square,
        [
            8.034_091_475_643_231e-8,
            1.609_235_847_288_559e-7,
            9.218_213_704_087_826e-7,
            4.060_108_993_314_055_4e-6,
            1.878_210_166_901_4e-5,
            8.877_811_199_851_42e-5,
            4.340_278_037_009_768_3e-4,
            2.232_142_855_894_948e-3,
            1.250_000_000_002_741_1e-2,
            8.333_333_333_333_316e-2,
        ],
    );
    let log = (s * square).mul_add(tail, s);
    (if x > 0.0 { x } else { 0.0 }) + log
}

/// Φ(−39) and φ(39) are 0.
#[inline(always)]
fn clamp_normal(s: f64) -> f64 {
    if s > 39.0 { 39.0 } else { s }
}

/// (n, e) with e^{−s²/2} = 2ⁿ(1 + e), |e| < ½. What s² loses in rounding is put back.
#[inline(always)]
fn gaussian(s: f64) -> (f64, f64) {
    let square = s * s;
    let lost = s.mul_add(s, -square);
    let (_, n, r) = reduce(-0.5 * square);
    (n, exp_m1_reduced(lost.mul_add(-0.5, r)))
}

/// (q, d) with Φ(−s) = φ(s)q/d for 0 ≤ s ≤ 39: d/q = s + p/q is the reciprocal of Mills' ratio.
///
/// p/q is of type (9, 10), fitted by iterated least squares with Lawson's weights at 50 digits: relative error of d/q 4e-18,
/// after the rounding of the coefficients 7e-17. All coefficients are positive. A quotient for Mills' ratio itself would
/// cost the same, but pass on the roundings of its two sums: for large s those of p and q do not matter here.
#[inline(always)]
fn mills(s: f64) -> (f64, f64) {
    let p = polynomial(
        s,
        [
            5.757_137_605_970_557e-7,
            1.726_158_131_135_555_8e-5,
            2.544_174_228_533_511e-4,
            2.390_809_287_879_486e-3,
            1.569_976_453_194_653_7e-2,
            7.462_021_092_852_75e-2,
            2.573_970_982_488_166e-1,
            6.259_939_214_256_526e-1,
            9.883_166_040_072_613e-1,
            7.978_845_608_028_654e-1,
        ],
    );
    let q = polynomial(
        s,
        [
            5.757_137_606_427_648e-7,
            1.726_158_130_265_14e-5,
            2.555_688_511_225_066e-4,
            2.425_332_411_729_822_6e-3,
            1.620_514_646_379_131e-2,
            7.929_822_478_860_507e-2,
            2.872_949_936_564_946_3e-1,
            7.616_038_312_845_791e-1,
            1.419_490_845_669_016_5,
            1.694_100_748_458_579_5,
            1.0,
        ],
    );
    (q, s.mul_add(q, p))
}

/// The largest argument that the kernels of sine and cosine reduce; NaN is not within it.
const NEAR: f64 = 1_073_741_824.0;

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

/// ½π in three parts (Cody and Waite): the doubles nearest to it and to what the parts before leave.
const HALF_PI: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_169_8e-33];

/// x = n·½π + r, |r| ≤ ¼π up to rounding: (n + ROUND, r). With fused multiply-add the first step is exact, and the second
/// where it cancels.
#[inline(always)]
fn reduce_quarter(x: f64) -> (f64, f64) {
    let shifted = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let n = ROUND - shifted;
    (shifted, n.mul_add(HALF_PI[2], n.mul_add(HALF_PI[1], n.mul_add(HALF_PI[0], x))))
}

#[inline(always)]
fn sin_kernel(x: f64) -> f64 {
    let (shifted, r) = reduce_quarter(x);
    let result = sin_of_quarter(shifted, r);
    // −0 would become +0.
    if x == 0.0 { x } else { result }
}

#[inline(always)]
fn cos_kernel(x: f64) -> f64 {
    let (shifted, r) = reduce_quarter(x);
    sin_of_quarter(shifted + 1.0, r)
}

/// sin(n·½π + r) for `shifted` = n + ROUND and |r| ≤ ¼π: ±sin r or ±cos r.
///
/// The polynomials are minimax (Remez at 60 digits): they add at most 4e-18 to the relative error. Reducing by π to a single
/// polynomial was as fast, but erred by 2 units and exceeded 1.
#[inline(always)]
fn sin_of_quarter(shifted: f64, r: f64) -> f64 {
    let square = r * r;
    let sin = polynomial(
        square,
        [
            1.589_875_661_075_946_5e-10,
            -2.505_079_560_235_297e-8,
            2.755_731_396_241_001_3e-6,
            -1.984_126_983_071_339_3e-4,
            8.333_333_333_323_785e-3,
            -1.666_666_666_666_663_8e-1,
        ],
    );
    let cos = polynomial(
        square,
        [
            -1.136_176_907_448_757_2e-11,
            2.087_576_714_163_824e-9,
            -2.755_731_470_107_563_7e-7,
            2.480_158_729_080_232_2e-5,
            -1.388_888_888_887_647_3e-3,
            4.166_666_666_666_661_6e-2,
        ],
    );
    let sin = (r * square).mul_add(sin, r);
    let cos = (square * square).mul_add(cos, square.mul_add(-0.5, 1.0));
    let turns = shifted.to_bits();
    let value = if turns & 1 == 0 { sin } else { cos };
    f64::from_bits(value.to_bits() ^ ((turns & 2) << 62))
}
