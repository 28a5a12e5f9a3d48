//! A tool as clients see it listed.

use std::sync::Arc;

use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

use crate::tools::Entry;

/// The listing of one tool: all hints are given, since what is left out counts as the worst case.
pub(super) fn tool(entry: &Entry) -> Tool {
    let annotations = ToolAnnotations::with_title(entry.title)
        .read_only(entry.read_only)
        .destructive(false)
        .idempotent(true)
        .open_world(entry.open_world);
    let mut meta = Map::new();
    if entry.always_load {
        meta.insert("anthropic/alwaysLoad".to_owned(), json!(true));
    }
    meta.insert("anthropic/searchHint".to_owned(), json!(entry.search_hint));
    if let Some(app) = entry.app {
        meta.insert("ui".to_owned(), json!({"resourceUri": app.uri}));
    }
    Tool::new(entry.name, entry.description, object(&entry.input_schema))
        .with_raw_output_schema(object(&entry.output_schema))
        .with_title(entry.title)
        .with_annotations(annotations)
        .with_icons(super::icons())
        .with_meta(MetaObject(meta))
}

fn object(schema: &Value) -> Arc<JsonObject> {
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}
