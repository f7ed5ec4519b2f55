//! Mean and spread of numbers that come in pieces.

/// Mean and standard deviation (of the population) of what was added.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// Numbers added.
    count: f64,
    /// Their mean.
    pub mean: f64,
    /// Sum of squared deviations from it.
    squares: f64,
}

impl Moments {
    /// Adds `values`: their own mean and squares are merged with those so far, so that a large mean cancels no digits of the spread.
    ///
    /// **Reference**: T. Chan, G. Golub, R. LeVeque, *COMPSTAT* (1982).
    pub fn add(&mut self, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        let total = self.count + count;
        let distance = mean - self.mean;
        self.squares += squares + distance * distance * self.count * count / total;
        self.mean += distance * count / total;
        self.count = total;
    }

    /// The standard deviation; 0 of nothing.
    pub fn deviation(&self) -> f64 {
        if self.count == 0.0 { 0.0 } else { (self.squares / self.count).sqrt() }
    }

    /// The root mean square.
    pub fn rms(&self) -> f64 {
        self.mean.hypot(self.deviation())
    }
}
