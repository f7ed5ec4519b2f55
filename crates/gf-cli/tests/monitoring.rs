//! Lengths in epochs, early stopping, `epochs.csv` and advice, through the binary.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use std::collections::HashMap;

use serde_json::Value;
use support::{Bench, DATA, STUDY};

/// One layer on the digits: 1438 training samples, 90 batches of 16 an epoch.
const DIGITS: &str = r#"
name = "watched"
[network]
input = 64
layers = [{ units = 10, activation = "identity" }]
[loss]
kind = "softmax_cross_entropy"
[data]
builtin = "digits"
[run]
epochs = 3
batch = 16
[[arm]]
name = "gd"
method.explicit = { h = 0.2 }
"#;

type Line = HashMap<String, String>;

fn lines(csv: &str) -> Vec<Line> {
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let line = |text: &str| header.iter().map(ToString::to_string).zip(text.split(',').map(str::to_string)).collect();
    csv.lines().skip(1).map(line).collect()
}

fn number(line: &Line, column: &str) -> f64 {
    line[column].parse().unwrap_or_else(|_| panic!("{column}: {line:?}"))
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

fn run(study: &str, options: &[&str]) -> (Bench, Vec<Line>, Value, String) {
    let bench = Bench::new();
    bench.write("study.toml", study).write("data.csv", DATA);
    let (out, err) = bench.expect(0, &[&["run", "study.toml", "--out", "out"], options].concat());
    assert_eq!(err, "", "no progress where stderr is no terminal and a run is short");
    let history = lines(&bench.read("out/history.csv"));
    let summary = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    (bench, history, summary, out)
}

#[test]
fn epochs_become_steps_by_the_batches_of_each_arm() {
    let arms = "\n[[arm]]\nname = \"full\"\nbatch = 0\nmethod.explicit = { h = 0.2 }\n\
                [[arm]]\nname = \"own\"\nepochs = 1\nbatch = 100\nmethod.explicit = { h = 0.2 }\n\
                [[arm]]\nname = \"both\"\nepochs = 2\nsteps = 7\nmethod.explicit = { h = 0.2 }\n";
    let study = DIGITS.replace("epochs = 3", "epochs = 3\nevaluate_every = \"epoch\"") + arms;
    let (bench, history, summary, _) = run(&study, &["--quiet"]);
    let steps: Vec<u64> =
        summary["arms"].as_array().unwrap().iter().map(|arm| arm["runs"][0]["steps"].as_u64().unwrap()).collect();
    let batches = summary["train_samples"].as_u64().unwrap().div_ceil(16);
    assert_eq!(steps, [3 * batches, 3, summary["train_samples"].as_u64().unwrap().div_ceil(100), 7]);
    let evaluated = |arm: &str| -> Vec<u64> {
        let of_arm = history.iter().filter(|line| line["arm"] == arm && !line["val_loss"].is_empty());
        of_arm.map(|line| line["step"].parse().unwrap()).collect()
    };
    assert_eq!(evaluated("gd"), [0, batches, 2 * batches, 3 * batches]);
    assert_eq!(evaluated("full"), [0, 1, 2, 3]);
    // The last step of a run is evaluated too.
    assert_eq!(evaluated("both"), [0, 7]);
    // The resolved study counts as it did.
    let resolved = bench.read("out/study.toml");
    assert!(resolved.contains("epochs = 3\n") && resolved.contains("evaluate_every = \"epoch\"\n"), "{resolved}");
    assert!(!resolved.contains("steps = 500"), "{resolved}");
}

#[test]
fn early_stopping_ends_by_its_rule_and_restores_the_best() {
    let study = DIGITS
        .replace("epochs = 3", "steps = 400\nevaluate_every = 5\nearly_stopping = { patience = 4, min_delta = 0.01 }")
        .replace("h = 0.2", "h = 2.0");
    let (bench, history, summary, out) = run(&study, &["--no-report"]);
    let run_ = &summary["arms"][0]["runs"][0];
    assert_eq!(run_["stop"], "early-stopping");
    // The rule, once more.
    let (mut best, mut waited, mut lowest) = (f64::INFINITY, 0, (0, f64::INFINITY));
    let evaluated: Vec<&Line> = history.iter().filter(|line| !line["val_loss"].is_empty()).collect();
    for (index, line) in evaluated.iter().enumerate() {
        let loss = number(line, "val_loss");
        (best, waited) = if loss < best - 0.01 { (loss, 0) } else { (best, waited + 1) };
        if loss < lowest.1 {
            lowest = (line["step"].parse::<u64>().unwrap(), loss);
        }
        assert_eq!(waited >= 4, index + 1 == evaluated.len(), "evaluation {index} of {}", evaluated.len());
    }
    assert_eq!(run_["restored_step"], lowest.0);
    assert!(out.contains(&format!("early-stopping, with the parameters of step {}", lowest.0)), "{out}");
    assert_eq!((run_["last"]["val_loss"].as_f64(), run_["best_val_loss"].as_f64()), (Some(lowest.1), Some(lowest.1)));
    let bytes = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert_eq!(bytes("out/theta-gd-0-final.npy"), bytes("out/theta-gd-0-best.npy"));
    let keep = study.replace("min_delta = 0.01", "min_delta = 0.01, restore_best = false");
    let (bench, _, summary, _) = run(&keep, &["--quiet"]);
    let run_ = &summary["arms"][0]["runs"][0];
    assert_eq!((&run_["stop"], &run_["restored_step"]), (&Value::from("early-stopping"), &Value::Null));
    let bytes = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert_ne!(bytes("out/theta-gd-0-final.npy"), bytes("out/theta-gd-0-best.npy"));
}

#[test]
fn epochs_agree_with_the_history() {
    let arm = "\n[[arm]]\nname = \"full\"\nbatch = 0\nepochs = 40\nmethod.explicit = { h = 3.0 }\n";
    let (bench, history, _, _) = run(&(DIGITS.to_string() + arm), &["--threads", "1"]);
    let epochs = lines(&bench.read("out/epochs.csv"));
    let layers = lines(&bench.read("out/epoch-layers.csv"));
    let of =
        |arm: &str, lines: &[Line]| -> Vec<Line> { lines.iter().filter(|line| line["arm"] == arm).cloned().collect() };
    // Mini-batches: means over the 90 steps of each epoch; one layer is the whole network.
    let (rows, steps, layer) = (of("gd", &epochs), of("gd", &history), of("gd", &layers));
    assert_eq!((rows.len(), layer.len()), (4, 3));
    for (epoch, row) in rows.iter().enumerate().skip(1) {
        let part = &steps[90 * (epoch - 1) + 1..=90 * epoch];
        let mean = |column: &str| part.iter().map(|line| number(line, column)).sum::<f64>() / 90.0;
        assert_eq!((number(row, "epoch"), number(row, "step")), (epoch as f64, 90.0 * epoch as f64));
        for (column, from) in [("batch_loss", "loss"), ("gradient_norm", "grad_norm"), ("update_ratio", "update_ratio")]
        {
            assert!(close(number(row, column), mean(from)), "{column}");
        }
        assert!(close(number(&layer[epoch - 1], "gradient_norm"), mean("grad_norm")));
        assert!(close(number(&layer[epoch - 1], "update_ratio"), mean("update_ratio")));
        for column in ["train_loss", "val_loss", "train_accuracy", "val_accuracy"] {
            assert_eq!(row[column], part[89][column], "{column}");
        }
        let inside = part.iter().filter(|line| (1e-3..=1e-2).contains(&number(line, "update_ratio"))).count();
        assert!(close(number(row, "ratio_inside"), inside as f64 / 90.0));
        let sum = ["ratio_below", "ratio_inside", "ratio_above"].map(|column| number(row, column)).iter().sum::<f64>();
        assert!(close(sum, 1.0));
    }
    // Without batches the next row holds the loss after the step: what was measured beside the run must agree.
    let (rows, steps) = (of("full", &epochs), of("full", &history));
    let mut lowered = 0;
    for epoch in 1..40 {
        let fell = number(&steps[epoch + 1], "loss") < number(&steps[epoch], "loss");
        assert_eq!(number(&rows[epoch], "share_lowered"), f64::from(u8::from(fell)), "epoch {epoch}");
        lowered += u8::from(fell);
    }
    assert!((1..39).contains(&lowered), "the test sees both cases: {lowered} of 39 steps lowered the loss");
    let report = bench.read("out/report.html");
    assert!(report.contains("steps that lowered the loss"));
    let again = Bench::new();
    again.write("study.toml", &(DIGITS.to_string() + arm));
    again.expect(0, &["run", "study.toml", "--out", "out", "--quiet", "--threads", "2"]);
    for file in ["out/epochs.csv", "out/epoch-layers.csv"] {
        assert_eq!(bench.read(file), again.read(file), "the same for any number of threads");
    }
}

#[test]
fn layers_together_are_the_gradient() {
    let study = STUDY.replace("batch = 3", "monitor = true");
    let (bench, history, _, _) = run(&study, &["--quiet"]);
    let mut squares = HashMap::new();
    for line in lines(&bench.read("out/epoch-layers.csv")) {
        let key = (line["arm"].clone(), line["seed"].clone(), line["epoch"].clone());
        *squares.entry(key).or_insert(0.0) += number(&line, "gradient_norm").powi(2);
    }
    let steps: Vec<&Line> = history.iter().filter(|line| line["step"] != "0").collect();
    assert_eq!(squares.len(), steps.len(), "an epoch without batches is a step");
    for line in steps {
        let sum = squares[&(line["arm"].clone(), line["seed"].clone(), line["step"].clone())];
        assert!(close(sum, number(line, "grad_norm").powi(2)), "{line:?}");
    }
    let columns = bench.read("out/history.csv");
    assert!(columns.starts_with(
        "arm,seed,step,epoch,time,h,learning_rate,loss,train_loss,val_loss,val_mae,val_r2,val_range_accuracy,train_mae,"
    ));
}

#[test]
fn nothing_is_watched_unless_asked() {
    let bench = Bench::new();
    bench.write("study.toml", &DIGITS.replace("epochs = 3", "epochs = 1\nmonitor = false"));
    bench.expect(0, &["run", "study.toml", "--out", "out", "--quiet"]);
    assert!(!bench.files().iter().any(|file| file.contains("epochs") || file.contains("epoch-")));
    assert!(!bench.read("out/report.html").contains("train_accuracy"));
}

#[test]
fn advice_stands_in_terminal_summary_and_report() {
    let bench = Bench::new();
    let (out, _) = bench.expect(0, &["experiment", "learning-rate", "--out", "out"]);
    let text = "the loss rose in the first 12 steps, from 36.0 to at least 2,040, at h = 1.20: try 0.120";
    assert!(out.contains(&format!("advice: alpha-1.2: {text}")), "{out}");
    assert_eq!(out.matches("advice:").count(), 1, "{out}");
    let summary: Value = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    let advice = &summary["arms"][2]["runs"][0]["advice"][0];
    assert_eq!((&advice["symptom"], &advice["text"]), (&Value::from("rises"), &Value::from(text)));
    assert!(summary["arms"][0]["runs"][0].get("advice").is_none());
    assert!(bench.read("out/report.html").contains(text));
    // With the spectrum, the limit of stability stands beside it: 2/λ = 1.
    let (out, _) = bench.expect(
        0,
        &["experiment", "learning-rate", "--out", "again", "--set", "spectrum.top=1", "--set", "spectrum.bottom=0"],
    );
    let stable = "try 0.120; by the largest eigenvalue seen, at step ";
    assert!(out.contains(stable) && out.contains("explicit is stable up to h = 1.00"), "{out}");
}
