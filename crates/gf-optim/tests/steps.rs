//! Limits and equivalences, the pole, ascending directions, rejection, divergence, work counts.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_core::problems::{Himmelblau, Quadratic, Rosenbrock};
use gf_core::{
    DenseHessian, EvalError, FromClosure, HessianProduct, Objective, Observer, Sample, StepRecord, Streams, Triangle,
    vector,
};
use gf_optim::control::{Armijo, Constant, Exhausted};
use gf_optim::methods::{
    AbsoluteHessian, Accept, DampedNewton, ExplicitEuler, LinearlyImplicitEuler, NewtonSettings, OnAscent, Reject,
    UseGaussNewton,
};
use gf_optim::solver::{Automatic, ConjugateGradients, Direct, Minres};
use gf_optim::{Budget, Discretization, Outcome, RunError, StepController, StepFailure, Stop, integrate};
use support::{Full, Trace, distance};

fn run<O: Objective + ?Sized>(
    objective: &mut O,
    method: &mut dyn Discretization<O>,
    control: &mut dyn StepController,
    theta: &[f64],
    steps: u64,
) -> (Outcome, Trace) {
    let mut trace = Trace::default();
    let outcome =
        integrate(objective, method, control, &mut [&mut trace], theta.to_vec(), &Budget::steps(steps)).unwrap();
    (outcome, trace)
}

fn one_step<O: Objective + ?Sized>(
    objective: &mut O,
    method: &mut dyn Discretization<O>,
    h: f64,
    theta: &[f64],
) -> Vec<f64> {
    run(objective, method, &mut Constant::new(h), theta, 1).0.theta
}

fn newton(damping: f64, ascent: OnAscent) -> DampedNewton<Direct> {
    DampedNewton::new(NewtonSettings { damping, ascent, ..Default::default() }, Direct::lblt())
}

const FAR: [f64; 2] = [3.6, 2.9]; // positive definite Hessian
const SADDLE: [f64; 2] = [-0.3, -0.9]; // negative definite Hessian, near the maximum

#[test]
fn small_steps_of_the_implicit_method_are_explicit_steps() {
    let (h, theta) = (1e-7, FAR);
    let explicit = one_step(&mut Himmelblau, &mut ExplicitEuler, h, &theta);
    let implicit = one_step(&mut Himmelblau, &mut LinearlyImplicitEuler::new(Direct::lblt()), h, &theta);
    let step: Vec<f64> = explicit.iter().zip(theta).map(|(a, b)| a - b).collect();
    let difference: Vec<f64> = implicit.iter().zip(&explicit).map(|(a, b)| a - b).collect();
    // The steps differ by h²Hg: relative to hg by h‖H‖, and ‖H‖ is about 170.
    assert!(vector::norm(&difference) < 2e-5 * vector::norm(&step));
}

#[test]
fn large_steps_of_the_implicit_method_are_newton_steps() {
    let theta = FAR;
    let implicit = one_step(&mut Himmelblau, &mut LinearlyImplicitEuler::new(Direct::lblt()), 1e12, &theta);
    let newton = one_step(&mut Himmelblau, &mut newton(0.0, OnAscent::Accept), 1.0, &theta);
    assert!(distance(&implicit, &newton) < 1e-12);
    // For every h the implicit step is the Newton step damped by 1/h, bit for bit in exact arithmetic.
    let implicit = one_step(&mut Himmelblau, &mut LinearlyImplicitEuler::new(Direct::lblt()), 0.01, &theta);
    let damped = one_step(&mut Himmelblau, &mut self::newton(100.0, OnAscent::Accept), 1.0, &theta);
    assert!(distance(&implicit, &damped) < 1e-15);
}

#[test]
fn the_textbook_form_gives_the_same_step() {
    // (I + hH) θ⁺ = θ + h(Hθ − g), solved by Cramer's rule.
    for (theta, h) in [(FAR, 0.03), ([0.2, -0.5], 0.01)] {
        let (mut hessian, mut g) = ([0.0; 4], [0.0; 2]);
        Himmelblau.dense_hessian(&theta, Triangle::Both, &mut hessian).unwrap();
        Himmelblau.value_and_gradient(&theta, &mut g).unwrap();
        let product = |i: usize| hessian[i] * theta[0] + hessian[i + 2] * theta[1];
        let rhs = [theta[0] + h * (product(0) - g[0]), theta[1] + h * (product(1) - g[1])];
        let (a, b, d) = (1.0 + h * hessian[0], h * hessian[1], 1.0 + h * hessian[3]);
        let determinant = a * d - b * b;
        let textbook = [(d * rhs[0] - b * rhs[1]) / determinant, (a * rhs[1] - b * rhs[0]) / determinant];
        let mut method = LinearlyImplicitEuler::with_policy(Direct::lblt(), Accept);
        assert!(distance(&one_step(&mut Himmelblau, &mut method, h, &theta), &textbook) < 1e-13);
    }
}

#[test]
fn all_solvers_give_the_same_implicit_step() {
    let eigenvalues: Vec<f64> = (0..60).map(|k| 0.1 + f64::from(k)).collect();
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(8).data());
    let theta = vec![0.3; 60];
    let reference = one_step(&mut quadratic, &mut LinearlyImplicitEuler::new(Direct::cholesky()), 0.5, &theta);
    let methods: [(&str, Box<dyn Discretization<Quadratic>>); 3] = [
        ("lblt", Box::new(LinearlyImplicitEuler::new(Direct::lblt()))),
        ("minres", Box::new(LinearlyImplicitEuler::new(Minres::default()))),
        ("cg", Box::new(LinearlyImplicitEuler::new(ConjugateGradients::default()))),
    ];
    for (name, mut method) in methods {
        // Residual 1e-10, condition number about 30.
        let tolerance = if name == "lblt" { 1e-13 } else { 1e-9 };
        assert!(distance(&one_step(&mut quadratic, &mut *method, 0.5, &theta), &reference) < tolerance, "{name}");
    }
}

#[test]
fn a_large_cholesky_works_in_single_precision_where_that_reaches_the_residual_and_else_in_double() {
    let p = 520;
    let theta = vec![0.3; p];
    // The least eigenvalue, h, factorizations: a condition number of 50, one of 10⁹, and an indefinite matrix.
    for (least, h, factorizations) in [(0.1, 0.5, 1), (1e-9, 1e12, 2), (-3.0, 0.5, 2)] {
        let eigenvalues: Vec<f64> = (0..p).map(|k| if k == 0 { least } else { 0.1 + k as f64 / 10.0 }).collect();
        let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(8).data());
        let mut cholesky = LinearlyImplicitEuler::with_policy(Direct::cholesky(), Reject);
        let (outcome, _) = run(&mut quadratic, &mut cholesky, &mut Constant::new(h), &theta, 1);
        assert_eq!(outcome.work.factorizations, factorizations, "{least}");
        if least < 0.0 {
            assert!(matches!(outcome.stop, Stop::Failed(StepFailure::Indefinite { .. })), "{:?}", outcome.stop);
            continue;
        }
        let expected = one_step(&mut quadratic, &mut LinearlyImplicitEuler::new(Direct::lblt()), h, &theta);
        let tolerance = 1e-15 * (h * eigenvalues[p - 1] + 1.0) / (h * least + 1.0) + 1e-13;
        assert!(distance(&outcome.theta, &expected) < tolerance * vector::norm(&theta), "{least}");
    }
}

/// H = diag(3, −8): past the pole for h > 1/8.
fn past_pole() -> (Quadratic, Vec<f64>) {
    (Quadratic::diagonal(&[3.0, -8.0]), vec![1.0, 1.0])
}

#[test]
fn past_the_pole_every_policy_is_named_in_the_record() {
    let (mut quadratic, theta) = past_pole();
    let h = 0.5;
    type Case<'a> = (Box<dyn Discretization<Quadratic>>, [f64; 2], &'a [&'a str]);
    let policies: [Case; 3] = [
        // R(z) = 1/(1 + z): z = 1.5 and z = −4, which is spuriously attracted to the saddle.
        (
            Box::new(LinearlyImplicitEuler::with_policy(Minres::default(), Accept)),
            [1.0 / 2.5, 1.0 / -3.0],
            &["past-pole", "indefinite-accepted"],
        ),
        // 1 − hλ/(1 + h|λ|).
        (
            Box::new(LinearlyImplicitEuler::with_policy(Minres::default(), AbsoluteHessian::new(1e-10))),
            [1.0 - 1.5 / 2.5, 1.0 + 4.0 / 5.0],
            &["past-pole", "used-absolute-hessian"],
        ),
        // The quadratic offers H itself as Gauss–Newton matrix, which is indefinite here: the policy fails, below.
        (
            Box::new(LinearlyImplicitEuler::with_policy(Direct::lblt(), Accept)),
            [1.0 / 2.5, 1.0 / -3.0],
            &["past-pole", "indefinite-accepted"],
        ),
    ];
    for (mut method, expected, names) in policies {
        let (outcome, trace) = run(&mut quadratic, &mut *method, &mut Constant::new(h), &theta, 1);
        assert!(distance(&outcome.theta, &expected) < 1e-9, "{:?}", outcome.theta);
        assert_eq!(trace.events[1], names);
    }
    let mut method = LinearlyImplicitEuler::with_policy(Minres::default(), UseGaussNewton::new(1e-10, 100));
    let (outcome, _) = run(&mut quadratic, &mut method, &mut Constant::new(h), &theta, 1);
    assert!(matches!(outcome.stop, Stop::Failed(StepFailure::Indefinite { .. })), "{:?}", outcome.stop);
}

#[test]
fn past_the_pole_a_shrinking_step_stops_at_the_first_definite_matrix() {
    for solver in ["minres", "lblt", "cholesky"] {
        let (mut quadratic, theta) = past_pole();
        let mut method: Box<dyn Discretization<Quadratic>> = match solver {
            "minres" => Box::new(LinearlyImplicitEuler::new(Minres::default())),
            "lblt" => Box::new(LinearlyImplicitEuler::new(Direct::lblt())),
            _ => Box::new(LinearlyImplicitEuler::new(Direct::cholesky())),
        };
        let (outcome, trace) = run(&mut quadratic, &mut *method, &mut Constant::shrinking(0.5), &theta, 1);
        // 0.5, 0.25 are past 1/8, and 0.125 sits on it: 1/16 is the first.
        assert_eq!((trace.rejected[1], trace.step_size[1]), (3, Some(0.0625)), "{solver}");
        assert_eq!(trace.events[1], ["past-pole"]);
        assert!(distance(&outcome.theta, &[1.0 / 1.1875, 1.0 / 0.5]) < 1e-9);
        // The Hessian was written down once for four trial steps.
        assert!(outcome.work.matrices <= 1);
    }
}

#[test]
fn a_rejection_without_a_shrinking_controller_ends_the_run_with_its_reason() {
    let (mut quadratic, theta) = past_pole();
    let mut method = LinearlyImplicitEuler::new(Direct::lblt());
    let (outcome, trace) = run(&mut quadratic, &mut method, &mut Constant::new(0.5), &theta, 5);
    assert_eq!(outcome.steps, 0);
    assert_eq!(trace.theta.len(), 1, "the start is kept");
    let message = outcome.stop.to_string();
    assert!(message.contains("H + 2e0·I is not positive definite (1 negative eigenvalue)"), "{message}");
}

#[test]
fn on_the_pole_the_matrix_is_singular_by_name() {
    let mut quadratic = Quadratic::diagonal(&[1.0, -4.0]);
    let mut method = LinearlyImplicitEuler::with_policy(Direct::lblt(), Accept);
    let (outcome, _) = run(&mut quadratic, &mut method, &mut Constant::new(0.25), &[1.0, 1.0], 1);
    assert_eq!(outcome.stop, Stop::Failed(StepFailure::Singular { shift: 4.0 }));
}

#[test]
fn an_ascending_newton_direction_is_detected_and_handled_as_told() {
    let mut start = [0.0; 2];
    let loss = Himmelblau.value_and_gradient(&SADDLE, &mut start).unwrap();
    let go = |ascent: OnAscent| run(&mut Himmelblau, &mut newton(1e-4, ascent), &mut Armijo::default(), &SADDLE, 1);
    // The textbook search backtracks in vain, and its smallest step still climbs.
    let (outcome, trace) = go(OnAscent::Accept);
    assert!(Himmelblau.value(&outcome.theta).unwrap() > loss);
    assert_eq!(trace.events[1], ["ascent-direction", "line-search-exhausted"]);
    for (policy, names) in [
        (OnAscent::SteepestDescent, vec!["ascent-direction", "used-steepest-descent"]),
        (OnAscent::RaiseDamping, vec!["ascent-direction", "raised-damping"]),
    ] {
        let (outcome, trace) = go(policy);
        assert!(Himmelblau.value(&outcome.theta).unwrap() < loss, "{policy:?}");
        assert_eq!(trace.events[1], names);
        assert_eq!(outcome.work.matrices, 1);
    }
    assert!(matches!(go(OnAscent::Abort).0.stop, Stop::Failed(StepFailure::Ascent { slope }) if slope > 0.0));
}

#[test]
fn the_warm_up_takes_explicit_steps_first_without_line_search() {
    let settings = NewtonSettings { warm_up_steps: 3, warm_up_h: 1e-3, ..Default::default() };
    let mut method = DampedNewton::new(settings, Direct::lblt());
    let (outcome, trace) = run(&mut Himmelblau, &mut method, &mut Armijo::default(), &FAR, 4);
    let (_, explicit) = run(&mut Himmelblau, &mut ExplicitEuler, &mut Constant::new(1e-3), &FAR, 3);
    assert_eq!(trace.theta[..4], explicit.theta[..4]);
    assert_eq!(trace.events[3], ["warm-up"]);
    assert!(trace.events[4].is_empty());
    assert_eq!((outcome.work.matrices, outcome.work.values), (1, 1));
}

#[test]
fn newton_solves_rosenbrock_with_the_counted_work() {
    let budget = Budget { gradient_norm: 1e-9, ..Budget::steps(100) };
    let outcome = integrate(
        &mut Rosenbrock::new(2),
        &mut newton(0.0, OnAscent::Abort),
        &mut Armijo { factor: 0.5, ..Default::default() },
        &mut [],
        vec![-1.2, 1.0],
        &budget,
    )
    .unwrap();
    assert_eq!(outcome.stop, Stop::GradientNorm);
    assert!(distance(&outcome.theta, &[1.0, 1.0]) < 1e-9);
    // Newton with halving from the classical start: 21 iterations is the figure of the literature (Nocedal & Wright, exercise 3.1).
    assert_eq!(outcome.steps, 21);
    let work = outcome.work;
    assert_eq!((work.gradients, work.matrices, work.factorizations), (22, 21, 21));
    assert_eq!(work.values, 21 + outcome.rejected);
}

#[test]
fn work_is_one_gradient_a_step_for_explicit_euler() {
    let mut quadratic = Quadratic::diagonal(&[1.0, 2.0]);
    let (outcome, trace) = run(&mut quadratic, &mut ExplicitEuler, &mut Constant::new(0.1), &[1.0, 1.0], 10);
    assert_eq!((outcome.work.gradients, outcome.work.values, outcome.work.products), (10, 0, 0));
    assert_eq!(outcome.gradient_equivalents, 10.0);
    assert_eq!(trace.gradient_equivalents[..3], [1.0, 1.0, 2.0]);
    assert!((outcome.time.unwrap() - 1.0).abs() < 1e-15);
}

#[test]
fn divergence_is_an_outcome_that_keeps_its_history() {
    let mut quadratic = Quadratic::diagonal(&[1.0]);
    let (outcome, trace) = run(&mut quadratic, &mut ExplicitEuler, &mut Constant::new(1e3), &[1.0], 1000);
    assert_eq!(outcome.stop, Stop::Diverged { what: "the loss is not finite" });
    assert_eq!(trace.theta.len() as u64, outcome.steps + 1);
    assert!(outcome.steps > 40 && outcome.theta[0].is_finite());
    let budget = Budget { loss_limit: 10.0, ..Budget::steps(1000) };
    let outcome =
        integrate(&mut quadratic, &mut ExplicitEuler, &mut Constant::new(3.0), &mut [], vec![1.0], &budget).unwrap();
    assert_eq!(outcome.stop, Stop::Diverged { what: "the loss exceeds the limit" });
    assert_eq!(outcome.steps, 3, "½, 2, 8, 32");
}

#[test]
fn an_exhausted_line_search_is_named_or_ends_the_run() {
    // The gradient has the wrong sign: no step along it descends.
    let wrong = || {
        FromClosure::new(1, |t: &[f64], g: &mut [f64]| {
            g[0] = -2.0 * t[0];
            t[0] * t[0]
        })
    };
    let mut armijo = Armijo::default();
    let (outcome, trace) = run(&mut wrong(), &mut ExplicitEuler, &mut armijo, &[1.0], 1);
    assert_eq!(outcome.stop, Stop::Steps);
    assert_eq!(trace.events[1], ["line-search-exhausted"]);
    let mut armijo = Armijo { exhausted: Exhausted::Abort, ..armijo };
    let (outcome, _) = run(&mut wrong(), &mut ExplicitEuler, &mut armijo, &[1.0], 1);
    assert!(matches!(outcome.stop, Stop::Failed(StepFailure::NoDecrease { .. })));
}

#[test]
fn a_missed_residual_is_a_failure_never_an_inexact_step() {
    let eigenvalues: Vec<f64> = (0..200).map(|k| 1e-4 * 1.07f64.powi(k)).collect();
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(1).data());
    let minres = Minres::of(gf_optim::solver::Hessian, 1e-12, 10);
    let (outcome, _) =
        run(&mut quadratic, &mut LinearlyImplicitEuler::new(minres), &mut Constant::new(1e6), &[1.0; 200], 1);
    match outcome.stop {
        Stop::Failed(StepFailure::ResidualMissed { reached, asked, products, indefinite }) => {
            assert!(reached > asked && products <= 10 && !indefinite, "{reached} {asked} {products}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_shrinking_step_also_answers_a_solver_that_misses_its_residual_on_an_indefinite_matrix() {
    let eigenvalues: Vec<f64> = (0..200).map(|k| -9.0 + 0.5 * f64::from(k)).collect();
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(3).data());
    let mut method = LinearlyImplicitEuler::new(Minres::of(gf_optim::solver::Hessian, 1e-10, 40));
    let (outcome, trace) = run(&mut quadratic, &mut method, &mut Constant::shrinking(0.5), &[1.0; 200], 1);
    assert_eq!(outcome.stop, Stop::Steps);
    assert!(trace.rejected[1] >= 3 && trace.step_size[1].unwrap() < 1.0 / 9.0, "{:?}", trace.step_size);
    assert_eq!(trace.events[1], ["past-pole"]);
}

#[test]
fn another_step_size_repeats_no_factorization_that_failed() {
    let settings = NewtonSettings { damping: 1e-4, ascent: OnAscent::Abort, ..Default::default() };
    let mut method = DampedNewton::new(settings, Direct::cholesky());
    let (outcome, _) = run(&mut Himmelblau, &mut method, &mut Armijo::default(), &SADDLE, 1);
    assert!(matches!(outcome.stop, Stop::Failed(StepFailure::Indefinite { .. })), "{:?}", outcome.stop);
    assert_eq!((outcome.work.factorizations, outcome.work.matrices), (1, 1));
}

/// Notes products and matrices of each step.
#[derive(Default)]
struct WorkOfSteps(Vec<(u64, u64)>, (u64, u64));
impl Observer for WorkOfSteps {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        let total = (record.work.products, record.work.matrices);
        self.0.push((total.0 - self.1.0, total.1 - self.1.1));
        self.1 = total;
    }
}

#[test]
fn the_automatic_solver_takes_over_directly_where_minres_costs_more_and_says_so() {
    let eigenvalues: Vec<f64> = (0..120).map(|k| 1e-4 * 1.12f64.powi(k)).collect();
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(1).data());
    let theta = [1.0; 120];
    // By the size of the step, or by the limit of products.
    for (h, products, taken_over) in [(1e3, 2000, true), (1.0, 2000, false), (1.0, 10, true)] {
        let reference = one_step(&mut quadratic, &mut LinearlyImplicitEuler::new(Direct::lblt()), h, &theta);
        let mut method = LinearlyImplicitEuler::new(Automatic::new(1e-10, products));
        let (outcome, trace) = run(&mut quadratic, &mut method, &mut Constant::new(h), &theta, 1);
        assert_eq!(trace.events[1] == ["used-direct-solver"], taken_over, "{h} {products}");
        assert_eq!(outcome.work.matrices, u64::from(taken_over));
        // Residual 1e-10, condition number 7e4 at most.
        assert!(distance(&outcome.theta, &reference) < 1e-5);
    }
}

#[test]
fn the_automatic_solver_tries_minres_again_at_growing_intervals_and_forgets_them_with_the_run() {
    let eigenvalues: Vec<f64> = (0..120).map(|k| 1e-4 * 1.12f64.powi(k)).collect();
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(1).data());
    let mut method = LinearlyImplicitEuler::new(Automatic::new(1e-10, 2000));
    for _ in 0..2 {
        let mut work = WorkOfSteps::default();
        let start = vec![1.0; 120];
        integrate(&mut quadratic, &mut method, &mut Constant::new(1e3), &mut [&mut work], start, &Budget::steps(22))
            .unwrap();
        let tried: Vec<usize> = (1..=22).filter(|step| work.0[*step].0 > 0).collect();
        // In vain at step 1, then after 1, 2, 4 and 8 steps without.
        assert_eq!(tried, [1, 3, 6, 11, 20]);
        assert!(work.0[1..].iter().all(|(_, matrices)| *matrices == 1));
    }
}

#[test]
fn another_step_size_at_the_same_point_reuses_the_krylov_space() {
    let eigenvalues: Vec<f64> = (0..200).map(|k| -9.0 + 0.5 * f64::from(k)).collect();
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(3).data());
    let products = |h: f64, quadratic: &mut Quadratic| {
        let mut method = LinearlyImplicitEuler::with_policy(Minres::default(), Accept);
        run(quadratic, &mut method, &mut Constant::new(h), &[1.0; 200], 1).0.work.products
    };
    let (first, last) = (products(0.44, &mut quadratic), products(0.11, &mut quadratic));
    assert!(first > last && last > 20);
    let mut method = LinearlyImplicitEuler::new(Minres::default());
    let (outcome, trace) = run(&mut quadratic, &mut method, &mut Constant::shrinking(0.44), &[1.0; 200], 1);
    assert_eq!((trace.rejected[1], trace.step_size[1]), (2, Some(0.11)));
    // h = 0.22 and 0.11 are easier: one product each, for the true residual.
    assert_eq!(outcome.work.products, first + 2);
    let mut method = LinearlyImplicitEuler::new(Minres::default());
    let (outcome, _) = run(&mut quadratic, &mut method, &mut Constant::new(0.44), &[1.0; 200], 1);
    let message = outcome.stop.to_string();
    assert!(message.contains("its lowest eigenvalue is at most -6.73e0"), "{message}");
}

#[test]
fn a_warm_start_changes_no_solution_and_is_forgotten_between_runs() {
    let eigenvalues: Vec<f64> = (0..100).map(|k| 0.5 * f64::from(k)).collect();
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(4).data());
    let steps = 8;
    let mut go = |method: &mut dyn Discretization<Quadratic>| {
        run(&mut quadratic, method, &mut Constant::new(0.01), &[1.0; 100], steps).0
    };
    let hessian = gf_optim::solver::Hessian;
    let mut methods: [[Box<dyn Discretization<Quadratic>>; 2]; 2] = [
        [false, true].map(|warm| {
            let solver = Minres::of(hessian, 1e-10, 500).with_warm_start(warm);
            Box::new(LinearlyImplicitEuler::new(solver)) as Box<dyn Discretization<Quadratic>>
        }),
        [false, true].map(|warm| {
            let solver = ConjugateGradients::of(hessian, 1e-10, 500).with_warm_start(warm);
            Box::new(LinearlyImplicitEuler::new(solver)) as Box<dyn Discretization<Quadratic>>
        }),
    ];
    for [cold, warm] in &mut methods {
        let (cold, first) = (go(&mut **cold), go(&mut **warm));
        // A start that does not help costs its product.
        assert!(first.work.products <= cold.work.products + steps && first.theta != cold.theta);
        assert!(distance(&first.theta, &cold.theta) < 1e-9);
        assert_eq!(go(&mut **warm), first, "a run depends on its start alone");
    }
}

#[test]
fn a_failing_objective_and_a_bad_start_are_misuse() {
    struct Failing;
    impl Objective for Failing {
        fn dim(&self) -> usize {
            1
        }
        fn value(&mut self, _: &[f64]) -> Result<f64, EvalError> {
            Err(EvalError::NotFinite { what: "the input" })
        }
        fn value_and_gradient(&mut self, theta: &[f64], _: &mut [f64]) -> Result<f64, EvalError> {
            self.value(theta)
        }
    }
    let go = |theta: Vec<f64>| {
        integrate(&mut Failing, &mut ExplicitEuler, &mut Constant::new(0.1), &mut [], theta, &Budget::steps(1))
    };
    assert!(matches!(go(vec![1.0]), Err(RunError::Evaluation(EvalError::NotFinite { .. }))));
    assert!(matches!(go(vec![1.0, 2.0]), Err(RunError::Evaluation(EvalError::Length { expected: 1, found: 2, .. }))));
    assert!(matches!(go(vec![f64::NAN]), Err(RunError::Start { index: 0, .. })));
}

#[test]
fn an_unchanged_sample_is_not_evaluated_twice_and_a_changed_one_is() {
    struct Batched(Quadratic, Sample);
    impl Objective for Batched {
        fn dim(&self) -> usize {
            self.0.dim()
        }
        fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
            self.0.value(theta)
        }
        fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
            self.0.value_and_gradient(theta, gradient)
        }
        fn begin_step(&mut self, _: u64) -> Sample {
            self.1
        }
    }
    for (sample, gradients) in [(Sample::Unchanged, 3), (Sample::Changed, 4)] {
        let mut objective = Batched(Quadratic::diagonal(&[1.0]), sample);
        let (outcome, _) = run(&mut objective, &mut ExplicitEuler, &mut Constant::new(0.1), &[1.0], 3);
        assert_eq!(outcome.work.gradients, gradients);
    }
}

#[test]
fn wrapped_problems_solve_matrix_free_and_dense_alike() {
    let mut full = Full::new(Rosenbrock::new(6));
    let theta = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4];
    let dense = one_step(&mut full, &mut LinearlyImplicitEuler::new(Direct::cholesky()), 1e-3, &theta);
    let free = one_step(&mut full, &mut LinearlyImplicitEuler::new(Minres::default()), 1e-3, &theta);
    assert!(distance(&free, &dense) < 1e-10);
    assert!(full.hessian_at(&theta).is_ok());
}
