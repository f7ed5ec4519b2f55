//! What is looked at beside a run, where the study asks for it: together they are set up, saved, continued and read.

use std::cell::Cell;
use std::rc::Rc;

use gf_core::Observer;
use gf_optim::FlowState;
use gf_spectrum::{SpectrumTracker, TrackerState};
use gf_utils::history::Table;
use miette::Report;
use serde::{Deserialize, Serialize};

use super::central_flow::{CentralFlowWatch, CentralFlowWatchState};
use super::epochs::{EpochLayerRow, EpochRow, EpochSums, EpochWatch, epoch_layer_rows, epoch_rows};
use super::instance::{FlowDistance, Instance};
use super::layers::{LayerRow, LayerWatch};
use super::path::{ArmPath, PathWatch};
use super::spectrum::{self, SpectrumRun};
use crate::study::{ArmSpec, Problem, misuse};

/// The observers of one arm on one seed.
pub(super) struct Watches {
    flow: Option<FlowDistance>,
    tracker: Option<SpectrumTracker>,
    central_flow: Option<CentralFlowWatch>,
    layers: Option<LayerWatch>,
    epochs: Option<EpochWatch>,
    path: Option<PathWatch>,
    batches_per_epoch: u64,
}

/// What [`Watches::resume`] continues from.
#[derive(Serialize, Deserialize)]
pub(super) struct Watched {
    pub(super) layers: Vec<LayerRow>,
    pub(super) epochs: Vec<EpochSums>,
    /// Where the study compares with the flow; none inside once the flow could not go on.
    pub(super) flow: Option<Option<FlowState>>,
    pub(super) spectrum: Option<TrackerState>,
    pub(super) central_flow: Option<CentralFlowWatchState>,
}

/// What they saw, up to the end.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) spectrum: Option<SpectrumRun>,
    pub(super) layers: Vec<LayerRow>,
    pub(super) epochs: Vec<EpochRow>,
    pub(super) epoch_layers: Vec<EpochLayerRow>,
    pub(super) path: Option<ArmPath>,
}

impl Watches {
    /// Of a run from `theta`; the distance to the flow is left in `distance`.
    ///
    /// # Errors
    /// Misfits of network, loss and samples.
    pub(super) fn new(
        problem: &Problem,
        (arm, seed): (&ArmSpec, u64),
        theta: &[f64],
        instance: &Instance,
        distance: &Rc<Cell<f64>>,
    ) -> Result<Self, Report> {
        let batches_per_epoch = instance.batches_per_epoch;
        Ok(Self {
            flow: FlowDistance::new(problem, seed, theta, batches_per_epoch, Rc::clone(distance))?,
            tracker: spectrum::tracker(problem, arm, seed)?,
            central_flow: CentralFlowWatch::new(problem, arm, seed, theta)?,
            layers: LayerWatch::new(problem, &arm.name, seed, (instance.data.as_ref(), batches_per_epoch))?,
            epochs: EpochWatch::new(problem, arm, seed, theta)?,
            path: PathWatch::new(problem, arm, seed, batches_per_epoch),
            batches_per_epoch,
        })
    }

    /// Whether the distance to the flow is measured.
    pub(super) fn measure_distance(&self) -> bool {
        self.flow.is_some()
    }

    /// In the order in which they look: the distance is measured before the history asks for it.
    pub(super) fn observers(&mut self) -> Vec<&mut dyn Observer> {
        let Self { flow, tracker, central_flow, layers, epochs, path, .. } = self;
        let mut observers: Vec<&mut dyn Observer> = Vec::new();
        observers.extend(flow.as_mut().map(|watch| watch as &mut dyn Observer));
        observers.extend(tracker.as_mut().map(|watch| watch as &mut dyn Observer));
        observers.extend(central_flow.as_mut().map(|watch| watch as &mut dyn Observer));
        observers.extend(layers.as_mut().map(|watch| watch as &mut dyn Observer));
        observers.extend(epochs.as_mut().map(|watch| watch as &mut dyn Observer));
        observers.extend(path.as_mut().map(|watch| watch as &mut dyn Observer));
        observers
    }

    /// Where they stand.
    pub(super) fn state(&self) -> Watched {
        Watched {
            layers: self.layers.as_ref().map_or_else(Vec::new, |layers| layers.rows.clone()),
            epochs: self.epochs.as_ref().map_or_else(Vec::new, |epochs| epochs.sums.clone()),
            flow: self.flow.as_ref().map(FlowDistance::state),
            spectrum: self.tracker.as_ref().map(SpectrumTracker::state),
            central_flow: self.central_flow.as_ref().map(CentralFlowWatch::state),
        }
    }

    /// The iterates kept so far, where the study shows the arm's path.
    pub(super) fn path(&self) -> Option<ArmPath> {
        self.path.as_ref().map(PathWatch::state)
    }

    /// Go on from there, at `theta`, with the iterates kept.
    ///
    /// # Errors
    /// When the state is that of another study.
    pub(super) fn resume(
        self,
        problem: &Problem,
        (saved, iterates): (Watched, Option<ArmPath>),
        theta: &[f64],
    ) -> Result<Self, Report> {
        let Self { mut flow, tracker, central_flow, mut layers, mut epochs, mut path, batches_per_epoch } = self;
        if let (Some(path), Some(iterates)) = (&mut path, iterates) {
            path.resume(iterates);
        }
        if let (Some(flow), Some(state), Some(tolerance)) = (&mut flow, saved.flow, problem.study.run.flow_tolerance) {
            flow.resume(state, tolerance)?;
        }
        let tracker = match (tracker, saved.spectrum) {
            (Some(tracker), Some(state)) => Some(tracker.resume(state).map_err(misuse)?),
            (tracker, _) => tracker,
        };
        let central_flow = match (central_flow, saved.central_flow) {
            (Some(watch), Some(state)) => Some(watch.resume(state)?),
            (watch, _) => watch,
        };
        if let Some(layers) = &mut layers {
            layers.rows = saved.layers;
        }
        if let Some(epochs) = &mut epochs {
            epochs.resume(saved.epochs, theta);
        }
        Ok(Self { flow, tracker, central_flow, layers, epochs, path, batches_per_epoch })
    }

    /// What they saw of the run that ended at `theta` with this history; its last iterate was `last`.
    ///
    /// # Errors
    /// Misfits of network, loss and samples.
    pub(super) fn finish(
        self,
        problem: &Problem,
        (arm, seed): (&ArmSpec, u64),
        (theta, last): (&[f64], &[f64]),
        history: &Table,
    ) -> Result<Seen, Report> {
        let Self { tracker, central_flow, layers, epochs, path, batches_per_epoch, .. } = self;
        let spectrum =
            tracker.map(|tracker| SpectrumRun::new(problem, (arm, seed), theta, tracker, central_flow)).transpose()?;
        let layers = layers.map(|watch| watch.rows).unwrap_or_default();
        let sums = epochs.map(|watch| watch.sums);
        let epoch_layers = sums.as_ref().map_or_else(Vec::new, |sums| epoch_layer_rows(&arm.name, seed, sums));
        let epochs =
            sums.map_or_else(Vec::new, |sums| epoch_rows((&arm.name, seed), history, &sums, batches_per_epoch));
        let steps = history.rows().last().map_or(0, |row| row.step);
        let path = path.map(|watch| watch.finish(steps, last));
        Ok(Seen { spectrum, layers, epochs, epoch_layers, path })
    }
}
