//! Step control: every rule against its published formula, on trials written down here, and on runs.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_core::problems::{Himmelblau, Quadratic, Rosenbrock};
use gf_core::{FromClosure, Objective, vector};
use gf_optim::control::{
    EmbeddedError, Exhausted, GainRatio, Judgement, StepStart, StrongWolfe, SwitchedEvolution, Trial, TrustRadius,
};
use gf_optim::methods::{ExplicitEuler, Lbfgs, LinearlyImplicitEuler};
use gf_optim::solver::Direct;
use gf_optim::{Budget, Discretization, LocalError, StepController, StepFailure, Stop, integrate};
use support::{Trace, distance};

fn start() -> StepStart {
    StepStart { step: 1, loss: 1.0, gradient_norm: 1.0 }
}

/// `control`, changed.
fn with<T>(mut control: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut control);
    control
}

/// A trial from L = 1 with this gain ratio and step.
fn trial(h: f64, gain: f64, delta: &[f64]) -> Trial<'_> {
    Trial {
        theta: &[1.0, 1.0],
        delta,
        loss: 1.0,
        trial_loss: Some(1.0 - 0.1 * gain),
        slope: -0.2,
        trial_slope: None,
        h,
        local_error: None,
        predicted_decrease: Some(0.1),
    }
}

#[test]
fn the_trust_radius_follows_algorithm_4_1() {
    // Gain ratio, ‖δ‖ with radius 2; the radius that follows, and whether the step is taken.
    for (gain, length, radius, accepted) in [
        (0.9, 2.0, 4.0, true),
        (0.9, 1.0, 2.0, true),
        (0.7, 2.0, 2.0, true),
        (0.3, 2.0, 2.0, true),
        (0.2, 2.0, 0.5, true),
        (0.2, 1.0, 0.25, true),
        (1e-5, 2.0, 0.5, false),
        (-3.0, 2.0, 0.5, false),
        (f64::NAN, 2.0, 0.5, false),
        (f64::NEG_INFINITY, 2.0, 0.5, false),
    ] {
        let mut control = TrustRadius::from(2.0);
        assert_eq!(control.first(start()), 2.0);
        let judgement = control.judge(trial(2.0, gain, &[0.0, length]));
        let expected = if accepted { Judgement::Accept } else { Judgement::Retry(radius) };
        assert_eq!(judgement, expected, "{gain} {length}");
        assert_eq!(control.first(start()), radius, "{gain} {length}");
    }
    let mut control = with(TrustRadius::from(2.0), |control| control.maximum = 3.0);
    control.first(start());
    control.judge(trial(2.0, 1.0, &[0.0, 2.0]));
    assert_eq!(control.first(start()), 3.0);
    let mut control = with(TrustRadius::from(2.0), |control| control.minimum = 1.0);
    control.first(start());
    assert!(matches!(control.judge(trial(2.0, -1.0, &[0.0, 2.0])), Judgement::Abort(StepFailure::NoDecrease { .. })));
    // A rejected step that left the radius as it is would come again for ever.
    let settings = with(TrustRadius::default(), |control| control.accept = 0.3);
    assert_eq!(settings.validate().unwrap_err().key, "trust-radius.accept");
}

#[test]
fn the_damping_follows_nielsens_rule() {
    // λ = 1/h: the factors of the report, 1 − (2ρ − 1)³ within [1/3, 2), and ν = 2, 4, 8, … on failure.
    for (gain, factor) in
        [(1.0, 1.0 / 3.0), (2.0, 1.0 / 3.0), (0.75, 0.875), (0.5, 1.0), (0.25, 1.125), (1e-9, 2.0 - 6e-9)]
    {
        let mut control = GainRatio::from(0.5);
        assert_eq!(control.first(start()), 0.5);
        assert_eq!(control.judge(trial(0.5, gain, &[1.0, 0.0])), Judgement::Accept);
        let lambda = 1.0 / control.first(start());
        assert!((lambda - 2.0 * factor).abs() < 1e-8, "{gain}: {lambda}");
    }
    let mut control = GainRatio::from(0.5);
    control.first(start());
    let mut lambda = 2.0;
    for factor in [2.0, 4.0, 8.0] {
        lambda *= factor;
        assert_eq!(control.judge(trial(factor / lambda, -1.0, &[1.0, 0.0])), Judgement::Retry(1.0 / lambda));
    }
    assert_eq!(control.judge(trial(1.0 / lambda, 0.5, &[1.0, 0.0])), Judgement::Accept);
    assert_eq!(control.first(start()), 1.0 / lambda);
    // ν began anew.
    assert_eq!(control.judge(trial(1.0 / lambda, f64::NAN, &[1.0, 0.0])), Judgement::Retry(0.5 / lambda));
    let failure = StepFailure::Singular { shift: 1.0 };
    assert_eq!(control.failed(failure, 0.5 / lambda), Judgement::Retry(0.125 / lambda));
    let hopeless = StepFailure::Ascent { slope: 1.0 };
    assert_eq!(control.failed(hopeless.clone(), 1.0), Judgement::Abort(hopeless));
}

#[test]
fn what_is_equal_to_rounding_agrees_with_the_model() {
    let mut tiny = trial(1.0, 0.0, &[1.0, 0.0]);
    tiny.predicted_decrease = Some(1e-16);
    tiny.trial_loss = Some(1.0 + f64::EPSILON);
    assert_eq!(tiny.gain_ratio(), Some(1.0));
    tiny.trial_loss = Some(f64::INFINITY);
    assert_eq!(tiny.gain_ratio(), Some(f64::NEG_INFINITY));
}

#[test]
fn every_step_of_a_wolfe_search_obeys_both_conditions() {
    // L-BFGS starts with α = 1 mostly right; gradient descent has to search.
    let methods: [(Box<dyn Discretization<Rosenbrock>>, u64); 2] =
        [(Box::new(Lbfgs::new(5)), 30), (Box::new(ExplicitEuler), 200)];
    for (mut method, steps) in methods {
        for (c1, c2) in [(1e-4, 0.9), (1e-4, 0.1), (0.3, 0.4)] {
            let mut objective = Rosenbrock::new(4);
            let mut control = with(StrongWolfe::default(), |control| {
                (control.c1, control.c2, control.exhausted) = (c1, c2, Exhausted::Abort);
            });
            let mut trace = Trace::default();
            let from = vec![-1.2, 1.0, -0.5, 2.0];
            let budget = Budget { gradient_norm: 1e-5, ..Budget::steps(steps) };
            let outcome =
                integrate(&mut objective, &mut *method, &mut control, &mut [&mut trace], from, &budget).unwrap();
            assert!(matches!(outcome.stop, Stop::Steps | Stop::GradientNorm), "{c1} {c2}: {}", outcome.stop);
            for step in trace.theta.windows(2) {
                let delta: Vec<f64> = step[1].iter().zip(&step[0]).map(|(b, a)| b - a).collect();
                let at = |objective: &mut Rosenbrock, theta: &[f64]| {
                    let mut gradient = vec![0.0; 4];
                    let loss = objective.value_and_gradient(theta, &mut gradient).unwrap();
                    (loss, vector::dot(&gradient, &delta))
                };
                let (before, slope) = at(&mut objective, &step[0]);
                let (after, end_slope) = at(&mut objective, &step[1]);
                // Up to the rounding of δ.
                assert!(slope < 0.0 && after <= before + c1 * slope + 1e-12 * before);
                assert!(end_slope.abs() <= -c2 * slope * (1.0 + 1e-6), "{c1} {c2}: {end_slope} {slope}");
            }
            // The gradient of an accepted trial is the next step's.
            assert_eq!(outcome.work.gradients, 1 + outcome.steps + outcome.rejected);
            assert_eq!(outcome.work.values, 0);
        }
    }
}

#[test]
fn a_wolfe_search_names_its_end_without_a_step() {
    let run = |control: &mut StrongWolfe, objective: &mut dyn Objective, theta: f64| {
        let mut trace = Trace::default();
        let budget = Budget::steps(1);
        let outcome =
            integrate(objective, &mut ExplicitEuler, control, &mut [&mut trace], vec![theta], &budget).unwrap();
        (outcome, trace)
    };
    // L = −θ falls for ever: no α meets the curvature condition, and the largest is taken, by name, or refused.
    let mut line = FromClosure::new(1, |t: &[f64], g: &mut [f64]| {
        g[0] = -1.0;
        -t[0]
    });
    let mut control = with(StrongWolfe::default(), |control| control.maximum = 100.0);
    let (outcome, trace) = run(&mut control, &mut line, 0.0);
    assert_eq!((outcome.theta, trace.events[1].clone()), (vec![100.0], vec!["line-search-exhausted"]));
    control.exhausted = Exhausted::Abort;
    assert!(matches!(run(&mut control, &mut line, 0.0).0.stop, Stop::Failed(StepFailure::NoDecrease { .. })));
    // A gradient of the wrong sign: nothing decreases, until no trial differs from the start; that is taken by name.
    let mut wrong = FromClosure::new(1, |t: &[f64], g: &mut [f64]| {
        g[0] = -2.0 * t[0];
        t[0] * t[0]
    });
    let (outcome, trace) = run(&mut StrongWolfe::default(), &mut wrong, 1.0);
    assert!((outcome.theta[0] - 1.0).abs() < 1e-15 && outcome.rejected == 30, "{outcome:?}");
    assert_eq!(trace.events[1], ["line-search-exhausted"]);
    // A wall: infinite beyond 1.
    let mut wall = FromClosure::new(1, |t: &[f64], g: &mut [f64]| {
        g[0] = if t[0] < 1.0 { 1.0 / (1.0 - t[0]) - 4.0 } else { f64::NAN };
        if t[0] < 1.0 { -(1.0 - t[0]).ln() - 4.0 * t[0] } else { f64::INFINITY }
    });
    let (outcome, trace) = run(&mut with(StrongWolfe::default(), |control| control.c2 = 0.1), &mut wall, 0.0);
    assert!((outcome.theta[0] - 0.75).abs() < 0.1 && trace.events[1].is_empty(), "{:?}", outcome.theta);
    // A critical point: the step is zero, and no failure.
    let (outcome, _) = run(&mut StrongWolfe::default(), &mut Quadratic::diagonal(&[1.0]), 0.0);
    assert_eq!((outcome.stop, outcome.theta), (Stop::Steps, vec![0.0]));
}

#[test]
fn a_wolfe_search_comes_back_halfway_from_a_step_that_cannot_be_proposed() {
    let failure = || StepFailure::NotFinite { what: "θ + δ" };
    let steep = |h: f64| Trial {
        slope: -h,
        trial_slope: Some(-0.95 * h),
        trial_loss: Some(1.0 - 0.9 * h),
        ..trial(h, 1.0, &[1.0, 0.0])
    };
    let mut control = StrongWolfe::default();
    assert_eq!(control.first(start()), 1.0);
    assert_eq!(control.judge(steep(1.0)), Judgement::Retry(2.0));
    assert_eq!(control.failed(failure(), 2.0), Judgement::Retry(1.5));
    assert_eq!(control.failed(failure(), 1.5), Judgement::Retry(1.25));
    let flat = Trial { trial_slope: Some(-0.1), ..steep(1.25) };
    assert_eq!(control.judge(flat), Judgement::Accept);
    assert_eq!(control.first(start()), 1.0);
    assert_eq!(control.failed(failure(), 1.0), Judgement::Retry(0.5));
}

#[test]
fn a_wolfe_search_on_a_cubic_ends_at_its_minimum() {
    // φ(α) = α³/3 − α from α = 0: the interpolation is exact, and c₂ leaves hardly anything else.
    let mut cubic = FromClosure::new(1, |t: &[f64], g: &mut [f64]| {
        g[0] = t[0] * t[0] - 1.0;
        t[0].powi(3) / 3.0 - t[0]
    });
    let mut control = with(StrongWolfe::default(), |control| {
        (control.first, control.c1, control.c2) = (1.6, 1e-6, 1e-5);
    });
    let outcome =
        integrate(&mut cubic, &mut ExplicitEuler, &mut control, &mut [], vec![0.0], &Budget::steps(1)).unwrap();
    assert!((outcome.theta[0] - 1.0).abs() < 1e-8 && outcome.rejected == 1, "{outcome:?}");
}

#[test]
fn embedded_errors_set_the_next_step_by_the_pi_rule() {
    let estimate = [2e-3, 0.0];
    let local = |scale: f64| [estimate[0] * scale, 0.0];
    let judge = |control: &mut EmbeddedError, h: f64, estimate: &[f64]| {
        let local_error = Some(LocalError { estimate, order: 1 });
        let delta = [0.5, -0.25];
        control.judge(Trial { local_error, ..trial(h, 1.0, &delta) })
    };
    // Scales 1e-3 + 1e-3·max(1, 1.5) and 1e-3 + 1e-3·max(1, 0.75); rms of two.
    let error = |scale: f64| scale * 2e-3 / 2.5e-3 / 2f64.sqrt();
    let mut control = with(EmbeddedError::with_tolerance(1e-3), |control| control.first = Some(0.1));
    assert_eq!(control.first(start()), 0.1);
    assert_eq!(judge(&mut control, 0.1, &local(1.0)), Judgement::Accept);
    // k = 2; the error before the first counts 1.
    let expected = 0.1 * 0.9 * error(1.0).powf(-0.35);
    assert!((control.first(start()) - expected).abs() < 1e-15);
    assert_eq!(judge(&mut control, 0.1, &local(0.5)), Judgement::Accept);
    let expected = 0.1 * 0.9 * error(0.5).powf(-0.35) * error(1.0).powf(0.2);
    assert!((control.first(start()) - expected).abs() < 1e-15);
    match judge(&mut control, 0.1, &local(10.0)) {
        Judgement::Retry(h) => assert!((h - 0.09 * error(10.0).powf(-0.5)).abs() < 1e-15),
        other => panic!("{other:?}"),
    }
    // At most as long right after a rejection; five times otherwise.
    assert_eq!(judge(&mut control, 0.02, &[0.0, 0.0]), Judgement::Accept);
    assert_eq!(control.first(start()), 0.02);
    assert_eq!(judge(&mut control, 0.02, &[0.0, 0.0]), Judgement::Accept);
    assert_eq!(control.first(start()), 0.1);
    assert_eq!(judge(&mut control, 0.1, &[f64::NAN, 0.0]), Judgement::Retry(0.1 * 0.2));
    control.minimum = 0.05;
    assert!(matches!(judge(&mut control, 0.1, &local(1e9)), Judgement::Abort(StepFailure::StepTooSmall { .. })));
}

#[test]
fn pseudo_transient_continuation_scales_the_step_by_the_fall_of_the_gradient() {
    let at = |gradient_norm: f64| StepStart { step: 1, loss: 1.0, gradient_norm };
    let mut control = with(SwitchedEvolution::from(0.5), |control| control.maximum = 3.0);
    assert_eq!(control.first(at(8.0)), 0.5);
    assert_eq!(control.judge(trial(0.5, 1.0, &[1.0, 0.0])), Judgement::Accept);
    assert_eq!(control.first(at(4.0)), 1.0);
    // A step that was halved is what the next one follows.
    assert_eq!(control.failed(StepFailure::Singular { shift: 1.0 }, 1.0), Judgement::Retry(0.5));
    assert_eq!(control.judge(trial(0.5, 1.0, &[1.0, 0.0])), Judgement::Accept);
    assert_eq!(control.first(at(16.0)), 0.125);
    assert_eq!(control.judge(trial(0.125, 1.0, &[1.0, 0.0])), Judgement::Accept);
    assert_eq!(control.first(at(1e-9)), 3.0);
    // With the implicit step: superlinear, that is, many digits in few steps.
    let mut method = LinearlyImplicitEuler::new(Direct::lblt());
    let budget = Budget { gradient_norm: 1e-10, ..Budget::steps(60) };
    let mut control = SwitchedEvolution::from(0.01);
    let outcome = integrate(&mut Himmelblau, &mut method, &mut control, &mut [], vec![2.0, 1.0], &budget).unwrap();
    assert_eq!(outcome.stop, Stop::GradientNorm);
    assert!(distance(&outcome.theta, &[3.0, 2.0]) < 1e-11 && outcome.steps < 15, "{}", outcome.steps);
}

#[test]
fn a_flow_time_is_reached_where_the_sum_of_steps_misses_it_by_rounding() {
    // Ten times 0.1 sum to 0.9999999999999999.
    for (h, flow_time, steps) in [(0.1, 1.0, 10), (0.25, 1.0, 4), (0.3, 1.0, 4)] {
        let budget = Budget { flow_time, ..Budget::steps(100) };
        let mut control = gf_optim::control::Constant::new(h);
        let mut objective = Quadratic::diagonal(&[1.0]);
        let outcome = integrate(&mut objective, &mut ExplicitEuler, &mut control, &mut [], vec![1.0], &budget).unwrap();
        assert_eq!((outcome.stop, outcome.steps), (Stop::FlowTime, steps), "h = {h}");
    }
}
