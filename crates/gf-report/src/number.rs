//! Numbers for people.

/// `x` with `digits` significant digits: 0.0123, 1.23e-5, 61,250; ∞ and – for what is not finite.
///
/// ```
/// use gf_report::significant;
/// assert_eq!(significant(0.012345, 3), "0.0123");
/// assert_eq!(significant(61250.0, 3), "61,200");
/// assert_eq!(significant(1.23456e-5, 3), "1.23e-5");
/// assert_eq!(significant(374764228911.5, 3), "3.75e11");
/// assert_eq!(significant(500.0, 3), "500");
/// assert_eq!(significant(f64::NAN, 3), "–");
/// ```
pub fn significant(x: f64, digits: usize) -> String {
    if x.is_nan() {
        return "–".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "∞".into() } else { "−∞".into() };
    }
    if x == 0.0 {
        return "0".into();
    }
    let digits = digits.max(1);
    // Rounded to the digits first, so that 9.999 becomes 10.0 and not 10.00.
    let scientific = format!("{:.*e}", digits - 1, x);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let mantissa =
            if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
        return format!("{mantissa}e{exponent}");
    }
    let rounded: f64 = scientific.parse().unwrap_or(x);
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    let text = format!("{rounded:.decimals$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |rest| ("-", rest));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{grouped}.{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}
