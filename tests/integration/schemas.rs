use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use routecause::tools::{Entry, compare, registry};
use serde_json::{Value, json};

use crate::support::golden;
use crate::support::mcp::{Client, Era};

/// The list as clients get it, and the schemas of each tool beside it; of `compare`, which is a command
/// and no tool, that of its result.
async fn published() -> BTreeMap<String, String> {
    let listed =
        Client::connect(registry(), Era::Legacy).await.ask("tools/list", json!({})).await.expect("a list");
    let print = |value: &Value| format!("{}\n", serde_json::to_string_pretty(value).expect("JSON"));
    let mut files = BTreeMap::new();
    let mut tools = listed["tools"].clone();
    for tool in tools.as_array_mut().expect("tools") {
        let tool = tool.as_object_mut().expect("a tool");
        let name = tool["name"].as_str().expect("a name").to_owned();
        for (key, side) in [("inputSchema", "input"), ("outputSchema", "output")] {
            let schema = tool.remove(key).expect("a schema");
            files.insert(format!("{name}.{side}.json"), print(&schema));
        }
    }
    files.insert("compare.output.json".to_owned(), print(&compare::schema()));
    files.insert("tools.json".to_owned(), print(&tools));
    files
}

#[tokio::test]
async fn the_schemas_folder_is_what_is_served() {
    golden::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas"), ".json", &published().await);
}

/// Calls `look` with every schema node below, and where it stands.
fn visit(schema: &Value, place: &str, look: &mut dyn FnMut(&str, &Value)) {
    look(place, schema);
    for (name, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        visit(child, &format!("{place}.{name}"), look);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = schema.get(key) {
            visit(child, &format!("{place}[{key}]"), look);
        }
    }
    for child in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        visit(child, &format!("{place}|"), look);
    }
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// What the schema has that some client cannot read, or a reader cannot understand.
fn faults(entry: &Entry) -> Vec<String> {
    let mut faults = Vec::new();
    for (side, schema) in [("input", &entry.input_schema), ("output", &entry.output_schema)] {
        if schema["type"] != json!("object") || !schema["properties"].is_object() {
            faults.push(format!("{} {side}: not an object with properties", entry.name));
        }
        visit(schema, &format!("{} {side}", entry.name), &mut |place, node| {
            let mut fault = |what: &str| faults.push(format!("{place}: {what}"));
            if node.is_boolean() {
                fault("of any type: give the field a type of its own");
                return;
            }
            for key in ["$ref", "$defs", "$schema", "oneOf", "allOf", "const", "title"] {
                if node.get(key).is_some() {
                    fault(&format!("has {key}"));
                }
            }
            if node["type"].is_array() {
                fault("has several types");
            }
            if node.get("type").is_none() && node.get("anyOf").is_none() {
                fault("has no type");
            }
            if node["type"] == json!("array") && !node["items"].is_object() {
                fault("is a list of anything");
            }
            if side == "input"
                && node["type"] == json!("object")
                && node.get("properties").is_none()
                && !node["additionalProperties"].is_object()
            {
                fault("is an object of anything");
            }
            if side == "input" && node.to_string().contains("\"null\"") {
                fault("mentions null");
            }
            for (name, child) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if !is_snake_case(name) {
                    faults.push(format!("{place}.{name}: not snake_case"));
                }
                let text = child["description"].as_str().unwrap_or_default();
                if side == "input" && text.is_empty() {
                    faults.push(format!("{place}.{name}: not described"));
                }
            }
        });
    }
    faults
}

fn sentences(text: &str) -> usize {
    text.split_inclusive(['.', '?', '!']).filter(|part| part.len() > 1).count()
}

#[test]
fn every_schema_can_be_read_by_every_client_and_person() {
    let faults: Vec<String> = registry().iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_tool_says_what_it_is_in_few_words() {
    let names: Vec<&str> = registry().iter().map(|entry| entry.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for entry in registry() {
        let name = entry.name;
        assert!(is_snake_case(name) && name.len() <= 24, "{name}");
        assert!(!entry.title.is_empty() && !entry.search_hint.is_empty(), "{name}");
        let count = sentences(entry.description);
        assert!((1..=3).contains(&count), "{name} has {count} sentences: {}", entry.description);
        assert!(entry.description.ends_with('.'), "{name}: {}", entry.description);
    }
}

/// Tokens as OpenAI's newer models count them; other vocabularies differ by some percent.
fn tokens(value: &Value) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(&value.to_string()).len()
}

#[test]
fn the_list_of_tools_costs_few_tokens() {
    let (mut lean, mut full) = (0, 0);
    let mut each = String::new();
    for entry in registry() {
        let shown =
            json!({"name": entry.name, "description": entry.description, "inputSchema": entry.input_schema});
        let (input, output) = (tokens(&shown), tokens(&entry.output_schema));
        lean += input;
        full += input + output;
        let _ = write!(each, "\n{}: {input} + {output}", entry.name);
    }
    assert!(lean <= 3_000, "names, descriptions and input schemas: {lean} tokens{each}");
    assert!(full <= 7_000, "with output schemas: {full} tokens{each}");
}
