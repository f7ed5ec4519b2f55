//! Draws that are frozen here, so that no other crate's update changes our data and splits.

use rand::Rng;

/// A uniform number in [0, 1) with 53 random bits.
pub(crate) fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A uniform integer in 0..n, without bias: numbers of the incomplete last cycle are drawn again.
pub(crate) fn below(n: u64, rng: &mut impl Rng) -> u64 {
    let complete = u64::MAX - u64::MAX % n;
    loop {
        let drawn = rng.next_u64();
        if drawn < complete {
            return drawn % n;
        }
    }
}

/// A uniformly random order (Fisher–Yates).
pub(crate) fn shuffle(items: &mut [usize], rng: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1, rng) as usize);
    }
}
