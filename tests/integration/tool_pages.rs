//! The pages that list the tools say what the tools say of themselves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use routecause::tools::registry;
use serde_json::Value;

use crate::support::golden;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a parameter takes, in a word.
fn type_of(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" · ");
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", type_of(&schema["items"])),
        Some(one) => one.to_owned(),
        None => "any".to_owned(),
    }
}

#[test]
fn the_readme_lists_the_tools() {
    let mut table = String::from("| tool | what it does |\n|---|---|\n");
    for entry in registry() {
        let _ = writeln!(table, "| [`{0}`](docs/tools.md#{0}) | {1} |", entry.name, entry.title);
    }
    golden::section(&root().join("README.md"), "tools", &table);
}

#[test]
fn the_page_of_tools_has_every_parameter() {
    let mut page = String::from(
        "# Tools\n\nGenerated from the tools themselves. Every tool is also a command (`routecause match-path …`) with the same \
         parameters; schemas of parameters and results are in [schemas/](../schemas/).\n",
    );
    for entry in registry() {
        let _ = write!(page, "\n## {}\n\n**{}.** {}\n", entry.name, entry.title, entry.description);
        let access = if entry.read_only { "Only reads." } else { "Sends requests, where allowed." };
        let _ = write!(page, "{access}\n\n| parameter | takes | meaning |\n|---|---|---|\n");
        let required = entry.input_schema["required"].as_array();
        for (name, schema) in entry.input_schema["properties"].as_object().into_iter().flatten() {
            let needed = required.is_some_and(|names| names.iter().any(|one| one == name));
            let meaning = schema["description"].as_str().unwrap_or_default().replace('|', "\\|");
            let needed = if needed { " (required)" } else { "" };
            let _ = writeln!(page, "| `{name}`{needed} | {} | {meaning} |", type_of(schema));
        }
    }
    golden::folder(&root().join("docs"), "tools.md", &BTreeMap::from([("tools.md".to_owned(), page)]));
}
