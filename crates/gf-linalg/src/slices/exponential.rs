//! Kernels of one number: exponential, logarithm and the functions made of them.

/// 1.5·2⁵²: adding it rounds to an integer, which then stands in the low bits.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; a product of the first with an integer below 2²⁰ is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Σ coefficientᵢ·x^{N−1−i}: the highest power first.
#[inline(always)]
pub(super) fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
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
pub(super) fn scale(value: f64, n: f64) -> f64 {
    let (first, second) = powers_of_two(n);
    value * first * second
}

/// x = n ln 2 + r, |r| ≤ ½ ln 2 (up to rounding): (n + ROUND, n, r).
#[inline(always)]
pub(super) fn reduce(x: f64) -> (f64, f64, f64) {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    (shifted, n, (-n).mul_add(LN_2_LOW, (-n).mul_add(LN_2_HIGH, x)))
}

/// eʳ − 1 for |r| ≤ 0.3475. The factor of r² is a minimax polynomial (Remez at 60 digits): it adds 1.2e-17 to the relative error.
#[inline(always)]
pub(super) fn exp_m1_reduced(r: f64) -> f64 {
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
pub(super) fn exp_kernel(x: f64) -> f64 {
    // Beyond these bounds the result is ∞ or 0; comparisons that are false for NaN let NaN pass.
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (_, n, r) = reduce(x);
    scale(exp_m1_reduced(r) + 1.0, n)
}

/// eˣ − 1 for x ≤ 40; −1 below −40.
#[inline(always)]
pub(super) fn exp_m1_kernel(x: f64) -> f64 {
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
pub(super) fn ln_1p_kernel(x: f64) -> f64 {
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
pub(super) fn tanh_kernel(x: f64) -> f64 {
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
pub(super) fn sigmoid_kernel(x: f64) -> f64 {
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
pub(super) fn softplus_kernel(x: f64) -> f64 {
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
