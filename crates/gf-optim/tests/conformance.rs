//! Walks the registry: the claims of every method, with no code from its author.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_core::Streams;
use gf_core::problems::{Quadratic, Quartic};
use gf_optim::registry::{AnyObjective, ControlSettings, METHODS, MethodSettings};
use gf_optim::{Budget, SettingsError, Stop, integrate};
use support::{Full, Trace, distance};

/// The method's settings with step size `h`, told to take indefinite steps.
fn with_step(name: &str, h: f64) -> MethodSettings {
    let text = match name {
        "implicit" => format!("implicit = {{ h = {h:e}, indefinite = \"accept\" }}"),
        _ => format!("{name} = {{ h = {h:e} }}"),
    };
    toml::from_str(&text).unwrap()
}

fn run(objective: &mut AnyObjective, settings: &MethodSettings, theta: &[f64], steps: u64) -> Trace {
    let mut trace = Trace::default();
    let mut method = settings.build().unwrap();
    let mut control = settings.build_control(Some(&ControlSettings::Constant(Default::default()))).unwrap();
    let outcome =
        integrate(objective, &mut *method, &mut *control, &mut [&mut trace], theta.to_vec(), &Budget::steps(steps));
    assert_eq!(outcome.unwrap().stop, Stop::Steps);
    trace
}

#[test]
fn one_step_on_a_quadratic_multiplies_each_eigencomponent_by_r_of_z() {
    let eigenvalues = [12.0, 3.0, 0.7, 0.0, -0.4, -1.9, -40.0];
    let quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(5).data());
    for info in METHODS {
        let Some(amplification) = info.amplification else { continue };
        for h in [0.03, 0.2, 0.9, 4.0] {
            let mut start = vec![1.0; eigenvalues.len()];
            quadratic.from_eigenbasis(&mut start);
            start.iter_mut().zip(quadratic.center()).for_each(|(x, c)| *x += c);
            let trace = run(&mut quadratic.clone(), &with_step(info.name, h), &start, 1);
            let mut end: Vec<f64> = trace.theta[1].iter().zip(quadratic.center()).map(|(x, c)| x - c).collect();
            quadratic.to_eigenbasis(&mut end);
            for (component, lambda) in end.iter().zip(eigenvalues) {
                let expected = amplification(h * lambda);
                // The largest factor sets the scale of rounding; solves stop at a relative residual of 1e-10.
                let scale = eigenvalues.iter().fold(1.0f64, |m, l| m.max(amplification(h * l).abs()));
                let tolerance = if info.name == "explicit" { 1e-12 } else { 1e-8 };
                assert!((component - expected).abs() <= tolerance * scale, "{} h={h} λ={lambda}", info.name);
            }
        }
    }
}

#[test]
fn direct_solvers_reach_r_of_z_to_rounding() {
    let eigenvalues = [12.0, 3.0, 0.7, -0.4, -1.9];
    let mut quadratic = Quadratic::diagonal(&eigenvalues);
    let settings: MethodSettings =
        toml::from_str("implicit = { h = 0.2, indefinite = \"accept\", solver = \"lblt\" }").unwrap();
    let trace = run(&mut quadratic, &settings, &[1.0; 5], 1);
    for (found, lambda) in trace.theta[1].iter().zip(eigenvalues) {
        let expected = 1.0 / (1.0 + 0.2 * lambda);
        assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found} against {expected}");
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
        for info in METHODS {
            let Some(order) = info.order else { continue };
            let errors: Vec<f64> = [200u64, 400]
                .iter()
                .map(|&steps| {
                    let settings = with_step(info.name, 1.0 / steps as f64);
                    distance(run(&mut *objective, &settings, &theta, steps).theta.last().unwrap(), &exact)
                })
                .collect();
            let observed = (errors[0] / errors[1]).log2();
            assert!((observed - f64::from(order)).abs() < 0.1, "{} on {problem}: order {observed}", info.name);
        }
    }
}

#[test]
fn explicit_euler_is_stable_just_below_its_limit_and_unstable_just_above() {
    for (h, grows) in [(1.99, false), (2.01, true)] {
        let trace = run(&mut Quadratic::diagonal(&[1.0]), &with_step("explicit", h), &[1.0], 200);
        assert_eq!(trace.theta.last().unwrap()[0].abs() > 1.0, grows);
    }
}

#[test]
fn time_and_step_size_are_recorded_for_methods_that_follow_the_flow_only() {
    let mut quadratic = Quadratic::diagonal(&[1.0, 3.0]);
    for settings in MethodSettings::all_defaults() {
        let mut trace = Trace::default();
        let mut method = settings.build().unwrap();
        let mut control = settings.build_control(None).unwrap();
        let budget = Budget::steps(2);
        integrate(
            &mut quadratic as &mut AnyObjective,
            &mut *method,
            &mut *control,
            &mut [&mut trace],
            vec![1.0; 2],
            &budget,
        )
        .unwrap();
        let follows = settings.info().order.is_some();
        assert_eq!(trace.time.iter().all(Option::is_some), follows, "{}", settings.info().name);
        assert_eq!(trace.step_size[0], None);
        assert_eq!(trace.step_size[1].is_some(), follows);
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
}

#[test]
fn settings_survive_a_round_trip_through_toml() {
    for settings in MethodSettings::all_defaults() {
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<MethodSettings>(&text).unwrap(), settings, "{text}");
    }
}
