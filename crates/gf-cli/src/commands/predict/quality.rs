//! How good predictions are, where the truth is known.

use gf_core::Targets;
use gf_report::significant;
use gf_utils::classification::{Calibration, Confusion, class_labels};
use gf_utils::{Metric, MetricError};
use serde_json::{Value, json};

use super::output::Predictions;
use super::{Object, number};
use crate::classification::BINS;

/// Numbers by name, and the confusion of classes.
pub(super) struct Quality {
    numbers: Vec<(&'static str, f64)>,
    confusion: Option<Confusion>,
}

/// The metrics that suit the outputs.
///
/// # Errors
/// Where targets and outputs do not suit each other.
pub(super) fn of(predictions: &Predictions<'_>, targets: &Targets) -> Result<Quality, MetricError> {
    let Some(classes) = &predictions.classes else {
        let mut numbers = Vec::new();
        for metric in [Metric::Mse, Metric::Rmse, Metric::Mae, Metric::R2] {
            match metric.evaluate(&predictions.outputs, targets) {
                Ok(value) => numbers.push((metric.name(), value)),
                // Without a spread of the targets there is no R².
                Err(MetricError::Constant { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        return Ok(Quality { numbers, confusion: None });
    };
    let labels = class_labels(targets)?;
    let count = predictions.model.classes().unwrap_or(0);
    let confusion = Confusion::new(count, &labels, classes)?;
    let mut numbers = vec![
        ("accuracy", confusion.accuracy()),
        ("balanced_accuracy", confusion.balanced_accuracy()),
        ("macro_f1", confusion.macro_f1()),
    ];
    if let Some(probabilities) = &predictions.probabilities {
        let calibration = Calibration::new(probabilities, &labels, BINS)?;
        numbers.extend([
            ("log_loss", calibration.log_loss),
            ("brier", calibration.brier),
            ("expected_calibration_error", calibration.expected_error),
            ("largest_calibration_error", calibration.largest_error),
        ]);
    }
    Ok(Quality { numbers, confusion: Some(confusion) })
}

/// Rows of a table.
pub(super) fn rows(quality: &Quality) -> Vec<Vec<String>> {
    quality.numbers.iter().map(|(name, value)| vec![(*name).to_string(), significant(*value, 5)]).collect()
}

/// Numbers by name, and `confusion`: rows are true classes.
pub(super) fn to_json(quality: &Quality) -> Value {
    let mut object: Object =
        quality.numbers.iter().map(|(name, value)| ((*name).to_string(), number(*value))).collect();
    if let Some(confusion) = &quality.confusion {
        let rows: Vec<&[u64]> = confusion.counts().chunks_exact(confusion.classes()).collect();
        object.insert("confusion".to_string(), json!(rows));
    }
    Value::Object(object)
}
