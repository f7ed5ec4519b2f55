//! Progress bars, on stderr; hidden when stderr is no terminal, and by `--quiet`.

mod live;
mod sparkline;

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) use live::{ArmLine, Live, Seen};

/// Makes the bars of a command.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    quiet: bool,
}

impl Progress {
    /// No bars when `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// A bar over `length` units of `what`.
    pub fn bar(&self, length: u64, what: &str) -> ProgressBar {
        let bar = if self.quiet { ProgressBar::hidden() } else { ProgressBar::new(length) };
        if !self.quiet {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        }
        bar.set_length(length);
        let template = "{prefix:>22} {bar:32.cyan/dim} {human_pos:>7}/{human_len} {elapsed_precise} (left {eta}) {msg}";
        bar.set_style(ProgressStyle::with_template(template).expect("the template is fixed and right"));
        bar.set_prefix(what.to_string());
        bar.enable_steady_tick(Duration::from_millis(250));
        bar
    }
}
