//! The models of NIST StRD with their derivatives: f(b; x), and ∂f/∂b into `d`.

use std::f64::consts::{PI, TAU};

/// f(b; x); overwrites `d` with ∂f/∂bⱼ.
pub type Model = fn(b: &[f64], x: &[f64], d: &mut [f64]) -> f64;

/// b₁ (b₂ + x)^(−1/b₃)
pub(crate) fn bennett5(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let base = b[1] + x[0];
    let power = base.powf(-1.0 / b[2]);
    let f = b[0] * power;
    d[0] = power;
    d[1] = -f / (b[2] * base);
    d[2] = f * base.ln() / (b[2] * b[2]);
    f
}

/// b₁ (1 − exp(−b₂x)): BoxBOD, Misra1a
pub(crate) fn saturation(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let rise = -(-b[1] * x[0]).exp_m1();
    d[0] = rise;
    d[1] = b[0] * x[0] * (-b[1] * x[0]).exp();
    b[0] * rise
}

/// exp(−b₁x) / (b₂ + b₃x)
pub(crate) fn chwirut(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let divisor = b[1] + b[2] * x[0];
    let f = (-b[0] * x[0]).exp() / divisor;
    d[0] = -x[0] * f;
    d[1] = -f / divisor;
    d[2] = -x[0] * f / divisor;
    f
}

/// b₁ x^b₂
pub(crate) fn dan_wood(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let power = x[0].powf(b[1]);
    d[0] = power;
    d[1] = b[0] * power * x[0].ln();
    b[0] * power
}

/// b₁ + b₂ cos(2πx/12) + b₃ sin(2πx/12) + b₅ cos(2πx/b₄) + b₆ sin(2πx/b₄) + b₈ cos(2πx/b₇) + b₉ sin(2πx/b₇)
pub(crate) fn enso(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let year = TAU * x[0] / 12.0;
    (d[0], d[1], d[2]) = (1.0, year.cos(), year.sin());
    let mut f = b[0] + b[1] * d[1] + b[2] * d[2];
    for k in [3, 6] {
        let phase = TAU * x[0] / b[k];
        let (sin, cos) = phase.sin_cos();
        d[k] = (b[k + 1] * sin - b[k + 2] * cos) * phase / b[k];
        (d[k + 1], d[k + 2]) = (cos, sin);
        f += b[k + 1] * cos + b[k + 2] * sin;
    }
    f
}

/// (b₁/b₂) exp(−½((x − b₃)/b₂)²)
pub(crate) fn eckerle4(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let z = (x[0] - b[2]) / b[1];
    let bell = (-0.5 * z * z).exp() / b[1];
    let f = b[0] * bell;
    d[0] = bell;
    d[1] = f * (z * z - 1.0) / b[1];
    d[2] = f * z / b[1];
    f
}

/// b₁ exp(−b₂x) + b₃ exp(−(x − b₄)²/b₅²) + b₆ exp(−(x − b₇)²/b₈²)
pub(crate) fn gauss(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let decay = (-b[1] * x[0]).exp();
    (d[0], d[1]) = (decay, -b[0] * x[0] * decay);
    let mut f = b[0] * decay;
    for k in [2, 5] {
        let z = (x[0] - b[k + 1]) / b[k + 2];
        let bell = (-z * z).exp();
        d[k] = bell;
        d[k + 1] = 2.0 * b[k] * bell * z / b[k + 2];
        d[k + 2] = z * d[k + 1];
        f += b[k] * bell;
    }
    f
}

/// (b₁ + b₂x + … ) / (1 + …) with `N` coefficients above and the others below: Hahn1, Thurber (4), Kirby2 (3)
pub(crate) fn rational<const N: usize>(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let x = x[0];
    let (above, below) = b.split_at(N);
    let numerator = above.iter().rev().fold(0.0, |sum, b| sum * x + b);
    let denominator = 1.0 + x * below.iter().rev().fold(0.0, |sum, b| sum * x + b);
    let f = numerator / denominator;
    for k in 0..N {
        d[k] = x.powi(k as i32) / denominator;
    }
    for k in 0..below.len() {
        d[N + k] = -f * x.powi(k as i32 + 1) / denominator;
    }
    f
}

/// b₁ exp(−b₂x) + b₃ exp(−b₄x) + b₅ exp(−b₆x)
pub(crate) fn lanczos(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let mut f = 0.0;
    for k in [0, 2, 4] {
        d[k] = (-b[k + 1] * x[0]).exp();
        d[k + 1] = -b[k] * x[0] * d[k];
        f += b[k] * d[k];
    }
    f
}

/// b₁ (x² + x b₂) / (x² + x b₃ + b₄)
pub(crate) fn mgh09(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let x = x[0];
    let divisor = x * x + x * b[2] + b[3];
    let ratio = (x * x + x * b[1]) / divisor;
    let f = b[0] * ratio;
    d[0] = ratio;
    d[1] = b[0] * x / divisor;
    d[2] = -f * x / divisor;
    d[3] = -f / divisor;
    f
}

/// b₁ exp(b₂/(x + b₃))
pub(crate) fn mgh10(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let sum = x[0] + b[2];
    let power = (b[1] / sum).exp();
    let f = b[0] * power;
    d[0] = power;
    d[1] = f / sum;
    d[2] = -f * b[1] / (sum * sum);
    f
}

/// b₁ + b₂ exp(−x b₄) + b₃ exp(−x b₅)
pub(crate) fn mgh17(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    d[0] = 1.0;
    d[1] = (-x[0] * b[3]).exp();
    d[2] = (-x[0] * b[4]).exp();
    d[3] = -x[0] * b[1] * d[1];
    d[4] = -x[0] * b[2] * d[2];
    b[0] + b[1] * d[1] + b[2] * d[2]
}

/// b₁ (1 − (1 + b₂x/2)^(−2))
pub(crate) fn misra1b(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let base = 1.0 + 0.5 * b[1] * x[0];
    d[0] = 1.0 - base.powi(-2);
    d[1] = b[0] * x[0] * base.powi(-3);
    b[0] * d[0]
}

/// b₁ (1 − (1 + 2b₂x)^(−½))
pub(crate) fn misra1c(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let base = 1.0 + 2.0 * b[1] * x[0];
    d[0] = 1.0 - 1.0 / base.sqrt();
    d[1] = b[0] * x[0] / (base * base.sqrt());
    b[0] * d[0]
}

/// b₁ b₂ x / (1 + b₂x)
pub(crate) fn misra1d(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let base = 1.0 + b[1] * x[0];
    d[0] = b[1] * x[0] / base;
    d[1] = b[0] * x[0] / (base * base);
    b[0] * d[0]
}

/// b₁ − b₂ x₁ exp(−b₃x₂), the model of log y
pub(crate) fn nelson(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let power = (-b[2] * x[1]).exp();
    d[0] = 1.0;
    d[1] = -x[0] * power;
    d[2] = b[1] * x[0] * x[1] * power;
    b[0] - b[1] * x[0] * power
}

/// b₁ / (1 + exp(b₂ − b₃x))
pub(crate) fn rat42(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let power = (b[1] - b[2] * x[0]).exp();
    let f = b[0] / (1.0 + power);
    d[0] = 1.0 / (1.0 + power);
    d[1] = -f * power / (1.0 + power);
    d[2] = -x[0] * d[1];
    f
}

/// b₁ / (1 + exp(b₂ − b₃x))^(1/b₄)
pub(crate) fn rat43(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let power = (b[1] - b[2] * x[0]).exp();
    d[0] = (1.0 + power).powf(-1.0 / b[3]);
    let f = b[0] * d[0];
    d[1] = -f / b[3] * power / (1.0 + power);
    d[2] = -x[0] * d[1];
    d[3] = f * power.ln_1p() / (b[3] * b[3]);
    f
}

/// b₁ − b₂x − arctan(b₃/(x − b₄))/π
pub(crate) fn roszman1(b: &[f64], x: &[f64], d: &mut [f64]) -> f64 {
    let distance = x[0] - b[3];
    let square = distance * distance + b[2] * b[2];
    d[0] = 1.0;
    d[1] = -x[0];
    d[2] = -distance / (square * PI);
    d[3] = -b[2] / (square * PI);
    b[0] - b[1] * x[0] - (b[2] / distance).atan() / PI
}
