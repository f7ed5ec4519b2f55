//! The Ritz pairs of a process, and its restart with some of them.

use super::BlockLanczos;
use crate::{
    Update,
    basis::{combine, rotate},
    eigen::{Eigen, EigenError, symmetric_eigen, tridiagonal_eigen},
};

impl BlockLanczos {
    /// The eigenvalues of T, ascending, with their eigenvectors: the Ritz values.
    ///
    /// # Errors
    /// [`EigenError`].
    pub fn project(&self) -> Result<Eigen, EigenError> {
        let (k, capacity) = (self.len, self.capacity);
        if self.is_tridiagonal {
            // A fraction of the time of a dense problem.
            let diagonal: Vec<f64> = (0..k).map(|i| self.projected[i + i * capacity]).collect();
            let below: Vec<f64> = (1..k).map(|i| self.projected[i + (i - 1) * capacity]).collect();
            return tridiagonal_eigen(&diagonal, &below);
        }
        let packed: Vec<f64> =
            self.projected.chunks_exact(capacity.max(1)).take(k).flat_map(|column| &column[..k]).copied().collect();
        symmetric_eigen(k, &packed)
    }

    /// ‖A x − ϑ x‖ = ‖R Eᵀ y‖ of the Ritz pair x = V y with the eigenvector `y` of T (len numbers), as the process knows it.
    pub fn residual(&self, y: &[f64]) -> f64 {
        if self.pending == 0 {
            return 0.0;
        }
        let tail = &y[self.len - self.last..self.len];
        let row = |i: usize| tail.iter().enumerate().map(|(c, y)| self.coupling[i + c * self.pending] * y).sum::<f64>();
        (0..self.pending).map(|i| row(i).powi(2)).sum::<f64>().sqrt()
    }

    /// Overwrites `out` with the Ritz vectors V y, one for each eigenvector of T in `y` (len numbers each).
    pub fn ritz_vectors(&self, y: &[f64], out: &mut [f64]) {
        combine(self.p, &self.basis[..self.len * self.p], y, Update::Replace, out);
    }

    /// Keeps the Ritz vectors `y` (eigenvectors of T, len numbers each, fewer than len of them) with their `values`, and the pending block.
    pub fn restart(&mut self, values: &[f64], y: &[f64]) {
        let (p, len, kept) = (self.p, self.len, values.len());
        debug_assert!(kept < len && y.len() == kept * len);
        rotate(p, &mut self.basis[..len * p], y, &mut self.scratch);
        self.basis.copy_within(len * p..(len + self.pending) * p, kept * p);
        // R Eᵀ Y couples the pending block to every vector kept.
        let tails = y.chunks_exact(len).map(|y| &y[len - self.last..]);
        let coupling: Vec<f64> = tails
            .flat_map(|tail| {
                let row =
                    |i: usize| tail.iter().enumerate().map(|(c, y)| self.coupling[i + c * self.pending] * y).sum();
                (0..self.pending).map(row).collect::<Vec<f64>>()
            })
            .collect();
        (self.coupling, self.last, self.len) = (coupling, kept, kept);
        self.projected.fill(0.0);
        for (i, value) in values.iter().enumerate() {
            self.projected[i + i * self.capacity] = *value;
        }
        self.is_restarted = true;
        self.is_tridiagonal = false;
    }
}
