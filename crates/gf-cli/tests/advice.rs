//! Advice on planted runs: the largest stable step is known, and what is said must fit. Healthy runs get none.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

use gf_cli::advice::{Advice, Circumstances, Symptom, advice};
use gf_cli::study::FunctionSpec;
use gf_optim::registry::MethodSettings;
use gf_optim::{Budget, Stop, integrate};
use gf_utils::History;

/// Runs a method of step size h on a `[problem]` from `start`, at most so many steps, and asks for advice.
fn advised(problem: &str, method: &str, h: f64, start: &[f64], steps: u64) -> Vec<Advice> {
    let mut objective = toml::from_str::<FunctionSpec>(problem).unwrap().objective(0);
    let settings: MethodSettings = toml::from_str(&format!("{method} = {{ h = {h:e} }}")).unwrap();
    let mut history = History::without_evaluation(steps as usize, 1).unwrap();
    let budget = Budget { loss_limit: 1e12, ..Budget::steps(steps) };
    let mut control = settings.build_control(None).unwrap();
    let mut discretization = settings.build().unwrap();
    let outcome =
        integrate(&mut *objective, &mut *discretization, &mut *control, &mut [&mut history], start.to_vec(), &budget)
            .unwrap();
    let diverged = matches!(outcome.stop, Stop::Diverged { .. });
    let case = Circumstances { method, h, is_noisy: false, diverged, stable_up_to: None };
    advice(history.table().rows(), case)
}

/// 2/λmax = 0.2.
const QUADRATIC: &str = "quadratic = { eigenvalues = [1.0, 10.0] }";

fn symptoms(found: &[Advice]) -> Vec<Symptom> {
    found.iter().map(|advice| advice.symptom).collect()
}

#[test]
fn above_the_limit_a_tenth_is_stable() {
    for (h, steps) in [(0.21, 60), (0.21, 1000), (0.25, 100), (0.5, 12), (1.9, 500)] {
        let found = advised(QUADRATIC, "explicit", h, &[1.0, 1.0], steps);
        assert_eq!(symptoms(&found), [Symptom::Rises], "h = {h}, {steps} steps: {found:?}");
        assert_eq!(found[0].range, [h / 10.0, h / 10.0]);
        let again = advised(QUADRATIC, "explicit", found[0].range[0], &[1.0, 1.0], 100);
        assert_eq!(again, [], "what is advised works");
    }
    let found = advised(QUADRATIC, "explicit", 0.5, &[1.0, 1.0], 100);
    assert!(found[0].text.contains("at h = 0.500: try 0.0500"), "{}", found[0].text);
    // Slow growth reaches the limit of the loss after the beginning of the run.
    let found = advised(QUADRATIC, "explicit", 0.2001, &[0.0, 1.0], 20_000);
    assert_eq!((symptoms(&found), found[0].range), (vec![Symptom::Rises], [0.2001 / 5.0, 0.2001 / 2.0]));
}

#[test]
fn orbits_about_a_minimum_are_named_and_smaller_steps_end_them() {
    // ¼(x² − 1)²: λ = 2 at the minimum, 2/λ = 1. Just above it gradient descent alternates between two points of unequal loss.
    for h in [1.05, 1.1, 1.2] {
        let found = advised("double_well = {}", "explicit", h, &[0.3], 200);
        assert_eq!(symptoms(&found), [Symptom::Zigzags], "h = {h}");
        assert_eq!(found[0].range, [h / 5.0, h / 2.0]);
        assert_eq!(advised("double_well = {}", "explicit", h / 2.0, &[0.3], 200), []);
    }
    assert_eq!(advised("double_well = {}", "explicit", 0.95, &[0.3], 200), [], "below the limit it converges");
    // ln cosh x: 2/λ = 2. Above it the orbit is ±x: the loss does not move at all.
    let found = advised("log_cosh = {}", "explicit", 2.3, &[1.0], 200);
    assert_eq!(symptoms(&found), [Symptom::Zigzags]);
    assert_eq!(advised("log_cosh = {}", "explicit", 1.15, &[1.0], 200), []);
    // Exactly at the limit, on a quadratic.
    let found = advised(QUADRATIC, "explicit", 0.2, &[0.0, 1.0], 100);
    assert_eq!(symptoms(&found), [Symptom::Zigzags]);
}

#[test]
fn steps_far_too_small_are_doubled() {
    for (method, h) in [("explicit", 1e-6), ("explicit", 1e-5), ("heavy-ball", 1e-7), ("implicit", 1e-6)] {
        let found = advised(QUADRATIC, method, h, &[1.0, 1.0], 200);
        assert_eq!(symptoms(&found), [Symptom::Flat], "{method}, h = {h}");
        assert_eq!(found[0].range, [2.0 * h, 2.0 * h]);
    }
    let found = advised(QUADRATIC, "adam", 1e-7, &[1.0, 1.0], 200);
    assert!(found[0].text.ends_with("try 2e-7; a usual start for adam is 0.001"), "{}", found[0].text);
}

#[test]
fn healthy_runs_get_no_advice() {
    let cases = [
        ("explicit", 0.002, 100),
        ("explicit", 0.02, 1000),
        ("explicit", 0.1, 10),
        ("explicit", 0.19, 1000),
        ("explicit", 0.199, 3000),
        ("heavy-ball", 0.01, 500),
        ("nesterov", 0.01, 500),
        ("adam", 0.01, 1000),
        ("rmsprop", 0.001, 1000),
        ("implicit", 1.0, 100),
        ("implicit", 1e4, 100),
    ];
    for (method, h, steps) in cases {
        let found = advised(QUADRATIC, method, h, &[1.0, 1.0], steps);
        assert_eq!(found, [], "{method}, h = {h}, {steps} steps");
    }
}
