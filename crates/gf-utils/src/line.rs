//! Straight lines by least squares.

use thiserror::Error;

/// Why no line was fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LineError {
    /// The two slices differ in length.
    #[error("line: {abscissas} abscissas but {ordinates} ordinates")]
    Length {
        /// Length of `x`.
        abscissas: usize,
        /// Length of `y`.
        ordinates: usize,
    },
    /// A line and its error need three points.
    #[error("line: expected at least 3 points, found {found}")]
    TooFew {
        /// Points given.
        found: usize,
    },
    /// A number is NaN or infinite.
    #[error("line: point {index} is not finite")]
    NotFinite {
        /// From 0.
        index: usize,
    },
    /// No slope can be told.
    #[error("line: all abscissas are equal")]
    Constant,
}

/// y ≈ intercept + slope·x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Per unit of x.
    pub slope: f64,
    /// At x = 0.
    pub intercept: f64,
    /// Standard error of the slope, for deviations that are independent and of one size: √(Σ r²/(n − 2)/Σ (x − x̄)²).
    pub slope_error: f64,
}

/// Fits a line by least squares: slope Σ (x − x̄)(y − ȳ)/Σ (x − x̄)². Of logarithms: exponential rates (ln y on x) and orders (ln y on ln x).
///
/// # Errors
/// [`LineError`].
///
/// ```
/// let line = gf_utils::line::fit_line(&[0.0, 1.0, 2.0], &[1.0, 3.0, 5.0])?;
/// assert_eq!((line.slope, line.intercept, line.slope_error), (2.0, 1.0, 0.0));
/// # Ok::<(), gf_utils::line::LineError>(())
/// ```
pub fn fit_line(x: &[f64], y: &[f64]) -> Result<Line, LineError> {
    if x.len() != y.len() {
        return Err(LineError::Length { abscissas: x.len(), ordinates: y.len() });
    }
    if x.len() < 3 {
        return Err(LineError::TooFew { found: x.len() });
    }
    if let Some(index) = x.iter().zip(y).position(|(x, y)| !(x.is_finite() && y.is_finite())) {
        return Err(LineError::NotFinite { index });
    }
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let spread: f64 = x.iter().map(|x| (x - mean_x) * (x - mean_x)).sum();
    if spread == 0.0 {
        return Err(LineError::Constant);
    }
    let slope = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    let left: f64 = x.iter().zip(y).map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2)).sum();
    let slope_error = (left / (n - 2.0) / spread).sqrt();
    Ok(Line { slope, intercept: mean_y - slope * mean_x, slope_error })
}
