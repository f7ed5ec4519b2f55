//! The synthetic problem of the original experiment.

use gf_core::{SampleError, Samples, Streams, Targets};

use crate::random::uniform;

/// Points of the original problem.
pub const ORIGINAL_POINTS: usize = 4000;

/// The original problem with its [`ORIGINAL_POINTS`] points: see [`original_with_points`].
pub fn original(streams: &Streams) -> Samples {
    original_with_points(streams, ORIGINAL_POINTS).expect("4000 points are finite and not empty")
}

/// Two noisy inputs of a parameter t, one target, in the order of t.
///
/// **Recurrence.** For t equally spaced on [−1, 1], both ends included,
/// y = |0.5 (t+0.2)⁵ + 0.3 (t−0.1) + 0.1 t³ u| and x = (t + 0.1 u′, t³ + 0.1 u″), with u, u′, u″ ~ U(0, 1) for each point.
///
/// Drawn from `streams.data()`: all u, then all u′, then all u″. A single point has t = −1.
///
/// # Errors
/// [`SampleError::Empty`] for no points.
pub fn original_with_points(streams: &Streams, points: usize) -> Result<Samples, SampleError> {
    let mut rng = streams.data();
    let mut draws = || -> Vec<f64> { (0..points).map(|_| uniform(&mut rng)).collect() };
    let (u, first, second) = (draws(), draws(), draws());
    let mut inputs = Vec::with_capacity(2 * points);
    let mut values = Vec::with_capacity(points);
    for i in 0..points {
        let t = -1.0 + 2.0 * i as f64 / (points - 1).max(1) as f64;
        // Products, not `powi`, whose last bit may differ between compilers.
        let (cube, shifted) = (t * t * t, t + 0.2);
        let fifth = shifted * shifted * shifted * shifted * shifted;
        values.push((0.5 * fifth + 0.3 * (t - 0.1) + 0.1 * cube * u[i]).abs());
        inputs.extend([t + 0.1 * first[i], cube + 0.1 * second[i]]);
    }
    Samples::new(2, inputs, Targets::Values { width: 1, values })
}
