//! What reads a saved model.

use std::path::PathBuf;

use clap::Args;

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
