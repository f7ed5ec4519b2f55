//! Orchestrates the workspace: `cargo xtask experiment`, `docs`, `peers`, `scaling`, `mpi`, `test`, `ci`, `tidy`.
//!
//! It links none of the numerical crates, so that it builds in seconds; what runs is the `gf` binary, built in release.

mod docs;
mod mpi;
mod peers;
mod python;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Runs the experiments, the tests and the checks of gf.")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build gf in release and run an experiment (the main comparison when no NAME is given); see `cargo xtask experiment --list`.
    #[command(disable_help_flag = true)]
    Experiment {
        /// Arguments of `gf experiment`: `[NAME] [--all] [--list] [--scale smoke|standard|full] [--out DIR] …`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Make the figures and numbers of docs/ again by the commands that they name, and the book in target/book.
    Docs(docs::Options),
    /// Time gf beside JAX, PyTorch, curvlinops and the original NumPy project, and write docs/performance.md.
    Peers(peers::Options),
    /// Measure how time and memory grow with parameters, samples, depth and threads, and write docs/cost-of-curvature.md.
    Scaling,
    /// Build gf-mpi, the `gf` of several processes; says what it needs and this machine lacks.
    Mpi(mpi::Options),
    /// Run all tests: unit, integration and documentation tests.
    Test {
        /// The long forms of tests that repeat something many times: minutes in place of seconds.
        #[arg(long)]
        long: bool,
        /// Passed on to the test runner.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// What CI runs, cheapest checks first: formatting, tidy, clippy, tests, documentation, a smoke run of benches and experiments.
    Ci {
        /// Leave out the tests (when `cargo xtask test` has just run).
        #[arg(long)]
        skip_tests: bool,
    },
    /// The invariants of ARCHITECTURE.md that text can check.
    Tidy,
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    match Arguments::parse().task {
        Task::Experiment { arguments } => experiment(root, &arguments),
        Task::Docs(options) => docs::run(root, &options),
        Task::Peers(options) => peers::run(root, &options),
        Task::Scaling => scaling(root),
        Task::Mpi(options) => mpi::run(root, &options),
        Task::Test { long, arguments } => test(root, long, &arguments),
        Task::Ci { skip_tests } => ci(root, skip_tests),
        Task::Tidy => tidy::check(root),
    }
}

fn experiment(root: &Path, arguments: &[String]) -> Result<()> {
    // Not quiet: the first build takes minutes, and cargo shows how far it is.
    cargo(root, ["build", "--release", "--package", "gf-cli"])?;
    let gf = binary(root, "release", "gf");
    // Where the user stands, not the root: `--out` is relative to that.
    let status = Command::new(&gf).arg("experiment").args(arguments).status().context("starting gf")?;
    // The exit code of gf says what happened (1: a run failed, 2: misuse), and gf has said why.
    std::process::exit(status.code().unwrap_or(1));
}

fn scaling(root: &Path) -> Result<()> {
    cargo(root, ["build", "--release", "--package", "gf-bench"])?;
    run(Command::new(binary(root, "release", "gf-bench")).args(["scaling", "--out"]).arg(root.join("docs")))
}

fn test(root: &Path, long: bool, arguments: &[String]) -> Result<()> {
    let runner: &[&str] =
        if has_nextest() { &["nextest", "run", "--no-fail-fast"] } else { &["test", "--all-targets"] };
    // The reading example of docs/ runs in a virtual environment; without Python its test says that it is skipped.
    let python = python::environment(root);
    let mut environment: Vec<(&str, &Path)> = python.iter().map(|python| ("GF_PYTHON", python.as_path())).collect();
    environment.extend(long.then_some(("GF_LONG_TESTS", Path::new("1"))));
    let workspace = mpi::workspace();
    if workspace.contains(&"--exclude") {
        step("gf-mpi is left out: `cargo xtask mpi` says what it needs");
    }
    let all = runner.iter().chain(workspace).copied().chain(arguments.iter().map(String::as_str));
    cargo_with(root, all, &environment)?;
    peers::test(root)?;
    cargo(root, ["test", "--doc", "--quiet"].iter().chain(workspace).copied())
}

fn ci(root: &Path, skip_tests: bool) -> Result<()> {
    step("formatting");
    cargo(root, ["fmt", "--all", "--check"])?;
    step("tidy");
    tidy::check(root)?;
    step("clippy");
    let workspace = mpi::workspace();
    let clippy = ["clippy", "--all-targets", "--quiet"].iter().chain(workspace).chain(&["--", "-D", "warnings"]);
    cargo(root, clippy.copied())?;
    if !skip_tests {
        step("tests");
        test(root, false, &[])?;
    }
    step("documentation");
    let doc = ["doc", "--no-deps", "--quiet"].iter().chain(workspace);
    cargo_with(root, doc.copied(), &[("RUSTDOCFLAGS", Path::new("-D warnings"))])?;
    step("experiments and benches, smoke");
    let out = tempdir(root)?;
    cargo(root, ["build", "--release", "--package", "gf-cli", "--quiet"])?;
    let smoke = ["experiment", "--all", "--scale", "smoke", "--quiet", "--out"];
    run(Command::new(binary(root, "release", "gf")).args(smoke).arg(&out))?;
    step("book: formulas, links, figures and numbers of the quick experiments");
    docs::run(root, &docs::Options { check: true, quick: true, ..docs::Options::default() })?;
    // In the profile of the tests, so that nothing is built again for it.
    let benches = ["--bench", "derivatives", "--bench", "steps", "--bench", "spectrum"];
    cargo(
        root,
        ["bench", "--workspace", "--exclude", "gf-mpi"].into_iter().chain(benches).chain([
            "--profile",
            "dev",
            "--quiet",
            "--",
            "--test",
        ]),
    )
}

/// A folder below target/ that is new for this process.
fn tempdir(root: &Path) -> Result<PathBuf> {
    let out = target(root).join("ci-smoke").join(std::process::id().to_string());
    std::fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
    Ok(out)
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn binary(root: &Path, profile: &str, name: &str) -> PathBuf {
    target(root).join(profile).join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

fn has_nextest() -> bool {
    Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
}

#[expect(clippy::print_stdout, reason = "progress of the checks")]
fn step(name: &str) {
    println!("\n== {name}");
}

fn cargo<'a>(root: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    cargo_with(root, arguments, &[])
}

fn cargo_with<'a>(
    root: &Path,
    arguments: impl IntoIterator<Item = &'a str>,
    environment: &[(&str, &Path)],
) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(arguments);
    environment.iter().for_each(|(key, value)| {
        command.env(key, value);
    });
    run(&mut command)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(())
}
