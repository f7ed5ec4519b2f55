//! Values and derivatives of a loss in the outputs a^L, over the samples of one chunk.
//!
//! All arrays are feature-major: n × K column-major. For a softmax the targets hold w_c t_ic and `mass` holds s_i = Σ_c w_c t_ic;
//! elsewhere the targets hold y and there is no mass. `scale` is 1/n of the whole batch, or 1/S, or 1 for sums.

use gf_linalg::slices;

use super::{Loss, LossFunction, focal};

/// Numbers of scratch a sample that the functions here need.
pub(crate) const SCRATCH: usize = 5;

/// The outputs and targets of one chunk.
#[derive(Clone, Copy)]
pub(crate) struct Outputs<'a> {
    pub(crate) rows: usize,
    pub(crate) scale: f64,
    pub(crate) outputs: &'a [f64],
    pub(crate) targets: &'a [f64],
    pub(crate) mass: &'a [f64],
}

impl Loss {
    /// This chunk's part of the loss. `scratch` has room for [`SCRATCH`] numbers a sample.
    pub(crate) fn value(&self, at: Outputs<'_>, scratch: &mut [f64]) -> f64 {
        let n = at.rows;
        let columns = at.outputs.chunks_exact(n).zip(at.targets.chunks_exact(n));
        match &self.function {
            LossFunction::Mse => at.scale * squares(at),
            LossFunction::HalfMse => 0.5 * at.scale * squares(at),
            LossFunction::Huber { delta } => at.scale * huber(at, *delta),
            LossFunction::BceWithLogits { pos_weight } => {
                let (negative, plus) = scratch[..2 * n].split_at_mut(n);
                let mut sum = 0.0;
                for (o, y) in columns {
                    // softplus(−o) = −ln σ(o) and softplus(o) = −ln(1 − σ(o)).
                    slices::softplus(o, plus);
                    sum += plus.iter().zip(y).map(|(s, y)| (1.0 - y) * s).sum::<f64>();
                    negate(o, plus);
                    slices::softplus(plus, negative);
                    sum += negative.iter().zip(y).map(|(s, y)| pos_weight * y * s).sum::<f64>();
                }
                at.scale * sum
            }
            LossFunction::SoftmaxCrossEntropy { .. } => {
                log_sum_exp(at, scratch);
                let (largest, log) = scratch[..2 * n].split_at(n);
                let terms = columns.map(|(o, t)| (0..n).map(|i| t[i] * ((largest[i] - o[i]) + log[i])).sum::<f64>());
                at.scale * terms.sum::<f64>()
            }
            LossFunction::Focal { gamma } => {
                log_sum_exp(at, scratch);
                let (largest, rest) = scratch.split_at_mut(n);
                let (log, rest) = rest.split_at_mut(n);
                let truth = &mut rest[..n];
                truth.fill(0.0);
                for (o, t) in columns {
                    for i in 0..n {
                        truth[i] += t[i] * ((largest[i] - o[i]) + log[i]);
                    }
                }
                at.scale * truth.iter().map(|minus_q| focal::value(*gamma, -minus_q)).sum::<f64>()
            }
        }
    }

    /// The value, with out = ∂ℓ/∂a^L, and `curvature` = what the Hessian B of ℓ in a^L needs: its diagonal, or for a softmax the
    /// probabilities p.
    pub(crate) fn derivatives(
        &self,
        at: Outputs<'_>,
        scratch: &mut [f64],
        out: &mut [f64],
        curvature: &mut [f64],
    ) -> f64 {
        let n = at.rows;
        match &self.function {
            LossFunction::Mse => {
                residuals(at, 2.0 * at.scale, out);
                curvature.fill(2.0 * at.scale);
                self.value(at, scratch)
            }
            LossFunction::HalfMse => {
                residuals(at, at.scale, out);
                curvature.fill(at.scale);
                self.value(at, scratch)
            }
            LossFunction::Huber { delta } => {
                residuals(at, 1.0, out);
                for (r, curvature) in out.iter_mut().zip(curvature) {
                    *curvature = if r.abs() <= *delta { at.scale } else { 0.0 };
                    *r = at.scale * r.clamp(-delta, *delta);
                }
                self.value(at, scratch)
            }
            LossFunction::BceWithLogits { pos_weight } => {
                let (negative, complement) = scratch[..2 * n].split_at_mut(n);
                let columns = at.outputs.chunks_exact(n).zip(at.targets.chunks_exact(n));
                let written = out.chunks_exact_mut(n).zip(curvature.chunks_exact_mut(n));
                for ((o, y), (out, curvature)) in columns.zip(written) {
                    slices::sigmoid(o, out);
                    // σ(−o), which 1 − σ(o) would round to 0.
                    negate(o, negative);
                    slices::sigmoid(negative, complement);
                    for i in 0..n {
                        let (s, c, y) = (out[i], complement[i], y[i]);
                        out[i] = at.scale * ((1.0 - y) * s - pos_weight * y * c);
                        curvature[i] = s * (at.scale * (pos_weight * y + (1.0 - y)) * c);
                    }
                }
                self.value(at, scratch)
            }
            LossFunction::SoftmaxCrossEntropy { .. } => {
                // The value leaves the largest outputs and the logarithms of the sums in the scratch.
                let value = self.value(at, scratch);
                softmax(at, scratch, curvature);
                let columns = curvature.chunks_exact(n).zip(at.targets.chunks_exact(n));
                for (out, (p, t)) in out.chunks_exact_mut(n).zip(columns) {
                    slices::zip(at.mass, p, out, |_, s, p| s * p);
                    slices::update(t, out, |t, out| at.scale * (out - t));
                }
                value
            }
            LossFunction::Focal { gamma } => {
                log_sum_exp(at, scratch);
                softmax(at, scratch, curvature);
                focal::gradient(*gamma, at, curvature, out);
                self.value(at, scratch)
            }
        }
    }

    /// x = B x for every sample and each of `directions` vectors, with `curvature` from [`Loss::derivatives`]. B is diagonal,
    /// s_i (diag p − p pᵀ)/S, or that of [`focal`]. The numbers of one output are contiguous, direction after direction.
    pub(crate) fn apply_curvature(
        &self,
        at: Outputs<'_>,
        curvature: &[f64],
        directions: usize,
        scratch: &mut [f64],
        x: &mut [f64],
    ) {
        let n = at.rows;
        match &self.function {
            LossFunction::Mse
            | LossFunction::HalfMse
            | LossFunction::Huber { .. }
            | LossFunction::BceWithLogits { .. } => {
                for (x, b) in x.chunks_exact_mut(n * directions).zip(curvature.chunks_exact(n)) {
                    for x in x.chunks_exact_mut(n) {
                        for (x, b) in x.iter_mut().zip(b) {
                            *x *= b;
                        }
                    }
                }
            }
            LossFunction::SoftmaxCrossEntropy { .. } => {
                apply_softmax(at, curvature, directions, &mut scratch[..n], x);
            }
            LossFunction::Focal { gamma } => focal::apply(*gamma, at, curvature, directions, x),
        }
    }

    /// out = B, with the n numbers of entry (j, r) at (j K + r) n.
    pub(crate) fn curvature_matrix(&self, at: Outputs<'_>, curvature: &[f64], out: &mut [f64]) {
        let n = at.rows;
        let outputs = curvature.len() / n;
        match &self.function {
            LossFunction::Mse
            | LossFunction::HalfMse
            | LossFunction::Huber { .. }
            | LossFunction::BceWithLogits { .. } => {
                out.fill(0.0);
                for (j, row) in curvature.chunks_exact(n).enumerate() {
                    out[j * (outputs + 1) * n..][..n].copy_from_slice(row);
                }
            }
            LossFunction::SoftmaxCrossEntropy { .. } => {
                for (jr, entry) in out.chunks_exact_mut(n).enumerate() {
                    let (j, r) = (jr / outputs, jr % outputs);
                    let (row, column) = (&curvature[j * n..][..n], &curvature[r * n..][..n]);
                    for i in 0..n {
                        let rest = if j == r { 1.0 - column[i] } else { -column[i] };
                        entry[i] = at.scale * at.mass[i] * row[i] * rest;
                    }
                }
            }
            LossFunction::Focal { gamma } => focal::matrix(*gamma, at, curvature, out),
        }
    }
}

fn apply_softmax(at: Outputs<'_>, probabilities: &[f64], directions: usize, mean: &mut [f64], x: &mut [f64]) {
    let n = at.rows;
    let tall = n * directions;
    for d in 0..directions {
        mean.fill(0.0);
        for (x, p) in x.chunks_exact(tall).zip(probabilities.chunks_exact(n)) {
            slices::multiply_add(&x[d * n..][..n], p, mean);
        }
        for (x, p) in x.chunks_exact_mut(tall).zip(probabilities.chunks_exact(n)) {
            let x = &mut x[d * n..][..n];
            slices::update(mean, x, |mean, x| x - mean);
            slices::zip(at.mass, p, x, |x, s, p| at.scale * s * p * x);
        }
    }
}

fn negate(x: &[f64], out: &mut [f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = -x;
    }
}

fn squares(at: Outputs<'_>) -> f64 {
    at.outputs.iter().zip(at.targets).map(|(o, y)| (o - y) * (o - y)).sum()
}

fn huber(at: Outputs<'_>, delta: f64) -> f64 {
    let term = |(o, y): (&f64, &f64)| {
        let r = (o - y).abs();
        if r <= delta { 0.5 * r * r } else { delta * (r - 0.5 * delta) }
    };
    at.outputs.iter().zip(at.targets).map(term).sum()
}

fn residuals(at: Outputs<'_>, factor: f64, out: &mut [f64]) {
    for (out, (o, y)) in out.iter_mut().zip(at.outputs.iter().zip(at.targets)) {
        *out = factor * (o - y);
    }
}

/// `scratch` becomes, n numbers each: the largest output m, and ln Σ_c exp(o_c − m) as ln(1 + …), so that the loss of a sample that is
/// classified with certainty keeps its relative accuracy. Kept apart, because their sum would lose it again.
fn log_sum_exp(at: Outputs<'_>, scratch: &mut [f64]) {
    let n = at.rows;
    let (largest, rest) = scratch.split_at_mut(n);
    let (log, rest) = rest.split_at_mut(n);
    let (ties, rest) = rest.split_at_mut(n);
    let (term, exponential) = rest[..2 * n].split_at_mut(n);
    largest.fill(f64::NEG_INFINITY);
    for o in at.outputs.chunks_exact(n) {
        slices::update(o, largest, |o, m| if o > m { o } else { m });
    }
    log.fill(0.0);
    ties.fill(-1.0);
    for o in at.outputs.chunks_exact(n) {
        slices::zip(o, largest, term, |_, o, m| o - m);
        slices::exp(term, exponential);
        slices::update(term, ties, |term, ties| ties + if term == 0.0 { 1.0 } else { 0.0 });
        slices::zip(term, exponential, log, |log, term, e| log + if term == 0.0 { 0.0 } else { e });
    }
    slices::zip(log, ties, term, |_, log, ties| log + ties);
    slices::ln_1p_of_nonnegative(term, log);
}

/// out = the probabilities exp(o − m − ln Σ exp(o − m)), with what [`log_sum_exp`] left in `scratch`.
fn softmax(at: Outputs<'_>, scratch: &mut [f64], out: &mut [f64]) {
    let n = at.rows;
    let (largest, rest) = scratch.split_at_mut(n);
    let (log, rest) = rest.split_at_mut(n);
    let term = &mut rest[..n];
    for (o, out) in at.outputs.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        slices::zip(o, largest, term, |_, o, m| o - m);
        slices::update(log, term, |log, term| term - log);
        slices::exp(term, out);
    }
}
