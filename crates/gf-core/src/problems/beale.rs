//! Beale's function.

use super::{contract_in_the_plane, small_dense_problem};

/// L(x, y) = Σ_{k=1}^{3} (c_k − x(1 − y^k))² with c = (1.5, 2.25, 2.625): a curved valley, flat far out. Minimum 0 at (3, ½).
/// Reference: E. Beale, 1958; Moré, Garbow, Hillstrom, *ACM TOMS* 7 (1981), problem 5.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beale;

const C: [f64; 3] = [1.5, 2.25, 2.625];

impl Beale {
    fn order(&self) -> usize {
        2
    }

    /// Residual, its derivatives in x and y, its second ones (xy and yy; xx is 0) and its third ones (xyy and yyy), for k = 1, 2, 3.
    fn terms(t: &[f64]) -> impl Iterator<Item = [f64; 7]> {
        let (x, y) = (t[0], t[1]);
        (1..=3).zip(C).map(move |(k, c)| {
            let n = f64::from(k);
            let slope = n * y.powi(k - 1);
            let bend = n * (n - 1.0) * y.powi((k - 2).max(0));
            let third = n * (n - 1.0) * (n - 2.0);
            [c - x * (1.0 - y.powi(k)), y.powi(k) - 1.0, x * slope, slope, x * bend, bend, x * third]
        })
    }

    fn evaluate(&self, t: &[f64]) -> f64 {
        Self::terms(t).map(|[r, ..]| r * r).sum()
    }

    fn gradient(&self, t: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for [r, rx, ry, ..] in Self::terms(t) {
            out[0] += 2.0 * r * rx;
            out[1] += 2.0 * r * ry;
        }
    }

    fn hessian(&self, t: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for [r, rx, ry, rxy, ryy, ..] in Self::terms(t) {
            out[0] += 2.0 * rx * rx;
            out[1] += 2.0 * (rx * ry + r * rxy);
            out[3] += 2.0 * (ry * ry + r * ryy);
        }
        out[2] = out[1];
    }

    fn third(&self, t: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) {
        let (mut xxy, mut xyy, mut yyy) = (0.0, 0.0, 0.0);
        for [r, rx, ry, rxy, ryy, rxyy, ryyy] in Self::terms(t) {
            xxy += 4.0 * rx * rxy;
            xyy += 2.0 * (2.0 * rxy * ry + ryy * rx + r * rxyy);
            yyy += 2.0 * (3.0 * ryy * ry + r * ryyy);
        }
        contract_in_the_plane([0.0, xxy, xyy, yyy], u, v, out);
    }
}

small_dense_problem!(Beale);
