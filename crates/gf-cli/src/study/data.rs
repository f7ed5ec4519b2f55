//! `[data]`: samples from files and built-in sets, split and scaled for each seed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gf_core::{Samples, Streams, Targets};
use gf_layers::Network;
use gf_utils::data::{
    self, Column, CsvColumns, CsvData, CsvOptions, Gaps, Scaling, ScalingError, ScalingKind, TargetColumns, TargetKind,
};
use gf_utils::{CsvError, Preprocessing};
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
    /// What the inputs are called, in their order, where the data name them.
    pub feature_names: Option<Vec<String>>,
}

impl SeededData {
    /// What a saved model has to know of the data.
    pub fn preprocessing(&self) -> Preprocessing {
        let scaling = self.scaling.clone();
        let (inputs, targets) = scaling.map_or((None, None), |scaling| (scaling.inputs, scaling.targets));
        let (feature_names, class_names) = (self.feature_names.clone(), self.class_names.clone());
        Preprocessing { inputs, targets, feature_names, class_names }
    }
}

/// The samples of a study, before they are split and scaled.
#[derive(Clone)]
pub(crate) struct LoadedData {
    /// All samples, unless they are drawn anew from each seed.
    pub(super) samples: Option<Arc<Samples>>,
    /// What the classes are called, in the order of their labels, where the data name them.
    pub(crate) class_names: Option<Vec<String>>,
    /// Rows of the file that were left out, as they miss a value.
    pub(crate) dropped_rows: usize,
    /// Inputs that are missing until the training part is known.
    pub(crate) gaps: Gaps,
    /// What the inputs are called, in their order, where the data name them.
    feature_names: Option<Vec<String>>,
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
        let (samples, class_names, feature_names, dropped_rows, gaps) =
            match load_samples(document, spec, loss, network)? {
                Some(data) => {
                    (Some(Arc::new(data.samples)), data.class_names, data.feature_names, data.dropped, data.gaps)
                }
                None => (None, None, None, 0, Gaps::default()),
            };
        let is_of_classes = |samples: &Arc<Samples>| matches!(samples.targets(), Targets::Classes { .. });
        if spec.scale_targets != ScalingKind::None
            && (loss.is_classification() || samples.as_ref().is_some_and(is_of_classes))
        {
            return Err(document.error_at(&["data", "scale_targets"], ScalingError::Classes));
        }
        Ok(Self { samples, class_names, feature_names, dropped_rows, gaps, scale: [spec.scale, spec.scale_targets] })
    }
}

impl Problem {
    /// The samples of a seed: split, with missing inputs filled in, and scaled.
    ///
    /// # Errors
    /// When the split is impossible, or the training part does not say what to fill in or how to scale.
    pub fn data(&self, seed: u64) -> Result<SeededData, Report> {
        let [_, train, validation] = self.parts(seed)?;
        self.scaled(train, validation)
    }

    /// All samples (for `gf eval`) with the scaling and the means of the training part of `seed`, drawn from `seed` where it draws.
    ///
    /// # Errors
    /// When a split is needed and impossible.
    pub fn all_samples(&self, seed: u64) -> Result<Arc<Samples>, Report> {
        let data = &self.network()?.data;
        if data.scale == [ScalingKind::None; 2] && data.gaps.is_empty() {
            return self.samples(seed);
        }
        let [all, train, _] = self.parts(seed)?;
        Ok(self.scaled(train, all)?.validation)
    }

    fn samples(&self, seed: u64) -> Result<Arc<Samples>, Report> {
        Ok(match &self.network()?.data.samples {
            Some(samples) => Arc::clone(samples),
            None => Arc::new(data::original(&Streams::new(seed))),
        })
    }

    /// All, training and validation samples of a seed in the units of the data, complete.
    fn parts(&self, seed: u64) -> Result<[Arc<Samples>; 3], Report> {
        let streams = Streams::new(seed);
        let validation = &self.study.validation;
        let at = |key: &'static str| move |error: data::SplitError| self.document.error_at(&["validation", key], error);
        let all = self.samples(seed)?;
        let mut split = match validation.split {
            SplitKind::None => {
                let rows: Vec<usize> = (0..all.len()).collect();
                let all = self.filled(all, &rows)?;
                return Ok([Arc::clone(&all), Arc::clone(&all), all]);
            }
            SplitKind::Shuffled => data::shuffled_split(&all, validation.fraction, &streams).map_err(at("fraction"))?,
            SplitKind::Stratified => {
                data::stratified_split(&all, validation.fraction, &streams).map_err(at("split"))?
            }
        };
        let all = self.filled(all, &split.train_rows)?;
        if !self.network()?.data.gaps.is_empty() {
            (split.train, split.validation) = (all.select(&split.train_rows), all.select(&split.validation_rows));
        }
        if let Some(column) = validation.sort_by {
            split.sort_validation_by_input(column).map_err(at("sort_by"))?;
        }
        Ok([all, Arc::new(split.train), Arc::new(split.validation)])
    }

    /// The samples with the means of the training part in the place of missing inputs.
    fn filled(&self, all: Arc<Samples>, train_rows: &[usize]) -> Result<Arc<Samples>, Report> {
        let gaps = &self.network()?.data.gaps;
        if gaps.is_empty() {
            return Ok(all);
        }
        let error = |error| self.document.error_at(&["data", "missing"], error);
        gaps.fill(&all, train_rows).map(Arc::new).map_err(error)
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
        let (class_names, feature_names) = (data.class_names.clone(), data.feature_names.clone());
        Ok(SeededData { train, validation, in_data_units, scaling, class_names, feature_names })
    }
}

/// The samples that the keys name; none where they are drawn from each seed.
fn load_samples(
    document: &Document,
    spec: &DataSpec,
    loss: LossKind,
    network: &Network,
) -> Result<Option<CsvData>, Report> {
    let DataSpec { builtin, x, y, csv, target, .. } = spec;
    if let Some((key, _)) = keys_of_csv(spec).into_iter().find(|(_, is_set)| *is_set && csv.is_none()) {
        return Err(document.error_at(&["data", key], "belongs to csv = \"FILE\", which is not there"));
    }
    let data = match (builtin, x, y, csv, target) {
        (Some(builtin), None, None, None, None) => match builtin_samples(*builtin) {
            Some(data) => data,
            None => return Ok(None),
        },
        (None, Some(x), Some(y), None, None) => {
            let kind = match loss.takes_classes() {
                true => TargetKind::Classes { classes: Some(network.outputs()) },
                false => TargetKind::Values,
            };
            let paths: [PathBuf; 2] = [document.resolve(x), document.resolve(y)];
            let samples = data::read_pair(&paths[0], &paths[1], kind);
            plain(samples.map_err(|error| document.error_at(&["data"], error))?)
        }
        (None, None, None, Some(csv), Some(target)) => {
            read_csv_file(document, spec, &document.resolve(csv), target, loss, network.outputs())?
        }
        (None, None, None, Some(_), None) => {
            return Err(document.error_at(&["data"], "expected the key target beside csv: target = [\"column\"]"));
        }
        _ => {
            let expected = "expected one of: builtin; x and y; csv and target";
            return Err(document.error_at(&["data"], format!("{expected}; found another combination of keys")));
        }
    };
    let CsvData { samples, class_names, feature_names, dropped, gaps } = data;
    let samples = match samples.targets() {
        // Two classes for one logit are its targets 0 and 1.
        Targets::Classes { classes: 2, labels } if network.outputs() == 1 => {
            let values = labels.iter().map(|label| f64::from(*label)).collect();
            let targets = Targets::Values { width: 1, values };
            Samples::new(samples.width(), samples.inputs().to_vec(), targets).map_err(misuse)?
        }
        _ => samples,
    };
    if let (LossKind::BceWithLogits, Targets::Values { width, values }) = (loss, samples.targets())
        && let Some(at) = values.iter().position(|y| !(0.0..=1.0).contains(y))
    {
        let (sample, column, found) = (at / width, at % width, values[at]);
        let place = format!("sample {sample} (from 0) of {}, target {column}, is {found}", samples.len());
        return Err(document.error_at(&["data"], format!("bce_with_logits needs targets from 0 to 1: {place}")));
    }
    // Integer labels with a loss on values: the loss takes them as one-hot rows, which the network must have outputs for.
    let is_of_one_class = match samples.targets() {
        Targets::Classes { labels, .. } => labels.windows(2).all(|pair| pair[0] == pair[1]),
        Targets::Values { .. } => class_names.as_ref().is_some_and(|names| names.len() == 1),
    };
    if is_of_one_class {
        return Err(document.error_at(&["data"], "expected at least two classes, found the same one in every row"));
    }
    if let Targets::Classes { classes, .. } = samples.targets()
        && *classes != network.outputs()
    {
        let message = format!("expected {classes} units in the last layer, one a class; found {}", network.outputs());
        return Err(document.error_at(&["network", "layers"], message));
    }
    Ok(Some(CsvData { samples, class_names, feature_names, dropped, gaps }))
}

/// The keys that only `csv` has, and whether they are set.
fn keys_of_csv(spec: &DataSpec) -> [(&'static str, bool); 5] {
    [
        ("target", spec.target.is_some()),
        ("features", spec.features.is_some()),
        ("header", spec.header.is_some()),
        ("delimiter", spec.delimiter.is_some()),
        ("missing", spec.missing.is_some()),
    ]
}

/// The samples of a built-in set with the names of its classes; none where they are drawn from a seed.
pub(crate) fn builtin_samples(builtin: Builtin) -> Option<CsvData> {
    let named = |samples: Samples, names: &[&str]| CsvData {
        class_names: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..plain(samples)
    };
    Some(match builtin {
        Builtin::Original => return None,
        Builtin::Digits => plain(data::digits()),
        Builtin::Iris => named(data::iris(), &data::IRIS_CLASSES),
        Builtin::Wine => plain(data::wine()),
        Builtin::BreastCancer => named(data::breast_cancer(), &data::BREAST_CANCER_CLASSES),
        Builtin::Chebyshev => plain(data::chebyshev()),
    })
}

fn read_csv_file(
    document: &Document,
    spec: &DataSpec,
    path: &Path,
    target: &[Column],
    loss: LossKind,
    outputs: usize,
) -> Result<CsvData, Report> {
    let targets = match target {
        [] => return Err(document.error_at(&["data", "target"], "expected at least one column, found none")),
        [column] if loss.takes_classes() => TargetColumns::Classes { column: column.clone(), classes: Some(outputs) },
        [column] if loss == LossKind::BceWithLogits => TargetColumns::Binary(column.clone()),
        columns => TargetColumns::Values(columns.to_vec()),
    };
    let delimiter = spec.delimiter.unwrap_or(',');
    let delimiter = u8::try_from(delimiter).map_err(|_| {
        document.error_at(&["data", "delimiter"], format!("expected an ASCII character, found {delimiter:?}"))
    })?;
    let options =
        CsvOptions { delimiter, header: spec.header.unwrap_or(true), missing: spec.missing.unwrap_or_default() };
    let columns = CsvColumns { targets, features: spec.features.clone() };
    data::read_csv(path, &columns, &options).map_err(|error| {
        let key = match error {
            CsvError::Delimiter { .. } => "delimiter",
            CsvError::Missing { .. } | CsvError::NoCompleteRow { .. } => "missing",
            _ => "csv",
        };
        // The nearest key that is there: `missing` may be left to its default.
        let is_there = key != "missing" || spec.missing.is_some();
        document.error_at(&["data", if is_there { key } else { "csv" }], error)
    })
}

/// Samples that are complete, of classes without names.
fn plain(samples: Samples) -> CsvData {
    CsvData { samples, class_names: None, feature_names: None, dropped: 0, gaps: Gaps::default() }
}
