//! The numbers that a caption gives of many arms: the lowest and the highest, and whose they are.

use gf_report::significant;

/// `0.0123 (implicit) to 0.456 (explicit)` of values by name; one where there is one, nothing without finite values.
pub(super) fn extremes<'a>(values: impl IntoIterator<Item = (&'a str, f64)>) -> Option<String> {
    let values: Vec<(&str, f64)> = values.into_iter().filter(|(_, value)| value.is_finite()).collect();
    let least = values.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let most = values.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let text = |(name, value): &(&str, f64)| format!("{} ({name})", significant(*value, 3));
    Some(if least.1 == most.1 { text(least) } else { format!("{} to {}", text(least), text(most)) })
}

#[cfg(test)]
mod tests {
    use super::extremes;

    #[test]
    fn ends_are_named() {
        assert_eq!(extremes([("a", 2.0), ("b", f64::NAN), ("c", 0.5)]).as_deref(), Some("0.500 (c) to 2.00 (a)"));
        assert_eq!(extremes([("a", 2.0), ("b", f64::INFINITY)]).as_deref(), Some("2.00 (a)"));
        assert_eq!(extremes([("a", f64::NAN)]), None);
    }
}
