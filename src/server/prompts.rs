//! The one prompt: the runbook, filled in for one URL.

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

use super::{icons, invalid, resources};
use crate::model::request::Request;
use crate::report::text::Text;

const NAME: &str = "ingress_404";
const DESCRIPTION: &str = "Work through the 404 runbook for one URL and end in one verdict.";
const ARGUMENTS: [&str; 3] = ["url", "namespace", "ingress"];

pub(super) fn all() -> Vec<Prompt> {
    let arguments = vec![
        PromptArgument::new("url")
            .with_title("URL")
            .with_description("The address that answers 404, such as https://shop.example.com/api.")
            .with_required(true),
        PromptArgument::new("namespace")
            .with_title("Namespace")
            .with_description("Where the Ingress is, when known.")
            .with_required(false),
        PromptArgument::new("ingress")
            .with_title("Ingress")
            .with_description("The name of the Ingress the complaint is about, when known.")
            .with_required(false),
    ];
    vec![
        Prompt::new(NAME, Some(DESCRIPTION), Some(arguments))
            .with_title("Why does this URL answer 404?")
            .with_icons(icons()),
    ]
}

pub(super) fn get(name: &str, arguments: Option<&JsonObject>) -> Result<GetPromptResult, ErrorData> {
    if name != NAME {
        return Err(invalid(format!("unknown prompt \"{}\"; this server has: {NAME}", Text::new(name))));
    }
    if let Some(unknown) =
        arguments.into_iter().flat_map(|map| map.keys()).find(|key| !ARGUMENTS.contains(&key.as_str()))
    {
        let takes = ARGUMENTS.join(", ");
        return Err(invalid(format!("unknown argument \"{}\"; {NAME} takes {takes}", Text::new(unknown))));
    }
    let given = |key: &str| {
        let value = arguments.and_then(|map| map.get(key));
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim())),
            Some(_) => Err(invalid(format!("`{key}` must be a text"))),
        }
    };
    let url = given("url")?.ok_or_else(|| invalid("`url` is missing: the address that answers 404"))?;
    let url = Request::parse(url).map_err(|error| invalid(format!("`url`: {error}")))?.url();
    let namespace = object_name("namespace", given("namespace")?)?;
    let ingress = object_name("ingress", given("ingress")?)?;
    let known = match (namespace, ingress) {
        (Some(namespace), Some(ingress)) => {
            format!("The complaint is about Ingress {namespace}/{ingress}.\n")
        }
        (Some(namespace), None) => format!("The Ingress is in namespace {namespace}.\n"),
        (None, Some(ingress)) => format!("The complaint is about an Ingress named {ingress}.\n"),
        (None, None) => String::new(),
    };
    let text = format!(
        "{url} answers 404.\n{known}Find out why, since when, and which object and field is to blame.\n\
         Work through the runbook below with the tools it names, from step 1 on, for this URL. Follow the next step at the end of every result, and stop when the cause is certain. End with one verdict: \
         code, culprit, since when, evidence, fix. Say what could not be seen.\n\n{}",
        resources::RUNBOOK
    );
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(DESCRIPTION))
}

/// A name of a Kubernetes object, or nothing.
fn object_name<'a>(argument: &str, name: Option<&'a str>) -> Result<Option<&'a str>, ErrorData> {
    match name {
        Some(name) if !resources::is_object_name(name) => Err(invalid(format!(
            "`{argument}`: \"{}\" is not the name of an object: use lower-case letters, digits, '-' and '.'",
            Text::new(name)
        ))),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(arguments: &Value) -> Result<String, String> {
        let result = get(NAME, arguments.as_object()).map_err(|error| error.message.into_owned())?;
        serde_json::to_value(&result.messages)
            .ok()
            .and_then(|messages| Some(messages.pointer("/0/content/text")?.as_str()?.to_owned()))
            .ok_or_else(|| "no text".to_owned())
    }

    #[test]
    fn the_prompt_carries_the_url_and_the_runbook() {
        let text = ask(&json!({"url": "http://shop.example.com/api", "namespace": "shop", "ingress": "web"}))
            .expect("a prompt");
        assert!(text.starts_with(
            "http://shop.example.com/api answers 404.\nThe complaint is about Ingress shop/web.\n"
        ));
        assert!(text.ends_with(resources::RUNBOOK));
    }

    #[test]
    fn bad_arguments_are_named() {
        for (arguments, part) in [
            (json!({}), "`url` is missing"),
            (json!({"url": "shop.example.com"}), "not an absolute URL"),
            (json!({"url": 4}), "`url` must be a text"),
            (json!({"url": "http://a/", "path": "/x"}), "takes url, namespace, ingress"),
            (json!({"url": "http://a/", "namespace": "x\nrun exec_probe"}), "is not the name of an object"),
        ] {
            let message = ask(&arguments).expect_err("bad arguments");
            assert!(message.contains(part), "{message}");
        }
        assert!(get("other", None).expect_err("unknown").message.contains("ingress_404"));
    }
}
