//! What `[spectrum]` may ask for.

use gf_optim::registry::MethodSettings;
use miette::Report;

use super::memory::memory_shortage;
use super::{ArmSpec, Problem, Subject};

/// With so many, the error of a trace is a thousandth of that with one.
const MOST_PROBES: usize = 1_000_000;

impl Problem {
    /// Refuses what the problem, its arms or this machine cannot give.
    pub(super) fn check_spectrum(&self) -> Result<(), Report> {
        let Some(spec) = &self.study.spectrum else { return Ok(()) };
        let p = self.dim();
        let fail = |key: &str, message: String| Err(self.document.error_at(&["spectrum", key], message));
        if spec.every == 0 {
            return fail("every", "expected at least 1, found 0".into());
        }
        if spec.top == 0 || spec.top.saturating_add(spec.bottom) > p {
            let message = format!(
                "expected top ≥ 1 and top + bottom ≤ {p}, the number of parameters; found top = {} and bottom = {}",
                spec.top, spec.bottom
            );
            return fail("top", message);
        }
        if !(1e-13..1.0).contains(&spec.tolerance) {
            return fail("tolerance", format!("expected a number from 1e-13 to 1, found {}", spec.tolerance));
        }
        if spec.trace_probes == 1 {
            return fail("trace_probes", "expected 0, or at least 2 for an error bar; found 1".into());
        }
        if spec.trace_probes > MOST_PROBES {
            return fail("trace_probes", format!("expected at most {MOST_PROBES}, found {}", spec.trace_probes));
        }
        if spec.central_flow {
            self.check_central_flow()?;
        }
        if spec.per_layer && matches!(self.subject, Subject::Function(_)) {
            return fail("per_layer", "expected a network, whose layers are the blocks; found a function".into());
        }
        if let Subject::Function(function) = &self.subject {
            let (mut objective, start) = (function.objective(0), function.start());
            if objective.hessian_at(&start).is_err() {
                return Err(self
                    .document
                    .error_at(&["spectrum"], "expected a problem with a Hessian; found nist, which has none"));
            }
            if spec.gauss_newton && objective.gauss_newton_at(&start).is_err() {
                let message =
                    format!("expected a problem with a Gauss–Newton matrix; found {}, which has none", function.name());
                return fail("gauss_newton", message);
            }
        }
        // Ranks may have different memories.
        self.ranks.agree(match memory_shortage(p, spec.dense_bytes(p)) {
            Some(message) => fail(if spec.full { "full" } else { "per_layer" }, message),
            None => Ok(()),
        })
    }

    fn check_central_flow(&self) -> Result<(), Report> {
        let fail = |message: &str| Err(self.document.error_at(&["spectrum", "central_flow"], message));
        if let Subject::Function(function) = &self.subject
            && function.smooth_objective(0).is_none()
        {
            return fail("expected a problem with third derivatives: a network, or a function other than nist");
        }
        let arms = || self.study.arms.iter().filter(|arm| matches!(arm.method, MethodSettings::Explicit(_)));
        if arms().next().is_none() {
            return fail("expected an arm of gradient descent, method.explicit; found none");
        }
        let is_plain = |arm: &ArmSpec| match &arm.method {
            MethodSettings::Explicit(explicit) => {
                arm.has_constant_step() && explicit.clip_norm.is_none() && explicit.clip_value.is_none()
            }
            _ => true,
        };
        if !arms().all(is_plain) {
            return fail(
                "expected gradient descent of a constant step size, without clipping; found step control or clipping",
            );
        }
        let is_whole = |arm: &ArmSpec| arm.batch.or(self.study.run.batch).is_none_or(|size| size == 0);
        match arms().all(is_whole) {
            true => Ok(()),
            false => fail(
                "expected gradient descent on the whole training set (run.batch left out, or batch = 0); found mini-batches",
            ),
        }
    }
}
