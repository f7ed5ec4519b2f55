//! Newton with a modified factorization.

use gf_core::{Counted, DenseHessian, Event, vector};
use gf_linalg::{FactorError, ShiftedMatrix};
use serde::{Deserialize, Serialize};

use super::direction::Direction;
use crate::control::Armijo;
use crate::registry::{AnyMethod, ControlSettings, CurvatureNeed, Family, MethodInfo, Settings};
use crate::settings::positive;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Newton's method with the Hessian made positive definite by its own factorization.
///
/// **Recurrence**: $d = −(H + E)^{-1} ∇L(θ_k)$, $θ_{k+1} = θ_k + α d$, where $P H P^T = L B L^T$ (rook pivoting) and $P (H + E) P^T = L \hat B L^T$:
/// each eigenvalue μ of the block-diagonal B becomes $\max(|μ|, φ‖H‖_∞)$.
/// **Symbols**: $α$ = the controller's step size, without unit; $φ$ = `floor`, relative; $H = ∇²L(θ_k)$, p × p.
/// **Properties**: E = 0 where H is safely positive definite: then this is Newton's method, with quadratic convergence near a nondegenerate minimum.
/// Elsewhere d still descends, so that the line search ends and saddles are left; recorded as `modified-matrix`. Does not follow the flow's clock.
/// **Why this scheme**: one factorization whatever the spectrum, where adding multiples of I tries several and changes all directions.
/// Cheng and Higham raise negative eigenvalues to the floor itself, which makes steps of a length 1/φ along them; |μ| keeps the scale of the curvature.
/// **Cost**: the driver's gradient, one dense matrix and one factorization a point (another α costs neither), one value a trial. Memory: p² + O(p) numbers.
/// **Fails when**: H = 0, or H is not finite.
/// **Reference**: S. H. Cheng, N. J. Higham, *SIAM J. Matrix Anal. Appl.* 19 (1998); |μ|: P. Gill, W. Murray, D. Ponceleón, M. Saunders, same journal,
/// 13 (1992).
#[derive(Debug)]
pub struct ModifiedNewton {
    settings: ModifiedNewtonSettings,
    matrix: Option<ShiftedMatrix>,
    direction: Direction,
}

impl ModifiedNewton {
    /// With these settings.
    pub fn new(settings: ModifiedNewtonSettings) -> Self {
        Self { settings, matrix: None, direction: Direction::default() }
    }
}

/// `method.modified-newton`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ModifiedNewtonSettings {
    /// The least eigenvalue of the modified block-diagonal factor, in units of ‖H‖∞; positive.
    pub floor: f64,
}

impl Default for ModifiedNewtonSettings {
    /// 1e-8, about the root of the machine precision.
    fn default() -> Self {
        Self { floor: 1e-8 }
    }
}

impl Settings for ModifiedNewtonSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        positive("modified-newton.floor", self.floor)
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(ModifiedNewton::new(*self))
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::Armijo(Armijo::default())
    }

    fn dense_matrices(&self) -> usize {
        1
    }

    fn label(&self) -> String {
        format!("floor {}", self.floor)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "modified-newton",
    title: "Newton with a modified factorization",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::Hessian,
    stability: "does not follow the flow",
    cost: "1 gradient + 1 dense matrix + 1 factorization + 1 value a line-search trial",
    textbook: &[],
};

impl<O: DenseHessian + ?Sized> Discretization<O> for ModifiedNewton {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.direction.init(dim);
        if self.matrix.as_ref().is_none_or(|matrix| matrix.order() != dim) {
            let bytes = dim.saturating_mul(dim).saturating_mul(8);
            self.matrix = Some(ShiftedMatrix::new(dim).map_err(|_| SetupError::Memory { dim, bytes })?);
        }
        Ok(())
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        let Direction { entries, met } = &mut self.direction;
        met.clear();
        let matrix = self.matrix.as_mut().expect("the driver calls init first");
        objective.dense_hessian(at.theta, gf_core::Triangle::Lower, matrix.fill())?;
        let modified = matrix.factorize_modified(self.settings.floor);
        objective.count_factorization(matrix.factorization_flops());
        match modified {
            Ok(0) => {}
            Ok(_) => met.record(Event::ModifiedMatrix),
            Err(FactorError::NotFinite) => return Err(StepFailure::NotFinite { what: "the curvature matrix" }),
            Err(_) => return Err(StepFailure::Singular { shift: 0.0 }),
        }
        vector::scale_into(-1.0, at.gradient, entries);
        matrix.solve_in_place(entries);
        objective.count_flops(2.0 * (matrix.order() as f64).powi(2));
        Ok(())
    }

    fn propose(
        &mut self,
        _objective: &mut Counted<'_, O>,
        _at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.direction.scaled(h, delta, events);
        Ok(())
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }
}
