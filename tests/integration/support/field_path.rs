//! Follows a field path such as `spec.rules[0].http.paths[1].path` or `metadata.annotations["a/b"]` into
//! a raw object, independently of the code that wrote the path.

use serde_json::Value;

/// A step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// What stands at the path; `None` when nothing does.
///
/// # Errors
/// When the text is no field path.
pub(crate) fn get<'v>(object: &'v Value, path: &str) -> Result<Option<&'v Value>, String> {
    let mut at = Some(object);
    for step in steps(path)? {
        at = at.and_then(|value| match &step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        });
    }
    Ok(at)
}

/// The value as citations print it: strings bare, everything else as JSON.
pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a field counts as not set: the API server and its printers leave empty values out.
pub(crate) fn is_unset(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.values().all(|value| is_unset(Some(value))),
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    }
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let broken = |why: &str| format!("{path:?} is no field path: {why}");
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (key, after) = quoted.split_once("\"]").ok_or_else(|| broken("a quote is not closed"))?;
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        } else if let Some(number) = rest.strip_prefix('[') {
            let (number, after) = number.split_once(']').ok_or_else(|| broken("a bracket is not closed"))?;
            steps.push(Step::Index(number.parse().map_err(|_| broken("an index is no number"))?));
            rest = after;
        } else {
            let name = rest.strip_prefix('.').filter(|_| !steps.is_empty()).unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (key, after) = name.split_at(end);
            if key.is_empty() {
                return Err(broken("a name is empty"));
            }
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_its_value_or_to_nothing() {
        let object = json!({
            "metadata": {"annotations": {"a.example/b": "on", "plain": "x"}},
            "spec": {"rules": [{"http": {"paths": [{}, {"path": "/api"}]}}]},
            "data": {"annotations-risk-level": "Critical"},
        });
        for (path, value) in [
            ("spec.rules[0].http.paths[1].path", Some("/api")),
            ("spec.rules[0].http.paths[2].path", None),
            ("spec.rules[1].http", None),
            ("spec.rules.http", None),
            (r#"metadata.annotations["a.example/b"]"#, Some("on")),
            (r#"metadata.annotations["a.example"]"#, None),
            ("metadata.annotations.plain", Some("x")),
            ("data.annotations-risk-level", Some("Critical")),
        ] {
            assert_eq!(get(&object, path).expect(path).and_then(Value::as_str), value, "{path}");
        }
        assert_eq!(get(&object, "").expect("the object itself"), Some(&object));
    }

    #[test]
    fn what_is_no_path_is_an_error() {
        for path in [".spec", "spec..rules", "spec.rules[x]", "spec.rules[0", "metadata[\"a", "spec."] {
            assert!(get(&json!({}), path).is_err(), "{path}");
        }
    }

    #[test]
    fn empty_values_count_as_not_set() {
        for value in [json!(null), json!(""), json!([]), json!({}), json!({"ingress": []})] {
            assert!(is_unset(Some(&value)), "{value}");
        }
        for value in [json!(0), json!(false), json!("x"), json!([{}]), json!({"a": 0})] {
            assert!(!is_unset(Some(&value)), "{value}");
        }
    }
}
