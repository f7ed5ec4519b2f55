//! `[data]`: samples from files and built-in sets, split and scaled for each seed.

use std::path::PathBuf;
use std::sync::Arc;

use gf_core::{Samples, Streams, Targets};
use gf_layers::Network;
use gf_utils::data::{self, CsvColumns, Scaling, ScalingError, ScalingKind, TargetColumns, TargetKind};
use miette::Report;

use super::loss::LossKind;
use super::spec::{Builtin, DataSpec, SplitKind};
use super::{Document, Problem, misuse};

/// The samples of one seed.
pub struct SeededData {
    /// For training, scaled.
    pub train: Arc<Samples>,
    /// Held out, scaled as the training part says.
    pub validation: Arc<Samples>,
    /// The validation samples as they are in the data: what metrics and predictions are about.
    pub in_data_units: Arc<Samples>,
    /// What was fitted on the training part; none where nothing is scaled.
    pub scaling: Option<Scaling>,
    /// What the classes are called, in the order of their labels, where the data name them.
    pub class_names: Option<Vec<String>>,
}

/// The samples of a study, before they are split and scaled.
#[derive(Clone)]
pub(super) struct LoadedData {
    /// All samples, unless they are drawn anew from each seed.
    pub(super) samples: Option<Arc<Samples>>,
    /// Names of the classes.
    class_names: Option<Vec<String>>,
    /// Of inputs and of targets.
    scale: [ScalingKind; 2],
}

impl LoadedData {
    /// Reads what the keys name.
    ///
    /// # Errors
    /// Names file, key, expected and found.
    pub(super) fn load(
        document: &Document,
        spec: &DataSpec,
        loss: LossKind,
        network: &Network,
    ) -> Result<Self, Report> {
        let samples = load_samples(document, spec, loss, network)?.map(Arc::new);
        let is_of_classes = |samples: &Arc<Samples>| matches!(samples.targets(), Targets::Classes { .. });
        if spec.scale_targets != ScalingKind::None
            && (loss.is_classification() || samples.as_ref().is_some_and(is_of_classes))
        {
            return Err(document.error_at(&["data", "scale_targets"], ScalingError::Classes));
        }
        Ok(Self { samples, class_names: None, scale: [spec.scale, spec.scale_targets] })
    }
}

impl Problem {
    /// The samples of a seed, split.
    ///
    /// # Errors
    /// When the split is impossible.
    pub fn data(&self, seed: u64) -> Result<SeededData, Report> {
        let all = self.samples(seed)?;
        let (train, validation) = self.split(&all, seed)?;
        self.scaled(train, validation)
    }

    fn samples(&self, seed: u64) -> Result<Arc<Samples>, Report> {
        Ok(match &self.network()?.data.samples {
            Some(samples) => Arc::clone(samples),
            None => Arc::new(data::original(&Streams::new(seed))),
        })
    }

    /// Training and validation samples of a seed, as they are.
    fn split(&self, all: &Arc<Samples>, seed: u64) -> Result<(Arc<Samples>, Arc<Samples>), Report> {
        let streams = Streams::new(seed);
        let validation = &self.study.validation;
        let at = |key: &'static str| move |error: data::SplitError| self.document.error_at(&["validation", key], error);
        let mut split = match validation.split {
            SplitKind::None => return Ok((Arc::clone(all), Arc::clone(all))),
            SplitKind::Shuffled => data::shuffled_split(all, validation.fraction, &streams).map_err(at("fraction"))?,
            SplitKind::Stratified => data::stratified_split(all, validation.fraction, &streams).map_err(at("split"))?,
        };
        if let Some(column) = validation.sort_by {
            split.sort_validation_by_input(column).map_err(at("sort_by"))?;
        }
        Ok((Arc::new(split.train), Arc::new(split.validation)))
    }

    /// Both parts, scaled as the training part says.
    fn scaled(&self, train: Arc<Samples>, validation: Arc<Samples>) -> Result<SeededData, Report> {
        let data = &self.network()?.data;
        let [inputs, targets] = data.scale;
        let error = |error: ScalingError| {
            let key = if matches!(error, ScalingError::Classes) { "scale_targets" } else { "scale" };
            self.document.error_at(&["data", key], error)
        };
        let scaling = Scaling::fit(&train, inputs, targets).map_err(error)?;
        let in_data_units = Arc::clone(&validation);
        let (train, validation) = match &scaling {
            None => (train, validation),
            Some(scaling) => {
                let apply = |samples: &Samples| scaling.apply(samples).map(Arc::new).map_err(error);
                (apply(&train)?, apply(&validation)?)
            }
        };
        let class_names = data.class_names.clone();
        Ok(SeededData { train, validation, in_data_units, scaling, class_names })
    }

    /// All samples (for `gf eval`); scaled by the training part of `seed` where the study scales, drawn from `seed` where it draws.
    ///
    /// # Errors
    /// When a split is needed and impossible.
    pub fn all_samples(&self, seed: u64) -> Result<Arc<Samples>, Report> {
        let all = self.samples(seed)?;
        if self.network()?.data.scale == [ScalingKind::None; 2] {
            return Ok(all);
        }
        let train = self.split(&all, seed)?.0;
        Ok(self.scaled(train, all)?.validation)
    }
}

/// The samples that the keys name; none where they are drawn from each seed.
fn load_samples(
    document: &Document,
    spec: &DataSpec,
    loss: LossKind,
    network: &Network,
) -> Result<Option<Samples>, Report> {
    let classes = loss.takes_classes();
    let expected = "expected one of: builtin; x and y; csv and target";
    let samples = match spec {
        DataSpec { builtin: Some(builtin), x: None, y: None, csv: None, target: None, features: None, .. } => {
            match builtin {
                Builtin::Original => return Ok(None),
                Builtin::Digits => data::digits(),
                Builtin::Iris => data::iris(),
                Builtin::Wine => data::wine(),
                Builtin::BreastCancer => data::breast_cancer(),
                Builtin::Chebyshev => data::chebyshev(),
            }
        }
        DataSpec { builtin: None, x: Some(x), y: Some(y), csv: None, target: None, features: None, .. } => {
            let kind =
                if classes { TargetKind::Classes { classes: Some(network.outputs()) } } else { TargetKind::Values };
            let paths: [PathBuf; 2] = [document.resolve(x), document.resolve(y)];
            data::read_npy_pair(&paths[0], &paths[1], kind).map_err(|error| document.error_at(&["data"], error))?
        }
        DataSpec { builtin: None, x: None, y: None, csv: Some(csv), target: Some(target), features, .. } => {
            let targets = match target.as_slice() {
                [] => return Err(document.error_at(&["data", "target"], "expected at least one column, found none")),
                [column] if classes => {
                    TargetColumns::Classes { column: column.clone(), classes: Some(network.outputs()) }
                }
                columns => TargetColumns::Values(columns.to_vec()),
            };
            let columns = CsvColumns { targets, features: features.clone() };
            data::read_csv(&document.resolve(csv), &columns)
                .map_err(|error| document.error_at(&["data", "csv"], error))?
        }
        DataSpec { csv: Some(_), target: None, .. } => {
            return Err(document.error_at(&["data"], "expected the key target beside csv: target = [\"column\"]"));
        }
        _ => return Err(document.error_at(&["data"], format!("{expected}; found another combination of keys"))),
    };
    let samples = match samples.targets() {
        // Two classes for one logit are its targets 0 and 1.
        Targets::Classes { classes: 2, labels } if network.outputs() == 1 => {
            let values = labels.iter().map(|label| f64::from(*label)).collect();
            let targets = Targets::Values { width: 1, values };
            Samples::new(samples.width(), samples.inputs().to_vec(), targets).map_err(misuse)?
        }
        _ => samples,
    };
    // Integer labels with a loss on values: the loss takes them as one-hot rows, which the network must have outputs for.
    if let Targets::Classes { classes, .. } = samples.targets()
        && *classes != network.outputs()
    {
        let message = format!("expected {classes} units in the last layer, one a class; found {}", network.outputs());
        return Err(document.error_at(&["network", "layers"], message));
    }
    Ok(Some(samples))
}
