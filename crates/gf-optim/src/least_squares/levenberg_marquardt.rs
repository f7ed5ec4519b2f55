//! Levenberg–Marquardt.

use gf_core::{Counted, LeastSquares, vector};
use gf_linalg::PivotedQr;
use serde::{Deserialize, Serialize};

use super::damped::{Damped, Step};
use crate::settings::positive;
use crate::{Discretization, EventLog, Point, SettingsError, SetupError, StepFailure};

/// Levenberg–Marquardt for L = ½‖r‖², the trust-region method of MINPACK's lmder.
///
/// **Recurrence**: $δ = \arg\min ‖J δ + r‖²$ subject to $‖D δ‖ ≤ Δ$, $θ_{k+1} = θ_k + δ$; that is $δ = −(JᵀJ + λD²)^{-1} Jᵀr$ with λ = 0 or the λ > 0 whose
/// step has ‖D δ‖ = Δ to 10 %, computed from the QR factors of [J; √λ D]. $D_{jj}$ is the largest norm so far of column j of J.
/// **Symbols**: $r$: m residuals; $J$: m × n Jacobian; $D$: diagonal, so that D θ has the units of r and θ may have any; $Δ = hu$ with $h$ the controller's
/// size, without unit, and $u$ = ‖D δ‖ of the last accepted step, `first_radius`·‖D θ‖ before the first one (`first_radius` where θ = 0).
/// **Properties**: δ does not depend on the units of the parameters. Quadratic convergence to a solution with r = 0 and J of full rank, linear convergence where
/// r ≠ 0, with a rate proportional to the curvature of the model times ‖r‖. At a solution, by any test of [`Convergence`], δ = 0 is proposed.
/// Close to a solution with r ≠ 0 the loss cannot judge steps: it loses the digits that y − f(θ) cancels, and half of the rest for being flat.
/// With `polish`, where the Gauss–Newton step is no longer than the last one and predicts a decrease of at most 1e-8 L, it is therefore taken without judging, as long
/// as each such step predicts at most half of what any before it did.
/// It does not follow the flow's clock; with D = I it is linearly implicit Euler with h = 1/λ and JᵀJ for the Hessian.
/// **Cost**: residuals and a Jacobian a point (those that the driver's gradient was made of, if the objective remembers them), 2n²(m − n/3) flops for QR;
/// a trial O(n³) for each of at most ten λ; one value for the controller. Memory 2m·n. Allocates at the first point, where m is known.
/// **Fails when**: residuals or Jacobian are infinite or NaN.
/// **Reference**: J. J. Moré, Lecture Notes in Mathematics 630 (1978) 105–116; J. J. Moré, B. S. Garbow, K. E. Hillstrom, *User guide for MINPACK-1*, ANL-80-74.
#[derive(Debug)]
pub struct LevenbergMarquardt {
    settings: LevenbergMarquardtSettings,
    /// D; zeros before the first point.
    scale: Vec<f64>,
    qr: PivotedQr,
    system: Damped,
    residuals: Vec<f64>,
    /// ‖D θ‖ at the point.
    size: f64,
    here: Memory,
    proposal: Proposal,
    /// The Gauss–Newton step from the point, and whether it is taken without judging.
    newton: Vec<f64>,
    polish: Option<Step>,
    /// Why no further step is taken from the point.
    convergence: Option<Convergence>,
}

/// `levenberg-marquardt`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LevenbergMarquardtSettings {
    /// The first trust radius over ‖D θ‖, without unit: 0.1 to 100.
    pub first_radius: f64,
    /// Ends where a step's actual and predicted decrease of L are both at most this part of L, or the predicted one where `polish` is done.
    pub reduction_tolerance: f64,
    /// Ends where ‖D δ‖ is at most this part of ‖D θ‖.
    pub step_tolerance: f64,
    /// Ends where the cosine of the angle between r and each column of J is at most this.
    pub orthogonality_tolerance: f64,
    /// Whether Gauss–Newton steps too short for L to judge are taken: digits beyond half of those of L.
    pub polish: bool,
    /// Accepted steps at most, in [`super::fit`].
    pub max_iterations: u64,
}

impl Default for LevenbergMarquardtSettings {
    /// The radius 100‖D θ‖; tolerances of a few roundings, which ask for all the digits that there are; 1000 iterations.
    fn default() -> Self {
        Self {
            first_radius: 100.0,
            reduction_tolerance: 1e-15,
            step_tolerance: 1e-15,
            orthogonality_tolerance: 1e-15,
            polish: true,
            max_iterations: 1000,
        }
    }
}

impl LevenbergMarquardtSettings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        positive("levenberg-marquardt.first_radius", self.first_radius)?;
        positive("levenberg-marquardt.reduction_tolerance", self.reduction_tolerance)?;
        positive("levenberg-marquardt.step_tolerance", self.step_tolerance)?;
        positive("levenberg-marquardt.orthogonality_tolerance", self.orthogonality_tolerance)
    }
}

/// Which test of convergence holds. All are tests of rounding with the default tolerances: reaching it is what success means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convergence {
    /// r is orthogonal to every column of J: the gradient vanishes, whatever its units.
    Orthogonality,
    /// The last step could and did hardly decrease L, or steps too short for L to judge no longer shrink.
    Reduction,
    /// The last step, or the trust radius, is too short to move θ.
    Step,
}

impl std::fmt::Display for Convergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Orthogonality => "orthogonality",
            Self::Reduction => "reduction",
            Self::Step => "step",
        })
    }
}

/// What the last accepted step leaves to the next: NaN before the first one, where comparisons with it should fail.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Memory {
    /// u = ‖D δ‖, λ, and L before the step, what it should have lost, and the least that a step taken without
    /// judging should have.
    numbers: [f64; 5],
}

const UNIT: usize = 0;
const FLATTEST: usize = 4;

/// A decrease of L by a smaller part of it may drown in its rounding.
const TOO_FLAT: f64 = 1e-8;

impl Default for Memory {
    fn default() -> Self {
        Self { numbers: [f64::NAN, 0.0, f64::NAN, f64::NAN, f64::INFINITY] }
    }
}

/// The last proposal.
#[derive(Debug, Clone, Copy, Default)]
struct Proposal {
    step: Step,
    loss: f64,
    convergence: Option<Convergence>,
}

impl LevenbergMarquardt {
    /// With these settings.
    pub fn new(settings: LevenbergMarquardtSettings) -> Self {
        Self {
            settings,
            scale: Vec::new(),
            qr: PivotedQr::new(0, 0),
            system: Damped::default(),
            residuals: Vec::new(),
            size: 0.0,
            here: Memory::default(),
            proposal: Proposal::default(),
            newton: Vec::new(),
            polish: None,
            convergence: None,
        }
    }

    /// Which test of convergence held where the last accepted step led or started, if any did.
    pub fn convergence(&self) -> Option<Convergence> {
        self.convergence
    }

    /// The test of convergence that holds at `at`; where none does, the Gauss–Newton step if it is to be taken without judging.
    fn test(&self, at: Point<'_>, newton: Step) -> (Option<Convergence>, Option<Step>) {
        let [unit, _, loss, predicted, flattest] = self.here.numbers;
        let residual = (2.0 * at.loss).sqrt();
        let norms = self.qr.column_norms();
        let cosine = at.gradient.iter().zip(norms).fold(0.0f64, |largest, (g, norm)| match *g == 0.0 {
            true => largest,
            false => largest.max(g.abs() / (norm * residual)),
        });
        if cosine <= self.settings.orthogonality_tolerance {
            return (Some(Convergence::Orthogonality), None);
        }
        if unit <= self.settings.step_tolerance * self.size {
            return (Some(Convergence::Step), None);
        }
        let flat = newton.predicted <= TOO_FLAT * at.loss && newton.length <= unit;
        if self.settings.polish && flat && newton.predicted <= 0.5 * flattest {
            return (None, Some(newton));
        }
        let (fall, reduction) = (loss - at.loss, self.settings.reduction_tolerance * at.loss);
        let judged = fall.abs() <= reduction && predicted <= reduction && fall <= 2.0 * predicted;
        let polished = flattest.is_finite() && newton.predicted <= reduction;
        ((judged || polished).then_some(Convergence::Reduction), None)
    }

    fn scaled_size(&self, theta: &[f64]) -> f64 {
        theta.iter().zip(&self.scale).map(|(x, d)| (d * x).powi(2)).sum::<f64>().sqrt()
    }
}

impl<O: LeastSquares + ?Sized> Discretization<O> for LevenbergMarquardt {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        *self = Self::new(self.settings);
        self.scale = vec![0.0; dim];
        self.newton = vec![0.0; dim];
        self.system = Damped::new(dim);
        Ok(())
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        let (m, n) = (objective.residual_count(), at.theta.len());
        if self.residuals.len() != m {
            self.residuals = vec![0.0; m];
            self.qr = PivotedQr::new(m, n);
        }
        objective.residuals(at.theta, &mut self.residuals)?;
        objective.jacobian(at.theta, self.qr.fill())?;
        if !vector::all_finite(&self.residuals) || !vector::all_finite(self.qr.fill()) {
            return Err(StepFailure::NotFinite { what: "a residual or the Jacobian" });
        }
        self.qr.factorize();
        let flops = 2.0 * (n * n) as f64 * (m as f64 - n as f64 / 3.0).max(n as f64 / 3.0);
        objective.count_factorization(flops);
        self.system.take(&self.qr, &mut self.residuals);
        for (scale, norm) in self.scale.iter_mut().zip(self.qr.column_norms()) {
            *scale = match *scale == 0.0 && *norm == 0.0 {
                true => 1.0,
                false => scale.max(*norm),
            };
        }
        self.size = self.scaled_size(at.theta);
        if self.here.numbers[UNIT].is_nan() {
            self.here.numbers[UNIT] = self.settings.first_radius * if self.size > 0.0 { self.size } else { 1.0 };
        }
        let newton = self.system.step(&self.scale, f64::INFINITY, 0.0, &mut self.newton);
        (self.convergence, self.polish) = self.test(at, newton);
        Ok(())
    }

    fn propose(
        &mut self,
        _objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        _events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        let [unit, damping, ..] = self.here.numbers;
        let radius = h * unit;
        let tiny = radius <= self.settings.step_tolerance * self.size;
        let convergence = self.convergence.or(tiny.then_some(Convergence::Step));
        self.proposal = Proposal { step: Step::default(), loss: at.loss, convergence };
        if convergence.is_some() {
            delta.fill(0.0);
            return Ok(());
        }
        if let Some(step) = self.polish {
            self.proposal.step = step;
            delta.copy_from_slice(&self.newton);
            return Ok(());
        }
        self.proposal.step = self.system.step(&self.scale, radius, damping, delta);
        if vector::all_finite(delta) { Ok(()) } else { Err(StepFailure::NotFinite { what: "the step" }) }
    }

    fn accepted(&mut self, _to: &[f64], _h: f64) {
        let Proposal { step, loss, convergence } = self.proposal;
        self.convergence = convergence;
        if convergence.is_none() {
            let flattest = self.polish.map_or(self.here.numbers[FLATTEST], |step| step.predicted);
            self.here.numbers = [step.length, step.damping, loss, step.predicted, flattest];
        }
    }

    fn time(&self, _h: f64) -> Option<f64> {
        None
    }

    fn unconditional(&self, _at: Point<'_>) -> bool {
        self.polish.is_some()
    }

    fn predicted_decrease(&self) -> Option<f64> {
        Some(self.proposal.step.predicted)
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        vec![&mut self.scale, &mut self.here.numbers]
    }
}
