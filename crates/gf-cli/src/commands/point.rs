//! Points and vectors that commands read.

use std::path::Path;

use gf_utils::SavedModel;
use gf_utils::npy::read_npy;
use miette::Report;

use crate::study::{Problem, misuse};

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
