//! From what is derived of types to what serves editors of TOML.

use schemars::Schema;
use serde_json::{Map, Value, json};

/// What an object of the schema holds.
type Object = Map<String, Value>;

/// Rewrites one schema, without those inside it.
pub(super) fn tidy(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    remove_null(object);
    merge_words(object);
    merge_tables(object);
    object.remove("format");
    if let Some(text) = object.get_mut("description") {
        *text = json!(plain(text.as_str().unwrap_or_default()));
    }
    let text = object.get("description").cloned();
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let is_one = properties.len() == 1;
    for property in properties.values_mut().filter_map(Value::as_object_mut) {
        // `{ scale = 0.1 }`: what is said of the choice is said of its key.
        if let (true, Some(text)) = (is_one, &text) {
            property.entry("description").or_insert_with(|| text.clone());
        }
        state_default(property);
    }
}

/// TOML has no null: an optional key is there or not.
fn remove_null(object: &mut Object) {
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            object.insert("type".into(), one);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [Value::Object(one)] = choices.as_slice() {
        let one = one.clone();
        object.remove("anyOf");
        for (key, value) in one {
            object.entry(key).or_insert(value);
        }
    }
}

/// One closed set of words in the place of a choice among described words; what they mean joins the description.
fn merge_words(object: &mut Object) {
    let Some(Value::Array(choices)) = object.get("oneOf") else { return };
    let (mut words, mut meanings) = (Vec::new(), String::new());
    for choice in choices {
        match (&choice["const"], &choice["enum"]) {
            (Value::String(word), _) => {
                let meaning = plain(choice["description"].as_str().unwrap_or_default());
                meanings.push_str(&format!("\n- `{word}`: {meaning}"));
                words.push(json!(word));
            }
            (_, Value::Array(several)) => words.extend(several.iter().cloned()),
            _ => return,
        }
    }
    object.remove("oneOf");
    object.insert("type".into(), json!("string"));
    object.insert("enum".into(), Value::Array(words));
    let text = plain(object.get("description").and_then(Value::as_str).unwrap_or_default());
    object.insert("description".into(), json!(format!("{text}{meanings}")));
}

/// One table with exactly one of many keys in the place of a choice among tables of one key: editors complete it, and say what is wrong inside.
fn merge_tables(object: &mut Object) {
    let Some(Value::Array(choices)) = object.get("oneOf") else { return };
    let mut properties = Object::new();
    for choice in choices {
        let Some(members) = choice["properties"].as_object().filter(|members| members.len() == 1) else { return };
        for (key, member) in members {
            let mut member = member.clone();
            if let (Some(member), Some(text)) = (member.as_object_mut(), choice.get("description")) {
                member.entry("description").or_insert_with(|| text.clone());
            }
            properties.insert(key.clone(), member);
        }
    }
    object.remove("oneOf");
    let merged = json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false });
    object.extend(merged.as_object().cloned().unwrap_or_default());
    object.insert("properties".into(), Value::Object(properties));
}

/// Says the default in the description too, where it is not said yet: not every editor shows the keyword.
fn state_default(property: &mut Object) {
    let default = match property.get("default") {
        Some(Value::Object(_) | Value::Null) | None => return,
        Some(default) => default.to_string(),
    };
    let text = plain(property.get("description").and_then(Value::as_str).unwrap_or_default());
    if !text.contains("default") {
        let text = format!("{text} [default: {default}]");
        property.insert("description".into(), json!(text));
    }
}

/// The first paragraph of a doc comment, on one line, without links to items. Lists that were added stay.
fn plain(text: &str) -> String {
    let (text, list) =
        text.split_once("\n- ").map_or((text, String::new()), |(text, list)| (text, format!("\n- {list}")));
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    without_links(&line) + &list
}

/// Names of items as they stand outside of Rust's documentation, without the brackets that link them.
fn without_links(line: &str) -> String {
    let mut parts = line.split("[`");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once("`]") {
            Some((name, rest)) => text.push_str(&format!("`{name}`{rest}")),
            None => text.push_str(&format!("[`{part}")),
        }
    }
    text
}
