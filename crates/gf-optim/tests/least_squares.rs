//! Levenberg–Marquardt against the conditions that define its step, closed forms, and the promises of a discretization.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

use gf_core::{
    Counted, GaussNewton, LeastSquares, LeastSquaresFunction, Objective, Observer, StepRecord, SymmetricOperator,
    Triangle, vector,
};
use gf_optim::least_squares::{
    Convergence, Ending, LevenbergMarquardt, LevenbergMarquardtSettings, RadiusFactor, fit, standard_deviations,
};
use gf_optim::{Budget, Discretization, EventLog, Point, RunError, Start, StepController, integrate};
use gf_testing::{CountingAllocator, fewest_allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

type Call = fn(&[f64], &mut [f64]);
type Function = LeastSquaresFunction<Call, Call>;

/// y = θ₁ exp(−θ₂t) on five points, with errors.
fn decay() -> Function {
    const Y: [f64; 5] = [2.0, 1.1, 0.7, 0.4, 0.2];
    let residuals: Call = |b, r| (0..5).for_each(|i| r[i] = b[0] * (-b[1] * i as f64).exp() - Y[i]);
    let jacobian: Call = |b, j| {
        for i in 0..5 {
            j[i] = (-b[1] * i as f64).exp();
            j[i + 5] = -(i as f64) * b[0] * j[i];
        }
    };
    LeastSquaresFunction::new("decay", 5, 2, residuals, jacobian)
}

/// A line through (0, 1), (1, 3), (2, 4), (3, 4): by hand 1.5 + t, ‖r‖² = 1.
fn line() -> Function {
    let residuals: Call = |b, r| (0..4).for_each(|i| r[i] = b[0] + b[1] * i as f64 - [1.0, 3.0, 4.0, 4.0][i]);
    let jacobian: Call = |_, j| j.copy_from_slice(&[1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 2.0, 3.0]);
    LeastSquaresFunction::new("line", 4, 2, residuals, jacobian)
}

#[test]
fn a_line_is_fitted_as_by_hand() {
    let mut line = line();
    let fit = fit(&mut line, &[0.0, 0.0], &LevenbergMarquardtSettings::default()).unwrap();
    assert!(fit.converged() && fit.iterations <= 3, "{fit:?}");
    assert!((fit.theta[0] - 1.5).abs() < 1e-14 && (fit.theta[1] - 1.0).abs() < 1e-14);
    assert!((fit.residual_sum_of_squares - 1.0).abs() < 1e-14);
    // s² = 1/2; (JᵀJ)⁻¹ = [14 −6; −6 4]/20.
    let deviations = standard_deviations(&mut line, &fit.theta).unwrap();
    assert!((deviations[0] - (0.5f64 * 0.7).sqrt()).abs() < 1e-14);
    assert!((deviations[1] - (0.5f64 * 0.2).sqrt()).abs() < 1e-14);
}

/// The method's proposal of size `h` at `theta`, with its predicted decrease.
fn proposal(objective: &mut Function, theta: &[f64], h: f64) -> (Vec<f64>, f64) {
    let settings = LevenbergMarquardtSettings { first_radius: 1.0, ..Default::default() };
    let mut method = LevenbergMarquardt::new(settings);
    Discretization::<Function>::init(&mut method, theta.len()).unwrap();
    let mut gradient = vec![0.0; theta.len()];
    let loss = objective.value_and_gradient(theta, &mut gradient).unwrap();
    let at = Point { theta, loss, gradient: &gradient, step: 1 };
    let mut counted = Counted::new(objective);
    method.linearize(&mut counted, at).unwrap();
    let mut delta = vec![0.0; theta.len()];
    let mut events = EventLog::default();
    // One of another size before it leaves no trace.
    method.propose(&mut counted, at, 0.3 * h, &mut delta, &mut events).unwrap();
    method.propose(&mut counted, at, h, &mut delta, &mut events).unwrap();
    (delta, Discretization::<Function>::predicted_decrease(&method).unwrap())
}

#[test]
fn steps_satisfy_the_conditions_of_a_trust_region() {
    let theta = [3.0, 0.1];
    let mut objective = decay();
    let (mut r, mut j) = ([0.0; 5], [0.0; 10]);
    objective.residuals(&theta, &mut r).unwrap();
    objective.jacobian(&theta, &mut j).unwrap();
    let scale = [vector::norm(&j[..5]), vector::norm(&j[5..])];
    let size = (scale[0] * theta[0]).hypot(scale[1] * theta[1]);
    let mut damped = 0;
    for h in [1e-6, 1e-3, 0.1, 0.3, 1.0, 100.0] {
        let (delta, predicted) = proposal(&mut objective, &theta, h);
        let length = (scale[0] * delta[0]).hypot(scale[1] * delta[1]);
        assert!(length <= 1.1 * h * size, "{h}: {length:e}");
        let model: Vec<f64> = (0..5).map(|i| r[i] + j[i] * delta[0] + j[i + 5] * delta[1]).collect();
        let decrease = 0.5 * vector::dot(&r, &r) - 0.5 * vector::dot(&model, &model);
        // The difference on the right cancels; predicted does not.
        assert!((predicted - decrease).abs() <= 1e-14 * vector::dot(&r, &r), "{h}: {predicted:e}, {decrease:e}");
        // Jᵀ(r + Jδ) = −λD²δ with λ ≥ 0, and λ = 0 unless the step ends on the boundary.
        let multipliers = [0, 1].map(|k| -vector::dot(&j[5 * k..5 * k + 5], &model) / (scale[k] * scale[k] * delta[k]));
        if length < 0.9 * h * size {
            assert!(multipliers.iter().all(|x| x.abs() < 1e-12), "{h}: {multipliers:?}");
        } else {
            damped += 1;
            assert!(multipliers[0] > 0.0);
            assert!((multipliers[0] - multipliers[1]).abs() <= 1e-9 * multipliers[0], "{h}: {multipliers:?}");
        }
    }
    assert!((2..6).contains(&damped), "both cases occur");
}

/// θ after every step.
#[derive(Default)]
struct Path(Vec<Vec<f64>>);

impl Observer for Path {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.0.push(record.theta.to_vec());
    }
}

fn path(objective: &mut impl LeastSquares, start: &[f64], steps: u64) -> Vec<Vec<f64>> {
    let (mut path, mut method) = (Path::default(), LevenbergMarquardt::new(Default::default()));
    let mut control = RadiusFactor::default();
    integrate(objective, &mut method, &mut control, &mut [&mut path], start.to_vec(), &Budget::steps(steps)).unwrap();
    path.0
}

#[test]
fn convergence_is_quadratic_where_the_residuals_vanish() {
    // r = (θ² − 2, θ − √2) = J·e − ½r''e² with e = θ − √2, so a Gauss–Newton step leaves ½e²·Jᵀr''/JᵀJ = e²·2√2/9.
    let mut root = LeastSquaresFunction::new(
        "root",
        2,
        1,
        |b: &[f64], r: &mut [f64]| (r[0], r[1]) = (b[0] * b[0] - 2.0, b[0] - 2f64.sqrt()),
        |b: &[f64], j: &mut [f64]| (j[0], j[1]) = (2.0 * b[0], 1.0),
    );
    let errors: Vec<f64> = path(&mut root, &[1.6], 6).iter().map(|theta| theta[0] - 2f64.sqrt()).collect();
    let rates: Vec<f64> = errors.windows(2).filter(|e| e[1].abs() > 1e-12).map(|e| e[1] / (e[0] * e[0])).collect();
    assert!(rates.len() >= 3, "{errors:?}");
    let last = rates[rates.len() - 1];
    // The next term is e times a number of order 1, with e about 1e-3 there; rounding over e² adds 1e-10.
    assert!((last - 2.0 * 2f64.sqrt() / 9.0).abs() < 3e-3, "{rates:?}");
}

#[test]
fn convergence_is_linear_at_the_published_rate_where_they_do_not() {
    // r = (θ + 1, aθ² + θ − 1), for a < 1 with a minimum at 0, close to which Gauss–Newton steps multiply θ by a.
    // R. Fletcher, *Practical Methods of Optimization*, section 6.1.
    let problem = |a: f64| {
        LeastSquaresFunction::new(
            "Fletcher",
            2,
            1,
            move |b: &[f64], r: &mut [f64]| (r[0], r[1]) = (b[0] + 1.0, a * b[0] * b[0] + b[0] - 1.0),
            move |b: &[f64], j: &mut [f64]| (j[0], j[1]) = (1.0, 2.0 * a * b[0] + 1.0),
        )
    };
    let theta = path(&mut problem(0.5), &[0.1], 16);
    let rate = theta[16][0] / theta[15][0];
    assert!((rate - 0.5).abs() < 1e-4, "{rate}");
    // Where Gauss–Newton steps diverge, the radius brings them back.
    let fit = fit(&mut problem(-2.0), &[0.1], &LevenbergMarquardtSettings::default()).unwrap();
    // L − L(0) = 3θ² drowns in the rounding of L = 1 below θ = 1e-8.
    assert!(fit.converged() && fit.theta[0].abs() < 1e-7, "{fit:?}");
}

#[test]
fn units_of_the_parameters_do_not_matter() {
    let plain = fit(&mut decay(), &[1.0, 0.1], &LevenbergMarquardtSettings::default()).unwrap();
    // θ₁ in units of 1e-9, θ₂ in units of 1e6.
    let residuals = |b: &[f64], r: &mut [f64]| decay().residuals(&[1e-9 * b[0], 1e6 * b[1]], r).unwrap();
    let jacobian = |b: &[f64], j: &mut [f64]| {
        decay().jacobian(&[1e-9 * b[0], 1e6 * b[1]], j).unwrap();
        j[..5].iter_mut().for_each(|x| *x *= 1e-9);
        j[5..].iter_mut().for_each(|x| *x *= 1e6);
    };
    let mut other = LeastSquaresFunction::new("other units", 5, 2, residuals, jacobian);
    let fit = fit(&mut other, &[1e9, 1e-7], &LevenbergMarquardtSettings::default()).unwrap();
    assert!(plain.converged() && fit.converged());
    for (k, unit) in [1e-9, 1e6].into_iter().enumerate() {
        assert!((unit * fit.theta[k] - plain.theta[k]).abs() < 1e-9 * plain.theta[k].abs(), "{fit:?}, {plain:?}");
    }
}

#[test]
fn dependent_parameters_are_no_failure() {
    // Only θ₁ + θ₂ matters, and θ₃ does not.
    let mut sum = LeastSquaresFunction::new(
        "sum",
        3,
        3,
        |b: &[f64], r: &mut [f64]| (0..3).for_each(|i| r[i] = (b[0] + b[1]).powi(i as i32 + 1) - 1.0),
        |b: &[f64], j: &mut [f64]| {
            for i in 0..3 {
                let slope = (i + 1) as f64 * (b[0] + b[1]).powi(i as i32);
                (j[i], j[i + 3], j[i + 6]) = (slope, slope, 0.0);
            }
        },
    );
    let fit = fit(&mut sum, &[2.0, 1.0, 5.0], &LevenbergMarquardtSettings::default()).unwrap();
    assert!(fit.converged() && (fit.theta[0] + fit.theta[1] - 1.0).abs() < 1e-15, "{fit:?}");
    assert_eq!(fit.theta[2], 5.0);
    assert!(standard_deviations(&mut sum, &fit.theta).unwrap().iter().any(|x| x.is_infinite()));
}

#[test]
fn endings_are_named_and_misuse_is_an_error() {
    let settings = LevenbergMarquardtSettings::default();
    assert!(matches!(fit(&mut line(), &[f64::NAN, 0.0], &settings), Err(RunError::Start { index: 0, .. })));
    assert!(matches!(fit(&mut line(), &[0.0], &settings), Err(RunError::Evaluation(_))));
    // exp(1000·4) overflows at the start.
    let diverged = fit(&mut decay(), &[1.0, -1000.0], &settings).unwrap();
    assert!(matches!(diverged.ending, Ending::Diverged(_)), "{diverged:?}");
    let short = LevenbergMarquardtSettings { max_iterations: 2, ..settings };
    let stopped = fit(&mut decay(), &[1.0, 0.1], &short).unwrap();
    assert_eq!((stopped.ending, stopped.iterations), (Ending::Iterations, 2));
    let loose = LevenbergMarquardtSettings { orthogonality_tolerance: 1e-3, ..settings };
    let early = fit(&mut decay(), &[1.0, 0.1], &loose).unwrap();
    assert_eq!(early.ending, Ending::Converged(Convergence::Orthogonality));
    assert!(early.iterations < fit(&mut decay(), &[1.0, 0.1], &settings).unwrap().iterations);
    let wrong = LevenbergMarquardtSettings { first_radius: -1.0, ..settings };
    assert!(wrong.validate().unwrap_err().to_string().contains("levenberg-marquardt.first_radius"));
}

#[test]
fn a_resumed_run_takes_the_same_steps_bit_for_bit() {
    let run = |start: Start, steps: u64, method: &mut LevenbergMarquardt, control: &mut RadiusFactor| {
        integrate(&mut decay(), method, control, &mut [], start, &Budget::steps(steps)).unwrap()
    };
    let fresh = || (LevenbergMarquardt::new(Default::default()), RadiusFactor::default());
    let (mut method, mut control) = fresh();
    let whole = run(vec![0.2, 2.0].into(), 6, &mut method, &mut control);
    let (mut method, mut control) = fresh();
    let first = run(vec![0.2, 2.0].into(), 3, &mut method, &mut control);
    let saved = Start {
        theta: first.theta,
        step: 3,
        method: Discretization::<Function>::state(&mut method).into_iter().map(|part| part.to_vec()).collect(),
        control: control.state().into_iter().map(|number| *number).collect(),
        ..Start::default()
    };
    let (mut method, mut control) = fresh();
    let second = run(saved, 6, &mut method, &mut control);
    assert_eq!(whole.theta, second.theta);
    assert!(whole.steps == 6 && second.steps == 6);
}

#[test]
fn nothing_is_allocated_after_the_first_point() {
    let mut objective = decay();
    let theta = [3.0, 0.1];
    let mut gradient = [0.0; 2];
    let loss = objective.value_and_gradient(&theta, &mut gradient).unwrap();
    let at = Point { theta: &theta, loss, gradient: &gradient, step: 1 };
    let mut method = LevenbergMarquardt::new(Default::default());
    Discretization::<Function>::init(&mut method, 2).unwrap();
    let mut counted = Counted::new(&mut objective);
    method.linearize(&mut counted, at).unwrap();
    let (mut delta, mut events) = ([0.0; 2], EventLog::default());
    let count = fewest_allocations(|| {
        method.linearize(&mut counted, at).unwrap();
        for h in [1.0, 1e-3] {
            method.propose(&mut counted, at, h, &mut delta, &mut events).unwrap();
        }
    });
    assert_eq!(count, 0);
    // Four times linearized, each residuals, a Jacobian and a factorization.
    let work = counted.work();
    assert_eq!((work.values, work.matrices, work.factorizations), (4, 4, 4));
    // The objective itself was asked once: it remembers the point.
    let evaluations = objective.evaluations();
    assert_eq!((evaluations.residuals, evaluations.jacobians), (1, 1));
}

#[test]
fn the_gauss_newton_matrix_is_that_of_the_jacobian() {
    let mut objective = decay();
    let theta = [3.0, 0.1];
    let mut j = [0.0; 10];
    objective.jacobian(&theta, &mut j).unwrap();
    let (mut dense, mut product) = ([0.0; 4], [0.0; 2]);
    objective.dense_gauss_newton(&theta, Triangle::Both, &mut dense).unwrap();
    for (k, entry) in dense.iter().enumerate() {
        assert_eq!(*entry, vector::dot(&j[5 * (k % 2)..5 * (k % 2) + 5], &j[5 * (k / 2)..5 * (k / 2) + 5]));
    }
    objective.gauss_newton_at(&theta).unwrap().apply(&[1.0, -2.0], &mut product);
    for i in 0..2 {
        assert!((product[i] - (dense[i] - 2.0 * dense[i + 2])).abs() < 1e-13);
    }
}
