//! What is known of methods, schedules, certified problems and studies without a run.

use std::path::PathBuf;

use clap::Args;

use super::svg_file;

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

/// `gf schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// The file to write, in place of one that is there [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
