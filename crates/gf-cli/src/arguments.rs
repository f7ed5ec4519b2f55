//! The command line.

mod help;
mod methods;
mod models;
mod points;
mod runs;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub use methods::{ScheduleArguments, SchemaArguments, StabilityArguments, VerifyArguments};
pub use models::{ExportArguments, PredictArguments};
pub use points::{CheckArguments, EvalArguments, LrRangeArguments, MatrixName, SpectrumArguments};
pub use runs::{
    Common, ExperimentArguments, ReportArguments, ResumeArguments, RunArguments, Scale, SweepArguments, TablesFormat,
    WorkerArguments,
};

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
