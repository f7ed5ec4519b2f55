//! Standard deviations of fitted parameters.

use gf_core::{EvalError, LeastSquares, vector};
use gf_linalg::PivotedQr;

/// The standard deviations of the parameters of a fit, n numbers in the units of θ: the usual linear theory at a minimum.
///
/// **Formula**: $σ_j = s \sqrt{[(JᵀJ)^{-1}]_{jj}}$ with $s² = ‖r‖²/(m − n)$, from the rows of $R^{-1}$ where J·P = Q·R. Infinite where J has not the rank n, NaN
/// where m = n.
/// **Cost**: residuals, a Jacobian, its QR, n³/3 flops.
/// **Reference**: D. M. Bates, D. G. Watts, *Nonlinear Regression Analysis and Its Applications*, section 2.3.
///
/// # Errors
/// [`EvalError`] for a θ of the wrong length.
pub fn standard_deviations<O: LeastSquares + ?Sized>(objective: &mut O, theta: &[f64]) -> Result<Vec<f64>, EvalError> {
    let (m, n) = (objective.residual_count(), theta.len());
    let mut residuals = vec![0.0; m];
    let mut qr = PivotedQr::new(m, n);
    objective.residuals(theta, &mut residuals)?;
    objective.jacobian(theta, qr.fill())?;
    qr.factorize();
    let mut r = vec![0.0; n * n];
    qr.upper_triangle(&mut r);
    // Column j of R⁻¹ by back substitution; its squares are added to the rows.
    let mut squares = vec![0.0; n];
    let mut column = vec![0.0; n];
    for j in 0..n {
        column.fill(0.0);
        column[j] = 1.0;
        for k in (0..=j).rev() {
            column[k] /= r[k * n + k];
            let x = column[k];
            vector::add_scaled(&mut column[..k], -x, &r[k * n..k * n + k]);
            squares[k] += x * x;
        }
    }
    let deviation = (vector::dot(&residuals, &residuals) / (m as f64 - n as f64)).sqrt();
    let mut deviations = vec![0.0; n];
    for (square, &j) in squares.iter().zip(qr.order()) {
        deviations[j] = if square.is_nan() { f64::INFINITY } else { deviation * square.sqrt() };
    }
    Ok(deviations)
}
