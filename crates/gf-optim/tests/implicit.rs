//! The implicit family: steps by hand, work, the pole, stages that cannot be solved, stiffness, controlled steps.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use gf_core::problems::{Himmelblau, Quadratic, Quartic};
use gf_core::{DenseHessian, EvalError, Objective, Streams, Triangle, Work};
use gf_optim::control::{Constant, EmbeddedError, Judgement, Needs, StepFunction, StepStart, Trial};
use gf_optim::methods::{
    AtPole, BackwardEuler, ExponentialEuler, LinearlyImplicitEuler, PhiByEigendecomposition, PhiByLanczos,
    ShiftedSystem, StageSolver,
};
use gf_optim::registry::{AnyObjective, CurvatureNeed, MethodSettings};
use gf_optim::solver::Direct;
use gf_optim::{Budget, Outcome, StepController, StepFailure, Stop, integrate};
use support::{Full, Trace, distance};

/// The methods of this file that solve systems.
const SHIFTED: [&str; 8] =
    ["backward-euler", "implicit-midpoint", "trapezoidal", "sdirk2", "tr-bdf2", "bdf2", "ros2", "rodas3"];

fn method(name: &str, keys: &str) -> MethodSettings {
    toml::from_str(&format!("{name} = {{ {keys} }}")).unwrap()
}

/// Steps are taken at the pole, systems solved by LBLᵀ.
fn textbook(name: &str) -> MethodSettings {
    method(name, "solver = \"lblt\", indefinite = \"accept\"")
}

fn run(
    objective: &mut AnyObjective,
    settings: &MethodSettings,
    control: &mut dyn StepController,
    theta: &[f64],
    budget: &Budget,
) -> (Outcome, Trace) {
    let mut trace = Trace::default();
    let mut method = settings.build().unwrap();
    let outcome = integrate(objective, &mut *method, control, &mut [&mut trace], theta.to_vec(), budget).unwrap();
    (outcome, trace)
}

fn steps(objective: &mut AnyObjective, settings: &MethodSettings, h: f64, theta: &[f64], steps: u64) -> Outcome {
    run(objective, settings, &mut Constant::new(h), theta, &Budget::steps(steps)).0
}

/// One step of size `h` on L = θ⁴/4.
fn quartic_step(settings: &MethodSettings, h: f64, theta: f64) -> f64 {
    let outcome = steps(&mut Full::new(Quartic::new(1)), settings, h, &[theta], 1);
    assert_eq!(outcome.stop, Stop::Steps);
    outcome.theta[0]
}

/// The root of y + a·y³ = c, by bisection.
fn root(a: f64, c: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle + a * middle * middle * middle > c { high = middle } else { low = middle }
    }
    low
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{found}, expected {expected}");
}

#[test]
fn one_stage_methods_solve_their_equations() {
    // y + y³ = 2 at y = 1.
    assert_near(quartic_step(&textbook("backward-euler"), 1.0, 2.0), 1.0, 1e-14);
    // The midpoint y solves y + y³/2 = 3/2, y = 1; then 2y − θ.
    assert_near(quartic_step(&textbook("implicit-midpoint"), 1.0, 1.5), 0.5, 1e-14);
    // y + (4/9)y³ = 1 − 4/9 at y = 1/2.
    assert_near(quartic_step(&textbook("trapezoidal"), 8.0 / 9.0, 1.0), 0.5, 1e-14);
}

#[test]
fn two_stage_methods_agree_with_their_butcher_tableaus() {
    let (h, theta) = (0.7, 1.3);
    let slope = |y: f64| -y * y * y;
    let gamma = 1.0 - FRAC_1_SQRT_2;
    let y1 = root(gamma * h, theta);
    let y2 = root(gamma * h, theta + h * (1.0 - gamma) * slope(y1));
    // Stages are solved to 1e-12.
    assert_near(quartic_step(&textbook("sdirk2"), h, theta), y2, 1e-12);
    let w = SQRT_2 / 4.0;
    let y1 = root(gamma * h, theta + gamma * h * slope(theta));
    let y2 = root(gamma * h, theta + h * w * (slope(theta) + slope(y1)));
    assert_near(quartic_step(&textbook("tr-bdf2"), h, theta), y2, 1e-12);
}

#[test]
fn bdf2_solves_the_variable_step_formula() {
    for (second, a, c) in [(1.0, 2.0 / 3.0, 2.0 / 3.0), (2.0, 1.2, 0.2)] {
        // From 2 to 1 by backward Euler; then y + a·y³ = (1+ω)²/(1+2ω) − 2ω²/(1+2ω), a = ω(1+ω)/(1+2ω).
        let mut control = StepFunction::new(|start: StepStart| if start.step == 1 { 1.0 } else { second });
        let mut objective = Full::new(Quartic::new(1));
        let (outcome, _) = run(&mut objective, &textbook("bdf2"), &mut control, &[2.0], &Budget::steps(2));
        assert_near(outcome.theta[0], root(a, c), 1e-14);
    }
}

#[test]
fn bdf2_keeps_its_order_with_variable_steps() {
    let quartic = Quartic::new(2);
    let theta = [1.2, -0.7];
    let error = |pairs: u64| {
        // Sizes alternate 1 : 2.
        let unit = 1.0 / (3.0 * pairs as f64);
        let mut control = StepFunction::new(|start: StepStart| if start.step % 2 == 1 { unit } else { 2.0 * unit });
        let budget = Budget::steps(2 * pairs);
        let (outcome, _) = run(&mut Full::new(quartic), &textbook("bdf2"), &mut control, &theta, &budget);
        distance(&outcome.theta, &quartic.flow(&theta, 1.0))
    };
    let order = (error(100) / error(200)).log2();
    assert!((order - 2.0).abs() < 0.1, "{order}");
}

#[test]
fn rosenbrock_methods_agree_with_their_published_form() {
    let (h, theta) = (0.6, 1.1);
    let (slope, jacobian) = (|y: f64| -y * y * y, -3.0 * theta * theta);
    for gamma in [1.0 - FRAC_1_SQRT_2, 1.0 + FRAC_1_SQRT_2] {
        // Verwer et al. 1999.
        let factor = 1.0 - gamma * h * jacobian;
        let k1 = slope(theta) / factor;
        let k2 = (slope(theta + h * k1) - 2.0 * k1) / factor;
        let settings = method("ros2", &format!("solver = \"lblt\", gamma = {gamma}"));
        assert_near(quartic_step(&settings, h, theta), theta + 1.5 * h * k1 + 0.5 * h * k2, 1e-14);
    }
    // Sandu et al. 1997: k_i = h f(θ + Σ α_ij k_j) + h J Σ γ_ij k_j, γ_ii = 1/2.
    let alpha = [[0.0; 3], [0.0; 3], [1.0, 0.0, 0.0], [0.75, -0.25, 0.5]];
    let gamma = [[0.0; 3], [1.0, 0.0, 0.0], [-0.25, -0.25, 0.0], [1.0 / 12.0, 1.0 / 12.0, -2.0 / 3.0]];
    let weights = [5.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0, 0.5];
    let mut k = [0.0; 4];
    for i in 0..4 {
        let sum = |row: &[f64; 3]| row.iter().zip(&k).map(|(c, k)| c * k).sum::<f64>();
        k[i] = (h * slope(theta + sum(&alpha[i])) + h * jacobian * sum(&gamma[i])) / (1.0 - 0.5 * h * jacobian);
    }
    let end = theta + weights.iter().zip(&k).map(|(w, k)| w * k).sum::<f64>();
    assert_near(quartic_step(&textbook("rodas3"), h, theta), end, 1e-14);
}

#[test]
fn exponential_euler_is_the_flow_of_the_model() {
    for by in ["lanczos", "eigendecomposition"] {
        // H = 3 and g = 1 at θ = 1.
        let settings = method("exponential-euler", &format!("by = \"{by}\""));
        assert_near(quartic_step(&settings, 0.4, 1.0), 1.0 - (1.0 - (-1.2f64).exp()) / 3.0, 1e-15);
    }
}

#[test]
fn one_newton_iteration_of_backward_euler_is_the_linearly_implicit_step() {
    let theta = [3.6, 2.9];
    let one = StageSolver::of(ShiftedSystem::new(Direct::lblt()), 1e300, 1);
    let go = |method: &mut dyn gf_optim::Discretization<Himmelblau>| {
        let control = &mut Constant::new(0.02);
        integrate(&mut Himmelblau, method, control, &mut [], theta.to_vec(), &Budget::steps(1)).unwrap().theta
    };
    assert_eq!(go(&mut BackwardEuler::new(one)), go(&mut LinearlyImplicitEuler::new(Direct::lblt())));
}

#[test]
fn work_of_ten_steps_is_known() {
    // Himmelblau from (3.6, 2.9), h = 0.02: (gradients, matrices, factorizations); no values. Three Newton iterations a stage, each with one of
    // all, and the driver's gradient; TR-BDF2's estimate needs no other factorization.
    let known = [
        ("backward-euler", 43, 33, 33),
        ("implicit-midpoint", 40, 30, 30),
        ("trapezoidal", 41, 31, 31),
        ("sdirk2", 68, 58, 58),
        ("tr-bdf2", 67, 57, 57),
        ("bdf2", 43, 33, 33),
        // The driver's gradient and one (two) more a step; one matrix and one factorization for all stages.
        ("ros2", 20, 10, 10),
        ("rodas3", 30, 10, 10),
    ];
    let mut found = Vec::new();
    for (name, ..) in known {
        let Work { values, gradients, products, matrices, factorizations, .. } =
            steps(&mut Full::new(Himmelblau), &textbook(name), 0.02, &[3.6, 2.9], 10).work;
        assert_eq!((values, products), (0, 0), "{name}");
        found.push((name, gradients, matrices, factorizations));
    }
    assert_eq!(found, known);
    // Exponential Euler: two products span the space; or one matrix and its decomposition.
    let work = |by: &str| {
        let settings = method("exponential-euler", &format!("by = \"{by}\""));
        steps(&mut Full::new(Himmelblau), &settings, 0.02, &[3.6, 2.9], 10).work
    };
    let lanczos = work("lanczos");
    assert_eq!((lanczos.gradients, lanczos.products, lanczos.matrices), (10, 20, 0));
    let dense = work("eigendecomposition");
    assert_eq!((dense.gradients, dense.products, dense.matrices, dense.factorizations), (10, 0, 10, 10));
}

#[test]
fn a_quadratic_takes_one_newton_iteration_a_stage() {
    let mut quadratic = Quadratic::rotated(&[5.0, 1.0, 0.1, -0.2], &mut Streams::new(4).data());
    for (name, stages) in [("backward-euler", 1), ("trapezoidal", 1), ("sdirk2", 2), ("tr-bdf2", 2), ("bdf2", 1)] {
        let work = steps(&mut quadratic, &textbook(name), 0.3, &[1.0; 4], 10).work;
        // The driver's gradient, and the one that shows that the stage is solved.
        assert_eq!((work.gradients, work.matrices), (10 + 10 * stages, 10 * stages), "{name}");
    }
}

/// Tries two other sizes before each step.
struct Doubting(u32);

impl StepController for Doubting {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }
    fn follows_flow(&self) -> bool {
        true
    }
    fn first(&mut self, _start: StepStart) -> f64 {
        self.0 = 0;
        0.01
    }
    fn judge(&mut self, _trial: Trial<'_>) -> Judgement {
        self.0 += 1;
        if self.0 < 3 { Judgement::Retry(0.01 * f64::from(self.0 + 1)) } else { Judgement::Accept }
    }
    fn failed(&mut self, failure: StepFailure, _h: f64) -> Judgement {
        Judgement::Abort(failure)
    }
}

#[test]
fn another_size_at_the_same_point_asks_for_no_other_curvature() {
    let trials = |settings: &MethodSettings| {
        run(&mut Full::new(Himmelblau), settings, &mut Doubting(0), &[3.6, 2.9], &Budget::steps(4)).0.work
    };
    for name in ["ros2", "rodas3"] {
        let work = trials(&textbook(name));
        assert_eq!((work.matrices, work.factorizations), (4, 12), "{name}: a factorization a size");
    }
    assert_eq!(trials(&method("exponential-euler", "")).products, 8);
    assert_eq!(trials(&method("exponential-euler", "by = \"eigendecomposition\"")).factorizations, 4);
}

/// H = diag(3, −8): with h = 0.5 past the pole of every method here.
fn past_pole() -> (Quadratic, [f64; 2]) {
    (Quadratic::diagonal(&[3.0, -8.0]), [1.0, 1.0])
}

#[test]
fn past_the_pole_steps_are_accepted_shrunk_or_refused_as_told() {
    let h = 0.5;
    for name in SHIFTED {
        for solver in ["lblt", "minres"] {
            let (mut quadratic, theta) = past_pole();
            let settings = |pole: &str| method(name, &format!("solver = \"{solver}\", indefinite = \"{pole}\""));
            let one = &Budget::steps(1);

            let accept = settings("accept");
            let (outcome, trace) = run(&mut quadratic, &accept, &mut Constant::new(h), &theta, one);
            // BDF2 starts with backward Euler.
            let first = if name == "bdf2" { textbook("backward-euler") } else { accept };
            let factor = |lambda: f64| first.settings().amplification(h * lambda).unwrap().current;
            assert!(distance(&outcome.theta, &[factor(3.0), factor(-8.0)]) < 1e-9, "{name}: {:?}", outcome.theta);
            assert_eq!(trace.events[1], ["past-pole", "indefinite-accepted"], "{name}");

            let shrink = settings("shrink");
            let (outcome, trace) = run(&mut quadratic, &shrink, &mut *shrink.build_control(None).unwrap(), &theta, one);
            assert_eq!(
                (&outcome.stop, &trace.events[1][..]),
                (&Stop::Steps, &[][..]),
                "{name}: the default h is small"
            );
            let (outcome, trace) = run(&mut quadratic, &shrink, &mut Constant::shrinking(h), &theta, one);
            assert_eq!((outcome.stop, &trace.events[1][..]), (Stop::Steps, &["past-pole"][..]), "{name}");
            assert!(trace.rejected[1] >= 1 && trace.step_size[1].unwrap() < h, "{name}");

            let abort = settings("abort");
            assert!(!abort.settings().shrinks());
            let (outcome, _) = run(&mut quadratic, &abort, &mut Constant::new(h), &theta, one);
            let Stop::Failed(StepFailure::Indefinite { .. }) = outcome.stop else {
                panic!("{name}: {:?}", outcome.stop)
            };
        }
    }
}

#[test]
fn a_stage_that_is_not_solved_rejects_the_step_by_name() {
    // Newton on y + y³ = 10⁴⁰ takes a third off a step.
    for name in ["backward-euler", "implicit-midpoint", "sdirk2", "bdf2"] {
        let outcome = steps(&mut Full::new(Quartic::new(1)), &textbook(name), 1.0, &[1e40], 1);
        let Stop::Failed(StepFailure::StageNotSolved { reached, asked, iterations }) = outcome.stop else {
            panic!("{name}: {:?}", outcome.stop)
        };
        assert!(reached > asked && asked == 1e-12 && iterations == 20, "{name}: {reached}");
        assert_eq!(outcome.theta, [1e40]);
    }
    // A shorter step is solved in as many iterations.
    let hasty = method("backward-euler", "solver = \"cholesky\", newton_tolerance = 1e-3, max_iterations = 2");
    let mut control = Constant::shrinking(1.0);
    let (outcome, trace) = run(&mut Full::new(Quartic::new(1)), &hasty, &mut control, &[3.0], &Budget::steps(1));
    assert_eq!((outcome.stop, trace.events[1].len()), (Stop::Steps, 0));
    let h = trace.step_size[1].unwrap();
    assert!(trace.rejected[1] > 0 && h < 1.0);
    // The residual, 1e-3 of the step, bounds the error, for H > 0.
    let (found, exact) = (outcome.theta[0], root(h, 3.0));
    assert!((found - exact).abs() <= 1e-3 * (found - 3.0).abs(), "{found} {exact}");
}

/// L = |θ|.
struct Kink;

impl Objective for Kink {
    fn dim(&self) -> usize {
        1
    }
    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        Ok(theta[0].abs())
    }
    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        gradient[0] = theta[0].signum();
        self.value(theta)
    }
}

impl DenseHessian for Kink {
    fn dense_hessian(&mut self, _theta: &[f64], _triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        out[0] = 0.0;
        Ok(())
    }
}

#[test]
fn at_a_kink_the_stage_has_no_solution_until_the_step_is_short() {
    // y + h·sign(y) = 0.4 has none for h > 0.4: the proximal point is 0.
    let mut control = Constant::shrinking(1.0);
    let (outcome, trace) =
        run(&mut Full::new(Kink), &textbook("backward-euler"), &mut control, &[0.4], &Budget::steps(1));
    assert_eq!((outcome.stop, outcome.theta), (Stop::Steps, vec![0.4 - 0.25]));
    assert_eq!((trace.rejected[1], trace.step_size[1]), (2, Some(0.25)));
    let outcome = steps(&mut Full::new(Kink), &textbook("backward-euler"), 1.0, &[0.4], 1);
    assert!(matches!(outcome.stop, Stop::Failed(StepFailure::StageNotSolved { .. })), "{:?}", outcome.stop);
}

#[test]
fn at_rest_nothing_moves() {
    for name in SHIFTED {
        // The minimum itself, where the gradient is zero, and next to another, where it is rounding.
        let outcome = steps(&mut Full::new(Himmelblau), &textbook(name), 0.5, &[3.0, 2.0], 3);
        assert_eq!((outcome.stop, outcome.theta), (Stop::Steps, vec![3.0, 2.0]), "{name}");
        let theta = [-2.805_118_086_952_745, 3.131_312_518_250_573];
        let outcome = steps(&mut Full::new(Himmelblau), &textbook(name), 0.5, &theta, 20);
        assert_eq!(outcome.stop, Stop::Steps, "{name}");
        assert!(distance(&outcome.theta, &theta) < 1e-14, "{name}");
    }
}

#[test]
fn stiff_components_are_damped_as_published() {
    let eigenvalues = [1.0, 1e6];
    let quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(3).data());
    let mut theta = vec![1.0, 1.0];
    quadratic.from_eigenbasis(&mut theta);
    theta.iter_mut().zip(quadratic.center()).for_each(|(x, c)| *x += c);
    let exponential = method("exponential-euler", "tolerance = 1e-13");
    for settings in SHIFTED.iter().map(|name| textbook(name)).chain([exponential]) {
        let name = settings.info().name;
        let outcome = steps(&mut quadratic.clone(), &settings, 1.0, &theta, 1);
        let mut end: Vec<f64> = outcome.theta.iter().zip(quadratic.center()).map(|(x, c)| x - c).collect();
        quadratic.to_eigenbasis(&mut end);
        let settings = if name == "bdf2" { textbook("backward-euler") } else { settings };
        let factor = |i: usize| settings.settings().amplification(eigenvalues[i]).unwrap().current;
        // Rounding of the gradient, 1e6·ε, enters the soft direction as it is and the stiff one divided by 1e6.
        assert!((end[0] - factor(0)).abs() < 1e-9, "{name}: {} {}", end[0], factor(0));
        assert!((end[1] - factor(1)).abs() < 1e-12, "{name}: {} {}", end[1], factor(1));
        let is_a_stable_only = ["implicit-midpoint", "trapezoidal"].contains(&name);
        assert_eq!(end[1].abs() > 0.99, is_a_stable_only, "{name}: L-stable methods damp");
        assert!(end[1].abs() < 2e-5 || is_a_stable_only, "{name}");
    }
}

/// Keeps the estimate of the last trial.
struct Watch {
    h: f64,
    estimate: Vec<f64>,
    order: u32,
}

impl StepController for Watch {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }
    fn follows_flow(&self) -> bool {
        true
    }
    fn first(&mut self, _start: StepStart) -> f64 {
        self.h
    }
    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        let local = trial.local_error.unwrap();
        (self.estimate, self.order) = (local.estimate.to_vec(), local.order);
        Judgement::Accept
    }
    fn failed(&mut self, failure: StepFailure, _h: f64) -> Judgement {
        Judgement::Abort(failure)
    }
}

fn estimate(settings: &MethodSettings, h: f64, theta: f64) -> (f64, u32) {
    let mut watch = Watch { h, estimate: Vec::new(), order: 0 };
    run(&mut Full::new(Quartic::new(1)), settings, &mut watch, &[theta], &Budget::steps(1));
    (watch.estimate[0], watch.order)
}

/// The methods here with an embedded error estimate.
fn estimating() -> Vec<MethodSettings> {
    let all = MethodSettings::all_defaults().into_iter();
    let names: Vec<_> = all
        .filter(|settings| settings.settings().estimates_error() && settings.info().curvature != CurvatureNeed::None)
        .map(|settings| settings.info().name)
        .filter(|name| SHIFTED.contains(name))
        .collect();
    assert_eq!(names, ["sdirk2", "tr-bdf2", "ros2", "rodas3"]);
    names.into_iter().map(textbook).collect()
}

#[test]
fn estimates_shrink_with_their_order() {
    for settings in estimating() {
        let ((coarse, order), (fine, _)) = (estimate(&settings, 0.01, 1.0), estimate(&settings, 0.005, 1.0));
        let observed = (coarse / fine).log2();
        assert!((observed - f64::from(order) - 1.0).abs() < 0.1, "{}: {observed}", settings.info().name);
    }
}

#[test]
fn estimates_are_those_of_the_embedded_methods() {
    let (h, theta) = (0.3, 1.2);
    let slope = |y: f64| -y * y * y;
    let gamma = 1.0 - FRAC_1_SQRT_2;
    let y1 = root(gamma * h, theta);
    let y2 = root(gamma * h, theta + h * (1.0 - gamma) * slope(y1));
    let alpha = 2.0 - 1.25 * SQRT_2;
    let embedded = theta + h * ((1.0 - alpha) * slope(y1) + alpha * slope(y2));
    assert_near(estimate(&textbook("sdirk2"), h, theta).0, y2 - embedded, 1e-12);

    let w = SQRT_2 / 4.0;
    let y1 = root(gamma * h, theta + gamma * h * slope(theta));
    let y2 = root(gamma * h, theta + h * w * (slope(theta) + slope(y1)));
    let slopes = (1.0 - w) / 3.0 * slope(theta) + (3.0 * w + 1.0) / 3.0 * slope(y1) + gamma / 3.0 * slope(y2);
    let smoothed = (y2 - theta - h * slopes) / (1.0 + gamma * h * 3.0 * y2 * y2);
    // The matrix is that of the last Newton iteration, not of y₂ itself.
    let found = estimate(&textbook("tr-bdf2"), h, theta).0;
    assert!((found - smoothed).abs() < 1e-3 * smoothed.abs(), "{found} {smoothed}");

    let k1 = slope(theta) / (1.0 + gamma * h * 3.0 * theta * theta);
    let end = quartic_step(&textbook("ros2"), h, theta);
    assert_near(estimate(&textbook("ros2"), h, theta).0, end - (theta + h * k1), 1e-14);
}

#[test]
fn controlled_steps_reach_their_tolerance() {
    let (quartic, theta) = (Quartic::new(2), [1.5, -0.4]);
    for settings in estimating() {
        let name = settings.info().name;
        let errors = [1e-4, 1e-6].map(|tolerance| {
            let mut control = EmbeddedError::with_tolerance(tolerance);
            control.first = Some(0.1);
            let budget = Budget { flow_time: 3.0, ..Budget::steps(100_000) };
            let (outcome, _) = run(&mut Full::new(quartic), &settings, &mut control, &theta, &budget);
            assert_eq!(outcome.stop, Stop::FlowTime, "{name}");
            let exact = quartic.flow(&theta, outcome.time.unwrap());
            let error = outcome.theta.iter().zip(&exact).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
            // The flow contracts: local errors at most add up.
            assert!(error < outcome.steps as f64 * tolerance, "{name}: {error} in {} steps", outcome.steps);
            error
        });
        // Like the tolerance where the estimate is that of the embedded method, like its power 2/3 where it is the method's own (TR-BDF2): 22.
        assert!(errors[0] / errors[1] > 10.0, "{name}: {errors:?}");
    }
}

#[test]
fn controlled_steps_are_not_ruled_by_stiffness() {
    for settings in estimating() {
        // At hλ = 10⁶ the error is of the size of θ, and so is its estimate.
        let mut watch = Watch { h: 1.0, estimate: Vec::new(), order: 0 };
        run(&mut Quadratic::diagonal(&[1e6]), &settings, &mut watch, &[1.0], &Budget::steps(1));
        assert!(watch.estimate[0].abs() < 3.0, "{}: {}", settings.info().name, watch.estimate[0]);
    }
    let mut quadratic = Quadratic::diagonal(&[1.0, 1e6]);
    for settings in estimating() {
        let mut control = EmbeddedError::with_tolerance(1e-4);
        control.first = Some(1e-6);
        let budget = Budget { flow_time: 5.0, ..Budget::steps(300) };
        let (outcome, _) = run(&mut quadratic, &settings, &mut control, &[1.0, 1.0], &budget);
        let name = settings.info().name;
        // An explicit method would take 2.5 million steps.
        assert_eq!(outcome.stop, Stop::FlowTime, "{name}");
        let exact = (-outcome.time.unwrap()).exp();
        assert!(
            (outcome.theta[0] - exact).abs() < 1e-3 && outcome.theta[1].abs() < 1e-3,
            "{name}: {:?}",
            outcome.theta
        );
    }
}

#[test]
fn the_two_ways_to_the_exponential_agree() {
    let eigenvalues: Vec<f64> = (0..60).map(|k| -3.0 + 1.7 * f64::from(k)).collect();
    let quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(8).data());
    let theta = vec![0.3; 60];
    for h in [0.01, 0.1, 1.0] {
        let control = || Constant::new(h);
        let mut lanczos = ExponentialEuler::new(PhiByLanczos::new(1e-10, 60));
        let mut dense = ExponentialEuler::new(PhiByEigendecomposition::default());
        let one = &Budget::steps(1);
        let mut objective = quadratic.clone();
        let a = integrate(&mut objective, &mut lanczos, &mut control(), &mut [], theta.clone(), one).unwrap();
        let b = integrate(&mut objective, &mut dense, &mut control(), &mut [], theta.clone(), one).unwrap();
        let exact = quadratic.flow(&theta, h);
        assert!(distance(&b.theta, &exact) < 1e-12, "h = {h}: {}", distance(&b.theta, &exact));
        // The estimate is the first term of a series: ten times the tolerance is enough for the others.
        assert!(distance(&a.theta, &exact) < 1e-9, "h = {h}: {}", distance(&a.theta, &exact));
        // Fewer products than parameters where the step is short.
        assert!(h > 0.01 || a.work.products < 20, "{}", a.work.products);
    }
}

#[test]
fn an_exponential_that_overflows_or_stays_inexact_rejects_the_step() {
    for by in ["lanczos", "eigendecomposition"] {
        let settings = method("exponential-euler", &format!("by = \"{by}\""));
        let mut quadratic = Quadratic::diagonal(&[1.0, -1.0]);
        let outcome = steps(&mut quadratic, &settings, 800.0, &[1.0, 1.0], 1);
        let Stop::Failed(failure) = outcome.stop else { panic!("{by}: {:?}", outcome.stop) };
        assert!(matches!(failure, StepFailure::NotFinite { .. }) && failure.may_pass_with_a_shorter_step(), "{by}");
        assert_eq!(outcome.theta, [1.0, 1.0]);
    }
    let eigenvalues: Vec<f64> = (0..60).map(|k| 1.0 + f64::from(k * k)).collect();
    let settings = method("exponential-euler", "max_products = 10");
    let outcome = steps(&mut Quadratic::diagonal(&eigenvalues), &settings, 1.0, &[1.0; 60], 1);
    let Stop::Failed(StepFailure::ResidualMissed { products: 10, .. }) = outcome.stop else {
        panic!("{:?}", outcome.stop)
    };
}

#[test]
fn the_other_gamma_of_ros2_is_positive_and_less_accurate() {
    let gammas = [1.0 - FRAC_1_SQRT_2, 1.0 + FRAC_1_SQRT_2];
    let [small, large] = gammas.map(|gamma| method("ros2", &format!("gamma = {gamma}")));
    let factor = |settings: &MethodSettings, z: f64| settings.settings().amplification(z).unwrap().current;
    let points = || (1..200).map(|k| 1e-3 * 1.1f64.powi(k));
    assert!(points().all(|z| factor(&large, z) > 0.0));
    assert!(points().any(|z| factor(&small, z) < 0.0));
    let error = |settings: &MethodSettings| factor(settings, 1e-3) - (-1e-3f64).exp();
    assert!(((error(&large) / error(&small)).abs() - 34.0).abs() < 0.5, "{}", error(&large) / error(&small));
}

#[test]
fn settings_are_checked_by_key() {
    for (name, keys, key) in [
        ("backward-euler", "newton_tolerance = 0.0", "newton_tolerance"),
        ("sdirk2", "max_iterations = 0", "max_iterations"),
        ("bdf2", "max_products = 0", "max_products"),
        ("tr-bdf2", "tolerance = -1.0", "tolerance"),
        ("rodas3", "solver = \"cg\", indefinite = \"accept\"", "solver"),
        ("ros2", "gamma = 0.0", "gamma"),
        ("exponential-euler", "tolerance = 0.0", "tolerance"),
        ("exponential-euler", "max_products = 0", "max_products"),
    ] {
        assert_eq!(method(name, keys).validate().unwrap_err().key, format!("{name}.{key}"));
    }
    assert!(toml::from_str::<MethodSettings>("ros2 = { newton_tolerance = 1e-3 }").is_err());
    assert_eq!(method("ros2", "solver = \"minres\"").dense_bytes(10), 0);
    // The matrix, its eigenvectors and the decomposition's scratch: 4p² numbers.
    assert_eq!(method("exponential-euler", "by = \"eigendecomposition\"").dense_bytes(10), 3200);
    assert_eq!(AtPole::default().name(), "shrink");
}
