//! Saddle-free Newton.

use gf_core::{Counted, DenseHessian, Event};
use serde::{Deserialize, Serialize};

use super::direction::Direction;
use super::spectrum::Spectrum;
use crate::control::Armijo;
use crate::registry::{AnyMethod, ControlSettings, CurvatureNeed, Family, MethodInfo, Settings};
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Newton's method with |H| in place of H: curvature sets the scale of the step along each eigenvector, never its sign.
///
/// **Recurrence**: $d = −\sum_i \frac{q_i^T ∇L(θ_k)}{\max(|λ_i|, φ) + λ} q_i$, $θ_{k+1} = θ_k + α d$.
/// **Symbols**: $λ_i, q_i$ = eigenvalues and eigenvectors of $H = ∇²L(θ_k)$; $λ$ = `damping` and $φ$ = `floor`, in units of curvature;
/// $α$ = the controller's step size, without unit.
/// **Properties**: d descends, and leaves saddles. Where H is positive definite, all λᵢ ≥ φ and λ = 0 it is Newton's. With a negative
/// eigenvalue the record says `used-absolute-hessian`. Does not follow the flow's clock.
/// **Cost**: the driver's gradient, one dense matrix and one eigendecomposition (9p³ flops) a point, another α costs neither, one value a trial.
/// Memory: 5p² numbers.
/// **Fails when**: H is not finite.
/// **Reference**: Y. Dauphin et al., *NeurIPS* 2014.
#[derive(Default)]
pub struct SaddleFree {
    settings: SaddleFreeSettings,
    spectrum: Spectrum,
    coordinates: Vec<f64>,
    direction: Direction,
}

impl SaddleFree {
    /// With these settings.
    pub fn new(settings: SaddleFreeSettings) -> Self {
        Self { settings, ..Self::default() }
    }
}

/// `method.saddle-free`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SaddleFreeSettings {
    /// λ ≥ 0, added to the magnitude of each eigenvalue, in units of curvature.
    pub damping: f64,
    /// The least magnitude φ ≥ 0 that an eigenvalue is taken for, in units of curvature; positive where the damping is 0.
    pub floor: f64,
}

impl Default for SaddleFreeSettings {
    /// Damping 1e-4, as `newton`; no floor.
    fn default() -> Self {
        Self { damping: 1e-4, floor: 0.0 }
    }
}

impl Settings for SaddleFreeSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        let check = |key: &str, value: f64| match value >= 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(SettingsError::new(key, "a number that is not negative", value)),
        };
        check("saddle-free.damping", self.damping)?;
        check("saddle-free.floor", self.floor)?;
        if self.damping + self.floor == 0.0 {
            return Err(SettingsError::new("saddle-free.floor", "a positive number beside damping = 0", self.floor));
        }
        Ok(())
    }

    fn build(&self) -> Box<AnyMethod> {
        Box::new(SaddleFree::new(*self))
    }

    fn default_control(&self) -> ControlSettings {
        ControlSettings::Armijo(Armijo::default())
    }

    fn dense_matrices(&self) -> usize {
        Spectrum::MATRICES
    }

    fn label(&self) -> String {
        format!("damping {}, floor {}", self.damping, self.floor)
    }
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "saddle-free",
    title: "saddle-free Newton",
    family: Family::NewtonLike,
    order: None,
    curvature: CurvatureNeed::Hessian,
    stability: "does not follow the flow",
    cost: "1 gradient + 1 dense matrix + 1 eigendecomposition + 1 value a line-search trial",
    textbook: &[],
};

impl<O: DenseHessian + ?Sized> Discretization<O> for SaddleFree {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.direction.init(dim);
        self.coordinates = vec![0.0; dim];
        self.spectrum.init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        let Self { settings, spectrum, coordinates, direction } = self;
        direction.met.clear();
        spectrum.linearize(objective, at)?;
        for ((y, value), c) in coordinates.iter_mut().zip(&spectrum.values).zip(&spectrum.gradient) {
            *y = -c / (value.abs().max(settings.floor) + settings.damping);
        }
        spectrum.combine(objective, coordinates, &mut direction.entries);
        if Spectrum::lowest(&spectrum.values).1 < 0.0 {
            direction.met.record(Event::UsedAbsoluteHessian);
        }
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
