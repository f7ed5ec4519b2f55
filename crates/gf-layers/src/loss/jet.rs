//! The second-order jet of a loss gradient: what third derivatives need of a loss.

use gf_linalg::slices;

use super::{Loss, LossFunction, Outputs, focal};

impl Loss {
    /// Turns the jet of the outputs a^L into that of ∂ℓ/∂a^L, both in the components ε_u ε_v, ε_v, ε_u, 1, n numbers each, output after
    /// output. `gradient` and `curvature` are those of [`Loss::derivatives`].
    ///
    /// With B = ∇²ℓ and T = ∇³ℓ in a^L: g_u = B a_u, g_v = B a_v and g_uv = B a_uv + T\[a_u, a_v\]. T is 0 for the squares and `huber`, −B tanh(o/2)
    /// for the binary loss, that of [`focal`], and for the softmax T\[x, y\]_c = s p_c ((x_c − E x)(y_c − E y) − Cov(x, y))/S with mean and covariance under p.
    pub(crate) fn apply_jet(
        &self,
        at: Outputs<'_>,
        gradient: &[f64],
        curvature: &[f64],
        scratch: &mut [f64],
        jet: &mut [f64],
    ) {
        let n = at.rows;
        match &self.function {
            LossFunction::Mse | LossFunction::HalfMse | LossFunction::Huber { .. } => {
                for (jet, b) in jet.chunks_exact_mut(4 * n).zip(curvature.chunks_exact(n)) {
                    for x in jet[..3 * n].chunks_exact_mut(n) {
                        multiply_by(b, x);
                    }
                }
            }
            LossFunction::BceWithLogits { .. } => {
                let (half, tanh) = scratch[..2 * n].split_at_mut(n);
                let columns = curvature.chunks_exact(n).zip(at.outputs.chunks_exact(n));
                for (jet, (b, o)) in jet.chunks_exact_mut(4 * n).zip(columns) {
                    for (half, o) in half.iter_mut().zip(o) {
                        *half = 0.5 * o;
                    }
                    slices::tanh(half, tanh);
                    let (uv, v, u) = split(jet, n);
                    for i in 0..n {
                        uv[i] -= tanh[i] * (u[i] * v[i]);
                    }
                    for x in [uv, v, u] {
                        multiply_by(b, x);
                    }
                }
            }
            LossFunction::SoftmaxCrossEntropy { .. } => softmax(at, curvature, scratch, jet),
            LossFunction::Focal { gamma } => focal::apply_jet(*gamma, at, curvature, jet),
        }
        for (jet, g) in jet.chunks_exact_mut(4 * n).zip(gradient.chunks_exact(n)) {
            jet[3 * n..].copy_from_slice(g);
        }
    }
}

fn softmax(at: Outputs<'_>, probabilities: &[f64], scratch: &mut [f64], jet: &mut [f64]) {
    let n = at.rows;
    let (means, covariance) = scratch[..4 * n].split_at_mut(3 * n);
    means.fill(0.0);
    covariance.fill(0.0);
    for (jet, p) in jet.chunks_exact(4 * n).zip(probabilities.chunks_exact(n)) {
        for (x, mean) in jet.chunks_exact(n).zip(means.chunks_exact_mut(n)) {
            slices::multiply_add(x, p, mean);
        }
    }
    for (jet, p) in jet.chunks_exact_mut(4 * n).zip(probabilities.chunks_exact(n)) {
        for (x, mean) in jet.chunks_exact_mut(n).zip(means.chunks_exact(n)) {
            for (x, mean) in x.iter_mut().zip(mean) {
                *x -= mean;
            }
        }
        let (_, v, u) = split(jet, n);
        for i in 0..n {
            covariance[i] += p[i] * (u[i] * v[i]);
        }
    }
    for (jet, p) in jet.chunks_exact_mut(4 * n).zip(probabilities.chunks_exact(n)) {
        let (uv, v, u) = split(jet, n);
        for i in 0..n {
            let factor = at.scale * at.mass[i] * p[i];
            uv[i] = factor * (uv[i] + (u[i] * v[i] - covariance[i]));
            v[i] *= factor;
            u[i] *= factor;
        }
    }
}

/// The components ε_u ε_v, ε_v and ε_u of one output.
fn split(jet: &mut [f64], n: usize) -> (&mut [f64], &mut [f64], &mut [f64]) {
    let (uv, rest) = jet.split_at_mut(n);
    let (v, rest) = rest.split_at_mut(n);
    (uv, v, &mut rest[..n])
}

fn multiply_by(factor: &[f64], x: &mut [f64]) {
    for (x, factor) in x.iter_mut().zip(factor) {
        *x *= factor;
    }
}
