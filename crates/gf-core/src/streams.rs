//! Named random streams: one ChaCha stream per purpose, so that drawing more numbers for one purpose changes no other.

use rand_chacha::rand_core::{Rng, SeedableRng};

/// The generator of every random number in gf (ChaCha with 12 rounds).
pub type StreamRng = rand_chacha::ChaCha12Rng;

/// The streams of one seed.
///
/// ```
/// use gf_core::Streams;
/// use rand::Rng;
/// assert_eq!(Streams::new(7).init().next_u64(), Streams::new(7).init().next_u64());
/// assert_ne!(Streams::new(7).init().next_u64(), Streams::new(7).data().next_u64());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// All streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Synthetic data.
    pub fn data(&self) -> StreamRng {
        self.stream(1)
    }

    /// Initial parameters.
    pub fn init(&self) -> StreamRng {
        self.stream(2)
    }

    /// Training and validation split.
    pub fn split(&self) -> StreamRng {
        self.stream(3)
    }

    /// Random probe vectors and start vectors of Krylov methods.
    pub fn probes(&self) -> StreamRng {
        self.stream(4)
    }

    /// The order of the mini-batches in epoch `epoch` = 0, 1, …: any epoch can be had without the ones before it.
    pub fn batches(&self, epoch: u64) -> StreamRng {
        self.stream((1 << 32) + epoch)
    }

    fn stream(&self, stream: u64) -> StreamRng {
        let mut rng = StreamRng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        rng
    }
}

/// A uniform number in [0, 1) with 53 random bits.
fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// One number from N(0, 1) by Box–Muller, √(−2 ln(1−u₁))·cos(2π u₂). Ours, so that no other crate's update changes our results.
pub fn standard_normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (-uniform(rng)).ln_1p()).sqrt();
    radius * (std::f64::consts::TAU * uniform(rng)).cos()
}
