//! Sweeps: in shards, in processes, killed and gone on with. What is merged is what one process leaves.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use support::{Bench, data, expect_equal, signal, start};

/// An arm for each of `rows` × 10 settings.
fn grid(rows: usize, steps: u64) -> String {
    let steps_of: Vec<String> = (1..=rows).map(|k| format!("{:.4}", 2e-4 * k as f64)).collect();
    let momenta: Vec<String> = (0..10).map(|k| format!("{:.2}", 0.09 * f64::from(k))).collect();
    format!(
        "name = \"grid\"\n[problem.rosenbrock]\n[run]\nsteps = {steps}\non_failure = \"record\"\n[[arm]]\nname = \"hb\"\n\
         method.heavy-ball = {{ h = [{}], momentum = [{}] }}\n",
        steps_of.join(", "),
        momenta.join(", ")
    )
}

/// Two arms that take a second or more, saved often; then one that is short.
const SLOW: &str = r#"
name = "slow"
[network]
input = 64
layers = [{ units = 16, activation = "tanh" }, { units = 10, activation = "identity" }]
[loss]
kind = "softmax_cross_entropy"
[data]
builtin = "digits"
[run]
steps = 300
evaluate_every = 100
[checkpoint]
every = 10
[[arm]]
name = "long"
method.explicit = { h = [1e-4, 2e-4] }
[[arm]]
name = "short"
steps = 5
method.explicit = { h = 1e-4 }
"#;

fn bench(study: &str) -> Bench {
    let bench = Bench::new();
    bench.write("study.toml", study);
    bench
}

/// Names of the files in `arms/` that end like this.
fn arms(bench: &Bench, folder: &str, ending: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(bench.path(folder).join("arms")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

/// Arms that have a checkpoint.
fn under_way(bench: &Bench) -> usize {
    let names = arms(bench, "swept", ".gfcheckpoint");
    let stems: BTreeSet<&str> = names.iter().filter_map(|name| Some(name.rsplit_once('-')?.0)).collect();
    stems.len()
}

/// Waits until `holds`, as long as the child lives; whether it came true.
fn wait_until(child: &mut Child, mut holds: impl FnMut() -> bool) -> bool {
    let since = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(since.elapsed() < Duration::from_secs(120), "what is waited for does not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A folder with the columns of wall-clock time, and all that is derived from them, set to nothing: what is left is equal bit for bit.
fn copy_without_wall(bench: &Bench, from: &str, to: &str) {
    std::fs::create_dir_all(bench.path(to)).unwrap();
    for (name, bytes) in data(bench, from) {
        let path = bench.path(to).join(&name);
        match name.as_str() {
            "history.csv" => {
                let text = std::fs::read_to_string(bench.path(from).join(&name)).unwrap();
                let wall = text.lines().next().unwrap().split(',').position(|column| column.contains("wall")).unwrap();
                let lines = text.lines().enumerate().map(|(k, line)| {
                    let mut cells: Vec<&str> = line.split(',').collect();
                    if k > 0 {
                        cells[wall] = "0";
                    }
                    cells.join(",") + "\n"
                });
                std::fs::write(path, lines.collect::<String>()).unwrap();
            }
            "summary.json" => {
                let text = std::fs::read_to_string(bench.path(from).join(&name)).unwrap();
                let without = |line: &str| match line.split_once("\"wall_s\":") {
                    Some((before, _)) => format!("{before}\"wall_s\": 0.0\n"),
                    None => format!("{line}\n"),
                };
                std::fs::write(path, text.lines().map(without).collect::<String>()).unwrap();
            }
            _ => std::fs::write(path, bytes).unwrap(),
        }
    }
}

#[test]
fn arms_in_four_shards_one_killed_and_restarted_make_the_report_of_one_process() {
    let rows = if gf_testing::long() { 100 } else { 20 };
    let bench = bench(&grid(rows, 12));
    bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", "whole"]);
    let shard = |index: usize| {
        vec![
            "sweep".into(),
            "study.toml".into(),
            "--out".into(),
            "swept".into(),
            "--shard".into(),
            format!("{index}/4"),
        ]
    };
    let run = |index: usize| bench.expect(0, &shard(index).iter().map(String::as_str).collect::<Vec<_>>()).0;
    // Killed among its arms, however fast the machine is.
    let of_shard = rows * 10 / 4;
    let killed_at = loop {
        let _ = std::fs::remove_dir_all(bench.path("swept"));
        let arguments = [shard(2), vec!["--threads".into(), "1".into()]].concat();
        let mut child = start(&bench, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        wait_until(&mut child, || arms(&bench, "swept", ".gfended").len() >= 3);
        child.kill().unwrap();
        child.wait().unwrap();
        let left = arms(&bench, "swept", ".gfended").len();
        if (3..of_shard).contains(&left) {
            break left;
        }
    };
    for index in [1, 3, 4] {
        assert!(run(index).contains(&format!("shard {index}/4, swept: {of_shard} arms on seeds run, 0 failed; ")));
    }
    let missing = of_shard - killed_at;
    let (_, error) = bench.expect(2, &["report", "swept"]);
    for piece in [
        format!("swept: {missing} of {} arms on seeds are missing: hb-h", rows * 10),
        "gf sweep swept/study.toml --out swept".into(),
    ] {
        assert!(error.contains(&piece), "{piece}: {error}");
    }
    let out = run(2);
    assert!(out.contains(&format!("{missing} arms on seeds run")), "a killed shard loses its current arm only: {out}");
    assert!(out.contains("`gf report swept` merges them"), "{out}");
    let (out, warnings) = bench.expect(0, &["report", "swept"]);
    assert!(out.contains("report: swept/report.html") && warnings.is_empty(), "{out}{warnings}");
    let html = bench.read("swept/report.html");
    for piece in [&*format!("Of {} arms, ", rows * 10), "the 12 with the lowest final validation loss", "swept-1-map"] {
        assert!(html.contains(piece), "{piece}");
    }
    for name in ["report.html", "figures"] {
        let path = bench.path("swept").join(name);
        if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
    }
    expect_equal(&data(&bench, "swept"), &data(&bench, "whole"));
    bench.expect(0, &["report", "swept", "whole", "--out", "both"]);
    assert!(bench.read("both/report.html").contains(&format!("whole: Of {} arms, ", rows * 10)));
}

#[test]
fn reports_of_merged_folders_are_equal_to_the_last_letter() {
    let bench = bench(&grid(2, 12));
    bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", "whole"]);
    bench.expect(0, &["sweep", "study.toml", "--quiet", "--no-report", "--out", "swept", "--jobs", "2"]);
    let report = |from: &str, to: &str| {
        copy_without_wall(&bench, from, &format!("{to}/same"));
        let made = Command::new(env!("CARGO_BIN_EXE_gf"))
            .args(["report", "same"])
            .current_dir(bench.path(to))
            .output()
            .unwrap();
        assert!(made.status.success());
        bench.read(&format!("{to}/same/report.html"))
    };
    assert!(report("swept", "a") == report("whole", "b"), "the reports differ");
}

/// All that carries an arm's name, all that is the first seed's alone, and all that is no arm's.
const WATCHED: &str = r#"
name = "watched"
[network]
input = 4
layers = [{ units = 4, activation = "tanh" }, { units = 3, activation = "identity" }]
[loss]
kind = "softmax_cross_entropy"
[data]
builtin = "iris"
[run]
steps = 6
seeds = [3, 1]
on_failure = "record"
layers_every = 2
monitor = true
[spectrum]
every = 3
top = 2
central_flow = true
full = true
[lr_range]
steps = 5
[depth]
depths = [1]
width = 4
activations = ["tanh"]
initializations = ["auto"]
[first_steps]
starts = 2
h = 0.1
[[arm]]
name = "gd"
method.explicit = { h = [0.1, 0.2] }
[[arm]]
name = "twin"
method.explicit = { h = 0.1 }
"#;

#[test]
fn arms_are_known_by_what_their_numbers_depend_on() {
    let bench = bench(WATCHED);
    let sweep = |study: &str, run: usize| {
        bench.write("study.toml", study);
        let (out, _) = bench.expect(0, &["sweep", "study.toml", "--out", "swept", "--shard", "1/1"]);
        assert!(out.contains(&format!("{run} arms on seeds run, 0 failed")), "{out}");
    };
    let merged_is_whole = |whole: &str| {
        bench.expect(0, &["sweep", "swept/study.toml", "--out", "swept", "--quiet", "--no-report"]);
        bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", whole]);
        expect_equal(&data(&bench, "swept"), &data(&bench, whole));
    };
    // The twin is the first arm under another name: two arms on two seeds.
    sweep(WATCHED, 4);
    merged_is_whole("whole");
    let (out, _) = bench.expect(0, &["sweep", "study.toml", "--out", "swept"]);
    assert!(out.contains("complete, nothing is left to do"), "{out}");

    // Names, texts, order, claims and checkpoints are no numbers of an arm.
    let renamed = WATCHED
        .replace("name = \"gd\"", "name = \"renamed\"")
        .replace("name = \"watched\"", "name = \"watched\"\ntitle = \"T\"\nabout = \"A\"")
        .replace("[0.1, 0.2]", "[0.2, 0.1]")
        .replace("[spectrum]", "[checkpoint]\nevery = 1\n[spectrum]")
        .replace("builtin = \"iris\"", "builtin = \"iris\"\nscale = \"none\"");
    sweep(&renamed, 0);
    assert!(!bench.path("swept/summary.json").exists(), "what was merged is that of another study");
    merged_is_whole("renamed");

    // More values and seeds: only what is new. Another first seed has predictions to make.
    sweep(&renamed.replace("[0.2, 0.1]", "[0.2, 0.1, 0.4]"), 2);
    sweep(&renamed.replace("[3, 1]", "[3, 1, 7]"), 2);
    sweep(&renamed.replace("[3, 1]", "[1, 3]"), 4);
    // A key that numbers depend on.
    for (from, to) in [
        ("steps = 6", "steps = 7"),
        ("every = 3", "every = 2"),
        ("units = 4", "units = 5"),
        ("\"iris\"", "\"iris\"\nscale = \"standardize\""),
    ] {
        sweep(&WATCHED.replacen(from, to, 1), 4);
    }
    merged_is_whole("other");
    // Without an arm, nothing of it is left beside the others.
    let fewer = WATCHED.split("[[arm]]\nname = \"twin\"").next().unwrap();
    sweep(fewer, 0);
    merged_is_whole("fewer");
}

#[test]
fn samples_count_by_their_values_not_by_their_file() {
    let bench = bench(support::STUDY);
    let sweep =
        |set: &str| bench.expect(0, &["sweep", "study.toml", "--out", "swept", "--shard", "1/1", "--set", set]).0;
    bench.write("data.csv", support::DATA).write("moved.csv", support::DATA);
    bench.write("changed.csv", &support::DATA.replace("0.3", "0.31"));
    assert!(sweep("data.csv=data.csv").contains("6 arms on seeds run"));
    assert!(sweep("data.csv=moved.csv").contains("0 arms on seeds run"));
    assert!(sweep("data.csv=changed.csv").contains("6 arms on seeds run"));
}

#[test]
fn damaged_and_foreign_files_are_named_and_run_again() {
    let bench = bench(&grid(1, 12));
    bench.expect(0, &["sweep", "study.toml", "--quiet", "--no-report", "--out", "swept"]);
    let expected = data(&bench, "swept");
    let names = arms(&bench, "swept", ".gfended");
    let path = |k: usize| -> PathBuf { bench.path("swept/arms").join(&names[k]) };
    let mut bytes = std::fs::read(path(0)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path(0), bytes).unwrap();
    std::fs::copy(path(2), path(1)).unwrap();
    std::fs::write(path(3), "").unwrap();
    std::fs::remove_file(bench.path("swept/summary.json")).unwrap();
    let (_, error) = bench.expect(2, &["report", "swept"]);
    for (k, reason) in [(0, "damaged"), (1, "belongs to another"), (3, "truncated")] {
        assert!(error.contains(&names[k]) && error.contains(reason), "{reason}: {error}");
    }
    assert!(error.contains("it counts as missing") && error.contains("3 of 10 arms on seeds are missing"), "{error}");
    let (_, warnings) = bench.expect(0, &["sweep", "study.toml", "--quiet", "--no-report", "--out", "swept"]);
    assert!(warnings.matches("running it again").count() == 3, "{warnings}");
    expect_equal(&data(&bench, "swept"), &expected);
}

/// The processes that a process has started.
fn children(parent: &Child) -> Vec<String> {
    let output = Command::new("ps").args(["-o", "pid=", "--ppid", &parent.id().to_string()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

/// Whether a process runs; one that has ended and that nobody has asked about does not.
fn is_alive(process: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", process]).output().unwrap();
    let state = String::from_utf8(output.stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

const TWO_JOBS: [&str; 8] = ["sweep", "study.toml", "--jobs", "2", "--quiet", "--no-report", "--out", "swept"];

#[test]
fn a_process_that_dies_is_told_of_and_the_rest_goes_on() {
    let bench = bench(SLOW);
    let mut child = start(&bench, &TWO_JOBS);
    assert!(wait_until(&mut child, || under_way(&bench) == 2));
    let victims = children(&child);
    assert_eq!(victims.len(), 2);
    assert!(Command::new("kill").args(["-KILL", &victims[0]]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("failed: long-h") && errors.contains("seed 0: its process died: signal: 9"), "{errors}");
    assert_eq!(arms(&bench, "swept", ".gfended").len(), 2, "the others have ended");
    bench.expect(0, &TWO_JOBS);
    bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", "whole"]);
    expect_equal(&data(&bench, "swept"), &data(&bench, "whole"));
}

#[test]
fn the_end_that_is_asked_for_reaches_every_process() {
    let bench = bench(SLOW);
    for name in ["-TERM", "-KILL"] {
        let before = arms(&bench, "swept", ".gfcheckpoint");
        let mut child = start(&bench, &TWO_JOBS);
        assert!(wait_until(&mut child, || arms(&bench, "swept", ".gfcheckpoint")
            .iter()
            .any(|name| !before.contains(name))));
        let workers = children(&child);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        if name == "-TERM" {
            assert_eq!(output.status.code(), Some(130), "{errors}");
            assert!(errors.contains("interrupted: the same command goes on"), "{errors}");
        }
        // Without their parent they save and end as well.
        let since = Instant::now();
        while workers.iter().any(|worker| is_alive(worker)) {
            assert!(since.elapsed() < Duration::from_secs(60), "a process is left over");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!arms(&bench, "swept", ".gfcheckpoint").is_empty(), "they saved where they stood");
    }
    bench.expect(0, &TWO_JOBS);
    assert_eq!(arms(&bench, "swept", ".gfcheckpoint").len(), 0);
    bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", "whole"]);
    expect_equal(&data(&bench, "swept"), &data(&bench, "whole"));
}

#[test]
fn misuse_is_named() {
    let bench = bench(&grid(1, 2));
    let refused = |arguments: &[&str], pieces: &[&str]| {
        let (_, error) = bench.expect(2, &[&["sweep", "study.toml", "--out", "swept"], arguments].concat());
        pieces.iter().for_each(|piece| assert!(error.contains(piece), "{arguments:?}: {piece}: {error}"));
    };
    refused(&["--shard", "5/4"], &["expected I/N", "counted from 1", "found shard 5 of 4"]);
    refused(&["--shard", "0/4"], &["found shard 0"]);
    refused(&["--shard", "1/0"], &["found no shards"]);
    refused(&["--jobs", "0"], &["--jobs: expected 1 to 1024, found 0"]);
    refused(&["--threads", "0"], &["--threads: expected 1 to 1024, found 0"]);
    refused(&["--slurm=0"], &["expected 1 to 100000 shards"]);
    refused(&["--slurm", "--shard", "1/2"], &["cannot be used with"]);
    refused(&["--set", "run.steps=0"], &["run.steps"]);
    assert!(!bench.path("swept").exists(), "nothing is left of what could not start");

    bench.expect(0, &["sweep", "study.toml", "--out", "swept", "--shard", "2/4", "--quiet"]);
    refused(&["--set", "name=other"], &["expected a sweep of the study \"other\", found that of \"grid\""]);
    let (_, error) = bench.expect(2, &["resume", "swept"]);
    assert!(error.contains("a sweep, not a run") && error.contains("gf report"), "{error}");
    let (_, error) = bench.expect(2, &["run", "study.toml", "--out", "swept"]);
    assert!(error.contains("found it in use"), "{error}");
    bench.expect(0, &["run", "study.toml", "--out", "run", "--quiet", "--no-report"]);
    let (_, error) = bench.expect(2, &["sweep", "study.toml", "--out", "run"]);
    assert!(error.contains("or is that of a sweep, found it in use"), "{error}");
    bench.write("problem.toml", "name = \"p\"\n[problem.rosenbrock]\n");
    let (_, error) = bench.expect(2, &["sweep", "problem.toml", "--out", "p"]);
    assert!(error.contains("at least one [[arm]]"), "{error}");
    let (_, error) = bench.expect(2, &["sweep-worker", "swept"]);
    assert!(error.contains("expected the orders of `gf sweep --jobs` on standard input, found none"), "{error}");
    // More shards than arms: some have nothing to do.
    let (out, _) = bench.expect(0, &["sweep", "study.toml", "--out", "swept", "--shard", "20/20"]);
    assert!(out.contains("0 arms on seeds run"), "{out}");
}

/// What stands for Slurm: runs the array in order, then what depends on it.
const SBATCH: &str = r#"#!/bin/bash
set -euo pipefail
echo "$@" >> "$CALLS"
for last in "$@"; do
    case "$last" in --wrap=*) bash -c "${last#--wrap=}" >&2; echo 8; exit ;; esac
done
array=$(sed -n 's/^#SBATCH --array=1-//p' "$last")
cpus=$(sed -n 's/^#SBATCH --cpus-per-task=//p' "$last")
for k in $(seq "$array"); do SLURM_ARRAY_TASK_ID=$k SLURM_CPUS_PER_TASK=$cpus bash "$last" >&2; done
echo "7;cluster"
"#;

#[test]
fn the_job_script_runs_the_shards_and_the_merge() {
    let bench = bench("");
    bench.write("it's a study.toml", &grid(1, 2));
    let arguments = ["sweep", "it's a study.toml", "--out", "my sweep", "--threads", "2", "--set", "run.steps=3"];
    let (script, _) = bench.expect(0, &[&arguments[..], &["--slurm=3"]].concat());
    assert!(!bench.path("my sweep").exists(), "it is printed and nothing is run");
    for line in ["#!/bin/bash", "#SBATCH --job-name=gf-grid", "#SBATCH --array=1-3", "#SBATCH --cpus-per-task=2"] {
        assert!(script.lines().any(|found| found == line), "{line} in\n{script}");
    }
    bench.write("sweep.sh", &script).write("sbatch", SBATCH);
    let bash = |arguments: &[&str]| {
        let gf = PathBuf::from(env!("CARGO_BIN_EXE_gf"));
        let paths = [bench.path("."), gf.parent().unwrap().to_path_buf(), PathBuf::from("/usr/bin:/bin")];
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let output = Command::new("bash")
            .args(arguments)
            .current_dir(bench.path("."))
            .env("PATH", paths.join(":"))
            .env("CALLS", bench.path("calls"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    bash(&["-n", "sweep.sh"]);
    bash(&["-c", "chmod +x sbatch && bash sweep.sh"]);
    let calls = bench.read("calls");
    assert!(calls.contains("--dependency=afterany:7 "), "{calls}");
    assert!(bench.path("my sweep/report.html").exists(), "the second job merges");
    bench.expect(0, &["run", "it's a study.toml", "--set", "run.steps=3", "--out", "whole", "--quiet"]);
    let without_report =
        |folder: &str| data(&bench, folder).into_iter().filter(|(name, _)| name != "report.html").collect::<Vec<_>>();
    expect_equal(&without_report("my sweep"), &without_report("whole"));

    // As many shards as arms, if there are few.
    let (script, _) = bench.expect(0, &[&arguments[..], &["--slurm"]].concat());
    assert!(script.contains("#SBATCH --array=1-10\n"), "{script}");
}
