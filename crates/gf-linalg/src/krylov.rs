//! Matrix-free solves with A + shift·I: MINRES for symmetric matrices, CG for positive definite ones.

use gf_core::{SymmetricOperator, vector};

/// When an iteration stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// Relative residual ‖(A + shift·I)x − b‖ / ‖b‖.
    pub tolerance: f64,
    /// Products at most.
    pub max_products: usize,
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
}

impl KrylovInfo {
    /// Whether the residual is at most the asked one.
    pub fn converged(&self, stop: Stop) -> bool {
        self.relative_residual <= stop.tolerance
    }
}

/// Scratch of both solvers: seven vectors of p numbers.
#[derive(Debug, Default)]
pub struct KrylovScratch {
    vectors: [Vec<f64>; 7],
}

impl KrylovScratch {
    /// For order `p`.
    pub fn new(p: usize) -> Self {
        Self { vectors: std::array::from_fn(|_| vec![0.0; p]) }
    }
}

/// MINRES: minimizes the residual over the Krylov space of any symmetric matrix, positive definite or not.
///
/// `x` is the start on entry (zeros, or a warm start) and the solution on return. After the recurrence reports convergence the
/// true residual is computed; where rounding has kept it above the tolerance, the iteration starts again from there.
/// Signs of the pivots of the Lanczos tridiagonal matrix give [`KrylovInfo::negative_curvature`].
///
/// Cost: one product and about 20p flops an iteration, one product for the check.
/// Reference: C. Paige, M. Saunders, *SIAM J. Numer. Anal.* 12 (1975).
pub fn minres(
    operator: &mut dyn SymmetricOperator,
    shift: f64,
    b: &[f64],
    x: &mut [f64],
    stop: Stop,
    scratch: &mut KrylovScratch,
) -> KrylovInfo {
    let [r1, r2, v, y, w, w1, w2] = &mut scratch.vectors;
    let mut restarts = Restarts::new(b);
    let mut info = KrylovInfo::default();
    while restarts.is_due(operator, shift, b, x, r1, stop, &mut info) {
        let (b_norm, beta1) = (restarts.b_norm, vector::norm(r1));
        r2.copy_from_slice(r1);
        y.copy_from_slice(r1);
        w.fill(0.0);
        w2.fill(0.0);
        let (mut old_beta, mut beta) = (0.0, beta1);
        let (mut d_bar, mut epsilon, mut phi_bar) = (0.0, 0.0, beta1);
        let (mut cosine, mut sine) = (-1.0, 0.0);
        let mut pivot = f64::INFINITY;
        // One product is kept for the true residual.
        while info.products + 1 < stop.max_products.max(2) {
            vector::scale_into(1.0 / beta, y, v);
            operator.apply(v, y);
            info.products += 1;
            vector::add_scaled(y, shift, v);
            if old_beta != 0.0 {
                vector::add_scaled(y, -beta / old_beta, r1);
            }
            let alpha = vector::dot(v, y);
            vector::add_scaled(y, -alpha / beta, r2);
            std::mem::swap(r1, r2);
            r2.copy_from_slice(y);
            // Pivots of the tridiagonal matrix: d₁ = α₁, d_k = α_k − β_k²/d_{k−1}.
            pivot = if pivot.is_infinite() { alpha } else { alpha - beta * beta / pivot };
            info.negative_curvature |= pivot <= 0.0;
            old_beta = beta;
            beta = vector::norm(r2);

            let old_epsilon = epsilon;
            let delta = cosine * d_bar + sine * alpha;
            let g_bar = sine * d_bar - cosine * alpha;
            epsilon = sine * beta;
            d_bar = -cosine * beta;
            let gamma = g_bar.hypot(beta).max(f64::MIN_POSITIVE);
            cosine = g_bar / gamma;
            sine = beta / gamma;
            let phi = cosine * phi_bar;
            phi_bar *= sine;

            std::mem::swap(w1, w2);
            std::mem::swap(w2, w);
            for i in 0..w.len() {
                w[i] = (v[i] - old_epsilon * w1[i] - delta * w2[i]) / gamma;
                x[i] += phi * w[i];
            }
            // Half the tolerance, so that the true residual rarely costs a restart.
            if phi_bar.abs() <= 0.5 * stop.tolerance * b_norm || beta <= f64::EPSILON * old_beta || !phi.is_finite() {
                break;
            }
        }
    }
    info
}

/// CG, for matrices A + shift·I that are known to be positive definite. Stops at the first direction of
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

impl Restarts {
    fn new(b: &[f64]) -> Self {
        Self { b_norm: vector::norm(b), previous: f64::INFINITY, first: true }
    }

    /// Overwrites `r` with b − (A + shift·I)x and the info's residual with its relative norm; false when the iteration is over.
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
        if std::mem::take(&mut self.first) && x.iter().all(|x| *x == 0.0) {
            r.copy_from_slice(b);
        } else {
            residual(operator, shift, b, x, r);
            info.products += 1;
        }
        info.relative_residual = vector::norm(r) / self.b_norm;
        // No progress since the last restart: rounding is the limit.
        let stalled = info.relative_residual > 0.5 * self.previous;
        self.previous = info.relative_residual;
        let spent = info.products >= stop.max_products;
        !(info.converged(stop) || spent || stalled || !info.relative_residual.is_finite())
    }
}

/// r = b − (A + shift·I)x.
fn residual(operator: &mut dyn SymmetricOperator, shift: f64, b: &[f64], x: &[f64], r: &mut [f64]) {
    operator.apply(x, r);
    for ((r, x), b) in r.iter_mut().zip(x).zip(b) {
        *r = b - *r - shift * x;
    }
}
