//! "Did you mean …?" for keys, methods and columns.

/// The candidate closest to `name` by edit distance, if it is close: at most one edit a three characters (and at least one).
///
/// The distance counts insertions, deletions, replacements and swaps of neighbors (optimal string alignment); letter case and
/// `-` against `_` cost nothing. Among equally close candidates the first wins.
///
/// ```
/// use gf_utils::suggest;
/// assert_eq!(suggest("lerning_rate", ["batch", "learning_rate"]), Some("learning_rate"));
/// assert_eq!(suggest("Val-MAE", ["val_mae"]), Some("val_mae"));
/// assert_eq!(suggest("xyz", ["learning_rate"]), None);
/// ```
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = folded(name);
    let limit = (name.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, &folded(candidate)), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance < candidate.chars().count().max(1))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// ` (did you mean "x"?)`, or nothing: the end of an error message.
pub(crate) fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    suggest(name, candidates).map(|close| format!(" (did you mean {close:?}?)")).unwrap_or_default()
}

fn folded(text: &str) -> Vec<char> {
    text.trim().chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Optimal string alignment distance, with three rows of the table.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut row = above.clone();
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let replace = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before, &mut above);
        std::mem::swap(&mut above, &mut row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_the_literature() {
        let cases =
            [("kitten", "sitting", 3), ("", "abc", 3), ("ca", "ac", 1), ("flaw", "lawn", 2), ("same", "same", 0)];
        for (a, b, expected) in cases {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            assert_eq!(distance(&a, &b), expected);
            assert_eq!(distance(&b, &a), expected);
        }
    }

    #[test]
    fn the_first_of_equally_close_candidates_wins_and_strangers_do_not() {
        assert_eq!(suggest("ab", ["ac", "bb"]), Some("ac"));
        assert_eq!(suggest("newtn", ["explicit", "newton", "implicit"]), Some("newton"));
        assert_eq!(suggest("q", ["x"]), None);
        assert_eq!(suggest("", ["x"]), None);
        assert_eq!(suggest("x", []), None);
    }
}
