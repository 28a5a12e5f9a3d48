//! Completions for the arguments of the prompt and of the template.
//!
//! Only what this identity may read is offered, and never more than a hundred values.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::{Server, invalid, prompts, resources};
use crate::report::text::Text;
use crate::tools::Completable;

/// A completion that takes longer is of no use to anybody typing.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn complete(
    server: &Server,
    request: CompleteRequestParams,
) -> Result<CompleteResult, ErrorData> {
    let known = match &request.r#ref {
        Reference::Prompt(prompt) => prompts::all().iter().any(|known| known.name == prompt.name),
        Reference::Resource(template) => template.uri == resources::INGRESS_TEMPLATE,
        _ => false,
    };
    if !known {
        let what = request.r#ref.as_prompt_name().or(request.r#ref.as_resource_uri()).unwrap_or_default();
        return Err(invalid(format!("nothing to complete for \"{}\"", Text::new(what))));
    }
    let context: BTreeMap<String, String> =
        request.context.and_then(|context| context.arguments).unwrap_or_default().into_iter().collect();
    let prefix = request.argument.value.as_str();
    let mut values = match request.argument.name.as_str() {
        "context" => ask(server, Completable::Context, prefix, &context).await,
        "namespace" => ask(server, Completable::Namespace, prefix, &context).await,
        "ingress" | "name" => ask(server, Completable::Ingress, prefix, &context).await,
        "host" => ask(server, Completable::Host, prefix, &context).await,
        "url" => urls(server, prefix, &context).await,
        _ => Vec::new(),
    };
    let total = values.len();
    values.truncate(CompletionInfo::MAX_VALUES);
    let more = total > values.len();
    let info = CompletionInfo::with_pagination(values, u32::try_from(total).ok(), more)
        .map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(info))
}

async fn ask(
    server: &Server,
    what: Completable,
    prefix: &str,
    context: &BTreeMap<String, String>,
) -> Vec<String> {
    let asking = AssertUnwindSafe(server.toolbox().complete(what, prefix, context)).catch_unwind();
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(values)) => values,
        Ok(Err(_)) => {
            tracing::error!("a completion panicked");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// Addresses of known hosts, as far as the host is being typed.
async fn urls(server: &Server, prefix: &str, context: &BTreeMap<String, String>) -> Vec<String> {
    let (scheme, host) = split(prefix);
    if host.contains('/') {
        return Vec::new();
    }
    let hosts = ask(server, Completable::Host, host, context).await;
    hosts.into_iter().map(|host| format!("{scheme}{host}/")).collect()
}

fn split(prefix: &str) -> (&'static str, &str) {
    match prefix.strip_prefix("http://") {
        Some(host) => ("http://", host),
        None => ("https://", prefix.strip_prefix("https://").unwrap_or(prefix)),
    }
}
