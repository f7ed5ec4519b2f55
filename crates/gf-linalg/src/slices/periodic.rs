//! Kernels of one number: sine and cosine.

use super::exponential::{ROUND, polynomial};

/// The largest argument that the kernels of sine and cosine reduce; NaN is not within it.
pub(super) const NEAR: f64 = 1_073_741_824.0;

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
pub(super) fn sin_kernel(x: f64) -> f64 {
    let (shifted, r) = reduce_quarter(x);
    let result = sin_of_quarter(shifted, r);
    // −0 would become +0.
    if x == 0.0 { x } else { result }
}

#[inline(always)]
pub(super) fn cos_kernel(x: f64) -> f64 {
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
