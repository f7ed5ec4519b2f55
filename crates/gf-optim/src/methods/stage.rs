//! Stages of implicit methods: nonlinear equations, solved by Newton's method.

use gf_core::{Counted, Objective, vector};

use super::ShiftedSystem;
use crate::discretization::STAGE;
use crate::settings::positive;
use crate::solver::ShiftedSolver;
use crate::{EventLog, Point, SettingsError, SetupError, StepFailure};

/// Solves y + a∇L(y) = c, a > 0, for the increment u = y − θ.
///
/// **Recurrence**: with the residual r = u + a∇L(θ + u) − (c − θ): $u ← u + d$, $(H(θ + u) + I/a) d = −r/a$.
/// **Symbols**: $a$ = a fraction of h, in flow time; H: p × p, by `S`, at each iterate.
/// **Properties**: ends when ‖r‖ is at most the tolerance times ‖u‖, or where rounding keeps it: when the next correction, as the last one was to
/// its residual, would be below 4ε(‖θ‖ + ‖u‖), or when r no longer halves after a correction below √ε(‖θ‖ + ‖u‖).
/// **Cost**: an iteration takes one gradient, one matrix (or linearization), one solve with shift 1/a. On a quadratic: one iteration.
/// **Fails when**: `max_iterations` were not enough ([`StepFailure::StageNotSolved`]), a matrix is not positive definite and [`super::AtPole`] says so, or the
/// gradient overflows. Where ∇L jumps (relu) the equation may have no solution: the implicit step ends on the kink itself.
/// **Reference**: E. Hairer, G. Wanner, *Solving ODEs II*, IV.8 (where the matrix is kept from iteration to iteration; here it is not).
#[derive(Debug, Clone)]
pub struct StageSolver<S> {
    system: ShiftedSystem<S>,
    tolerance: f64,
    max_iterations: u32,
    /// Where the matrix was taken last.
    point: Vec<f64>,
    /// θ + u, and the gradient there.
    end: Vec<f64>,
    gradient: Vec<f64>,
    rhs: Vec<f64>,
    correction: Vec<f64>,
}

/// The default of ‖r‖/‖u‖.
pub(super) const NEWTON_TOLERANCE: f64 = 1e-12;
/// The default of Newton iterations a stage.
pub(super) const MAX_ITERATIONS: u32 = 20;

impl<S> StageSolver<S> {
    /// To ‖r‖ ≤ 1e-12·‖u‖ in at most 20 iterations; a matrix that is not positive definite rejects the step.
    pub fn new(solver: S) -> Self {
        Self::of(ShiftedSystem::new(solver), NEWTON_TOLERANCE, MAX_ITERATIONS)
    }

    /// To ‖r‖ ≤ `tolerance`·‖u‖ in at most `max_iterations`.
    pub fn of(system: ShiftedSystem<S>, tolerance: f64, max_iterations: u32) -> Self {
        let [point, end, gradient, rhs, correction] = Default::default();
        Self { system, tolerance, max_iterations, point, end, gradient, rhs, correction }
    }

    pub(super) fn init<O: ?Sized>(&mut self, dim: usize) -> Result<(), SetupError>
    where
        S: ShiftedSolver<O>,
    {
        for part in [&mut self.point, &mut self.end, &mut self.gradient, &mut self.rhs, &mut self.correction] {
            *part = vec![0.0; dim];
        }
        self.system.init(dim)
    }

    pub(super) fn state<O: ?Sized>(&mut self) -> Vec<&mut [f64]>
    where
        S: ShiftedSolver<O>,
    {
        self.system.state()
    }

    /// Makes u = 0 the start of the next solve; any later one starts from the u that the last one left.
    pub(super) fn start(&mut self, at: Point<'_>, u: &mut [f64]) {
        u.fill(0.0);
        self.gradient.copy_from_slice(at.gradient);
    }

    /// Overwrites `u`, the start, with the solution.
    pub(super) fn solve<O: Objective + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        stage: Stage<'_>,
        u: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure>
    where
        S: ShiftedSolver<O>,
    {
        let Stage { theta, a, factor, known } = stage;
        let theta_norm = vector::norm(theta);
        let (mut last_residual, mut last_correction) = (f64::INFINITY, f64::INFINITY);
        let mut iterations = 0;
        loop {
            for (r, ((g, u), known)) in self.rhs.iter_mut().zip(self.gradient.iter().zip(&*u).zip(known)) {
                *r = -(g + (u - factor * known) / a);
            }
            let (residual, size) = (a * vector::norm(&self.rhs), vector::norm(u));
            if !residual.is_finite() {
                return Err(StepFailure::NotFinite { what: STAGE });
            }
            let scale = theta_norm + size;
            let next_correction = last_correction * residual / last_residual;
            let is_stalled = residual > 0.5 * last_residual && last_correction <= f64::EPSILON.sqrt() * scale;
            if residual <= self.tolerance * size || next_correction <= 4.0 * f64::EPSILON * scale || is_stalled {
                return Ok(());
            }
            if iterations == self.max_iterations {
                let (reached, asked) = (residual / size, self.tolerance);
                return Err(StepFailure::StageNotSolved { reached, asked, iterations });
            }
            vector::sum_into(theta, u, &mut self.point);
            self.system.linearize(objective, &self.point)?;
            self.system.solve(objective, &self.point, 1.0 / a, &self.rhs, &mut self.correction, events)?;
            vector::add_scaled(u, 1.0, &self.correction);
            vector::sum_into(theta, u, &mut self.end);
            objective.value_and_gradient(&self.end, &mut self.gradient)?;
            (last_residual, last_correction) = (residual, vector::norm(&self.correction));
            iterations += 1;
        }
    }

    /// Overwrites `v` with (I + aH)⁻¹v, H where it was taken last: what an error estimate needs that must not see stiff components.
    pub(super) fn smooth<O: Objective + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        a: f64,
        v: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure>
    where
        S: ShiftedSolver<O>,
    {
        // Nothing to smooth, and at an exact critical point no matrix either.
        if v.iter().all(|x| *x == 0.0) {
            return Ok(());
        }
        vector::scale_into(1.0 / a, v, &mut self.rhs);
        self.system.solve(objective, &self.point, 1.0 / a, &self.rhs, v, events)
    }
}

/// The equation u + a∇L(θ + u) = `factor`·`known`.
pub(super) struct Stage<'a> {
    pub(super) theta: &'a [f64],
    pub(super) a: f64,
    pub(super) factor: f64,
    pub(super) known: &'a [f64],
}

/// Checks the settings of the Newton iteration; `method` is the key of their table.
pub(super) fn check(method: &str, newton_tolerance: f64, max_iterations: u32) -> Result<(), SettingsError> {
    positive(&format!("{method}.newton_tolerance"), newton_tolerance)?;
    if max_iterations == 0 {
        return Err(SettingsError::new(&format!("{method}.max_iterations"), "at least 1", 0));
    }
    Ok(())
}

/// Settings of a method with stages, as [`super::shifted_system::implicit_settings`], with those of the Newton iteration. Its `new` takes a [`StageSolver`].
macro_rules! stage_settings {
    (
        $(#[$doc:meta])*
        $settings:ident of $info:ident,
        method: $method:ident,
        amplification: $amplification:expr,
        estimates_error: $estimates_error:expr,
    ) => {
        $crate::methods::shifted_system::implicit_settings! {
            $(#[$doc])*
            $settings of $info {
                /// A stage is solved when the residual of its equation is at most this, relative to its increment, without unit.
                newton_tolerance: f64 = $crate::methods::stage::NEWTON_TOLERANCE,
                /// Newton iterations a stage at most.
                max_iterations: u32 = $crate::methods::stage::MAX_ITERATIONS,
            }
            check: |settings| {
                $crate::methods::stage::check($info.name, settings.newton_tolerance, settings.max_iterations)
            },
            build: |settings, system| {
                let (tolerance, iterations) = (settings.newton_tolerance, settings.max_iterations);
                Box::new($method::new($crate::methods::StageSolver::of(system, tolerance, iterations)))
            },
            amplification: |_, z| {
                let amplification: fn(f64) -> $crate::stability::Amplification = $amplification;
                amplification(z)
            },
            estimates_error: $estimates_error,
        }
    };
}

pub(super) use stage_settings;
