//! `gf eval`: one point, exactly.

use std::path::Path;

use gf_core::{DenseHessian, GaussNewton, HessianProduct, Objective, SymmetricOperator, Triangle, vector};
use gf_layers::Batches;
use gf_optim::registry::{AnyObjective, ControlSettings, MethodSettings};
use gf_optim::{Budget, Stop, integrate};
use gf_utils::npy::write_npy;
use miette::Report;
use serde_json::{Value, json};

use super::point::{parse_method, read_theta, read_vector};
use super::print;
use crate::arguments::EvalArguments;
use crate::progress::Progress;
use crate::study::{Document, NetworkLoss, Problem, memory_shortage, misuse};

pub(super) fn execute(arguments: &EvalArguments) -> Result<u8, Report> {
    let mut document = Document::read(&arguments.problem)?;
    document.set(&arguments.set)?;
    let problem = Problem::load_point(document)?;
    let network = &problem.network()?.network;
    let p = problem.dim();
    let theta = read_theta(&arguments.theta, &problem)?;
    let directions = arguments
        .hvp
        .chunks_exact(2)
        .map(|pair| Ok((read_vector(&pair[0], p, "--hvp")?, pair[1].as_path())))
        .collect::<Result<Vec<_>, Report>>()?;
    let steps = arguments
        .step
        .chunks_exact(2)
        .map(|pair| Ok(((parse_method("--step", &pair[0])?, pair[0].clone()), Path::new(&pair[1]))))
        .collect::<Result<Vec<_>, Report>>()?;
    let dense = arguments.hessian.is_some() || arguments.gauss_newton.is_some();
    let method_bytes = steps.iter().map(|((settings, _), _)| settings.dense_bytes(p)).max().unwrap_or(0);
    let bytes = method_bytes.max(if dense { p.saturating_mul(p).saturating_mul(8) } else { 0 });
    if let Some(message) = memory_shortage(p, bytes) {
        return Err(misuse(format!("{}: {message}", arguments.problem.display())));
    }

    let seed = problem.study.run.seeds.first().copied().unwrap_or(0);
    let samples = problem.all_samples(seed)?;
    let mut objective = problem.objective(&samples, Batches::full())?;
    let mut gradient = vec![0.0; p];
    let loss = objective.value_and_gradient(&theta, &mut gradient).map_err(misuse)?;
    if !loss.is_finite() || !vector::all_finite(&gradient) {
        return Err(misuse(format!(
            "{}: the loss or its gradient is not finite there (loss {loss})",
            arguments.theta.display()
        )));
    }
    // Everything is computed before anything is written.
    let wanted = usize::from(arguments.hessian.is_some()) + usize::from(arguments.gauss_newton.is_some());
    let bar = Progress::new(false).bar((wanted + directions.len() + steps.len()) as u64, "arrays");
    let mut arrays: Vec<(&Path, Vec<usize>, Vec<f64>)> = Vec::new();
    if let Some(path) = &arguments.output {
        let outputs = network.predict(&theta, samples.own().inputs()).map_err(misuse)?;
        arrays.push((path, vec![samples.len(), network.outputs()], outputs));
    }
    // Symmetric matrices: column-major and row-major are the same.
    if let Some(path) = &arguments.hessian {
        let mut matrix = vec![0.0; p * p];
        objective.dense_hessian(&theta, Triangle::Both, &mut matrix).map_err(misuse)?;
        bar.inc(1);
        arrays.push((path, vec![p, p], matrix));
    }
    if let Some(path) = &arguments.gauss_newton {
        let mut matrix = vec![0.0; p * p];
        objective.dense_gauss_newton(&theta, Triangle::Both, &mut matrix).map_err(misuse)?;
        bar.inc(1);
        arrays.push((path, vec![p, p], matrix));
    }
    for (direction, path) in &directions {
        let mut product = vec![0.0; p];
        objective.hessian_at(&theta).map_err(misuse)?.apply(direction, &mut product);
        arrays.push((path, vec![p], product));
        bar.inc(1);
    }
    let mut reports = Vec::new();
    for ((settings, text), path) in &steps {
        match take_step(&mut objective, settings, &theta, text)? {
            Ok((next, report)) => {
                arrays.push((path, vec![p], next));
                reports.push(report);
                bar.inc(1);
            }
            Err(failure) => {
                bar.finish_and_clear();
                // A numerical failure is an outcome, not misuse.
                eprintln!("--step {text}: no step could be taken, nothing was written: {failure}");
                return Ok(1);
            }
        }
    }
    bar.finish_and_clear();
    let gradient_norm = vector::norm(&gradient);
    if let Some(path) = &arguments.gradient {
        arrays.push((path, vec![p], gradient));
    }
    for (path, shape, values) in &arrays {
        write_npy(path, shape, values).map_err(misuse)?;
    }
    let mut result = json!({
        "loss": loss,
        "gradient_norm": gradient_norm,
        "dim": p,
        "samples": samples.len(),
        "version": crate::summary::version(),
    });
    if !reports.is_empty() {
        result["steps"] = Value::Array(reports);
    }
    print(&serde_json::to_string_pretty(&result).map_err(misuse)?);
    Ok(0)
}

/// The new parameters with what the record says of the step, or why there is none.
fn take_step(
    objective: &mut NetworkLoss,
    settings: &MethodSettings,
    theta: &[f64],
    text: &str,
) -> Result<Result<(Vec<f64>, Value), Stop>, Report> {
    let fail = |error: gf_optim::SettingsError| misuse(format!("--step {text}: {error}"));
    let mut method = settings.build().map_err(fail)?;
    // One full step: no line search.
    let constant = ControlSettings::Constant(Default::default());
    let mut control = settings.build_control(Some(&constant)).map_err(fail)?;
    let mut watch = Watch::default();
    let outcome = integrate(
        &mut *objective as &mut AnyObjective,
        &mut *method,
        &mut *control,
        &mut [&mut watch],
        theta.to_vec(),
        &Budget::steps(1),
    )
    .map_err(misuse)?;
    if outcome.stop != Stop::Steps {
        return Ok(Err(outcome.stop));
    }
    let report = json!({ "step": text, "step_norm": watch.step_norm, "events": watch.events });
    Ok(Ok((outcome.theta, report)))
}

#[derive(Default)]
struct Watch {
    step_norm: f64,
    events: Vec<&'static str>,
}

impl gf_core::Observer for Watch {
    fn accepted(&mut self, record: &gf_core::StepRecord<'_>) {
        self.step_norm = record.step_norm;
        self.events = record.events.iter().map(|event| event.name()).collect();
    }
}
