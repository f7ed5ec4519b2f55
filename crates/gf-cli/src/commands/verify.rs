//! `gf verify`: certified problems and the digits reached.

mod by_method;

use gf_report::significant;
use gf_verify::{Effort, FunctionResult, REQUIRED_DIGITS, RegressionResult, Report as Verification, Verdict, ZERO};
use miette::Report;

use super::{print, table};
use crate::arguments::VerifyArguments;
use crate::study::misuse;

pub(super) fn execute(arguments: &VerifyArguments) -> Result<u8, Report> {
    let wanted = arguments.names.iter().map(|name| known(name)).collect::<Result<Vec<_>, Report>>()?;
    if !arguments.method.is_empty() {
        let methods = by_method::chosen(&arguments.method)?;
        let runs = by_method::run(&methods, |name| wanted.is_empty() || wanted.contains(&name))?;
        match arguments.json {
            true => print(&serde_json::to_string_pretty(&runs).map_err(misuse)?),
            false => print_methods(&arguments.method, &runs),
        }
        return Ok(0);
    }
    let report = gf_verify::run(|name| wanted.is_empty() || wanted.contains(&name));
    match arguments.json {
        true => print(&serde_json::to_string_pretty(&report).map_err(misuse)?),
        false => print_tables(&report),
    }
    Ok(if report.passed { 0 } else { 1 })
}

/// A row a regression and start, a column a method.
fn print_methods(methods: &[String], runs: &[by_method::Run]) {
    let mut header = vec!["problem", "start"];
    header.extend(methods.iter().map(String::as_str));
    let rows = runs.chunks(methods.len()).map(|runs| {
        let mut row = vec![runs[0].problem.clone(), runs[0].start.to_string()];
        row.extend(runs.iter().map(|run| format!("{:.1} ({} {})", run.digits.max(0.0), run.steps, run.stop)));
        row
    });
    print("Certified digits of the worst parameter, with the steps taken and why the run ended.");
    print(&table::numbers(&header, rows.collect()));
    for method in methods {
        let of = || runs.iter().filter(|run| run.method == method);
        let reached = of().filter(|run| run.digits >= REQUIRED_DIGITS).count();
        print(&format!("{method}: at least {REQUIRED_DIGITS} digits in {reached} of {} runs", of().count()));
    }
}

/// The name as it is written, letter case aside.
fn known(name: &str) -> Result<&'static str, Report> {
    gf_verify::names().find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let near = gf_utils::suggest(name, gf_verify::names());
        let hint = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        let names: Vec<&str> = gf_verify::names().collect();
        misuse(format!("verify: expected one of {}, found \"{name}\"{hint}", names.join(", ")))
    })
}

fn print_tables(report: &Verification) {
    const EFFORT: [&str; 4] = ["iterations", "residuals", "Jacobians", "verdict"];
    if !report.regressions.is_empty() {
        let header = [&["problem", "level", "start", "digits", "of σ", "of ‖r‖²"], &EFFORT[..]].concat();
        print(
            "Nonlinear regressions of NIST StRD: certified digits of the worst parameter, of the worst standard deviation",
        );
        print("and of the sum of squares, at most 11; Levenberg–Marquardt with default settings.");
        print(&table::numbers(&header, report.regressions.iter().map(regression).collect()));
        if report.regressions.iter().any(|result| result.problem == "Lanczos1") {
            print("Lanczos1: ‖r‖² = 1.4e-25 is the rounding of its data; digits of it, and of σ, do not count.");
        }
    }
    if !report.functions.is_empty() {
        let header = [&["function", "no.", "‖r‖² found", "known"], &EFFORT[..]].concat();
        print("Functions of Moré, Garbow and Hillstrom: the least sum of squares, against the known minimum.");
        print(&table::numbers(&header, report.functions.iter().map(function).collect()));
        print(&format!("Reached: the six known digits, or at most {ZERO:e} for 0."));
    }
    print(&summary(report));
}

fn regression(result: &RegressionResult) -> Vec<String> {
    let digits = |digits: f64| format!("{digits:.1}");
    let mut row = vec![
        result.problem.clone(),
        result.level.name().to_string(),
        result.start.to_string(),
        digits(result.digits),
        digits(result.deviation_digits),
        digits(result.residual_digits),
    ];
    row.extend(effort(&result.effort, result.verdict));
    row
}

fn function(result: &FunctionResult) -> Vec<String> {
    let mut row = vec![
        result.function.clone(),
        result.number.to_string(),
        significant(result.found, 6),
        significant(result.known, 6),
    ];
    row.extend(effort(&result.effort, result.verdict));
    row
}

fn effort(effort: &Effort, verdict: Verdict) -> [String; 4] {
    [
        effort.iterations.to_string(),
        effort.residual_evaluations.to_string(),
        effort.jacobian_evaluations.to_string(),
        verdict.name().to_string(),
    ]
}

fn summary(report: &Verification) -> String {
    fn reached(verdicts: impl Iterator<Item = Verdict>) -> String {
        let (reached, all) = verdicts
            .fold((0, 0), |(reached, all), verdict| (reached + usize::from(verdict == Verdict::Reached), all + 1));
        format!("{reached} of {all}")
    }
    let mut parts = Vec::new();
    for start in [2, 1].into_iter().filter(|_| !report.regressions.is_empty()) {
        let results = report.regressions.iter().filter(|result| result.start == start);
        parts.push(format!("start {start} {}", reached(results.map(|result| result.verdict))));
    }
    if !report.functions.is_empty() {
        parts.push(format!("functions {}", reached(report.functions.iter().map(|result| result.verdict))));
    }
    let bar = if report.passed { "The bar holds" } else { "BELOW THE BAR" };
    format!("{bar} (at least {REQUIRED_DIGITS} digits, or the minimum): {}", parts.join(", "))
}
