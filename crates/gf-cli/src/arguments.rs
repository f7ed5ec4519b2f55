//! The command line.

mod help;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::sweep::Shard;

/// A laboratory for gradient flow and its discretizations.
#[derive(Debug, Parser)]
#[command(name = "gf", version, after_help = help::GF, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a study: methods × seeds on one problem; writes a run folder and a report.
    #[command(after_help = help::RUN)]
    Run(RunArguments),
    /// Run a built-in study (the main comparison when no NAME is given).
    #[command(after_help = help::EXPERIMENT)]
    Experiment(ExperimentArguments),
    /// Go on with a run that was interrupted or killed, bit for bit as if it had not been; a complete one is left as it is.
    #[command(after_help = help::RESUME)]
    Resume(ResumeArguments),
    /// Run the arms of a study in several processes, here or as shards on many machines; what is finished is not run again.
    #[command(after_help = help::SWEEP)]
    Sweep(SweepArguments),
    /// Run the arms that the process which started this one, `gf sweep --jobs`, orders on standard input.
    #[command(hide = true, after_help = help::SWEEP_WORKER)]
    SweepWorker(WorkerArguments),
    /// Exact loss, derivatives and steps at one point, to .npy files; prints a JSON object.
    #[command(after_help = help::EVAL)]
    Eval(EvalArguments),
    /// Eigenvalues, inertia, density and layer blocks of the curvature at one point.
    #[command(after_help = help::SPECTRUM)]
    Spectrum(SpectrumArguments),
    /// Check gradient, Hessian and third derivative by the slopes of Taylor remainders, layer by layer; exit code 1 where one is wrong.
    #[command(after_help = help::CHECK)]
    Check(CheckArguments),
    /// Predictions of a saved model on raw data: values in their own units, or classes with probabilities.
    #[command(after_help = help::PREDICT)]
    Predict(PredictArguments),
    /// Write a saved model for other programs: NumPy arrays, safetensors.
    #[command(after_help = help::EXPORT)]
    Export(ExportArguments),
    /// Build the report of run folders again; several folders give a comparison too.
    #[command(after_help = help::REPORT)]
    Report(ReportArguments),
    /// List the methods with order, stability, curvature and cost.
    Methods {
        /// Print a JSON array instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// What methods do on a spectrum: monotone, oscillating or divergent, stability limit, best constant step.
    #[command(after_help = help::STABILITY)]
    Stability(StabilityArguments),
    /// The step sizes of every arm's schedule, as a table and a figure.
    #[command(after_help = help::SCHEDULE)]
    Schedule(ScheduleArguments),
    /// Learning-rate range test: the loss while the step size grows from batch to batch, and 2/λmax beside it.
    #[command(after_help = help::LR_RANGE)]
    LrRange(LrRangeArguments),
    /// Solve certified least-squares problems; exit code 1 where the certified digits are missed.
    #[command(after_help = help::VERIFY)]
    Verify(VerifyArguments),
    /// Write a commented study to copy from.
    Init {
        /// The file to write.
        #[arg(default_value = "study.toml")]
        file: PathBuf,
    },
    /// The JSON Schema of studies, with which editors complete, explain and check them.
    #[command(after_help = help::SCHEMA)]
    Schema(SchemaArguments),
    /// The script with which a shell completes commands and flags.
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

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

/// `gf stability`.
#[derive(Debug, Args)]
pub struct StabilityArguments {
    /// The eigenvalues λ of the spectrum, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "0.1,1,10", allow_hyphen_values = true)]
    pub eigenvalues: Vec<f64>,
    /// The step size, in flow time.
    #[arg(long, default_value_t = 0.1)]
    pub h: f64,
    /// Methods, separated by commas [default: all that have an amplification factor].
    #[arg(long, value_delimiter = ',')]
    pub method: Vec<String>,
    /// Write the map of |R(hλ)| to this SVG file [default: none].
    #[arg(long, value_name = "FILE", value_parser = svg_file)]
    pub figure: Option<PathBuf>,
    /// Print a JSON array instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `gf schedule`.
#[derive(Debug, Args)]
pub struct ScheduleArguments {
    /// The study, a TOML file [default: none, with --list].
    #[arg(required_unless_present = "list")]
    pub study: Option<PathBuf>,
    /// List the kinds of schedules with their formulas, keys and defaults.
    #[arg(long, conflicts_with_all = ["study", "figure", "set"])]
    pub list: bool,
    /// Draw the step sizes of all arms into this SVG file [default: none].
    #[arg(long, value_name = "FILE", value_parser = svg_file)]
    pub figure: Option<PathBuf>,
    /// Replace a key of the study: `--set run.steps=100`. May be repeated [default: none].
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
    /// Print a JSON array instead of a table; it has the size of every step.
    #[arg(long)]
    pub json: bool,
}

/// `gf lr-range`.
#[derive(Debug, Args)]
pub struct LrRangeArguments {
    /// Network, loss and data, or a function (a study; batches are those of `run.batch`).
    pub problem: PathBuf,
    /// The method, with settings where they are not the defaults: `heavy-ball:momentum=0.95` [default: explicit].
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// An arm of the study in place of a method, with its own batch, loss and start [default: none].
    #[arg(long, value_name = "NAME", conflicts_with = "method")]
    pub arm: Option<String>,
    /// The first step size, in the method's unit.
    #[arg(long, value_name = "H", default_value_t = 1e-6)]
    pub from: f64,
    /// The last step size, in the method's unit.
    #[arg(long, value_name = "H", default_value_t = 1.0)]
    pub to: f64,
    /// Step sizes, one batch each, in geometric progression.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub steps: u64,
    /// β of the running mean of the losses, from 0 (none) to below 1 [default: 0.8 on mini-batches, 0 on the whole training set].
    #[arg(long, value_name = "BETA")]
    pub smoothing: Option<f64>,
    /// Parameters to start from: a .npy file, or a .gfmodel file of a run folder [default: the start of the seed].
    #[arg(long, value_name = "T.npy")]
    pub theta: Option<PathBuf>,
    /// The seed of data, start and batches [default: the study's first].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Draw the losses into this SVG file [default: none].
    #[arg(long, value_name = "FILE", value_parser = svg_file)]
    pub figure: Option<PathBuf>,
    /// Replace a key of the problem: `--set run.batch=64`. May be repeated [default: none].
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
    /// Print a JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `gf schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// The file to write, in place of one that is there [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
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

/// `gf eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Network, loss and data (a study; its arms are ignored).
    pub problem: PathBuf,
    /// Parameters: a .npy file, or a .gfmodel file of a run folder.
    #[arg(long, value_name = "T.npy")]
    pub theta: PathBuf,
    /// Write the gradient (p) [default: none].
    #[arg(long, value_name = "G.npy")]
    pub gradient: Option<PathBuf>,
    /// Write the Hessian (p × p) [default: none].
    #[arg(long, value_name = "H.npy")]
    pub hessian: Option<PathBuf>,
    /// Write the Gauss–Newton matrix (p × p) [default: none].
    #[arg(long, value_name = "N.npy")]
    pub gauss_newton: Option<PathBuf>,
    /// Read a direction, write the Hessian product. May be repeated [default: none].
    #[arg(long, num_args = 2, value_names = ["V.npy", "HV.npy"])]
    pub hvp: Vec<PathBuf>,
    /// Write the outputs of the network (n × outputs) [default: none].
    #[arg(long, value_name = "O.npy")]
    pub output: Option<PathBuf>,
    /// Take one step of a method from here and write the new parameters: `--step implicit:h=0.05 S.npy`. No line search, no policy
    /// (indefinite matrices and ascending directions are accepted), direct solver unless one is named. May be repeated [default: none].
    #[arg(long, num_args = 2, value_names = ["METHOD", "S.npy"])]
    pub step: Vec<String>,
    /// Replace a key of the problem: `--set loss.l2=0.1`. May be repeated [default: none].
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
}

/// `gf spectrum`.
#[derive(Debug, Args)]
pub struct SpectrumArguments {
    /// Network, loss and data, or a function (a study; its arms are ignored).
    pub problem: PathBuf,
    /// Parameters: a .npy file, or a .gfmodel file of a run folder [default: the start of the study's first seed].
    #[arg(long, value_name = "T.npy")]
    pub theta: Option<PathBuf>,
    /// Which matrix.
    #[arg(long, value_enum, default_value_t = MatrixName::Hessian)]
    pub matrix: MatrixName,
    /// Highest eigenvalues, from products alone [default: 10, or all there are].
    #[arg(long, value_name = "K")]
    pub top: Option<usize>,
    /// Lowest eigenvalues, from products alone [default: 3, or those that --top leaves].
    #[arg(long, value_name = "K")]
    pub bottom: Option<usize>,
    /// Largest residual |Av − λv| of an eigenpair, relative to the largest |λ|, without unit.
    #[arg(long, default_value_t = 1e-7)]
    pub tolerance: f64,
    /// Estimate the density of the spectrum by stochastic Lanczos quadrature.
    #[arg(long)]
    pub density: bool,
    /// All eigenvalues, inertia and exact trace, from the dense matrix.
    #[arg(long)]
    pub full: bool,
    /// Trace, norms and extreme eigenvalues of the dense matrix layer by layer.
    #[arg(long)]
    pub per_layer: bool,
    /// Eigenvalues of at most this modulus count as zero, in units of curvature [default: 1e-9 of the largest].
    #[arg(long, value_name = "TOL")]
    pub zero: Option<f64>,
    /// A point whose gradient is at most this long is critical, in units of the gradient.
    #[arg(long, default_value_t = 1e-6, value_name = "TOL")]
    pub critical: f64,
    /// The training samples alone, not all.
    #[arg(long)]
    pub train: bool,
    /// Write the eigenvalues that were found (ascending) to this .npy file [default: none].
    #[arg(long, value_name = "E.npy")]
    pub eigenvalues: Option<PathBuf>,
    /// Write the eigenvectors of --top and --bottom to this .npy file, one a row: top descending, then bottom ascending [default: none].
    #[arg(long, value_name = "V.npy")]
    pub vectors: Option<PathBuf>,
    /// Draw density, eigenvalues and layer blocks, whichever were asked for, into this SVG file [default: none].
    #[arg(long, value_name = "FILE", value_parser = svg_file)]
    pub figure: Option<PathBuf>,
    /// Replace a key of the problem: `--set loss.l2=0.1`. May be repeated [default: none].
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
    /// Print a JSON object instead of tables.
    #[arg(long)]
    pub json: bool,
}

/// The matrices of `gf spectrum`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MatrixName {
    /// The Hessian H.
    Hessian,
    /// The Gauss–Newton matrix G.
    GaussNewton,
    /// H − G.
    Difference,
}

/// `gf check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Network, loss and data, or a function (a study; its arms are ignored).
    pub problem: PathBuf,
    /// Parameters: a .npy file, or a .gfmodel file of a run folder [default: the start of the study's first seed].
    #[arg(long, value_name = "T.npy")]
    pub theta: Option<PathBuf>,
    /// Replace a key of the problem: `--set loss.l2=0.1`. May be repeated [default: none].
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
    /// Print a JSON array instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `gf predict`.
#[derive(Debug, Args)]
pub struct PredictArguments {
    /// A .gfmodel file of a run folder.
    #[arg(value_name = "MODEL.gfmodel")]
    pub model: PathBuf,
    /// Rows in the units of the training data: a .csv file with a header (columns by the names that the model knows, else by position), a .npy
    /// or IDX file (n × inputs), or one of digits, iris, wine, breast_cancer, chebyshev.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Where the truth is, for metrics: a column of the CSV file (repeated for several outputs), or a .npy or IDX file beside one of inputs.
    /// Built-in sets know theirs [default: no metrics].
    #[arg(long, value_name = "COLUMN")]
    pub target: Vec<String>,
    /// What stands between the fields of the CSV file: an ASCII character.
    #[arg(long, value_name = "CHARACTER", default_value_t = ',')]
    pub delimiter: char,
    /// The CSV file has no header [default: its first line names the columns]: columns go by position and are called by their numbers, from 0.
    #[arg(long)]
    pub no_header: bool,
    /// Write the predictions to this CSV file [default: to standard output, unless there are metrics or --json].
    #[arg(long, value_name = "P.csv")]
    pub out: Option<PathBuf>,
    /// Print predictions and metrics as a JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `gf export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// A .gfmodel file of a run folder.
    #[arg(value_name = "MODEL.gfmodel")]
    pub model: PathBuf,
    /// Write W1.npy (inputs × units), b1.npy (units), … and model.json to this folder, which must not exist or be empty [default: none].
    #[arg(long, value_name = "DIR")]
    pub npy: Option<PathBuf>,
    /// Write the tensors layers.0.weight (units × inputs), layers.0.bias, … as F64, with the model's description as metadata, to this file
    /// [default: none].
    #[arg(long, value_name = "FILE")]
    pub safetensors: Option<PathBuf>,
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

/// `gf verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Regressions of NIST StRD and functions of Moré, Garbow and Hillstrom [default: all 27 and 20].
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Methods of the registry to run on the regressions in place of the fit by QR, separated by commas; nothing is asked of them [default: none].
    #[arg(long, value_delimiter = ',')]
    pub method: Vec<String>,
    /// Print a JSON object instead of tables.
    #[arg(long)]
    pub json: bool,
}

/// A number of shards.
fn shards(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(shards @ 1..=100_000) => Ok(shards),
        _ => Err("expected 1 to 100000 shards".into()),
    }
}

/// The path of a figure, refused before anything is computed where its ending promises another format.
fn svg_file(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("svg")) {
        return Err("expected a file that ends in .svg".into());
    }
    // Before anything is computed: a figure that cannot be written would be lost with the result.
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(format!("expected a file in a folder that exists, found no folder {}", folder.display()))
        }
        _ => Ok(path),
    }
}
