//! `gf schedule`: the step sizes that schedules ask for.

use gf_optim::control::StepStart;
use gf_optim::schedule::{SCHEDULES, Span};
use gf_report::significant;
use miette::Report;
use serde_json::json;

use super::{print, table};
use crate::arguments::ScheduleArguments;
use crate::folder::write_text;
use crate::report::schedule::{Line, POINTS, figure};
use crate::study::{ArmSpec, Document, Problem, misuse};

/// Rows of the table: epochs at equal distances, the last step's included.
const ROWS: u64 = 10;

/// The planned sizes of an arm.
struct Plan<'a> {
    arm: &'a ArmSpec,
    span: Span,
    /// One a step; none where step control chooses them.
    sizes: Option<Vec<f64>>,
}

pub(super) fn execute(arguments: &ScheduleArguments) -> Result<u8, Report> {
    let Some(path) = &arguments.study else { return list(arguments.json) };
    let mut document = Document::read(path)?;
    document.set(&arguments.set)?;
    let problem = Problem::load(document)?;
    let arms = &problem.study.arms;
    if arms.is_empty() {
        return Err(problem.document.error_at(&["arm"], "expected at least one [[arm]] with a method, found none"));
    }
    let train = match problem.study.problem {
        Some(_) => None,
        None => Some(problem.data(problem.study.run.seeds[0])?.train.len()),
    };
    let plans = arms.iter().map(|arm| plan(arm, problem.span(arm, train))).collect::<Result<Vec<_>, Report>>()?;
    if let Some(path) = &arguments.figure {
        write_text(path, &draw(&plans).to_svg().map_err(misuse)?)?;
    }
    if arguments.json {
        let rows: Vec<_> = plans.iter().map(as_json).collect();
        print(&serde_json::to_string_pretty(&rows).map_err(misuse)?);
        return Ok(0);
    }
    plans.iter().for_each(|plan| print_plan(plan));
    if let Some(path) = &arguments.figure {
        print(&format!("figure: {}", path.display()));
    }
    Ok(0)
}

fn plan(arm: &ArmSpec, span: Span) -> Result<Plan<'_>, Report> {
    if !arm.has_constant_control() {
        return Ok(Plan { arm, span, sizes: None });
    }
    let mut control = arm.build_control(span).map_err(misuse)?;
    // What a constant size and a schedule do not look at.
    let start = |step: u64| StepStart { step, loss: f64::NAN, gradient_norm: f64::NAN };
    let sizes = (1..=span.steps).map(|step| control.first(start(step))).collect();
    Ok(Plan { arm, span, sizes: Some(sizes) })
}

impl Plan<'_> {
    fn depends_on_the_run(&self) -> bool {
        self.arm.schedule.is_some_and(|schedule| schedule.plateau.is_some())
    }

    /// Steps at about equal distances, the first and the last included.
    fn steps(&self, count: u64) -> Vec<u64> {
        let (last, count) = (self.span.steps, count.min(self.span.steps).max(1));
        let mut steps: Vec<u64> = (0..count).map(|k| 1 + k * last.saturating_sub(1) / (count - 1).max(1)).collect();
        steps.dedup();
        steps
    }
}

fn print_plan(plan: &Plan<'_>) {
    let Span { steps, batches_per_epoch, .. } = plan.span;
    let epochs = significant(plan.span.epochs(), 4);
    print(&format!(
        "{}: {}, {} ({steps} steps of {batches_per_epoch} an epoch, {epochs} epochs)",
        plan.arm.name,
        plan.arm.method.info().name,
        plan.arm.label()
    ));
    let Some(sizes) = &plan.sizes else {
        let own = plan.arm.method.settings().default_control();
        let control = plan.arm.control.as_ref().unwrap_or(&own).name();
        print(&format!("  chosen by control.{control} as the run goes"));
        return;
    };
    let row = |step: u64| {
        let h = sizes[step as usize - 1];
        vec![step.to_string(), significant(plan.span.epoch(step), 4), significant(h, 4)]
    };
    print(&table::numbers(&["step", "epoch", "h"], plan.steps(ROWS).into_iter().map(row).collect()));
    if plan.depends_on_the_run() {
        print("  before any reduction: plateau multiplies what is shown when the validation loss stops falling");
    }
}

fn draw(plans: &[Plan<'_>]) -> gf_report::Figure {
    let lines = plans.iter().enumerate().filter_map(|(style, plan)| {
        let sizes = plan.sizes.as_ref()?;
        let steps = plan.steps(POINTS as u64);
        let note = if plan.depends_on_the_run() { " (before reductions, which depend on the run)" } else { "" };
        Some(Line {
            label: format!("{}{note}", plan.arm.name),
            style,
            epochs: steps.iter().map(|step| plan.span.epoch(*step)).collect(),
            sizes: steps.iter().map(|step| sizes[*step as usize - 1]).collect(),
        })
    });
    figure("schedules", "The step sizes that the arms' schedules ask for.", lines.collect())
}

fn as_json(plan: &Plan<'_>) -> serde_json::Value {
    json!({
        "arm": plan.arm.name,
        "method": plan.arm.method.info().name,
        "schedule": plan.arm.schedule,
        "batches_per_epoch": plan.span.batches_per_epoch,
        "batch": plan.span.batch,
        "steps": plan.span.steps,
        "depends_on_the_run": plan.depends_on_the_run(),
        "h": plan.sizes,
    })
}

fn list(as_json: bool) -> Result<u8, Report> {
    if as_json {
        let kinds: Vec<_> = SCHEDULES
            .iter()
            .map(|info| {
                let keys = info
                    .keys
                    .iter()
                    .map(|(key, default, meaning)| json!({ "key": key, "default": default, "meaning": meaning }));
                json!({ "name": info.name, "formula": info.formula, "keys": keys.collect::<Vec<_>>() })
            })
            .collect();
        print(&serde_json::to_string_pretty(&kinds).map_err(misuse)?);
        return Ok(0);
    }
    for info in SCHEDULES {
        print(&format!("schedule.{}: {}", info.name, info.formula));
        for (key, default, meaning) in info.keys {
            let default = if *default == "needed" { "needed".to_string() } else { format!("default: {default}") };
            print(&format!("    {key:<14} {meaning} ({default})"));
        }
    }
    print(
        "e: the epoch at which the step begins, a real number. Members of one schedule multiply each other and the method's h.",
    );
    Ok(0)
}
