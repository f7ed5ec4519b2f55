//! Studies: a problem, arms and a budget, as a TOML file.

mod arms;
mod claims;
mod conserved;
mod data;
mod depth;
mod document;
mod expand;
mod function;
mod landscape;
mod length;
mod loss;
mod lr_range;
mod memory;
mod name;
mod problem;
mod records;
mod run;
mod schedule;
mod schema;
mod spec;
mod spectrum;

pub use conserved::Conserved;
pub use data::{SampleSet, SeededData};
pub use depth::{Depth, DepthCase, initialization_name};
pub use document::{Document, InputError, misuse};
pub use function::{FunctionSpec, Smooth};
pub use landscape::{LandscapeSpec, PlaneEigenvectors, PlaneKind};
pub use loss::{LossKind, LossSpec};
pub use lr_range::LrRange;
pub(crate) use lr_range::check_flags;
pub(crate) use memory::memory_shortage;
pub use problem::{CONSERVATION_DRIFT, DISTANCE_TO_FLOW, NetworkLoss, NetworkProblem, Problem, Subject};
pub(crate) use records::builtin_samples;
pub(crate) use schema::resolve;
pub use schema::schema;
pub use spec::{
    ArmSpec, Basins, BatchOrder, Builtin, CheckpointSpec, ClaimRule, ClaimSpec, DataSpec, EarlyStoppingSpec, Every,
    FirstSteps, NetworkSpec, OnFailure, RunSpec, SpectrumSpec, SplitKind, Study, ValidationSpec,
};
