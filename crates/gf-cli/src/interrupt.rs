//! Ctrl-C and the signal that schedulers send before they kill: the runs under way save where they stand.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);
/// Apart from signals: the first of those may come after it, and is not the second.
static ASKED: AtomicBool = AtomicBool::new(false);
static INSTALLED: Once = Once::new();

/// The exit code of an interrupted run, as shells count SIGINT.
pub(crate) const EXIT_CODE: u8 = 130;

/// From now on the first signal asks runs to save and end; a second one ends the process at once.
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        // Without a handler a signal ends the process, as `kill -9` would: nothing is lost but the steps since the last checkpoint.
        let _ = ctrlc::set_handler(|| {
            if REQUESTED.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(EXIT_CODE));
            }
        });
    });
}

/// Asks runs to save and end, as a first signal does.
pub(crate) fn request() {
    ASKED.store(true, Ordering::Relaxed);
}

/// Whether the end was asked for.
pub(crate) fn is_requested() -> bool {
    REQUESTED.load(Ordering::Relaxed) || ASKED.load(Ordering::Relaxed)
}
