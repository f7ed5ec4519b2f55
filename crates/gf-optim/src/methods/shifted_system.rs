//! What implicit methods share: their linear systems, the answer to an indefinite matrix, and their settings.

use gf_core::{Counted, Event, Objective};
use serde::{Deserialize, Serialize};

use crate::registry::{LinearSolver, SolverSettings};
use crate::settings::positive;
use crate::solver::{Definiteness, ShiftedSolver};
use crate::{EventLog, SettingsError, SetupError, StepFailure};

/// What to do when a matrix H + shift·I of a step is not positive definite: the step is past its pole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AtPole {
    /// Take the textbook step, whatever it is.
    Accept,
    /// Halve h until the matrices are positive definite.
    #[default]
    Shrink,
    /// End the run.
    Abort,
}

impl AtPole {
    /// The name in studies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Shrink => "shrink",
            Self::Abort => "abort",
        }
    }
}

/// The systems (H + shift·I) x = b of a step: a solver, and what happens at the pole.
#[derive(Debug, Clone)]
pub struct ShiftedSystem<S> {
    solver: S,
    at_pole: AtPole,
}

impl<S> ShiftedSystem<S> {
    /// A step whose matrix is not positive definite is rejected; the controller may shrink it.
    pub fn new(solver: S) -> Self {
        Self { solver, at_pole: AtPole::default() }
    }

    /// With another answer to such a matrix: under [`AtPole::Accept`] the step is taken, under the others the controller decides.
    pub fn with_at_pole(self, at_pole: AtPole) -> Self {
        Self { at_pole, ..self }
    }

    pub(super) fn init<O: ?Sized>(&mut self, dim: usize) -> Result<(), SetupError>
    where
        S: ShiftedSolver<O>,
    {
        self.solver.init(dim)
    }

    pub(super) fn state<O: ?Sized>(&mut self) -> Vec<&mut [f64]>
    where
        S: ShiftedSolver<O>,
    {
        self.solver.state()
    }

    /// Moves to the matrix at `theta`.
    pub(super) fn linearize<O: Objective + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
    ) -> Result<(), StepFailure>
    where
        S: ShiftedSolver<O>,
    {
        self.solver.linearize(objective, theta)
    }

    /// Overwrites `x` with the solution at the point `theta` of the last `linearize`; names in `events` what it met.
    pub(super) fn solve<O: Objective + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        shift: f64,
        b: &[f64],
        x: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure>
    where
        S: ShiftedSolver<O>,
    {
        let info = self.solver.solve(objective, theta, shift, b, x).inspect_err(|failure| {
            if failure.indefinite_evidence().is_some() {
                events.record(Event::PastPole);
            }
        })?;
        info.report(events);
        if let Definiteness::Indefinite(evidence) = info.definiteness {
            events.record(Event::PastPole);
            if self.at_pole != AtPole::Accept {
                return Err(StepFailure::Indefinite { shift, evidence });
            }
            events.record(Event::IndefiniteAccepted);
        }
        Ok(())
    }
}

/// Checks what all implicit methods have; `method` is the key of their table.
pub(super) fn check(method: &str, h: f64, at_pole: AtPole, solver: &SolverSettings) -> Result<(), SettingsError> {
    positive(&format!("{method}.h"), h)?;
    solver.validate(method)?;
    if at_pole == AtPole::Accept && matches!(solver.solver, LinearSolver::Cg | LinearSolver::Cholesky) {
        let expected =
            "a solver that can solve with indefinite matrices (minres, lblt, auto) beside indefinite = \"accept\"";
        return Err(SettingsError::new(&format!("{method}.solver"), expected, solver.solver.name()));
    }
    Ok(())
}

/// Settings of an implicit method: those that all have (serde can not flatten them and refuse unknown keys), those it adds with their
/// defaults, and what the registry asks of them.
macro_rules! implicit_settings {
    (
        $(#[$doc:meta])*
        $settings:ident of $info:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }
        check: $check:expr,
        build: $build:expr,
        amplification: $amplification:expr,
        estimates_error: $estimates_error:expr,
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields, default)]
        pub struct $settings {
            /// Step size h > 0 in flow time.
            pub h: f64,
            $($(#[$field_doc])* pub $field: $type,)*
            /// What to do when a matrix of the step, H + shift·I, is not positive definite.
            pub indefinite: $crate::methods::AtPole,
            /// `minres`, `cg`, `cholesky`, `lblt`, or `auto`: minres where it reaches its residual at less cost, lblt elsewhere.
            pub solver: $crate::registry::LinearSolver,
            /// Largest relative residual of iterative solvers, without unit.
            pub tolerance: f64,
            /// Matrix–vector products a solve at most, of iterative solvers.
            pub max_products: usize,
            /// Whether iterative solvers start from the last solution.
            pub warm_start: bool,
        }

        impl Default for $settings {
            /// h = 0.05, MINRES to 1e-10, shrinking at the pole.
            fn default() -> Self {
                let system = $crate::registry::SolverSettings::default();
                Self {
                    h: 0.05,
                    $($field: $default,)*
                    indefinite: $crate::methods::AtPole::default(),
                    solver: system.solver,
                    tolerance: system.tolerance,
                    max_products: system.max_products,
                    warm_start: system.warm_start,
                }
            }
        }

        impl $settings {
            fn solver_settings(&self) -> $crate::registry::SolverSettings {
                let Self { solver, tolerance, max_products, warm_start, .. } = *self;
                $crate::registry::SolverSettings { solver, tolerance, max_products, warm_start }
            }
        }

        impl $crate::registry::Settings for $settings {
            fn validate(&self) -> Result<(), $crate::SettingsError> {
                let check: fn(&Self) -> Result<(), $crate::SettingsError> = $check;
                $crate::methods::shifted_system::check($info.name, self.h, self.indefinite, &self.solver_settings())?;
                check(self)
            }

            fn build(&self) -> Box<$crate::registry::AnyMethod> {
                type System = $crate::methods::ShiftedSystem<Box<$crate::registry::AnySolver>>;
                let build: fn(&Self, System) -> Box<$crate::registry::AnyMethod> = $build;
                build(self, System::new(self.solver_settings().build()).with_at_pole(self.indefinite))
            }

            fn first_step_size(&self) -> f64 {
                self.h
            }

            fn shrinks(&self) -> bool {
                self.indefinite == $crate::methods::AtPole::Shrink
            }

            fn estimates_error(&self) -> bool {
                $estimates_error
            }

            fn solver(&self) -> Option<$crate::registry::LinearSolver> {
                Some(self.solver)
            }

            fn amplification(&self, z: f64) -> Option<$crate::stability::Amplification> {
                let amplification: fn(&Self, f64) -> $crate::stability::Amplification = $amplification;
                Some(amplification(self, z))
            }

            fn label(&self) -> String {
                format!("h = {}, {}", self.h, self.indefinite.name())
            }
        }
    };
}

pub(super) use implicit_settings;
