//! Whether two drawings are the same.

/// Whether `left` and `right` are equal but for coordinates that differ by less than two hundredths of a pixel.
///
/// Bytes would ask too much: another machine rounds a coordinate, printed to a hundredth of a pixel, the other way.
pub(super) fn same(left: &str, right: &str) -> bool {
    let mut rights = tokens(right);
    tokens(left).all(|token| rights.next().is_some_and(|other| same_token(token, other))) && rights.next().is_none()
}

fn same_token(left: &str, right: &str) -> bool {
    left == right
        || match (left.parse::<f64>(), right.parse::<f64>()) {
            (Ok(left), Ok(right)) => (left - right).abs() < 0.02,
            _ => false,
        }
}

/// Numbers, and what stands between them.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let numeric = |byte: u8| byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = *rest.as_bytes().first()?;
        let kind = numeric(first);
        // A sign begins a number: paths write 1-2 for two of them.
        let end =
            rest.bytes().skip(1).position(|byte| numeric(byte) != kind || byte == b'-').map_or(rest.len(), |at| at + 1);
        let (token, tail) = rest.split_at(end);
        rest = tail;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_may_differ_by_rounding_and_nothing_else_may() {
        let drawing = r##"<path d="M1.25,-3L10-2.5" stroke="#1f77b4"/><text>κ = 100</text>"##;
        assert!(same(drawing, drawing));
        assert!(same(drawing, &drawing.replace("1.25", "1.26")));
        for (old, new) in
            [("1.25", "1.45"), ("-3", "3"), ("κ", "λ"), ("</text>", ""), ("100", "101"), ("<path", "<paths")]
        {
            assert!(!same(drawing, &drawing.replace(old, new)), "{old} {new}");
        }
    }
}
