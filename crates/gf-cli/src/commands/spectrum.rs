//! `gf spectrum`: the curvature at one point.

use std::path::Path;

use gf_core::{FullCurvature, Streams, vector};
use gf_layers::Batches;
use gf_report::{Axis, Figure, Mark, Panel, significant};
use gf_spectrum::{
    Blocks, Density, DensitySettings, EigenpairSettings, EigenpairSolver, Eigenpairs, Estimate, Inertia, Matrix,
    PointKind, SpectrumError, blocks, classify, density, full_spectrum, hutch_plus_plus, inertia, square,
};
use gf_utils::npy::write_npy;
use miette::Report;
use serde_json::json;

use super::point::read_theta;
use super::{print, table};
use crate::arguments::{MatrixName, SpectrumArguments};
use crate::folder::write_text;
use crate::progress::Progress;
use crate::report::spectrum::norms_panel;
use crate::study::{Document, Problem, Subject, memory_shortage, misuse};

/// Products of the trace where no dense matrix is at hand: rank of the exact part, and probes of the rest.
const TRACE: (usize, usize) = (20, 20);

/// Highest and lowest eigenvalues where no number of them is given.
const PAIRS: (usize, usize) = (10, 3);

/// What was found at the point.
struct Found {
    dim: usize,
    loss: f64,
    gradient: Vec<f64>,
    pairs: Eigenpairs,
    /// All eigenvalues, ascending.
    all: Option<Vec<f64>>,
    inertia: Option<(Inertia, f64)>,
    trace: Estimate,
    density: Option<Density>,
    blocks: Option<Blocks>,
}

pub(super) fn execute(arguments: &SpectrumArguments) -> Result<u8, Report> {
    let mut document = Document::read(&arguments.problem)?;
    document.set(&arguments.set)?;
    let problem = Problem::load_point(document)?;
    let seed = problem.study.run.seeds.first().copied().unwrap_or(0);
    let (theta, source) = match &arguments.theta {
        Some(path) => (read_theta(path, &problem)?, path.display().to_string()),
        None => (problem.start(seed, None), format!("the start of seed {seed}")),
    };
    check(arguments, &problem)?;
    let mut objective: Box<dyn FullCurvature> = match &problem.subject {
        Subject::Function(function) => function.objective(seed),
        Subject::Network(_) => {
            let samples = if arguments.train { problem.data(seed)?.train } else { problem.all_samples(seed)? };
            Box::new(problem.objective(&samples, Batches::full())?)
        }
    };
    let layers = match &problem.subject {
        Subject::Network(network) => network.network.layer_ranges(),
        Subject::Function(_) => Vec::new(),
    };
    let found = match look(arguments, &mut *objective, &theta, &layers, seed) {
        Ok(found) => found,
        // A numerical failure is an outcome, not misuse.
        Err(error @ (SpectrumError::NotFinite { .. } | SpectrumError::Process(_) | SpectrumError::Eigen(_))) => {
            eprintln!("{source}: nothing was written: {error}");
            return Ok(1);
        }
        Err(error) => return Err(misuse(format!("{}: {error}", arguments.problem.display()))),
    };
    write(arguments, &found)?;
    if arguments.json {
        print(&serde_json::to_string_pretty(&as_json(arguments, &found)).map_err(misuse)?);
    } else {
        print_tables(arguments, &found);
    }
    Ok(u8::from(!found.pairs.are_converged()))
}

/// Everything that can be wrong before anything is computed.
fn check(arguments: &SpectrumArguments, problem: &Problem) -> Result<(), Report> {
    let p = problem.dim();
    let fail = |flag: &str, message: String| Err(misuse(format!("{flag}: {message}")));
    let (top, bottom) = arguments.pairs(p);
    let wanted = top.saturating_add(bottom);
    if wanted > p || wanted == 0 {
        return fail("--top and --bottom", format!("expected 1 to {p} eigenpairs, found {wanted}"));
    }
    if !(1e-13..1.0).contains(&arguments.tolerance) {
        return fail("--tolerance", format!("expected a number from 1e-13 to 1, found {}", arguments.tolerance));
    }
    if let Some(zero) = arguments.zero.filter(|zero| *zero <= 0.0 || !zero.is_finite()) {
        return fail("--zero", format!("expected a positive number, found {zero}"));
    }
    if arguments.critical < 0.0 || !arguments.critical.is_finite() {
        return fail("--critical", format!("expected a number of at least 0, found {}", arguments.critical));
    }
    if matches!(problem.subject, Subject::Function(_)) {
        if arguments.train {
            return fail("--train", "expected a network, which has samples; found a function".into());
        }
        if arguments.per_layer {
            return fail("--per-layer", "expected a network, which has layers; found a function".into());
        }
    }
    if arguments.full || arguments.per_layer {
        // The matrix, and what factorization and eigensolver copy of it.
        let bytes = 32usize.saturating_mul(p).saturating_mul(p);
        if let Some(message) = memory_shortage(p, bytes) {
            return fail(if arguments.full { "--full" } else { "--per-layer" }, message);
        }
    }
    Ok(())
}

fn look(
    arguments: &SpectrumArguments,
    objective: &mut dyn FullCurvature,
    theta: &[f64],
    layers: &[std::ops::Range<usize>],
    seed: u64,
) -> Result<Found, SpectrumError> {
    let p = theta.len();
    let matrix = arguments.matrix();
    let is_dense = arguments.full || arguments.per_layer;
    let bar = Progress::new(arguments.json).bar(2 + u64::from(arguments.density) + 2 * u64::from(is_dense), "parts");
    let mut gradient = vec![0.0; p];
    let loss = objective.value_and_gradient(theta, &mut gradient)?;
    if !loss.is_finite() || !vector::all_finite(&gradient) {
        let layer = layers.iter().position(|range| !vector::all_finite(&gradient[range.clone()]));
        let place = layer.map_or(String::new(), |layer| format!(" (first in layer {})", layer + 1));
        return Err(SpectrumError::NotFinite { what: format!("the loss or its gradient{place}") });
    }
    let mut rng = Streams::new(seed).probes();
    let (top, bottom) = arguments.pairs(p);
    let settings = EigenpairSettings { top, bottom, tolerance: arguments.tolerance, ..EigenpairSettings::default() };
    let mut solver = EigenpairSolver::new(p, settings)?;
    let pairs = solver.solve(&mut matrix.at(objective, theta)?, &mut rng)?.clone();
    bar.inc(1);
    let mut found = Found {
        dim: p,
        loss,
        gradient,
        pairs,
        all: None,
        inertia: None,
        trace: Estimate { value: 0.0, error: 0.0, products: 0 },
        density: None,
        blocks: None,
    };
    if arguments.density {
        found.density = Some(density(&mut matrix.at(objective, theta)?, &DensitySettings::default(), &mut rng)?);
        bar.inc(1);
    }
    if is_dense {
        let mut dense = square(p)?;
        matrix.dense(objective, theta, &mut dense)?;
        found.trace.value = dense.iter().step_by(p + 1).sum();
        bar.inc(1);
        if arguments.per_layer {
            found.blocks = Some(blocks(p, &dense, layers)?);
        }
        if arguments.full {
            let zero = arguments.zero.unwrap_or(1e-9 * found.pairs.scale().max(f64::MIN_POSITIVE));
            found.inertia = Some((inertia(p, &dense, zero)?, zero));
            found.all = Some(full_spectrum(p, &dense)?);
        }
        bar.inc(1);
    } else {
        found.trace = hutch_plus_plus(&mut matrix.at(objective, theta)?, TRACE.0.min(p), TRACE.1, &mut rng)?;
    }
    bar.finish_and_clear();
    Ok(found)
}

impl Found {
    /// What was found of the spectrum, ascending: all of it, or the lowest and the highest.
    fn eigenvalues(&self) -> Vec<f64> {
        match &self.all {
            Some(all) => all.clone(),
            None => self.ascending(&self.pairs.all().iter().map(|pair| pair.value).collect::<Vec<_>>()),
        }
    }

    /// The residuals of the pairs, ascending in their eigenvalues; those of a dense decomposition are not measured.
    fn residuals(&self) -> Vec<f64> {
        self.ascending(&self.pairs.all().iter().map(|pair| pair.residual).collect::<Vec<_>>())
    }

    /// What belongs to the pairs, top descending and then bottom ascending, in the order of ascending eigenvalues.
    fn ascending(&self, of_pairs: &[f64]) -> Vec<f64> {
        let (top, bottom) = of_pairs.split_at(self.pairs.top().len());
        bottom.iter().chain(top.iter().rev()).copied().collect()
    }

    fn kind(&self, arguments: &SpectrumArguments) -> Option<PointKind> {
        let (inertia, _) = self.inertia?;
        let is_hessian = arguments.matrix() == Matrix::Hessian;
        is_hessian.then(|| classify(vector::norm(&self.gradient), arguments.critical, inertia))
    }
}

fn write(arguments: &SpectrumArguments, found: &Found) -> Result<(), Report> {
    if let Some(path) = &arguments.eigenvalues {
        let values = found.eigenvalues();
        write_npy(path, &[values.len()], &values).map_err(misuse)?;
    }
    if let Some(path) = &arguments.vectors {
        write_npy(path, &[found.pairs.all().len(), found.dim], found.pairs.vectors()).map_err(misuse)?;
    }
    match &arguments.figure {
        Some(path) => write_figure(path, found),
        None => Ok(()),
    }
}

fn write_figure(path: &Path, found: &Found) -> Result<(), Report> {
    let mut panels = Vec::new();
    // Ranks count from either end of the spectrum. What is 0 within the tolerance would stretch the axis over decades of rounding.
    let zero = found.inertia.map_or(0.0, |(_, zero)| zero);
    let ranked = |values: &mut dyn Iterator<Item = f64>| -> (Vec<f64>, Vec<f64>) {
        values.enumerate().filter(|(_, x)| *x > zero).map(|(k, x)| ((k + 1) as f64, x)).unzip()
    };
    let (positive, negative) = match &found.all {
        Some(all) => (ranked(&mut all.iter().rev().copied()), ranked(&mut all.iter().map(|x| -x))),
        None => {
            let of = |pairs: &[gf_spectrum::Eigenpair]| pairs.iter().map(|pair| pair.value).collect::<Vec<_>>();
            let (top, bottom) = (of(found.pairs.top()), of(found.pairs.bottom()));
            (ranked(&mut top.into_iter()), ranked(&mut bottom.into_iter().map(|x| -x)))
        }
    };
    panels.push(
        Panel::new("eigenvalues", Axis::linear("rank, from the highest or the lowest"), Axis::log("|λ|"))
            .with(Mark::points("positive", 0, positive.0, positive.1))
            .with(Mark::points("negative", 1, negative.0, negative.1)),
    );
    if let Some(density) = &found.density {
        let low = density.density.iter().zip(&density.error).map(|(d, e)| (d - 2.0 * e).max(0.0)).collect();
        let high = density.density.iter().zip(&density.error).map(|(d, e)| d + 2.0 * e).collect();
        let top = density.density.iter().copied().fold(0.0, f64::max);
        panels.push(
            Panel::new(
                format!("density, broadened by {}", significant(density.broadening, 2)),
                Axis::linear("λ"),
                Axis::log("density of eigenvalues").within(1e-6 * top, 2.0 * top),
            )
            .with(Mark::band(0, density.grid.clone(), low, high))
            .with(Mark::line("", 0, density.grid.clone(), density.density.clone())),
        );
    }
    panels.extend(found.blocks.as_ref().map(|blocks| norms_panel("the matrix", &blocks.norms)));
    let figure = Figure::new("spectrum", "The spectrum of a curvature matrix at one point.", panels);
    write_text(path, &figure.to_svg().map_err(misuse)?)
}

fn as_json(arguments: &SpectrumArguments, found: &Found) -> serde_json::Value {
    let inertia = found.inertia.map(|(inertia, tolerance)| {
        json!({ "positive": inertia.positive, "negative": inertia.negative, "zero": inertia.zero, "tolerance": tolerance })
    });
    let density = found.density.as_ref().map(|density| {
        json!({
            "grid": density.grid, "density": density.density, "error": density.error,
            "broadening": density.broadening, "products": density.products,
        })
    });
    let layers = found.blocks.as_ref().map(|blocks| {
        let count = blocks.ranges.len();
        let layer = |l: usize| {
            json!({
                "layer": l + 1,
                "parameters": blocks.ranges[l].len(),
                "trace": blocks.traces[l],
                "lowest": blocks.eigenvalues[l].first(),
                "highest": blocks.eigenvalues[l].last(),
                "norms": &blocks.norms[l * count..(l + 1) * count],
            })
        };
        (0..count).map(layer).collect::<Vec<_>>()
    });
    json!({
        "matrix": arguments.matrix().name(),
        "dim": found.dim,
        "loss": found.loss,
        "gradient_norm": vector::norm(&found.gradient),
        "eigenvalues": found.eigenvalues(),
        "residuals": found.residuals(),
        "converged": found.pairs.are_converged(),
        "top": found.pairs.top().iter().map(|pair| pair.value).collect::<Vec<_>>(),
        "bottom": found.pairs.bottom().iter().map(|pair| pair.value).collect::<Vec<_>>(),
        "gradient_shares": found.ascending(&shares(found)),
        "inertia": inertia,
        "kind": found.kind(arguments).map(PointKind::name),
        "trace": found.trace.value,
        "trace_error": found.trace.error,
        "density": density,
        "layers": layers,
        "products": found.pairs.products + found.pairs.checks + found.trace.products,
        "version": crate::summary::version(),
    })
}

/// (vᵢᵀg)²/‖g‖² for each pair, top first.
fn shares(found: &Found) -> Vec<f64> {
    let size = vector::dot(&found.gradient, &found.gradient);
    let share = |k: usize| {
        let inside = vector::dot(found.pairs.vector(k), &found.gradient).powi(2);
        if size == 0.0 { 0.0 } else { inside / size }
    };
    (0..found.pairs.all().len()).map(share).collect()
}

impl SpectrumArguments {
    fn matrix(&self) -> Matrix {
        match self.matrix {
            MatrixName::Hessian => Matrix::Hessian,
            MatrixName::GaussNewton => Matrix::GaussNewton,
            MatrixName::Difference => Matrix::Difference,
        }
    }

    /// Highest and lowest eigenvalues of a matrix of order `p`, as asked for or as many as fit.
    fn pairs(&self, p: usize) -> (usize, usize) {
        let top = self.top.unwrap_or_else(|| PAIRS.0.min(p.saturating_sub(self.bottom.unwrap_or(0))));
        (top, self.bottom.unwrap_or_else(|| PAIRS.1.min(p.saturating_sub(top))))
    }
}

fn print_tables(arguments: &SpectrumArguments, found: &Found) {
    print(&format!(
        "{} matrix of order {}; loss {}, |gradient| {}",
        arguments.matrix().name(),
        found.dim,
        significant(found.loss, 6),
        significant(vector::norm(&found.gradient), 4)
    ));
    let shares = shares(found);
    let size = vector::dot(&found.gradient, &found.gradient);
    let top = found.pairs.top().len();
    let rows = found.pairs.all().iter().enumerate().map(|(k, pair)| {
        let name = if k < top { format!("highest {}", k + 1) } else { format!("lowest {}", k - top + 1) };
        let residual = significant(pair.residual, 2);
        let mark = if pair.is_converged { "" } else { " missed" };
        vec![
            name,
            significant(pair.value, 9),
            format!("{residual}{mark}"),
            significant(shares[k], 3),
            significant(pair.value * shares[k] * size, 3),
        ]
    });
    print(&table::numbers(&["eigenvalue", "λ", "|Av − λv|", "share of gradient", "part of gᵀAg"], rows.collect()));
    let trace = match found.trace.error {
        0.0 => significant(found.trace.value, 9),
        error => format!("{} ± {} (standard error, Hutch++)", significant(found.trace.value, 5), significant(error, 2)),
    };
    print(&format!("trace: {trace}"));
    match found.inertia {
        Some((inertia, zero)) => print(&format!(
            "inertia: {} positive, {} negative, {} zero (|λ| ≤ {})",
            inertia.positive,
            inertia.negative,
            inertia.zero,
            significant(zero, 2)
        )),
        None => print("inertia: --full computes it"),
    }
    if let Some(kind) = found.kind(arguments) {
        print(&format!(
            "the point: {} (critical where |gradient| ≤ {})",
            kind.name(),
            significant(arguments.critical, 2)
        ));
    }
    if let Some(blocks) = &found.blocks {
        let rows = blocks.ranges.iter().enumerate().map(|(l, range)| {
            let value = |x: Option<&f64>| x.map_or_else(|| "–".into(), |x| significant(*x, 5));
            let values = &blocks.eigenvalues[l];
            vec![
                (l + 1).to_string(),
                range.len().to_string(),
                significant(blocks.traces[l], 5),
                value(values.first()),
                value(values.last()),
                significant(blocks.norms[l * blocks.ranges.len() + l], 4),
            ]
        });
        print(&table::numbers(&["layer", "parameters", "trace", "lowest λ", "highest λ", "norm"], rows.collect()));
    }
    if let Some(density) = &found.density {
        let error = density.error.iter().copied().fold(0.0, f64::max);
        let top = density.density.iter().copied().fold(0.0, f64::max);
        print(&format!(
            "density: {} products, broadened by {}, largest standard error {} of a peak of {}",
            density.products,
            significant(density.broadening, 2),
            significant(error, 2),
            significant(top, 3)
        ));
    }
    for path in [&arguments.eigenvalues, &arguments.vectors, &arguments.figure].into_iter().flatten() {
        print(&format!("written: {}", path.display()));
    }
}
