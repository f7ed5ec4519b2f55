//! Residuals and Jacobians, numbered and named as in the paper; x₁ is `x[0]`, i counts from 1.

use std::f64::consts::TAU;

/// Writes residual `i` (from 0) with its derivatives.
fn put(r: &mut [f64], j: &mut [f64], i: usize, value: f64, derivatives: &[f64]) {
    let m = r.len();
    r[i] = value;
    derivatives.iter().enumerate().for_each(|(k, d)| j[i + k * m] = *d);
}

pub(super) fn rosenbrock(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    put(r, j, 0, 10.0 * (x[1] - x[0] * x[0]), &[-20.0 * x[0], 10.0]);
    put(r, j, 1, 1.0 - x[0], &[-1.0, 0.0]);
}

pub(super) fn freudenstein_roth(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    let y = x[1];
    put(r, j, 0, -13.0 + x[0] + ((5.0 - y) * y - 2.0) * y, &[1.0, (10.0 - 3.0 * y) * y - 2.0]);
    put(r, j, 1, -29.0 + x[0] + ((y + 1.0) * y - 14.0) * y, &[1.0, (3.0 * y + 2.0) * y - 14.0]);
}

pub(super) fn powell_badly_scaled(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    put(r, j, 0, 1e4 * x[0] * x[1] - 1.0, &[1e4 * x[1], 1e4 * x[0]]);
    let (a, b) = ((-x[0]).exp(), (-x[1]).exp());
    put(r, j, 1, a + b - 1.0001, &[-a, -b]);
}

pub(super) fn brown_badly_scaled(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    put(r, j, 0, x[0] - 1e6, &[1.0, 0.0]);
    put(r, j, 1, x[1] - 2e-6, &[0.0, 1.0]);
    put(r, j, 2, x[0] * x[1] - 2.0, &[x[1], x[0]]);
}

pub(super) fn beale(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    for (i, y) in [1.5, 2.25, 2.625].into_iter().enumerate() {
        let power = x[1].powi(i as i32);
        let rest = 1.0 - power * x[1];
        put(r, j, i, y - x[0] * rest, &[-rest, x[0] * (i + 1) as f64 * power]);
    }
}

pub(super) fn jennrich_sampson(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    for i in 0..r.len() {
        let t = (i + 1) as f64;
        let (a, b) = ((t * x[0]).exp(), (t * x[1]).exp());
        put(r, j, i, 2.0 + 2.0 * t - (a + b), &[-t * a, -t * b]);
    }
}

pub(super) fn helical_valley(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    // The paper's angle: arctan(x₂/x₁)/2π, plus ½ where x₁ < 0.
    let angle = match x[0] {
        0.0 => 0.25_f64.copysign(x[1]),
        negative if negative < 0.0 => (x[1] / x[0]).atan() / TAU + 0.5,
        _ => (x[1] / x[0]).atan() / TAU,
    };
    let square = x[0] * x[0] + x[1] * x[1];
    let radius = square.sqrt();
    put(r, j, 0, 10.0 * (x[2] - 10.0 * angle), &[100.0 * x[1] / (TAU * square), -100.0 * x[0] / (TAU * square), 10.0]);
    put(r, j, 1, 10.0 * (radius - 1.0), &[10.0 * x[0] / radius, 10.0 * x[1] / radius, 0.0]);
    put(r, j, 2, x[2], &[0.0, 0.0, 1.0]);
}

pub(super) fn bard(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    const Y: [f64; 15] = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
    for i in 0..15 {
        let u = (i + 1) as f64;
        let v = 16.0 - u;
        let w = u.min(v);
        let divisor = v * x[1] + w * x[2];
        let slope = u / (divisor * divisor);
        put(r, j, i, Y[i] - (x[0] + u / divisor), &[-1.0, slope * v, slope * w]);
    }
}

pub(super) fn gaussian(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    const Y: [f64; 8] = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989];
    for i in 0..15 {
        let d = (7.0 - i as f64) / 2.0 - x[2];
        let bell = (-0.5 * x[1] * d * d).exp();
        let f = x[0] * bell;
        put(r, j, i, f - Y[i.min(14 - i)], &[bell, -0.5 * d * d * f, x[1] * d * f]);
    }
}

pub(super) fn meyer(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    const Y: [f64; 16] = [
        34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0, 8261.0, 7030.0, 6005.0, 5147.0, 4427.0,
        3820.0, 3307.0, 2872.0,
    ];
    for i in 0..16 {
        let sum = 45.0 + 5.0 * (i + 1) as f64 + x[2];
        let power = (x[1] / sum).exp();
        let f = x[0] * power;
        put(r, j, i, f - Y[i], &[power, f / sum, -f * x[1] / (sum * sum)]);
    }
}

pub(super) fn gulf(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    for i in 0..r.len() {
        let t = (i + 1) as f64 / 100.0;
        // The paper prints |yᵢ m i x₂|; its solution (50, 25, 1.5) belongs to |yᵢ − x₂|.
        let u = 25.0 + (-50.0 * t.ln()).powf(2.0 / 3.0) - x[1];
        let power = u.abs().powf(x[2]);
        let f = (-power / x[0]).exp();
        let slope = f * power / x[0];
        put(r, j, i, f - t, &[slope / x[0], slope * x[2] / u, -slope * u.abs().ln()]);
    }
}

pub(super) fn box_3d(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    for i in 0..r.len() {
        let t = 0.1 * (i + 1) as f64;
        let (a, b, c) = ((-t * x[0]).exp(), (-t * x[1]).exp(), (-t).exp() - (-10.0 * t).exp());
        put(r, j, i, a - b - x[2] * c, &[-t * a, t * b, -c]);
    }
}

pub(super) fn powell_singular(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    let (p, q) = (x[1] - 2.0 * x[2], x[0] - x[3]);
    let (five, ten) = (5f64.sqrt(), 10f64.sqrt());
    put(r, j, 0, x[0] + 10.0 * x[1], &[1.0, 10.0, 0.0, 0.0]);
    put(r, j, 1, five * (x[2] - x[3]), &[0.0, 0.0, five, -five]);
    put(r, j, 2, p * p, &[0.0, 2.0 * p, -4.0 * p, 0.0]);
    put(r, j, 3, ten * q * q, &[2.0 * ten * q, 0.0, 0.0, -2.0 * ten * q]);
}

pub(super) fn wood(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    let (ninety, ten) = (90f64.sqrt(), 10f64.sqrt());
    put(r, j, 0, 10.0 * (x[1] - x[0] * x[0]), &[-20.0 * x[0], 10.0, 0.0, 0.0]);
    put(r, j, 1, 1.0 - x[0], &[-1.0, 0.0, 0.0, 0.0]);
    put(r, j, 2, ninety * (x[3] - x[2] * x[2]), &[0.0, 0.0, -2.0 * ninety * x[2], ninety]);
    put(r, j, 3, 1.0 - x[2], &[0.0, 0.0, -1.0, 0.0]);
    put(r, j, 4, ten * (x[1] + x[3] - 2.0), &[0.0, ten, 0.0, ten]);
    put(r, j, 5, (x[1] - x[3]) / ten, &[0.0, 1.0 / ten, 0.0, -1.0 / ten]);
}

pub(super) fn kowalik_osborne(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    const DATA: [(f64, f64); 11] = [
        (0.1957, 4.0),
        (0.1947, 2.0),
        (0.1735, 1.0),
        (0.1600, 0.5),
        (0.0844, 0.25),
        (0.0627, 0.167),
        (0.0456, 0.125),
        (0.0342, 0.1),
        (0.0323, 0.0833),
        (0.0235, 0.0714),
        (0.0246, 0.0625),
    ];
    for (i, (y, u)) in DATA.into_iter().enumerate() {
        let divisor = u * (u + x[2]) + x[3];
        let ratio = u * (u + x[1]) / divisor;
        let f = x[0] * ratio;
        put(r, j, i, y - f, &[-ratio, -x[0] * u / divisor, f * u / divisor, f / divisor]);
    }
}

pub(super) fn brown_dennis(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    for i in 0..r.len() {
        let t = (i + 1) as f64 / 5.0;
        let (a, b) = (x[0] + t * x[1] - t.exp(), x[2] + x[3] * t.sin() - t.cos());
        put(r, j, i, a * a + b * b, &[2.0 * a, 2.0 * a * t, 2.0 * b, 2.0 * b * t.sin()]);
    }
}

pub(super) fn osborne_1(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    const Y: [f64; 33] = [
        0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628, 0.603,
        0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420, 0.414, 0.411,
        0.406,
    ];
    for i in 0..33 {
        let t = 10.0 * i as f64;
        let (a, b) = ((-t * x[3]).exp(), (-t * x[4]).exp());
        let f = x[0] + x[1] * a + x[2] * b;
        put(r, j, i, Y[i] - f, &[-1.0, -a, -b, t * x[1] * a, t * x[2] * b]);
    }
}

pub(super) fn biggs_exp6(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    for i in 0..r.len() {
        let t = 0.1 * (i + 1) as f64;
        let y = (-t).exp() - 5.0 * (-10.0 * t).exp() + 3.0 * (-4.0 * t).exp();
        let (a, b, c) = ((-t * x[0]).exp(), (-t * x[1]).exp(), (-t * x[4]).exp());
        let f = x[2] * a - x[3] * b + x[5] * c;
        put(r, j, i, f - y, &[-t * x[2] * a, t * x[3] * b, a, -b, -t * x[5] * c, c]);
    }
}

pub(super) fn osborne_2(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    const Y: [f64; 65] = [
        1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616, 0.606,
        0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495, 0.500, 0.423,
        0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668,
        0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098,
        0.054,
    ];
    for i in 0..65 {
        let t = i as f64 / 10.0;
        let decay = (-t * x[4]).exp();
        let mut f = x[0] * decay;
        let mut derivatives = [0.0; 11];
        derivatives[0] = -decay;
        derivatives[4] = t * x[0] * decay;
        for k in 1..4 {
            let d = t - x[k + 7];
            let bell = (-d * d * x[k + 4]).exp();
            f += x[k] * bell;
            derivatives[k] = -bell;
            derivatives[k + 4] = x[k] * bell * d * d;
            derivatives[k + 7] = -2.0 * x[k] * bell * d * x[k + 4];
        }
        put(r, j, i, Y[i] - f, &derivatives);
    }
}

pub(super) fn watson(x: &[f64], r: &mut [f64], j: &mut [f64]) {
    let m = r.len();
    for i in 0..29 {
        let t = (i + 1) as f64 / 29.0;
        let (mut slope, mut value, mut power) = (0.0, 0.0, 1.0);
        for k in 0..x.len() {
            // (k) x_{k+1} t^{k−1} and x_{k+1} t^k.
            slope += k as f64 * x[k] * power / t;
            value += x[k] * power;
            power *= t;
        }
        r[i] = slope - value * value - 1.0;
        power = 1.0;
        for k in 0..x.len() {
            j[i + k * m] = k as f64 * power / t - 2.0 * value * power;
            power *= t;
        }
    }
    j.chunks_exact_mut(m).for_each(|column| column[29..].fill(0.0));
    put(r, j, 29, x[0], &[1.0]);
    put(r, j, 30, x[1] - x[0] * x[0] - 1.0, &[-2.0 * x[0], 1.0]);
}
