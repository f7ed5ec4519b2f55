//! Trace and diagonal of a symmetric operator from products with random vectors.

use gf_core::{StreamRng, SymmetricOperator, vector};
use gf_linalg::{Update, basis};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{Eigenpairs, SpectrumError, eigenpairs::random};

/// An estimate with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean over the probes.
    pub value: f64,
    /// The standard deviation of that mean, as the probes' spread shows it; 0 where nothing random is left.
    pub error: f64,
    /// Products taken.
    pub products: u64,
}

/// A vector of independent ±1.
fn signs(p: usize, rng: &mut StreamRng) -> Vec<f64> {
    (0..p).map(|_| if rng.next_u64() >> 63 == 0 { 1.0 } else { -1.0 }).collect()
}

fn check(name: &'static str, found: usize, least: usize, expected: &'static str) -> Result<(), SpectrumError> {
    if found >= least { Ok(()) } else { Err(SpectrumError::Setting { name, expected, found: found as f64 }) }
}

/// Hutchinson's estimator of tr A: the mean of zᵀAz over `probes` vectors z of random signs. Its variance is twice the sum of the
/// squares off the diagonal, over the number of probes.
///
/// **Reference**: Hutchinson (1990).
///
/// # Errors
/// [`SpectrumError::Setting`] unless there are two probes or more; [`SpectrumError::NotFinite`].
pub fn hutchinson(
    operator: &mut dyn SymmetricOperator,
    probes: usize,
    rng: &mut StreamRng,
) -> Result<Estimate, SpectrumError> {
    check("probes", probes, 2, "at least 2")?;
    let p = operator.order();
    let mut product = vec![0.0; p];
    let mut samples = Vec::with_capacity(probes);
    for number in 0..probes {
        let z = signs(p, rng);
        operator.apply(&z, &mut product);
        samples.push(finite(vector::dot(&z, &product), number)?);
    }
    let (value, error) = mean_with_error(&samples);
    Ok(Estimate { value, error, products: probes as u64 })
}

/// Hutch++: the trace on a random subspace of `rank` dimensions that A was applied to, exactly, and Hutchinson's estimate of the rest.
/// Where a few eigenvalues carry the trace, its error falls like 1/products in place of 1/√products.
///
/// **Cost**: 2·rank + probes products.
///
/// **Reference**: Meyer, Musco, Musco and Woodruff, *Hutch++: optimal stochastic trace estimation* (2021).
///
/// # Errors
/// As [`hutchinson`], and [`SpectrumError::Setting`] for rank 0.
pub fn hutch_plus_plus(
    operator: &mut dyn SymmetricOperator,
    rank: usize,
    probes: usize,
    rng: &mut StreamRng,
) -> Result<Estimate, SpectrumError> {
    check("rank", rank, 1, "at least 1")?;
    check("probes", probes, 2, "at least 2")?;
    let p = operator.order();
    let rank = rank.min(p);
    let sketch: Vec<f64> = (0..rank).flat_map(|_| random(p, rng)).collect();
    let mut range = vec![0.0; p * rank];
    operator.apply_block(rank, &sketch, &mut range);
    if !vector::all_finite(&range) {
        return Err(SpectrumError::NotFinite { what: "a product with a random vector".into() });
    }
    let kept = orthonormalize(p, &mut range);
    let range = &range[..kept * p];
    let mut product = vec![0.0; p * kept];
    operator.apply_block(kept, range, &mut product);
    let inside: f64 = range.chunks_exact(p).zip(product.chunks_exact(p)).map(|(q, aq)| vector::dot(q, aq)).sum();
    let rest = beyond(operator, range, probes, rng)?;
    let products = (rank + kept) as u64 + rest.products;
    Ok(Estimate { value: finite(inside + rest.value, probes)?, error: rest.error, products })
}

/// The trace from known eigenpairs: their eigenvalues, and Hutchinson's estimate of the rest. Where the known ones carry most of ‖A‖_F, far less noisy than
/// without them, for the same products.
///
/// **Cost**: `probes` products.
///
/// # Errors
/// As [`hutchinson`].
pub fn trace_beyond(
    operator: &mut dyn SymmetricOperator,
    pairs: &Eigenpairs,
    probes: usize,
    rng: &mut StreamRng,
) -> Result<Estimate, SpectrumError> {
    check("probes", probes, 2, "at least 2")?;
    let rest = beyond(operator, pairs.vectors(), probes, rng)?;
    let known: f64 = pairs.all().iter().map(|pair| pair.value).sum();
    Ok(Estimate { value: finite(known + rest.value, probes)?, ..rest })
}

/// tr (I − QQᵀ)A(I − QQᵀ) for an orthonormal basis Q (p × k, column-major), by Hutchinson; exactly 0 where Q spans everything.
fn beyond(
    operator: &mut dyn SymmetricOperator,
    q: &[f64],
    probes: usize,
    rng: &mut StreamRng,
) -> Result<Estimate, SpectrumError> {
    let p = operator.order();
    let known = q.len() / p;
    if known == p {
        return Ok(Estimate { value: 0.0, error: 0.0, products: 0 });
    }
    let (mut scratch, mut coefficients, mut image) = (Vec::new(), vec![0.0; known], vec![0.0; p]);
    let mut samples = Vec::with_capacity(probes);
    for number in 0..probes {
        let mut z = signs(p, rng);
        basis::overlaps(p, q, &z, &mut scratch, &mut coefficients);
        coefficients.iter_mut().for_each(|c| *c = -*c);
        basis::combine(p, q, &coefficients, Update::Add, &mut z);
        operator.apply(&z, &mut image);
        samples.push(finite(vector::dot(&z, &image), number)?);
    }
    let (value, error) = mean_with_error(&samples);
    Ok(Estimate { value, error, products: probes as u64 })
}

/// The diagonal of A: the mean of z⊙Az over vectors z of random signs, with the standard error of each entry. Overwrites `out` and
/// `error` (p numbers each).
///
/// **Reference**: Bekas, Kokiopoulou and Saad (2007).
///
/// # Errors
/// As [`hutchinson`].
pub fn diagonal(
    operator: &mut dyn SymmetricOperator,
    probes: usize,
    rng: &mut StreamRng,
    out: &mut [f64],
    error: &mut [f64],
) -> Result<(), SpectrumError> {
    check("probes", probes, 2, "at least 2")?;
    let p = operator.order();
    let mut product = vec![0.0; p];
    out.fill(0.0);
    error.fill(0.0);
    for number in 1..=probes {
        let z = signs(p, rng);
        operator.apply(&z, &mut product);
        finite(vector::dot(&z, &product), number - 1)?;
        for i in 0..p {
            // Welford's running mean and sum of squares.
            let sample = z[i] * product[i];
            let off = sample - out[i];
            out[i] += off / number as f64;
            error[i] += off * (sample - out[i]);
        }
    }
    let count = probes as f64;
    error.iter_mut().for_each(|e| *e = (*e / (count * (count - 1.0))).sqrt());
    Ok(())
}

fn finite(x: f64, number: usize) -> Result<f64, SpectrumError> {
    if x.is_finite() {
        Ok(x)
    } else {
        Err(SpectrumError::NotFinite { what: format!("the product with random vector {}", number + 1) })
    }
}

fn mean_with_error(samples: &[f64]) -> (f64, f64) {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let squares: f64 = samples.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (count * (count - 1.0))).sqrt())
}

/// Makes the columns of `block` orthonormal, twice modified Gram–Schmidt; drops dependent ones. Returns how many lead it now.
fn orthonormalize(p: usize, block: &mut [f64]) -> usize {
    let mut kept = 0;
    for c in 0..block.len() / p {
        block.copy_within(c * p..(c + 1) * p, kept * p);
        let (before, rest) = block.split_at_mut(kept * p);
        let x = &mut rest[..p];
        let size = vector::norm(x);
        for _ in 0..2 {
            for q in before.chunks_exact(p) {
                let overlap = vector::dot(q, x);
                vector::add_scaled(x, -overlap, q);
            }
        }
        let left = vector::norm(x);
        if left > 1e-12 * size {
            x.iter_mut().for_each(|x| *x /= left);
            kept += 1;
        }
    }
    kept
}
