//! Schedules and learning-rate range tests, through the binary.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_utils::npy::{read_npy, write_npy};
use serde_json::Value;
use support::{Bench, DATA, STUDY};

fn bench(study: &str) -> Bench {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", study);
    bench
}

/// The tiny study whose first arm has a schedule.
fn scheduled(keys: &str) -> String {
    STUDY.replacen("method.explicit = { h = 0.1 }", &format!("method.explicit = {{ h = 0.1 }}\n{keys}"), 1)
}

/// A column of `history.csv` for an arm and seed 0, NaN where a cell is empty.
fn column(bench: &Bench, arm: &str, name: &str) -> Vec<f64> {
    let text = bench.read("out/history.csv");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let at = header.iter().position(|column| *column == name).unwrap();
    let rows = lines.filter(|row| row[0] == arm && row[1] == "0");
    rows.map(|row| row[at].parse().unwrap_or(f64::NAN)).collect()
}

fn json(bench: &Bench, arguments: &[&str]) -> Value {
    serde_json::from_str(&bench.expect(0, arguments).0).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::INFINITY)).collect()
}

/// Equal up to what JSON's reader rounds.
fn agree(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-15)
}

#[test]
fn the_history_has_the_sizes_that_gf_schedule_announces() {
    let study = scheduled(
        "schedule.warmup = { epochs = 1.0 }\nschedule.cosine = {}\nschedule.batch-scaling = { reference = 6 }",
    );
    let adam = "[[arm]]\nname = \"adam\"\nmethod.adam = { h = 0.01 }\nschedule.step = { factor = 0.5, every = 1.0 }\n";
    let bench = bench(&(study + adam));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let plans = json(&bench, &["schedule", "study.toml", "--json"]);
    for (index, arm) in [(0, "explicit"), (1, "implicit"), (3, "adam")] {
        let planned = numbers(&plans[index]["h"]);
        let taken = column(&bench, arm, "learning_rate");
        assert!(taken[0].is_nan() && agree(&taken[1..], &planned), "{arm}: {taken:?} {planned:?}");
        let h = column(&bench, arm, "h");
        assert!(if arm == "adam" { h.iter().all(|h| h.is_nan()) } else { agree(&h[1..], &planned) }, "{arm}: {h:?}");
    }
    // 6 training samples in batches of 3: 2 steps an epoch; half the reference batch.
    assert_eq!(plans[0]["batches_per_epoch"], 2);
    let warm: Vec<f64> = numbers(&plans[0]["h"])[..3].to_vec();
    assert!(
        (warm[0] - 0.005).abs() < 1e-15 && (warm[1] - 0.0275).abs() < 1e-15 && (warm[2] - 0.05).abs() < 1e-15,
        "{warm:?}"
    );
    assert_eq!(numbers(&plans[3]["h"]), [0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025, 0.00125, 0.00125]);
    assert!(plans[2]["h"].is_null(), "newton's sizes are armijo's");
    let report = bench.read("out/report.html");
    assert!(report.contains("h = 0.1 × warmup × cosine × batch-scaling") && report.contains("Schedules"));
    assert!(bench.read("out/study.toml").contains("batch-scaling"));
    assert!(bench.path("out/figures/schedules.png").exists());
}

#[test]
fn a_plateau_of_the_validation_loss_halves_the_step() {
    // The parabola's minimum is reached in one step; the loss cannot fall below it.
    let study = "name = \"p\"\n[problem.parabola]\ncurvature = 1.0\n[run]\nsteps = 8\n[[arm]]\nname = \"explicit\"\n\
                 method.explicit = { h = 1.0 }\nschedule.plateau = { patience = 2.0 }\n";
    let bench = bench(study);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let sizes = column(&bench, "explicit", "learning_rate");
    // The best is that of step 1; steps 2 to 4 are more than two epochs after it, and 5 to 7 after step 4.
    assert_eq!(sizes[1..], [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]);
    let (out, _) = bench.expect(0, &["schedule", "study.toml", "--figure", "f.svg"]);
    assert!(out.contains("before any reduction"), "{out}");
    assert!(bench.read("f.svg").contains("depend on the run"));
}

#[test]
fn a_list_in_a_schedule_is_a_sweep() {
    let bench = bench(&scheduled("schedule.exponential = { rate = [0.1, 1.0] }"));
    let plans = json(&bench, &["schedule", "study.toml", "--json"]);
    let names: Vec<&str> = plans.as_array().unwrap().iter().map(|plan| plan["arm"].as_str().unwrap()).collect();
    assert_eq!(names, ["explicit-rate0.1", "explicit-rate1", "implicit", "newton"]);
    assert!((numbers(&plans[1]["h"])[2] - 0.1 * (-1.0f64).exp()).abs() < 1e-16);
}

#[test]
fn every_kind_of_schedule_is_listed() {
    let bench = Bench::new();
    let (out, _) = bench.expect(0, &["schedule", "--list"]);
    let kinds = json(&bench, &["schedule", "--list", "--json"]);
    assert_eq!(kinds.as_array().unwrap().len(), 9);
    for kind in kinds.as_array().unwrap() {
        assert!(out.contains(&format!("schedule.{}", kind["name"].as_str().unwrap())), "{kind}");
    }
    let (_, err) = bench.expect(2, &["schedule"]);
    assert!(err.contains("STUDY"), "{err}");
}

#[test]
fn schedules_that_do_not_fit_are_refused() {
    let refuse = |study: &str, pieces: &[&str]| {
        let bench = bench(study);
        for command in [&["run", "study.toml", "--quiet", "--out", "out"][..], &["schedule", "study.toml"]] {
            let (_, err) = bench.expect(2, command);
            for piece in pieces {
                assert!(err.contains(piece), "expected '{piece}' in:\n{err}");
            }
        }
        assert!(!bench.path("out").exists());
    };
    refuse(&scheduled("schedule.step = { factor = 2.0 }"), &["arm.0.schedule.step.factor", "at most 1, found 2"]);
    refuse(
        &scheduled("schedule.warmup = { epochs = 0.0 }"),
        &["arm.0.schedule.warmup.epochs", "positive number, found 0"],
    );
    refuse(&scheduled("schedule.cosin = {}"), &["unknown field `cosin`", "did you mean `cosine`"]);
    refuse(&scheduled("schedule = {}"), &["arm.0.schedule:", "at least one of warmup", "an empty table"]);
    let newton = STUDY.replace("{ damping = 1e-2 }", "{ damping = 1e-2 }\nschedule.cosine = {}");
    refuse(&newton, &["arm.2.schedule:", "control.constant = {} beside a schedule", "control.armijo"]);
    let function = "name = \"p\"\n[problem.parabola]\n[run]\nsteps = 8\n[[arm]]\nname = \"explicit\"\nmethod.explicit = {}\n\
                    schedule.batch-scaling = { reference = 8 }\n";
    refuse(function, &["arm.0.schedule.batch-scaling", "a problem with samples, found a function"]);
    let central = "name = \"p\"\n[problem.parabola]\n[run]\nsteps = 8\n[spectrum]\ncentral_flow = true\ntop = 1\nbottom = 0\n[[arm]]\nname = \"explicit\"\n\
                   method.explicit = {}\nschedule.cosine = {}\n";
    let (_, err) = bench(central).expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
    assert!(err.contains("spectrum.central_flow") && err.contains("constant step size"), "{err}");
}

/// ½ Σ λ x² with λ = 10, 1, 0.1, from ones.
const QUADRATIC: &str =
    "name = \"q\"\n[problem.quadratic]\neigenvalues = [10.0, 1.0, 0.1]\nstart = [1.0, 1.0, 1.0]\n[run]\nsteps = 10\n";

#[test]
fn the_range_test_of_a_quadratic_blows_up_where_its_recurrence_says() {
    let bench = bench(QUADRATIC);
    // h where the recurrence x ← (1 − hλ)x, run in NumPy with the same h, first exceeds four times its least loss.
    for (steps, expected) in [("100", 1.0235310218990257), ("200", 1.122667773510813), ("500", 1.148471547840289)] {
        let found = json(&bench, &["lr-range", "study.toml", "--to", "10", "--steps", steps, "--json"]);
        let divergence = found["divergence"].as_f64().unwrap();
        assert!((divergence / expected - 1.0).abs() < 1e-12, "{steps}: {divergence}");
        assert!((found["two_over_sharpness"].as_f64().unwrap() - 0.2).abs() < 1e-9, "{found}");
        assert!((found["ratio"].as_f64().unwrap() - divergence / 0.2).abs() < 1e-6, "{found}");
        let suggested = numbers(&found["suggested"]);
        assert!((suggested[0] / divergence - 0.1).abs() < 1e-15 && (suggested[1] / divergence - 0.2).abs() < 1e-15);
    }
    let found = json(&bench, &["lr-range", "study.toml", "--to", "10", "--steps", "5", "--json"]);
    // One step at 1e-6, from ½·11.1.
    let after = 0.5 * [10.0f64, 1.0, 0.1].iter().map(|l| l * (1.0 - 1e-6 * l).powi(2)).sum::<f64>();
    assert!((numbers(&found["loss"])[0] - after).abs() < 1e-14, "{found}");
    let (out, _) = bench.expect(0, &["lr-range", "study.toml", "--to", "0.01"]);
    assert!(out.contains("never blows up to h = 0.0100") && out.contains("try --to 1.00"), "{out}");
    // The limit of heavy ball is 2(1 + β)/λmax.
    let heavy = ["lr-range", "study.toml", "--to", "10", "--method", "heavy-ball:momentum=0.5", "--json"];
    assert!((json(&bench, &heavy)["stability_limit"].as_f64().unwrap() - 0.3).abs() < 1e-9);
}

#[test]
fn a_point_without_positive_curvature_has_no_limit() {
    let bench = bench("name = \"w\"\n[problem.double_well]\nstart = [0.1]\n[run]\nsteps = 10\n");
    let (out, _) = bench.expect(0, &["lr-range", "study.toml", "--to", "1e-3"]);
    assert!(out.contains("no limit: λmax = -0.970 is not positive"), "{out}");
}

#[test]
fn two_over_the_sharpness_is_said_to_be_no_limit_of_adam() {
    let bench = bench(STUDY);
    let (out, _) = bench.expect(0, &["lr-range", "study.toml", "--method", "adam", "--to", "10"]);
    assert!(out.contains("on the whole training set); no limit of adam"), "{out}");
    write_npy(&bench.path("theta.npy"), &[13], &[0.1; 13]).unwrap();
    let (out, _) = bench.expect(0, &["lr-range", "study.toml", "--theta", "theta.npy", "--to", "10"]);
    assert!(out.starts_with("explicit from theta.npy, seed 0: h from 1e-6 to 10.0"), "{out}");
    assert!(!out.contains("no limit of"), "{out}");
}

#[test]
fn a_range_test_of_a_network_leaves_its_parameters_alone_and_repeats_itself() {
    let bench = bench(STUDY);
    let theta: Vec<f64> = (0..13).map(|k| 0.1 * f64::from(k) - 0.5).collect();
    write_npy(&bench.path("theta.npy"), &[13], &theta).unwrap();
    let arguments = ["lr-range", "study.toml", "--theta", "theta.npy", "--to", "100", "--json", "--figure", "f.svg"];
    let first = json(&bench, &arguments);
    assert_eq!(first, json(&bench, &arguments));
    assert_eq!(read_npy(&bench.path("theta.npy")).unwrap().values, theta);
    assert_eq!(first["smoothing"], 0.8);
    assert!(first["divergence"].as_f64().unwrap() > first["two_over_sharpness"].as_f64().unwrap());
    assert!(bench.read("f.svg").contains("2/λmax"));
    let whole = json(&bench, &["lr-range", "study.toml", "--set", "run.batch=6", "--json"]);
    assert_eq!(whole["smoothing"], 0.0);
    assert_eq!(
        json(&bench, &["lr-range", "study.toml", "--arm", "implicit", "--to", "2", "--json"])["method"],
        "implicit"
    );
    // The start of a seed is that of a run on it.
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out", "--set", "run.seeds=[0]"]);
    let tiny =
        json(&bench, &["lr-range", "study.toml", "--from", "1e-300", "--to", "1e-299", "--smoothing", "0", "--json"]);
    assert_eq!(
        numbers(&tiny["loss"])[1],
        numbers(&tiny["loss"])[3],
        "two batches an epoch, in fixed order, at θ as it was"
    );
}

#[test]
fn range_tests_of_a_study_are_written_and_reported() {
    let study = STUDY.replacen("[[arm]]", "[lr_range]\nfrom = 1e-3\nto = 100.0\nsteps = 40\n[[arm]]", 1);
    let bench = bench(&study);
    for (out, threads) in [("a", "1"), ("b", "2")] {
        bench.expect(0, &["run", "study.toml", "--quiet", "--out", out, "--threads", threads]);
    }
    for file in ["lr-range.csv", "lr-range-limits.csv", "history.csv"] {
        // All columns but that of the wall clock.
        let timeless = |text: String| -> Vec<String> {
            let wall = text.lines().next().unwrap().split(',').position(|name| name == "wall_s");
            let cells = |line: &str| {
                line.split(',')
                    .enumerate()
                    .filter(|(k, _)| Some(*k) != wall)
                    .map(|(_, x)| x.to_string())
                    .collect::<Vec<_>>()
            };
            text.lines().flat_map(cells).collect()
        };
        assert_eq!(timeless(bench.read(&format!("a/{file}"))), timeless(bench.read(&format!("b/{file}"))), "{file}");
    }
    // Explicit and implicit on two seeds; newton's sizes are not its own.
    assert_eq!(bench.read("a/lr-range-limits.csv").lines().count(), 5);
    assert!(bench.read("a/report.html").contains("Learning-rate range test"));
    // What the arms run is untouched by the test.
    bench.write("plain.toml", STUDY);
    bench.expect(0, &["run", "plain.toml", "--quiet", "--out", "plain"]);
    let end = |folder: &str| read_npy(&bench.path(&format!("{folder}/theta-explicit-0-final.npy"))).unwrap().values;
    assert_eq!(end("plain"), end("a"));
}

#[test]
fn range_tests_that_do_not_fit_are_refused() {
    let bench = bench(STUDY);
    let refuse = |arguments: &[&str], pieces: &[&str]| {
        let (_, err) = bench.expect(2, &[&["lr-range", "study.toml"], arguments].concat());
        for piece in pieces {
            assert!(err.contains(piece), "expected '{piece}' in:\n{err}");
        }
    };
    refuse(&["--from", "0"], &["--from", "positive number, found 0"]);
    refuse(&["--from", "1", "--to", "0.5"], &["--to", "above from = 1, found 0.5"]);
    refuse(&["--steps", "1"], &["--steps", "2 to 100000, found 1"]);
    refuse(&["--smoothing", "1"], &["--smoothing", "below 1, found 1"]);
    refuse(&["--method", "newton"], &["--method", "step size is its own h", "found newton"]);
    refuse(&["--method", "adm"], &["unknown variant `adm`", "did you mean `adam`"]);
    refuse(&["--arm", "nobody"], &["--arm", "explicit, implicit, newton", "\"nobody\""]);
    let keys = |keys: &str, pieces: &[&str]| {
        let study = STUDY.replacen("[[arm]]", &format!("[lr_range]\n{keys}\n[[arm]]"), 1);
        bench.write("keys.toml", &study);
        let (_, err) = bench.expect(2, &["run", "keys.toml", "--quiet", "--out", "out"]);
        for piece in pieces {
            assert!(err.contains(piece), "expected '{piece}' in:\n{err}");
        }
    };
    keys("to = 1e-7", &["lr_range.to", "above from"]);
    keys("arms = [\"newton\"]", &["lr_range.arms", "whose h is their own", "\"newton\""]);
    keys("step = 3", &["unknown field `step`", "did you mean `steps`"]);
}
