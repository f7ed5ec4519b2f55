//! Exponents of synthetic curves whose law is known.

use gf_core::{Streams, standard_normal};
use gf_utils::power_law::{FitError, Offset, PowerLaw, fit_power_law};

fn steps() -> Vec<f64> {
    (10..460).map(f64::from).collect()
}

fn curve(a: f64, exponent: f64, c: f64) -> Vec<f64> {
    steps().iter().map(|k| c + a * k.powf(exponent)).collect()
}

fn fit(v: &[f64], offset: Offset) -> PowerLaw {
    fit_power_law(&steps(), v, offset).expect("points of a law")
}

#[test]
fn exponents_without_noise() {
    for exponent in [-2.0, -1.0, -0.5, 0.5] {
        // In units of the curve's own size at the first step: from none to one that hides most of the curve.
        for share in [0.0, 0.01, 5.0] {
            let a = 3.0;
            let c = share * a * 10f64.powf(exponent);
            let law = fit(&curve(a, exponent, c), Offset::Scan);
            assert!((law.exponent - exponent).abs() < 0.01, "{exponent} {share}: {law:?}");
            assert!((law.offset - c).abs() < 0.01 * c + 1e-12, "{exponent} {share}: {law:?}");
            assert!((law.amplitude / a - 1.0).abs() < 0.05, "{exponent} {share}: {law:?}");
            assert!(law.r2 > 1.0 - 1e-6 && law.interval[1] - law.interval[0] < 0.01, "{law:?}");
        }
    }
}

#[test]
fn a_fixed_offset_is_kept() {
    let v = curve(2.0, -1.0, 0.25);
    let right = fit(&v, Offset::Fixed(0.25));
    // Only rounding is left.
    assert!((right.exponent + 1.0).abs() < 1e-10 && right.offset == 0.25, "{right:?}");
    let none = fit(&v, Offset::Fixed(0.0));
    assert!(none.exponent > -0.5 && none.offset == 0.0, "the offset flattens the curve: {none:?}");
}

/// v = a·k^b·exp(r), r autoregressive with correlation `rho` and standard deviation 0.2.
fn noisy(seed: u64, rho: f64) -> Vec<f64> {
    let mut rng = Streams::new(seed).data();
    let mut r = 0.2 * standard_normal(&mut rng);
    let noise: f64 = 0.2 * (1.0 - rho * rho).sqrt();
    let clean = curve(3.0, -1.0, 0.0);
    clean
        .into_iter()
        .map(|v| {
            let now = v * r.exp();
            r = rho * r + noise * standard_normal(&mut rng);
            now
        })
        .collect()
}

#[test]
fn intervals_cover_the_truth_about_as_often_as_they_say() {
    // 40 curves each. A 95 % interval that is right misses 5 or fewer of 40 with probability 0.986. Blocks cannot see correlations
    // longer than themselves, so 0.9 may miss a few more; the textbook interval would miss about 26 there.
    for (rho, most) in [(0.0, 5), (0.5, 5), (0.9, 8)] {
        let missed = (0..40)
            .filter(|&seed| {
                let [low, high] = fit(&noisy(seed, rho), Offset::Fixed(0.0)).interval;
                !(low <= -1.0 && -1.0 <= high)
            })
            .count();
        assert!(missed <= most, "correlation {rho}: {missed} of 40 missed");
    }
}

#[test]
fn a_scanned_offset_neither_biases_the_exponent_nor_fools_the_interval() {
    // The offset is larger than what is left of the law at the end. A right interval misses 4 or fewer of 20 with probability 0.997.
    let fits: Vec<PowerLaw> = (0..20)
        .map(|seed| {
            let v: Vec<f64> = noisy(seed, 0.5).iter().map(|v| v + 0.01).collect();
            fit(&v, Offset::Scan)
        })
        .collect();
    let missed = fits.iter().filter(|law| !(law.interval[0] <= -1.0 && -1.0 <= law.interval[1])).count();
    assert!(missed <= 4, "{missed} of 20 missed");
    // One exponent scatters by about 0.05 (a quarter of its interval), the mean of 20 by 0.012: three of those.
    let mean = fits.iter().map(|law| law.exponent).sum::<f64>() / 20.0;
    assert!((mean + 1.0).abs() < 0.036, "{mean}");
}

#[test]
fn autocorrelated_residuals_lengthen_blocks_and_intervals() {
    let [white, red] = [0.0, 0.9].map(|rho| fit(&noisy(1, rho), Offset::Fixed(0.0)));
    assert!(white.block <= 4 && red.block >= 15, "{} {}", white.block, red.block);
    let width = |law: &PowerLaw| law.interval[1] - law.interval[0];
    assert!(width(&red) > 2.0 * width(&white), "{white:?} {red:?}");
}

#[test]
fn the_same_points_give_the_same_bits() {
    let v = noisy(3, 0.5);
    assert_eq!(fit(&v, Offset::Scan), fit(&v, Offset::Scan));
}

#[test]
fn what_cannot_be_fitted_says_why() {
    let k = [1.0, 2.0, 3.0, 4.0, 5.0];
    let v = [5.0, 4.0, 3.0, 2.0, 1.0];
    let nan = [5.0, 4.0, f64::NAN, 2.0, 1.0];
    let cases: [(&[f64], &[f64], Offset, &str); 8] = [
        (&k, &v[..4], Offset::Scan, "power law: 5 steps but 4 values"),
        (&k[..4], &v[..4], Offset::Scan, "power law: expected at least 5 points, found 4"),
        (
            &[0.0, 1.0, 2.0, 3.0, 4.0],
            &v,
            Offset::Scan,
            "power law: point 0 is (k = 0, v = 5); expected k > 0 and v > c, finite",
        ),
        (&k, &nan, Offset::Scan, "power law: point 2 is (k = 3, v = NaN); expected k > 0 and v > c, finite"),
        (&k, &v, Offset::Fixed(1.0), "power law: point 4 is (k = 5, v = 1); expected k > 0 and v > c, finite"),
        (&k, &v, Offset::Fixed(f64::NAN), "power law: point 0 is (k = 1, v = 5); expected k > 0 and v > c, finite"),
        (&[2.0; 5], &v, Offset::Scan, "power law: all steps are equal"),
        (&k, &[2.0; 5], Offset::Scan, "power law: all values are equal"),
    ];
    for (k, v, offset, message) in cases {
        let error: FitError = fit_power_law(k, v, offset).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}
