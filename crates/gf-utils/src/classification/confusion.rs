//! Which class was taken for which.

use super::check_labels;
use crate::MetricError;

/// Counts of K true classes (rows) against predicted classes (columns), row-major, with what was predicted as no class at all (NaN).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
    undecided: Vec<u64>,
}

impl Confusion {
    /// Counts pairs of a label and a prediction.
    ///
    /// # Errors
    /// [`MetricError::Empty`], [`MetricError::Length`], and [`MetricError::Label`] for a label of `classes` or more.
    ///
    /// # Panics
    /// When a prediction is `classes` or more.
    pub fn new(classes: usize, labels: &[u32], predicted: &[Option<u32>]) -> Result<Self, MetricError> {
        check_labels("confusion", classes, labels, predicted.len())?;
        let mut confusion = Self { classes, counts: vec![0; classes * classes], undecided: vec![0; classes] };
        for (label, predicted) in labels.iter().zip(predicted) {
            let row = *label as usize;
            match predicted {
                Some(class) => {
                    assert!((*class as usize) < classes, "predicted classes are below {classes}, found {class}");
                    confusion.counts[row * classes + *class as usize] += 1;
                }
                None => confusion.undecided[row] += 1,
            }
        }
        Ok(confusion)
    }

    /// K.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// K × K counts, row-major: true class, predicted class.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Samples of each true class whose prediction is NaN.
    pub fn undecided(&self) -> &[u64] {
        &self.undecided
    }

    /// Samples of a true class.
    pub fn support(&self, class: usize) -> u64 {
        self.counts[class * self.classes..(class + 1) * self.classes].iter().sum::<u64>() + self.undecided[class]
    }

    /// Samples that were taken for a class.
    pub fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().skip(class).step_by(self.classes).sum()
    }

    /// Of all samples, the share that was taken for what it is.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.classes).map(|class| self.right(class)).sum();
        right as f64 / (0..self.classes).map(|class| self.support(class)).sum::<u64>() as f64
    }

    /// Of the samples taken for a class, the share that is of it; none where there are none.
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(self.right(class), self.predicted(class))
    }

    /// Of the samples of a class, the share that was taken for it; none where there are none.
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.right(class), self.support(class))
    }

    /// F₁ = 2 tp/(2 tp + fp + fn), the harmonic mean of precision and recall; none for a class that is neither true nor predicted anywhere.
    pub fn f1(&self, class: usize) -> Option<f64> {
        share(2 * self.right(class), self.predicted(class) + self.support(class))
    }

    /// The mean of F₁ over the classes that have one: each class counts alike.
    pub fn macro_f1(&self) -> f64 {
        mean((0..self.classes).filter_map(|class| self.f1(class)))
    }

    /// The mean of the recalls of the classes that occur: ½ for two classes where all is taken for one.
    pub fn balanced_accuracy(&self) -> f64 {
        mean((0..self.classes).filter_map(|class| self.recall(class)))
    }

    fn right(&self, class: usize) -> u64 {
        self.counts[class * self.classes + class]
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    sum / count as f64
}
