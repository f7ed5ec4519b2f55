//! What ranks cost here, the model fitted to it, and what the model says of clusters: the tables of docs/scaling.md.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// What `crates/gf-mpi/examples/measure.rs` prints; seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Measured {
    ranks: usize,
    samples: f64,
    parameters: f64,
    gradient: f64,
    product: f64,
    memory_mib: f64,
    memory_before_mib: f64,
    sums: Vec<(f64, f64)>,
}

const RANKS: [usize; 3] = [1, 2, 4];
/// Times that all numbers of ranks are measured in turn; medians count.
const ROUNDS: usize = 3;

/// The constants of the cost model.
#[derive(Debug, Clone, Copy)]
struct Machine {
    /// Flop/s of a rank in gradients and products.
    flops: f64,
    /// Seconds before a message arrives.
    latency: f64,
    /// Bytes a second, into a rank and out of it at once.
    bandwidth: f64,
    /// Bytes a second at which a rank adds up what it received.
    addition: f64,
}

/// A cluster's node, assumed: 64 cores at 25 Gflop/s each in these kernels, 2 µs, 200 Gbit/s, 50 GB/s.
const NODE: Machine = Machine { flops: 1.6e12, latency: 2e-6, bandwidth: 2.5e10, addition: 5e10 };
/// Products of a Krylov solve, as in the studies of the book.
const PRODUCTS: f64 = 30.0;

impl Machine {
    /// Seconds of a sum of `numbers` over `ranks`, as `MpiCommunicator` takes it.
    fn sum(&self, numbers: f64, ranks: f64) -> f64 {
        const SHORT: f64 = 1024.0;
        if ranks < 2.0 {
            return 0.0;
        }
        let (bytes, rounds) = (8.0 * numbers, ranks.log2().ceil());
        if numbers <= SHORT {
            return rounds * self.latency + (ranks - 1.0) * bytes / self.bandwidth + ranks * bytes / self.addition;
        }
        let messages = (ranks - 1.0 + rounds) * self.latency;
        messages + 2.0 * (ranks - 1.0) / ranks * bytes / self.bandwidth + bytes / self.addition
    }

    /// Seconds of a gradient on `samples` in all: 6 flops a sample and parameter.
    fn gradient(&self, samples: f64, parameters: f64, ranks: f64) -> [f64; 2] {
        [6.0 * samples * parameters / (ranks * self.flops), self.sum(parameters + 2.0, ranks)]
    }

    /// Seconds of a Hessian product: twice the flops.
    fn product(&self, samples: f64, parameters: f64, ranks: f64) -> [f64; 2] {
        [12.0 * samples * parameters / (ranks * self.flops), self.sum(parameters, ranks)]
    }

    /// Seconds of a dense Hessian: n p² flops, and its lower triangle summed.
    fn dense(&self, samples: f64, parameters: f64, ranks: f64) -> [f64; 2] {
        let numbers = parameters * (parameters + 1.0) / 2.0;
        [samples * parameters * parameters / (ranks * self.flops), self.sum(numbers, ranks)]
    }

    /// The constants that are nearest to what was measured: rates of one rank, and the sums of two.
    fn fitted(measured: &[Measured]) -> Result<Self> {
        let of = |ranks: usize| {
            measured.iter().find(|measured| measured.ranks == ranks).with_context(|| format!("{ranks} ranks"))
        };
        let (one, two) = (of(1)?, of(2)?);
        let flops = 6.0 * one.samples * one.parameters / one.gradient;
        let seconds = |len: f64| {
            two.sums.iter().find(|(other, _)| *other == len).map(|(_, seconds)| *seconds).context("a length of sums")
        };
        let latency = seconds(1.0)?;
        // Bytes that a rank of two receives, and adds, in the longest sum: one bandwidth for both.
        let longest = 1e7;
        let bandwidth = 2.0 * 8.0 * longest / (seconds(longest)? - 2.0 * latency);
        Ok(Self { flops, latency, bandwidth, addition: bandwidth })
    }
}

/// Measures, and writes docs/scaling.json and the tables of docs/scaling.md.
pub(super) fn run(root: &Path) -> Result<()> {
    crate::cargo(root, ["build", "--release", "--package", "gf-mpi", "--example", "measure"])?;
    let program = crate::target(root).join("release/examples/measure");
    let mut rounds: Vec<Vec<Measured>> = vec![Vec::new(); RANKS.len()];
    for _ in 0..ROUNDS {
        for (ranks, rounds) in RANKS.iter().zip(&mut rounds) {
            rounds.push(measure(&program, *ranks)?);
        }
    }
    let measured: Vec<Measured> = rounds.into_iter().map(median).collect();
    let json = serde_json::to_string_pretty(&measured).context("numbers are JSON")?;
    std::fs::write(root.join("docs/scaling.json"), json + "\n").context("writing docs/scaling.json")?;
    let page = root.join("docs/scaling.md");
    let text = std::fs::read_to_string(&page).context("reading docs/scaling.md")?;
    let text = replaced(&text, "measured", &measured_tables(&measured)?)?;
    let text = replaced(&text, "predicted", &predicted_tables())?;
    std::fs::write(&page, text).context("writing docs/scaling.md")
}

fn measure(program: &Path, ranks: usize) -> Result<Measured> {
    let mut command = Command::new("mpirun");
    // A thread a rank; a rank a core as far as there are cores.
    command.args(["--oversubscribe", "-n", &ranks.to_string()]).arg(program).env("RAYON_NUM_THREADS", "1");
    for key in ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] {
        command.env(key, "1");
    }
    command.env("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
    let output = command.output().context("starting mpirun")?;
    if !output.status.success() {
        bail!("{command:?} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("reading what the measurement printed")
}

fn median(mut rounds: Vec<Measured>) -> Measured {
    let middle = rounds.len() / 2;
    let of = |rounds: &mut Vec<Measured>, value: &dyn Fn(&Measured) -> f64| {
        rounds.sort_by(|a, b| value(a).total_cmp(&value(b)));
        value(&rounds[middle])
    };
    let gradient = of(&mut rounds, &|measured| measured.gradient);
    let product = of(&mut rounds, &|measured| measured.product);
    let lengths: Vec<f64> = rounds[0].sums.iter().map(|(len, _)| *len).collect();
    let sums = lengths
        .into_iter()
        .enumerate()
        .map(|(k, len)| (len, of(&mut rounds, &|measured| measured.sums[k].1)))
        .collect();
    Measured { gradient, product, sums, ..rounds[middle].clone() }
}

/// Replaces what stands between `<!--NAME-->` and `<!--/NAME-->`.
fn replaced(text: &str, name: &str, by: &str) -> Result<String> {
    let (open, close) = (format!("<!--{name}-->"), format!("<!--/{name}-->"));
    let start = text.find(&open).with_context(|| format!("docs/scaling.md has no {open}"))? + open.len();
    let end = text.find(&close).with_context(|| format!("docs/scaling.md has no {close}"))?;
    Ok(format!("{}\n\n{by}\n{}", &text[..start], &text[end..]))
}

fn measured_tables(measured: &[Measured]) -> Result<String> {
    let machine = Machine::fitted(measured)?;
    let one = &measured[0];
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut text = String::from(
        "| ranks | gradient | speedup | Hessian product | speedup | memory a rank, for samples |\n|---|---|---|---|---|---|\n",
    );
    for row in measured {
        let own = row.memory_mib - row.memory_before_mib;
        writeln!(
            text,
            "| {} | {} | {:.2} | {} | {:.2} | {own:.0} MiB |",
            row.ranks,
            time(row.gradient),
            one.gradient / row.gradient,
            time(row.product),
            one.product / row.product,
        )?;
    }
    writeln!(
        text,
        "\nConstants fitted to one rank and to the sums of two: F = {:.1} Gflop/s a rank, α = {}, B = M = {:.2} GB/s. This machine has {cores} cores.\n",
        machine.flops / 1e9,
        time(machine.latency),
        machine.bandwidth / 1e9,
    )?;
    text += "| sum of numbers | 2 ranks | model | 4 ranks | model |\n|---|---|---|---|---|\n";
    let of = |ranks: usize| measured.iter().find(|row| row.ranks == ranks).context("a number of ranks");
    for ((len, two), (_, four)) in of(2)?.sums.iter().zip(&of(4)?.sums) {
        let model = |ranks: f64| time(machine.sum(*len, ranks));
        writeln!(text, "| {len} | {} | {} | {} | {} |", time(*two), model(2.0), time(*four), model(4.0))?;
    }
    text += "\n| ranks | gradient, model | measured | product, model | measured |\n|---|---|---|---|---|\n";
    for row in measured {
        // Ranks beyond the cores share them.
        let at_work = row.ranks.min(cores) as f64;
        let total = |parts: [f64; 2], sum: f64| time(parts[0] + sum);
        let sum = machine.sum(row.parameters + 2.0, row.ranks as f64);
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.ranks,
            total(machine.gradient(row.samples, row.parameters, at_work), sum),
            time(row.gradient),
            total(machine.product(row.samples, row.parameters, at_work), sum),
            time(row.product),
        )?;
    }
    Ok(text)
}

fn predicted_tables() -> String {
    const SAMPLES: f64 = 1e7;
    const NODES: [f64; 3] = [16.0, 128.0, 1024.0];
    let mut text = String::new();
    let header = "| p | nodes | gradient: compute | sum | implicit step: compute | sums | dense Hessian: compute | sum | memory of H |\n|---|---|---|---|---|---|---|---|---|\n";
    text += header;
    for parameters in [1e4, 1e5, 1e6, 1e7, 1e8] {
        for nodes in NODES {
            let [gradient, gradient_sum] = NODE.gradient(SAMPLES, parameters, nodes);
            let [product, product_sum] = NODE.product(SAMPLES, parameters, nodes);
            let [dense, dense_sum] = NODE.dense(SAMPLES, parameters, nodes);
            let step = [gradient + PRODUCTS * product, gradient_sum + PRODUCTS * product_sum];
            let cells = [gradient, gradient_sum, step[0], step[1]].map(time).join(" | ");
            let fits = parameters <= 1e5;
            let dense = if fits { [dense, dense_sum].map(time).join(" | ") } else { "– | –".into() };
            let bytes = 8.0 * parameters * parameters;
            let _ = writeln!(text, "| {} | {nodes} | {cells} | {dense} | {} |", power(parameters), size(bytes));
        }
    }
    text += "\nThe samples in all, n*, below which a sum takes longer than the gradient that it sums:\n\n| p | 16 nodes | 128 nodes | 1024 nodes |\n|---|---|---|---|\n";
    for parameters in [1e4, 1e5, 1e6, 1e7, 1e8] {
        let cells = NODES.map(|nodes| {
            let [_, sum] = NODE.gradient(0.0, parameters, nodes);
            let samples = sum * nodes * NODE.flops / (6.0 * parameters);
            format!("{samples:.1e}")
        });
        let _ = writeln!(text, "| {} | {} |", power(parameters), cells.join(" | "));
    }
    text
}

fn power(number: f64) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let exponent = format!("{:.0}", number.log10());
    let digits = exponent.chars().filter_map(|digit| digit.to_digit(10)).map(|digit| DIGITS[digit as usize]);
    format!("10{}", digits.collect::<String>())
}

/// Seconds with three digits, in a unit that suits them.
fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 3600.0 => (s / 3600.0, "h"),
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$} {unit}")
}

fn size(bytes: f64) -> String {
    let (value, unit) = match bytes {
        b if b >= 1e15 => (b / 1e15, "PB"),
        b if b >= 1e12 => (b / 1e12, "TB"),
        b if b >= 1e9 => (b / 1e9, "GB"),
        b => (b / 1e6, "MB"),
    };
    format!("{value:.0} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_cost_what_the_formula_says() {
        let machine = Machine { flops: 1e9, latency: 1e-6, bandwidth: 1e9, addition: 2e9 };
        assert_eq!(machine.sum(1e6, 1.0), 0.0);
        // Gathered by all: 2 rounds, 3 vectors received, 4 added.
        let short = machine.sum(1000.0, 4.0);
        assert!((short - (2e-6 + 3.0 * 8e-6 + 4.0 * 4e-6)).abs() < 1e-15, "{short}");
        // All-to-all and gather: 3 + 2 messages, 2·3/4 of the vector, one vector added.
        let long = machine.sum(1e6, 4.0);
        assert!((long - (5e-6 + 1.5 * 8e-3 + 4e-3)).abs() < 1e-12, "{long}");
    }

    #[test]
    fn what_is_between_the_marks_is_replaced() {
        let text = "a <!--measured-->old<!--/measured--> b";
        assert_eq!(
            replaced(text, "measured", "new\n").unwrap_or_default(),
            "a <!--measured-->\n\nnew\n\n<!--/measured--> b"
        );
        assert!(replaced(text, "predicted", "new").is_err());
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!([2e-6, 0.0123, 4.0, 7200.0].map(time), ["2.00 µs", "12.3 ms", "4.00 s", "2.00 h"]);
        assert_eq!([1e4, 1e10].map(power), ["10⁴", "10¹⁰"]);
        assert_eq!([8e8, 8e10, 8e16].map(size), ["800 MB", "80 GB", "80 PB"]);
    }
}
