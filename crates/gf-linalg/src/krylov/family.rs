//! MINRES for several shifts of one matrix and one right-hand side.

use gf_core::{SymmetricOperator, vector};

use super::minres::{Column, Patience, Process, Rotations, inverse, is_invariant};
use super::steps::{add_combination, remove_current, scale};
use super::{KrylovInfo, KrylovScratch, Stop, minres};
use crate::three_term::remove_before;

/// One Krylov space that serves every shift.
///
/// The Lanczos vectors of A and b do not depend on the shift, and the tridiagonal matrix only by the shift on its diagonal. So the first
/// products are kept, and another shift with the same b costs the factorization of a tridiagonal matrix, one combination of the kept
/// vectors (2p flops each) and one product for the true residual; the space grows only where the new shift asks for more of it.
/// A solve that needs more products than are kept goes on by short recurrences, as [`minres`] does, without losing the space;
/// for a later shift only the kept part is there.
///
/// Without reorthogonalization, as MINRES: each shift is solved as MINRES would solve it alone.
/// Memory: (products kept + 7)·p numbers, allocated at once.
#[derive(Debug)]
pub struct ShiftedFamily {
    p: usize,
    kept: usize,
    /// v₁, v₂, …, orthonormal up to rounding.
    basis: Vec<f64>,
    /// The tridiagonal matrix of A: diagonal, and what stands below it.
    alpha: Vec<f64>,
    beta: Vec<f64>,
    /// b and its norm; a norm of 0 for none.
    b: Vec<f64>,
    b_norm: f64,
    columns: Vec<Column>,
    coefficients: Vec<f64>,
    scratch: KrylovScratch,
}

impl ShiftedFamily {
    /// For order `p`, keeping at most `kept` ≥ 1 products.
    pub fn new(p: usize, kept: usize) -> Self {
        Self {
            p,
            kept,
            basis: vec![0.0; (kept + 1) * p],
            alpha: Vec::with_capacity(kept),
            beta: Vec::with_capacity(kept),
            b: vec![0.0; p],
            b_norm: 0.0,
            columns: Vec::with_capacity(kept),
            coefficients: vec![0.0; kept],
            scratch: KrylovScratch::new(p),
        }
    }

    /// The order p, and the products kept.
    pub fn size(&self) -> (usize, usize) {
        (self.p, self.kept)
    }

    /// Forgets the space: the matrix has changed.
    pub fn forget(&mut self) {
        self.b_norm = 0.0;
        self.alpha.clear();
        self.beta.clear();
    }

    /// Overwrites `x` with the solution of (A + shift·I)x = b, p numbers each. `stop.max_products` limits the products of this solve, which the info counts.
    ///
    /// The caller says by [`ShiftedFamily::forget`] when `operator` is no longer the same matrix; another b is noticed.
    pub fn solve(
        &mut self,
        operator: &mut dyn SymmetricOperator,
        shift: f64,
        b: &[f64],
        x: &mut [f64],
        stop: Stop,
    ) -> KrylovInfo {
        let mut info = KrylovInfo::default();
        x.fill(0.0);
        self.start(b);
        if self.b_norm == 0.0 {
            return info;
        }
        // Half the tolerance, so that the true residual rarely costs a restart.
        let small = 0.5 * stop.tolerance * self.b_norm;
        let mut rotations = Rotations::new(self.b_norm);
        let mut patience = Patience::new(stop);
        self.columns.clear();
        let finished = loop {
            let k = self.columns.len();
            if k == self.alpha.len() {
                if k == self.kept {
                    break false;
                }
                // One product is kept for the true residual.
                if info.products + 1 >= stop.max_products.max(2) {
                    break true;
                }
                self.grow(operator);
                info.products += 1;
            }
            let column = rotations.next(self.alpha[k] + shift, self.beta[k]);
            self.columns.push(column);
            let residual = rotations.residual();
            let over = self.is_invariant(k) || !column.phi.is_finite() || patience.ends(residual / self.b_norm);
            if residual <= small || over {
                break true;
            }
        };
        info.negative_curvature = rotations.negative;
        self.combine(|_, column| column.phi, x);
        if !finished {
            let process = self.process(rotations, patience);
            patience = process.advance(operator, shift, self.b_norm, x, stop, &mut self.scratch, &mut info);
        }
        // Not more than the true residual where it gave up.
        let left = if patience.is_over { 1 } else { stop.max_products.saturating_sub(info.products) };
        let rest = Stop { max_products: left, ..stop };
        let check = minres(operator, shift, b, x, rest, &mut self.scratch);
        let lowest = self.lowest_ritz_value().map(|value| value + shift);
        KrylovInfo {
            products: info.products + check.products,
            relative_residual: check.relative_residual,
            negative_curvature: info.negative_curvature || check.negative_curvature,
            lowest,
        }
    }

    /// The lowest eigenvalue of A in the kept space, to about 1e-6 of the largest there; none before the first product.
    ///
    /// By bisection with Sturm counts. Reference: W. Givens, 1954; B. Parlett, *The Symmetric Eigenvalue Problem*, §3.3.
    pub fn lowest_ritz_value(&self) -> Option<f64> {
        let k = self.alpha.len();
        let (mut low, mut high) = (f64::INFINITY, f64::INFINITY);
        let mut size = 0.0f64;
        for i in 0..k {
            let reach = if i > 0 { self.beta[i - 1] } else { 0.0 } + if i + 1 < k { self.beta[i] } else { 0.0 };
            low = low.min(self.alpha[i] - reach);
            high = high.min(self.alpha[i]);
            size = size.max(self.alpha[i].abs() + reach);
        }
        if !(low.is_finite() && high.is_finite()) {
            return None;
        }
        while high - low > 1e-6 * size {
            let middle = 0.5 * (low + high);
            let mut pivot = 1.0;
            let below = (0..k).any(|i| {
                let coupling = if i > 0 { self.beta[i - 1] * self.beta[i - 1] / pivot } else { 0.0 };
                pivot = self.alpha[i] - middle - coupling;
                pivot <= 0.0
            });
            if below { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// Grows the space of b to `products` products where it is smaller (and they can be kept); returns how many that took.
    /// A later solve finds them.
    pub fn prepare(&mut self, operator: &mut dyn SymmetricOperator, b: &[f64], products: usize) -> usize {
        self.start(b);
        let before = self.alpha.len();
        while self.b_norm > 0.0 && self.alpha.len() < products.min(self.kept) {
            let k = self.alpha.len();
            if k > 0 && self.is_invariant(k - 1) {
                break;
            }
            self.grow(operator);
        }
        self.alpha.len() - before
    }

    /// The space of b: the one at hand, or an empty one.
    fn start(&mut self, b: &[f64]) {
        if self.b_norm == 0.0 || self.b != b {
            self.b.copy_from_slice(b);
            self.b_norm = vector::norm(b);
            self.alpha.clear();
            self.beta.clear();
            vector::scale_into(1.0 / self.b_norm, b, &mut self.basis[..self.p]);
        }
    }

    /// One more product.
    fn grow(&mut self, operator: &mut dyn SymmetricOperator) {
        let (k, p) = (self.alpha.len(), self.p);
        let (known, next) = self.basis.split_at_mut((k + 1) * p);
        let (next, v) = (&mut next[..p], &known[k * p..]);
        operator.apply(v, next);
        // The first vector has none before it; any finite numbers will do.
        let (coupling, before) = if k > 0 { (self.beta[k - 1], &known[(k - 1) * p..k * p]) } else { (0.0, v) };
        let alpha = remove_before(coupling, before, 0.0, v, next);
        let beta = remove_current(alpha, v, next);
        self.alpha.push(alpha);
        self.beta.push(beta);
        scale(inverse(beta), next);
    }

    /// Whether the space of the first k + 1 vectors is invariant, up to rounding.
    fn is_invariant(&self, k: usize) -> bool {
        is_invariant(if k > 0 { self.beta[k - 1] } else { 0.0 }, self.alpha[k], self.beta[k])
    }

    /// out += V R⁻¹ r, where r_i = `entry(i, column i)`.
    fn combine(&mut self, entry: impl Fn(usize, &Column) -> f64, out: &mut [f64]) {
        let k = self.columns.len();
        let y = &mut self.coefficients[..k];
        for i in (0..k).rev() {
            let column = self.columns[i];
            let mut sum = entry(i, &column);
            if let Some(next) = self.columns.get(i + 1) {
                sum -= next.delta * y[i + 1];
            }
            if let Some(next) = self.columns.get(i + 2) {
                sum -= next.epsilon * y[i + 2];
            }
            y[i] = sum / column.gamma;
        }
        add_combination(y, &self.basis, out);
    }

    /// The process at the end of the kept space, its vectors in the scratch.
    fn process(&mut self, rotations: Rotations, patience: Patience) -> Process {
        let (k, p) = (self.columns.len(), self.p);
        for (slot, index) in [(3, Some(k - 1)), (4, k.checked_sub(2))] {
            let mut w = std::mem::take(&mut self.scratch.vectors[slot]);
            w.fill(0.0);
            self.combine(|i, _| if Some(i) == index { 1.0 } else { 0.0 }, &mut w);
            self.scratch.vectors[slot] = w;
        }
        let [before, v, ..] = &mut self.scratch.vectors;
        before.copy_from_slice(&self.basis[(k - 1) * p..k * p]);
        v.copy_from_slice(&self.basis[k * p..]);
        Process { rotations, beta: self.beta[k - 1], patience }
    }
}
