//! A tool's parameters as flags, made from its input schema, and flags back as arguments.
//!
//! `snake_case` becomes `--kebab-case`; a list becomes a repeatable flag in the singular; a map becomes a
//! repeatable `--flag 'NAME: VALUE'`; a list of known words also takes them with commas between; `url` may
//! stand without its flag. Parameters that the program knows as flags of every command (`context`, `namespace`, `at`) are taken from there. Values are
//! checked by the tool, whose messages are the better ones.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

use crate::config::Global;

/// The parameter that may be given without its flag.
const BARE: &str = "url";
const BARE_ID: &str = "bare url";

/// What a flag's words become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Switch,
    /// One flag per entry.
    List,
    /// One flag per `NAME: VALUE`.
    Pairs,
}

impl Kind {
    fn of(schema: &Value) -> Self {
        match schema.get("type").and_then(Value::as_str) {
            Some("integer" | "number") => Self::Number,
            Some("boolean") => Self::Switch,
            Some("array") => Self::List,
            Some("object") => Self::Pairs,
            _ => Self::Text,
        }
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    members.map(|(name, schema)| (name.as_str(), schema))
}

fn is_global(name: &str) -> bool {
    matches!(name, "context" | "namespace" | "at")
}

/// Adds a flag for each parameter.
pub(super) fn declare(mut command: Command, schema: &Value) -> Command {
    for (name, property) in properties(schema).filter(|(name, _)| !is_global(name)) {
        command = command.arg(flag(name, property));
        if name == BARE {
            let bare = Arg::new(BARE_ID).value_name("URL").help("The same as --url").conflicts_with(BARE);
            command = command.arg(bare);
        }
    }
    command
}

fn flag(name: &str, schema: &Value) -> Arg {
    let kind = Kind::of(schema);
    let long = match kind {
        Kind::List | Kind::Pairs => singular(name),
        Kind::Text | Kind::Number | Kind::Switch => name.to_owned(),
    }
    .replace('_', "-");
    let plural = name.replace('_', "-");
    let mut arg = Arg::new(name.to_owned()).long(long.clone());
    if plural != long {
        arg = arg.alias(plural);
    }
    if let Some(help) = schema.get("description").and_then(Value::as_str) {
        arg = arg.help(help.trim_end_matches('.').to_owned());
    }
    let one = if kind == Kind::List { schema.get("items").unwrap_or(schema) } else { schema };
    let choices: Vec<String> = one
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|choice| choice.as_str().map(str::to_owned))
        .collect();
    arg = match kind {
        Kind::Switch => {
            arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOL")
        }
        Kind::List if choices.is_empty() => arg.action(ArgAction::Append).value_name(long.to_uppercase()),
        Kind::List => arg.action(ArgAction::Append).value_name(long.to_uppercase()).value_delimiter(','),
        Kind::Pairs => arg.action(ArgAction::Append).value_name("NAME: VALUE"),
        Kind::Number => arg.value_name("N").allow_negative_numbers(true),
        Kind::Text => arg.value_name(long.to_uppercase()),
    };
    if choices.is_empty() { arg } else { arg.value_parser(PossibleValuesParser::new(choices)) }
}

/// `headers` → `header`, `hypotheses` → `hypothesis`, `policies` → `policy`.
fn singular(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("ies") {
        return format!("{stem}y");
    }
    if let Some(stem) = name.strip_suffix("eses") {
        return format!("{stem}esis");
    }
    name.strip_suffix('s').unwrap_or(name).to_owned()
}

/// What was given, as the tool's arguments.
pub(super) fn collect(schema: &Value, matches: &ArgMatches, global: &Global) -> Value {
    let mut arguments = Map::new();
    for (name, property) in properties(schema) {
        let words: Vec<String> = match name {
            "context" => global.context.iter().cloned().collect(),
            "namespace" => global.namespace.iter().cloned().collect(),
            "at" => global.at.iter().map(|at| crate::report::time::Time(*at).to_string()).collect(),
            _ => words(matches, name),
        };
        if let Some(value) = value(property, words) {
            arguments.insert(name.to_owned(), value);
        }
    }
    Value::Object(arguments)
}

fn words(matches: &ArgMatches, name: &str) -> Vec<String> {
    let given = |id: &str| {
        matches.try_get_many::<String>(id).ok().flatten().into_iter().flatten().cloned().collect::<Vec<_>>()
    };
    let words = given(name);
    if words.is_empty() && name == BARE { given(BARE_ID) } else { words }
}

fn value(schema: &Value, words: Vec<String>) -> Option<Value> {
    if words.is_empty() {
        return None;
    }
    Some(match Kind::of(schema) {
        Kind::List => {
            let item = schema.get("items").unwrap_or(&Value::Null);
            words.into_iter().map(|word| scalar(item, word)).collect()
        }
        Kind::Pairs => words.into_iter().map(pair).collect::<Map<_, _>>().into(),
        Kind::Text | Kind::Number | Kind::Switch => scalar(schema, words.into_iter().next_back()?),
    })
}

/// The word as the type that the schema wants; a word that does not fit stays a text, for the tool to
/// refuse it by name.
fn scalar(schema: &Value, word: String) -> Value {
    match schema.get("type").and_then(Value::as_str) {
        Some("integer" | "number" | "boolean" | "object" | "array") => {
            serde_json::from_str(&word).unwrap_or(Value::String(word))
        }
        _ => Value::String(word),
    }
}

fn pair(word: String) -> (String, Value) {
    match word.split_once(':') {
        Some((name, value)) => (name.trim().to_owned(), Value::from(value.trim())),
        None => (word, Value::from("")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        global: Global,
    }

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "url": {"type": "string", "description": "The address."},
            "namespace": {"type": "string"},
            "at": {"type": "string"},
            "method": {"type": "string", "enum": ["GET", "HEAD"]},
            "max_widenings": {"type": "integer"},
            "tls": {"type": "boolean"},
            "headers": {"type": "array", "items": {"type": "string"}},
            "hypotheses": {"type": "array", "items": {"type": "integer"}},
            "controllers": {"type": "array", "items": {"type": "string", "enum": ["nginx", "traefik"]}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        }})
    }

    fn given(words: &str) -> Result<Value, String> {
        use clap::{CommandFactory, FromArgMatches};
        let command = declare(Flags::command().name("tool"), &schema());
        let words = std::iter::once("tool").chain(words.split('|').filter(|word| !word.is_empty()));
        let matches = command.try_get_matches_from(words).map_err(|error| error.to_string())?;
        let flags = Flags::from_arg_matches(&matches).map_err(|error| error.to_string())?;
        Ok(collect(&schema(), &matches, &flags.global))
    }

    #[test]
    fn flags_become_arguments() {
        for (words, arguments) in [
            ("", json!({})),
            ("http://a/", json!({"url": "http://a/"})),
            ("--url|http://a/", json!({"url": "http://a/"})),
            ("--namespace|shop|--max-widenings|2", json!({"namespace": "shop", "max_widenings": 2})),
            (
                "-n|shop|--at|2026-11-22T11:00:00+01:00",
                json!({"namespace": "shop", "at": "2026-11-22T10:00:00Z"}),
            ),
            ("--tls", json!({"tls": true})),
            ("--tls=false|http://a/", json!({"url": "http://a/", "tls": false})),
            ("--header|A: b|--header|C: d", json!({"headers": ["A: b", "C: d"]})),
            ("--hypothesis|1|--hypothesis|6", json!({"hypotheses": [1, 6]})),
            ("--header|A: b, c", json!({"headers": ["A: b, c"]})),
            ("--controllers|nginx,traefik", json!({"controllers": ["nginx", "traefik"]})),
            ("--controller|nginx|--controller|traefik", json!({"controllers": ["nginx", "traefik"]})),
            ("--label|app: web|--label|x: 1:2", json!({"labels": {"app": "web", "x": "1:2"}})),
            ("--method|HEAD", json!({"method": "HEAD"})),
            ("--max-widenings|many", json!({"max_widenings": "many"})),
        ] {
            assert_eq!(given(words).expect(words), arguments, "{words}");
        }
    }

    #[test]
    fn what_no_flag_takes_is_refused() {
        for words in [
            "--method|POST",
            "--controllers|nginx,caddy",
            "--nonsense",
            "http://a/|--url|http://b/",
            "--at|yesterday",
        ] {
            assert!(given(words).is_err(), "{words}");
        }
    }
}
