//! Predictions as CSV and as JSON.

use gf_utils::classification::ClassProbabilities;
use miette::Report;
use serde_json::{Value, json};

use super::Object;
use crate::model::Model;
use crate::study::misuse;

/// What a model says of each row.
pub(super) struct Predictions<'a> {
    /// The model.
    pub(super) model: &'a Model,
    /// n × outputs, in the units of the data.
    pub(super) outputs: Vec<f64>,
    /// Of each row, where outputs choose among classes.
    pub(super) classes: Option<Vec<Option<u32>>>,
    /// Where outputs have them.
    pub(super) probabilities: Option<ClassProbabilities>,
}

impl Predictions<'_> {
    /// Columns: `row` (from 0), outputs `prediction0…`, `probability_NAME` of each class, `class`.
    pub(super) fn to_csv(&self) -> Result<String, Report> {
        let width = self.model.network.outputs();
        let mut csv = csv::Writer::from_writer(Vec::new());
        let mut header = vec!["row".to_string()];
        header.extend((0..width).map(|k| format!("prediction{k}")));
        if let Some(probabilities) = &self.probabilities {
            header.extend((0..probabilities.classes()).map(|k| format!("probability_{}", self.model.class_name(k))));
        }
        header.extend(self.classes.is_some().then(|| "class".to_string()));
        csv.write_record(&header).map_err(misuse)?;
        let mut probabilities = self.probabilities.iter().flat_map(ClassProbabilities::rows);
        for (row, outputs) in self.outputs.chunks_exact(width).enumerate() {
            let mut record = vec![row.to_string()];
            record.extend(outputs.iter().map(f64::to_string));
            record.extend(probabilities.next().into_iter().flatten().map(f64::to_string));
            if let Some(classes) = &self.classes {
                record.push(classes[row].map_or_else(String::new, |class| self.model.class_name(class as usize)));
            }
            csv.write_record(&record).map_err(misuse)?;
        }
        let bytes = csv.into_inner().map_err(misuse)?;
        String::from_utf8(bytes).map_err(misuse)
    }

    /// The same as an object.
    pub(super) fn to_json(&self) -> Object {
        let width = self.model.network.outputs();
        let rows: Vec<&[f64]> = self.outputs.chunks_exact(width).collect();
        let names = self.model.saved.preprocessing.class_names.as_ref();
        let mut object = Object::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_string(), value);
        put("outputs", json!(self.model.meaning()));
        put("samples", json!(rows.len()));
        put("predictions", json!(rows));
        if let Some(probabilities) = &self.probabilities {
            put("probabilities", json!(probabilities.rows().collect::<Vec<_>>()));
        }
        if let Some(classes) = &self.classes {
            put("classes", json!(classes));
            put("class_names", json!(names));
        }
        object
    }
}
