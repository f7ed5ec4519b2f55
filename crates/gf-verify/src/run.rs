//! Levenberg–Marquardt on every problem, against the bar.

use gf_core::Evaluations;
use gf_optim::least_squares::{Fit, LevenbergMarquardtSettings, fit, standard_deviations};
use serde::Serialize;

use crate::nist::{Level, Regression};
use crate::{Problem, digits, mgh, nist};

/// Certified digits that the bar asks for.
pub const REQUIRED_DIGITS: f64 = 6.0;

/// ‖r‖² at most this counts as the known minimum 0.
pub const ZERO: f64 = 1e-20;

/// The paper truncates known minima to six digits, so a unit of the sixth is at most 1e-5 of them; asked is half of that.
const SIX_DIGITS: f64 = 5e-6;

/// Whether the bar was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was.
    Reached,
    /// It was not, where it is asked for: start 2, and start 1 of problems of lower and average level; every function.
    Failed,
    /// It was not, where it is not asked for: start 1 of a problem of higher level.
    Missed,
}

impl Verdict {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Failed => "FAILED",
            Self::Missed => "missed",
        }
    }
}

/// One regression from one start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegressionResult {
    /// NIST's name.
    pub problem: String,
    /// NIST's level.
    pub level: Level,
    /// 1 (far) or 2 (near).
    pub start: usize,
    /// Certified digits of the worst parameter.
    pub digits: f64,
    /// Certified digits of the worst standard deviation.
    pub deviation_digits: f64,
    /// Certified digits of the residual sum of squares.
    pub residual_digits: f64,
    /// What it took.
    #[serde(flatten)]
    pub effort: Effort,
    /// Against [`REQUIRED_DIGITS`] of the parameters.
    pub verdict: Verdict,
}

/// One function from its standard start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunctionResult {
    /// Its number in the paper.
    pub number: usize,
    /// Its name.
    pub function: String,
    /// ‖r‖² found.
    pub found: f64,
    /// The known minimum nearest to it.
    pub known: f64,
    /// What it took.
    #[serde(flatten)]
    pub effort: Effort,
    /// Whether `found` is `known` to six digits, or at most [`ZERO`] where that is 0.
    pub verdict: Verdict,
}

/// What a fit took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effort {
    /// Accepted steps.
    pub iterations: u64,
    /// Evaluations of the residuals.
    pub residual_evaluations: u64,
    /// Evaluations of the Jacobian.
    pub jacobian_evaluations: u64,
    /// How it ended.
    pub ending: String,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// NIST's regressions, two starts each.
    pub regressions: Vec<RegressionResult>,
    /// Functions of Moré, Garbow and Hillstrom.
    pub functions: Vec<FunctionResult>,
    /// Whether nothing failed.
    pub passed: bool,
}

/// The names that [`run`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    nist::names().chain(mgh::FUNCTIONS.iter().map(|function| function.name))
}

/// Runs the problems whose name `wanted` accepts.
pub fn run(wanted: impl Fn(&str) -> bool) -> Report {
    let mut regressions = Vec::new();
    for regression in nist::regressions().filter(|regression| wanted(&regression.name)) {
        regressions.extend([1, 2].map(|start| certify(&regression, start)));
    }
    let functions: Vec<_> = mgh::FUNCTIONS.iter().filter(|function| wanted(function.name)).map(minimize).collect();
    let verdicts = regressions.iter().map(|result| result.verdict).chain(functions.iter().map(|result| result.verdict));
    let passed = verdicts.into_iter().all(|verdict| verdict != Verdict::Failed);
    Report { regressions, functions, passed }
}

fn certify(regression: &Regression, start: usize) -> RegressionResult {
    let (fit, effort) = solve(regression.objective(), &regression.starts[start - 1]);
    let deviations = standard_deviations(&mut regression.objective(), &fit.theta)
        .expect("a fit has as many parameters as its problem");
    let digits_reached = digits(&fit.theta, &regression.certified);
    let verdict = match digits_reached >= REQUIRED_DIGITS {
        true => Verdict::Reached,
        false if start == 1 && regression.level == Level::Higher => Verdict::Missed,
        false => Verdict::Failed,
    };
    RegressionResult {
        problem: regression.name.clone(),
        level: regression.level,
        start,
        digits: digits_reached,
        deviation_digits: digits(&deviations, &regression.deviations),
        residual_digits: digits(&[fit.residual_sum_of_squares], &[regression.residual_sum_of_squares]),
        effort,
        verdict,
    }
}

fn minimize(function: &mgh::Function) -> FunctionResult {
    let (fit, effort) = solve(function.objective(), function.start);
    let found = fit.residual_sum_of_squares;
    let distance = |known: &f64| (found - known).abs();
    let nearest = function.minima.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let known = *nearest.expect("every function has a known minimum");
    let reached = if known == 0.0 { found <= ZERO } else { distance(&known) <= SIX_DIGITS * known };
    FunctionResult {
        number: function.number,
        function: function.name.into(),
        found,
        known,
        effort,
        verdict: if reached { Verdict::Reached } else { Verdict::Failed },
    }
}

fn solve(mut objective: Problem, start: &[f64]) -> (Fit, Effort) {
    let fit = fit(&mut objective, start, &LevenbergMarquardtSettings::default())
        .expect("starts are finite and as long as the problem has parameters");
    let Evaluations { residuals, jacobians } = objective.evaluations();
    let effort = Effort {
        iterations: fit.iterations,
        residual_evaluations: residuals,
        jacobian_evaluations: jacobians,
        ending: fit.ending.to_string(),
    };
    (fit, effort)
}
