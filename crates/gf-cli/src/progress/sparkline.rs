//! A curve in one line of text.

/// Bars from low to high.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns at most.
const WIDTH: usize = 16;

/// The whole course of a number in at most 16 columns, each the mean of as many values. No column is ever lost: when all are full, neighbors
/// are merged, and new ones hold twice as many values.
#[derive(Debug, Clone)]
pub(crate) struct Sparkline {
    /// Sums of the columns; the last one is being filled.
    sums: Vec<f64>,
    /// Values a column.
    span: u64,
    /// Values in the last one.
    filled: u64,
}

impl Sparkline {
    /// Without values.
    pub(crate) fn new() -> Self {
        Self { sums: Vec::with_capacity(WIDTH), span: 1, filled: 0 }
    }

    /// Adds the next value. Never allocates.
    pub(crate) fn push(&mut self, value: f64) {
        if self.sums.is_empty() || self.filled == self.span {
            if self.sums.len() == WIDTH {
                for column in 0..WIDTH / 2 {
                    self.sums[column] = self.sums[2 * column] + self.sums[2 * column + 1];
                }
                self.sums.truncate(WIDTH / 2);
                self.span *= 2;
            }
            self.sums.push(0.0);
            self.filled = 0;
        }
        if let Some(sum) = self.sums.last_mut() {
            *sum += value;
            self.filled += 1;
        }
    }

    /// The bars, logarithmic where all values are positive; `×` for what is no number.
    pub(crate) fn text(&self) -> String {
        let last = self.sums.len().saturating_sub(1);
        let count = |column: usize| if column == last { self.filled } else { self.span };
        let means: Vec<f64> = self.sums.iter().enumerate().map(|(column, sum)| sum / count(column) as f64).collect();
        let is_log = means.iter().all(|mean| *mean > 0.0);
        let heights: Vec<f64> = means.iter().map(|mean| if is_log { mean.ln() } else { *mean }).collect();
        let finite = || heights.iter().copied().filter(|height| height.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let bar = |height: &f64| match (height.is_finite(), high > low) {
            (false, _) => '×',
            (true, false) => BARS[0],
            (true, true) => BARS[((height - low) / (high - low) * 7.0).round() as usize],
        };
        heights.iter().map(bar).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = f64>) -> String {
        let mut line = Sparkline::new();
        values.for_each(|value| line.push(value));
        line.text()
    }

    #[test]
    fn a_geometric_fall_is_a_straight_line() {
        assert_eq!(of((0..8).map(|k| 0.5f64.powi(k))), "█▇▆▅▄▃▂▁");
        assert_eq!(of((0..8).map(|k| f64::from(k) - 3.0)), "▁▂▃▄▅▆▇█");
    }

    #[test]
    fn columns_are_merged_and_never_lost() {
        assert_eq!(of((0..1000).map(|_| 1.0)).chars().count(), 16);
        // 17 values: eight columns of two, and one.
        assert_eq!(of((0..17).map(f64::from)).chars().count(), 9);
        let step = of((0..1024).map(|k| if k < 512 { 2.0 } else { 1.0 }));
        assert_eq!(step, "████████▁▁▁▁▁▁▁▁");
    }

    #[test]
    fn nothing_one_value_and_no_numbers_have_a_text() {
        assert_eq!((of([].into_iter()), of([3.0].into_iter())), (String::new(), "▁".to_string()));
        assert_eq!(of([2.0, f64::NAN, 1.0].into_iter()), "█×▁");
        assert_eq!(of([f64::INFINITY].into_iter()), "×");
    }
}
