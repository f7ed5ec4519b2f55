//! From a sum over processes to what each of them says.

use super::Part;

/// The numbers of all parts, on every part, by two sums over the parts.
///
/// `sum` overwrites its values by their sums over all parts; all parts call it with as many values. Each part may bring another number of
/// values. Every value arrives as it was, but for −0, which becomes 0.
///
/// **Cost.** Sums of s values and of all values together: s times the memory of one note.
///
/// # Errors
/// Those of `sum`.
pub fn gather<E>(
    part: Part,
    own: &[f64],
    mut sum: impl FnMut(&mut [f64]) -> Result<(), E>,
) -> Result<Vec<Vec<f64>>, E> {
    let mut lengths = vec![0.0; part.of()];
    lengths[part.index()] = own.len() as f64;
    sum(&mut lengths)?;
    let lengths: Vec<usize> = lengths.iter().map(|&length| length as usize).collect();
    let (mine, total) = part.rows(&lengths);
    let mut all = vec![0.0; total];
    all[mine].copy_from_slice(own);
    sum(&mut all)?;
    let mut rest = &all[..];
    let take = |length: usize| rest.split_off(..length).expect("the lengths sum up to all").to_vec();
    Ok(lengths.into_iter().map(take).collect())
}
