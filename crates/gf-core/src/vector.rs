//! Vector arithmetic over slices, in a fixed order of summation. The slices of a call have one length, which debug assertions check.

/// xᵀy, summed in eight interleaved lanes: fast without reassociation by the compiler, and the same bits everywhere.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    debug_assert_eq!(x.len(), y.len());
    let mut lanes = [0.0; 8];
    let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
    let tail: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in xs.zip(ys) {
        for k in 0..8 {
            lanes[k] += a[k] * b[k];
        }
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7])) + tail
}

/// The Euclidean norm ‖x‖₂. Overflows to infinity above about 1e154, which a divergence test then sees.
pub fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

/// y += a·x.
pub fn add_scaled(y: &mut [f64], a: f64, x: &[f64]) {
    debug_assert_eq!(x.len(), y.len());
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// out = a·x.
pub fn scale_into(a: f64, x: &[f64], out: &mut [f64]) {
    debug_assert_eq!(x.len(), out.len());
    for (out, x) in out.iter_mut().zip(x) {
        *out = a * x;
    }
}

/// out = x + y.
pub fn sum_into(x: &[f64], y: &[f64], out: &mut [f64]) {
    debug_assert_eq!(x.len(), y.len());
    for (out, (x, y)) in out.iter_mut().zip(x.iter().zip(y)) {
        *out = x + y;
    }
}

/// Mean of |xᵢ|; 0 for an empty slice.
pub fn mean_abs(x: &[f64]) -> f64 {
    if x.is_empty() { 0.0 } else { x.iter().map(|x| x.abs()).sum::<f64>() / x.len() as f64 }
}

/// Whether every entry is finite.
pub fn all_finite(x: &[f64]) -> bool {
    x.iter().all(|x| x.is_finite())
}
