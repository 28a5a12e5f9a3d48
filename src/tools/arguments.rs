//! Checks arguments against the published schema and says, per argument, what to write instead.
//!
//! The schema is the contract: what it does not name is refused, what it requires must be there, and
//! its types, values and ranges hold. Newtypes then add what a schema cannot say, in their own words.
//! Null counts as absent.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::failure::{FailureCode, ToolFailure};

/// How much of a wrong value is repeated in the answer.
const SHOWN: usize = 80;

/// Drops nulls and checks everything the schema says.
///
/// # Errors
/// `bad_arguments`, naming the first argument that does not fit.
pub(super) fn check(schema: &Value, arguments: Value) -> Result<Value, ToolFailure> {
    let mut arguments = match arguments {
        Value::Null => Value::Object(Map::new()),
        other => other,
    };
    drop_nulls(&mut arguments);
    value(schema, &arguments, &Place::Root)?;
    Ok(arguments)
}

/// Reads checked arguments into the tool's parameters.
///
/// # Errors
/// `bad_arguments`, in the words of the newtype that refused its value.
pub(super) fn read<P: DeserializeOwned>(arguments: Value) -> Result<P, ToolFailure> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let place = error.path().to_string();
        let seen = match place.as_str() {
            "." => error.inner().to_string(),
            _ => format!("`{place}`: {}", error.inner()),
        };
        bad(seen, "correct that argument and call again")
    })
}

fn bad(seen: impl Into<String>, next: impl Into<String>) -> ToolFailure {
    ToolFailure::new(FailureCode::BadArguments, seen, next)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Where in the arguments a value stands.
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}

fn value(schema: &Value, found: &Value, place: &Place<'_>) -> Result<(), ToolFailure> {
    if let Some(wanted) = schema.get("type").and_then(Value::as_str)
        && !is_a(wanted, found)
    {
        return Err(wrong_type(schema, wanted, found, place));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(found)
    {
        let names: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        return Err(bad(
            format!("`{place}` is {}, which is not one of: {}", shown(found), names.join(", ")),
            suggestion(found.as_str().unwrap_or_default(), &names)
                .map_or_else(|| format!("use one of them for `{place}`"), |near| format!("write {near:?}")),
        ));
    }
    match found {
        Value::Object(members) => object(schema, members, place),
        Value::Array(items) => array(schema, items, place),
        Value::String(text) => length(schema, text, place),
        Value::Number(number) => range(schema, number.as_f64().unwrap_or_default(), found, place),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn is_a(wanted: &str, found: &Value) -> bool {
    match wanted {
        "object" => found.is_object(),
        "array" => found.is_array(),
        "string" => found.is_string(),
        "boolean" => found.is_boolean(),
        "integer" => found.is_i64() || found.is_u64(),
        "number" => found.is_number(),
        _ => true,
    }
}

fn wrong_type(schema: &Value, wanted: &str, found: &Value, place: &Place<'_>) -> ToolFailure {
    let subject = match place {
        Place::Root => "the arguments".to_owned(),
        Place::Member(..) | Place::Item(..) => format!("`{place}`"),
    };
    let seen = format!("{subject} must be {}, not {}", with_article(wanted), described(found));
    let next = match (wanted, found) {
        ("array", Value::String(_)) => format!("write it as a list: [{}]", shown(found)),
        ("integer" | "number" | "boolean", Value::String(text)) => format!("write {text} without quotes"),
        ("string", Value::Number(_) | Value::Bool(_)) => format!("write \"{found}\" with quotes"),
        _ => schema
            .get("description")
            .and_then(Value::as_str)
            .map_or_else(|| "correct it and call again".to_owned(), |text| format!("give {place}: {text}")),
    };
    bad(seen, next)
}

fn with_article(name: &str) -> &str {
    match name {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    }
}

fn described(found: &Value) -> String {
    match found {
        Value::Null => "null".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(_) => format!("the text {}", shown(found)),
        Value::Bool(_) | Value::Number(_) => shown(found),
    }
}

fn shown(found: &Value) -> String {
    let text = found.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn object(schema: &Value, members: &Map<String, Value>, place: &Place<'_>) -> Result<(), ToolFailure> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    let extra = schema.get("additionalProperties").filter(|extra| extra.is_object());
    for (name, member) in members {
        let at = Place::Member(place, name);
        match (properties.get(name), extra) {
            (Some(known), _) | (None, Some(known)) => value(known, member, &at)?,
            (None, None) => return Err(unknown(name, properties, place)),
        }
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !members.contains_key(name) {
            let at = Place::Member(place, name);
            let meaning =
                properties.get(name).and_then(|known| known.get("description")).and_then(Value::as_str);
            return Err(bad(
                format!("`{at}` is missing"),
                meaning.map_or_else(|| format!("give `{at}`"), |text| format!("give `{at}`: {text}")),
            ));
        }
    }
    Ok(())
}

fn unknown(name: &str, properties: &Map<String, Value>, place: &Place<'_>) -> ToolFailure {
    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
    let whose = match place {
        Place::Root => "this tool".to_owned(),
        Place::Member(..) | Place::Item(..) => format!("`{place}`"),
    };
    let quoted = shown(&Value::from(name));
    let seen = match known.as_slice() {
        [] => format!("unknown argument {quoted}: {whose} takes none"),
        _ => format!("unknown argument {quoted}: {whose} takes {}", known.join(", ")),
    };
    let next = match suggestion(name, &known) {
        Some(near) => format!("did you mean `{near}`? Rename it and call again"),
        None => "leave it out, or use one of the listed arguments".to_owned(),
    };
    bad(seen, next)
}

/// The nearest of the known names, when one is near: the only one of which it is a part, else the most
/// alike.
fn suggestion<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |name: &str| name.chars().take(SHOWN).collect::<String>().to_lowercase().replace('-', "_");
    let name = plain(name);
    let parts = |candidate: &str| plain(candidate).split('_').any(|part| part == name);
    let mut around = known.iter().filter(|candidate| parts(candidate));
    if let (Some(one), other) = (around.next(), around.next()) {
        return other.is_none().then_some(one);
    }
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &plain(candidate)), *candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}

fn array(schema: &Value, items: &[Value], place: &Place<'_>) -> Result<(), ToolFailure> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    if let Some(most) = bound("maxItems")
        && items.len() > most
    {
        return Err(bad(
            format!("`{place}` has {} entries, at most {most} are taken", items.len()),
            "ask for fewer",
        ));
    }
    if let Some(least) = bound("minItems")
        && items.len() < least
    {
        return Err(bad(
            format!("`{place}` has {} entries, at least {least} are needed", items.len()),
            "add some or leave the argument out",
        ));
    }
    let Some(kind) = schema.get("items") else { return Ok(()) };
    items.iter().enumerate().try_for_each(|(at, item)| value(kind, item, &Place::Item(place, at)))
}

fn length(schema: &Value, text: &str, place: &Place<'_>) -> Result<(), ToolFailure> {
    let count = text.chars().count();
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    if let Some(most) = bound("maxLength")
        && count > most
    {
        return Err(bad(format!("`{place}` has {count} characters, at most {most} are taken"), "shorten it"));
    }
    if let Some(least) = bound("minLength")
        && count < least
    {
        return Err(bad(format!("`{place}` is empty or too short"), "give a value or leave it out"));
    }
    Ok(())
}

fn range(schema: &Value, number: f64, found: &Value, place: &Place<'_>) -> Result<(), ToolFailure> {
    let bound = |key: &str| schema.get(key).filter(|limit| limit.is_number());
    let (least, most) = (bound("minimum"), bound("maximum"));
    let below = least.and_then(Value::as_f64).is_some_and(|least| number < least);
    let above = most.and_then(Value::as_f64).is_some_and(|most| number > most);
    if !below && !above {
        return Ok(());
    }
    let allowed = match (least, most) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => return Ok(()),
    };
    Err(bad(format!("`{place}` is {found}, it must be {allowed}"), format!("give a number {allowed}")))
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    use super::super::portable;
    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Detail {
        Concise,
        Detailed,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(try_from = "String")]
    struct Path(#[schemars(with = "String")] String);

    impl TryFrom<String> for Path {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            if text.starts_with('/') {
                Ok(Self(text))
            } else {
                Err(format!("{text:?} is not an absolute path: it must start with '/'"))
            }
        }
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Header {
        /// Name of the header.
        name: String,
        value: Option<String>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Params {
        /// Path of the request, such as /api.
        path: Path,
        detail: Option<Detail>,
        #[schemars(range(min = 1, max = 20))]
        repeat: Option<u32>,
        follow: Option<bool>,
        #[schemars(length(max = 2))]
        headers: Option<Vec<Header>>,
        namespace: Option<String>,
    }

    fn outcome(arguments: Value) -> Result<Params, ToolFailure> {
        check(&portable::input::<Params>(), arguments).and_then(read)
    }

    fn fails(arguments: &Value, seen: &str, next: &str) {
        let failure = outcome(arguments.clone()).expect_err("these arguments are wrong");
        assert_eq!(failure.code, FailureCode::BadArguments);
        assert_eq!((failure.seen.as_str(), failure.next.as_str()), (seen, next), "for {arguments}");
    }

    #[test]
    fn good_arguments_are_read_and_null_is_absent() {
        let params = outcome(json!({
            "path": "/x", "detail": "concise", "repeat": 20, "follow": true, "namespace": null,
            "headers": [{"name": "Host", "value": null}],
        }))
        .expect("good");
        assert_eq!(params.path, Path("/x".to_owned()));
        assert_eq!(params.detail, Some(Detail::Concise));
        assert_eq!((params.repeat, params.follow, params.namespace), (Some(20), Some(true), None));
        let header = params.headers.expect("headers").pop().expect("one");
        assert_eq!((header.name.as_str(), header.value), ("Host", None));
    }

    #[test]
    fn every_mistake_names_its_argument_and_what_to_write() {
        fails(
            &json!({"path": "/", "pth": 1}),
            "unknown argument \"pth\": this tool takes path, detail, repeat, follow, headers, namespace",
            "did you mean `path`? Rename it and call again",
        );
        fails(
            &json!({"path": "/", "verbose": true}),
            "unknown argument \"verbose\": this tool takes path, detail, repeat, follow, headers, namespace",
            "leave it out, or use one of the listed arguments",
        );
        fails(&json!({}), "`path` is missing", "give `path`: Path of the request, such as /api.");
        fails(&json!({"path": null}), "`path` is missing", "give `path`: Path of the request, such as /api.");
        fails(&Value::Null, "`path` is missing", "give `path`: Path of the request, such as /api.");
        fails(
            &json!({"path": "/", "detail": "concis"}),
            "`detail` is \"concis\", which is not one of: concise, detailed",
            "write \"concise\"",
        );
        fails(
            &json!({"path": "/", "detail": "x"}),
            "`detail` is \"x\", which is not one of: concise, detailed",
            "use one of them for `detail`",
        );
        fails(
            &json!({"path": "/", "repeat": "20"}),
            "`repeat` must be a whole number, not the text \"20\"",
            "write 20 without quotes",
        );
        fails(
            &json!({"path": "/", "repeat": 1.5}),
            "`repeat` must be a whole number, not 1.5",
            "correct it and call again",
        );
        fails(
            &json!({"path": "/", "repeat": 0}),
            "`repeat` is 0, it must be from 1 to 20",
            "give a number from 1 to 20",
        );
        fails(&json!({"path": 7}), "`path` must be a text, not 7", "write \"7\" with quotes");
        fails(
            &json!({"path": "/", "headers": "a: b"}),
            "`headers` must be a list, not the text \"a: b\"",
            "write it as a list: [\"a: b\"]",
        );
        fails(
            &json!({"path": "/", "headers": [{"name": "a"}, {"value": "b"}]}),
            "`headers[1].name` is missing",
            "give `headers[1].name`: Name of the header.",
        );
        fails(
            &json!({"path": "/", "headers": [{"name": "a", "nam": "b"}]}),
            "unknown argument \"nam\": `headers[0]` takes name, value",
            "did you mean `name`? Rename it and call again",
        );
        fails(
            &json!({"path": "/", "headers": [{"name": "a"}, {"name": "a"}, {"name": "a"}]}),
            "`headers` has 3 entries, at most 2 are taken",
            "ask for fewer",
        );
        fails(&json!([1]), "the arguments must be an object, not a list", "correct it and call again");
    }

    #[test]
    fn what_is_part_of_several_names_suggests_none() {
        let known = ["ingress-nginx", "f5-nginx", "aws-alb", "max_widenings"];
        for (name, near) in [
            ("nginx", None),
            ("ALB", Some("aws-alb")),
            ("widenings", Some("max_widenings")),
            ("ingress_nginx", Some("ingress-nginx")),
            ("f5-ngnix", Some("f5-nginx")),
            ("x", None),
        ] {
            assert_eq!(suggestion(name, &known), near, "{name}");
        }
    }

    #[test]
    fn a_newtype_refuses_in_its_own_words() {
        fails(
            &json!({"path": "relative"}),
            "`path`: \"relative\" is not an absolute path: it must start with '/'",
            "correct that argument and call again",
        );
    }

    #[test]
    fn a_long_wrong_value_is_not_repeated_whole() {
        let failure = outcome(json!({"path": "/", "detail": "x".repeat(5_000)})).expect_err("wrong");
        assert!(failure.seen.len() < 200, "{}", failure.seen);
    }
}
