//! The computer that a number was measured on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What of a computer decides how long things take. No name of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, where the system tells it (Linux).
    pub processor: Option<String>,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory in GiB, where the system tells it (Linux).
    pub memory_gib: Option<f64>,
}

impl Machine {
    /// The one this runs on.
    pub fn here() -> Self {
        let line = |file: &str, key: &str| -> Option<String> {
            let text = std::fs::read_to_string(file).ok()?;
            let found = text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':'))?;
            Some(found.1.trim().to_string())
        };
        let kib = line("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
        Self {
            processor: line("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gib: kib.map(|kib| (kib / 1024.0 / 1024.0 * 10.0).round() / 10.0),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = if self.cores == 1 { "core" } else { "cores" };
        write!(f, "{}, {} {cores}", self.processor.as_deref().unwrap_or("an unknown processor"), self.cores)?;
        match self.memory_gib {
            Some(gib) => write!(f, ", {gib} GiB of memory"),
            None => Ok(()),
        }
    }
}
