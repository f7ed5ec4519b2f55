//! Conjugate gradients on a quadratic model, cut short.

use gf_core::{SymmetricOperator, vector};

use crate::settings::{fraction, positive};
use crate::{SettingsError, StepFailure};

/// When the iteration ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truncation {
    /// ‖g + Hz‖ ≤ min(`forcing`, √‖g‖)·‖g‖.
    pub(super) forcing: f64,
    /// Products at most.
    pub(super) max_products: usize,
    /// ‖z‖ at most; none leaves it free.
    pub(super) radius: Option<f64>,
}

/// Checks a forcing term and a limit of products; `method` is the key of the table that they stand in.
pub(super) fn validate(method: &str, forcing: f64, max_products: usize) -> Result<(), SettingsError> {
    fraction(&format!("{method}.forcing"), forcing)?;
    positive(&format!("{method}.max_products"), max_products as f64)
}

/// What the iteration found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truncated {
    /// −gᵀz − ½zᵀHz.
    pub(super) decrease: f64,
    /// Whether it met a direction v with vᵀHv ≤ 0.
    pub(super) negative_curvature: bool,
}

/// Scratch: three vectors of p numbers.
#[derive(Debug, Default)]
pub(super) struct TruncatedCg {
    residual: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

impl TruncatedCg {
    pub(super) fn init(&mut self, dim: usize) {
        [&mut self.residual, &mut self.direction, &mut self.product].into_iter().for_each(|x| *x = vec![0.0; dim]);
    }

    /// Overwrites `z` with an approximate minimizer of gᵀz + ½zᵀHz.
    ///
    /// From z = 0 the iterates grow in length and the model falls. At the radius the step ends; at a direction of negative curvature it is
    /// prolonged to the radius, or ends before it where there is none (with −g, where it is the first direction).
    /// **Cost**: one product an iteration; none for the decrease, which is −½(2g + Hz)ᵀz with Hz from the residual.
    pub(super) fn minimize(
        &mut self,
        operator: &mut dyn SymmetricOperator,
        g: &[f64],
        until: Truncation,
        z: &mut [f64],
    ) -> Result<Truncated, StepFailure> {
        let Self { residual: r, direction: d, product } = self;
        z.fill(0.0);
        r.copy_from_slice(g);
        vector::scale_into(-1.0, g, d);
        let g_norm = vector::norm(g);
        let tolerance = until.forcing.min(g_norm.sqrt()) * g_norm;
        let mut rr = vector::dot(r, r);
        let mut negative_curvature = false;
        for iteration in 0..until.max_products {
            if rr.sqrt() <= tolerance {
                break;
            }
            operator.apply(d, product);
            let curvature = vector::dot(d, product);
            if !curvature.is_finite() {
                return Err(StepFailure::NotFinite { what: "a product with the curvature matrix" });
            }
            negative_curvature = curvature <= 0.0;
            let to_boundary = until.radius.map(|radius| distance_to_boundary(z, d, radius));
            let step = match to_boundary {
                None if negative_curvature && iteration == 0 => 1.0,
                None if negative_curvature => 0.0,
                Some(boundary) if negative_curvature => boundary,
                Some(boundary) => boundary.min(rr / curvature),
                None => rr / curvature,
            };
            vector::add_scaled(z, step, d);
            vector::add_scaled(r, step, product);
            if negative_curvature || to_boundary == Some(step) {
                break;
            }
            let rr_next = vector::dot(r, r);
            let beta = rr_next / rr;
            rr = rr_next;
            d.iter_mut().zip(r.iter()).for_each(|(d, r)| *d = beta * *d - r);
        }
        let decrease = -0.5 * (vector::dot(g, z) + vector::dot(r, z));
        Ok(Truncated { decrease, negative_curvature })
    }
}

/// τ ≥ 0 with ‖z + τd‖ = radius.
fn distance_to_boundary(z: &[f64], d: &[f64], radius: f64) -> f64 {
    let (dd, zd, zz) = (vector::dot(d, d), vector::dot(z, d), vector::dot(z, z));
    let room = (radius * radius - zz).max(0.0);
    // zᵀd ≥ 0 in this iteration: no cancellation.
    room / (zd + (zd * zd + dd * room).sqrt())
}
