//! Spectral densities against the laws of random matrices, and against exact eigenvalues.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Dense, goe, hessian, networks, wishart};
use gf_core::Streams;
use gf_spectrum::{Density, DensitySettings, density, density_of, full_spectrum, mass, quadratures};

/// ∫|f − g| on the grid.
fn distance(found: &Density, expected: &[f64]) -> f64 {
    let spacing = found.grid[1] - found.grid[0];
    found.density.iter().zip(expected).map(|(a, b)| (a - b).abs() * spacing).sum()
}

/// `law` broadened like the estimate, by sums over a fine grid on `[low, high]`.
fn broadened(law: impl Fn(f64) -> f64, low: f64, high: f64, found: &Density) -> Vec<f64> {
    let cells = 4000;
    let width = (high - low) / f64::from(cells);
    let at = |x: &f64| {
        let term = |k: i32| {
            let y = low + (f64::from(k) + 0.5) * width;
            law(y) * width * (-0.5 * ((x - y) / found.broadening).powi(2)).exp()
        };
        (0..cells).map(term).sum::<f64>() / (found.broadening * std::f64::consts::TAU.sqrt())
    };
    found.grid.iter().map(at).collect()
}

fn estimate(matrix: &mut Dense, seed: u64) -> Density {
    let settings = DensitySettings { probes: 16, width: 0.05, ..DensitySettings::default() };
    density(matrix, &settings, &mut Streams::new(seed).probes()).unwrap()
}

/// A bell as wide as a twentieth of the spectrum covers about 70 of 400 eigenvalues, whose weights in one probe are squares of normal
/// numbers: 16 probes know the density to √(2/70)/√16 = 4 %, and 0.07 is twice the L1 distance that makes.
#[test]
fn random_matrices_follow_their_laws() {
    let p = 400;
    let mut matrix = goe(p, 11);
    let found = estimate(&mut matrix, 1);
    let semicircle = |x: f64| (4.0 - x * x).max(0.0).sqrt() / std::f64::consts::TAU;
    let off = distance(&found, &broadened(semicircle, -2.0, 2.0, &found));
    assert!(off <= 0.07, "Wigner's semicircle: {off}");
    assert!((mass(&found) - 1.0).abs() <= 2e-3);

    // p/n = 1/4: the law lives on [(1 − ½)², (1 + ½)²].
    let ratio = 0.25f64;
    let mut matrix = wishart(p, 1600, 12);
    let found = estimate(&mut matrix, 2);
    let (low, high) = ((1.0 - ratio.sqrt()).powi(2), (1.0 + ratio.sqrt()).powi(2));
    let law = |x: f64| ((high - x) * (x - low)).max(0.0).sqrt() / (std::f64::consts::TAU * ratio * x);
    let off = distance(&found, &broadened(law, low, high, &found));
    assert!(off <= 0.07, "Marchenko and Pastur: {off}");
}

/// Where the quadrature is exact, what is left is the spread of the probes: it has to fit the error bars.
#[test]
fn densities_fit_exact_eigenvalues_within_their_error_bars() {
    let mut matrices = vec![("GOE", goe(300, 21)), ("Wishart", wishart(300, 900, 22))];
    for (name, mut objective, theta) in networks() {
        matrices.push((name, hessian(&mut objective, &theta)));
    }
    for (name, mut matrix) in matrices {
        let exact = full_spectrum(matrix.p, &matrix.matrix).unwrap();
        let settings = DensitySettings { probes: 16, steps: 120, width: 0.03, ..DensitySettings::default() };
        let found = density(&mut matrix, &settings, &mut Streams::new(5).probes()).unwrap();
        let expected = density_of(&exact, &found.grid, found.broadening);
        let highest = expected.iter().fold(0.0f64, |a, x| a.max(*x));
        // The weight of an isolated eigenvalue is the square of one normal number: the bar of such a point, by 16 of them, is itself
        // uncertain, and its true size √(2/16) of the density stands in where it came out too small.
        let (mut inside, mut off_total, mut error_total) = (0, 0.0, 0.0);
        for ((found, error), expected) in found.density.iter().zip(&found.error).zip(&expected) {
            let off = (found - expected).abs();
            let largest = 5.0 * error.max(expected * 0.125f64.sqrt()) + 1e-6 * highest;
            assert!(off <= largest, "{name}: {found} ± {error}, expected {expected}");
            inside += usize::from(off <= 2.0 * error + 1e-6 * highest);
            off_total += off;
            error_total += error;
        }
        assert!(
            inside * 10 >= found.grid.len() * 7,
            "{name}: {inside} of {} points within two errors",
            found.grid.len()
        );
        // The mean of |N(0, 1)| is 0.8; neighbors on the grid are no independent tests.
        assert!(off_total <= 1.6 * error_total, "{name}: off by {} error bars on average", off_total / error_total);
    }
}

/// k Lanczos steps integrate polynomials up to degree 2k − 1 exactly.
#[test]
fn quadratures_have_the_moments_of_their_probe() {
    let mut matrix = goe(80, 31);
    let (found, products) = quadratures(&mut matrix, 3, 10, &mut Streams::new(4).probes()).unwrap();
    assert_eq!(products, 30);
    for probe in &found {
        assert!((probe.weights.iter().sum::<f64>() - 1.0).abs() <= 1e-13);
        assert!(probe.weights.iter().all(|w| *w >= 0.0));
    }
    // The same with as many steps as the matrix has eigenvalues: all moments.
    let (all, _) = quadratures(&mut matrix, 3, 80, &mut Streams::new(4).probes()).unwrap();
    for (few, all) in found.iter().zip(&all) {
        for degree in 0..20 {
            let moment = |q: &gf_spectrum::Quadrature| -> f64 {
                q.nodes.iter().zip(&q.weights).map(|(x, w)| w * (x / 2.0).powi(degree)).sum()
            };
            assert!((moment(few) - moment(all)).abs() <= 1e-12, "degree {degree}");
        }
    }
}

#[test]
fn a_spectrum_of_one_value_is_a_single_bell() {
    let p = 30;
    let mut matrix = Dense { p, matrix: (0..p * p).map(|at| if at % (p + 1) == 0 { 2.0 } else { 0.0 }).collect() };
    let found = estimate(&mut matrix, 3);
    let (peak, _) =
        found.grid.iter().zip(&found.density).fold((0.0, 0.0), |a, (x, d)| if *d > a.1 { (*x, *d) } else { a });
    assert!((peak - 2.0).abs() <= found.broadening && (mass(&found) - 1.0).abs() <= 5e-3);
    assert_eq!(found.products, 16, "one product a probe finds the space invariant");
}
