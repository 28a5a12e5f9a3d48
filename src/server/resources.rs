//! What clients may attach: the runbook, a page per verdict and per controller, one Ingress, and the
//! pages that show results.

use futures::FutureExt;
use include_dir::{Dir, include_dir};
use rmcp::ErrorData;
use rmcp::model::{CacheScope, MetaObject, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::{Map, json};

use super::{READ_TTL_MS, STATIC_TTL_MS, Server, icons, invalid};
use crate::model::controller::ControllerKind;
use crate::model::verdict::Code;
use crate::report::text::Text;
use crate::tools::{Entry, FailureCode};

pub(super) const RUNBOOK: &str = include_str!("../../docs/runbook.md");
pub(super) const APP_MIME_TYPE: &str = "text/html;profile=mcp-app";
pub(super) const INGRESS_TEMPLATE: &str = "k8s://{namespace}/ingress/{name}";

const RUNBOOK_URI: &str = "routecause://runbook";
const MARKDOWN: &str = "text/markdown";

/// The documentation inside the program.
static DOCS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs");

/// One page of documentation.
struct Page {
    uri: String,
    name: String,
    title: String,
    text: &'static str,
}

fn page(folder: &str, kind: &str, id: &str) -> Option<Page> {
    let text = DOCS.get_file(format!("{folder}/{id}.md"))?.contents_utf8()?;
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    Some(Page {
        uri: format!("routecause://{kind}/{id}"),
        name: id.to_owned(),
        title: heading.unwrap_or(id).to_owned(),
        text,
    })
}

fn pages() -> impl Iterator<Item = Page> {
    let verdicts = Code::ALL.iter().filter_map(|code| page("verdicts", "verdict", code.as_str()));
    let controllers =
        ControllerKind::ALL.iter().filter_map(|kind| page("controllers", "controller", kind.slug()));
    verdicts.chain(controllers)
}

pub(super) fn all(tools: &[Entry]) -> Vec<Resource> {
    let runbook = Resource::new(RUNBOOK_URI, "runbook")
        .with_title("Runbook: a URL answers 404")
        .with_description("The steps of the investigation and the tool for each.")
        .with_mime_type(MARKDOWN)
        .with_icons(icons());
    let apps = tools
        .iter()
        .filter_map(|entry| entry.app)
        .map(|app| Resource::new(app.uri, app.title).with_title(app.title).with_mime_type(APP_MIME_TYPE));
    let pages = pages()
        .map(|page| Resource::new(page.uri, page.name).with_title(page.title).with_mime_type(MARKDOWN));
    std::iter::once(runbook).chain(pages).chain(apps).collect()
}

pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(INGRESS_TEMPLATE, "ingress")
            .with_title("Ingress")
            .with_description("One Ingress as its controller sees it.")
            .with_mime_type("text/plain")
            .with_icons(icons()),
    ]
}

pub(super) async fn read(server: &Server, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    if uri == RUNBOOK_URI {
        return Ok(fixed(ResourceContents::text(RUNBOOK, uri).with_mime_type(MARKDOWN)));
    }
    if let Some(page) = pages().find(|page| page.uri == uri) {
        return Ok(fixed(ResourceContents::text(page.text, uri).with_mime_type(MARKDOWN)));
    }
    if let Some(app) = server.0.tools.iter().filter_map(|entry| entry.app).find(|app| app.uri == uri) {
        // The page is complete in itself: it may load nothing.
        let policy = Map::from_iter([("ui".to_owned(), json!({"csp": {}}))]);
        let contents = ResourceContents::text(app.html, uri).with_mime_type(APP_MIME_TYPE);
        return Ok(fixed(contents.with_meta(MetaObject(policy))));
    }
    let Some((namespace, name)) = parse_ingress(uri) else {
        let message = format!("no resource \"{}\"; read {RUNBOOK_URI} or {INGRESS_TEMPLATE}", Text::new(uri));
        return Err(ErrorData::resource_not_found(message, Some(json!({"uri": Text::new(uri)}))));
    };
    let reading = std::panic::AssertUnwindSafe(server.toolbox().ingress_text(namespace, name)).catch_unwind();
    match reading.await {
        Ok(Ok(text)) => Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri)])
            .with_ttl_ms(READ_TTL_MS)
            .with_cache_scope(CacheScope::Private)),
        Ok(Err(failure)) => Err(match failure.code {
            FailureCode::NotFound => {
                ErrorData::resource_not_found(failure.to_string(), Some(json!({"uri": uri})))
            }
            FailureCode::BadArguments => invalid(failure.to_string()),
            _ => ErrorData::internal_error(failure.to_string(), None),
        }),
        Err(_) => {
            tracing::error!("reading an Ingress panicked");
            Err(ErrorData::internal_error("reading the Ingress failed inside this program", None))
        }
    }
}

/// Content that never changes and is the same for everybody.
fn fixed(contents: ResourceContents) -> ReadResourceResult {
    ReadResourceResult::new(vec![contents]).with_ttl_ms(STATIC_TTL_MS).with_cache_scope(CacheScope::Public)
}

/// Namespace and name of `k8s://NAMESPACE/ingress/NAME`.
fn parse_ingress(uri: &str) -> Option<(&str, &str)> {
    let (namespace, rest) = uri.strip_prefix("k8s://")?.split_once('/')?;
    let name = rest.strip_prefix("ingress/")?;
    (is_object_name(namespace) && is_object_name(name)).then_some((namespace, name))
}

/// Whether Kubernetes would take this for the name of an object.
pub(super) fn is_object_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_takes_names_only() {
        assert_eq!(parse_ingress("k8s://shop/ingress/web.v2"), Some(("shop", "web.v2")));
        for uri in ["k8s://shop/pod/web", "k8s://shop/ingress/", "k8s:///ingress/web", "k8s://a/ingress/b/c"]
        {
            assert_eq!(parse_ingress(uri), None, "{uri}");
        }
    }

    #[test]
    fn every_listed_resource_has_its_own_uri() {
        let listed = all(&[]);
        let mut uris: Vec<&str> = listed.iter().map(|resource| resource.uri.as_str()).collect();
        uris.sort_unstable();
        uris.dedup();
        assert_eq!(uris.len(), listed.len());
    }
}
