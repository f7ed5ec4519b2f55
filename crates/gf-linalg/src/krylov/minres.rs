//! MINRES by short recurrences.

use gf_core::{SymmetricOperator, vector};

use super::steps::{remove_current, update};
use super::{KrylovInfo, KrylovScratch, Restarts, Stop};
use crate::three_term::remove_before;

/// MINRES on (A + shift·I)x = b, p numbers each: minimizes the residual over the Krylov space of any symmetric A, positive definite or not.
///
/// `x` is the start on entry and the solution on return. A start that is not zero costs one product; it is scaled so that its
/// residual is least, and dropped where that is above ½‖b‖. After the recurrence reports convergence the
/// true residual is computed; where rounding has kept it above the tolerance, the iteration starts again from there.
/// Signs of the pivots of the Lanczos tridiagonal matrix give [`KrylovInfo::negative_curvature`].
///
/// Cost: one product, about 20p flops and three passes over vectors an iteration, one product for the check.
/// Reference: C. Paige, M. Saunders, *SIAM J. Numer. Anal.* 12 (1975).
pub fn minres(
    operator: &mut dyn SymmetricOperator,
    shift: f64,
    b: &[f64],
    x: &mut [f64],
    mut stop: Stop,
    scratch: &mut KrylovScratch,
) -> KrylovInfo {
    let mut restarts = Restarts::new(b);
    let mut info = KrylovInfo::default();
    while restarts.is_due(operator, shift, b, x, &mut scratch.vectors[0], stop, &mut info) {
        let [before, v, _, w, older] = &mut scratch.vectors;
        let norm = vector::norm(before);
        vector::scale_into(1.0 / norm, before, v);
        for vector in [before, w, older] {
            vector.fill(0.0);
        }
        let process = Process { rotations: Rotations::new(norm), beta: 0.0, patience: Patience::new(stop) };
        let patience = process.advance(operator, shift, restarts.b_norm, x, stop, scratch, &mut info);
        if patience.is_over {
            // The true residual, and no restart.
            stop.max_products = info.products + 1;
        }
    }
    info
}

/// The QR factorization of the Lanczos tridiagonal matrix of A + shift·I, column by column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotations {
    cosine: f64,
    sine: f64,
    d_bar: f64,
    epsilon: f64,
    phi_bar: f64,
    /// The last pivot of its LDLᵀ factorization: d₁ = α₁, d_k = α_k − β_k²/d_{k−1}.
    pivot: f64,
    beta: f64,
    pub(super) negative: bool,
}

/// Column k of R (its entries in rows k − 2, k − 1 and k) and entry k of the rotated right-hand side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) epsilon: f64,
    pub(super) delta: f64,
    pub(super) gamma: f64,
    pub(super) phi: f64,
}

impl Rotations {
    /// For a right-hand side of norm `beta`.
    pub(super) fn new(beta: f64) -> Self {
        Self {
            cosine: -1.0,
            sine: 0.0,
            d_bar: 0.0,
            epsilon: 0.0,
            phi_bar: beta,
            pivot: f64::INFINITY,
            beta: 0.0,
            negative: false,
        }
    }

    /// Takes the next diagonal entry and the entry below it.
    pub(super) fn next(&mut self, alpha: f64, beta: f64) -> Column {
        self.pivot = if self.pivot.is_infinite() { alpha } else { alpha - self.beta * self.beta / self.pivot };
        self.negative |= self.pivot <= 0.0;
        self.beta = beta;
        let epsilon = self.epsilon;
        let delta = self.cosine * self.d_bar + self.sine * alpha;
        let g_bar = self.sine * self.d_bar - self.cosine * alpha;
        self.epsilon = self.sine * beta;
        self.d_bar = -self.cosine * beta;
        let gamma = g_bar.hypot(beta).max(f64::MIN_POSITIVE);
        self.cosine = g_bar / gamma;
        self.sine = beta / gamma;
        let phi = self.cosine * self.phi_bar;
        self.phi_bar *= self.sine;
        Column { epsilon, delta, gamma, phi }
    }

    /// The norm of the residual, as the recurrence knows it.
    pub(super) fn residual(&self) -> f64 {
        self.phi_bar.abs()
    }
}

/// Whether going on is worth it: see [`Stop::worth`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    worth: Option<usize>,
    tolerance: f64,
    products: usize,
    /// The next look, and the residual at half as many products.
    next: usize,
    before: f64,
    pub(super) is_over: bool,
}

impl Patience {
    pub(super) fn new(stop: Stop) -> Self {
        let next = stop.worth.map_or(usize::MAX, |worth| (worth / 16).max(1));
        Self { worth: stop.worth, tolerance: stop.tolerance, products: 0, next, before: f64::NAN, is_over: false }
    }

    /// Takes the relative residual after one more product.
    pub(super) fn ends(&mut self, residual: f64) -> bool {
        self.products += 1;
        let (Some(worth), k) = (self.worth, self.products) else { return false };
        self.is_over = k >= worth;
        if k >= self.next {
            self.next = 2 * k;
            let before = std::mem::replace(&mut self.before, residual);
            let rate = (before / residual).ln() / (k as f64 / 2.0);
            let predicted = k as f64 + (residual / self.tolerance).ln() / rate;
            // The first look has nothing to compare with. A residual that does not fall is never in reach.
            let in_reach = rate > 0.0 && predicted <= 2.0 * worth as f64;
            self.is_over |= before.is_finite() && !in_reach;
        }
        self.is_over
    }
}

/// Where a Lanczos process stands. The scratch holds, in this order: v_{k−1}, v_k, room, w_{k−1}, w_{k−2}.
pub(super) struct Process {
    pub(super) rotations: Rotations,
    /// β_k, which couples v_{k−1} and v_k: 0 at the start.
    pub(super) beta: f64,
    pub(super) patience: Patience,
}

impl Process {
    /// Iterates until the recurrence reports convergence, patience ends, or one product is left for the true residual.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a solve, twice called")]
    pub(super) fn advance(
        mut self,
        operator: &mut dyn SymmetricOperator,
        shift: f64,
        b_norm: f64,
        x: &mut [f64],
        stop: Stop,
        scratch: &mut KrylovScratch,
        info: &mut KrylovInfo,
    ) -> Patience {
        let [before, v, y, w, older] = &mut scratch.vectors;
        while info.products + 1 < stop.max_products.max(2) {
            operator.apply(v, y);
            info.products += 1;
            let alpha = remove_before(self.beta, before, shift, v, y);
            let beta = remove_current(alpha, v, y);
            let column = self.rotations.next(alpha, beta);
            info.negative_curvature |= self.rotations.negative;
            // w_k takes the place of w_{k−2}, and v_{k+1} that of the product.
            update(column, v, w, older, x, (inverse(beta), y));
            std::mem::swap(w, older);
            std::mem::swap(before, v);
            std::mem::swap(v, y);
            // Half the tolerance, so that the true residual rarely costs a restart.
            if self.rotations.residual() <= 0.5 * stop.tolerance * b_norm
                || is_invariant(self.beta, alpha, beta)
                || !column.phi.is_finite()
                || self.patience.ends(self.rotations.residual() / b_norm)
            {
                break;
            }
            self.beta = beta;
        }
        self.patience
    }
}

/// 1/β. An invariant space has no next vector, and none is asked for: 0.
pub(super) fn inverse(beta: f64) -> f64 {
    if beta > 0.0 { 1.0 / beta } else { 0.0 }
}

/// Whether the space is invariant up to rounding, from the last column of the tridiagonal matrix: β_k (0 in the first), α_k and β_{k+1}.
pub(super) fn is_invariant(before: f64, alpha: f64, after: f64) -> bool {
    let size = if before > 0.0 { before } else { alpha.abs() };
    after <= f64::EPSILON * size
}
