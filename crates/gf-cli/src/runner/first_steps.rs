//! The first implicit step from many starts, under each policy for indefinite matrices.
//!
//! At each start: the lowest eigenvalue of the Hessian H (Lanczos on exact products), the number of eigenvalues below the pole −1/h
//! (inertia of H + I/h), and the eigenvalue nearest to the pole (Lanczos on the inverse of H + I/h, by its LBLᵀ).

use gf_core::{
    DenseHessian, FiniteDifference, HessianProduct, Objective, Streams, SymmetricOperator, Triangle, standard_normal,
    vector,
};
use gf_linalg::lanczos::{End, extreme_eigenvalue};
use gf_linalg::{FactorError, Factorization, ShiftedMatrix};
use gf_optim::control::Armijo;
use gf_optim::methods::{ImplicitSettings, OnIndefinite};
use gf_optim::registry::{AnyObjective, ControlSettings, LinearSolver, MethodSettings};
use gf_optim::{Budget, integrate};
use gf_utils::history::Evaluation;
use miette::Report;
use serde::{Deserialize, Serialize};

use super::NetworkEvaluator;
use crate::study::{FirstSteps, NetworkLoss, Problem, misuse};
use crate::summary::null_is_nan;

/// One start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FirstStep {
    /// The seed of data, split and start.
    pub seed: u64,
    /// Validation error (MAE, or 1 − accuracy) before the step.
    #[serde(with = "null_is_nan")]
    pub error_before: f64,
    /// Loss on the first batch before the step.
    #[serde(with = "null_is_nan")]
    pub loss_before: f64,
    /// The lowest eigenvalue of H on the first batch.
    pub lambda_min: f64,
    /// Its residual ‖Hv − λv‖.
    pub lambda_min_residual: f64,
    /// Eigenvalues of H below −1/h.
    pub below_pole: usize,
    /// The eigenvalue of H nearest to −1/h.
    pub nearest: f64,
    /// Its residual ‖Hv − λv‖, to first order.
    pub nearest_residual: f64,
    /// Its distance to the pole, |λ + 1/h|.
    pub pole_distance: f64,
    /// ‖D − Dᵀ‖/‖D‖ (Frobenius) of Hessians D by central differences of gradients, one per asked difference step; null for D = 0.
    pub asymmetry: Vec<Option<f64>>,
    /// What each policy led to.
    pub policies: Vec<PolicyOutcome>,
}

/// A policy's first step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyOutcome {
    /// The policy's name in a study.
    pub policy: String,
    /// Validation error after the step.
    #[serde(with = "null_is_nan")]
    pub error_after: f64,
    /// Loss on the first batch after the step.
    #[serde(with = "null_is_nan")]
    pub loss_after: f64,
    /// The step's length ‖δ‖.
    #[serde(with = "null_is_nan")]
    pub step_norm: f64,
    /// The step size used, in flow time; null without a step, and under a line search.
    pub step_size: Option<f64>,
    /// Events of the step.
    pub reason: String,
    /// Why no step was taken; empty if one was.
    pub failure: String,
}

/// The policies compared, with their names in a study, and whether a line search judges the step too.
const POLICIES: [(OnIndefinite, &str, bool); 5] = [
    (OnIndefinite::Accept, "accept", false),
    (OnIndefinite::Shrink, "shrink", false),
    (OnIndefinite::Absolute, "absolute", false),
    (OnIndefinite::GaussNewton, "gauss-newton", false),
    (OnIndefinite::Shrink, "line-search", true),
];

/// Computes one row of the table.
///
/// # Errors
/// Misuse, or an eigenvalue problem that did not converge.
pub(super) fn first_step(problem: &Problem, spec: &FirstSteps, seed: u64) -> Result<FirstStep, Report> {
    let data = problem.data(seed)?;
    let theta = problem.start(seed, None);
    let mut objective = problem.objective(&data.train, problem.batches(seed))?;
    objective.begin_step(1);
    let mut evaluator = NetworkEvaluator::new(problem, &data)?;
    let (is_classification, metrics) = (problem.network()?.is_classification(), problem.metric_names().len());
    let mut error = |theta: &[f64]| {
        let mut out = Evaluation { train_loss: 0.0, val_loss: 0.0, metrics: vec![0.0; metrics] };
        evaluator.evaluate(theta, &mut out);
        if is_classification { 1.0 - out.metrics[0] } else { out.metrics[0] }
    };
    let spectrum = Spectrum::compute(&mut objective, &theta, 1.0 / spec.h, seed)?;
    let mut policies = Vec::new();
    for policy in POLICIES {
        policies.push(policy_outcome(&mut objective, &theta, spec.h, policy, &mut error)?);
    }
    let (error_before, loss_before) = (error(&theta), objective.value(&theta).map_err(misuse)?);
    let asymmetry = spec
        .difference_steps
        .iter()
        .map(|epsilon| {
            let fresh = problem.objective(&data.train, problem.batches(seed))?;
            asymmetry_of_differences(fresh, &theta, *epsilon)
        })
        .collect::<Result<_, Report>>()?;
    let Spectrum { lambda_min, lambda_min_residual, below_pole, nearest, nearest_residual } = spectrum;
    Ok(FirstStep {
        seed,
        error_before,
        loss_before,
        lambda_min,
        lambda_min_residual,
        below_pole,
        nearest,
        nearest_residual,
        pole_distance: (nearest + 1.0 / spec.h).abs(),
        asymmetry,
        policies,
    })
}

fn policy_outcome(
    objective: &mut NetworkLoss,
    theta: &[f64],
    h: f64,
    (policy, name, line_search): (OnIndefinite, &str, bool),
    error: &mut dyn FnMut(&[f64]) -> f64,
) -> Result<PolicyOutcome, Report> {
    // Direct solvers, so that "positive definite" is proved and not only not contradicted; Cholesky where an indefinite matrix is rejected.
    let solver = if policy == OnIndefinite::Shrink { LinearSolver::Cholesky } else { LinearSolver::Lblt };
    let settings = MethodSettings::Implicit(ImplicitSettings { h, indefinite: policy, solver, ..Default::default() });
    let mut method = settings.build().map_err(misuse)?;
    let search = line_search.then(|| ControlSettings::Armijo(Armijo { factor: 0.5, ..Default::default() }));
    let mut control = settings.build_control(search.as_ref()).map_err(misuse)?;
    let mut watch = Watch::default();
    let outcome = integrate(
        &mut *objective as &mut AnyObjective,
        &mut *method,
        &mut *control,
        &mut [&mut watch],
        theta.to_vec(),
        &Budget::steps(1),
    )
    .map_err(misuse)?;
    objective.begin_step(1);
    let mut result = PolicyOutcome {
        policy: name.into(),
        error_after: f64::NAN,
        loss_after: f64::NAN,
        step_norm: f64::NAN,
        step_size: None,
        reason: watch.reason,
        failure: String::new(),
    };
    if outcome.steps == 0 {
        result.failure = outcome.stop.to_string();
    } else {
        result.error_after = error(&outcome.theta);
        result.loss_after = objective.value(&outcome.theta).map_err(misuse)?;
        (result.step_norm, result.step_size) = (watch.step_norm, watch.step_size);
    }
    Ok(result)
}

#[derive(Default)]
struct Watch {
    step_norm: f64,
    step_size: Option<f64>,
    reason: String,
}

impl gf_core::Observer for Watch {
    fn accepted(&mut self, record: &gf_core::StepRecord<'_>) {
        self.step_norm = record.step_norm;
        self.step_size = record.step_size;
        self.reason = record.events.iter().map(|event| event.name()).collect::<Vec<_>>().join("+");
    }
}

struct Spectrum {
    lambda_min: f64,
    lambda_min_residual: f64,
    below_pole: usize,
    nearest: f64,
    nearest_residual: f64,
}

/// Residuals of eigenvalues, relative to the largest one in modulus.
const TOLERANCE: f64 = 1e-9;
const MAX_PRODUCTS: usize = 400;

impl Spectrum {
    fn compute(objective: &mut NetworkLoss, theta: &[f64], shift: f64, seed: u64) -> Result<Self, Report> {
        let p = theta.len();
        let mut probes = Streams::new(seed).probes();
        let start: Vec<f64> = (0..p).map(|_| standard_normal(&mut probes)).collect();
        let mut products = objective.hessian_at(theta).map_err(misuse)?;
        let lowest = extreme_eigenvalue(&mut products, End::Lowest, &start, TOLERANCE, MAX_PRODUCTS).map_err(misuse)?;
        let mut matrix = ShiftedMatrix::new(p).map_err(misuse)?;
        objective.dense_hessian(theta, Triangle::Lower, matrix.fill()).map_err(misuse)?;
        // An eigenvalue exactly on the pole is found from beside it.
        match matrix.factorize(Factorization::Lblt, shift) {
            Err(FactorError::Singular) => matrix.factorize(Factorization::Lblt, shift * (1.0 + 1e-12)),
            other => other,
        }
        .map_err(misuse)?;
        let below_pole = matrix.inertia().negative;
        let mut inverse = Inverse(matrix);
        let dominant =
            extreme_eigenvalue(&mut inverse, End::Dominant, &start, TOLERANCE, MAX_PRODUCTS).map_err(misuse)?;
        Ok(Self {
            lambda_min: lowest.value,
            lambda_min_residual: lowest.residual,
            below_pole,
            nearest: 1.0 / dominant.value - shift,
            nearest_residual: dominant.residual / (dominant.value * dominant.value),
        })
    }
}

/// (H + shift·I)⁻¹ as an operator.
struct Inverse(ShiftedMatrix);

impl SymmetricOperator for Inverse {
    fn order(&self) -> usize {
        self.0.order()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        out.copy_from_slice(v);
        self.0.solve_in_place(out);
    }
}

fn asymmetry_of_differences(mut objective: NetworkLoss, theta: &[f64], epsilon: f64) -> Result<Option<f64>, Report> {
    objective.begin_step(1);
    let p = theta.len();
    let mut matrix = vec![0.0; p * p];
    FiniteDifference::new(objective, epsilon).raw_hessian(theta, &mut matrix).map_err(misuse)?;
    let mut skew = 0.0;
    for j in 0..p {
        for i in 0..j {
            skew += 2.0 * (matrix[i + j * p] - matrix[j + i * p]).powi(2);
        }
    }
    let size = vector::norm(&matrix);
    Ok((size > 0.0).then(|| skew.sqrt() / size))
}
