//! A share of the samples.

use std::sync::Arc;

use crate::NetworkError;

/// Which samples of a larger set an objective has: [`crate::Network::objective_of_part`] makes of them its summand of the whole loss.
///
/// Batches are drawn from the whole set, so that batch k is the same however the samples are spread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    rows: Arc<[usize]>,
    total: usize,
    labels: Option<Arc<[u32]>>,
}

impl Part {
    /// `rows` holds the number in the whole set, from 0, of each sample of the part, in the order of the part's samples; `total` counts the whole set. A part may be empty.
    ///
    /// # Errors
    /// [`NetworkError::Part`] when a number is not below `total` or occurs twice.
    pub fn new(rows: Vec<usize>, total: usize) -> Result<Self, NetworkError> {
        let mut seen = vec![false; total];
        for (sample, &row) in rows.iter().enumerate() {
            if row >= total || std::mem::replace(&mut seen[row], true) {
                return Err(NetworkError::Part { sample, row, total });
            }
        }
        Ok(Self { rows: rows.into(), total, labels: None })
    }

    /// With the classes of all samples of the whole set, in its order: a mean weighted by class needs to know them.
    ///
    /// # Errors
    /// [`NetworkError::Length`] unless there is one a sample.
    pub fn with_labels(self, labels: Vec<u32>) -> Result<Self, NetworkError> {
        let (expected, found) = (self.total, labels.len());
        match expected == found {
            true => Ok(Self { labels: Some(labels.into()), ..self }),
            false => Err(NetworkError::Length { what: "labels of the whole set", expected, found }),
        }
    }

    /// The number in the whole set of each sample of the part.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Samples of the whole set.
    pub fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }
}

/// Where the samples of the whole set are among those of a part.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) part: Part,
    /// [`ELSEWHERE`] for those of other parts.
    places: Vec<u32>,
    /// The part's samples of the batch.
    pub(crate) batch: Vec<usize>,
}

const ELSEWHERE: u32 = u32::MAX;

impl Places {
    pub(crate) fn new(part: Part) -> Self {
        let mut places = vec![ELSEWHERE; part.total];
        part.rows.iter().enumerate().for_each(|(sample, &row)| places[row] = sample as u32);
        Self { batch: Vec::with_capacity(part.rows.len()), places, part }
    }

    /// Keeps what the part has of a batch of the whole set, in the batch's order.
    pub(crate) fn take(&mut self, batch: &[usize]) {
        let places = batch.iter().map(|&row| self.places[row]).filter(|&place| place != ELSEWHERE);
        self.batch.clear();
        self.batch.extend(places.map(|place| place as usize));
    }
}
