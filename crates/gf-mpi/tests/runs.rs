//! `mpirun gf-mpi run`: the same results for any number of ranks, and an end to everything that goes wrong.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use gf_utils::history::{ArmHistory, read_histories};
use gf_utils::npy::write_npy;

/// A rank that fails ends all, and says why, in this time.
const PATIENCE: Duration = Duration::from_secs(30);

fn gf_mpi() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_gf-mpi"))
}

fn ranks(count: usize, arguments: &[&str], folder: &Path) -> Command {
    let mut command = support::mpirun(count, &gf_mpi());
    command.args(arguments).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What came of it; a panic when it takes longer than [`PATIENCE`].
fn ended(mut child: Child) -> Output {
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("not all ranks have ended after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

fn run(count: usize, arguments: &[&str], folder: &Path) -> Output {
    ranks(count, arguments, folder).spawn().unwrap().wait_with_output().unwrap()
}

/// What it said, without line breaks.
fn words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).replace('│', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn success(output: &Output) {
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// x and y of a regression with three inputs and two targets.
fn records(count: usize) -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (0..3 * count).map(|k| (0.7 * k as f64).sin() + (k % 5) as f64 * 0.2).collect();
    let y = x.chunks_exact(3).flat_map(|x| [(x[0] - x[1]).sin(), 10.0 + x[1] * x[2]]).collect();
    (x, y)
}

fn csv(count: usize) -> String {
    let (x, y) = records(count);
    let mut text = String::from("a,b,c,u,v\n");
    for (x, y) in x.chunks_exact(3).zip(y.chunks_exact(2)) {
        writeln!(text, "{},{},{},{},{}", x[0], x[1], x[2], y[0], y[1]).unwrap();
    }
    text
}

const STUDY: &str = r#"
name = "ranks"
[network]
input = 3
layers = [{ units = 6, activation = "tanh" }, { units = 2, activation = "identity" }]
[loss]
kind = "mse"
l2 = 0.02
[validation]
split = "shuffled"
fraction = 0.2
[run]
seeds = [1, 2]
"#;

const ARMS: &str = r#"
[[arm]]
name = "explicit"
method.explicit = { h = 0.02 }
[[arm]]
name = "implicit"
method.implicit = { h = 0.4, solver = "minres" }
[[arm]]
name = "newton"
method.newton = { damping = 2.0, solver = "cholesky" }
[[arm]]
name = "adam"
method.adam = {}
"#;

fn study(folder: &Path, data: &str, run: &str, arms: &str) {
    std::fs::write(folder.join("study.toml"), format!("{STUDY}{run}\n[data]\n{data}\n{arms}")).unwrap();
}

const CSV: &str =
    "csv = \"data.csv\"\ntarget = [\"u\", \"v\"]\nscale = \"standardize\"\nscale_targets = \"standardize\"";

fn histories(folder: &Path) -> BTreeMap<(String, u64), ArmHistory> {
    let histories = read_histories(&folder.join("history.csv")).unwrap();
    histories.into_iter().map(|history| ((history.arm.clone(), history.seed), history)).collect()
}

/// The largest relative difference of losses.
fn apart(a: &Path, b: &Path) -> f64 {
    let (a, b) = (histories(a), histories(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    let mut worst = 0.0_f64;
    for (key, a) in &a {
        let (a, b) = (a.table.rows(), b[key].table.rows());
        assert_eq!(a.len(), b.len(), "{key:?}");
        for (a, b) in a.iter().zip(b) {
            for (a, b) in [(a.loss, b.loss), (a.train_loss, b.train_loss), (a.val_loss, b.val_loss)] {
                worst = worst.max((a - b).abs() / b.abs());
            }
        }
    }
    worst
}

fn numbers_without_clocks(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("history.csv")).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let keep = |index: usize| header[index] != "wall_s";
    let line = |line: &str| {
        let fields: Vec<&str> =
            line.split(',').enumerate().filter(|(index, _)| keep(*index)).map(|(_, field)| field).collect();
        fields.join(",")
    };
    text.lines().map(line).collect()
}

/// The bar: 200 steps of explicit, implicit and Newton, to 1e-8; mini-batches, scaling, splits and metrics come from all ranks too.
#[test]
fn any_number_of_ranks_runs_the_study_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("data.csv"), csv(157)).unwrap();
    for (batches, run_keys) in [("all", "steps = 200"), ("mini", "steps = 200\nbatch = 40\norder = \"shuffled\"")] {
        study(folder, CSV, run_keys, ARMS);
        let out = |count: usize| format!("{batches}-{count}");
        for count in 1..=4 {
            success(&run(count, &["run", "study.toml", "--no-report", "--quiet", "--out", &out(count)], folder));
            let apart = apart(&folder.join(out(count)), &folder.join(out(1)));
            assert!(apart < 1e-8, "{count} ranks: {apart:e}");
            // All that a run folder has, from all samples.
            let summary = std::fs::read_to_string(folder.join(out(count)).join("summary.json")).unwrap();
            let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
            assert_eq!((&summary["train_samples"], &summary["validation_samples"]), (&126.into(), &31.into()));
            let predictions = std::fs::read_to_string(folder.join(out(count)).join("predictions.csv")).unwrap();
            assert_eq!(predictions.lines().count(), 1 + 4 * 31);
        }
    }
    success(&run(3, &["run", "study.toml", "--no-report", "--quiet", "--out", "again"], folder));
    let [again, first] = ["again", "mini-3"].map(|out| numbers_without_clocks(&folder.join(out)));
    assert!(again == first, "the same bits at every repetition");
}

#[test]
fn arrays_and_files_of_their_own_are_read_part_by_part() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (x, y) = records(60);
    let write = |name: &str, rows: std::ops::Range<usize>| {
        let path = |kind: &str| folder.join(format!("{kind}{name}.npy"));
        write_npy(&path("x"), &[rows.len(), 3], &x[3 * rows.start..3 * rows.end]).unwrap();
        write_npy(&path("y"), &[rows.len(), 2], &y[2 * rows.start..2 * rows.end]).unwrap();
    };
    write("", 0..60);
    write("-0", 0..17);
    write("-1", 17..60);
    let explicit = &ARMS[..ARMS.find("[[arm]]\nname = \"implicit\"").unwrap()];
    study(folder, "x = \"x.npy\"\ny = \"y.npy\"", "steps = 20", explicit);
    success(&run(1, &["run", "study.toml", "--no-report", "--quiet", "--out", "one"], folder));
    success(&run(2, &["run", "study.toml", "--no-report", "--quiet", "--out", "two"], folder));
    study(folder, "x = \"x-{rank}.npy\"\ny = \"y-{rank}.npy\"", "steps = 20", explicit);
    success(&run(2, &["run", "study.toml", "--no-report", "--quiet", "--out", "own"], folder));
    assert!(apart(&folder.join("two"), &folder.join("one")) < 1e-12);
    assert!(apart(&folder.join("own"), &folder.join("one")) < 1e-12);
    // A file that no rank reads, and a rank that has no file.
    let one = ended(ranks(1, &["run", "study.toml", "--quiet", "--out", "a"], folder).spawn().unwrap());
    let three = ended(ranks(3, &["run", "study.toml", "--quiet", "--out", "b"], folder).spawn().unwrap());
    for (output, expected) in [(one, "expected a rank for each file"), (three, "cannot read the file of rank 2")] {
        let text = words(&output);
        assert!(!output.status.success() && text.matches(expected).count() == 1, "{text}");
    }
    assert!(!folder.join("a").exists() && !folder.join("b").exists(), "nothing is left of a run that could not start");
}

/// Class weights need the labels of other ranks, stratified splits and scores those of all, and epochs are watched on all samples.
#[test]
fn classes_on_ranks_weigh_what_they_weigh_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = r#"
name = "classes"
[network]
input = 4
layers = [{ units = 5, activation = "tanh" }, { units = 3, activation = "identity" }]
[loss]
kind = "softmax_cross_entropy"
class_weights = [0.2, 1.0, 3.0]
[data]
builtin = "iris"
scale = "standardize"
[validation]
split = "stratified"
fraction = 0.2
[run]
epochs = 10
batch = 16
order = "shuffled"
[[arm]]
name = "heavy-ball"
method.heavy-ball = { h = 0.05 }
"#;
    std::fs::write(folder.join("study.toml"), text).unwrap();
    for (count, out) in [(1, "one"), (3, "three")] {
        success(&run(count, &["run", "study.toml", "--no-report", "--quiet", "--out", out], folder));
    }
    let apart = apart(&folder.join("three"), &folder.join("one"));
    assert!(apart < 1e-9, "{apart:e}");
    let [one, three] =
        ["one", "three"].map(|out| std::fs::read_to_string(folder.join(out).join("confusion.csv")).unwrap());
    assert_eq!(one, three);
}

#[test]
fn ranks_with_different_shapes_end_with_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (x, y) = records(30);
    write_npy(&folder.join("x-0.npy"), &[30, 3], &x).unwrap();
    write_npy(&folder.join("x-1.npy"), &[45, 2], &x).unwrap();
    write_npy(&folder.join("y-0.npy"), &[30, 2], &y).unwrap();
    write_npy(&folder.join("y-1.npy"), &[45, 1], &y[..45]).unwrap();
    study(folder, "x = \"x-{rank}.npy\"\ny = \"y-{rank}.npy\"", "steps = 20", ARMS);
    let output = ended(ranks(2, &["run", "study.toml", "--quiet", "--out", "out"], folder).spawn().unwrap());
    let text = words(&output);
    assert!(!output.status.success());
    assert_eq!(text.matches("the same shapes on all ranks").count(), 1, "{text}");
    assert!(text.contains("3 inputs and 2 targets") && text.contains("2 inputs and 1 targets"), "{text}");
}

#[test]
fn misuse_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let failing = |arguments: &[&str], expected: &str| {
        let output = ended(ranks(3, arguments, folder).spawn().unwrap());
        let text = words(&output);
        assert_eq!(text.matches(expected).count(), 1, "{text}");
        assert!(!output.status.success());
    };
    failing(&["run", "nowhere.toml"], "cannot read");
    failing(&["run"], "required arguments were not provided");
    failing(&["methods"], "expected one process");
    std::fs::write(folder.join("data.csv"), csv(40)).unwrap();
    study(folder, &CSV.replace("\"u\"", "\"w\""), "steps = 5", ARMS);
    failing(&["run", "study.toml"], "no column \"w\"");
    study(folder, CSV, "steps = 5\nlayers_every = 2", ARMS);
    failing(&["run", "study.toml"], "expected one process for run.layers_every");
}

/// The processes that mpirun started for this folder, by rank.
#[cfg(target_os = "linux")]
fn process_of_rank(rank: usize, out: &str) -> Option<u32> {
    let entries = std::fs::read_dir("/proc").ok()?;
    entries.flatten().find_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let has = |bytes: &[u8], text: &str| bytes.split(|byte| *byte == 0).any(|part| part == text.as_bytes());
        let is_it = has(&read("cmdline"), out)
            && (has(&read("environ"), &format!("OMPI_COMM_WORLD_RANK={rank}"))
                || has(&read("environ"), &format!("PMI_RANK={rank}")));
        is_it.then_some(id)
    })
}

/// A rank is killed: all end, the last checkpoint is good, and another number of ranks goes on from it.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_rank_ends_all_and_the_run_resumes_on_another_number_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("data.csv"), csv(157)).unwrap();
    let arms = &ARMS[..ARMS.find("[[arm]]\nname = \"newton\"").unwrap()];
    let keys = "steps = 3000\nbatch = 40\nevaluate_every = 100\n[checkpoint]\nevery = 100";
    study(folder, CSV, keys, arms);
    let whole = ["run", "study.toml", "--no-report", "--quiet", "--out", "whole"];
    success(&run(2, &whole, folder));
    for (killed, resumed) in [(1, 2), (0, 3), (2, 1)] {
        let out = format!("killed-{killed}");
        let arguments = ["run", "study.toml", "--no-report", "--quiet", "--out", &out];
        let child = ranks(3, &arguments, folder).spawn().unwrap();
        let checkpoints = folder.join(&out).join("checkpoints");
        let started = Instant::now();
        while !std::fs::read_dir(&checkpoints).is_ok_and(|mut entries| entries.next().is_some()) {
            assert!(started.elapsed() < PATIENCE, "no checkpoint");
            std::thread::sleep(Duration::from_millis(5));
        }
        let process = process_of_rank(killed, &out).unwrap();
        assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
        let output = ended(child);
        assert!(!output.status.success(), "mpirun says that a rank was killed");
        assert!(!folder.join(&out).join("summary.json").exists(), "it was killed before its end");
        success(&run(resumed, &["resume", &out, "--no-report", "--quiet"], folder));
        let apart = apart(&folder.join(&out), &folder.join("whole"));
        assert!(apart < 1e-8, "{apart:e}");
    }
}
