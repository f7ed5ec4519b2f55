//! Lines against SciPy's `linregress`.

#![allow(clippy::unwrap_used, reason = "tests")]

use gf_utils::line::{LineError, fit_line};

#[test]
fn slope_intercept_and_error_are_those_of_scipy() {
    // scipy.stats.linregress([0.5, 1, 2, 4, 8], [1.1, 0.4, -1.2, -2.0, -8.5])
    let line = fit_line(&[0.5, 1.0, 2.0, 4.0, 8.0], &[1.1, 0.4, -1.2, -2.0, -8.5]).unwrap();
    for (found, expected) in [
        (line.slope, -1.231989247311828),
        (line.intercept, 1.7791666666666668),
        (line.slope_error, 0.12664448007797152),
    ] {
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }
}

#[test]
fn what_is_no_line_is_named() {
    assert_eq!(fit_line(&[1.0], &[]), Err(LineError::Length { abscissas: 1, ordinates: 0 }));
    assert_eq!(fit_line(&[1.0, 2.0], &[1.0, 2.0]), Err(LineError::TooFew { found: 2 }));
    assert_eq!(fit_line(&[1.0; 3], &[1.0, 2.0, 3.0]), Err(LineError::Constant));
    assert_eq!(fit_line(&[1.0, 2.0, 3.0], &[1.0, f64::NAN, 3.0]), Err(LineError::NotFinite { index: 1 }));
}
