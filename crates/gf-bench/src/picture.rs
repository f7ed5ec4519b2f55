//! What a bench shows by itself: one table of times, rates and fractions of the machine's matrix multiplication.

use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};

use crate::rate;

/// Collects the shortest time of each benchmark of a run.
///
/// Give its [`Picture::time`] to criterion's `iter_custom`, and [`Picture::print`] when all have run. It measures the machine's matrix
/// multiplication when it is made, unless the bench is only tested (`-- --test`).
#[derive(Debug)]
pub struct Picture {
    threads: usize,
    rate: Option<f64>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    id: String,
    seconds: f64,
    flops: Option<f64>,
    note: String,
}

impl Default for Picture {
    fn default() -> Self {
        Self::new()
    }
}

impl Picture {
    /// Measures the machine on as many threads as the benches run on.
    pub fn new() -> Self {
        let threads = rayon::current_num_threads();
        Self { threads, rate: (!is_tested()).then(|| rate::matrix_multiplication(threads)), rows: Vec::new() }
    }

    /// Runs `run` `iterations` times; the shortest average of `id` becomes its row, `flops` being counted for one run.
    pub fn time(&mut self, id: &str, flops: Option<f64>, iterations: u64, mut run: impl FnMut()) -> Duration {
        let start = Instant::now();
        (0..iterations).for_each(|_| run());
        let elapsed = start.elapsed();
        let seconds = elapsed.as_secs_f64() / iterations.max(1) as f64;
        match self.rows.iter_mut().find(|row| row.id == id) {
            Some(row) => row.seconds = row.seconds.min(seconds),
            None => self.rows.push(Row { id: id.to_owned(), seconds, flops, note: String::new() }),
        }
        elapsed
    }

    /// What else the row of `id` says, such as the residual that was reached. Nothing where `id` did not run.
    pub fn note(&mut self, id: &str, note: impl Into<String>) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.id == id) {
            row.note = note.into();
        }
    }

    /// Prints the table to standard output.
    #[expect(clippy::print_stdout, reason = "what a bench is for")]
    pub fn print(&self) {
        println!("\n{self}");
    }
}

impl std::fmt::Display for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.rate {
            Some(rate) => {
                writeln!(
                    f,
                    "shortest times, {} threads; matrix multiplication (1024³) {rate:.1} GFLOP/s",
                    self.threads
                )?;
            }
            None => writeln!(f, "tested, not measured")?,
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["operation/case", "time", "GFLOP/s", "of it", ""]);
        for column in 1..4 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for row in &self.rows {
            let rate = row.flops.map(|flops| flops / row.seconds * 1e-9);
            let share = rate.zip(self.rate).map(|(rate, machine)| rate / machine);
            table.add_row([
                row.id.clone(),
                seconds(row.seconds),
                rate.map_or(String::new(), |rate| format!("{rate:.1}")),
                share.map_or(String::new(), |share| format!("{share:.2}")),
                row.note.clone(),
            ]);
        }
        writeln!(f, "{table}")
    }
}

/// Whether the bench is only tested (`-- --test`), and small cases are enough.
pub fn is_tested() -> bool {
    std::env::args().any(|argument| argument == "--test" || argument == "--list")
}

/// Three digits with a unit.
pub fn seconds(value: f64) -> String {
    let (scaled, unit) = match value {
        t if t < 1e-6 => (t * 1e9, "ns"),
        t if t < 1e-3 => (t * 1e6, "µs"),
        t if t < 1.0 => (t * 1e3, "ms"),
        t => (t, "s"),
    };
    format!("{} {unit}", gf_report::significant(scaled, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_the_shortest_time_and_the_rate() {
        let mut picture = Picture { threads: 2, rate: Some(50.0), rows: Vec::new() };
        picture.time("gradient/A", Some(1e9), 1, || std::thread::sleep(Duration::from_millis(30)));
        picture.time("gradient/A", Some(1e9), 2, || std::thread::sleep(Duration::from_millis(5)));
        picture.note("gradient/A", "residual 1e-12");
        picture.note("gradient/B", "nowhere");
        let text = picture.to_string();
        assert_eq!(picture.rows.len(), 1);
        assert!(picture.rows[0].seconds < 0.03 && picture.rows[0].seconds >= 0.005);
        assert!(text.contains("gradient/A") && text.contains("residual 1e-12") && !text.contains("nowhere"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
