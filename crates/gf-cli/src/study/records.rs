//! `[data]`: records from files and built-in sets, all of them or those that belong to this rank.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gf_core::{Communicator, Samples, Targets};
use gf_layers::Network;
use gf_utils::CsvError;
use gf_utils::data::{
    self, Column, CsvColumns, CsvData, CsvOptions, CsvPartData, CsvScan, Gaps, SamplesPart, ScalingError, ScalingKind,
    TargetColumns, TargetKind,
};
use gf_utils::part::{FilePattern, Part, PatternError};
use miette::Report;

use super::data::SampleSet;
use super::loss::LossKind;
use super::spec::{Builtin, DataSpec};
use super::{Document, misuse};
use crate::ranks::Ranks;

/// The samples of a study, before they are split and scaled.
#[derive(Clone)]
pub(crate) struct LoadedData {
    /// The records, unless they are drawn anew from each seed.
    pub(super) records: Option<Records>,
    /// What the classes are called, in the order of their labels, where the data name them.
    pub(crate) class_names: Option<Vec<String>>,
    /// Rows of the file that were left out, as they miss a value.
    pub(crate) dropped_rows: usize,
    /// Inputs that are missing here until the training part is known.
    pub(super) gaps: Gaps,
    /// How many are missing on all ranks.
    pub(crate) missing: usize,
    /// What the inputs are called, in their order, where the data name them.
    pub(super) feature_names: Option<Vec<String>>,
    /// Of inputs and of targets.
    pub(super) scale: [ScalingKind; 2],
}

/// What this rank has of the records.
#[derive(Clone)]
pub(super) struct Records {
    pub(super) samples: Arc<Samples>,
    /// Which of all they are.
    pub(super) rows: Range<usize>,
    pub(super) total: usize,
}

impl Records {
    /// The records of a part; `is_own` says that it is a file of this rank's own.
    fn new(part: SamplesPart, is_own: bool, ranks: &Ranks) -> Result<Self, Report> {
        let SamplesPart { samples, mut rows, mut total } = part;
        if is_own {
            let counts: Vec<usize> = ranks.gather(&[total as f64]).iter().map(|count| count[0] as usize).collect();
            (rows, total) = ranks.part().rows(&counts);
        }
        let samples = samples.ok_or_else(|| misuse(too_few(total, ranks)));
        Ok(Self { samples: Arc::new(ranks.agree(samples)?), rows, total })
    }

    fn whole(samples: Samples) -> Self {
        Self { rows: 0..samples.len(), total: samples.len(), samples: Arc::new(samples) }
    }

    /// This rank's part of records that every rank can have.
    pub(super) fn part_of(samples: Samples, ranks: &Ranks) -> Result<Self, Report> {
        if ranks.is_alone() {
            return Ok(Self::whole(samples));
        }
        let (total, rows) = (samples.len(), ranks.part().range(samples.len()));
        if rows.is_empty() {
            return Err(misuse(too_few(total, ranks)));
        }
        let own: Vec<usize> = rows.clone().collect();
        Ok(Self { samples: Arc::new(samples.select(&own)), rows, total })
    }

    pub(super) fn targets(&self) -> &Targets {
        self.samples.targets()
    }

    /// Of these rows of all, those that are here, counted among what is here.
    pub(super) fn own_rows(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().filter(|row| self.rows.contains(row)).map(|row| row - self.rows.start).collect()
    }

    /// The set of these rows of all, of `samples` in the place of these records.
    pub(super) fn select(&self, samples: &Samples, rows: &[usize]) -> SampleSet {
        let here = || rows.iter().enumerate().filter(|(_, row)| self.rows.contains(row)).map(|(place, _)| place);
        let own = samples.select(&self.own_rows(rows));
        SampleSet::new(Arc::new(own), (!self.are_all()).then(|| (here().collect(), rows.len())))
    }

    /// The set of all rows.
    pub(super) fn all(&self, samples: Arc<Samples>) -> SampleSet {
        SampleSet::new(samples, (!self.are_all()).then(|| (self.rows.clone().collect(), self.total)))
    }

    fn are_all(&self) -> bool {
        self.rows.len() == self.total
    }
}

fn too_few(records: usize, ranks: &Ranks) -> String {
    format!("[data]: expected at least a record for each of {} ranks, found {records}", ranks.size())
}

impl LoadedData {
    /// Reads what the keys name: all of it, or the part that belongs to this rank.
    ///
    /// # Errors
    /// Names file, key, expected and found.
    pub(super) fn load(
        document: &Document,
        spec: &DataSpec,
        loss: LossKind,
        network: &Network,
        ranks: &Ranks,
    ) -> Result<Self, Report> {
        let loaded = load_records(document, spec, loss, network, ranks)?;
        let is_of_classes = |loaded: &Loaded| matches!(loaded.records.targets(), Targets::Classes { .. });
        if spec.scale_targets != ScalingKind::None
            && (loss.is_classification() || loaded.as_ref().is_some_and(is_of_classes))
        {
            return Err(document.error_at(&["data", "scale_targets"], ScalingError::Classes));
        }
        let scale = [spec.scale, spec.scale_targets];
        let Some(Loaded { records, class_names, feature_names, dropped, gaps }) = loaded else {
            let (gaps, dropped_rows, missing) = (Gaps::default(), 0, 0);
            let (records, class_names, feature_names) = (None, None, None);
            return Ok(Self { records, class_names, feature_names, dropped_rows, gaps, missing, scale });
        };
        let mut missing = [gaps.len() as f64];
        ranks.sum(&mut missing);
        let missing = missing[0] as usize;
        Ok(Self { records: Some(records), class_names, feature_names, dropped_rows: dropped, gaps, missing, scale })
    }
}

/// What the keys name, where it is not drawn from each seed.
struct Loaded {
    records: Records,
    class_names: Option<Vec<String>>,
    feature_names: Option<Vec<String>>,
    dropped: usize,
    gaps: Gaps,
}

/// What the keys name; none where it is drawn from each seed.
fn load_records(
    document: &Document,
    spec: &DataSpec,
    loss: LossKind,
    network: &Network,
    ranks: &Ranks,
) -> Result<Option<Loaded>, Report> {
    let Some(loaded) = read_records(document, spec, loss, network, ranks)? else { return Ok(None) };
    let Loaded { mut records, .. } = loaded;
    ranks.agree(same_shapes(&records.samples, ranks))?;
    // Two classes for one logit are its targets 0 and 1.
    if let (Targets::Classes { classes: 2, labels }, 1) = (records.samples.targets(), network.outputs()) {
        let values = labels.iter().map(|label| f64::from(*label)).collect();
        let targets = Targets::Values { width: 1, values };
        let samples = &records.samples;
        let samples = Samples::new(samples.width(), samples.inputs().to_vec(), targets).map_err(misuse)?;
        records.samples = Arc::new(samples);
    }
    ranks.agree(check_targets(document, &records, loss, network, loaded.class_names.as_deref(), ranks))?;
    Ok(Some(Loaded { records, ..loaded }))
}

/// Targets that the loss and the network can take.
fn check_targets(
    document: &Document,
    records: &Records,
    loss: LossKind,
    network: &Network,
    class_names: Option<&[String]>,
    ranks: &Ranks,
) -> Result<(), Report> {
    let targets = records.samples.targets();
    // The lowest and the highest label of all ranks: all take part, whatever they find.
    let of_labels = match targets {
        Targets::Classes { labels, .. } => {
            let ends = [labels.iter().min(), labels.iter().max()].map(|label| label.map_or(0.0, |l| f64::from(*l)));
            let ends = ranks.gather(&ends);
            Some(ends.iter().all(|of_rank| of_rank[0] == of_rank[1] && of_rank[0] == ends[0][0]))
        }
        Targets::Values { .. } => None,
    };
    if let (LossKind::BceWithLogits, Targets::Values { width, values }) = (loss, targets)
        && let Some(at) = values.iter().position(|y| !(0.0..=1.0).contains(y))
    {
        let (sample, column, found) = (records.rows.start + at / width, at % width, values[at]);
        let place = format!("sample {sample} (from 0) of {}, target {column}, is {found}", records.total);
        return Err(document.error_at(&["data"], format!("bce_with_logits needs targets from 0 to 1: {place}")));
    }
    // Integer labels with a loss on values: the loss takes them as one-hot rows, which the network must have outputs for.
    let is_of_one_class = of_labels.unwrap_or_else(|| class_names.is_some_and(|names| names.len() == 1));
    if is_of_one_class {
        return Err(document.error_at(&["data"], "expected at least two classes, found the same one in every row"));
    }
    if let Targets::Classes { classes, .. } = targets
        && *classes != network.outputs()
    {
        let message = format!("expected {classes} units in the last layer, one a class; found {}", network.outputs());
        return Err(document.error_at(&["network", "layers"], message));
    }
    Ok(())
}

/// Refuses records of different widths on different ranks.
fn same_shapes(samples: &Samples, ranks: &Ranks) -> Result<(), Report> {
    let kind = f64::from(u8::from(matches!(samples.targets(), Targets::Classes { .. })));
    let shapes = ranks.gather(&[samples.width() as f64, samples.outputs() as f64, kind]);
    let shape = |rank: usize| format!("{} inputs and {} targets a record", shapes[rank][0], shapes[rank][1]);
    match shapes.iter().position(|other| *other != shapes[0]) {
        None => Ok(()),
        Some(rank) => {
            let (first, other) = (shape(0), shape(rank));
            Err(misuse(format!(
                "[data]: expected the same shapes on all ranks, found {first} on rank 0 and {other} on rank {rank}"
            )))
        }
    }
}

/// Reads all records, or those that belong to this rank.
fn read_records(
    document: &Document,
    spec: &DataSpec,
    loss: LossKind,
    network: &Network,
    ranks: &Ranks,
) -> Result<Option<Loaded>, Report> {
    let DataSpec { builtin, x, y, csv, target, .. } = spec;
    if let Some((key, _)) = keys_of_csv(spec).into_iter().find(|(_, is_set)| *is_set && csv.is_none()) {
        return Err(document.error_at(&["data", key], "belongs to csv = \"FILE\", which is not there"));
    }
    match (builtin, x, y, csv, target) {
        (Some(builtin), None, None, None, None) => {
            let Some(CsvData { samples, class_names, feature_names, dropped, gaps }) = builtin_samples(*builtin) else {
                return Ok(None);
            };
            let records = Records::part_of(samples, ranks)?;
            Ok(Some(Loaded { records, class_names, feature_names, dropped, gaps }))
        }
        (None, Some(x), Some(y), None, None) => read_arrays(document, [x, y], loss, network, ranks).map(Some),
        (None, None, None, Some(csv), Some(target)) => {
            read_csv_file(document, spec, csv, target, (loss, network.outputs()), ranks).map(Some)
        }
        (None, None, None, Some(_), None) => {
            Err(document.error_at(&["data"], "expected the key target beside csv: target = [\"column\"]"))
        }
        _ => {
            let expected = "expected one of: builtin; x and y; csv and target";
            Err(document.error_at(&["data"], format!("{expected}; found another combination of keys")))
        }
    }
}

/// Where a file is, and whether it is this rank's own: `{rank}` in its name stands for the rank.
fn file(document: &Document, key: &str, path: &Path, ranks: &Ranks) -> Result<(PathBuf, bool), Report> {
    let text = path.to_string_lossy();
    if !FilePattern::is_pattern(&text) {
        return Ok((document.resolve(path), false));
    }
    let error = |error: PatternError| document.error_at(&["data", key], error);
    let pattern = FilePattern::new(text).map_err(error)?;
    let path = pattern.open(&document.folder, ranks.rank()).map_err(error)?;
    let next = document.folder.join(pattern.path(ranks.size()));
    if next.exists() {
        let message = format!("expected a rank for each file, found {} and {} ranks", next.display(), ranks.size());
        return Err(document.error_at(&["data", key], message));
    }
    Ok((path, true))
}

fn read_arrays(
    document: &Document,
    [x, y]: [&Path; 2],
    loss: LossKind,
    network: &Network,
    ranks: &Ranks,
) -> Result<Loaded, Report> {
    let kind = match loss.takes_classes() {
        true => TargetKind::Classes { classes: Some(network.outputs()) },
        false => TargetKind::Values,
    };
    let read = || {
        let [(x, is_own), (y, is_own_too)] = [file(document, "x", x, ranks)?, file(document, "y", y, ranks)?];
        if is_own != is_own_too {
            let message = "expected {rank} in the names of both files or of none, found it in one";
            return Err(document.error_at(&["data", "y"], message));
        }
        let part = if is_own { Part::WHOLE } else { ranks.part() };
        let read = data::read_pair_part(&x, &y, kind, part).map_err(|error| document.error_at(&["data"], error))?;
        Ok((read, is_own))
    };
    let (part, is_own) = ranks.agree(read())?;
    let records = Records::new(part, is_own, ranks)?;
    Ok(Loaded { records, class_names: None, feature_names: None, dropped: 0, gaps: Gaps::default() })
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
    (loss, outputs): (LossKind, usize),
    ranks: &Ranks,
) -> Result<Loaded, Report> {
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
    let error = |error: CsvError| {
        let key = match error {
            CsvError::Delimiter { .. } => "delimiter",
            CsvError::Missing { .. } | CsvError::NoCompleteRow { .. } => "missing",
            _ => "csv",
        };
        // The nearest key that is there: `missing` may be left to its default.
        let is_there = key != "missing" || spec.missing.is_some();
        document.error_at(&["data", if is_there { key } else { "csv" }], error)
    };
    let scan = || {
        let (path, is_own) = file(document, "csv", path, ranks)?;
        let part = if is_own { Part::WHOLE } else { ranks.part() };
        Ok((CsvScan::new(&path, part, &options).map_err(error)?, is_own))
    };
    let (scan, is_own) = ranks.agree(scan())?;
    let notes = if is_own { vec![scan.note()] } else { ranks.gather(&scan.note()) };
    let rows = ranks.agree(scan.read(&columns, &notes).map_err(error))?;
    let notes = ranks.gather(&rows.note());
    let CsvPartData { part, class_names, feature_names, dropped, gaps } =
        ranks.agree(rows.finish(ranks.part(), &notes).map_err(error))?;
    // The second notes have counted the rows of all ranks, of their own files too.
    Ok(Loaded { records: Records::new(part, false, ranks)?, class_names, feature_names, dropped, gaps })
}

/// Samples that are complete, of classes without names.
fn plain(samples: Samples) -> CsvData {
    CsvData { samples, class_names: None, feature_names: None, dropped: 0, gaps: Gaps::default() }
}
