//! The rows that a model is asked about, and their targets where the data hold them.

use std::path::Path;

use gf_core::Targets;
use gf_utils::data::{CsvData, CsvTable};
use gf_utils::npy::{NpyArray, read_npy};
use gf_utils::suggest;
use miette::Report;

use crate::arguments::PredictArguments;
use crate::model::Model;
use crate::study::{Builtin, builtin_samples, misuse};

/// Rows in the units of the data.
pub(super) struct Rows {
    /// n × input, row-major.
    pub(super) inputs: Vec<f64>,
    /// None where the data do not hold them.
    pub(super) targets: Option<Targets>,
}

/// Reads a `.csv` or `.npy` file, or a built-in set.
pub(super) fn read(model: &Model, arguments: &PredictArguments) -> Result<Rows, Report> {
    let PredictArguments { data, target, delimiter, no_header, .. } = arguments;
    match data.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => {
            let delimiter = u8::try_from(*delimiter)
                .map_err(|_| misuse(format!("--delimiter: expected an ASCII character, found {delimiter:?}")))?;
            let file = CsvTable::read(data, delimiter, !no_header).map_err(misuse)?;
            // Without a header there is nothing to match names with.
            let names = model.saved.preprocessing.feature_names.as_deref().filter(|_| !no_header);
            of_csv(model, data, &file, names, target)
        }
        Some("npy") => of_arrays(model, data, target),
        _ => of_builtin(model, &data.display().to_string(), target),
    }
}

/// Inputs by `names` where there are some, else by position: all columns that are not targets.
fn of_csv(
    model: &Model,
    path: &Path,
    file: &CsvTable,
    names: Option<&[String]>,
    target: &[String],
) -> Result<Rows, Report> {
    let targets = target.iter().map(|name| file.column(name)).collect::<Result<Vec<_>, _>>().map_err(misuse)?;
    let inputs = match names {
        Some(names) => names.iter().map(|name| file.column(name)).collect::<Result<Vec<_>, _>>().map_err(misuse)?,
        None => by_position(model, path, file, &targets)?,
    };
    let inputs = file.numbers(&inputs).map_err(misuse)?;
    let targets = match (&targets[..], model.classes()) {
        ([], _) => None,
        ([column], Some(classes)) => {
            let names = model.saved.preprocessing.class_names.as_deref();
            let labels = file.labels(*column, classes, names).map_err(misuse)?;
            Some(Targets::Classes { classes, labels })
        }
        (columns, None) if columns.len() == model.network.outputs() => {
            Some(Targets::Values { width: columns.len(), values: file.numbers(columns).map_err(misuse)? })
        }
        (columns, classes) => {
            let expected = if classes.is_some() { 1 } else { model.network.outputs() };
            return Err(misuse(format!("--target: expected {expected} columns of targets, found {}", columns.len())));
        }
    };
    Ok(Rows { inputs, targets })
}

fn by_position(model: &Model, path: &Path, file: &CsvTable, targets: &[usize]) -> Result<Vec<usize>, Report> {
    let columns: Vec<usize> = (0..file.header().len()).filter(|column| !targets.contains(column)).collect();
    let names = || columns.iter().map(|column| file.header()[*column].as_str());
    let (expected, found) = (model.network.input, columns.len());
    if expected != found {
        let names = names().collect::<Vec<_>>().join(", ");
        let message =
            format!("expected {expected} columns of inputs, in the order of the training, found {found}: {names}");
        return Err(misuse(format!("{}, line 1: {message}", path.display())));
    }
    // Without a header columns are called by their numbers.
    let is_numbered = file.header().iter().enumerate().all(|(column, name)| *name == column.to_string());
    if !is_numbered && names().all(|name| name.parse::<f64>().is_ok()) {
        let message = "expected a header line with column names, found numbers: --no-header says that there is none";
        return Err(misuse(format!("{}, line 1: {message}", path.display())));
    }
    Ok(columns)
}

fn of_arrays(model: &Model, path: &Path, target: &[String]) -> Result<Rows, Report> {
    let array = finite_array(path)?;
    let width = model.network.input;
    let fits = array.shape.len() == 2 && array.shape[1] == width && array.shape[0] > 0;
    if !fits {
        let message = format!("expected n x {width} inputs, found shape {:?}", array.shape);
        return Err(misuse(format!("{}: {message}", path.display())));
    }
    let rows = array.shape[0];
    let targets = match target {
        [] => None,
        [file] => Some(targets_of_array(model, Path::new(file), rows)?),
        files => {
            return Err(misuse(format!("--target: expected one .npy file beside .npy data, found {}", files.len())));
        }
    };
    Ok(Rows { inputs: array.values, targets })
}

fn targets_of_array(model: &Model, path: &Path, rows: usize) -> Result<Targets, Report> {
    let array = finite_array(path)?;
    let fault = |message: String| misuse(format!("--target {}: {message}", path.display()));
    let width = if model.classes().is_some() { 1 } else { model.network.outputs() };
    let fits = match array.shape[..] {
        [n] => n == rows && width == 1,
        [n, columns] => n == rows && columns == width,
        _ => false,
    };
    if !fits {
        return Err(fault(format!("expected {rows} x {width} targets, found shape {:?}", array.shape)));
    }
    let Some(classes) = model.classes() else { return Ok(Targets::Values { width, values: array.values }) };
    let is_label = |number: &f64| number.fract() == 0.0 && (0.0..classes as f64).contains(number);
    if let Some(row) = array.values.iter().position(|number| !is_label(number)) {
        let (last, found) = (classes - 1, array.values[row]);
        return Err(fault(format!("row {row}: expected a class from 0 to {last}, found {found}")));
    }
    Ok(Targets::Classes { classes, labels: array.values.iter().map(|number| *number as u32).collect() })
}

fn finite_array(path: &Path) -> Result<NpyArray, Report> {
    let array = read_npy(path).map_err(misuse)?;
    if let Some(index) = array.values.iter().position(|x| !x.is_finite()) {
        let columns = array.shape.get(1).copied().unwrap_or(1).max(1);
        let (row, column, found) = (index / columns, index % columns, array.values[index]);
        let message = format!("row {row}, column {column}: expected a finite number, found {found}");
        return Err(misuse(format!("{}: {message}", path.display())));
    }
    Ok(array)
}

fn of_builtin(model: &Model, name: &str, target: &[String]) -> Result<Rows, Report> {
    let known = || Builtin::ALL.into_iter().filter(|set| *set != Builtin::Original).map(Builtin::name);
    let set = Builtin::ALL.into_iter().find(|set| set.name() == name).and_then(builtin_samples);
    let Some(CsvData { samples, .. }) = set else {
        let hint = suggest(name, known()).map(|near| format!(" (did you mean \"{near}\"?)")).unwrap_or_default();
        let known = known().collect::<Vec<_>>().join(", ");
        return Err(misuse(format!("--data: expected a .csv or .npy file, or one of {known}; found {name}{hint}")));
    };
    if let Some(target) = target.first() {
        return Err(misuse(format!("--target {target}: \"{name}\" has its own targets: leave it out")));
    }
    if samples.width() != model.network.input {
        let (expected, found) = (model.network.input, samples.width());
        return Err(misuse(format!("--data {name}: expected {expected} inputs a sample, found {found}")));
    }
    Ok(Rows { inputs: samples.inputs().to_vec(), targets: Some(samples.targets().clone()) })
}
