//! The study as it is run: with everything that it leaves to defaults.

use std::fmt::Write as _;
use std::path::PathBuf;

use gf_layers::LossFunction;
use miette::Report;
use serde_json::Value as Schema;
use toml::{Table, Value};

use crate::study::{LossKind, LossSpec, Problem, RunSpec, Study, misuse, resolve, schema};
use crate::summary::version;

/// The text of a run folder's `study.toml`: the study with all defaults, paths absolute, and where it comes from in a comment.
pub(crate) fn resolved_study(problem: &Problem) -> Result<String, Report> {
    let text = toml::to_string(&resolved(problem)).map_err(misuse)?;
    Ok(header() + &text)
}

/// The same with a comment for each key that is not set, and has no value to show.
///
/// # Errors
/// When the study has no form in TOML.
pub(crate) fn annotated_study(problem: &Problem) -> Result<String, Report> {
    let Value::Table(study) = Value::try_from(resolved(problem)).map_err(misuse)? else {
        return Err(misuse("expected a study that is a table"));
    };
    let root = schema();
    let mut writer = Writer { root: &root, text: header() };
    writer.table("", &study, &root);
    Ok(writer.text)
}

fn header() -> String {
    format!("# Resolved by {}; `gf run study.toml` repeats it.\n", version())
}

/// The study with all defaults, and absolute paths.
pub(crate) fn resolved(problem: &Problem) -> Study {
    let mut study = problem.study.clone();
    if let Some(data) = &mut study.data {
        let absolute = |path: &mut PathBuf| {
            let resolved = problem.document.resolve(path);
            *path = std::path::absolute(&resolved).unwrap_or(resolved);
        };
        [&mut data.x, &mut data.y, &mut data.csv].into_iter().flatten().for_each(absolute);
        if data.csv.is_some() {
            data.header.get_or_insert(true);
            data.delimiter.get_or_insert(',');
            data.missing.get_or_insert_default();
        }
    }
    if study.run.steps.is_none() && study.run.epochs.is_none() {
        study.run.steps = Some(RunSpec::DEFAULT_STEPS);
    }
    study.run.monitor = Some(problem.monitors());
    study.loss.iter_mut().for_each(fill_loss);
    for arm in &mut study.arms {
        let own = arm.method.settings().default_control();
        arm.control.get_or_insert(own);
        arm.loss.iter_mut().for_each(fill_loss);
    }
    study
}

/// The settings of the loss's kind; those of others stay out.
fn fill_loss(loss: &mut LossSpec) {
    match loss.kind {
        LossKind::Huber => _ = loss.delta.get_or_insert(LossFunction::DEFAULT_DELTA),
        LossKind::BceWithLogits => _ = loss.pos_weight.get_or_insert(LossFunction::DEFAULT_POS_WEIGHT),
        LossKind::SoftmaxCrossEntropy => _ = loss.label_smoothing.get_or_insert(0.0),
        LossKind::Focal => _ = loss.gamma.get_or_insert(LossFunction::DEFAULT_GAMMA),
        LossKind::Mse | LossKind::HalfMse => {}
    }
}

/// Writes tables with what their schema knows beyond what they hold.
struct Writer<'a> {
    root: &'a Schema,
    text: String,
}

impl<'a> Writer<'a> {
    /// Values first, then what is not set, then tables: a value below a header would belong to that table.
    fn table(&mut self, path: &str, table: &Table, schema: &'a Schema) {
        for (key, value) in table.iter().filter(|(_, value)| tables(value).is_none()) {
            self.line(&format!("{key} = {value}"));
        }
        for comment in unset(table, schema) {
            self.line(&comment);
        }
        for (key, value) in table {
            let schema = self.below(schema, key);
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            for (is_element, member) in tables(value).into_iter().flatten() {
                let has_lines = member.is_empty() || member.values().any(|value| tables(value).is_none());
                match is_element {
                    true => self.line(&format!("\n[[{path}]]")),
                    false if has_lines => self.line(&format!("\n[{path}]")),
                    false => {}
                }
                self.table(&path, member, schema);
            }
        }
    }

    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("a string takes all text");
    }

    /// The schema of a key, or of the elements of its array.
    fn below(&self, schema: &'a Schema, key: &str) -> &'a Schema {
        let Some(property) = schema.get("properties").and_then(|properties| properties.get(key)) else {
            return &Schema::Null;
        };
        let property = resolve(self.root, property);
        property.get("items").map_or(property, |items| resolve(self.root, items))
    }
}

/// The tables of a value that is one, or an array of nothing else; with each, whether it is an element.
fn tables(value: &Value) -> Option<Vec<(bool, &Table)>> {
    match value {
        Value::Table(table) => Some(vec![(false, table)]),
        Value::Array(array) if !array.is_empty() => {
            array.iter().map(|element| Some((true, element.as_table()?))).collect()
        }
        _ => None,
    }
}

/// A comment for each key that the schema has and the table has not; none where the table is a choice of one key or a few.
fn unset(table: &Table, schema: &Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(Schema::as_object);
    let is_choice = table.values().all(Value::is_table);
    properties
        .into_iter()
        .flatten()
        .filter(|(key, _)| !is_choice && !table.contains_key(*key))
        .map(|(key, property)| {
            let text = property.get("description").and_then(Schema::as_str).unwrap_or_default();
            // Up to the last bracket: a default may speak of `[network]`.
            let default =
                text.find("[default: ").and_then(|start| Some(&text[start..=start + text[start..].rfind(']')?]));
            format!("# {key}: not set {}", default.unwrap_or_default()).trim_end().to_owned()
        })
        .collect()
}
