//! `cargo xtask peers`: gf beside JAX, PyTorch, curvlinops and the original NumPy project, in one run.
//!
//! Sets up what the comparison needs (a virtual environment below target/, the binary gf-bench) and starts `peers/run.py`, which does the rest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

/// A peer, with what `peers/requirements/NAME.txt` downloads and a statement that works once it is installed.
struct Peer {
    name: &'static str,
    download: &'static str,
    import: &'static str,
}

const PEERS: [Peer; 4] = [
    Peer { name: "jax", download: "about 150 MB", import: "import jax, scipy" },
    Peer {
        name: "torch",
        download: "about 2.5 GB where PyTorch brings its GPU libraries",
        import: "import torch, scipy",
    },
    Peer {
        name: "curvlinops",
        download: "PyTorch, about 2.5 GB, and a few small packages",
        import: "import curvlinops, torch",
    },
    Peer { name: "numpy", download: "about 20 MB", import: "import numpy" },
];

/// Succeeds in Python 3.11 and newer.
const RECENT: &str = "import sys; sys.exit(sys.version_info < (3, 11))";

/// What the comparison runs.
#[derive(Args)]
pub(crate) struct Options {
    /// Peers, separated by commas: jax, torch (a download of gigabytes), curvlinops, numpy (the original project's formulas).
    #[arg(long, value_delimiter = ',', default_value = "jax,torch,curvlinops,numpy")]
    only: Vec<String>,
    /// Benchmark cases.
    #[arg(long, default_value = "ABCDE")]
    cases: String,
    /// Only these operations, such as top-eigenpairs; nothing is written then.
    #[arg(long, value_delimiter = ',')]
    operations: Vec<String>,
    /// A first look: few samples, nothing written.
    #[arg(long)]
    quick: bool,
    /// Try every variant of every peer once, instead of a short list of the fastest.
    #[arg(long)]
    screen: bool,
    /// Write docs/performance.md and docs/performance.json even if the run was partial.
    #[arg(long)]
    write: bool,
    /// A Python that has the peers' packages, instead of a virtual environment made below target/.
    #[arg(long)]
    python: Option<PathBuf>,
}

/// Runs the comparison.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let peers = options.peers()?;
    let python = match &options.python {
        Some(python) => python.clone(),
        None => environment(root, &peers)?,
    };
    super::cargo(root, ["build", "--release", "--package", "gf-bench"])?;
    let mut command = Command::new(python);
    // -B: no compiled files beside the sources.
    command.arg("-B").arg(root.join("peers/run.py"));
    command.arg("--gf").arg(super::binary(root, "release", "gf-bench"));
    command.arg("--work").arg(super::target(root).join("peers"));
    command.arg("--digits").arg(root.join("crates/gf-utils/data/digits.csv.gz"));
    command.arg("--docs").arg(root.join("docs"));
    command.args(["--only", &options.only.join(","), "--cases", &options.cases, "--command", &options.as_typed()]);
    if !options.operations.is_empty() {
        command.args(["--operations", &options.operations.join(",")]);
    }
    command.args(options.flags());
    // peers/run.py has said what went wrong.
    let status = command.status().context("starting Python")?;
    std::process::exit(status.code().unwrap_or(1));
}

/// The tests of the comparison's own logic: they need Python, but neither packages nor peers. Skipped, with a message, without Python 3.11.
pub(crate) fn test(root: &Path) -> Result<()> {
    if !succeeds(Command::new("python3").args(["-c", RECENT])) {
        eprintln!("note: no Python 3.11 or newer: the tests of peers/ are skipped");
        return Ok(());
    }
    super::run(
        Command::new("python3").current_dir(root).args(["-B", "-m", "unittest", "discover", "-q", "-s", "peers"]),
    )
}

impl Options {
    fn peers(&self) -> Result<Vec<&'static Peer>> {
        let known = || PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ");
        let find = |name: &String| {
            PEERS
                .iter()
                .find(|peer| peer.name == name)
                .with_context(|| format!("no peer {name:?}; expected {}", known()))
        };
        ensure!(
            !self.cases.is_empty() && self.cases.chars().all(|case| "ABCDE".contains(case)),
            "--cases: expected letters A to E"
        );
        self.only.iter().map(find).collect()
    }

    fn flags(&self) -> Vec<&'static str> {
        let flags = [(self.quick, "--quick"), (self.screen, "--screen"), (self.write, "--write")];
        flags.into_iter().filter_map(|(given, flag)| given.then_some(flag)).collect()
    }

    /// The command that repeats the run, without the place of a Python.
    fn as_typed(&self) -> String {
        let mut typed = vec!["cargo xtask peers".to_owned()];
        if self.only.len() < PEERS.len() {
            typed.push(format!("--only {}", self.only.join(",")));
        }
        if self.cases != "ABCDE" {
            typed.push(format!("--cases {}", self.cases));
        }
        if !self.operations.is_empty() {
            typed.push(format!("--operations {}", self.operations.join(",")));
        }
        typed.extend(self.flags().into_iter().map(str::to_owned));
        typed.join(" ")
    }
}

/// A Python below target/ with the packages of `peers`, installed on first use and whenever the requirements change.
#[expect(clippy::print_stdout, reason = "says what is downloaded")]
fn environment(root: &Path, peers: &[&Peer]) -> Result<PathBuf> {
    let folder = super::target(root).join("peers/venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !succeeds(Command::new(&python).args(["-c", "import sys"])) {
        let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).status();
        let made = made.context("the peers need Python 3.11 or newer, and python3 cannot be started")?;
        ensure!(
            made.success(),
            "python3 could not make a virtual environment (on Debian and Ubuntu: apt install python3-venv)"
        );
    }
    ensure!(
        succeeds(Command::new(&python).args(["-c", RECENT])),
        "the peers need Python 3.11 or newer; point --python at one that has the packages of peers/requirements"
    );
    for peer in peers {
        let requirements = root.join("peers/requirements").join(peer.name).with_extension("txt");
        let installed = folder.join(peer.name).with_extension("installed");
        let wanted = all_requirements(&requirements)?;
        let current = fs::read_to_string(&installed).is_ok_and(|found| found == wanted);
        if current && succeeds(Command::new(&python).args(["-c", peer.import])) {
            continue;
        }
        println!("installing {} into {}: {} to download", peer.name, folder.display(), peer.download);
        let status =
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements).status()?;
        if !status.success() {
            bail!(
                "pip could not install {} (no network, or no wheels for this Python and machine): leave it out with --only, \
                 or point --python at a Python that has it",
                peer.name
            );
        }
        fs::write(&installed, wanted).with_context(|| format!("writing {}", installed.display()))?;
    }
    Ok(python)
}

/// The text of a requirements file with those it refers to.
fn all_requirements(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut all = String::new();
    for line in text.lines() {
        match line.strip_prefix("-r ") {
            Some(other) => all += &all_requirements(&file.with_file_name(other.trim()))?,
            None => all = all + line + "\n",
        }
    }
    Ok(all)
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
