//! Principal directions of points in parameter space, such as the iterates of training.

use gf_core::vector;
use gf_linalg::Update;
use gf_linalg::basis::{combine, overlaps};
use gf_linalg::eigen::symmetric_eigen;

use crate::SpectrumError;

/// The leading principal directions of a set of points, with the variance along each.
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalDirections {
    mean: Vec<f64>,
    directions: Vec<f64>,
    variances: Vec<f64>,
    total_variance: f64,
}

impl PrincipalDirections {
    /// The mean of the points, p numbers.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The unit direction `k` = 0, 1, …, p numbers. Its sign is arbitrary.
    pub fn direction(&self, k: usize) -> &[f64] {
        let p = self.mean.len();
        &self.directions[k * p..(k + 1) * p]
    }

    /// σₖ²/(n − 1), descending, in units of θ².
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The variance along all directions together, Σ‖xᵢ − mean‖²/(n − 1), in units of θ².
    pub fn total_variance(&self) -> f64 {
        self.total_variance
    }

    /// The share of the variance along direction `k`, from 0 to 1.
    pub fn share(&self, k: usize) -> f64 {
        self.variances[k] / self.total_variance
    }
}

/// The `count` leading principal directions of the n columns of `points` (p × n, column-major): the right singular vectors of X, whose rows are the
/// points minus their mean.
///
/// **Method**: the n × n Gram matrix K = XXᵀ = UΣ²Uᵀ, vₖ = Xᵀuₖ/σₖ; no p × p matrix is formed. The total variance is tr K/(n − 1). Forming K
/// squares the condition: directions with σₖ² ≤ n ε σ₁² are rounding, and are refused.
///
/// **Cost**: 2pn² + 9n³ flops; pn + 3n² numbers beside the points.
///
/// **Reference**: Jolliffe, Principal Component Analysis, 2nd ed. (2002), section 3.5; for paths of training: Li, Xu, Taylor, Studer and Goldstein, Visualizing
/// the Loss Landscape of Neural Nets (2018), section 7.
///
/// # Errors
/// [`SpectrumError::Rank`] when the points differ in fewer than `count` directions, [`SpectrumError::Eigen`] when they are not finite.
///
/// # Panics
/// When `points` is not a whole number of columns.
pub fn principal_directions(p: usize, points: &[f64], count: usize) -> Result<PrincipalDirections, SpectrumError> {
    assert!(p > 0 && points.len().is_multiple_of(p), "points of {p} numbers each");
    let n = points.len() / p;
    if n == 0 {
        return Err(SpectrumError::Rank { found: 0, asked: count });
    }
    let mut mean = vec![0.0; p];
    points.chunks_exact(p).for_each(|point| vector::add_scaled(&mut mean, 1.0 / n as f64, point));
    let mut centered = points.to_vec();
    centered.chunks_exact_mut(p).for_each(|point| vector::add_scaled(point, -1.0, &mean));
    let mut gram = vec![0.0; n * n];
    overlaps(p, &centered, &centered, &mut Vec::new(), &mut gram);
    let eigen = symmetric_eigen(n, &gram)?;
    let largest = eigen.values[n - 1];
    let floor = n as f64 * f64::EPSILON * largest;
    // The mean takes one dimension: of n points at most n − 1 directions are known.
    let known = eigen.values.iter().filter(|value| **value > floor).count().min(n - 1);
    if known < count {
        return Err(SpectrumError::Rank { found: known, asked: count });
    }
    let mut found = PrincipalDirections {
        mean,
        directions: vec![0.0; count * p],
        variances: Vec::with_capacity(count),
        total_variance: (0..n).map(|k| gram[k * n + k]).sum::<f64>() / (n - 1) as f64,
    };
    for k in 0..count {
        let column = n - 1 - k;
        let (earlier, rest) = found.directions.split_at_mut(k * p);
        let direction = &mut rest[..p];
        combine(p, &centered, &eigen.vectors[column * n..(column + 1) * n], Update::Replace, direction);
        // Rounding leaves a part of the strong directions in the weak ones, of relative size σ₁/σₖ.
        for strong in earlier.chunks_exact(p) {
            let overlap = vector::dot(strong, direction);
            vector::add_scaled(direction, -overlap, strong);
        }
        let length = vector::norm(direction);
        direction.iter_mut().for_each(|x| *x /= length);
        found.variances.push(eigen.values[column] / (n - 1) as f64);
    }
    Ok(found)
}
