//! The history of a run: one row per accepted step, the best parameters, and the file `history.csv`.

mod file;
mod patience;
mod recorder;
mod table;

pub use file::{ArmHistory, read_histories, write_histories};
pub use patience::Patience;
pub use recorder::{Best, EARLY_STOPPING, Evaluation, History, HistoryError, HistorySettings};
pub use table::{Row, Table};
