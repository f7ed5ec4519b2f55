//! `gf export`: a saved model for other programs.

use std::collections::HashMap;
use std::path::Path;

use gf_utils::npy::write_npy;
use gf_utils::write_atomically;
use miette::Report;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use super::print;
use crate::arguments::ExportArguments;
use crate::folder::{FolderWriter, write_text};
use crate::model::Model;
use crate::study::misuse;

pub(super) fn execute(arguments: &ExportArguments) -> Result<u8, Report> {
    if arguments.npy.is_none() && arguments.safetensors.is_none() {
        return Err(misuse("expected --npy DIR, --safetensors FILE or both, found neither"));
    }
    let model = Model::read(&arguments.model)?;
    if let Some(folder) = &arguments.npy {
        let is_taken = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file();
        if is_taken {
            let message = "expected a folder that does not exist or is empty, found it in use";
            return Err(misuse(format!("--npy {}: {message}", folder.display())));
        }
    }
    if let Some(file) = &arguments.safetensors {
        write_safetensors(&model, file)?;
        print(&format!("{}", file.display()));
    }
    if let Some(folder) = &arguments.npy {
        write_arrays(&model, folder)?;
        print(&format!("{}", folder.display()));
    }
    Ok(0)
}

/// A layer's parameters: z = a W + b.
struct LayerArrays<'a> {
    inputs: usize,
    units: usize,
    /// W, inputs × units, row-major.
    weights: &'a [f64],
    /// b, one a unit.
    biases: &'a [f64],
}

fn layers(model: &Model) -> impl Iterator<Item = LayerArrays<'_>> {
    model.network.layer_ranges().into_iter().zip(&model.network.layers).map(|(range, layer)| {
        let units = layer.units;
        let inputs = range.len() / units - 1;
        let (weights, biases) = model.saved.theta[range].split_at(inputs * units);
        LayerArrays { inputs, units, weights, biases }
    })
}

/// Network, preprocessing, meaning of the outputs and origin, as an object.
fn description(model: &Model) -> Value {
    let (saved, pre) = (&model.saved, &model.saved.preprocessing);
    json!({
        "network": model.network,
        "input_scales": pre.inputs,
        "target_scales": pre.targets,
        "feature_names": pre.feature_names,
        "class_names": pre.class_names,
        "outputs": model.meaning(),
        "provenance": saved.provenance,
    })
}

/// `W1.npy` (inputs × units), `b1.npy` (units) and so on, `model.json`.
fn write_arrays(model: &Model, target: &Path) -> Result<(), Report> {
    let writer = FolderWriter::create(Some(target), "")?;
    let folder = writer.path();
    for (number, layer) in layers(model).enumerate().map(|(l, layer)| (l + 1, layer)) {
        let array = |name: &str, shape: &[usize], values: &[f64]| {
            write_npy(&folder.join(format!("{name}{number}.npy")), shape, values).map_err(misuse)
        };
        array("W", &[layer.inputs, layer.units], layer.weights)?;
        array("b", &[layer.units], layer.biases)?;
    }
    let json = serde_json::to_string_pretty(&description(model)).map_err(misuse)?;
    write_text(&folder.join("model.json"), &(json + "\n"))?;
    writer.finish().map(|_| ())
}

/// `layers.0.weight` (units × inputs, as PyTorch's `Linear` has it) and `layers.0.bias` (units), and so on, all F64; the description as JSON in
/// the metadata under `gf`.
fn write_safetensors(model: &Model, path: &Path) -> Result<(), Report> {
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (l, layer) in layers(model).enumerate() {
        let column = |unit: usize| layer.weights.iter().skip(unit).step_by(layer.units);
        let transposed = (0..layer.units).flat_map(column);
        tensors.push((format!("layers.{l}.weight"), vec![layer.units, layer.inputs], bytes(transposed)));
        tensors.push((format!("layers.{l}.bias"), vec![layer.units], bytes(layer.biases.iter())));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F64, shape.clone(), bytes).map_err(misuse)?)))
        .collect::<Result<Vec<_>, Report>>()?;
    // One entry: the order of several would change from run to run.
    let metadata = HashMap::from([("gf".to_string(), description(model).to_string())]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(misuse)?;
    write_atomically(path, |out| out.write_all(&file)).map_err(misuse)
}

fn bytes<'a>(values: impl Iterator<Item = &'a f64>) -> Vec<u8> {
    values.flat_map(|value| value.to_le_bytes()).collect()
}
