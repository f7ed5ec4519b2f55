//! Lists in arms: `method.explicit = { h = [0.1, 0.2] }` stands for two arms.

use miette::Report;
use toml::{Table, Value};

use super::{Document, misuse};

/// More would be a slip: a list of steps in the place of one.
const MOST_ARMS: usize = 10_000;

/// Replaces every arm that has lists among its settings (of its method, control or schedule, or several starts) by one arm per combination; each is named
/// after its values, such as `explicit-h0.1`. The document is rewritten only if there is such an arm.
///
/// # Errors
/// When the text is no TOML, or a list is empty.
pub(super) fn expand_lists(document: &mut Document) -> Result<(), Report> {
    let mut root: Table = document.parse()?;
    let Some(Value::Array(arms)) = root.get_mut("arm") else { return Ok(()) };
    if arms.iter().all(|arm| lists(arm).is_empty()) {
        return Ok(());
    }
    let mut expanded = Vec::new();
    for (index, arm) in arms.iter().enumerate() {
        let lengths = lists(arm).into_iter().map(|path| {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            at(arm, &keys).and_then(Value::as_array).map_or(0, Vec::len)
        });
        let combinations = lengths.fold(1, usize::saturating_mul);
        if expanded.len().saturating_add(combinations) > MOST_ARMS {
            let message = format!("expected lists that stand for at most {MOST_ARMS} arms, found more");
            return Err(document.error_at(&["arm", &index.to_string()], message));
        }
        let mut variants = vec![arm.clone()];
        if let (false, Some(name)) = (lists(arm).is_empty(), arm.get("name").cloned()) {
            variants.iter_mut().filter_map(Value::as_table_mut).for_each(|arm| {
                arm.entry("group").or_insert_with(|| name.clone());
            });
        }
        for path in lists(arm) {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            let values = at(arm, &keys).and_then(Value::as_array).cloned().unwrap_or_default();
            if values.is_empty() {
                let place: Vec<String> = ["arm".into(), index.to_string()].into_iter().chain(path.clone()).collect();
                let place: Vec<&str> = place.iter().map(String::as_str).collect();
                return Err(document.error_at(&place, "expected at least one value, found an empty list"));
            }
            let key = keys[keys.len() - 1];
            variants = variants
                .iter()
                .flat_map(|variant| {
                    values
                        .iter()
                        .enumerate()
                        .map(|(number, value)| with(variant, &keys, value, &suffix(key, number, value)))
                })
                .collect();
        }
        expanded.extend(variants);
    }
    *arms = expanded;
    document.text = toml::to_string(&root).map_err(misuse)?;
    document.name = format!("{} with its lists expanded", document.name);
    Ok(())
}

/// Paths to the lists among an arm's settings.
fn lists(arm: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for group in ["method", "control", "schedule"] {
        let Some(kinds) = arm.get(group).and_then(Value::as_table) else { continue };
        for (kind, settings) in kinds {
            let Some(settings) = settings.as_table() else { continue };
            for (key, value) in settings {
                if value.is_array() {
                    found.push(vec![group.to_string(), kind.clone(), key.clone()]);
                }
            }
        }
    }
    // One start is a list of numbers, several a list of lists.
    let several = arm.get("start").and_then(Value::as_array).is_some_and(|start| start.iter().any(Value::is_array));
    if several {
        found.push(vec!["start".to_string()]);
    }
    found
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(*key))
}

fn with(arm: &Value, path: &[&str], value: &Value, suffix: &str) -> Value {
    let mut arm = arm.clone();
    let mut place = &mut arm;
    for key in path {
        place = &mut place[*key];
    }
    *place = value.clone();
    if let Some(Value::String(name)) = arm.get_mut("name") {
        name.push_str(suffix);
    }
    arm
}

/// What the value adds to the arm's name: letters, digits, `-`, `_` and `.` only, as names become part of file names.
fn suffix(key: &str, number: usize, value: &Value) -> String {
    let text = match value {
        Value::Float(x) if x.abs() >= 1e4 || (*x != 0.0 && x.abs() < 1e-3) => format!("{x:e}"),
        Value::Float(x) => x.to_string(),
        Value::String(text) => text.clone(),
        Value::Integer(x) => x.to_string(),
        Value::Boolean(x) => x.to_string(),
        _ => number.to_string(),
    };
    format!("-{key}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let mut document = Document::builtin("test", text.into());
        expand_lists(&mut document).expect("lists that expand");
        let root: Table = document.parse().expect("a table");
        let arms = root["arm"].as_array().expect("arms").iter();
        arms.map(|arm| arm["name"].as_str().expect("a name").to_string()).collect()
    }

    #[test]
    fn every_combination_is_an_arm_and_plain_arms_stay() {
        let text = r#"
            [[arm]]
            name = "a"
            method.implicit = { h = [1e-4, 0.1, 100000.0], solver = ["minres", "lblt"] }
            [[arm]]
            name = "b"
            method.explicit = { h = 0.1 }
            start = [1.0, 2.0]
            [[arm]]
            name = "c"
            method.explicit = { h = 0.1 }
            start = [[1.0, 2.0], [3.0, 4.0]]
        "#;
        let expected = [
            "a-h1e-4-solverminres",
            "a-h1e-4-solverlblt",
            "a-h0.1-solverminres",
            "a-h0.1-solverlblt",
            "a-h1e5-solverminres",
            "a-h1e5-solverlblt",
            "b",
            "c-start0",
            "c-start1",
        ];
        assert_eq!(names(text), expected);
    }

    #[test]
    fn a_document_without_lists_stays_as_it_is_and_an_empty_list_is_named() {
        let text = "[[arm]]\nname = \"a\"\nmethod.explicit = { h = 0.1 }\n";
        let mut document = Document::builtin("test", text.into());
        expand_lists(&mut document).expect("nothing to do");
        assert_eq!((document.name.as_str(), document.text.as_str()), ("test", text));
        let mut empty = Document::builtin("test", text.replace("0.1", "[]"));
        let error = expand_lists(&mut empty).expect_err("an empty list");
        assert!(error.to_string().contains("arm.0.method.explicit.h: expected at least one value"), "{error}");
    }
}
