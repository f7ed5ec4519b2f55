//! Walks the registry: the claims of every method, with no code from its author.
//!
//! A claim is what [`gf_optim::registry`] holds of a method: its order, its amplification factor, whether it follows the flow's clock.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_core::problems::{Himmelblau, Quadratic, Quartic};
use gf_core::{Samples, Streams, Targets};
use gf_layers::{Activation, Batches, Initialization, Loss, Network, NetworkObjective};
use gf_optim::control::{Constant, Judgement, Needs, StepController, StepStart, Trial};
use gf_optim::registry::{AnyObjective, CurvatureNeed, MethodSettings};
use gf_optim::{Budget, Outcome, SettingsError, Start, StepFailure, Stop, integrate, stability};
use support::{Broken, Full, Trace, all_controls, distance};

/// Every method with default settings, changed where it has the key: indefinite steps are taken, systems solved by a factorization.
fn direct() -> Vec<MethodSettings> {
    let changes =
        [("indefinite", "\"accept\""), ("ascent", "\"accept\""), ("solver", "\"lblt\""), ("tolerance", "1e-13")];
    MethodSettings::all_defaults().into_iter().map(|settings| with(&settings, &changes)).collect()
}

/// `settings` with those of the `changes` whose keys it has.
fn with(settings: &MethodSettings, changes: &[(&str, &str)]) -> MethodSettings {
    let mut value = toml::Table::try_from(settings).unwrap();
    let (_, method) = value.iter_mut().next().unwrap();
    let method = method.as_table_mut().unwrap();
    for (key, text) in changes {
        if method.contains_key(*key) {
            let parsed: toml::Table = toml::from_str(&format!("x = {text}")).unwrap();
            method.insert((*key).into(), parsed["x"].clone());
        }
    }
    value.try_into().unwrap()
}

fn name(settings: &MethodSettings) -> &'static str {
    settings.info().name
}

/// h whose steps take the time `time`, for methods that follow the flow.
fn step_size(settings: &MethodSettings, time: f64) -> f64 {
    time / settings.build().unwrap().time(1.0).unwrap()
}

fn run_with(
    objective: &mut AnyObjective,
    settings: &MethodSettings,
    control: &mut dyn StepController,
    start: impl Into<Start>,
    steps: u64,
) -> (Trace, Outcome) {
    let mut trace = Trace::default();
    let mut method = settings.build().unwrap();
    let outcome = integrate(objective, &mut *method, control, &mut [&mut trace], start, &Budget::steps(steps)).unwrap();
    (trace, outcome)
}

fn run(objective: &mut AnyObjective, settings: &MethodSettings, h: f64, theta: &[f64], steps: u64) -> Trace {
    let (trace, outcome) = run_with(objective, settings, &mut Constant::new(h), theta.to_vec(), steps);
    assert_eq!(outcome.stop, Stop::Steps, "{}", name(settings));
    trace
}

#[test]
fn steps_on_a_quadratic_obey_the_published_recurrence() {
    let eigenvalues = [12.0, 3.0, 0.7, 0.0, -0.4, -1.9, -40.0];
    let quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(5).data());
    for settings in direct() {
        if settings.settings().amplification(0.1).is_none() {
            continue;
        }
        for h in [0.03, 0.2, 0.9, 4.0] {
            let mut start = vec![1.0; eigenvalues.len()];
            quadratic.from_eigenbasis(&mut start);
            start.iter_mut().zip(quadratic.center()).for_each(|(x, c)| *x += c);
            let trace = run(&mut quadratic.clone(), &settings, h, &start, 2);
            let components: Vec<Vec<f64>> = trace
                .theta
                .iter()
                .map(|theta| {
                    let mut x: Vec<f64> = theta.iter().zip(quadratic.center()).map(|(x, c)| x - c).collect();
                    quadratic.to_eigenbasis(&mut x);
                    x
                })
                .collect();
            let scale = components[1..].iter().flatten().fold(1.0f64, |m, x| m.max(x.abs()));
            for (i, lambda) in eigenvalues.iter().enumerate() {
                let factors = settings.settings().amplification(h * lambda).unwrap();
                let expected = factors.current * components[1][i] + factors.previous * components[0][i];
                let found = components[2][i];
                // Sums of numbers as large as the largest component, and of the factors themselves.
                let rounding = 1e-12 * scale * (1.0 + factors.current.abs());
                assert!(
                    (found - expected).abs() <= rounding,
                    "{} h={h} λ={lambda}: {found} {expected}",
                    name(&settings)
                );
            }
        }
    }
}

#[test]
fn methods_converge_to_the_exact_flow_with_their_order() {
    let theta = [1.2, -0.7];
    let quartic = Quartic::new(2);
    let linear = Quadratic::rotated(&[2.0, 0.5], &mut Streams::new(2).data());
    type Flow<'a> = (&'a str, Box<AnyObjective>, Vec<f64>);
    let problems: [Flow; 2] = [
        ("quartic", Box::new(Full::new(quartic)), quartic.flow(&theta, 1.0)),
        ("linear", Box::new(linear.clone()), linear.flow(&theta, 1.0)),
    ];
    for (problem, mut objective, exact) in problems {
        for settings in direct() {
            let Some(order) = settings.info().order else { continue };
            // Few enough that rounding does not show, many enough that the leading term rules (with momentum, after a dozen steps).
            let coarse = [0, 4000, 200, 100, 100, 40][order as usize];
            let error = |objective: &mut AnyObjective, steps: u64| {
                let h = step_size(&settings, 1.0 / steps as f64);
                distance(run(objective, &settings, h, &theta, steps).theta.last().unwrap(), &exact)
            };
            let errors = [error(&mut *objective, coarse), error(&mut *objective, 2 * coarse)];
            if errors[0] < 1e-12 {
                continue; // Exact on this problem, to rounding.
            }
            let observed = (errors[0] / errors[1]).log2();
            let allowed = if order == 1 { 0.1 } else { 0.2 };
            let excess = observed - f64::from(order);
            // On the quartic the next term of methods of order 5 rules until rounding does: `tests/explicit.rs` has a problem where it does not.
            let hidden = order >= 5 && problem == "quartic";
            assert!(
                excess > -allowed && (excess < allowed || hidden),
                "{} on {problem}: order {observed}, errors {errors:?}",
                name(&settings)
            );
        }
    }
}

#[test]
fn methods_are_stable_just_below_their_limit_and_unstable_just_above() {
    let mut tested = Vec::new();
    for settings in direct() {
        let Some(limit) = stability::limit(settings.settings()).filter(|limit| limit.is_finite()) else { continue };
        for (factor, grows) in [(0.995, false), (1.005, true)] {
            let trace = run(&mut Quadratic::diagonal(&[1.0]), &settings, factor * limit, &[1.0], 300);
            let end = trace.theta.last().unwrap()[0].abs();
            assert_eq!(end > 1.0, grows, "{}: {end} at {factor} of {limit}", name(&settings));
        }
        tested.push(name(&settings));
    }
    assert!(tested.contains(&"explicit"));
}

/// Tries other sizes before each step.
struct Doubting {
    h: f64,
    trials: u32,
}

impl StepController for Doubting {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }
    fn follows_flow(&self) -> bool {
        true
    }
    fn first(&mut self, _start: StepStart) -> f64 {
        self.trials = 0;
        0.5 * self.h
    }
    fn judge(&mut self, _trial: Trial<'_>) -> Judgement {
        self.trials += 1;
        match self.trials {
            1 => Judgement::Retry(1.5 * self.h),
            2 => Judgement::Retry(self.h),
            _ => Judgement::Accept,
        }
    }
    fn failed(&mut self, _failure: StepFailure, h: f64) -> Judgement {
        Judgement::Retry(0.5 * h)
    }
}

/// A small nonlinear problem, and where methods start on it.
fn problem() -> (Full<Himmelblau>, Vec<f64>) {
    (Full::new(Himmelblau), vec![2.5, 1.5])
}

/// A size at which every method's steps on [`problem`] are harmless.
fn harmless(settings: &MethodSettings) -> f64 {
    if settings.info().order.is_some() { step_size(settings, 2e-3) } else { 1e-2 }
}

#[test]
fn a_rejected_proposal_leaves_no_trace() {
    for settings in direct() {
        let (mut objective, theta) = problem();
        let h = harmless(&settings);
        let plain = run(&mut objective, &settings, h, &theta, 6);
        let mut doubting = Doubting { h, trials: 0 };
        let (trace, _) = run_with(&mut objective, &settings, &mut doubting, theta, 6);
        assert_eq!(trace.theta, plain.theta, "{}", name(&settings));
        assert_eq!(trace.rejected[1..], [2; 6], "{}", name(&settings));
    }
}

/// A network on shuffled batches, or on all samples, as a new process would make it.
fn network(batches: Batches) -> (NetworkObjective, Vec<f64>) {
    let network = Network::new(2).dense(5, Activation::Tanh).dense(1, Activation::Identity);
    let inputs: Vec<f64> = (0..40).map(|k| (0.7 * f64::from(k)).sin()).collect();
    let values = inputs.chunks_exact(2).map(|x| 2.0 * x[0] * x[1] - x[0]).collect();
    let samples = Samples::new(2, inputs, Targets::Values { width: 1, values }).unwrap();
    let theta = network.init(&Initialization::default(), &mut Streams::new(3).init());
    (network.objective(Loss::mse(), &samples, batches).unwrap(), theta)
}

/// Everything that a record shows of the steps after `split`, and how the run ended.
fn compare(name: &str, split: u64, whole: &(Trace, Outcome), rest: &(Trace, Outcome)) {
    let from = split as usize + 1;
    let ((a, whole), (b, rest)) = (whole, rest);
    assert_eq!(b.theta, a.theta[from..], "{name}, split at {split}");
    assert_eq!((&b.loss[..], &b.rejected[..]), (&a.loss[from..], &a.rejected[from..]), "{name}, split at {split}");
    assert_eq!(b.events, a.events[from..], "{name}, split at {split}");
    assert_eq!(b.gradient_equivalents, a.gradient_equivalents[from..], "{name}, split at {split}");
    assert_eq!((&rest.stop, rest.work, rest.time), (&whole.stop, whole.work, whole.time), "{name}, split at {split}");
    assert_eq!((rest.rejected, &rest.carried), (whole.rejected, &whole.carried), "{name}, split at {split}");
}

/// What a checkpoint holds is all that a run depends on: θ, records, counted work and outcome are those of the run that was not interrupted, for
/// every method, with its linear solvers and under every step control.
#[test]
fn a_run_split_anywhere_and_continued_by_new_objects_is_the_whole_run() {
    let controls = all_controls();
    let solver =
        |name: &str| MethodSettings::all_defaults().into_iter().map(move |s| with(&s, &[("solver", name)])).collect();
    let variants: [Vec<MethodSettings>; 4] = [
        MethodSettings::all_defaults(),
        direct(),
        solver("\"auto\""),
        MethodSettings::all_defaults().into_iter().map(|s| with(&s, &[("warm_start", "true"), ("h", "0.5")])).collect(),
    ];
    let mut tried: Vec<MethodSettings> = Vec::new();
    for settings in variants.into_iter().flatten() {
        if tried.contains(&settings) || settings.validate().is_err() {
            continue;
        }
        for control in &controls {
            let build = || settings.build_control(control.as_ref());
            if build().is_err() {
                continue;
            }
            for batches in [Batches::full(), Batches::shuffled(6, Streams::new(1))] {
                let name = format!("{settings:?} {control:?}");
                let (mut objective, theta) = network(batches);
                let whole = run_with(&mut objective, &settings, &mut *build().unwrap(), theta.clone(), 7);
                for split in 1..whole.1.steps.min(7) {
                    let (mut objective, _) = network(batches);
                    let (mut method, mut first) = (settings.build().unwrap(), build().unwrap());
                    let budget = Budget::steps(split);
                    let start = theta.clone();
                    let objective: &mut AnyObjective = &mut objective;
                    let half = integrate(objective, &mut *method, &mut *first, &mut [], start, &budget).unwrap();
                    let start = Start::resume(&half, &mut *method, &mut *first);
                    let (mut objective, _) = network(batches);
                    let rest = run_with(&mut objective, &settings, &mut *build().unwrap(), start, 7);
                    compare(&name, split, &whole, &rest);
                }
            }
        }
        tried.push(settings);
    }
}

#[test]
fn a_solver_that_fails_ends_the_run_or_shrinks_the_step_and_moves_nothing() {
    for settings in direct().into_iter().chain(MethodSettings::all_defaults()) {
        if settings.info().curvature == CurvatureNeed::None {
            continue;
        }
        let (good, theta) = problem();
        let mut broken = Broken::new(good, 3);
        let control = &mut Constant::new(harmless(&settings));
        let (trace, outcome) = run_with(&mut broken, &settings, control, theta, 6);
        assert!(matches!(outcome.stop, Stop::Failed(_)), "{}: {:?}", name(&settings), outcome.stop);
        assert_eq!(&outcome.theta, trace.theta.last().unwrap(), "{}", name(&settings));
        assert!(outcome.theta.iter().all(|x| x.is_finite()), "{}", name(&settings));
    }
}

#[test]
fn dense_and_matrix_free_steps_agree() {
    for settings in direct() {
        let free = with(&settings, &[("solver", "\"minres\""), ("tolerance", "1e-12")]);
        if free == settings {
            continue;
        }
        let (mut objective, theta) = problem();
        let h = harmless(&settings);
        let dense = run(&mut objective, &settings, h, &theta, 5);
        let free = run(&mut objective, &free, h, &theta, 5);
        let apart = distance(free.theta.last().unwrap(), dense.theta.last().unwrap());
        assert!(apart < 1e-9, "{}: {apart}", name(&settings));
    }
}

#[test]
fn time_and_step_size_are_recorded_for_methods_that_follow_the_flow_only() {
    for settings in MethodSettings::all_defaults() {
        let (mut objective, theta) = problem();
        let h = harmless(&settings);
        let trace = run(&mut objective, &settings, h, &theta, 2);
        let time = settings.build().unwrap().time(h);
        assert_eq!(settings.info().order.is_some(), time.is_some(), "{}", name(&settings));
        assert_eq!(trace.time, [time.map(|_| 0.0), time, time.map(|t| 2.0 * t)], "{}", name(&settings));
        assert_eq!(trace.step_size, [None, time.map(|_| h), time.map(|_| h)], "{}", name(&settings));
        assert_eq!(trace.learning_rate, [None, Some(h), Some(h)], "{}", name(&settings));
    }
}

#[test]
fn settings_are_checked_with_key_expected_and_found() {
    let error =
        |text: &str| -> SettingsError { toml::from_str::<MethodSettings>(text).unwrap().validate().unwrap_err() };
    assert_eq!(error("explicit = { h = -0.1 }").to_string(), "explicit.h: expected a positive number, found -0.1");
    assert_eq!(error("explicit = { h = nan }").key, "explicit.h");
    assert_eq!(error("implicit = { tolerance = 0.0 }").key, "implicit.tolerance");
    assert_eq!(error("implicit = { max_products = 0 }").key, "implicit.max_products");
    assert_eq!(error("implicit = { indefinite = \"accept\", solver = \"cg\" }").key, "implicit.solver");
    assert_eq!(error("newton = { damping = -1.0 }").key, "newton.damping");
    assert_eq!(error("newton = { warm_up_h = 0.0 }").key, "newton.warm_up_h");
    assert!(toml::from_str::<MethodSettings>("implicit = { step = 0.1 }").unwrap_err().to_string().contains("`step`"));
    for settings in MethodSettings::all_defaults() {
        assert_eq!(settings.validate(), Ok(()), "{}", name(&settings));
        let wrong = with(&settings, &[("h", "-1.0")]);
        if wrong != settings {
            assert_eq!(wrong.validate().unwrap_err().key, format!("{}.h", name(&settings)));
        }
    }
}

#[test]
fn settings_survive_a_round_trip_through_toml() {
    for settings in MethodSettings::all_defaults() {
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<MethodSettings>(&text).unwrap(), settings, "{text}");
    }
}

#[test]
fn names_are_the_keys_of_studies() {
    for settings in MethodSettings::all_defaults() {
        let value = toml::Table::try_from(&settings).unwrap();
        assert_eq!(value.keys().next().unwrap(), name(&settings));
    }
}
