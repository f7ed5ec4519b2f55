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

    /// The mean of a score over the classes that have it, each class alike; none where no class has it. As scikit-learn's with `zero_division` = NaN.
    ///
    /// ```
    /// use gf_utils::classification::Confusion;
    /// let confusion = Confusion::new(2, &[0, 0, 0, 1], &[Some(0), Some(0), Some(0), Some(0)])?;
    /// assert_eq!(confusion.precision(1), None, "nothing was taken for class 1");
    /// assert_eq!(confusion.macro_average(Confusion::precision), Some(0.75));
    /// assert_eq!(confusion.macro_average(Confusion::recall), Some(0.5));
    /// assert_eq!(confusion.weighted_average(Confusion::recall), Some(0.75));
    /// # Ok::<(), gf_utils::MetricError>(())
    /// ```
    pub fn macro_average(&self, score: fn(&Self, usize) -> Option<f64>) -> Option<f64> {
        self.average(score, |_| 1)
    }

    /// The mean of a score over the classes that have it, each weighted by its samples; none where no sample is of such a class.
    /// That of the recalls is the accuracy.
    pub fn weighted_average(&self, score: fn(&Self, usize) -> Option<f64>) -> Option<f64> {
        self.average(score, |class| self.support(class))
    }

    /// The mean of F₁ over the classes that have one: each class counts alike.
    pub fn macro_f1(&self) -> f64 {
        self.macro_average(Self::f1).unwrap_or(f64::NAN)
    }

    /// The mean of the recalls of the classes that occur: ½ for two classes where all is taken for one.
    pub fn balanced_accuracy(&self) -> f64 {
        self.macro_average(Self::recall).unwrap_or(f64::NAN)
    }

    fn average(&self, score: fn(&Self, usize) -> Option<f64>, weight: impl Fn(usize) -> u64) -> Option<f64> {
        let scores = (0..self.classes).filter_map(|class| Some((score(self, class)?, weight(class))));
        let (sum, weights) =
            scores.fold((0.0, 0), |(sum, weights), (score, weight)| (sum + weight as f64 * score, weights + weight));
        (weights > 0).then(|| sum / weights as f64)
    }

    fn right(&self, class: usize) -> u64 {
        self.counts[class * self.classes + class]
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
