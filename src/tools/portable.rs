//! Schemas that every client can read.
//!
//! What clients trip over, and what is published instead: named definitions are inlined; enums with
//! documented variants become a plain `enum` with the documentation folded into the description; number
//! formats only Rust knows go away; an input that may be null is simply optional, since null counts as
//! absent; an output that may be null is `anyOf` with the null type; `additionalProperties: false` is
//! left out of inputs although unknown arguments are still refused (`arguments`); and an output
//! describes its top-level fields and requires only those, and says of a map only that it is an object,
//! because no model is shown the rest and every list of tools is paid for.
//!
//! What cannot be made portable (recursive types, fields of any type) is caught by the schema tests.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The schema of a tool's parameters.
#[must_use]
pub fn input<P: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    generate::<P>(settings, Portable { side: Side::Input, depth: 0 })
}

/// The schema of a tool's report.
#[must_use]
pub fn output<R: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    generate::<R>(settings, Portable { side: Side::Output, depth: 0 })
}

fn generate<T: JsonSchema>(mut settings: SchemaSettings, mut portable: Portable) -> Value {
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    portable.transform(&mut schema);
    // The root's own description is the type's documentation, for readers of the source.
    schema.remove("description");
    if schema.get("properties").is_none() {
        schema.insert("properties".to_owned(), json!({}));
    }
    schema.to_value()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Input,
    Output,
}

/// One walk over a schema.
#[derive(Debug, Clone)]
struct Portable {
    side: Side,
    depth: usize,
}

impl Transform for Portable {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(node) = schema.as_object_mut() {
            self.rewrite(node);
        }
        self.depth += 1;
        transform_subschemas(self, schema);
        self.depth -= 1;
    }
}

impl Portable {
    fn rewrite(&self, node: &mut Map<String, Value>) {
        node.remove("title");
        plain_enum(node);
        if node.get("format").and_then(Value::as_str).is_some_and(is_width) {
            node.remove("format");
            if self.side == Side::Output {
                node.remove("minimum");
                node.remove("maximum");
            }
        }
        match self.side {
            Side::Input => {
                without_null(node);
                if node.get("additionalProperties") == Some(&Value::Bool(false)) {
                    node.remove("additionalProperties");
                }
                if node.get("default") == Some(&Value::Null) {
                    node.remove("default");
                }
            }
            Side::Output => {
                never_null_when_optional(node);
                null_as_alternative(node);
                node.remove("additionalProperties");
                node.remove("default");
                if self.depth > 0 {
                    node.remove("required");
                    node.remove("description");
                }
            }
        }
    }
}

/// An output field that may be left out is left out rather than null.
fn never_null_when_optional(node: &mut Map<String, Value>) {
    let required: Vec<String> = node
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(ToOwned::to_owned))
        .collect();
    let Some(Value::Object(properties)) = node.get_mut("properties") else { return };
    for (name, property) in properties.iter_mut() {
        if let (false, Value::Object(property)) = (required.contains(name), property) {
            without_null(property);
        }
    }
}

fn is_width(format: &str) -> bool {
    matches!(
        format,
        "uint8"
            | "uint16"
            | "uint32"
            | "uint64"
            | "uint"
            | "int8"
            | "int16"
            | "int32"
            | "int64"
            | "int"
            | "float"
            | "double"
    )
}

/// `oneOf` of string constants → `enum`; any other `oneOf` → `anyOf`; `const` → `enum` of one.
fn plain_enum(node: &mut Map<String, Value>) {
    if let Some(value) = node.remove("const") {
        node.insert("enum".to_owned(), json!([value]));
    }
    let Some(Value::Array(arms)) = node.remove("oneOf") else { return };
    let Some(values) = arms.iter().map(string_values).collect::<Option<Vec<_>>>() else {
        node.insert("anyOf".to_owned(), Value::Array(arms));
        return;
    };
    let values: Vec<(String, Option<String>)> = values.into_iter().flatten().collect();
    node.insert("type".to_owned(), json!("string"));
    node.insert("enum".to_owned(), values.iter().map(|(name, _)| json!(name)).collect());
    let docs: Vec<String> = values
        .iter()
        .filter_map(|(name, doc)| Some(format!("`{name}`: {}", doc.as_ref()?.trim_end_matches('.'))))
        .collect();
    if !docs.is_empty() {
        let lead = node.get("description").and_then(Value::as_str).map(|text| format!("{text} "));
        let text = format!("{}{}.", lead.unwrap_or_default(), docs.join("; "));
        node.insert("description".to_owned(), json!(text));
    }
}

/// The strings one arm of an enum allows, each with its documentation.
fn string_values(arm: &Value) -> Option<Vec<(String, Option<String>)>> {
    if let Some(value) = arm.get("const") {
        let doc = arm.get("description").and_then(Value::as_str).map(str::to_owned);
        return Some(vec![(value.as_str()?.to_owned(), doc)]);
    }
    if arm.get("type")? != "string" {
        return None;
    }
    arm.get("enum")?.as_array()?.iter().map(|value| Some((value.as_str()?.to_owned(), None))).collect()
}

/// Null is absence, so an input schema does not mention it.
fn without_null(node: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = node.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            node.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = node.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(mut arms)) = node.remove("anyOf") else { return };
    arms.retain(|arm| arm.get("type") != Some(&json!("null")));
    match arms.as_mut_slice() {
        [Value::Object(only)] => {
            for (key, value) in std::mem::take(only) {
                node.entry(key).or_insert(value);
            }
            plain_enum(node);
        }
        _ => {
            node.insert("anyOf".to_owned(), Value::Array(arms));
        }
    }
}

/// `type: [T, "null"]` → `anyOf: [{type: T}, {type: "null"}]`.
fn null_as_alternative(node: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = node.get("type") else { return };
    let kept: Vec<Value> = types.iter().filter(|name| *name != "null").cloned().collect();
    let description = node.remove("description");
    let mut inner = std::mem::take(node);
    if let Some(Value::Array(values)) = inner.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let mut arms: Vec<Value> = kept
        .into_iter()
        .map(|name| {
            let mut arm = inner.clone();
            arm.insert("type".to_owned(), name);
            Value::Object(arm)
        })
        .collect();
    arms.push(json!({"type": "null"}));
    if let Some(description) = description {
        node.insert("description".to_owned(), description);
    }
    node.insert("anyOf".to_owned(), Value::Array(arms));
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Detail {
        /// The verdict and one line of evidence.
        Concise,
        /// Everything.
        Detailed,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        Object { name: String },
        Absent { looked_in: String },
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Inner {
        /// Deep.
        port: u16,
    }

    /// Says what it is.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Everything {
        /// How much to answer.
        #[serde(default)]
        detail: Option<Detail>,
        /// A port.
        port: Option<u32>,
        /// Things.
        list: Vec<Inner>,
        /// What it rests on.
        source: Option<Shape>,
    }

    #[test]
    fn an_input_has_no_null_no_reference_no_width_and_plain_enums() {
        assert_eq!(
            input::<Everything>(),
            json!({
                "type": "object",
                "properties": {
                    "detail": {
                        "description":
                            "How much to answer. `concise`: The verdict and one line of evidence; `detailed`: Everything.",
                        "type": "string",
                        "enum": ["concise", "detailed"],
                    },
                    "port": {"description": "A port.", "type": "integer", "minimum": 0},
                    "list": {
                        "description": "Things.",
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "port": {
                                    "description": "Deep.", "type": "integer", "minimum": 0, "maximum": 65535,
                                },
                            },
                            "required": ["port"],
                        },
                    },
                    "source": {
                        "description": "What it rests on.",
                        "anyOf": [
                            {"type": "object",
                             "properties": {"object": {"type": "object",
                                 "properties": {"name": {"type": "string"}}, "required": ["name"]}},
                             "required": ["object"]},
                            {"type": "object",
                             "properties": {"absent": {"type": "object",
                                 "properties": {"looked_in": {"type": "string"}}, "required": ["looked_in"]}},
                             "required": ["absent"]},
                        ],
                    },
                },
                "required": ["list"],
            })
        );
    }

    #[test]
    fn an_output_keeps_null_as_an_alternative_and_carries_no_prose() {
        let schema = output::<Everything>();
        assert_eq!(schema["properties"]["port"], json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}));
        assert_eq!(schema["properties"]["list"]["items"]["properties"]["port"], json!({"type": "integer"}));
        assert_eq!(schema["required"], json!(["detail", "port", "list", "source"]));
        assert!(schema["properties"]["list"]["items"].get("required").is_none());
        let text = schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("oneOf") && !text.contains("Deep."), "{text}");
    }

    #[test]
    fn no_parameters_are_an_object_without_properties() {
        #[derive(Deserialize, JsonSchema)]
        struct Nothing {}
        assert_eq!(input::<Nothing>(), json!({"type": "object", "properties": {}}));
    }
}
