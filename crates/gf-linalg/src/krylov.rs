//! Matrix-free solves with A + shift·I: MINRES for symmetric matrices, alone or for a family of shifts, CG for positive definite ones.

mod family;
mod minres;
mod steps;

use gf_core::{SymmetricOperator, vector};

pub use family::ShiftedFamily;
pub use minres::minres;

/// When an iteration stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// Relative residual ‖(A + shift·I)x − b‖ / ‖b‖.
    pub tolerance: f64,
    /// Products at most.
    pub max_products: usize,
    /// MINRES gives up when it will hardly reach the tolerance within this many products, which is what another solver costs. It looks after
    /// 1/8, 1/4 and 1/2 of them: at the rate of the products since the look before (the first: since 1/16), the tolerance must be in reach
    /// within twice as many, for it mostly converges faster towards its end. At this many it ends. None: never.
    pub worth: Option<usize>,
}

impl Stop {
    /// At the tolerance, or after so many products.
    pub fn new(tolerance: f64, max_products: usize) -> Self {
        Self { tolerance, max_products, worth: None }
    }
}

/// What an iteration reached.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct KrylovInfo {
    /// Products with A.
    pub products: usize,
    /// The true relative residual, from a product with the returned x.
    pub relative_residual: f64,
    /// Whether a direction v with vᵀ(A + shift·I)v ≤ 0 was met. Proof of indefiniteness; its absence proves nothing.
    pub negative_curvature: bool,
    /// The lowest eigenvalue of A + shift·I in the Krylov space: an upper bound of the lowest of all. Known to [`ShiftedFamily`] only.
    pub lowest: Option<f64>,
}

impl KrylovInfo {
    /// Whether the residual is at most the asked one.
    pub fn converged(&self, stop: Stop) -> bool {
        self.relative_residual <= stop.tolerance
    }
}

/// Scratch of both solvers: five vectors of p numbers.
#[derive(Debug, Default)]
pub struct KrylovScratch {
    vectors: [Vec<f64>; 5],
}

impl KrylovScratch {
    /// For order `p`.
    pub fn new(p: usize) -> Self {
        Self { vectors: std::array::from_fn(|_| vec![0.0; p]) }
    }
}

/// CG on (A + shift·I)x = b, p numbers each, for matrices that are known to be positive definite. Stops at the first direction of
/// non-positive curvature, with [`KrylovInfo::negative_curvature`] set and `x` as it was before it.
///
/// `x`, the check of the true residual and the cost are as in [`minres`].
/// Reference: M. Hestenes, E. Stiefel, *J. Res. Natl. Bur. Stand.* 49 (1952).
pub fn conjugate_gradients(
    operator: &mut dyn SymmetricOperator,
    shift: f64,
    b: &[f64],
    x: &mut [f64],
    stop: Stop,
    scratch: &mut KrylovScratch,
) -> KrylovInfo {
    let [r, direction, product, ..] = &mut scratch.vectors;
    let mut restarts = Restarts::new(b);
    let mut info = KrylovInfo::default();
    while restarts.is_due(operator, shift, b, x, r, stop, &mut info) && !info.negative_curvature {
        let b_norm = restarts.b_norm;
        let mut rr = vector::dot(r, r);
        direction.copy_from_slice(r);
        while info.products + 1 < stop.max_products.max(2) {
            operator.apply(direction, product);
            info.products += 1;
            vector::add_scaled(product, shift, direction);
            let curvature = vector::dot(direction, product);
            // A NaN is not "positive" either.
            if curvature <= 0.0 || curvature.is_nan() {
                info.negative_curvature = true;
                break;
            }
            let alpha = rr / curvature;
            vector::add_scaled(x, alpha, direction);
            vector::add_scaled(r, -alpha, product);
            let rr_next = vector::dot(r, r);
            let beta = rr_next / rr;
            rr = rr_next;
            if rr.sqrt() <= 0.5 * stop.tolerance * b_norm {
                break;
            }
            for (d, r) in direction.iter_mut().zip(r.iter()) {
                *d = r + beta * *d;
            }
        }
    }
    info
}

/// When to start the recurrence again: from the true residual, while it is above the tolerance and still falls.
struct Restarts {
    b_norm: f64,
    previous: f64,
    first: bool,
}

/// A start is kept where it leaves at most this part of the residual; elsewhere its product bought nothing.
const USEFUL_START: f64 = 0.5;

impl Restarts {
    fn new(b: &[f64]) -> Self {
        Self { b_norm: vector::norm(b), previous: f64::INFINITY, first: true }
    }

    /// Overwrites `r` with b − (A + shift·I)x and the info's residual with its relative norm; false when the iteration is over.
    /// Scales or drops the first x.
    #[expect(clippy::too_many_arguments, reason = "one call in each of two solvers, with what they have at hand")]
    fn is_due(
        &mut self,
        operator: &mut dyn SymmetricOperator,
        shift: f64,
        b: &[f64],
        x: &mut [f64],
        r: &mut [f64],
        stop: Stop,
        info: &mut KrylovInfo,
    ) -> bool {
        if self.b_norm == 0.0 {
            x.fill(0.0);
            return false;
        }
        let first = std::mem::take(&mut self.first);
        if first && x.iter().all(|x| *x == 0.0) {
            r.copy_from_slice(b);
        } else {
            residual(operator, shift, b, x, r);
            info.products += 1;
        }
        info.relative_residual = vector::norm(r) / self.b_norm;
        if first && !info.converged(stop) {
            self.scale_start(b, x, r);
            info.relative_residual = vector::norm(r) / self.b_norm;
        }
        // No progress since the last restart: rounding is the limit.
        let stalled = info.relative_residual > 0.5 * self.previous;
        self.previous = info.relative_residual;
        let spent = info.products >= stop.max_products;
        !(info.converged(stop) || spent || stalled || !info.relative_residual.is_finite())
    }

    /// Scales the start x, with residual `r`, so that its residual is least; forgets it where that is not much less than ‖b‖.
    fn scale_start(&self, b: &[f64], x: &mut [f64], r: &mut [f64]) {
        // With y = (A + shift·I)x = b − r: the least ‖b − c·y‖ has c = bᵀy/yᵀy.
        let (bb, br, rr) = (self.b_norm * self.b_norm, vector::dot(b, r), vector::dot(r, r));
        let (by, yy) = (bb - br, bb - 2.0 * br + rr);
        let c = by / yy;
        // ‖b − c·y‖² = bb − c·by, with a NaN refused.
        if c.is_finite() && bb - c * by <= USEFUL_START * USEFUL_START * bb {
            for ((r, b), x) in r.iter_mut().zip(b).zip(x) {
                *r = b - c * (b - *r);
                *x *= c;
            }
        } else {
            x.fill(0.0);
            r.copy_from_slice(b);
        }
    }
}

/// r = b − (A + shift·I)x.
fn residual(operator: &mut dyn SymmetricOperator, shift: f64, b: &[f64], x: &[f64], r: &mut [f64]) {
    operator.apply(x, r);
    for ((r, x), b) in r.iter_mut().zip(x).zip(b) {
        *r = b - *r - shift * x;
    }
}
