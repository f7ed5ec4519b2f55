//! `gf lr-range`: a learning-rate range test from one point.

use gf_report::{Figure, significant};
use miette::Report;
use serde_json::json;

use super::point::{parse_method, read_theta};
use super::print;
use crate::arguments::LrRangeArguments;
use crate::folder::write_text;
use crate::report::lr_range::{CAPTION, panel};
use crate::runner::{LrRangeResult, has_linear_stability, test_lr_range};
use crate::study::{ArmSpec, Document, LrRange, Problem, check_flags, misuse};

pub(super) fn execute(arguments: &LrRangeArguments) -> Result<u8, Report> {
    let LrRangeArguments { from, to, steps, smoothing, .. } = *arguments;
    let spec = LrRange { arms: None, from, to, steps, smoothing };
    check_flags(&spec)?;
    let mut document = Document::read(&arguments.problem)?;
    document.set(&arguments.set)?;
    let problem = Problem::load_point(document)?;
    let arm = chosen(arguments, &problem)?;
    let problem = problem.of_arm(&arm);
    let seed = arguments.seed.or(problem.study.run.seeds.first().copied()).unwrap_or(0);
    let theta = match &arguments.theta {
        Some(path) => read_theta(path, &problem)?,
        None => problem.start(seed, Some(&arm)),
    };
    let result = test_lr_range(&problem, &spec, &arm, seed, &theta)?;
    if result.rows.is_empty() {
        eprintln!("the loss or its gradient at the start is not finite: nothing was tested");
        return Ok(1);
    }
    if let Some(path) = &arguments.figure {
        let title = format!("{}, seed {seed}", arm.method.info().name);
        let rows: Vec<_> = result.rows.iter().collect();
        let figure = Figure::new("lr-range", CAPTION, vec![panel(&title, &rows, &result.limits)]);
        write_text(path, &figure.to_svg().map_err(misuse)?)?;
    }
    match arguments.json {
        true => print(&serde_json::to_string_pretty(&as_json(&arm, &result)).map_err(misuse)?),
        false => print_result(arguments, &arm, &result),
    }
    Ok(0)
}

/// The arm that was asked for, or one of the method.
fn chosen(arguments: &LrRangeArguments, problem: &Problem) -> Result<ArmSpec, Report> {
    let (flag, arm) = match &arguments.arm {
        Some(name) => {
            let arms = &problem.study.arms;
            let arm = arms.iter().find(|arm| arm.name == *name).ok_or_else(|| {
                let names: Vec<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
                misuse(format!("--arm: expected one of the study's arms ({}), found \"{name}\"", names.join(", ")))
            })?;
            arm.method.validate().map_err(|error| misuse(format!("--arm {name}: {error}")))?;
            ("--arm", arm.clone())
        }
        None => {
            let text = arguments.method.as_deref().unwrap_or("explicit");
            let method = parse_method("--method", text)?;
            ("--method", ArmSpec::of_method(method))
        }
    };
    if arm.has_constant_control() {
        return Ok(arm);
    }
    let expected = "expected a method whose step size is its own h";
    Err(misuse(format!("{flag}: {expected}, found {}, whose sizes step control chooses", arm.method.info().name)))
}

fn as_json(arm: &ArmSpec, result: &LrRangeResult) -> serde_json::Value {
    let limits = &result.limits;
    // Infinity is not JSON: null stands for a loss that is not finite.
    let finite = |values: Vec<f64>| values.into_iter().map(|x| x.is_finite().then_some(x)).collect::<Vec<_>>();
    json!({
        "method": arm.method.info().name,
        "seed": limits.seed,
        "smoothing": limits.smoothing,
        "h": result.rows.iter().map(|row| row.h).collect::<Vec<_>>(),
        "loss": finite(result.rows.iter().map(|row| row.loss).collect()),
        "smoothed": finite(result.rows.iter().map(|row| row.smoothed).collect()),
        "divergence": limits.divergence,
        "suggested": limits.suggested_from.zip(limits.suggested_to),
        "sharpness": limits.sharpness,
        "two_over_sharpness": limits.two_over_sharpness,
        "stability_limit": limits.stability_limit,
        "ratio": limits.ratio,
        "failure": (!limits.failure.is_empty()).then_some(&limits.failure),
        "version": crate::summary::version(),
    })
}

fn print_result(arguments: &LrRangeArguments, arm: &ArmSpec, result: &LrRangeResult) {
    let limits = &result.limits;
    let number = |x: f64| significant(x, 3);
    let method = arm.method.info().name;
    let origin = arguments.theta.as_ref().map_or("the start".into(), |path| path.display().to_string());
    print(&format!(
        "{method} from {origin}, seed {}: h from {} to {} in {} steps, a batch each; losses smoothed with {}",
        limits.seed,
        number(arguments.from),
        number(arguments.to),
        arguments.steps,
        number(limits.smoothing)
    ));
    match (limits.divergence, limits.suggested_from, limits.suggested_to) {
        (Some(h), Some(low), Some(high)) => {
            print(&format!(
                "blows up at    h = {} (smoothed loss above 4 times its minimum, or not finite)",
                number(h)
            ));
            print(&format!("suggested      h = {} to {} (1/10 to 1/5 of it)", number(low), number(high)));
        }
        _ if !limits.failure.is_empty() => print(&format!("ends early     {}; no suggestion", limits.failure)),
        _ => print(&format!(
            "never blows up to h = {}: no suggestion; try --to {}",
            number(arguments.to),
            number(100.0 * arguments.to)
        )),
    }
    match (limits.sharpness, limits.two_over_sharpness) {
        (Some(sharpness), Some(limit)) => {
            let ratio = match limits.ratio {
                Some(ratio) => format!("; blow-up / (2/λmax) = {}", number(ratio)),
                None if !has_linear_stability(arm) => format!("; no limit of {method}"),
                None => String::new(),
            };
            print(&format!(
                "2/λmax         {} (λmax = {} on the whole training set){ratio}",
                number(limit),
                number(sharpness)
            ));
            let own = limits.stability_limit.filter(|own| (own / limit - 1.0).abs() > 1e-9);
            if let Some(own) = own {
                print(&format!("stable to      h = {} along λmax: the limit of this method", number(own)));
            }
        }
        (Some(sharpness), None) => {
            print(&format!("2/λmax         no limit: λmax = {} is not positive at the start", number(sharpness)));
        }
        (None, _) => print("2/λmax         unknown: no finite Hessian at the start"),
    }
    if let Some(path) = &arguments.figure {
        print(&format!("figure: {}", path.display()));
    }
}
