//! The first implicit step from many starts: eigenvalues, the pole, and what each policy makes of it.

use gf_report::{Axis, Block, Figure, Mark, Panel, Table, significant};
use gf_utils::stats::median;

use crate::runner::FirstStep;
use crate::study::FirstSteps;

/// Text, counts, figure and the table of all starts.
pub(super) fn blocks(steps: &[FirstStep], spec: &FirstSteps) -> Vec<Block> {
    let pole = -1.0 / spec.h;
    let past = steps.iter().filter(|step| step.below_pole > 0).count();
    let lowest = steps.iter().map(|step| step.lambda_min).fold(f64::INFINITY, f64::min);
    let nearest = steps.iter().map(|step| step.pole_distance).fold(f64::INFINITY, f64::min);
    let mut text = format!(
        "At {past} of {} starts the exact Hessian of the first batch has an eigenvalue below −1/h = {}: H + I/h is then indefinite, and \
         nearly singular where an eigenvalue lies near the pole. The lowest eigenvalue met is {}, the least distance of an eigenvalue to \
         the pole {}.",
        steps.len(),
        significant(pole, 3),
        significant(lowest, 4),
        significant(nearest, 3)
    );
    let worse = |step: &&FirstStep| {
        step.policies.iter().any(|p| p.policy == "accept" && p.error_after >= 2.0 * step.error_before)
    };
    let definite = steps.iter().filter(|step| step.below_pole == 0).filter(worse).count();
    let indefinite = steps.iter().filter(|step| step.below_pole > 0).filter(worse).count();
    text.push_str(&format!(
        " The textbook step makes the validation error at least twice worse in {} starts: {indefinite} of them past the pole, {definite} \
         short of it, where the matrix is positive definite but nearly singular, and the policies for indefinite matrices do not act.",
        definite + indefinite
    ));
    if !spec.difference_steps.is_empty() {
        let medians: Vec<String> = spec
            .difference_steps
            .iter()
            .enumerate()
            .map(|(index, epsilon)| {
                let all: Vec<f64> =
                    steps.iter().filter_map(|step| step.asymmetry.get(index).copied().flatten()).collect();
                let worst = all.iter().copied().fold(0.0, f64::max);
                format!(
                    "{} % (at most {} %) for ε = {epsilon:e}",
                    significant(100.0 * median(&all).unwrap_or(f64::NAN), 2),
                    significant(100.0 * worst, 2)
                )
            })
            .collect();
        text.push_str(&format!(
            " The original's Hessians, central differences D of gradients across ReLU kinks, are not symmetric: the median of ‖D − Dᵀ‖/‖D‖ \
             is {}. The exact one is symmetric to the last bit.",
            medians.join(" and ")
        ));
    }
    vec![
        Block::Paragraph(text),
        Block::Table(policies(steps)),
        Block::Paragraph(
            "accept: the textbook step. shrink: h is halved until the matrix is positive definite; such a step is the exact trust-region \
             step of its own length. absolute: |H| in place of H. gauss-newton: G in place of H. line-search: as shrink, and h is halved \
             further until the loss on the batch decreases (Armijo). The first four act only where the matrix is indefinite; all \
             solves with H are direct."
                .into(),
        ),
        Block::Figure(figure(steps, pole)),
        Block::Table(table(steps, spec)),
    ]
}

fn names(steps: &[FirstStep]) -> Vec<&str> {
    steps.first().map(|step| step.policies.iter().map(|policy| policy.policy.as_str()).collect()).unwrap_or_default()
}

/// Error after over error before, of one policy at one start; infinite where the error is, NaN without a step.
fn ratio(step: &FirstStep, policy: usize) -> f64 {
    let outcome = &step.policies[policy];
    match (outcome.failure.is_empty(), outcome.error_after.is_finite()) {
        (true, true) => outcome.error_after / step.error_before,
        (true, false) => f64::INFINITY,
        (false, _) => f64::NAN,
    }
}

fn policies(steps: &[FirstStep]) -> Table {
    let rows = names(steps)
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let taken: Vec<&FirstStep> = steps.iter().filter(|step| step.policies[index].failure.is_empty()).collect();
            let ratios: Vec<f64> = taken.iter().map(|step| ratio(step, index)).collect();
            let past: Vec<f64> =
                taken.iter().filter(|step| step.below_pole > 0).map(|step| ratio(step, index)).collect();
            let count = |low: f64| ratios.iter().filter(|ratio| **ratio >= low).count().to_string();
            let worst = taken
                .iter()
                .map(|step| step.policies[index].error_after)
                .fold(0.0, |a: f64, b| if b.is_nan() { f64::INFINITY } else { a.max(b) });
            let failed = steps.iter().filter(|step| !step.policies[index].failure.is_empty()).count();
            vec![
                name.to_string(),
                significant(median(&ratios).unwrap_or(f64::NAN), 3),
                significant(median(&past).unwrap_or(f64::NAN), 3),
                count(1.0),
                count(2.0),
                significant(worst, 4),
                failed.to_string(),
            ]
        })
        .collect();
    Table::new(
        format!("The first step from {} starts: validation error after it over the error before.", steps.len()),
        &[
            "policy",
            ">median ratio",
            ">median ratio past the pole",
            ">starts not improved",
            ">starts at least twice worse",
            ">largest error after",
            ">no step",
        ],
        rows,
    )
}

fn figure(steps: &[FirstStep], pole: f64) -> Figure {
    let lowest = steps.iter().map(|step| step.lambda_min).fold(0.0, f64::min);
    let mut ratio_panel = Panel::new(
        "validation error after the first step",
        Axis::linear("lowest eigenvalue of H").within(1.05 * lowest.min(pole), 0.75 * pole.abs()),
        Axis::log("error after / error before"),
    );
    let mut distance_panel = Panel::new(
        "length of the first step",
        Axis::log("distance of the spectrum to the pole, |λ + 1/h|"),
        Axis::log("length of the step"),
    );
    for (index, name) in names(steps).into_iter().enumerate() {
        let lowest = steps.iter().map(|step| step.lambda_min).collect();
        ratio_panel =
            ratio_panel.with(Mark::points(name, index, lowest, steps.iter().map(|step| ratio(step, index)).collect()));
        let distance = steps.iter().map(|step| step.pole_distance).collect();
        let length = steps.iter().map(|step| step.policies[index].step_norm).collect();
        distance_panel = distance_panel.with(Mark::points(name, index, distance, length));
    }
    ratio_panel = ratio_panel
        .with(Mark::Vertical { x: pole, label: "pole −1/h".into() })
        .with(Mark::Horizontal { y: 2.0, label: "twice worse".into() });
    Figure::new(
        "first-steps",
        "One dot a start and policy. Left of the pole H + I/h is indefinite and the policies differ; right of it the matrix is positive \
         definite and all take the textbook step, except the line search, which shortens it where the loss would rise.",
        vec![ratio_panel, distance_panel],
    )
}

fn table(steps: &[FirstStep], spec: &FirstSteps) -> Table {
    let mut columns = vec![
        ">seed".to_string(),
        ">λ_min(H)".into(),
        ">eigenvalues below −1/h".into(),
        ">nearest to −1/h".into(),
        ">distance".into(),
        ">error before".into(),
    ];
    columns.extend(names(steps).into_iter().map(|name| format!(">after: {name}")));
    columns.push(">h after shrink".into());
    columns.extend(spec.difference_steps.iter().map(|epsilon| format!(">asymmetry %, ε = {epsilon:e}")));
    let shrink = names(steps).iter().position(|name| *name == "shrink");
    let rows = steps
        .iter()
        .map(|step| {
            let mut row = vec![
                step.seed.to_string(),
                significant(step.lambda_min, 4),
                step.below_pole.to_string(),
                significant(step.nearest, 5),
                // An eigenvalue that is not known to three digits of its distance says so.
                match step.nearest_residual <= 1e-3 * step.pole_distance {
                    true => significant(step.pole_distance, 3),
                    false => format!("≈ {}", significant(step.pole_distance, 1)),
                },
                significant(step.error_before, 3),
            ];
            row.extend(step.policies.iter().map(|policy| match policy.failure.is_empty() {
                true => significant(policy.error_after, 3),
                false => "no step".into(),
            }));
            row.push(shrink.map_or_else(
                || "–".into(),
                |index| significant(step.policies[index].step_size.unwrap_or(f64::NAN), 3),
            ));
            row.extend(step.asymmetry.iter().map(|asymmetry| significant(100.0 * asymmetry.unwrap_or(f64::NAN), 2)));
            row
        })
        .collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    Table::new("All starts.", &columns, rows)
}
