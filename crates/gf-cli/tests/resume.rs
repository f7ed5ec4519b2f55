//! Runs that survive: killed, interrupted, with damaged files, on a full disk. What a continued run leaves is what an undisturbed one leaves.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use gf_core::{StreamRng, Streams};
use rand::Rng;
use support::{Bench, data, expect_equal, signal, start};

/// Everything that has a state: momenta, a secant memory, a solver that remembers, an error controller, schedules (one waits for a plateau),
/// shuffled batches, patience, sums over epochs, trackers of the spectrum, the central flow, the flow and the paths of a landscape.
const STUDY: &str = r#"
name = "survivor"
[network]
input = 4
layers = [{ units = 5, activation = "tanh" }, { units = 5, activation = "tanh", skip = true }, { units = 3, activation = "identity" }]
[loss]
kind = "softmax_cross_entropy"
[data]
builtin = "iris"
[run]
steps = 60
batch = 16
order = "shuffled"
evaluate_every = 3
layers_every = 7
monitor = true
early_stopping = { patience = 12 }
flow_tolerance = 1e-2
[checkpoint]
every = 7
seconds = 1e9
[spectrum]
every = 4
top = 2
bottom = 1
gauss_newton = true
trace_probes = 2
central_flow = true
[landscape]
grid = 5
[[arm]]
name = "gd"
batch = 0
steps = 30
method.explicit = { h = 0.2 }
[[arm]]
name = "adam"
method.adam = { h = 0.01 }
schedule.warmup = { epochs = 2 }
schedule.plateau = { patience = 1, factor = 0.5 }
[[arm]]
name = "impatient"
method.heavy-ball = { h = 0.9 }
schedule.cosine = {}
[[arm]]
name = "implicit"
method.implicit = { h = 0.5, solver = "auto", indefinite = "accept" }
steps = 20
[[arm]]
name = "lbfgs"
batch = 0
steps = 20
method.lbfgs = {}
[[arm]]
name = "adaptive"
steps = 20
method.dormand-prince = { h = 0.1 }
control.embedded-error = {}
"#;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("study.toml", STUDY);
    bench
}

/// Waits until `path` exists, or the child has ended.
fn wait_for(bench: &Bench, path: &str, child: &mut Child) {
    let since = Instant::now();
    while !bench.path(path).exists() && child.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < Duration::from_secs(120), "{path} does not appear");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn uniform(rng: &mut StreamRng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[test]
fn killed_at_random_moments_and_resumed_it_ends_as_the_undisturbed_run() {
    let kills = if gf_testing::long() { 50 } else { 5 };
    let bench = bench();
    let began = Instant::now();
    bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", "whole"]);
    // Anywhere between its first moment and its second half, whatever the machine.
    let longest = began.elapsed().mul_f64(0.7);
    let expected = data(&bench, "whole");
    let mut rng = Streams::new(2026).data();
    let mut killed = 0;
    for round in 0.. {
        let folder = format!("run-{round}");
        let run = ["run", "study.toml", "--quiet", "--no-report", "--threads", "2", "--out", &folder];
        let resume = ["resume", &folder, "--quiet", "--no-report", "--threads", "2"];
        loop {
            // Killed before the folder had its name, it is run again.
            let begun = bench.path(&folder).join("study.toml").exists();
            let mut child = start(&bench, if begun { &resume } else { &run });
            if killed < kills {
                std::thread::sleep(longest.mul_f64(uniform(&mut rng)));
                killed += i32::from(child.try_wait().unwrap().is_none());
                child.kill().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            // No file is ever found damaged.
            let errors = String::from_utf8(output.stderr).unwrap();
            assert!(errors.is_empty(), "after {killed} kills: {errors}");
            if output.status.success() {
                break;
            }
            assert_eq!(output.status.code(), None, "killed");
        }
        expect_equal(&data(&bench, &folder), &expected);
        if killed == kills {
            break;
        }
    }
}

#[test]
fn an_interrupted_run_says_how_to_go_on_and_a_finished_one_is_left_alone() {
    let bench = bench();
    bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", "whole"]);
    let mut child =
        start(&bench, &["run", "study.toml", "--no-report", "--out", "run", "--set", "checkpoint.every=1000000"]);
    wait_for(&bench, "run/lock", &mut child);
    // While it runs, nobody else writes there.
    let (_, error) = bench.expect(2, &["resume", "run"]);
    assert!(error.contains("another process"), "{error}");
    let (_, error) = bench.expect(2, &["report", "run"]);
    assert!(error.contains("gf resume run"), "{error}");
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stderr).unwrap().contains("interrupted: `gf resume run` continues"));
    assert!(bench.path("run/checkpoints").read_dir().unwrap().count() > 0, "it saved where it stood");
    bench.expect(0, &["resume", "run", "--quiet", "--no-report"]);
    let (found, expected) = (data(&bench, "run"), data(&bench, "whole"));
    // The two studies differ in when checkpoints are written.
    let but_study =
        |files: Vec<(String, Vec<u8>)>| files.into_iter().filter(|(name, _)| name != "study.toml").collect::<Vec<_>>();
    expect_equal(&but_study(found), &but_study(expected));

    let all = |bench: &Bench| {
        bench.files().into_iter().map(|file| (std::fs::read(bench.path(&file)).unwrap(), file)).collect::<Vec<_>>()
    };
    let before = all(&bench);
    let (out, _) = bench.expect(0, &["resume", "run"]);
    assert!(out.contains("complete"), "{out}");
    assert!(all(&bench) == before, "a complete run is unchanged");
    assert!(!bench.path("run/report.html").exists(), "it was asked for no report");
    bench.expect(0, &["report", "run"]);
    assert!(bench.path("run/report.html").exists());
}

#[test]
fn what_cannot_be_continued_is_refused_or_run_again() {
    let bench = bench();
    let (_, error) = bench.expect(2, &["resume", "nowhere"]);
    assert!(error.contains("nowhere") && error.contains("study.toml"), "{error}");
    bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", "whole"]);
    let expected = data(&bench, "whole");

    // Killed before its first checkpoint: study.toml is all there is.
    std::fs::create_dir(bench.path("bare")).unwrap();
    std::fs::copy(bench.path("whole/study.toml"), bench.path("bare/study.toml")).unwrap();
    bench.expect(0, &["resume", "bare", "--quiet", "--no-report"]);
    expect_equal(&data(&bench, "bare"), &expected);

    // Damaged and foreign checkpoints are named; earlier ones, or the start, take their place.
    let mut child = start(&bench, &["run", "study.toml", "--quiet", "--no-report", "--out", "run", "--threads", "1"]);
    wait_for(&bench, "run/checkpoints/adam-0-000000000014.gfcheckpoint", &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let files: Vec<_> = bench.path("run/checkpoints").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    for (k, file) in files.iter().enumerate() {
        match k % 3 {
            0 => std::fs::write(file, b"not a checkpoint").unwrap(),
            1 => std::fs::copy(bench.path("whole/model-adam-0.gfmodel"), file).map(|_| ()).unwrap(),
            _ => {
                let mut bytes = std::fs::read(file).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
                std::fs::write(file, bytes).unwrap();
            }
        }
    }
    let (_, warnings) = bench.expect(0, &["resume", "run", "--quiet", "--no-report"]);
    assert!(warnings.contains("warning: ") && warnings.contains("checkpoints"), "{warnings}");
    expect_equal(&data(&bench, "run"), &expected);
}

/// The system refuses files of more than a few kB, as a full disk does.
#[test]
fn on_a_full_disk_the_run_says_so_and_can_be_continued_later() {
    let bench = bench();
    bench.expect(0, &["run", "study.toml", "--quiet", "--no-report", "--out", "whole"]);
    let limited = |command: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 8; exec {} {command}", env!("CARGO_BIN_EXE_gf"));
        Command::new("bash").args(["-c", &script]).current_dir(bench.path(".")).env("NO_COLOR", "1").output().unwrap()
    };
    let output = limited("run study.toml --quiet --no-report --out run");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("cannot write") && errors.contains("run/"), "{errors}");
    let mut failures: Vec<&str> = errors.lines().filter(|line| line.contains(".gfcheckpoint: cannot write")).collect();
    failures.sort_unstable();
    let of_run = |line: &&str| line.split(".gfcheckpoint").next().map(|path| path[..path.len() - 13].to_string());
    assert!(!failures.is_empty());
    assert!(failures.windows(2).all(|two| of_run(&two[0]) != of_run(&two[1])), "once an arm and seed: {errors}");
    assert!(!bench.path("run/summary.json").exists());
    bench.expect(0, &["resume", "run", "--quiet", "--no-report"]);
    expect_equal(&data(&bench, "run"), &data(&bench, "whole"));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_before_anything_runs() {
    let bench = bench();
    bench.write("file", "");
    let (_, error) = bench.expect(2, &["run", "study.toml", "--out", "file/run"]);
    assert!(error.contains("file/run") && error.contains("cannot create"), "{error}");
    for (set, key) in [("every=0", "every"), ("seconds=0.0", "seconds"), ("keep=0", "keep")] {
        let (_, error) = bench.expect(2, &["run", "study.toml", "--set", &format!("checkpoint.{set}")]);
        assert!(error.contains(key) && error.contains("found 0"), "{error}");
    }
    assert!(!bench.path("runs").exists(), "nothing is left of a run that could not start");
}

/// A folder as the first version of the format left it, killed in two arms of three. Every later version continues it.
#[test]
fn checkpoints_of_the_first_version_of_the_format_are_continued() {
    let bench = Bench::new();
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoint-version-1");
    std::fs::create_dir_all(bench.path("run/checkpoints")).unwrap();
    for entry in std::fs::read_dir(fixture).unwrap() {
        let (name, path) = entry.map(|entry| (entry.file_name(), entry.path())).unwrap();
        let folder = bench.path(if name == "study.toml" { "run" } else { "run/checkpoints" });
        std::fs::copy(path, folder.join(name)).unwrap();
    }
    bench.expect(0, &["run", "run/study.toml", "--quiet", "--no-report", "--out", "new"]);
    let (_, warnings) = bench.expect(0, &["resume", "run", "--quiet", "--no-report"]);
    assert_eq!(warnings, "", "every file was read");
    // What the fixture holds was computed on another machine, whose rounding may differ.
    let column = |folder: &str, name: &str| -> Vec<String> {
        let text = bench.read(&format!("{folder}/history.csv"));
        let at = text.lines().next().unwrap().split(',').position(|column| column == name).unwrap();
        text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap().to_string()).collect()
    };
    for name in ["arm", "step"] {
        assert_eq!(column("run", name), column("new", name));
    }
    let losses = column("run", "loss").into_iter().zip(column("new", "loss"));
    let places = column("run", "arm").into_iter().zip(column("run", "step"));
    for ((arm, step), (found, expected)) in places.zip(losses) {
        // Descent with h = 0.2 is unstable here: from the first checkpoint at step 12 on it amplifies rounding a thousandfold every ten steps.
        if arm == "gd" && step.parse::<u64>().unwrap() > 40 {
            continue;
        }
        let (found, expected): (f64, f64) = (found.parse().unwrap(), expected.parse().unwrap());
        assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{arm} {step}: {found} for {expected}");
    }
}
