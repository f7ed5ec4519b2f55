//! Runs through the binary: folders, repetition, threads, divergence, reports, the printed experiments.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_cli::experiments::EXPERIMENTS;
use serde_json::Value;
use support::{Bench, DATA, STUDY, without_wall};

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", STUDY);
    bench
}

#[test]
fn a_run_folder_holds_what_the_documentation_says() {
    let bench = bench();
    let (out, _) = bench.expect(0, &["run", "study.toml", "--out", "out"]);
    for text in ["explicit", "implicit", "newton", "report: out/report.html"] {
        assert!(out.contains(text), "{text} in:\n{out}");
    }
    let files = bench.files();
    for file in [
        "out/study.toml",
        "out/history.csv",
        "out/summary.json",
        "out/predictions.csv",
        "out/report.html",
        "out/theta-newton-1-final.npy",
        "out/theta-explicit-0-best.npy",
        "out/model-implicit-1.gfmodel",
        "out/figures/validation-over-steps.svg",
        "out/figures/validation-over-steps.png",
    ] {
        assert!(files.iter().any(|found| found == file), "{file} in {files:?}");
    }
    assert!(!files.iter().any(|file| file.contains(".gf-run-")), "nothing temporary is left");
    let history = bench.read("out/history.csv");
    let columns = "arm,seed,step,epoch,time,h,learning_rate,loss,train_loss,val_loss,val_mae,val_r2,val_range_accuracy,grad_norm,step_norm,\
                   update_ratio,grad_equivalents,wall_s,rejected,reason";
    assert_eq!(history.lines().next().unwrap(), columns);
    // 3 arms × 2 seeds × (8 steps and the start).
    assert_eq!(history.lines().count(), 1 + 3 * 2 * 9);
    let summary: Value = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    assert_eq!(summary["arms"][0]["runs"][1]["steps"], 8);
    assert!(summary["arms"][2]["runs"][0]["time"].is_null(), "Newton does not follow the flow's clock");
    assert_eq!(summary["arms"][1]["runs"][0]["time"], 4.0);
}

/// Batches of 3 from 6 samples: the sum with h/3 takes the steps of the mean with h, and the study says which arm is which.
#[test]
fn an_arm_has_its_own_loss_and_a_sum_takes_the_steps_of_the_mean() {
    let bench = bench();
    let (before, _) = STUDY.split_once("[[arm]]").unwrap();
    let sum = "loss = { kind = \"mse\", reduction = \"sum\" }";
    let arms = format!(
        "[[arm]]\nname = \"mean\"\nmethod.explicit = {{ h = 0.3 }}\n[[arm]]\nname = \"sum\"\n{sum}\nmethod.explicit = {{ h = 0.1 }}\n\
         [[arm]]\nname = \"huber\"\nloss = {{ kind = \"huber\", delta = 0.2 }}\noutput = \"tanh\"\nmethod.explicit = {{ h = 0.3 }}\n"
    );
    bench.write("study.toml", &format!("{before}{arms}"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let history = bench.read("out/history.csv");
    let column = |name: &str| history.lines().next().unwrap().split(',').position(|column| column == name).unwrap();
    let numbers = |arm: &str, name: &str| -> Vec<f64> {
        let rows = history.lines().map(|line| line.split(',').collect::<Vec<_>>()).filter(|row| row[0] == arm);
        rows.map(|row| row[column(name)].parse().unwrap()).collect()
    };
    let close = |a: Vec<f64>, b: Vec<f64>, factor: f64| {
        assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (factor * a - b).abs() <= 1e-12 * b.abs()));
    };
    close(numbers("mean", "val_mae"), numbers("sum", "val_mae"), 1.0);
    // Of a batch, of 6 training samples, of 2 others.
    close(numbers("mean", "loss"), numbers("sum", "loss"), 3.0);
    close(numbers("mean", "train_loss"), numbers("sum", "train_loss"), 6.0);
    close(numbers("mean", "val_loss"), numbers("sum", "val_loss"), 2.0);
    assert!(numbers("huber", "val_mae") != numbers("mean", "val_mae"));
    // The folder's study repeats the run.
    bench.expect(0, &["run", "out/study.toml", "--quiet", "--out", "again"]);
    assert_eq!(without_wall(&bench.read("again/history.csv")), without_wall(&history));
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let bench = bench();
    for (out, threads) in [("a", "1"), ("b", "1"), ("c", "2")] {
        bench.expect(0, &["run", "study.toml", "--quiet", "--out", out, "--threads", threads]);
    }
    for other in ["b", "c"] {
        let read = |folder: &str| without_wall(&bench.read(&format!("{folder}/history.csv")));
        assert_eq!(read("a"), read(other));
        for file in ["theta-implicit-1-final.npy", "model-newton-0.gfmodel", "study.toml", "predictions.csv"] {
            let bytes = |folder: &str| std::fs::read(bench.path(&format!("{folder}/{file}"))).unwrap();
            assert_eq!(bytes("a"), bytes(other), "{file}");
        }
    }
}

#[test]
fn arms_of_a_seed_share_their_start_and_seeds_differ() {
    let bench = bench();
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let history = bench.read("out/history.csv");
    let starts: Vec<(String, String)> = history
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|cells| cells[2] == "0")
        .map(|cells| (cells[1].to_string(), cells[6..9].join(",")))
        .collect();
    assert_eq!(starts.len(), 6);
    for (seed, losses) in &starts {
        assert_eq!(starts.iter().filter(|(s, l)| s == seed && l == losses).count(), 3);
        assert_eq!(starts.iter().filter(|(_, l)| l == losses).count(), 3);
    }
}

#[test]
fn the_resolved_study_repeats_the_run() {
    let bench = bench();
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "a", "--set", "run.steps=4", "--seed", "7"]);
    bench.expect(0, &["run", "a/study.toml", "--quiet", "--out", "b"]);
    let history = bench.read("a/history.csv");
    assert!(history.lines().skip(1).all(|line| line.split(',').nth(1) == Some("7")));
    assert_eq!(without_wall(&history), without_wall(&bench.read("b/history.csv")));
}

#[test]
fn a_diverging_arm_keeps_its_history_names_the_reason_and_exits_with_1() {
    let bench = bench();
    let diverging = STUDY.replace("method.explicit = { h = 0.1 }", "method.explicit = { h = 1e6 }");
    bench.write("study.toml", &diverging);
    let (out, _) = bench.expect(1, &["run", "study.toml", "--out", "out"]);
    assert!(out.contains("explicit (seed 0) at step") && out.contains("diverged"), "{out}");
    let history = bench.read("out/history.csv");
    assert!(history.lines().filter(|line| line.starts_with("explicit,0,")).count() >= 2);
    assert!(bench.read("out/report.html").contains("diverged"));
    let summary: Value = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    assert_eq!(summary["arms"][0]["runs"][0]["stop"], "diverged");
    // Where the study says that divergence is data, it is no failure.
    bench.write("study.toml", &diverging.replace("batch = 3", "batch = 3\non_failure = \"record\""));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "recorded"]);
}

#[test]
fn reports_are_rebuilt_and_compared() {
    let bench = bench();
    for out in ["a", "b"] {
        bench.expect(0, &["run", "study.toml", "--quiet", "--out", out]);
    }
    let before = bench.read("a/report.html");
    std::fs::remove_file(bench.path("a/report.html")).unwrap();
    let (out, _) = bench.expect(0, &["report", "a", "b", "--out", "both"]);
    assert!(out.contains("comparison: both/report.html"));
    assert_eq!(bench.read("a/report.html"), before, "the report is a function of the folder");
    let both = bench.read("both/report.html");
    assert!(both.contains("a: newton") && both.contains("b: newton"), "studies of one name are told apart by folder");
    assert!(both.contains("The studies are the same in every setting."));
    for text in ["gf run study.toml", "name = &quot;tiny&quot;", "core"] {
        assert!(before.contains(text), "{text}");
    }
}

#[test]
fn tables_of_a_report_are_exported() {
    let bench = bench();
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "a"]);
    bench.expect(0, &["report", "a", "--tables", "latex"]);
    let latex = bench.read("a/tables/01-result.tex");
    assert!(latex.contains("\\begin{tabular}{llrr") && latex.contains("newton &"), "{latex}");
    let (out, _) = bench.expect(0, &["report", "a", "--tables", "markdown"]);
    assert!(out.contains("tables: a/tables"), "{out}");
    let markdown = bench.read("a/tables/01-result.md");
    assert!(markdown.contains("\n| arm | settings | final val. loss (median) |"), "{markdown}");
    let (_, error) = bench.expect(2, &["report", "a", "--tables", "word"]);
    assert!(error.contains("latex, markdown"), "{error}");
}

#[test]
fn a_saved_model_evaluates_to_its_best_validation_loss() {
    let bench = bench();
    // Without a split, validation is on all samples: what `gf eval` evaluates on.
    bench.write("study.toml", &STUDY.replace("fraction = 0.25", "split = \"none\""));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let (out, _) = bench.expect(0, &["eval", "study.toml", "--theta", "out/model-newton-0.gfmodel"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let summary: Value = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    assert_eq!(json["loss"], summary["arms"][2]["runs"][0]["best_val_loss"]);
}

#[test]
fn standardized_inputs_are_standardized_for_evaluation_too() {
    let bench = bench();
    let standardized =
        STUDY.replace("[validation]\nfraction = 0.25", "scale = \"standardize\"\n[validation]\nsplit = \"none\"");
    bench.write("study.toml", &standardized);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let (out, _) = bench.expect(0, &["eval", "study.toml", "--theta", "out/model-newton-0.gfmodel"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let summary: Value = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    assert_eq!(json["loss"], summary["arms"][2]["runs"][0]["best_val_loss"]);
}

#[test]
fn sparse_evaluation_leaves_cells_empty_and_verdicts_finite() {
    let bench = bench();
    let claim = "\n[[claim]]\ntext = \"implicit is ahead\"\n\
                 check.ahead = { leader = \"implicit\", follower = \"explicit\", steps = [1, 8], metric = \"val_mae\" }\n";
    bench.write("study.toml", &format!("{STUDY}{claim}"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out", "--set", "run.evaluate_every=4"]);
    let summary: Value = serde_json::from_str(&bench.read("out/summary.json")).unwrap();
    let axes = summary["claims"][0]["axes"].as_array().unwrap();
    assert_eq!(axes.len(), 3);
    assert!(axes.iter().all(|axis| !axis["numbers"].as_str().unwrap().contains('∞')), "{axes:?}");
}

#[test]
fn the_example_study_runs_as_it_is_written() {
    let bench = Bench::new();
    bench.expect(0, &["init"]);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out", "--set", "run.steps=3"]);
    let (_, err) = bench.expect(2, &["init"]);
    assert!(err.contains("study.toml") && err.contains("nothing was written"), "{err}");
}

#[test]
fn printed_experiments_are_studies_that_run_unchanged() {
    let bench = Bench::new();
    let (list, _) = bench.expect(0, &["experiment", "--list"]);
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let known: Vec<&str> = EXPERIMENTS.iter().map(|experiment| experiment.name).collect();
    assert_eq!(names, known);
    // One with a network and one with a function; CI runs all of them at smoke scale.
    for name in ["convergence", "landscape"] {
        for scale in ["smoke", "standard", "full"] {
            let (text, _) = bench.expect(0, &["experiment", name, "--print", "--scale", scale]);
            bench.write("printed.toml", &text);
            if scale == "smoke" {
                bench.expect(0, &["run", "printed.toml", "--quiet", "--out", &format!("{name}-printed")]);
            }
        }
        bench.expect(0, &["experiment", name, "--scale", "smoke", "--quiet", "--out", &format!("{name}-built-in")]);
        let history = |kind: &str| without_wall(&bench.read(&format!("{name}-{kind}/history.csv")));
        assert_eq!(history("printed"), history("built-in"));
    }
    assert!(bench.read("convergence-printed/report.html").contains("The first implicit step and the pole"));
}

#[test]
fn methods_are_listed_as_a_table_and_as_json() {
    let bench = Bench::new();
    let (out, _) = bench.expect(0, &["methods", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let first = &json.as_array().unwrap()[0];
    for key in ["name", "family", "order", "curvature", "stability"] {
        assert!(first.get(key).is_some(), "{key}");
    }
    let (table, _) = bench.expect(0, &["methods"]);
    assert!(table.contains("newton") && table.contains("L-stable"));
}

#[test]
fn the_python_example_of_the_documentation_reads_a_run_folder() {
    let Some(python) = std::env::var_os("GF_PYTHON") else {
        assert!(std::env::var_os("CI").is_none(), "under CI the example is tested: cargo xtask test sets GF_PYTHON");
        println!("skipped: GF_PYTHON is not set; `cargo xtask test` sets it where Python is installed");
        return;
    };
    let bench = bench();
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "run"]);
    let page =
        std::fs::read_to_string(format!("{}/../../docs/reading-results.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let code: String = page.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(code.contains("import pandas") && code.contains("np.load"));
    bench.write("example.py", &code);
    let output =
        std::process::Command::new(python).arg("example.py").arg("run").current_dir(bench.path("")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("implicit") && text.contains("p = 13"), "{text}");
}

#[test]
fn embedded_classes_train_with_their_losses() {
    let bench = Bench::new();
    for (builtin, input, outputs, loss) in [
        ("iris", 4, 3, "softmax_cross_entropy"),
        ("wine", 13, 3, "softmax_cross_entropy"),
        ("breast_cancer", 30, 2, "softmax_cross_entropy"),
        ("breast_cancer", 30, 1, "bce_with_logits"),
    ] {
        let study = format!(
            r#"
[network]
input = {input}
layers = [{{ units = 8, activation = "tanh" }}, {{ units = {outputs}, activation = "identity" }}]
[loss]
kind = "{loss}"
[data]
builtin = "{builtin}"
scale = "standardize"
[run]
steps = 100
[[arm]]
name = "implicit"
method.implicit = {{ h = 10.0 }}
"#
        );
        let out = format!("{builtin}-{outputs}");
        bench.write("classes.toml", &study);
        bench.expect(0, &["run", "classes.toml", "--quiet", "--out", &out]);
        let summary: serde_json::Value = serde_json::from_str(&bench.read(&format!("{out}/summary.json"))).unwrap();
        let accuracy = summary["arms"][0]["runs"][0]["last"]["val_accuracy"].as_f64().unwrap();
        assert!(accuracy >= 0.9, "{builtin} with {loss}: {accuracy}");
    }
}
