//! Derivative checks by the slope of Taylor remainders.
//!
//! A derivative is right when the remainder of the Taylor expansion that uses it shrinks with the next power of the step:
//! |L(θ+tv) − L(θ) − t·gᵀv| = O(t²), |L(θ+tv) − L(θ) − t·gᵀv − ½t²·vᵀHv| = O(t³), ‖∇L(θ+tv) − g − t·Hv‖ = O(t²) and ‖H(θ+tu)v − Hv − t·∇(uᵀHv)‖ = O(t²). A wrong derivative leaves the slope one lower.

use crate::{EvalError, HessianProduct, LeastSquares, Objective, SymmetricOperator, ThirdDerivative, vector};

/// The remainders over a range of steps and the slope fitted on log–log axes.
#[derive(Debug, Clone, PartialEq)]
pub struct TaylorCheck {
    /// Steps t, decreasing.
    pub steps: Vec<f64>,
    /// Remainder at each step.
    pub remainders: Vec<f64>,
    /// Remainders below this are rounding (set from the sizes of the terms).
    pub rounding: f64,
    /// The slope of a right derivative: one more than the order of the expansion.
    pub expected: f64,
}

impl TaylorCheck {
    /// Median slope of the last three pairs of neighboring steps whose remainders are above rounding; none when there are fewer
    /// (the function is then linear along v as far as double precision shows, and the derivative agrees).
    pub fn slope(&self) -> Option<f64> {
        let slopes = self
            .steps
            .windows(2)
            .zip(self.remainders.windows(2))
            .filter(|(_, r)| r[0] > self.rounding && r[1] > self.rounding)
            .map(|(t, r)| (r[0] / r[1]).ln() / (t[0] / t[1]).ln());
        let mut last: Vec<f64> = slopes.rev().take(3).collect();
        last.sort_by(f64::total_cmp);
        (last.len() == 3).then(|| last[1])
    }

    /// Whether the derivative is right: slope within 0.1 of the expected one (or higher, where the next term vanishes too), or no remainder
    /// at all.
    pub fn passes(&self) -> bool {
        self.slope().is_none_or(|slope| slope > self.expected - 0.1) && self.remainders.iter().all(|r| r.is_finite())
    }
}

/// The steps tried: 10⁻¹ … 10⁻⁴, four a decade.
fn steps() -> Vec<f64> {
    (4..=16).map(|k| 10f64.powf(-0.25 * f64::from(k))).collect()
}

/// Checks the gradient at `theta` along `direction` v, p numbers each, against values: |L(θ+tv) − L(θ) − t·∇Lᵀv| = O(t²).
///
/// # Errors
/// [`EvalError`] of the objective.
pub fn check_gradient<O: Objective + ?Sized>(
    objective: &mut O,
    theta: &[f64],
    direction: &[f64],
) -> Result<TaylorCheck, EvalError> {
    let mut gradient = vec![0.0; theta.len()];
    let value = objective.value_and_gradient(theta, &mut gradient)?;
    let slope = vector::dot(&gradient, direction);
    let steps = steps();
    let mut remainders = Vec::with_capacity(steps.len());
    for &t in &steps {
        remainders.push((objective.value(&moved(theta, t, direction))? - value - t * slope).abs());
    }
    Ok(TaylorCheck { steps, remainders, rounding: 1e-13 * (value.abs() + slope.abs() + 1e-3), expected: 2.0 })
}

/// Checks gradient and Hessian at `theta` along `direction` v, p numbers each, against values alone: |L(θ+tv) − L(θ) − t·gᵀv − ½t²·vᵀHv| = O(t³). A wrong gradient
/// leaves slope 1, a wrong Hessian slope 2.
///
/// # Errors
/// [`EvalError`] of the objective.
pub fn check_hessian<O: HessianProduct + ?Sized>(
    objective: &mut O,
    theta: &[f64],
    direction: &[f64],
) -> Result<TaylorCheck, EvalError> {
    let (mut gradient, mut product) = (vec![0.0; theta.len()], vec![0.0; theta.len()]);
    let value = objective.value_and_gradient(theta, &mut gradient)?;
    objective.hessian_at(theta)?.apply(direction, &mut product);
    let (slope, curvature) = (vector::dot(&gradient, direction), vector::dot(&product, direction));
    let steps = steps();
    let mut remainders = Vec::with_capacity(steps.len());
    for &t in &steps {
        let expansion = t * slope + 0.5 * t * t * curvature;
        remainders.push((objective.value(&moved(theta, t, direction))? - value - expansion).abs());
    }
    Ok(TaylorCheck { steps, remainders, rounding: 1e-13 * (value.abs() + slope.abs() + 1e-3), expected: 3.0 })
}

/// gᵀv beside the central difference (L(θ+εv) − L(θ−εv))/2ε: the plain check, whose error is O(ε²) and rounding over ε.
///
/// # Errors
/// [`EvalError`] of the objective.
pub fn central_difference<O: Objective + ?Sized>(
    objective: &mut O,
    theta: &[f64],
    direction: &[f64],
    epsilon: f64,
) -> Result<[f64; 2], EvalError> {
    let mut gradient = vec![0.0; theta.len()];
    objective.value_and_gradient(theta, &mut gradient)?;
    let ahead = objective.value(&moved(theta, epsilon, direction))?;
    let behind = objective.value(&moved(theta, -epsilon, direction))?;
    Ok([vector::dot(&gradient, direction), (ahead - behind) / (2.0 * epsilon)])
}

/// Checks the Hessian product at `theta` along `direction` v, p numbers each, against gradients: ‖∇L(θ+tv) − ∇L(θ) − t·Hv‖ = O(t²).
///
/// # Errors
/// [`EvalError`] of the objective.
pub fn check_hessian_product<O: HessianProduct + ?Sized>(
    objective: &mut O,
    theta: &[f64],
    direction: &[f64],
) -> Result<TaylorCheck, EvalError> {
    let p = theta.len();
    let (mut gradient, mut product, mut other) = (vec![0.0; p], vec![0.0; p], vec![0.0; p]);
    objective.value_and_gradient(theta, &mut gradient)?;
    objective.hessian_at(theta)?.apply(direction, &mut product);
    let steps = steps();
    let mut remainders = Vec::with_capacity(steps.len());
    for &t in &steps {
        objective.value_and_gradient(&moved(theta, t, direction), &mut other)?;
        for i in 0..p {
            other[i] -= gradient[i] + t * product[i];
        }
        remainders.push(vector::norm(&other));
    }
    let rounding = 1e-13 * (vector::norm(&gradient) + vector::norm(&product) + 1e-3);
    Ok(TaylorCheck { steps, remainders, rounding, expected: 2.0 })
}

/// Checks the third derivative at `theta`, contracted with `u` and `v` (p numbers each), against Hessian products with v along u:
/// ‖H(θ+tu)v − H(θ)v − t·∇(uᵀHv)‖ = O(t²).
///
/// # Errors
/// [`EvalError`] of the objective.
pub fn check_curvature_gradient<O: HessianProduct + ThirdDerivative + ?Sized>(
    objective: &mut O,
    theta: &[f64],
    u: &[f64],
    v: &[f64],
) -> Result<TaylorCheck, EvalError> {
    let p = theta.len();
    let (mut product, mut third, mut other) = (vec![0.0; p], vec![0.0; p], vec![0.0; p]);
    objective.hessian_at(theta)?.apply(v, &mut product);
    objective.curvature_gradient(theta, u, v, &mut third)?;
    let steps = steps();
    let mut remainders = Vec::with_capacity(steps.len());
    for &t in &steps {
        objective.hessian_at(&moved(theta, t, u))?.apply(v, &mut other);
        for i in 0..p {
            other[i] -= product[i] + t * third[i];
        }
        remainders.push(vector::norm(&other));
    }
    let rounding = 1e-13 * (vector::norm(&product) + vector::norm(&third) + 1e-3);
    Ok(TaylorCheck { steps, remainders, rounding, expected: 2.0 })
}

/// Checks the Jacobian at `theta` along `direction` v, p numbers each, against residuals: ‖r(θ+tv) − r(θ) − t·Jv‖ = O(t²).
///
/// # Errors
/// [`EvalError`] of the objective.
pub fn check_jacobian<O: LeastSquares + ?Sized>(
    objective: &mut O,
    theta: &[f64],
    direction: &[f64],
) -> Result<TaylorCheck, EvalError> {
    let m = objective.residual_count();
    let (mut residuals, mut other, mut slope) = (vec![0.0; m], vec![0.0; m], vec![0.0; m]);
    let mut jacobian = vec![0.0; m * theta.len()];
    objective.residuals(theta, &mut residuals)?;
    objective.jacobian(theta, &mut jacobian)?;
    for (v, column) in direction.iter().zip(jacobian.chunks_exact(m.max(1))) {
        vector::add_scaled(&mut slope, *v, column);
    }
    let steps = steps();
    let mut remainders = Vec::with_capacity(steps.len());
    for &t in &steps {
        objective.residuals(&moved(theta, t, direction), &mut other)?;
        for i in 0..m {
            other[i] -= residuals[i] + t * slope[i];
        }
        remainders.push(vector::norm(&other));
    }
    let rounding = 1e-13 * (vector::norm(&residuals) + vector::norm(&slope) + 1e-3);
    Ok(TaylorCheck { steps, remainders, rounding, expected: 2.0 })
}

fn moved(theta: &[f64], t: f64, direction: &[f64]) -> Vec<f64> {
    theta.iter().zip(direction).map(|(x, v)| x + t * v).collect()
}
