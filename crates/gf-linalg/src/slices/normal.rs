//! Kernels of one number: the normal density and distribution.

use super::exponential::{exp_m1_reduced, polynomial, reduce};

/// 1/√(2π).
pub(super) const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;

/// Φ(−39) and φ(39) are 0.
#[inline(always)]
pub(super) fn clamp_normal(s: f64) -> f64 {
    if s > 39.0 { 39.0 } else { s }
}

/// (n, e) with e^{−s²/2} = 2ⁿ(1 + e), |e| < ½. What s² loses in rounding is put back.
#[inline(always)]
pub(super) fn gaussian(s: f64) -> (f64, f64) {
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
pub(super) fn mills(s: f64) -> (f64, f64) {
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
