//! Schedules: against torch.optim.lr_scheduler (`peers/golden_schedules.py`), at their edges, and in runs.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_core::problems::{Himmelblau, Quadratic};
use gf_core::{Observer, StepRecord};
use gf_optim::control::{Constant, Scheduled, StepStart};
use gf_optim::registry::{AnyObjective, MethodSettings};
use gf_optim::schedule::{SCHEDULES, Schedule, Span};
use gf_optim::{Budget, SettingsError, Start, StepController, integrate};
use proptest::prelude::*;
use serde::Deserialize;
use support::{Full, Trace};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    schedule: Schedule,
    batches: u64,
    /// The validation loss at the end of each epoch.
    #[serde(default)]
    losses: Vec<f64>,
    factors: Vec<f64>,
}

fn schedule(text: &str) -> Schedule {
    toml::from_str(text).unwrap()
}

fn span(steps: u64, batches_per_epoch: u64) -> Span {
    Span { steps, batches_per_epoch, batch: Some(64) }
}

fn at(step: u64) -> StepStart {
    StepStart { step, loss: 1.0, gradient_norm: 1.0 }
}

#[test]
fn sizes_are_those_of_torch() {
    let golden: Golden = serde_json::from_str(include_str!("golden/schedules.json")).unwrap();
    assert_eq!(golden.cases.len(), 10);
    for case in golden.cases {
        case.schedule.validate().unwrap();
        let span = span(case.factors.len() as u64, case.batches);
        let mut control = Scheduled::new(Constant::new(1.0), case.schedule, span);
        for (k, expected) in (1u64..).zip(&case.factors) {
            let found = control.first(at(k));
            // PyTorch gets from step to step by recurrences, whose rounding grows.
            assert!((found - expected).abs() <= 1e-12 * expected, "{:?} step {k}: {found} {expected}", case.schedule);
            if k % case.batches == 0 && !case.losses.is_empty() {
                control.validated(case.losses[(k / case.batches) as usize - 1]);
            }
        }
    }
}

#[test]
fn formulas_hold_at_their_edges() {
    let factor = |text: &str, span: Span, step: u64| schedule(text).factor(&span, step);
    let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-14, "{found} {expected}");
    // One step: every length is 1 epoch or less, and the only step is the first.
    for info in SCHEDULES.iter().filter(|info| !["warmup", "one-cycle", "batch-scaling"].contains(&info.name)) {
        close(factor(&format!("{} = {{}}", info.name), span(1, 1), 1), 1.0);
    }
    close(factor("one-cycle = {}", span(1, 7), 1), 1.0 / 25.0);
    // A warm-up longer than the run: the others have not begun.
    let long = "warmup = { epochs = 10.0, from = 0.5 }\ncosine = {}\none-cycle = {}\ninverse-time = {}";
    close(factor(long, span(8, 2), 8), (0.5 + 0.5 * 0.35) / 25.0);
    // And one that ends with it: the last length is 0.
    close(factor("warmup = { epochs = 4.0 }\ncosine = {}", span(8, 2), 8), 0.1 + 0.9 * 3.5 / 4.0);
    close(factor("warmup = { epochs = 4.0 }\ncosine = { minimum = 0.25 }", span(8, 2), 10), 0.25);
    // Steps decay at whole stages, whatever their rounding.
    let stages: Vec<f64> = (1..=7).map(|k| factor("step = { factor = 0.5, every = 0.1 }", span(7, 10), k)).collect();
    assert_eq!(stages, [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]);
    // Beyond their end both keep their last value.
    close(factor("cosine = { epochs = 2.0 }", span(90, 10), 25), 1e-3);
    close(factor("one-cycle = { epochs = 2.0 }", span(90, 10), 25), 1.0 / 250_000.0);
    // Inverse time, and members that multiply.
    close(factor("inverse-time = { rate = 0.5 }", span(90, 10), 41), 1.0 / 3.0);
    close(
        factor(
            "inverse-time = { rate = 0.5 }\nconstant = { factor = 3.0 }\nbatch-scaling = { reference = 16 }",
            span(90, 10),
            41,
        ),
        4.0,
    );
    // A decay that underflows still leaves a step.
    assert!(factor("exponential = { rate = 1e6 }", span(90, 1), 90) > 0.0);
}

#[test]
fn settings_name_their_key_and_what_was_found() {
    for (text, key, found) in [
        ("warmup = { epochs = 0.0 }", "warmup.epochs", "0"),
        ("warmup = { epochs = 1.0, from = 0.0 }", "warmup.from", "0"),
        ("constant = { factor = -1.0 }", "constant.factor", "-1"),
        ("step = { factor = 1.5 }", "step.factor", "1.5"),
        ("step = { every = 0.0 }", "step.every", "0"),
        ("exponential = { rate = -0.1 }", "exponential.rate", "-0.1"),
        ("exponential = { rate = inf }", "exponential.rate", "inf"),
        ("inverse-time = { rate = nan }", "inverse-time.rate", "NaN"),
        ("cosine = { epochs = 0.0 }", "cosine.epochs", "0"),
        ("cosine = { minimum = 0.0 }", "cosine.minimum", "0"),
        ("one-cycle = { rise = 1.0 }", "one-cycle.rise", "1"),
        ("one-cycle = { start_divisor = 0.0 }", "one-cycle.start_divisor", "0"),
        ("plateau = { factor = 1.0 }", "plateau.factor", "1"),
        ("plateau = { patience = -1.0 }", "plateau.patience", "-1"),
        ("plateau = { minimum = 2.0 }", "plateau.minimum", "2"),
        ("batch-scaling = { reference = 0 }", "batch-scaling.reference", "0"),
    ] {
        let SettingsError { key: named, found: value, .. } = schedule(text).validate().unwrap_err();
        assert_eq!((named.as_str(), value.as_str()), (key, found), "{text}");
    }
    let empty = Schedule::default().validate().unwrap_err();
    assert!(empty.expected.contains("warmup, constant, step"), "{empty}");
    let functions = Span { batch: None, ..span(10, 1) };
    let error = schedule("batch-scaling = { reference = 8 }").check(&functions).unwrap_err();
    assert_eq!(error.found, "a function");
    assert!(toml::from_str::<Schedule>("cosine = { epoch = 3.0 }").unwrap_err().to_string().contains("`epoch`"));
    assert!(toml::from_str::<Schedule>("warmup = {}").unwrap_err().to_string().contains("`epochs`"));
}

#[test]
fn every_kind_is_listed_with_its_keys() {
    for info in SCHEDULES {
        let needed: Vec<String> = info
            .keys
            .iter()
            .filter(|(_, default, _)| *default == "needed")
            .map(|(key, ..)| format!("{key} = {}", if *key == "reference" { "8" } else { "2.0" }))
            .collect();
        let text = format!("{} = {{ {} }}", info.name, needed.join(", "));
        let table = toml::Table::try_from(schedule(&text)).unwrap();
        let written = table[info.name].as_table().unwrap();
        for (key, default, _) in info.keys {
            match written.get(*key) {
                // A length that is the run's has no number.
                None => assert_eq!(*default, "the rest of the run", "{}.{key}", info.name),
                Some(_) if *default == "needed" => {}
                Some(value) => {
                    assert_eq!(value.as_float().unwrap(), default.parse::<f64>().unwrap(), "{}.{key}", info.name)
                }
            }
        }
        assert!(written.keys().all(|key| info.keys.iter().any(|(name, ..)| name == key)), "{}", info.name);
    }
}

#[test]
fn the_record_has_the_true_size_and_the_flow_time_is_their_sum() {
    let settings: MethodSettings = toml::from_str("explicit = { h = 0.2 }").unwrap();
    let inverse = schedule("inverse-time = { rate = 1.0 }");
    let span = Span { batch: None, ..span(3, 1) };
    let mut control = settings.build_scheduled_control(None, &inverse, span).unwrap();
    let mut trace = Trace::default();
    let mut quadratic = Full::new(Quadratic::diagonal(&[1.0]));
    let objective = &mut quadratic as &mut AnyObjective;
    let mut method = settings.build().unwrap();
    let outcome =
        integrate(objective, &mut *method, &mut *control, &mut [&mut trace], vec![1.0], &Budget::steps(3)).unwrap();
    let sizes = [0.2, 0.2 / 2.0, 0.2 * (1.0 / 3.0)];
    assert_eq!(trace.step_size, [None, Some(sizes[0]), Some(sizes[1]), Some(sizes[2])]);
    assert_eq!(trace.learning_rate, trace.step_size);
    assert_eq!(outcome.time, Some(sizes[0] + sizes[1] + sizes[2]));
    assert_eq!(outcome.theta[0], sizes.iter().fold(1.0, |x, h| x - h * x));
}

#[test]
fn controls_that_choose_sizes_are_refused() {
    let cosine = schedule("cosine = {}");
    for settings in MethodSettings::all_defaults() {
        let is_constant = settings.settings().default_control().name() == "constant";
        let built = settings.build_scheduled_control(None, &cosine, span(10, 1));
        assert_eq!(built.is_ok(), is_constant, "{}", settings.info().name);
        if let Err(error) = built {
            assert!(error.found.contains("which chooses its own sizes"), "{error}");
        }
    }
}

/// A validation loss that falls, stalls and falls again.
struct Validation {
    step: u64,
}

impl Observer for Validation {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.step = record.step;
    }
    fn validation_loss(&self) -> Option<f64> {
        let stalls = self.step.clamp(0, 6).min(if self.step > 17 { 7 } else { 6 });
        self.step.is_multiple_of(2).then_some(1.0 / (1.0 + stalls as f64))
    }
}

#[test]
fn a_run_resumed_anywhere_takes_the_same_steps_under_every_schedule() {
    let texts = [
        "plateau = { patience = 1.0, cooldown = 0.5 }",
        "plateau = { patience = 1.0 }\nwarmup = { epochs = 1.5 }\nexponential = {}",
        "warmup = { epochs = 1.0 }\ncosine = {}",
        "one-cycle = {}",
    ];
    for text in texts {
        for method in ["explicit = { h = 1e-3 }", "adam = { h = 1e-2 }", "bdf2 = { h = 1e-3 }"] {
            let settings: MethodSettings = toml::from_str(method).unwrap();
            let build = || {
                let control = settings.build_scheduled_control(None, &schedule(text), span(24, 2)).unwrap();
                (settings.build().unwrap(), control)
            };
            let run = |start: Start, steps: u64| {
                let (mut method, mut control) = build();
                let (mut trace, mut validation) = (Trace::default(), Validation { step: 0 });
                let mut objective = Full::new(Himmelblau);
                let outcome = integrate(
                    &mut objective as &mut AnyObjective,
                    &mut *method,
                    &mut *control,
                    &mut [&mut trace, &mut validation],
                    start,
                    &Budget::steps(steps),
                )
                .unwrap();
                let next = Start::resume(&outcome, &mut *method, &mut *control);
                (trace, next)
            };
            let theta = || Start::from(vec![2.5, 1.5]);
            let (whole, end) = run(theta(), 24);
            if text.starts_with("plateau = { patience = 1.0, c") {
                let sizes: Vec<f64> = whole.learning_rate.iter().flatten().copied().collect();
                assert!(sizes[23] < 0.3 * sizes[0], "reduced twice: {sizes:?}");
            }
            for cut in [1, 7, 12, 23] {
                let (_, start) = run(theta(), cut);
                let (rest, again) = run(start, 24);
                assert_eq!(again, end, "{method} {text} cut at {cut}");
                assert_eq!(rest.learning_rate[..], whole.learning_rate[cut as usize + 1..], "{method} {text} at {cut}");
            }
        }
    }
}

proptest! {
    #[test]
    fn factors_are_positive_and_finite(
        steps in 1u64..5000,
        batches in 1u64..300,
        step in 1u64..10_000,
        rate in 0.0..1e3f64,
        epochs in 1e-3..1e3f64,
        small in 1e-6..1.0f64,
        rise in 1e-3..0.999f64,
        members in 1u32..128,
    ) {
        let texts = [
            format!("warmup = {{ epochs = {epochs:?}, from = {small:?} }}"),
            format!("constant = {{ factor = {epochs:?} }}"),
            format!("step = {{ factor = {small:?}, every = {epochs:?} }}"),
            format!("exponential = {{ rate = {rate:?} }}"),
            format!("cosine = {{ epochs = {epochs:?}, minimum = {small:?} }}"),
            format!("inverse-time = {{ rate = {rate:?} }}"),
            format!("one-cycle = {{ rise = {rise:?} }}"),
        ];
        let chosen: Vec<&str> =
            texts.iter().enumerate().filter(|(i, _)| members >> i & 1 == 1).map(|(_, text)| text.as_str()).collect();
        let schedule = schedule(&chosen.join("\n"));
        prop_assert!(schedule.validate().is_ok());
        let factor = schedule.factor(&span(steps, batches), step);
        prop_assert!(factor > 0.0 && factor.is_finite(), "{factor}");
    }
}
