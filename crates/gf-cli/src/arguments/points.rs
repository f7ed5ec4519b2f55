//! What looks at a problem from one point.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::svg_file;

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
