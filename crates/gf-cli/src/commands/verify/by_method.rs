//! How well methods of the registry solve NIST's regressions: shown, not asked for.

use gf_core::WithoutHessian;
use gf_optim::registry::{CurvatureNeed, MethodSettings};
use gf_optim::{Budget, integrate};
use gf_verify::nist::Regression;
use gf_verify::{digits, nist};
use miette::Report;
use serde::Serialize;

use crate::study::misuse;

/// Steps a run at most.
const STEPS: u64 = 2000;

/// One method on one regression from one start.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) problem: String,
    pub(super) start: usize,
    pub(super) method: &'static str,
    /// Certified digits of the worst parameter where it ended.
    pub(super) digits: f64,
    pub(super) steps: u64,
    pub(super) stop: &'static str,
}

/// The methods of these names.
///
/// # Errors
/// A name that is none, or that of a method that needs a Hessian: the regressions have residuals and a Jacobian.
pub(super) fn chosen(names: &[String]) -> Result<Vec<MethodSettings>, Report> {
    let usable: Vec<MethodSettings> = MethodSettings::all_defaults()
        .into_iter()
        .filter(|method| method.info().curvature != CurvatureNeed::Hessian)
        .collect();
    let chosen = names.iter().map(|name| {
        usable.iter().find(|method| method.info().name == name).cloned().ok_or_else(|| {
            let known: Vec<&str> = usable.iter().map(|method| method.info().name).collect();
            misuse(format!(
                "--method: expected methods that need no Hessian, of {}; found \"{name}\"",
                known.join(", ")
            ))
        })
    });
    chosen.collect()
}

/// Every method on every wanted regression from both starts.
///
/// # Errors
/// Misuse only; a run that fails shows how far it came.
pub(super) fn run(methods: &[MethodSettings], wanted: impl Fn(&str) -> bool) -> Result<Vec<Run>, Report> {
    let mut runs = Vec::new();
    for regression in nist::regressions().filter(|regression| wanted(&regression.name)) {
        for start in 1..=2 {
            for method in methods {
                runs.push(one(&regression, start, method)?);
            }
        }
    }
    Ok(runs)
}

fn one(regression: &Regression, start: usize, settings: &MethodSettings) -> Result<Run, Report> {
    let mut objective = WithoutHessian(regression.objective());
    let objective: &mut gf_optim::registry::AnyObjective = &mut objective;
    let mut method = settings.build().map_err(misuse)?;
    let mut control = settings.build_control(None).map_err(misuse)?;
    let theta = regression.starts[start - 1].clone();
    let outcome =
        integrate(objective, &mut *method, &mut *control, &mut [], theta, &Budget::steps(STEPS)).map_err(misuse)?;
    Ok(Run {
        problem: regression.name.clone(),
        start,
        method: settings.info().name,
        digits: digits(&outcome.theta, &regression.certified),
        steps: outcome.steps,
        stop: outcome.stop.name(),
    })
}
