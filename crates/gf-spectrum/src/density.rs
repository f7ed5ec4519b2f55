//! The spectral density of a symmetric operator by stochastic Lanczos quadrature.

use gf_core::{StreamRng, SymmetricOperator, vector};
use gf_linalg::{BlockLanczos, eigen::Eigen};

use crate::{SpectrumError, eigenpairs::random};

/// How the density is estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DensitySettings {
    /// Random vectors; their spread gives the error bars. At least 2.
    pub probes: usize,
    /// Products a vector.
    pub steps: usize,
    /// Points of the grid.
    pub points: usize,
    /// Standard deviation of the Gaussian that each node is broadened by, as a share of the spectrum's width.
    pub width: f64,
}

impl Default for DensitySettings {
    fn default() -> Self {
        Self { probes: 8, steps: 80, points: 400, width: 0.01 }
    }
}

impl DensitySettings {
    fn validate(&self) -> Result<(), SpectrumError> {
        let least = [("probes", self.probes, 2), ("steps", self.steps, 1), ("points", self.points, 2)];
        for (name, found, least) in least {
            if found < least {
                let expected = if least == 2 { "at least 2" } else { "at least 1" };
                return Err(SpectrumError::Setting { name, expected, found: found as f64 });
            }
        }
        if self.width > 0.0 && self.width < 1.0 {
            Ok(())
        } else {
            Err(SpectrumError::Setting { name: "width", expected: "between 0 and 1", found: self.width })
        }
    }
}

/// A density φ(λ) with ∫φ = 1, on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    /// λ, equally spaced over the spectrum and three widths beyond either end.
    pub grid: Vec<f64>,
    /// φ at each point: mean over the probes.
    pub density: Vec<f64>,
    /// Standard error of that mean.
    pub error: Vec<f64>,
    /// Standard deviation of the broadening, in units of λ.
    pub broadening: f64,
    /// Products taken.
    pub products: u64,
}

/// The nodes and weights of the Gauss quadrature of one probe: Σ wₖ f(θₖ) ≈ zᵀ f(A) z/‖z‖².
#[derive(Debug, Clone, PartialEq)]
pub struct Quadrature {
    /// θₖ, ascending.
    pub nodes: Vec<f64>,
    /// wₖ ≥ 0, of sum 1.
    pub weights: Vec<f64>,
}

/// The density of the eigenvalues of `operator`: each probe z gives the nodes θₖ (Ritz values of the Krylov space of z) and weights
/// (squared first entries of the eigenvectors of T), broadened by Gaussians and averaged.
///
/// **Cost**: probes·steps products; (steps + 2)·p numbers.
///
/// **Reference**: Golub and Welsch (1969); Lin, Saad and Yang, *Approximating spectral densities of large matrices* (2016);
/// Ghorbani, Krishnan and Xiao (2019).
///
/// # Errors
/// [`SpectrumError::Setting`]; [`SpectrumError::Process`] when a product is not finite.
pub fn density(
    operator: &mut dyn SymmetricOperator,
    settings: &DensitySettings,
    rng: &mut StreamRng,
) -> Result<Density, SpectrumError> {
    settings.validate()?;
    let (probes, products) = quadratures(operator, settings.probes, settings.steps, rng)?;
    let nodes = || probes.iter().flat_map(|probe| &probe.nodes);
    let (low, high) = nodes().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
    // A multiple of the identity has no width of its own, and zero not even a size.
    let size = high.abs().max(low.abs());
    let span = (high - low).max(if size > 0.0 { 1e-6 * size } else { 1.0 });
    let broadening = settings.width * span;
    let (first, last) = (low - 3.0 * broadening, high + 3.0 * broadening);
    let spacing = (last - first) / (settings.points - 1) as f64;
    let grid: Vec<f64> = (0..settings.points).map(|i| first + spacing * i as f64).collect();
    let curves: Vec<Vec<f64>> = probes.iter().map(|probe| probe.broadened(&grid, broadening)).collect();
    let count = probes.len() as f64;
    let at = |i: usize| curves.iter().map(move |curve| curve[i]);
    let mean: Vec<f64> = (0..grid.len()).map(|i| at(i).sum::<f64>() / count).collect();
    let error = (0..grid.len())
        .map(|i| (at(i).map(|x| (x - mean[i]).powi(2)).sum::<f64>() / (count * (count - 1.0))).sqrt())
        .collect();
    Ok(Density { grid, density: mean, error, broadening, products })
}

/// One quadrature a probe, and the products taken.
///
/// # Errors
/// [`SpectrumError::Process`] when a product is not finite.
pub fn quadratures(
    operator: &mut dyn SymmetricOperator,
    probes: usize,
    steps: usize,
    rng: &mut StreamRng,
) -> Result<(Vec<Quadrature>, u64), SpectrumError> {
    let p = operator.order();
    let mut process = BlockLanczos::new(p, steps, 1);
    let mut products = 0;
    let mut found = Vec::with_capacity(probes);
    for _ in 0..probes {
        process.start(&random(p, rng));
        while process.has_room() && !process.is_invariant() {
            process.grow(operator)?;
        }
        products += process.products();
        found.push(quadrature(&process.project()?));
    }
    Ok((found, products))
}

/// The density of n known eigenvalues with the same broadening s, at each point of the `grid`: φ(λ) = (1/n) Σₖ exp(−(λ − λₖ)²/2s²)/(s√(2π)).
pub fn density_of(values: &[f64], grid: &[f64], broadening: f64) -> Vec<f64> {
    let weights = vec![1.0 / values.len().max(1) as f64; values.len()];
    Quadrature { nodes: values.to_vec(), weights }.broadened(grid, broadening)
}

impl Quadrature {
    fn broadened(&self, grid: &[f64], broadening: f64) -> Vec<f64> {
        let scale = 1.0 / (broadening * std::f64::consts::TAU.sqrt());
        let bell = |x: f64| scale * (-0.5 * (x / broadening).powi(2)).exp();
        let at = |x: &f64| self.nodes.iter().zip(&self.weights).map(|(node, weight)| weight * bell(x - node)).sum();
        grid.iter().map(at).collect()
    }
}

fn quadrature(ritz: &Eigen) -> Quadrature {
    let k = ritz.values.len();
    let weights = ritz.vectors.chunks_exact(k).map(|y| y[0] * y[0]).collect();
    Quadrature { nodes: ritz.values.clone(), weights }
}

/// Σ of a density over its grid times the spacing: 1 but for what the grid cuts off.
pub fn mass(density: &Density) -> f64 {
    let spacing = density.grid[1] - density.grid[0];
    vector::dot(&density.density, &vec![spacing; density.grid.len()])
}
