//! What a scaling has to know of a column, so that parts of it can be merged.

/// Count, extremes, mean and squared deviations of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    pub(super) count: f64,
    /// The first number; 0 where there is none.
    pub(super) first: f64,
    /// The smallest; ∞ where there is none.
    pub(super) low: f64,
    /// The largest; −∞ where there is none.
    pub(super) high: f64,
    /// 0 where there is no number.
    pub(super) mean: f64,
    /// Σ(x − mean)/n: what rounding took from the mean. Without it, the difference of two means near 1e8 is off by 1e-8.
    rest: f64,
    /// Σ(x − mean − rest)².
    squares: f64,
}

impl Moments {
    /// In two passes: the difference of Σx² and n · mean² has no correct digit for a column of 1e8 and noise. The rounding of the mean is
    /// taken out of the second, as the corrected two-pass algorithm of the reference of [`Moments::merged`] does; for most columns that changes no bit.
    pub(super) fn of(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let count = numbers.clone().count() as f64;
        let at_least_one = count.max(1.0);
        let mean = numbers.clone().sum::<f64>() / at_least_one;
        let rest = numbers.clone().map(|x| x - mean).sum::<f64>() / at_least_one;
        let squares = numbers.clone().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        Self {
            count,
            first: numbers.clone().next().unwrap_or(0.0),
            low: numbers.clone().fold(f64::INFINITY, f64::min),
            high: numbers.fold(f64::NEG_INFINITY, f64::max),
            mean,
            rest,
            squares: (squares - count * rest * rest).max(0.0),
        }
    }

    /// Those of both. With n = n₁ + n₂, mᵢ = meanᵢ + restᵢ and δ = m₂ − m₁: m = m₁ + δ n₂/n, squares = squares₁ + squares₂ + δ² n₁n₂/n.
    ///
    /// **Reference**: T. F. Chan, G. H. Golub, R. J. LeVeque, *Algorithms for computing the sample variance*, The American Statistician 37, 1983.
    pub(super) fn merged(self, other: Self) -> Self {
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { other } else { self };
        }
        let count = self.count + other.count;
        let share = other.count / count;
        let difference = (other.mean - self.mean) + (other.rest - self.rest);
        let step = self.rest + difference * share;
        let mean = self.mean + step;
        Self {
            count,
            first: self.first,
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            mean,
            rest: (self.mean - mean) + step,
            squares: self.squares + other.squares + difference * difference * self.count * share,
        }
    }

    pub(super) fn is_constant(self) -> bool {
        self.low == self.high && !self.mean.is_nan() // The extremes pass over NaN.
    }

    /// √(Σ(x − mean)²/n).
    pub(super) fn deviation(self) -> f64 {
        (self.squares / self.count).sqrt()
    }

    pub(super) fn to_numbers(self) -> [f64; 7] {
        let Self { count, first, low, high, mean, rest, squares } = self;
        [count, first, low, high, mean, rest, squares]
    }

    pub(super) fn from_numbers(&[count, first, low, high, mean, rest, squares]: &[f64; 7]) -> Self {
        Self { count, first, low, high, mean, rest, squares }
    }
}
