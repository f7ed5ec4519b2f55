//! `gf predict`: a saved model on raw data.

mod data;
mod output;
mod quality;

use gf_utils::classification::predicted_classes;
use miette::Report;
use serde_json::{Map, Value, json};

use super::{print, table};
use crate::arguments::PredictArguments;
use crate::folder::write_text;
use crate::model::Model;
use crate::study::misuse;

pub(super) fn execute(arguments: &PredictArguments) -> Result<u8, Report> {
    let model = Model::read(&arguments.model)?;
    let data = data::read(&model, arguments)?;
    let outputs = model.predict(data.inputs)?;
    let width = model.network.outputs();
    if let Some(index) = outputs.iter().position(|output| !output.is_finite()) {
        let (row, output) = (index / width, outputs[index]);
        let message =
            format!("row {row}: expected inputs near those of the training, found some with the output {output}");
        return Err(misuse(format!("{}: {message}", arguments.data.display())));
    }
    let classes = model.classes().map(|_| predicted_classes(width, &outputs));
    let probabilities = model.saved.outputs.probabilities(width, &outputs);
    let predictions = output::Predictions { model: &model, outputs, classes, probabilities };
    let quality = match &data.targets {
        Some(targets) => Some(quality::of(&predictions, targets).map_err(|error| {
            misuse(format!("{}: the targets do not suit the model: {error}", arguments.data.display()))
        })?),
        None => None,
    };
    if let Some(path) = &arguments.out {
        write_text(path, &predictions.to_csv()?)?;
    }
    let numbers = quality.as_ref().map(quality::to_json);
    match (arguments.json, &quality) {
        (true, _) => {
            let mut object = predictions.to_json();
            object.extend(numbers.map(|numbers| ("metrics".to_string(), numbers)));
            print(&serde_json::to_string_pretty(&object).map_err(misuse)?);
        }
        (false, Some(quality)) => print(&table::numbers(&["metric", "value"], quality::rows(quality))),
        (false, None) if arguments.out.is_none() => print(predictions.to_csv()?.trim_end()),
        (false, None) => {}
    }
    Ok(0)
}

/// A number as JSON has it: null where it is not finite.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

/// The fields of an object.
type Object = Map<String, Value>;
