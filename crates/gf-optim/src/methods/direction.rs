//! A search direction: found once a point, scaled by each trial of a line search.

use gf_core::vector;

use crate::EventLog;

/// d, and what finding it met.
#[derive(Debug)]
pub(super) struct Direction {
    pub(super) entries: Vec<f64>,
    pub(super) met: EventLog,
}

impl Default for Direction {
    fn default() -> Self {
        Self { entries: Vec::new(), met: EventLog::new() }
    }
}

impl Direction {
    pub(super) fn init(&mut self, dim: usize) {
        self.entries = vec![0.0; dim];
        self.met.clear();
    }

    /// Overwrites `delta` with h·d.
    pub(super) fn scaled(&self, h: f64, delta: &mut [f64], events: &mut EventLog) {
        self.met.events().iter().for_each(|event| events.record(*event));
        vector::scale_into(h, &self.entries, delta);
    }
}
