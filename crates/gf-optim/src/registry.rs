//! What the list of methods ([`METHODS`], made in `methods.rs`) holds of each: it feeds `gf methods`, the study parser, the documentation table, the benches and the conformance tests.

mod control;
mod solver;

use std::fmt;

use gf_core::FullCurvature;
use serde::Serialize;

use crate::stability::Amplification;
use crate::{Discretization, SettingsError, ShiftedSolver};

pub use crate::methods::{METHODS, MethodSettings};
pub use control::{ConstantSettings, ControlSettings};
pub use solver::{LinearSolver, SolverSettings};

/// Any objective with all capabilities, owning its data.
pub type AnyObjective = dyn FullCurvature;
/// Any method on any such objective.
pub type AnyMethod = dyn Discretization<AnyObjective> + Send;
/// Any solver on any such objective.
pub type AnySolver = dyn ShiftedSolver<AnyObjective> + Send;

/// A method's claims.
#[derive(Debug, Clone, Copy)]
pub struct MethodInfo {
    /// The name in studies and on the command line.
    pub name: &'static str,
    /// In words.
    pub title: &'static str,
    /// Its family.
    pub family: Family,
    /// Order of convergence to the flow; none when it does not follow the flow's clock.
    pub order: Option<u32>,
    /// The curvature it needs.
    pub curvature: CurvatureNeed,
    /// Linear stability, in words.
    pub stability: &'static str,
    /// Work a step.
    pub cost: &'static str,
    /// Settings that make a single step the textbook's, as TOML values: what `gf eval --step` takes unless told otherwise.
    pub textbook: &'static [(&'static str, &'static str)],
}

/// Families of methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// The step is a combination of gradients.
    Explicit,
    /// The step solves a system that involves h.
    Implicit,
    /// The step applies an exponential of h times the Hessian.
    Exponential,
    /// The step minimizes a quadratic model.
    NewtonLike,
    /// The step is a gradient scaled entry by entry, by its own history: no integrator of the flow.
    Preconditioned,
}

/// The curvature that a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurvatureNeed {
    /// None.
    None,
    /// The Hessian, by products or dense.
    Hessian,
    /// The Gauss–Newton matrix, by products or dense.
    GaussNewton,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Explicit => "explicit",
            Self::Implicit => "implicit",
            Self::Exponential => "exponential",
            Self::NewtonLike => "newton-like",
            Self::Preconditioned => "preconditioned",
        })
    }
}

impl fmt::Display for CurvatureNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Hessian => "hessian",
            Self::GaussNewton => "gauss-newton",
        })
    }
}

/// What a method's settings tell the registry; written in the method's own file.
pub trait Settings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    fn validate(&self) -> Result<(), SettingsError>;

    /// The method; the settings are valid.
    fn build(&self) -> Box<AnyMethod>;

    /// The size that a controller tries first: h, or 1 for methods that scale a direction.
    fn first_step_size(&self) -> f64 {
        1.0
    }

    /// The step control used when a study names none.
    fn default_control(&self) -> ControlSettings {
        ControlSettings::Constant(ConstantSettings {})
    }

    /// Whether a constant step that cannot be proposed is shrunk, rather than ending the run.
    fn shrinks(&self) -> bool {
        false
    }

    /// Whether the method estimates its own error.
    fn estimates_error(&self) -> bool {
        false
    }

    /// Whether the method predicts the decrease of the loss from a model.
    fn predicts_decrease(&self) -> bool {
        false
    }

    /// The linear solver, for methods that have one.
    fn solver(&self) -> Option<LinearSolver> {
        None
    }

    /// Dense p × p matrices kept.
    fn dense_matrices(&self) -> usize {
        usize::from(self.solver().is_some_and(LinearSolver::is_dense))
    }

    /// What a step does on L = ½λθ², z = hλ, for methods with linear stability; [`crate::stability`] draws its conclusions.
    fn amplification(&self, z: f64) -> Option<Amplification> {
        let _ = z;
        None
    }

    /// What tells arms of this method apart, in a few words.
    fn label(&self) -> String;
}

impl MethodSettings {
    /// Checks the ranges of the settings.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.settings().validate()
    }

    /// The method, ready for [`crate::integrate`].
    ///
    /// # Errors
    /// As [`MethodSettings::validate`].
    pub fn build(&self) -> Result<Box<AnyMethod>, SettingsError> {
        self.validate()?;
        Ok(self.settings().build())
    }

    /// Memory of dense matrices for p = `dim` parameters, in bytes; 0 for matrix-free methods.
    pub fn dense_bytes(&self, dim: usize) -> usize {
        dim.saturating_mul(dim).saturating_mul(8 * self.settings().dense_matrices())
    }
}
