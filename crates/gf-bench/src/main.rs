//! `gf-bench worker --inputs FOLDER` answers the requests of `peers/run.py` (see [`gf_bench::worker`]); `gf-bench scaling --out FOLDER` measures
//! how cost grows (see [`gf_bench::scaling`]).

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use gf_bench::in_the_pool;
use gf_bench::scaling::{Point, Study};
use gf_bench::worker::{Inputs, serve};

#[derive(Parser)]
#[command(name = "gf-bench", about = "Times the operations of gf on the benchmark cases.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer JSON lines from standard input on standard output, as peers/run.py asks.
    Worker {
        /// The folder that peers/cases.py filled; numbers drawn here when it is not given.
        #[arg(long)]
        inputs: Option<PathBuf>,
    },
    /// Measure how time and memory grow, and write cost-of-curvature.md with its figure.
    Scaling {
        /// The folder to write to.
        #[arg(long)]
        out: PathBuf,
        /// Small networks only: seconds instead of minutes.
        #[arg(long)]
        small: bool,
    },
    /// Measure one point of it, and print it as JSON.
    Point(Point),
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Worker { inputs } => {
            let inputs = inputs.map_or(Inputs::Synthetic, Inputs::Folder);
            in_the_pool(|| serve(&inputs, std::io::stdin().lock(), std::io::stdout().lock()))
        }
        Command::Scaling { out, small } => {
            let study = if small { Study::small() } else { Study::full() };
            study.run(&out, |next| eprintln!("{next}"))
        }
        Command::Point(point) => {
            Ok(serde_json::to_writer(std::io::stdout().lock(), &in_the_pool(|| point.measure())?)?)
        }
    }
}
