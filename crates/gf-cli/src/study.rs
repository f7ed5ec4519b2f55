//! Studies: a problem, arms and a budget, as a TOML file.

mod document;
mod problem;
mod spec;

pub use document::{Document, InputError, misuse};
pub(crate) use problem::memory_shortage;
pub use problem::{Problem, SeededData};
pub use spec::{
    ArmSpec, BatchOrder, Builtin, ClaimRule, ClaimSpec, DataSpec, FirstSteps, LossKind, LossSpec, NetworkSpec,
    OnFailure, RunSpec, SplitKind, Study, ValidationSpec,
};
