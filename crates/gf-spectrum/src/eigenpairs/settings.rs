//! Which eigenpairs are wanted, and how well.

use crate::SpectrumError;

/// Which eigenpairs, and how well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EigenpairSettings {
    /// Highest eigenvalues (largest, not largest in modulus).
    pub top: usize,
    /// Lowest eigenvalues.
    pub bottom: usize,
    /// Largest residual ‖Av − λv‖, relative to the largest |λ| found. At least 1e-13.
    pub tolerance: f64,
    /// Products at most, those that check the residuals left out.
    pub max_products: u64,
    /// Vectors that grow at a time. 1 takes the fewest products; a block of b finds up to b copies of a multiple eigenvalue.
    pub block: usize,
    /// Vectors of p numbers that are kept before a restart; 0: as many as 1 GiB holds, at most 300.
    pub basis: usize,
}

impl Default for EigenpairSettings {
    fn default() -> Self {
        Self { top: 1, bottom: 0, tolerance: 1e-7, max_products: 2000, block: 1, basis: 0 }
    }
}

/// Bytes of a basis whose size was left open.
const BASIS_BYTES: usize = 1 << 30;
/// Basis vectors at most, where the size was left open: beyond, the projected problem costs more than a restart.
const LARGEST_BASIS: usize = 300;

impl EigenpairSettings {
    /// Vectors of the basis for matrices of order `order`, once the settings are checked.
    ///
    /// # Errors
    /// [`SpectrumError::Count`] and [`SpectrumError::Setting`].
    pub(super) fn room(&self, order: usize) -> Result<usize, SpectrumError> {
        let wanted = self.top + self.bottom;
        if wanted == 0 || wanted > order {
            return Err(SpectrumError::Count { asked: wanted, order });
        }
        let is_tolerance = (1e-13..1.0).contains(&self.tolerance);
        if !is_tolerance {
            let expected = "a number from 1e-13 to 1";
            return Err(SpectrumError::Setting { name: "tolerance", expected, found: self.tolerance });
        }
        if self.block == 0 || self.block > order {
            let expected = "from 1 to the matrix's order";
            return Err(SpectrumError::Setting { name: "block", expected, found: self.block as f64 });
        }
        // Room for the pairs, as many more to restart with, and blocks.
        let least = (3 * wanted + 8).max(wanted + 4 * self.block).min(order);
        if self.basis != 0 && self.basis < least {
            let expected = "0, or at least three times as many vectors as eigenpairs and 8 more, and four blocks more than eigenpairs";
            return Err(SpectrumError::Setting { name: "basis", expected, found: self.basis as f64 });
        }
        let room = if self.basis > 0 { self.basis } else { (BASIS_BYTES / (8 * order)).min(LARGEST_BASIS) };
        Ok(room.max(least))
    }
}
