//! The JSON Schema of a study's TOML, for editors: what the types that read studies say of themselves.

mod tidy;

use gf_optim::registry::METHODS;
use gf_optim::schedule::SCHEDULES;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use super::Study;

/// Where definitions stand in the schema.
const DEFINITIONS: &str = "$defs";

/// The schema of a study (JSON Schema, draft 2020-12). Keys, types and closed sets are those of the parser, descriptions its doc comments, defaults its
/// defaults. It says what a key may hold, not what suits another key: ranges and combinations are checked by `gf`.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(tidy::tidy));
    let mut schema = settings.into_generator().into_root_schema_for::<Study>().to_value();
    schema["title"] = json!("gf study");
    for method in METHODS {
        let order = method.order.map_or("without order".into(), |order| format!("order {order}"));
        let text = format!(
            "{}: family {}, {order}; curvature: {}; stable for {}; work per step: {}.",
            method.title, method.family, method.curvature, method.stability, method.cost
        );
        describe(&mut schema, "MethodSettings", method.name, &text);
    }
    for kind in SCHEDULES {
        describe(&mut schema, "Schedule", kind.name, &format!("The factor on h: {} [default: none]", kind.formula));
    }
    for group in ["MethodSettings", "ControlSettings", "Schedule"] {
        for member in members(&schema, group) {
            allow_lists(&mut schema, &member);
        }
    }
    let start = &mut schema[DEFINITIONS]["ArmSpec"]["properties"]["start"];
    list_of(start);
    schema
}

/// The schema that a reference leads to, or the schema itself.
pub(crate) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(definition_name);
    name.and_then(|name| root.get(DEFINITIONS)?.get(name)).unwrap_or(schema)
}

fn definition_name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/$defs/")
}

fn describe(schema: &mut Value, definition: &str, key: &str, text: &str) {
    schema[DEFINITIONS][definition]["properties"][key]["description"] = json!(text);
}

/// The names of the definitions that the properties of a definition refer to.
fn members(schema: &Value, definition: &str) -> Vec<String> {
    let properties = schema[DEFINITIONS][definition]["properties"].as_object();
    let names = properties.into_iter().flat_map(Map::values).filter_map(|property| property["$ref"].as_str());
    names.filter_map(definition_name).map(str::to_owned).collect()
}

/// Every key of these settings may hold a list, which stands for one arm a value.
fn allow_lists(schema: &mut Value, definition: &str) {
    let properties = schema.pointer_mut(&format!("/{DEFINITIONS}/{definition}/properties"));
    properties.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut).for_each(list_of);
}

/// What the property accepts, or a list of it.
fn list_of(property: &mut Value) {
    let Some(property) = property.as_object_mut() else { return };
    let kept = ["description", "default"].map(|key| (key, property.remove(key)));
    let one = Value::Object(std::mem::take(property));
    property.extend(kept.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    property.insert("anyOf".into(), json!([one, { "type": "array", "items": one, "minItems": 1 }]));
}
