//! The samples of a seed: split and scaled.

use std::sync::Arc;

use gf_core::{Communicator, Samples, Streams, Targets};
use gf_layers::Part;
use gf_utils::Preprocessing;
use gf_utils::classification::class_labels;
use gf_utils::data::{self, Gaps, Scaling, ScalingError, ScalingKind};
use miette::Report;

use super::Problem;
use super::records::Records;
use super::spec::SplitKind;

/// A set of samples, or what this rank has of it.
#[derive(Clone)]
pub struct SampleSet {
    own: Arc<Samples>,
    /// Which ones; none where all are here.
    part: Option<Part>,
}

impl SampleSet {
    /// The samples that are here, and, where they are not all, which of how many.
    pub(super) fn new(own: Arc<Samples>, part: Option<(Vec<usize>, usize)>) -> Self {
        let part = part.map(|(rows, total)| Part::new(rows, total).expect("a row is in a set once"));
        Self { own, part }
    }

    /// Samples of the whole set.
    pub fn len(&self) -> usize {
        self.part.as_ref().map_or(self.own.len(), Part::total)
    }

    /// Never: no split leaves a set empty, though this rank may have none of it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples that are here.
    pub fn own(&self) -> &Arc<Samples> {
        &self.own
    }

    /// Which of the whole set they are; none where they are all.
    pub fn part(&self) -> Option<&Part> {
        self.part.as_ref()
    }

    fn with(&self, own: Samples) -> Self {
        Self { own: Arc::new(own), part: self.part.clone() }
    }
}

/// The samples of one seed.
pub struct SeededData {
    /// For training, scaled.
    pub train: SampleSet,
    /// Held out, scaled as the training part says.
    pub validation: SampleSet,
    /// The validation samples as they are in the data: what metrics and predictions are about.
    pub in_data_units: SampleSet,
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

impl Problem {
    /// The samples of a seed: split, with missing inputs filled in, and scaled.
    ///
    /// # Errors
    /// When the split is impossible, or the training part does not say what to fill in or how to scale.
    pub fn data(&self, seed: u64) -> Result<SeededData, Report> {
        let [_, train, validation] = self.parts(seed)?;
        self.scaled(&train, validation)
    }

    /// What tells the samples of a seed from others, before they are split, filled in and scaled: the same for any number of ranks.
    ///
    /// Σ CRC-32(row, inputs, targets) over the records, plus how many inputs are missing, mod 2³².
    ///
    /// # Errors
    /// When there are no samples.
    pub(crate) fn fingerprint(&self, seed: u64) -> Result<u32, Report> {
        let records = self.records(seed)?;
        let samples = &records.samples;
        let mut sum = 0_u32;
        for (row, inputs) in records.rows.clone().zip(samples.inputs().chunks_exact(samples.width())) {
            let mut hasher = crc32fast::Hasher::new();
            let own = row - records.rows.start;
            hasher.update(&(row as u64).to_le_bytes());
            inputs.iter().for_each(|x| hasher.update(&x.to_le_bytes()));
            match samples.targets() {
                Targets::Values { width, values } => {
                    values[own * width..][..*width].iter().for_each(|y| hasher.update(&y.to_le_bytes()));
                }
                Targets::Classes { labels, .. } => hasher.update(&labels[own].to_le_bytes()),
            }
            sum = sum.wrapping_add(hasher.finalize());
        }
        // Halves, so that sums over ranks are exact.
        let mut halves = [f64::from(sum & 0xffff), f64::from(sum >> 16), self.network()?.data.gaps.len() as f64];
        self.ranks.sum(&mut halves);
        let [low, high, gaps] = halves.map(|half| half as u64);
        Ok((low + (high << 16) + gaps) as u32)
    }

    /// All samples (for `gf eval`) with the scaling and the means of the training part of `seed`, drawn from `seed` where it draws.
    ///
    /// # Errors
    /// When a split is needed and impossible.
    pub fn all_samples(&self, seed: u64) -> Result<SampleSet, Report> {
        let data = &self.network()?.data;
        if data.scale == [ScalingKind::None; 2] && data.missing == 0 {
            let records = self.records(seed)?;
            return Ok(records.all(Arc::clone(&records.samples)));
        }
        let [all, train, _] = self.parts(seed)?;
        Ok(self.scaled(&train, all)?.validation)
    }

    fn records(&self, seed: u64) -> Result<Records, Report> {
        match &self.network()?.data.records {
            Some(records) => Ok(records.clone()),
            None => Records::part_of(data::original(&Streams::new(seed)), &self.ranks),
        }
    }

    /// All, training and validation samples of a seed in the units of the data, complete.
    fn parts(&self, seed: u64) -> Result<[SampleSet; 3], Report> {
        let streams = Streams::new(seed);
        let validation = &self.study.validation;
        let at = |key: &'static str| move |error: data::SplitError| self.document.error_at(&["validation", key], error);
        let records = self.records(seed)?;
        let mut rows = match validation.split {
            SplitKind::None => {
                let all_rows: Vec<usize> = (0..records.total).collect();
                let all = records.all(self.filled(&records, &all_rows)?);
                return Ok([all.clone(), all.clone(), all]);
            }
            SplitKind::Shuffled => {
                data::shuffled_rows(records.total, validation.fraction, &streams).map_err(at("fraction"))?
            }
            SplitKind::Stratified => {
                let all = records.all(Arc::clone(&records.samples));
                let targets = self.ranks.all_targets(all.part(), records.targets());
                let labels = class_labels(&targets).map_err(|_| at("split")(data::SplitError::NotClasses))?;
                data::stratified_rows(&labels, validation.fraction, &streams).map_err(at("split"))?
            }
        };
        let samples = self.filled(&records, &rows.train)?;
        if let Some(column) = validation.sort_by {
            let width = samples.width();
            if column >= width {
                return Err(at("sort_by")(data::SplitError::Column { column, width }));
            }
            let set = records.select(&samples, &rows.validation);
            let own: Vec<f64> = set.own.inputs().iter().skip(column).step_by(width).copied().collect();
            let values = self.ranks.all_rows(set.part(), 1, &own);
            let order = data::ascending_order(&values);
            rows.validation = order.into_iter().map(|place| rows.validation[place]).collect();
        }
        let [train, held] = [&rows.train, &rows.validation].map(|rows| records.select(&samples, rows));
        Ok([records.all(samples), train, held])
    }

    /// The samples with the means of the training part in the place of missing inputs.
    fn filled(&self, records: &Records, train_rows: &[usize]) -> Result<Arc<Samples>, Report> {
        let data = &self.network()?.data;
        if data.missing == 0 {
            return Ok(Arc::clone(&records.samples));
        }
        let note = data.gaps.note(&records.samples, &records.own_rows(train_rows));
        let error = |error| self.document.error_at(&["data", "missing"], error);
        let means = Gaps::means(&self.ranks.gather(&note)).map_err(error)?;
        data.gaps.fill_with(&records.samples, &means).map(Arc::new).map_err(error)
    }

    /// Both sets, scaled as the training set says.
    fn scaled(&self, train: &SampleSet, validation: SampleSet) -> Result<SeededData, Report> {
        let data = &self.network()?.data;
        let error = |error: ScalingError| {
            let key = if matches!(error, ScalingError::Classes) { "scale_targets" } else { "scale" };
            self.document.error_at(&["data", key], error)
        };
        let own: Vec<usize> = (0..train.own.len()).collect();
        let note = self.ranks.agree(Scaling::note(&train.own, &own, data.scale).map_err(error))?;
        let scaling = Scaling::from_notes(data.scale, &self.ranks.gather(&note)).map_err(error)?;
        let in_data_units = validation.clone();
        let (train, validation) = match &scaling {
            None => (train.clone(), validation),
            Some(scaling) => {
                let apply = |set: &SampleSet| {
                    if set.own.is_empty() { Ok(set.clone()) } else { Ok(set.with(scaling.apply(&set.own)?)) }
                };
                let scaled = apply(train).and_then(|train| Ok((train, apply(&validation)?)));
                self.ranks.agree(scaled.map_err(error))?
            }
        };
        let (class_names, feature_names) = (data.class_names.clone(), data.feature_names.clone());
        Ok(SeededData { train, validation, in_data_units, scaling, class_names, feature_names })
    }
}
