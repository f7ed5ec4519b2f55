//! The arms that are running, on stderr: a line each under the bar of all steps; plain lines where stderr is no terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use gf_core::StepRecord;
use gf_report::significant;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Progress;
use super::sparkline::Sparkline;

/// Between two looks of an arm's line on a terminal, and between two plain lines of an arm elsewhere.
const REDRAW: Duration = Duration::from_millis(100);
const PLAIN: Duration = Duration::from_secs(10);
/// An arm that takes less time gets no line.
const SHORT: Duration = Duration::from_millis(500);

/// Where lines go.
#[derive(Debug, Clone)]
enum Output {
    Terminal(MultiProgress),
    Plain,
    Nowhere,
}

/// The view of a run. It only reads what steps report: results do not depend on it.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    output: Output,
    total: ProgressBar,
    /// Columns of the arms' names.
    width: usize,
}

impl Progress {
    /// A view of arms that take `steps` together, the longest of whose names has `width` columns.
    pub(crate) fn live(&self, steps: u64, width: usize) -> Live {
        let output = match (self.quiet, std::io::stderr().is_terminal()) {
            (true, _) => Output::Nowhere,
            (false, true) => Output::Terminal(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8))),
            (false, false) => Output::Plain,
        };
        let mut total = self.bar(steps, "steps");
        if let Output::Terminal(lines) = &output {
            total = lines.add(total);
        }
        Live { output, total, width }
    }
}

impl Live {
    /// Counts all steps.
    pub(crate) fn total(&self) -> &ProgressBar {
        &self.total
    }

    /// The line of an arm of `steps` steps, from step `first` on. It goes away with the value.
    pub(crate) fn arm(&self, name: String, first: u64, steps: u64, batches_per_epoch: u64) -> ArmLine<'_> {
        let now = Instant::now();
        ArmLine {
            live: self,
            name,
            first,
            steps,
            batches_per_epoch,
            started: now,
            shown: now,
            line: None,
            losses: Sparkline::new(),
        }
    }

    /// Clears everything.
    pub(crate) fn finish(&self) {
        self.total.finish_and_clear();
    }
}

/// What the last evaluation found: the validation loss, and the first metric with its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seen {
    pub(crate) val_loss: f64,
    pub(crate) metric: Option<f64>,
}

/// The line of one running arm.
#[derive(Debug)]
pub(crate) struct ArmLine<'a> {
    live: &'a Live,
    name: String,
    first: u64,
    steps: u64,
    batches_per_epoch: u64,
    started: Instant,
    shown: Instant,
    line: Option<ProgressBar>,
    losses: Sparkline,
}

impl ArmLine<'_> {
    /// A step was taken; draws at most ten times a second.
    pub(crate) fn step(&mut self, record: &StepRecord<'_>, seen: Seen, metric: &str) {
        if record.step == 0 {
            return;
        }
        self.live.total.inc(1);
        if matches!(self.live.output, Output::Nowhere) {
            return;
        }
        self.losses.push(record.loss);
        let now = Instant::now();
        let due = match self.live.output {
            Output::Terminal(_) => now - self.started >= SHORT && now - self.shown >= REDRAW,
            _ => now - self.shown >= PLAIN,
        };
        if !due {
            return;
        }
        self.shown = now;
        let text = self.text(record, seen, metric, now - self.started);
        match &self.live.output {
            Output::Terminal(lines) => {
                let line = self.line.get_or_insert_with(|| {
                    let style = ProgressStyle::with_template("{wide_msg}").expect("the template is fixed and right");
                    lines.add(ProgressBar::new_spinner().with_style(style))
                });
                line.set_message(text);
            }
            // A closed stderr is no reason to end a run.
            _ => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    fn text(&self, record: &StepRecord<'_>, seen: Seen, metric: &str, elapsed: Duration) -> String {
        let (step, steps) = (record.step, self.steps);
        let epoch = step as f64 / self.batches_per_epoch as f64;
        let is_terminal = matches!(self.live.output, Output::Terminal(_));
        let mut text = format!("{:<width$} {step:>7}/{steps}", self.name, width = self.live.width);
        if self.batches_per_epoch > 1 {
            text += &format!("  epoch {epoch:.1}");
        }
        text += &format!("  loss {}", significant(record.loss, 3));
        if is_terminal {
            text += &format!(" {}", self.losses.text());
        }
        if seen.val_loss.is_finite() {
            text += &format!("  val {}", significant(seen.val_loss, 3));
        }
        if let Some(value) = seen.metric {
            text += &format!("  {metric} {}", significant(value, 3));
        }
        if let Some(h) = record.learning_rate {
            text += &format!("  h {}", significant(h, 3));
        }
        let done = step.saturating_sub(self.first).max(1) as f64;
        let left = elapsed.as_secs_f64() / done * steps.saturating_sub(step) as f64;
        text + &format!("  left {}", duration(left))
    }
}

impl Drop for ArmLine<'_> {
    fn drop(&mut self) {
        if let (Some(line), Output::Terminal(lines)) = (&self.line, &self.live.output) {
            line.finish_and_clear();
            lines.remove(line);
        }
    }
}

/// `8 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(seconds: f64) -> String {
    let whole = seconds.min(1e9).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use gf_core::Work;

    use super::*;

    fn record(step: u64) -> StepRecord<'static> {
        StepRecord {
            step,
            time: Some(0.5),
            step_size: Some(0.05),
            learning_rate: Some(0.05),
            theta: &[1.0],
            loss: 0.125,
            gradient: &[1.0],
            gradient_norm: 1.0,
            step_norm: 0.1,
            update_ratio: 0.1,
            work: Work::default(),
            gradient_equivalents: 1.0,
            rejected: 0,
            events: &[],
        }
    }

    #[test]
    fn a_line_says_where_an_arm_is() {
        let live = Live { output: Output::Plain, total: ProgressBar::hidden(), width: 10 };
        let line = live.arm("gd, seed 0".into(), 0, 500, 23);
        let seen = Seen { val_loss: 0.25, metric: Some(0.9) };
        let text = line.text(&record(115), seen, "accuracy", Duration::from_secs(23));
        let expected =
            "gd, seed 0     115/500  epoch 5.0  loss 0.125  val 0.250  accuracy 0.900  h 0.0500  left 1 min 17 s";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_an_arm_does_not_have_is_left_out() {
        let live = Live { output: Output::Plain, total: ProgressBar::hidden(), width: 4 };
        let line = live.arm("adam".into(), 90, 100, 1);
        let seen = Seen { val_loss: f64::NAN, metric: None };
        let record = StepRecord { learning_rate: None, ..record(95) };
        // Resumed at step 90: five steps took ten seconds.
        let text = line.text(&record, seen, "", Duration::from_secs(10));
        assert_eq!(text, "adam      95/100  loss 0.125  left 10 s");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        assert_eq!([0.4, 59.6, 7260.0].map(duration), ["0 s", "1 min 0 s", "2 h 1 min"]);
    }
}
