//! Medians, quantiles, and the interval of a share.

/// The median; none of an empty slice. As [`quantile`] at ½.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// First quartile, median, third quartile; none of an empty slice.
pub fn quartiles(values: &[f64]) -> Option<[f64; 3]> {
    let sorted = sorted(values)?;
    Some([0.25, 0.5, 0.75].map(|q| of_sorted(&sorted, q)))
}

/// The quantile at `q` in [0, 1], interpolated linearly between order statistics: with x₀ ≤ … ≤ x₍ₙ₋₁₎ and r = q(n−1), the value
/// x₍⌊r⌋₎ + (r − ⌊r⌋)(x₍⌊r⌋₊₁₎ − x₍⌊r⌋₎) (type 7 of Hyndman and Fan, 1996; the default of NumPy).
///
/// None of an empty slice or for q outside [0, 1]. A NaN among the values gives NaN; infinities are ordered like numbers, so that the
/// median over seeds survives one that diverged.
///
/// ```
/// assert_eq!(gf_utils::stats::quantile(&[4.0, 1.0, 3.0, 2.0], 0.25), Some(1.75));
/// ```
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&q) {
        return None;
    }
    Some(of_sorted(&sorted(values)?, q))
}

/// Wilson's interval of 95 % for a probability of which `right` of `count` trials were seen; none without trials.
///
/// With s = right/n and z = 1.959964: (s + z²/2n ± z √(s(1 − s)/n + z²/4n²)) / (1 + z²/n). Inside [0, 1], and of positive width for s = 0 and 1 too.
///
/// **Reference**: E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, J. Am. Stat. Assoc. 22, 1927.
///
/// ```
/// let [low, high] = gf_utils::stats::wilson_interval(9, 10).expect("ten trials");
/// assert!((low - 0.596).abs() < 1e-3 && (high - 0.982).abs() < 1e-3);
/// ```
pub fn wilson_interval(right: u64, count: u64) -> Option<[f64; 2]> {
    /// The normal distribution's quantile at 0.975.
    const Z: f64 = 1.959_963_984_540_054;
    if count == 0 {
        return None;
    }
    let (n, share) = (count as f64, right as f64 / count as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let end = |value: f64| (value / (1.0 + Z * Z / n)).clamp(0.0, 1.0);
    Some([end(middle - half), end(middle + half)])
}

fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(sorted)
}

/// As [`quantile`], of an ascending slice that is not empty. `total_cmp` puts NaN at the ends.
fn of_sorted(sorted: &[f64], q: f64) -> f64 {
    let last = sorted.len() - 1;
    if sorted[0].is_nan() || sorted[last].is_nan() {
        return f64::NAN;
    }
    let rank = q * last as f64;
    let below = (rank.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let share = rank - below as f64;
    if low == high || share == 0.0 {
        return low; // Also where inf − inf would be NaN.
    }
    if low.is_infinite() || high.is_infinite() {
        return low + high; // Any share of an infinite distance: the infinite end; NaN only between −inf and inf.
    }
    // From the nearer end, as NumPy does, so that share → 1 gives `high` exactly.
    if share < 0.5 { low + (high - low) * share } else { high - (high - low) * (1.0 - share) }
}
