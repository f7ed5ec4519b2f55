//! The Lanczos process with full reorthogonalization, and what it is used for: extreme eigenvalues and f(A)·b.

use gf_core::{SymmetricOperator, vector};

use crate::eigen::{EigenError, TridiagonalEigen, tridiagonal_eigen};

/// An orthonormal basis of a Krylov space with A projected on it, grown one product at a time.
///
/// Memory: (m + 1)·p numbers for at most m products, allocated once. Full reorthogonalization (twice) costs 8kp flops at step k;
/// without it converged eigenvalues reappear as ghosts.
/// Reference: C. Lanczos, *J. Res. Natl. Bur. Stand.* 45 (1950); C. Paige, 1971 (the ghosts).
#[derive(Debug)]
pub struct Lanczos {
    p: usize,
    basis: Vec<f64>,
    alpha: Vec<f64>,
    beta: Vec<f64>,
    start_norm: f64,
    exhausted: bool,
}

impl Lanczos {
    /// For order `p` and at most `max_products` products.
    pub fn new(p: usize, max_products: usize) -> Self {
        let m = max_products.min(p);
        Self {
            p,
            basis: vec![0.0; (m + 1) * p],
            alpha: Vec::with_capacity(m),
            beta: Vec::with_capacity(m),
            start_norm: 0.0,
            exhausted: false,
        }
    }

    /// Forgets everything and starts from b ≠ 0, p numbers.
    pub fn start(&mut self, b: &[f64]) {
        self.alpha.clear();
        self.beta.clear();
        self.start_norm = vector::norm(b);
        self.exhausted = self.start_norm == 0.0;
        vector::scale_into(1.0 / self.start_norm, b, &mut self.basis[..self.p]);
    }

    /// The number k of products so far.
    pub fn len(&self) -> usize {
        self.alpha.len()
    }

    /// Whether no product was made yet.
    pub fn is_empty(&self) -> bool {
        self.alpha.is_empty()
    }

    /// Whether the space is invariant, so that everything computed in it is exact.
    pub fn is_exact(&self) -> bool {
        self.exhausted
    }

    /// One more product. False when there is no room, or the space is invariant and everything in it is exact.
    pub fn grow(&mut self, operator: &mut dyn SymmetricOperator) -> bool {
        let (k, p) = (self.len(), self.p);
        if self.exhausted || (k + 2) * p > self.basis.len() {
            return false;
        }
        let (known, next) = self.basis.split_at_mut((k + 1) * p);
        let next = &mut next[..p];
        operator.apply(&known[k * p..], next);
        let size = vector::norm(next);
        let mut alpha = 0.0;
        for pass in 0..2 {
            for (j, q) in known.chunks_exact(p).enumerate() {
                let overlap = vector::dot(q, next);
                vector::add_scaled(next, -overlap, q);
                if j == k && pass == 0 {
                    alpha = overlap;
                }
            }
        }
        let beta = vector::norm(next);
        self.alpha.push(alpha);
        self.beta.push(beta);
        if beta <= 1e-14 * size || !beta.is_finite() {
            self.exhausted = true;
        } else {
            next.iter_mut().for_each(|x| *x /= beta);
        }
        true
    }

    /// ‖b‖·V f(T) e₁ ≈ f(A)·b, overwriting `out` (p numbers): exact for polynomials f of a degree below the number of products.
    /// Reference: Y. Saad, *SIAM J. Numer. Anal.* 29 (1992).
    ///
    /// # Errors
    /// [`EigenError`] of the projected problem.
    pub fn apply_function(&self, f: impl Fn(f64) -> f64, out: &mut [f64]) -> Result<(), EigenError> {
        let mut small = TridiagonalEigen::new(self.len());
        self.project(self.len(), &mut small)?;
        let mut y = vec![0.0; self.len()];
        small.apply_to_first(f, &mut y);
        self.combine(&y, out);
        Ok(())
    }

    /// Decomposes T, the projection on the space of the first `k` products.
    ///
    /// # Errors
    /// [`EigenError`] of the projected problem.
    pub fn project(&self, k: usize, small: &mut TridiagonalEigen) -> Result<(), EigenError> {
        small.decompose(&self.alpha[..k], &self.beta)
    }

    /// Overwrites `out` with ‖b‖·V y, y of at most as many numbers as products.
    pub fn combine(&self, y: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (y, q) in y.iter().zip(self.basis.chunks_exact(self.p)) {
            vector::add_scaled(out, self.start_norm * y, q);
        }
    }

    /// How the space of the first `k` ≥ 1 products is coupled to what is beyond: β_k, and 0 where it is invariant.
    pub fn coupling(&self, k: usize) -> f64 {
        if k == self.p || (self.exhausted && k == self.len()) { 0.0 } else { self.beta[k - 1] }
    }

    /// Ritz values, ascending, each with its residual ‖Av − λv‖ (as the process knows it: |β_k·s_k|).
    ///
    /// # Errors
    /// [`EigenError`] of the projected problem.
    pub fn ritz_values(&self) -> Result<Vec<RitzValue>, EigenError> {
        let k = self.len();
        let small = tridiagonal_eigen(&self.alpha, &self.beta[..k.saturating_sub(1)])?;
        let last = if self.exhausted { 0.0 } else { self.beta.last().copied().unwrap_or(0.0) };
        Ok((0..k)
            .map(|i| RitzValue { value: small.values[i], residual: (last * small.vectors[i * k + k - 1]).abs() })
            .collect())
    }
}

/// An approximate eigenvalue: there is a true one within `residual`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RitzValue {
    /// λ.
    pub value: f64,
    /// ‖Av − λv‖ for its unit Ritz vector v.
    pub residual: f64,
}

/// Which eigenvalue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The lowest eigenvalue.
    Lowest,
    /// The highest eigenvalue.
    Highest,
    /// The largest in modulus.
    Dominant,
}

/// An extreme eigenvalue, by Lanczos from `start` until its residual is at most `tolerance` times the largest |Ritz value|,
/// or `max_products` products are spent (the residual says which).
///
/// # Errors
/// [`EigenError`] of the projected problem.
pub fn extreme_eigenvalue(
    operator: &mut dyn SymmetricOperator,
    end: End,
    start: &[f64],
    tolerance: f64,
    max_products: usize,
) -> Result<RitzValue, EigenError> {
    let mut lanczos = Lanczos::new(start.len(), max_products);
    lanczos.start(start);
    loop {
        let more = lanczos.grow(operator);
        if !more || lanczos.len().is_multiple_of(5) {
            let ritz = lanczos.ritz_values()?;
            let size = ritz.iter().fold(0.0f64, |a, r| a.max(r.value.abs()));
            let found = match end {
                End::Lowest => ritz.first(),
                End::Highest => ritz.last(),
                End::Dominant => ritz.iter().max_by(|a, b| a.value.abs().total_cmp(&b.value.abs())),
            };
            if let Some(found) = found
                && (!more || found.residual <= tolerance * size)
            {
                return Ok(*found);
            }
            if !more {
                return Err(EigenError::NoConvergence);
            }
        }
    }
}
