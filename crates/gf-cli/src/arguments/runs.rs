//! What runs studies, and what makes reports of them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::sweep::Shard;

/// Flags of everything that runs a study.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Folder to write; must not exist or be empty [default: runs/NAME, with a number when taken].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// One seed in place of the study's [default: run.seeds of the study].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads over arms and seeds [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Replace a key of the study: `--set run.steps=100`. May be repeated [default: none].
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
    /// Draw no figures and write no report.html; `gf report DIR` does it later. The verdicts on claims come with the report.
    #[arg(long)]
    pub no_report: bool,
    /// No progress bars and no table.
    #[arg(long)]
    pub quiet: bool,
    /// Print the summary as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `gf run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The study, a TOML file.
    pub study: PathBuf,
    /// Print the study as it would be run, with all defaults, arms for lists and absolute paths, and run nothing. `gf run` accepts it.
    #[arg(long)]
    pub print_config: bool,
    /// Flags.
    #[command(flatten)]
    pub common: Common,
}

/// `gf experiment`.
#[derive(Debug, Args)]
pub struct ExperimentArguments {
    /// Which experiment; see --list.
    #[arg(default_value = "convergence")]
    pub name: String,
    /// Run all experiments.
    #[arg(long, conflicts_with = "print")]
    pub all: bool,
    /// List all experiments.
    #[arg(long)]
    pub list: bool,
    /// Print the study as TOML, for `gf run`, and run nothing.
    #[arg(long)]
    pub print: bool,
    /// Print the study with all defaults, and arms for lists, as TOML, for `gf run`, and run nothing.
    #[arg(long, conflicts_with_all = ["all", "print"])]
    pub print_config: bool,
    /// How much to run.
    #[arg(long, value_enum, default_value_t = Scale::Standard)]
    pub scale: Scale,
    /// Flags.
    #[command(flatten)]
    pub common: Common,
}

/// How much of an experiment to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// Seconds: shows that it works.
    Smoke,
    /// Minutes: the figures of the documentation.
    Standard,
    /// As long as it takes: more seeds, and a grid of step sizes for every method.
    Full,
}

/// `gf resume`.
#[derive(Debug, Args)]
pub struct ResumeArguments {
    /// The run folder: what `--out` named, or the one below runs/.
    pub folder: PathBuf,
    /// Threads over arms and seeds [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Draw no figures and write no report.html; `gf report DIR` does it later. The verdicts on claims come with the report.
    #[arg(long)]
    pub no_report: bool,
    /// No progress bars and no table.
    #[arg(long)]
    pub quiet: bool,
    /// Print the summary as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `gf sweep`.
#[derive(Debug, Args)]
pub struct SweepArguments {
    /// The study, a TOML file; lists in its arms stand for an arm a value.
    pub study: PathBuf,
    /// Folder of the sweep, the same for all its shards: new, or gone on with [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Processes on this machine, an arm on a seed each at a time. With one, all is run in this process.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
    /// Run every N-th arm only, from the I-th on, counted from 1; `gf report DIR` merges when all shards have ended [default: all arms, and merge].
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Print a script for Slurm that runs the sweep as a job array of N shards, with --threads cores each, and run nothing
    /// [default: none; --slurm alone: 20 shards, or one an arm].
    #[arg(long, value_name = "N", require_equals = true, value_parser = shards, conflicts_with = "shard")]
    pub slurm: Option<Option<usize>>,
    /// Threads of all processes together [default: all cores; --slurm: 1]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Replace a key of the study: `--set run.steps=100`. May be repeated [default: none].
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
    /// Draw no figures and write no report.html; `gf report DIR` does it later.
    #[arg(long)]
    pub no_report: bool,
    /// No progress bars and no table.
    #[arg(long)]
    pub quiet: bool,
}

/// `gf sweep-worker`.
#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// The folder of the sweep.
    pub folder: PathBuf,
    /// Threads of an arm [default: all cores].
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// `gf report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Run folders.
    #[arg(required = true)]
    pub folders: Vec<PathBuf>,
    /// Folder to write the comparison of several folders to; must not exist or be empty
    /// [default: runs/comparison, with a number when taken].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also write every table of the reports to tables/, a file each [default: none].
    #[arg(long, value_name = "FORMAT")]
    pub tables: Option<TablesFormat>,
}

/// How tables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TablesFormat {
    /// For LaTeX with booktabs, `*.tex`.
    Latex,
    /// For GitHub and the like, `*.md`.
    Markdown,
}

/// A number of shards.
fn shards(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(shards @ 1..=100_000) => Ok(shards),
        _ => Err("expected 1 to 100000 shards".into()),
    }
}
