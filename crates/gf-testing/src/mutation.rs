//! Inputs that nobody wrote: valid files, damaged at random.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Numbers where readers go wrong: the ends of the integer types, and one beyond.
const EXTREMES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];

/// Digits that a text may have in the place of its own.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "-0.0",
    "1e999",
    "nan",
    "-inf",
    "255",
    "65536",
    "4294967296",
    "1000000000000",
    "9223372036854775807",
    "99999999999999999999999",
];

/// The generator of a test's inputs; the seed is what a failure prints.
pub fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A number below `bound`, which is at least 1.
pub fn below(rng: &mut impl Rng, bound: usize) -> usize {
    ((u128::from(rng.next_u64()) * bound as u128) >> 64) as usize
}

/// Up to `longest` bytes of noise.
pub fn noise(rng: &mut impl Rng, longest: usize) -> Vec<u8> {
    let mut bytes = vec![0; below(rng, longest + 1)];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// The bytes with one to four faults: flipped bits, other bytes, a cut, an insertion, a piece twice or missing, two pieces exchanged,
/// an extreme integer of 1 to 8 bytes in either order, or another number where digits stand. At most about 100 bytes longer, or twice as long.
///
/// ```
/// use gf_testing::mutation::{generator, mutations};
/// let mut rng = generator(1);
/// let damaged: Vec<Vec<u8>> = (0..20).map(|_| mutations(&mut rng, b"width,height\n3,4\n")).collect();
/// assert!(damaged.iter().any(|bytes| bytes != b"width,height\n3,4\n"));
/// ```
pub fn mutations(rng: &mut impl Rng, valid: &[u8]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..1 + below(rng, 4) {
        mutate(rng, &mut bytes);
    }
    bytes
}

fn mutate(rng: &mut impl Rng, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        *bytes = noise(rng, 16);
        return;
    }
    // Half of the faults where headers are.
    let reach = if below(rng, 2) == 0 { bytes.len().min(64) } else { bytes.len() };
    let at = below(rng, reach);
    let end = at + below(rng, (bytes.len() - at).min(64) + 1);
    match below(rng, 10) {
        0 | 1 => bytes[at] ^= 1 << below(rng, 8),
        2 => bytes[at] = rng.next_u64() as u8,
        3 => bytes.truncate(at),
        4 => {
            let more = noise(rng, 16);
            bytes.splice(at..at, more);
        }
        5 => {
            bytes.drain(at..end);
        }
        6 => {
            let piece = bytes[at..end].to_vec();
            let to = below(rng, bytes.len());
            bytes.splice(to..to, piece);
        }
        7 => {
            let other = below(rng, bytes.len());
            bytes.swap(at, other);
        }
        8 => {
            let number = EXTREMES[below(rng, EXTREMES.len())];
            let number = if below(rng, 2) == 0 { number.to_le_bytes() } else { number.to_be_bytes() };
            let width = [1, 2, 4, 8][below(rng, 4)].min(bytes.len() - at);
            // Little-endian numbers begin with their low bytes, big-endian ones end with them.
            let from = if below(rng, 2) == 0 { 0 } else { 8 - width };
            bytes[at..at + width].copy_from_slice(&number[from..from + width]);
        }
        _ => another_number(rng, bytes),
    }
}

/// Replaces digits, those at or after a random place, if there are any.
fn another_number(rng: &mut impl Rng, bytes: &mut Vec<u8>) {
    let from = below(rng, bytes.len());
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|offset| from + offset) else { return };
    let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = NUMBERS[below(rng, NUMBERS.len())];
    bytes.splice(start..start + length, number.bytes());
}

/// Gives `read` many inputs, which it may refuse but must survive: seven in eight are damaged or joined halves of the `valid` ones, the
/// others noise. Ten times as many where the [long](crate::long) tests run.
///
/// # Panics
/// When `read` panics, or holds more than `factor` times the input's length and `constant` bytes at a time; says which input it was. The
/// test file needs the [`CountingAllocator`](crate::CountingAllocator) for the second.
pub fn survive(name: &str, count: u64, valid: &[Vec<u8>], [factor, constant]: [usize; 2], read: impl Fn(&[u8])) {
    let count = if crate::long() { 10 * count } else { count };
    for seed in 0..count {
        let input = input(seed, valid);
        let (result, bytes) = crate::peak_bytes(|| catch_unwind(AssertUnwindSafe(|| read(&input))));
        assert!(result.is_ok(), "{name}: input of seed {seed} panics: {:?}", String::from_utf8_lossy(&input));
        let limit = factor * input.len() + constant;
        assert!(
            bytes <= limit,
            "{name}: input of seed {seed} takes {bytes} bytes at a time, of {} bytes; expected at most {limit}: {:?}",
            input.len(),
            String::from_utf8_lossy(&input)
        );
    }
}

/// The input of a seed of [`survive`].
pub fn input(seed: u64, valid: &[Vec<u8>]) -> Vec<u8> {
    let mut rng = generator(seed);
    let one = &valid[below(&mut rng, valid.len())];
    match below(&mut rng, 8) {
        0 => noise(&mut rng, 200),
        1 => {
            let other = &valid[below(&mut rng, valid.len())];
            let (begin, end) = (below(&mut rng, one.len() + 1), below(&mut rng, other.len() + 1));
            [&one[..begin], &other[end..]].concat()
        }
        _ => mutations(&mut rng, one),
    }
}
