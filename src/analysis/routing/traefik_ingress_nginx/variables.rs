//! nginx' variables, as far as this provider knows them.
//!
//! Unknown variables stay as they are written.
//! Source: traefik/traefik `pkg/middlewares/ingressnginx/interpolation.go`, v3.7.13.

use crate::analysis::routing::traefik::seen::Seen;
use crate::model::request::Scheme;

/// Fills in the variables of a text.
pub(super) fn filled(text: &str, seen: &Seen<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, dollar) = rest.split_at(at);
        out.push_str(before);
        let body = dollar.get(1..).unwrap_or_default();
        let braced = body.strip_prefix('{');
        let body = braced.unwrap_or(body);
        let end = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(body.len());
        let (name, after) = body.split_at(end);
        let after = after.strip_prefix('}').unwrap_or(after);
        let written = dollar.get(..dollar.len() - after.len()).unwrap_or_default();
        match value(name, seen) {
            Some(value) => out.push_str(&value),
            None => out.push_str(written),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn value(name: &str, seen: &Seen<'_>) -> Option<String> {
    let request = seen.request;
    if let Some(header) = name.strip_prefix("http_") {
        return Some(seen.header(&header.replace('_', "-")).collect::<Vec<_>>().join(","));
    }
    if let Some(argument) = name.strip_prefix("arg_") {
        let query = request.query.as_deref().unwrap_or_default();
        let found = query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == argument).then(|| value.to_owned())
        });
        return Some(found.unwrap_or_default());
    }
    match name {
        "scheme" => Some(request.scheme.as_str().to_owned()),
        "host" => Some(request.host_as_sent.to_ascii_lowercase()),
        "server_name" => Some(request.host_as_sent.clone()),
        "best_http_host" => Some(request.authority()),
        "request_uri" => Some(seen.request_uri()),
        "request_method" => Some(request.method.clone()),
        "args" | "query_string" => Some(request.query.clone().unwrap_or_default()),
        "is_args" => {
            Some(if request.query.as_deref().unwrap_or_default().is_empty() { "" } else { "?" }.to_owned())
        }
        "uri" | "document_uri" => Some(String::from_utf8_lossy(&seen.uri.path).into_owned()),
        "server_port" => Some(request.effective_port().to_string()),
        _ => None,
    }
}

/// The URL of a request as redirects see it.
pub(super) fn url(seen: &Seen<'_>) -> String {
    let scheme = match seen.request.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    format!("{scheme}://{}{}", seen.request.authority(), seen.request_uri())
}
