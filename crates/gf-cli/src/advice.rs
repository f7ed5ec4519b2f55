//! What to try where a run went badly, from the rows of its history.

use gf_report::significant;
use gf_utils::history::Row;
use gf_utils::stats::median;
use serde::{Deserialize, Serialize};

/// What a run looks like, by the rules of docs/monitoring.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// The loss rose, or left the range of numbers.
    Rises,
    /// The loss went up and down from step to step and got nowhere.
    Zigzags,
    /// The loss hardly moved, because the steps were too short.
    Flat,
}

/// A step size to try.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Why.
    pub symptom: Symptom,
    /// The step size of the run.
    pub h: f64,
    /// Lowest and highest step size to try; equal where it is one.
    pub range: [f64; 2],
    /// All of it in a sentence.
    pub text: String,
}

/// What is known of a run beside its rows.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The method's name.
    pub method: &'a str,
    /// Its step size.
    pub h: f64,
    /// Whether a random force was added to its gradients.
    pub is_noisy: bool,
    /// Whether the run diverged.
    pub diverged: bool,
    /// The step of the largest eigenvalue seen and the largest stable step size there, where the spectrum was tracked.
    pub stable_up_to: Option<(u64, f64)>,
}

/// Steps that count as the beginning of a run.
const BEGINNING: usize = 100;
/// The end of a run is its last quarter, and at least so many losses; fewer than 20 say nothing.
const WINDOW: usize = 50;
const FEWEST: usize = 20;

/// What to try, from the rows of a run of constant step size: at most one piece of advice. Row 0 is the start, row k step k, one after another.
///
/// Losses are those that steps started from, on their own samples; with mini-batches, zigzags are looked for among their means over epochs.
pub fn advice(rows: &[Row], of: Circumstances<'_>) -> Vec<Advice> {
    let steps: Vec<&Row> = rows.iter().filter(|row| row.step > 0).collect();
    let found = rises(&steps, of).or_else(|| zigzags(&steps, of)).or_else(|| flat(&steps));
    let usual = usual_start(of.method).map_or_else(String::new, |(h, note)| {
        format!("; a usual start for {} is {}{note}", of.method, significant(h, 1))
    });
    let stable = of.stable_up_to.map_or_else(String::new, |(step, h)| {
        format!(
            "; by the largest eigenvalue seen, at step {step}, {} is stable up to h = {}",
            of.method,
            significant(h, 3)
        )
    });
    let finish = |(symptom, divisors, why): (Symptom, [f64; 2], String)| {
        let [low, high] = divisors.map(|divisor| of.h / divisor);
        let numbers = match low == high {
            true => significant(low, 3),
            false => format!("{} to {}", significant(low, 3), significant(high, 3)),
        };
        let text = format!("{why} at h = {}: try {numbers}{stable}{usual}", significant(of.h, 3));
        Advice { symptom, h: of.h, range: [low, high], text }
    };
    found.into_iter().map(finish).collect()
}

/// A symptom, by what to divide h, and what was seen.
type Finding = Option<(Symptom, [f64; 2], String)>;

/// In the second half of the first 100 steps (10 at least) every loss is above 1.5 times the first one; or the run diverged: within them, or
/// later.
fn rises(steps: &[&Row], of: Circumstances<'_>) -> Finding {
    let beginning = &steps[..steps.len().min(BEGINNING)];
    let (first, count) = (beginning.first()?.loss, beginning.len());
    let lowest = beginning[count / 2..].iter().fold(f64::INFINITY, |low, row| low.min(row.loss));
    let rose = count >= 10 && first > 0.0 && lowest > 1.5 * first;
    let is_early = rose || steps.len() <= BEGINNING;
    let divisors = if is_early { [10.0, 10.0] } else { [5.0, 2.0] };
    let why = if of.diverged {
        let total = steps.len();
        format!("diverged after {total} step{}", if total == 1 { "" } else { "s" })
    } else {
        let (from, to) = (significant(first, 3), significant(lowest, 3));
        format!("the loss rose in the first {count} steps, from {from} to at least {to},")
    };
    (of.diverged || rose).then_some((Symptom::Rises, divisors, why))
}

/// At the end of the run, its last quarter or 50 losses (20 at least), the mean of the later half is not 5 % below that of the earlier; more than
/// 90 % of the losses are higher or lower than both neighbors, where independent noise has two thirds; neighbors differ by 10 % of the mean.
///
/// For gradient descent on all samples, without noise, also: the mean got as little lower while the steps had h‖g‖² each to win by first order, in
/// all more than a tenth of the loss and twenty times what they won, with gradients of a hundredth of the first one or more. That is an orbit
/// between points of equal loss.
fn zigzags(steps: &[&Row], of: Circumstances<'_>) -> Finding {
    let batches = batches_per_epoch(steps)?;
    let losses: Vec<f64> = steps
        .chunks_exact(batches)
        .map(|epoch| epoch.iter().map(|row| row.loss).sum::<f64>() / batches as f64)
        .collect();
    let end = |count: usize| count.saturating_sub(WINDOW.max(count / 4))..count;
    let losses = &losses[end(losses.len())];
    let (earlier, later) = losses.split_at(losses.len() / 2);
    let (mean, stalled) = (mean(losses), mean(later) > 0.95 * mean(earlier));
    if losses.len() < FEWEST || mean.is_nan() || mean <= 0.0 || !stalled {
        return None;
    }
    let turns = losses.windows(3).filter(|of| (of[1] - of[0]) * (of[2] - of[1]) < 0.0).count();
    let swing = losses.windows(2).map(|of| (of[1] - of[0]).abs()).sum::<f64>() / (losses.len() - 1) as f64;
    let is_zigzag = turns as f64 > 0.9 * (losses.len() - 2) as f64 && swing > 0.1 * mean;
    let unit = if batches == 1 { "steps" } else { "epochs" };
    let why =
        |what: &str| (Symptom::Zigzags, [5.0, 2.0], format!("the loss {what} over the last {} {unit}", losses.len()));
    if is_zigzag {
        return Some(why("went up and down and did not fall"));
    }
    let tail = &steps[end(steps.len())];
    let promised: f64 = tail.iter().map(|row| row.step_norm * row.gradient_norm).sum();
    let won = losses.first()? - losses.last()?;
    let is_steep = median_gradient(tail) >= 0.01 * steps.first()?.gradient_norm;
    let is_orbit =
        of.method == "explicit" && !of.is_noisy && batches == 1 && is_steep && promised > (0.1 * mean).max(20.0 * won);
    is_orbit.then(|| why("did not fall although its gradient stayed large"))
}

/// In 50 steps or more the loss fell by less than 5 % (means of the first and the last tenth), the gradient's median is at least half of its
/// first norm, and the steps together, ‖δ‖ times ‖g‖, could not have won a tenth of the loss: longer ones could.
fn flat(steps: &[&Row]) -> Finding {
    let count = steps.len();
    if count < WINDOW {
        return None;
    }
    let tenth = count.div_ceil(10);
    let mean_of = |rows: &[&Row]| mean(&rows.iter().map(|row| row.loss).collect::<Vec<_>>());
    let (first, last) = (mean_of(&steps[..tenth]), mean_of(&steps[count - tenth..]));
    let could_win: f64 = steps.iter().map(|row| row.step_norm * row.gradient_norm).sum();
    let is_steep = median_gradient(steps) >= 0.5 * steps.first()?.gradient_norm && steps[0].gradient_norm > 0.0;
    let is_flat = first > 0.0 && last > 0.95 * first && last < 1.05 * first;
    (is_flat && is_steep && could_win < 0.1 * first).then(|| {
        let change = format!("from {} to {}", significant(first, 4), significant(last, 4));
        (Symptom::Flat, [0.5, 0.5], format!("the loss hardly changed in {count} steps, {change},"))
    })
}

/// The first learning rate that people try, for inputs of mean 0 and variance 1.
fn usual_start(method: &str) -> Option<(f64, &'static str)> {
    match method {
        "adam" | "adamw" | "rmsprop" => Some((1e-3, "")),
        "heavy-ball" | "nesterov" => Some((0.1, " on normalized inputs")),
        _ => None,
    }
}

/// From the epoch that the first step has reached.
fn batches_per_epoch(steps: &[&Row]) -> Option<usize> {
    let first = steps.first()?;
    let batches = (first.step as f64 / first.epoch).round();
    (batches >= 1.0).then_some(batches as usize)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median_gradient(rows: &[&Row]) -> f64 {
    median(&rows.iter().map(|row| row.gradient_norm).collect::<Vec<_>>()).unwrap_or(f64::NAN)
}
