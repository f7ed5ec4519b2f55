//! Points, vectors and methods that commands read.

use std::path::Path;

use gf_optim::registry::{METHODS, MethodSettings};
use gf_utils::SavedModel;
use gf_utils::npy::read_npy;
use miette::Report;

use crate::study::{Document, Problem, misuse};

/// Parameters from a `.npy` file, or from a `.gfmodel` file of this network.
///
/// # Errors
/// Names the file, expected and found.
pub(super) fn read_theta(path: &Path, problem: &Problem) -> Result<Vec<f64>, Report> {
    if path.extension().is_some_and(|extension| extension == "gfmodel") {
        let model = SavedModel::load(path).map_err(misuse)?;
        let expected = toml::to_string(&problem.network()?.network).map_err(misuse)?;
        if model.network_toml != expected {
            let message = format!("expected a model of this network:\n{expected}found one of:\n{}", model.network_toml);
            return Err(misuse(format!("{}: {message}", path.display())));
        }
        return Ok(model.theta);
    }
    read_vector(path, problem.dim(), "--theta")
}

/// A vector of `length` finite numbers from a `.npy` file.
///
/// # Errors
/// Names the flag, the file, expected and found.
pub(super) fn read_vector(path: &Path, length: usize, flag: &str) -> Result<Vec<f64>, Report> {
    let array = read_npy(path).map_err(|error| misuse(format!("{flag}: {error}")))?;
    if array.shape != [length] {
        let message = format!("expected a vector of {length} numbers, found shape {:?}", array.shape);
        return Err(misuse(format!("{flag} {}: {message}", path.display())));
    }
    if let Some(index) = array.values.iter().position(|x| !x.is_finite()) {
        let message = format!("expected finite numbers, found {} at index {index}", array.values[index]);
        return Err(misuse(format!("{flag} {}: {message}", path.display())));
    }
    Ok(array.values)
}

/// `implicit:h=0.05,solver=minres` → settings; what is not given is that of the textbook step.
///
/// # Errors
/// Names the flag, the text, expected and found.
pub(super) fn parse_method(flag: &str, text: &str) -> Result<MethodSettings, Report> {
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    let mut table = toml::Table::new();
    for pair in settings.split(',').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            misuse(format!("{flag} {text}: expected METHOD:key=value,key=value, found \"{pair}\" without '='"))
        })?;
        let value = match value.parse::<i64>().map(toml::Value::Integer) {
            Ok(integer) => integer,
            Err(_) => value.parse().map_or_else(|_| toml::Value::String(value.into()), toml::Value::Float),
        };
        table.insert(key.trim().into(), value);
    }
    // What makes it the textbook step, unless the user says otherwise.
    let textbook = METHODS.iter().find(|info| info.name == name.trim()).map_or(&[][..], |info| info.textbook);
    for (key, value) in textbook {
        table.entry(*key).or_insert_with(|| toml::Value::String((*value).into()));
    }
    let document = toml::Table::from_iter([(name.trim().to_string(), toml::Value::Table(table))]);
    let source = toml::to_string(&document).map_err(misuse)?;
    let settings: MethodSettings = Document::builtin(&format!("{flag} {text}"), source).parse()?;
    settings.validate().map_err(|error| misuse(format!("{flag} {text}: {error}")))?;
    Ok(settings)
}
