//! Studies: a problem, arms and a budget, as a TOML file.

mod conserved;
mod data;
mod depth;
mod document;
mod expand;
mod function;
mod loss;
mod problem;
mod spec;
mod spectrum;

pub use conserved::Conserved;
pub use data::SeededData;
pub(crate) use data::builtin_samples;
pub use depth::{Depth, DepthCase, initialization_name};
pub use document::{Document, InputError, misuse};
pub use function::{FunctionSpec, Smooth};
pub use loss::{LossKind, LossSpec};
pub(crate) use problem::memory_shortage;
pub use problem::{CONSERVATION_DRIFT, DISTANCE_TO_FLOW, NetworkProblem, Problem, Subject};
pub use spec::{
    ArmSpec, Basins, BatchOrder, Builtin, ClaimRule, ClaimSpec, DataSpec, FirstSteps, NetworkSpec, OnFailure, RunSpec,
    SpectrumSpec, SplitKind, Study, ValidationSpec,
};
