//! `gf stability`: what methods do on a given spectrum.

use gf_optim::registry::MethodSettings;
use gf_optim::stability;
use miette::Report;
use serde_json::json;

use super::{print, table};
use crate::arguments::StabilityArguments;
use crate::folder::write_text;
use crate::report::stability as tables;
use crate::study::misuse;

pub(super) fn execute(arguments: &StabilityArguments) -> Result<u8, Report> {
    let eigenvalues = &arguments.eigenvalues;
    if let Some(x) = eigenvalues.iter().find(|x| !x.is_finite()) {
        return Err(misuse(format!("--eigenvalues: expected finite numbers, found {x}")));
    }
    if !(arguments.h > 0.0 && arguments.h.is_finite()) {
        return Err(misuse(format!("--h: expected a positive number, found {}", arguments.h)));
    }
    let methods = chosen(&arguments.method)?;
    let with_step: Vec<(String, MethodSettings, f64)> =
        methods.iter().map(|(name, method)| (name.clone(), method.clone(), arguments.h)).collect();
    if let Some(path) = &arguments.figure {
        write_text(path, &tables::map(&methods).to_svg().map_err(misuse)?)?;
    }
    if arguments.json {
        let rows: Vec<_> = with_step
            .iter()
            .map(|(name, method, h)| {
                let settings = method.settings();
                let directions: Vec<_> = eigenvalues
                    .iter()
                    .filter_map(|lambda| Some((lambda, settings.amplification(h * lambda)?)))
                    .map(|(lambda, factors)| {
                        json!({
                            "eigenvalue": lambda,
                            "behavior": factors.behavior().name(),
                            "factor": factors.radius(),
                        })
                    })
                    .collect();
                let limit = stability::limit(settings);
                let best = stability::best_step(settings, eigenvalues);
                json!({
                    "method": name,
                    "h": h,
                    "directions": directions,
                    // Infinity is not JSON: null stands for methods that are stable for every hλ > 0.
                    "limit": limit.filter(|limit| limit.is_finite()),
                    "unconditional": limit.is_some_and(f64::is_infinite),
                    "best_h": best.map(|best| best.h),
                    "best_rate": best.map(|best| best.rate),
                })
            })
            .collect();
        print(&serde_json::to_string_pretty(&rows).map_err(misuse)?);
        return Ok(0);
    }
    for text in in_parts(&tables::header(eigenvalues), &tables::rows(&with_step, eigenvalues)) {
        print(&text);
    }
    print(&format!(
        "Along each λ, at h = {}: what the method does there, and |R(hλ)|, the growth a step.",
        arguments.h
    ));
    print("Best h and its rate: on the whole spectrum.");
    if let Some(path) = &arguments.figure {
        print(&format!("map: {}", path.display()));
    }
    Ok(0)
}

/// The columns of the report's table in tables that fit a terminal without words being cut: eigen-directions, some at a time, then limits.
fn in_parts(header: &[String], rows: &[Vec<String>]) -> Vec<String> {
    /// Directions side by side.
    const MOST: usize = 5;
    /// Columns before the directions, the name and h, which is the same for all; and after them.
    const AROUND: (usize, usize) = (2, 4);
    let (first, last) = (AROUND.0, header.len() - AROUND.1);
    let directions: Vec<usize> = (first..last).collect();
    let limits: Vec<usize> = (last..header.len()).collect();
    let part = |columns: &[usize]| {
        let pick = |cells: &[String]| -> Vec<String> {
            std::iter::once(0).chain(columns.iter().copied()).map(|k| cells[k].clone()).collect()
        };
        let names = pick(header);
        let names: Vec<&str> = names.iter().map(|name| name.trim_start_matches('>')).collect();
        table::numbers(&names, rows.iter().map(|row| pick(row)).collect())
    };
    directions.chunks(MOST).chain(std::iter::once(limits.as_slice())).map(part).collect()
}

/// All methods with linear stability, or those asked for.
fn chosen(names: &[String]) -> Result<Vec<(String, MethodSettings)>, Report> {
    let all: Vec<(String, MethodSettings)> = MethodSettings::all_defaults()
        .into_iter()
        .filter(|method| method.settings().amplification(0.1).is_some())
        .map(|method| (method.info().name.to_string(), method))
        .collect();
    if names.is_empty() {
        return Ok(all);
    }
    names
        .iter()
        .map(|name| {
            all.iter().find(|(known, _)| known == name).cloned().ok_or_else(|| {
                let known: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
                let near = gf_utils::suggest(name, known.iter().copied());
                let hint = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
                misuse(format!("--method: expected one of {}, found \"{name}\"{hint}", known.join(", ")))
            })
        })
        .collect()
}
