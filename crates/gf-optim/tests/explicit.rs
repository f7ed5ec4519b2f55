//! Explicit methods against values from elsewhere: by hand, from SciPy, PyTorch and the literature; work, clipping, failures.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_core::problems::{Himmelblau, Quadratic, Quartic};
use gf_core::{Counted, FromClosure, Objective};
use gf_optim::control::{Constant, EmbeddedError};
use gf_optim::methods::{
    Clip, Clipped, ExplicitEuler, HeavyBall, Nesterov, NormalizedDescent, Rkc2, RmsProp, RungeKutta,
};
use gf_optim::registry::{AnyObjective, MethodSettings};
use gf_optim::stability::{self, Behavior};
use gf_optim::{Budget, Discretization, EventLog, Outcome, Point, StepFailure, Stop, integrate};
use support::{Full, Trace, distance};

fn settings(text: &str) -> MethodSettings {
    toml::from_str(text).unwrap()
}

fn run<O: Objective + ?Sized>(
    objective: &mut O,
    method: &mut dyn Discretization<O>,
    h: f64,
    theta: &[f64],
    steps: u64,
) -> (Outcome, Trace) {
    let mut trace = Trace::default();
    let control = &mut Constant::new(h);
    let outcome =
        integrate(objective, method, control, &mut [&mut trace], theta.to_vec(), &Budget::steps(steps)).unwrap();
    (outcome, trace)
}

/// Ten steps of the method's own size on Himmelblau's function from (2.5, 1.5).
fn ten_steps(text: &str) -> (Outcome, Trace) {
    let settings = settings(text);
    let mut objective = Full::new(Himmelblau);
    let h = settings.settings().first_step_size();
    run(&mut objective as &mut AnyObjective, &mut *settings.build().unwrap(), h, &[2.5, 1.5], 10)
}

/// What one proposal of `method` at `theta` gives: δ, and the error estimate where there is one.
fn propose<O: Objective>(objective: &mut O, method: &mut RungeKutta, theta: &[f64], h: f64) -> (Vec<f64>, Vec<f64>) {
    let (mut gradient, mut delta) = (vec![0.0; theta.len()], vec![0.0; theta.len()]);
    let loss = objective.value_and_gradient(theta, &mut gradient).unwrap();
    let at = Point { theta, loss, gradient: &gradient, step: 1 };
    Discretization::<O>::init(method, theta.len()).unwrap();
    method.propose(&mut Counted::new(objective), at, h, &mut delta, &mut EventLog::default()).unwrap();
    let estimate = Discretization::<O>::local_error(method).map_or(Vec::new(), |error| error.estimate.to_vec());
    (delta, estimate)
}

/// L = Σ(1 − cos θ), whose flow is tan(θ(t)/2) = e^(−t) tan(θ(0)/2).
fn pendulum() -> impl Objective {
    FromClosure::new(1, |theta: &[f64], gradient: &mut [f64]| {
        gradient[0] = theta[0].sin();
        1.0 - theta[0].cos()
    })
}

fn pendulum_flow(theta: f64, t: f64) -> f64 {
    2.0 * ((0.5 * theta).tan() * (-t).exp()).atan()
}

#[test]
fn a_step_costs_the_gradients_that_the_registry_says() {
    for (text, gradients) in [
        ("explicit = {}", 10),
        ("normalized = {}", 10),
        ("midpoint = {}", 20),
        ("heun = {}", 20),
        ("rk4 = {}", 40),
        ("dormand-prince = {}", 70),
        ("tsitouras = {}", 70),
        ("rkc2 = { h = 0.01 }", 100),
        ("rkc2 = { h = 0.01, stages = 3 }", 30),
        ("heavy-ball = {}", 10),
        ("nesterov = {}", 20),
        ("rmsprop = {}", 10),
        ("adam = {}", 10),
        ("adamw = {}", 10),
    ] {
        let (outcome, trace) = ten_steps(text);
        let work = outcome.work;
        assert_eq!((&outcome.stop, work.gradients), (&Stop::Steps, gradients), "{text}");
        assert_eq!((work.values, work.products, work.matrices, work.factorizations), (0, 0, 0, 0), "{text}");
        assert!(trace.events.iter().all(Vec::is_empty), "{text}");
    }
}

#[test]
fn stability_ends_where_the_literature_says() {
    // Chebyshev polynomials by cosh: the damped interval ends at (w₀ + 1) T''(w₀)/T'(w₀); R is at most 1 to 2w₀ T''(w₀)/T'(w₀) where s is even.
    let rkc2 = |stages: u32| {
        let s = f64::from(stages);
        let w0 = 1.0 + 2.0 / 13.0 / (s * s);
        let u = f64::acosh(w0);
        let (t, first) = ((s * u).cosh(), s * (s * u).sinh() / u.sinh());
        let ratio = (s * s * t - w0 * first) / (w0 * w0 - 1.0) / first;
        ((w0 + 1.0) * ratio, 2.0 * w0 * ratio)
    };
    for stages in [2, 3, 5, 10, 40] {
        let damped = rkc2(stages).0;
        assert!((damped / (0.653 * f64::from(stages * stages - 1)) - 1.0).abs() < 3e-3, "{stages}: {damped}");
        let settings = settings(&format!("rkc2 = {{ stages = {stages} }}"));
        assert!(stability::limit(settings.settings()).unwrap() > damped);
        for part in 1..100 {
            let amplification = settings.settings().amplification(damped * f64::from(part) / 100.0).unwrap();
            assert_eq!(amplification.behavior(), Behavior::Monotone, "{stages} stages, {part} %");
        }
    }
    for (text, limit) in [
        ("midpoint = {}", 2.0),
        ("heun = {}", 2.0),
        ("rk4 = {}", 2.785293563),
        // The roots of |R| = 1 of the published polynomial and of Tsitouras' tableau, by bisection in Python.
        ("dormand-prince = {}", 3.306567893),
        ("tsitouras = {}", 3.506846994),
        ("rkc2 = { stages = 2 }", rkc2(2).1),
        ("rkc2 = {}", rkc2(10).1),
        ("rkc2 = { stages = 40 }", rkc2(40).1),
        // 2(1 + β) and 2(1 + β)/(1 + 2β).
        ("heavy-ball = { momentum = 0.0 }", 2.0),
        ("heavy-ball = { momentum = 0.5 }", 3.0),
        ("heavy-ball = {}", 3.8),
        ("nesterov = { momentum = 0.0 }", 2.0),
        ("nesterov = { momentum = 0.5 }", 1.5),
        ("nesterov = {}", 3.8 / 2.8),
    ] {
        let settings = settings(text);
        let found = stability::limit(settings.settings()).unwrap();
        assert!((found / limit - 1.0).abs() < 1e-9, "{text}: {found} {limit}");
        if settings.info().order == Some(1) {
            continue;
        }
        for part in 1..100 {
            let z = limit * f64::from(part) / 100.0;
            let behavior = settings.settings().amplification(z).unwrap().behavior();
            assert_eq!(behavior, Behavior::Monotone, "{text} at {z}");
        }
    }
}

#[test]
fn amplification_factors_are_the_published_polynomials() {
    let taylor = |z: f64, order: u32| (0..order).rev().fold(1.0, |sum, k| 1.0 - z / f64::from(k + 1) * sum);
    let factor = |text: &str, z: f64| settings(text).settings().amplification(z).unwrap().current;
    // Tsitouras' coefficient of z⁶ follows from the first value.
    let sixth = (factor("tsitouras = {}", 1.0) - taylor(1.0, 5)) / 1.0;
    for z in [-2.0, 0.3, 1.0, 2.9, 7.0f64] {
        for (text, expected) in [
            ("midpoint = {}", taylor(z, 2)),
            ("heun = {}", taylor(z, 2)),
            ("rk4 = {}", taylor(z, 4)),
            ("dormand-prince = {}", taylor(z, 5) + z.powi(6) / 600.0),
            ("tsitouras = {}", taylor(z, 5) + sixth * z.powi(6)),
        ] {
            let found = factor(text, z);
            // Sums of terms as large as z⁶/120.
            assert!((found - expected).abs() < 1e-13 * (1.0 + z.powi(6)), "{text} at {z}: {found} {expected}");
        }
    }
}

#[test]
fn the_best_heavy_ball_contracts_by_the_root_of_its_momentum() {
    let (low, high) = (2.0f64, 50.0f64);
    let root = (high / low).sqrt();
    let (h, momentum) = ((2.0 / (low.sqrt() + high.sqrt())).powi(2), ((root - 1.0) / (root + 1.0)).powi(2));
    let settings = settings(&format!("heavy-ball = {{ momentum = {momentum} }}"));
    for lambda in [low, 7.0, high] {
        let radius = settings.settings().amplification(h * lambda).unwrap().radius();
        // A double root at both ends: half the digits.
        assert!((radius - (root - 1.0) / (root + 1.0)).abs() < 1e-7, "{radius}");
    }
}

#[test]
fn single_steps_by_hand() {
    // L = θ⁴/4 at 1: ∇L = θ³.
    let quartic = &mut Quartic::new(1);
    assert_eq!(propose(quartic, &mut RungeKutta::midpoint(), &[1.0], 0.5).0, [-0.5 * 0.421875]);
    assert_eq!(propose(quartic, &mut RungeKutta::heun(), &[1.0], 0.5), (vec![-0.28125], vec![0.21875]));
    let (second, third) = (0.125f64, 0.9375f64.powi(3));
    let rk4 = (1.0 + 2.0 * second + 2.0 * third + (1.0 - third).powi(3)) / 6.0;
    assert!((propose(quartic, &mut RungeKutta::rk4(), &[1.0], 1.0).0[0] + rk4).abs() < 1e-15);
    // L = θ²: θ₁ = 1 − ¼·2, y₁ = ½ − ½·½, θ₂ = ¼ − ¼·½.
    let (outcome, _) = run(&mut Quadratic::diagonal(&[2.0]), &mut Nesterov::new(0.5), 0.25, &[1.0], 2);
    assert_eq!(outcome.theta, [0.125]);
    // ∇L = (3, 4)·size, whose square overflows or underflows.
    for size in [1e-200, 1.0, 1e200] {
        let mut quadratic = Quadratic::diagonal(&[3.0 * size, 4.0 * size]);
        let (outcome, trace) = run(&mut quadratic, &mut NormalizedDescent, 0.5, &[1.0, 1.0], 1);
        assert!(distance(&outcome.theta, &[0.7, 0.6]) < 1e-15, "{:?}", outcome.theta);
        assert_eq!((outcome.time, trace.step_size[1]), (None, None));
    }
    let mut clipped = Clipped::new(ExplicitEuler, Clip { norm: Some(1.0), value: None });
    let (outcome, _) = run(&mut Quadratic::diagonal(&[3e200, 4e200]), &mut clipped, 1.0, &[1.0, 1.0], 1);
    assert!(distance(&outcome.theta, &[0.4, 0.2]) < 1e-15, "{:?}", outcome.theta);
    let (outcome, _) = run(&mut Quadratic::diagonal(&[1.0]), &mut NormalizedDescent, 0.5, &[0.0], 3);
    assert_eq!((outcome.stop, outcome.theta), (Stop::Steps, vec![0.0]));
}

#[test]
fn dormand_prince_is_that_of_scipy() {
    // SciPy 1.17: K from scipy.integrate._ivp.rk.rk_step with RK45.A, .B, .C at (2.5, 1.5), h = 0.02; y₁ − y, −h Kᵀ RK45.E and h Kᵀ RK45.P sᵏ, s = 0.3.
    let mut method = RungeKutta::dormand_prince();
    let (delta, estimate) = propose(&mut Himmelblau, &mut method, &[2.5, 1.5], 0.02);
    assert!(distance(&delta, &[0.43097877559458286, 0.2645562561937138]) < 1e-14);
    assert!(distance(&estimate, &[-0.00306742479908849, -0.0010299185904585181]) < 1e-13);
    let mut gradient = [0.0; 2];
    Himmelblau.value_and_gradient(&[2.5, 1.5], &mut gradient).unwrap();
    let interpolant = method.interpolant(&gradient, 0.02, &delta).unwrap();
    let mut out = [0.0; 2];
    interpolant.at(0.3, &mut out);
    assert!(distance(&out, &[0.19168605799794952, 0.10642742706192508]) < 1e-14);
    interpolant.at(0.0, &mut out);
    assert_eq!(out, [0.0; 2]);
    interpolant.at(1.0, &mut out);
    assert_eq!(out, delta[..]);
    assert!(RungeKutta::heun().interpolant(&gradient, 0.02, &delta).is_none());
}

#[test]
fn error_estimates_and_dense_output_have_their_orders() {
    // One step of the pendulum; the errors halve with h by 2^(q + 1).
    let order = |of: &dyn Fn(f64) -> f64, h: f64| (of(h) / of(0.5 * h)).abs().log2();
    let estimate = |make: fn() -> RungeKutta, h: f64| propose(&mut pendulum(), &mut make(), &[2.0], h).1[0];
    for (make, q, h) in [
        (RungeKutta::heun as fn() -> RungeKutta, 1.0, 0.02),
        (RungeKutta::dormand_prince, 4.0, 0.03),
        (RungeKutta::tsitouras, 4.0, 0.03),
    ] {
        let observed = order(&|h| estimate(make, h), h);
        assert!((observed - (q + 1.0)).abs() < 0.1, "{q}: {observed}");
    }
    // Tsitouras's leading coefficient is small there: it rules for shorter steps only.
    for (make, h) in [(RungeKutta::dormand_prince as fn() -> RungeKutta, 0.1), (RungeKutta::tsitouras, 0.05)] {
        let dense = |h: f64| {
            let mut method = make();
            let (delta, _) = propose(&mut pendulum(), &mut method, &[3.0], h);
            let mut out = [0.0];
            let gradient = [3f64.sin()];
            let interpolant = method.interpolant(&gradient, h, &delta).unwrap();
            interpolant.at(1.0, &mut out);
            assert!((out[0] - delta[0]).abs() < 1e-14);
            interpolant.at(0.4, &mut out);
            3.0 + out[0] - pendulum_flow(3.0, 0.4 * h)
        };
        let observed = order(&dense, h);
        assert!((observed - 5.0).abs() < 0.2, "{observed}");
    }
}

#[test]
fn methods_of_order_five_have_it_on_a_nonlinear_flow() {
    let exact = pendulum_flow(3.0, 2.0);
    for make in [RungeKutta::dormand_prince as fn() -> RungeKutta, RungeKutta::tsitouras] {
        let error = |steps: u64| {
            let (outcome, _) = run(&mut pendulum(), &mut make(), 2.0 / steps as f64, &[3.0], steps);
            (outcome.theta[0] - exact).abs()
        };
        let observed = (error(32) / error(64)).log2();
        assert!((observed - 5.0).abs() < 0.1, "{observed}");
    }
}

#[test]
fn embedded_errors_keep_the_flow_within_the_tolerance() {
    for name in ["heun", "dormand-prince", "tsitouras"] {
        let settings = settings(&format!("{name} = {{}}"));
        let mut control = EmbeddedError::with_tolerance(1e-7);
        control.first = Some(0.01);
        let mut method = settings.build().unwrap();
        let budget = Budget { flow_time: 2.0, ..Budget::steps(100_000) };
        let mut objective = Full::new(Quartic::new(1));
        let outcome =
            integrate(&mut objective as &mut AnyObjective, &mut *method, &mut control, &mut [], vec![1.5], &budget)
                .unwrap();
        assert_eq!(outcome.stop, Stop::FlowTime, "{name}");
        // The last step goes beyond the end: compared at the time reached. The flow contracts, so local errors do not add up to much more.
        let reached = Quartic::new(1).flow(&[1.5], outcome.time.unwrap());
        assert!(distance(&outcome.theta, &reached) < 1e-5, "{name}: {:?} {reached:?}", outcome.theta);
        assert!(outcome.steps < if name == "heun" { 5000 } else { 60 }, "{name}: {}", outcome.steps);
    }
}

/// θ after steps 1, 3 and 10 on Himmelblau's function from (2.5, 1.5), by PyTorch 2.15 in float64:
/// `o.zero_grad(); x, y = t; ((x*x+y-11)**2 + (x+y*y-7)**2).backward(); o.step()`, o the optimizer named beside each table.
type Table = [[f64; 2]; 3];

#[test]
fn optimizers_are_those_of_pytorch() {
    let cases: [(&str, Table, f64); 6] = [
        // torch.optim.RMSprop([t], lr=0.01)
        (
            "rmsprop = { h = 0.01 }",
            [
                [2.5999999997297296, 1.5999999995],
                [2.7135490688177146, 1.7146360814133963],
                [2.892491998546901, 1.8966660108008764],
            ],
            1e-14,
        ),
        // torch.optim.Adam([t], lr=0.1)
        (
            "adam = { h = 0.1 }",
            [
                [2.599999999972973, 1.59999999995],
                [2.7964863931118544, 1.7968149418521848],
                [3.1927446941406514, 2.190215336578503],
            ],
            1e-14,
        ),
        // torch.optim.AdamW([t], lr=0.1, weight_decay=0.05)
        (
            "adamw = { h = 0.1, weight_decay = 0.05 }",
            [
                [2.5874999999729726, 1.59249999995],
                [2.7583761308692147, 1.7735065810100907],
                [3.134725766727297, 2.1688636509111476],
            ],
            1e-14,
        ),
        // torch.optim.SGD([t], lr=0.004, momentum=0.9)
        (
            "heavy-ball = { h = 0.004 }",
            [[2.648, 1.58], [3.173277783565216, 1.8812043919322496], [2.582764547895614, 2.0343950099422763]],
            1e-13,
        ),
        // torch.optim.SGD([t], lr=0.01) after torch.nn.utils.clip_grad_value_([t], 20.0)
        (
            "explicit = { h = 0.01, clip_value = 20.0 }",
            [[2.7, 1.7], [3.002030924672, 1.9046845557483314], [3.00454699920308, 1.9888986338708037]],
            1e-14,
        ),
        // torch.optim.SGD([t], lr=0.01) after torch.nn.utils.clip_grad_norm_([t], 20.0), which divides by ‖g‖ + 1e-6.
        (
            "explicit = { h = 0.01, clip_norm = 20.0 }",
            [
                [2.675941298532071, 1.5951034046119303],
                [3.0101545368257465, 1.8051237249715442],
                [3.0101364102845514, 1.9749141843744507],
            ],
            1e-7,
        ),
    ];
    for (text, table, tolerance) in cases {
        let (_, trace) = ten_steps(text);
        for (step, expected) in [1, 3, 10].into_iter().zip(table) {
            let found = &trace.theta[step];
            assert!(distance(found, &expected) < tolerance, "{text}, step {step}: {found:?} {expected:?}");
        }
    }
    // torch.optim.SGD([t], lr=0.004, momentum=0.9, nesterov=True) moves what is y here.
    let table = [[2.7812, 1.652], [3.2287547862851067, 1.9494773205457747], [2.90926335166081, 2.0728263079026115]];
    let (_, trace) = ten_steps("nesterov = { h = 0.004 }");
    for (step, expected) in [1, 3, 10].into_iter().zip(table) {
        let (last, now) = (&trace.theta[step - 1], &trace.theta[step]);
        let ahead = [0, 1].map(|i| now[i] + 0.9 * (now[i] - last[i]));
        assert!(distance(&ahead, &expected) < 1e-13, "nesterov, step {step}: {ahead:?}");
    }
}

#[test]
fn preconditioned_steps_do_not_see_the_scale_of_the_loss() {
    for text in ["rmsprop = {}", "adam = {}", "adamw = {}"] {
        let end = |scale: f64| {
            let mut quadratic = Quadratic::diagonal(&[scale, 7.0 * scale]);
            let mut method = settings(text).build().unwrap();
            run(&mut quadratic as &mut AnyObjective, &mut *method, 0.01, &[1.0, -2.0], 5).0.theta
        };
        // ε is 1e-8, beside roots of mean squares from 0.1 up; five steps of at most 0.1.
        assert!(distance(&end(1.0), &end(1024.0)) < 1e-7, "{text}");
    }
}

#[test]
fn clipping_is_named_where_it_acts_and_changes_nothing_elsewhere() {
    for name in ["explicit", "heavy-ball", "nesterov", "rmsprop", "adam", "adamw"] {
        let plain = ten_steps(&format!("{name} = {{}}")).1;
        for key in ["clip_norm", "clip_value"] {
            let (_, idle) = ten_steps(&format!("{name} = {{ {key} = 1e3 }}"));
            assert_eq!(idle.theta, plain.theta, "{name} {key}");
            assert!(idle.events.iter().all(Vec::is_empty), "{name} {key}");
            let (_, acts) = ten_steps(&format!("{name} = {{ {key} = 1e-3 }}"));
            assert_ne!(acts.theta, plain.theta, "{name} {key}");
            assert!(acts.events[1..].iter().all(|events| events == &["clipped-gradient"]), "{name} {key}");
            let error = settings(&format!("{name} = {{ {key} = 0.0 }}")).validate().unwrap_err();
            assert_eq!(error.key, format!("{name}.{key}"));
        }
    }
    // Entries first: (3, 40) becomes (3, 4), and then 5/2 long.
    let mut quadratic = Quadratic::diagonal(&[3.0, 40.0]);
    let mut method = Clipped::new(HeavyBall::new(0.0), Clip { norm: Some(2.5), value: Some(4.0) });
    let (outcome, _) = run(&mut quadratic, &mut method, 0.2, &[1.0, 1.0], 1);
    assert!(distance(&outcome.theta, &[0.7, 0.6]) < 1e-15, "{:?}", outcome.theta);
    // Nesterov's gradient is the one at y: with θ = 1, ½ and y = ½ + 0.9·(−½) = 0.05, ∇L = 0.1 is not clipped.
    let mut method = Nesterov::clipped(0.9, Clip { norm: Some(0.5), value: None });
    let (outcome, trace) = run(&mut Quadratic::diagonal(&[2.0]), &mut method, 1.0, &[1.0], 2);
    assert!((outcome.theta[0] + 0.05).abs() < 1e-15);
    assert_eq!(trace.events[1..], [vec!["clipped-gradient"], vec![]]);
}

#[test]
fn a_stage_that_is_not_finite_fails_the_step_by_name() {
    // ∇L = 10 for θ > 0, unknown elsewhere.
    let half_line = || {
        FromClosure::new(1, |theta: &[f64], gradient: &mut [f64]| {
            gradient[0] = if theta[0] > 0.0 { 10.0 } else { f64::NAN };
            10.0 * theta[0]
        })
    };
    fn boxed<O: Objective, M: Discretization<O> + 'static>(method: M) -> Box<dyn Discretization<O>> {
        Box::new(method)
    }
    for method in 0..6 {
        let make = || match method {
            0 => boxed(RungeKutta::midpoint()),
            1 => boxed(RungeKutta::heun()),
            2 => boxed(RungeKutta::rk4()),
            3 => boxed(RungeKutta::dormand_prince()),
            4 => boxed(RungeKutta::tsitouras()),
            _ => boxed(Rkc2::new(5)),
        };
        let (outcome, _) = run(&mut half_line(), &mut *make(), 5.0, &[1.0], 1);
        assert!(outcome.stop.to_string().contains("the gradient at a stage of the step is not finite"), "{method}");
        assert_eq!(outcome.theta, [1.0]);
        let control = &mut Constant::shrinking(5.0);
        let shrunk = integrate(&mut half_line(), &mut *make(), control, &mut [], vec![1.0], &Budget::steps(1)).unwrap();
        assert_eq!(shrunk.stop, Stop::Steps, "{method}");
        assert!(shrunk.rejected > 0 && shrunk.theta[0] < 1.0);
    }
    // θ₁ = 0.1, and y₁ lies beyond 0.
    let (outcome, _) = run(&mut half_line(), &mut Nesterov::new(0.9), 0.09, &[1.0], 5);
    assert!(matches!(outcome.stop, Stop::Failed(StepFailure::NotFinite { .. })), "{:?}", outcome.stop);
    assert_eq!(outcome.steps, 1);
    // The square of the gradient overflows.
    let (outcome, _) = run(&mut Quadratic::diagonal(&[1e200]), &mut RmsProp::new(0.9, 1e-8), 0.1, &[1.0], 1);
    assert!(outcome.stop.to_string().contains("a running mean"), "{}", outcome.stop);
}

#[test]
fn settings_out_of_range_are_named() {
    for (text, key) in [
        ("rkc2 = { stages = 1 }", "rkc2.stages"),
        ("heavy-ball = { momentum = 1.0 }", "heavy-ball.momentum"),
        ("nesterov = { momentum = -0.1 }", "nesterov.momentum"),
        ("rmsprop = { decay = 1.0 }", "rmsprop.decay"),
        ("rmsprop = { epsilon = 0.0 }", "rmsprop.epsilon"),
        ("adam = { beta1 = 1.0 }", "adam.beta1"),
        ("adam = { beta2 = nan }", "adam.beta2"),
        ("adamw = { epsilon = -1.0 }", "adamw.epsilon"),
        ("adamw = { weight_decay = -1.0 }", "adamw.weight_decay"),
    ] {
        assert_eq!(settings(text).validate().unwrap_err().key, key);
    }
    assert_eq!(settings("heavy-ball = { momentum = 0.0 }").validate(), Ok(()));
}
