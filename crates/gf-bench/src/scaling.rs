//! How time and memory of curvature grow with parameters, samples, depth and threads: `cargo xtask scaling`.
//!
//! Every point is measured in a process of its own (`gf-bench point`), so that its peak memory is its own and its threads are as asked.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use gf_core::{DenseHessian, HessianProduct, Objective, Samples, Streams, SymmetricOperator, Targets, Triangle};
use gf_core::{standard_normal, vector};
use gf_layers::{Activation, Batches, Initialization, Loss, Network, NetworkObjective};
use gf_optim::control::Constant;
use gf_optim::methods::{Accept, LinearlyImplicitEuler};
use gf_optim::solver::{Direct, Minres};
use gf_optim::{Budget, Discretization, integrate};
use gf_report::{Axis, Figure, Mark, Panel};
use gf_utils::power_law::{Offset, fit_power_law};
use gf_utils::{Machine, write_atomically};
use serde::{Deserialize, Serialize};

use crate::cases::STEP_SIZE;
use crate::picture::seconds;

/// What is measured of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Loss and gradient.
    Gradient,
    /// A Hessian product at a fixed point.
    Product,
    /// The lower triangle of the Hessian.
    Hessian,
    /// A linearly implicit Euler step by one LBLᵀ factorization.
    DenseStep,
    /// The same by MINRES to the relative residual 1e-10.
    MatrixFreeStep,
}

impl Quantity {
    fn title(self) -> &'static str {
        match self {
            Self::Gradient => "loss + gradient",
            Self::Product => "Hessian product",
            Self::Hessian => "Hessian",
            Self::DenseStep => "dense implicit step",
            Self::MatrixFreeStep => "matrix-free implicit step",
        }
    }
}

/// A network of tanh layers under a softmax cross-entropy (mse for one output), on drawn samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
pub struct Point {
    /// Units of all layers, the inputs first.
    #[arg(long, value_delimiter = ',', required = true)]
    pub widths: Vec<usize>,
    /// Samples.
    #[arg(long)]
    pub samples: usize,
    /// What is measured.
    #[arg(long, value_enum)]
    pub quantity: Quantity,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Parameters.
    pub p: usize,
    /// The shortest of the repetitions.
    pub seconds: f64,
    /// Peak resident memory in bytes; not known everywhere.
    pub peak_bytes: Option<u64>,
    /// Hessian products of a matrix-free step.
    pub products: u64,
}

/// Seconds that repetitions of one point take at most, the first one excepted.
const SECONDS_A_POINT: f64 = 1.0;
/// Repetitions at most.
const REPETITIONS: usize = 200;

impl Point {
    fn network(&self) -> Result<Network> {
        let [input, hidden @ .., outputs] = &self.widths[..] else { bail!("--widths: expected inputs and outputs") };
        let network = hidden.iter().fold(Network::new(*input), |network, &u| network.dense(u, Activation::Tanh));
        Ok(network.dense(*outputs, Activation::Identity))
    }

    fn objective(&self) -> Result<(NetworkObjective, Vec<f64>)> {
        let network = self.network()?;
        let outputs = network.outputs();
        let mut rng = Streams::new(0).data();
        let mut normal = |count: usize| -> Vec<f64> { (0..count).map(|_| standard_normal(&mut rng)).collect() };
        let targets = match outputs {
            1 => Targets::Values { width: 1, values: normal(self.samples) },
            classes => {
                Targets::Classes { classes, labels: (0..self.samples).map(|i| (i * 7 % classes) as u32).collect() }
            }
        };
        let loss = if outputs == 1 { Loss::mse() } else { Loss::softmax_cross_entropy() };
        let samples = Samples::new(network.input, normal(self.samples * network.input), targets)?;
        let theta = network.init(&Initialization::Auto, &mut Streams::new(0).init());
        Ok((network.objective(loss, &samples, Batches::full())?, theta))
    }

    /// Measures it in this process.
    ///
    /// # Errors
    /// Widths that make no network, and those of the objective.
    pub fn measure(&self) -> Result<Measured> {
        let (mut objective, theta) = self.objective()?;
        let p = theta.len();
        let mut out = vec![0.0; p];
        let mut products = 0;
        let seconds = match self.quantity {
            Quantity::Gradient => {
                shortest(|| objective.value_and_gradient(&theta, &mut out).map(|_| ()).map_err(Into::into))?
            }
            Quantity::Product => {
                let mut v = theta.clone();
                let norm = vector::norm(&v);
                v.iter_mut().for_each(|v| *v /= norm);
                let mut hessian = objective.hessian_at(&theta)?;
                shortest(|| {
                    hessian.apply(&v, &mut out);
                    Ok(())
                })?
            }
            Quantity::Hessian => {
                let mut matrix = vec![0.0; p * p];
                shortest(|| Ok(objective.dense_hessian(&theta, Triangle::Lower, &mut matrix)?))?
            }
            Quantity::DenseStep => {
                let mut method = LinearlyImplicitEuler::with_policy(Direct::lblt(), Accept);
                shortest(|| step(&mut objective, &mut method, &theta).map(drop))?
            }
            Quantity::MatrixFreeStep => {
                let mut method = LinearlyImplicitEuler::with_policy(Minres::default(), Accept);
                shortest(|| {
                    products = step(&mut objective, &mut method, &theta)?;
                    Ok(())
                })?
            }
        };
        Ok(Measured { p, seconds, peak_bytes: peak_bytes(), products })
    }

    /// Measures it in another process of this program, on `threads` threads.
    fn measure_apart(&self, threads: usize) -> Result<Measured> {
        let widths = self.widths.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let quantity = serde_json::to_value(self.quantity)?;
        let mut command = Command::new(std::env::current_exe().context("finding this program")?);
        command.args(["point", "--widths", &widths, "--samples", &self.samples.to_string()]);
        command.args(["--quantity", quantity.as_str().context("a name")?]);
        let output = command
            .env("RAYON_NUM_THREADS", threads.to_string())
            .stderr(Stdio::inherit())
            .output()
            .context("starting a process to measure in")?;
        ensure!(output.status.success(), "{command:?} failed ({})", output.status);
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// One step; the number of products.
fn step(
    objective: &mut NetworkObjective,
    method: &mut impl Discretization<NetworkObjective>,
    theta: &[f64],
) -> Result<u64> {
    let mut control = Constant::new(STEP_SIZE);
    let outcome = integrate(objective, method, &mut control, &mut [], theta.to_vec(), &Budget::steps(1))?;
    ensure!(outcome.steps == 1, "the step {}", outcome.stop);
    Ok(outcome.work.products)
}

fn shortest(mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut shortest = f64::INFINITY;
    let begin = Instant::now();
    for repetition in 0..REPETITIONS {
        let start = Instant::now();
        run()?;
        shortest = shortest.min(start.elapsed().as_secs_f64());
        if repetition > 0 && begin.elapsed().as_secs_f64() > SECONDS_A_POINT {
            break;
        }
        if shortest > 10.0 * SECONDS_A_POINT {
            break;
        }
    }
    Ok(shortest)
}

/// Where the system tells it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// What an abscissa counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Varied {
    Parameters,
    Samples,
    Depth,
}

/// An abscissa with the widths and samples of its network.
type Abscissa = (f64, Vec<usize>, usize);

/// One curve: abscissas with what was measured there.
struct Curve {
    quantity: Quantity,
    points: Vec<(f64, Measured)>,
}

impl Curve {
    fn measure(
        quantity: Quantity,
        varied: Varied,
        points: &[Abscissa],
        threads: usize,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        let points = points.iter().map(|(x, widths, samples)| {
            progress(&format!("{} of {widths:?}, n = {samples}, {threads} threads", quantity.title()));
            let point = Point { widths: widths.clone(), samples: *samples, quantity };
            let measured = point.measure_apart(threads)?;
            Ok((if varied == Varied::Parameters { measured.p as f64 } else { *x }, measured))
        });
        Ok(Self { quantity, points: points.collect::<Result<_>>()? })
    }

    fn line(&self, style: usize, ordinate: impl Fn(&Measured) -> f64) -> Mark {
        let (x, y) = self.points.iter().map(|(x, measured)| (*x, ordinate(measured))).unzip();
        Mark::line(self.quantity.title(), style, x, y)
    }

    /// The exponent of the last five points.
    fn exponent(&self) -> Option<f64> {
        let last = &self.points[self.points.len().saturating_sub(5)..];
        let (x, y): (Vec<f64>, Vec<f64>) = last.iter().map(|(x, measured)| (*x, measured.seconds)).unzip();
        fit_power_law(&x, &y, Offset::Fixed(0.0)).ok().map(|law| law.exponent)
    }
}

/// The study: which points, by what they vary. A small one touches everything in a few seconds.
pub struct Study {
    threads: usize,
    widths: Vec<usize>,
    samples: Vec<usize>,
    depths: Vec<usize>,
    /// Of the network whose samples vary.
    hidden: [usize; 2],
}

impl Study {
    /// p from 87 to 30,250, n from 1 to 100,000 at p = 6570, one to ten hidden layers: about ten minutes and 8 GB.
    pub fn full() -> Self {
        Self {
            threads: rayon::current_num_threads(),
            widths: vec![1, 2, 4, 8, 16, 32, 64, 100, 140],
            samples: vec![1, 10, 100, 1_000, 10_000, 100_000],
            depths: (1..=10).collect(),
            hidden: [64, 32],
        }
    }

    /// The same on small networks.
    pub fn small() -> Self {
        Self {
            widths: vec![1, 2, 3, 4, 6],
            samples: vec![1, 3, 10, 30, 300],
            depths: (1..=5).collect(),
            hidden: [6, 4],
            ..Self::full()
        }
    }

    /// Measures all of it, telling `progress` what comes next; writes `cost-of-curvature.md` and its figure into `folder`.
    ///
    /// # Errors
    /// A point that failed, or a file that could not be written.
    pub fn run(&self, folder: &Path, mut progress: impl FnMut(&str)) -> Result<()> {
        use Quantity::{DenseStep, Gradient, Hessian, MatrixFreeStep, Product};
        let all = [Gradient, Product, Hessian, DenseStep, MatrixFreeStep];
        let by_width: Vec<_> = self.widths.iter().map(|&w| (w as f64, vec![64, w, w, 10], 256)).collect();
        let [first, second] = self.hidden;
        let by_samples: Vec<_> = self.samples.iter().map(|&n| (n as f64, vec![64, first, second, 10], n)).collect();
        let deep = |depth: usize| [vec![8], vec![32; depth], vec![1]].concat();
        let by_depth: Vec<_> = self.depths.iter().map(|&depth| (depth as f64, deep(depth), 256)).collect();
        let mut curves = |quantities: &[Quantity], varied: Varied, points: &[Abscissa], threads: usize| {
            quantities
                .iter()
                .map(|quantity| Curve::measure(*quantity, varied, points, threads, &mut progress))
                .collect::<Result<Vec<Curve>>>()
        };
        let parameters = curves(&all, Varied::Parameters, &by_width, self.threads)?;
        let samples = curves(&[Gradient, Product, Hessian, DenseStep], Varied::Samples, &by_samples, self.threads)?;
        let depths = curves(&[Gradient, Product, Hessian], Varied::Depth, &by_depth, self.threads)?;
        let middle = &by_samples[by_samples.len() / 2..][..1];
        let threads: Vec<(usize, Vec<Curve>)> = (1..=self.threads)
            .map(|threads| Ok((threads, curves(&all, Varied::Samples, middle, threads)?)))
            .collect::<Result<_>>()?;

        let figure = figure(&parameters, &samples, &depths);
        let figures = folder.join("figures");
        std::fs::create_dir_all(&figures).with_context(|| format!("creating {}", figures.display()))?;
        let svg = figure.to_svg()?;
        write_atomically(&figures.join("cost-of-curvature.svg"), |out| out.write_all(svg.as_bytes()))?;
        let page = page(&Machine::here().to_string(), &figure, &parameters, &samples, &depths, &threads);
        write_atomically(&folder.join("cost-of-curvature.md"), |out| out.write_all(page.as_bytes()))?;
        Ok(())
    }
}

const MEBIBYTE: f64 = (1u64 << 20) as f64;

fn memory(measured: &Measured) -> f64 {
    measured.peak_bytes.map_or(f64::NAN, |bytes| bytes as f64 / MEBIBYTE)
}

fn figure(parameters: &[Curve], samples: &[Curve], depths: &[Curve]) -> Figure {
    let panel = |title: &str, x: &str, y: &str, curves: &[Curve], ordinate: &dyn Fn(&Measured) -> f64| {
        let empty = Panel::new(title, Axis::log(x), Axis::log(y));
        curves.iter().fold(empty, |panel, curve| panel.with(curve.line(curve.quantity as usize, ordinate)))
    };
    let time = |measured: &Measured| measured.seconds;
    let dense = |curves: &[Curve]| -> Vec<Mark> {
        let is_shown = |curve: &&Curve| matches!(curve.quantity, Quantity::Gradient | Quantity::DenseStep);
        curves.iter().filter(is_shown).map(|curve| curve.line(curve.quantity as usize, memory)).collect()
    };
    let peak = |title: &str, x: &str, curves: &[Curve]| {
        dense(curves).into_iter().fold(Panel::new(title, Axis::log(x), Axis::log("peak memory in MiB")), Panel::with)
    };
    let caption = "Time and peak memory of gradients, products, Hessians and steps against parameters (n = 256), samples (fixed network) and \
                   hidden layers of 32 units (n = 256).";
    let mut figure = Figure::new(
        "cost-of-curvature",
        caption,
        vec![
            panel("time against parameters", "parameters p", "seconds", parameters, &time),
            peak("memory against parameters", "parameters p", parameters),
            panel("time against samples", "samples n", "seconds", samples, &time),
            peak("memory against samples", "samples n", samples),
            panel("time against depth", "hidden layers", "seconds", depths, &time),
        ],
    );
    figure.columns = 2;
    figure
}

/// A Markdown table of times, one row an abscissa.
fn times(head: Option<&str>, curves: &[Curve]) -> String {
    let titles: Vec<&str> = curves.iter().map(|curve| curve.quantity.title()).collect();
    let first = |text: String| if head.is_some() { format!("| {text} ") } else { String::new() };
    let rule = "---:|".repeat(curves.len() + 1 + usize::from(head.is_some()));
    let mut table = format!("{}| p | {} |\n|{rule}\n", first(head.unwrap_or_default().into()), titles.join(" | "));
    for (row, (x, measured)) in curves[0].points.iter().enumerate() {
        let cells: Vec<String> = curves.iter().map(|curve| seconds(curve.points[row].1.seconds)).collect();
        table.push_str(&format!("{}| {} | {} |\n", first(x.to_string()), measured.p, cells.join(" | ")));
    }
    let exponents: Vec<String> =
        curves.iter().map(|curve| curve.exponent().map_or("–".into(), |b| format!("{b:.2}"))).collect();
    table.push_str(&format!("{}| exponent of the last five | {} |\n", first(String::new()), exponents.join(" | ")));
    table
}

fn page(
    machine: &str,
    figure: &Figure,
    parameters: &[Curve],
    samples: &[Curve],
    depths: &[Curve],
    threads: &[(usize, Vec<Curve>)],
) -> String {
    let find = |curves: &'_ [Curve], quantity: Quantity| -> Vec<(f64, Measured)> {
        curves.iter().find(|curve| curve.quantity == quantity).map(|curve| curve.points.clone()).unwrap_or_default()
    };
    let (dense, free) = (find(parameters, Quantity::DenseStep), find(parameters, Quantity::MatrixFreeStep));
    let (hessian, product) = (find(parameters, Quantity::Hessian), find(parameters, Quantity::Product));
    let mut worth = String::from(
        "| p | products a matrix-free step took | products worth one Hessian | products worth one dense step |\n|---:|---:|---:|---:|\n",
    );
    for (((dense, free), hessian), product) in dense.iter().zip(&free).zip(&hessian).zip(&product) {
        worth.push_str(&format!(
            "| {} | {} | {:.0} | {:.0} |\n",
            dense.1.p,
            free.1.products,
            hessian.1.seconds / product.1.seconds,
            dense.1.seconds / product.1.seconds
        ));
    }
    let faster: Vec<usize> =
        dense.iter().zip(&free).filter(|(d, f)| d.1.seconds < f.1.seconds).map(|(d, _)| d.1.p).collect();
    let verdict = match (faster.first(), faster.last()) {
        (Some(first), Some(last)) => format!(
            "At h = {STEP_SIZE} the dense step was faster for p from {first} to {last}, and matrix-free for all others measured."
        ),
        _ => format!("At h = {STEP_SIZE} the matrix-free step was faster at every p measured."),
    };
    let mut sizes = String::from(
        "| p | n | p² doubles in MiB | peak of a dense step in MiB | peak over p²·1.1 |\n|---:|---:|---:|---:|---:|\n",
    );
    let by_samples = find(samples, Quantity::DenseStep);
    let rows = dense.iter().map(|(_, m)| (256, *m)).chain(by_samples.iter().map(|(n, m)| (*n as usize, *m)));
    for (n, measured) in rows {
        let matrix = 8.0 * (measured.p as f64).powi(2) / MEBIBYTE;
        let peak = memory(&measured);
        sizes.push_str(&format!("| {} | {n} | {matrix:.1} | {peak:.1} | {:+.1} |\n", measured.p, peak - 1.1 * matrix));
    }
    let mut by_threads = String::from("| threads | ");
    let titles: Vec<&str> = threads[0].1.iter().map(|curve| curve.quantity.title()).collect();
    by_threads.push_str(&format!("{} |\n|---:|{}\n", titles.join(" | "), "---:|".repeat(titles.len())));
    for (count, curves) in threads {
        let cells: Vec<String> = curves.iter().map(|curve| seconds(curve.points[0].1.seconds)).collect();
        by_threads.push_str(&format!("| {count} | {} |\n", cells.join(" | ")));
    }
    let (n, p) = threads[0].1[0].points.first().map_or((0.0, 0), |(n, measured)| (*n, measured.p));
    format!(
        "# What curvature costs\n\n\
         How time and memory grow, measured by `cargo xtask scaling` (which writes this page) on {machine}. Times are the shortest of several \
         repetitions, each point in a process of its own; memory is the peak of that process, data included. tanh networks, float64.\n\n\
         ![{caption}](figures/cost-of-curvature.svg)\n\n\
         ## Parameters\n\nNetworks 64-w-w-10 on 256 samples, softmax cross-entropy.\n\n{parameters}\n\
         ## Where dense stops paying\n\n{verdict} A dense matrix pays where more products than in the last two columns would be needed: a small \
         damping, many shifts at one point, or all eigenvalues.\n\n{worth}\n\
         ## Samples\n\nThe same form of network, its parameters fixed. The passes over a batch are kept up to 32 MiB and repeated beyond, chunk by chunk.\n\n{samples}\n\
         ## Depth\n\nNetworks 8-32-…-32-1 on 256 samples, mse.\n\n{depths}\n\
         ## Threads\n\np = {p}, n = {n}.\n\n{by_threads}\n\
         ## Memory\n\nA dense step holds one p × p matrix. The last column is what it took beyond p²·8 bytes·1.1, program and data included.\n\n{sizes}",
        caption = figure.caption,
        parameters = times(None, parameters),
        samples = times(Some("n"), samples),
        depths = times(Some("hidden layers"), depths),
    )
}
