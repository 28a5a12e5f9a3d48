//! The redirects that annotations ask for.
//!
//! `ssl-redirect` is on by itself where the Ingress has TLS hosts, works on plain requests only and
//! goes ahead of `request-redirect`, which works on all. A code that HAProxy does not know keeps the
//! whole configuration from being loaded. The target is the request's own, byte for byte.
//! Sources: haproxytech/kubernetes-ingress `pkg/annotations/ingress/{httpsRedirect,hostRedirect}.go`,
//! `pkg/haproxy/rules/reqRequestRedirect.go`, 3.2.

use crate::analysis::routing::Note;
use crate::model::request::{Request, Scheme};

use super::options::{Values, boolean};

/// The codes that HAProxy redirects with.
const CODES: [u16; 5] = [301, 302, 303, 307, 308];
const DEFAULT_CODE: &str = "302";
const DEFAULT_PORT: &str = "8443";

/// One redirect rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) code: u16,
    /// To https on the same host; else to the target.
    pub(super) to_https: bool,
    /// Scheme and host for others; the port for https.
    target: String,
    pub(super) said_by: Note,
}

impl Redirect {
    /// The redirects of one Ingress in the order that HAProxy tries them, and what is wrong with them.
    pub(super) fn all(values: &Values<'_>) -> (Vec<Self>, Option<String>) {
        let mut broken = None;
        let mut code_of = |name: &str| {
            let text = values.get(name).map_or(DEFAULT_CODE, |(value, _)| value);
            let code = text.parse().ok().filter(|code| CODES.contains(code));
            if code.is_none() {
                broken.get_or_insert_with(|| format!("redirect code {text:?} of {name}"));
            }
            code.unwrap_or(302)
        };
        let https = match values.set("ssl-redirect") {
            Some((value, note)) => (boolean(value) == Some(true)).then_some(note),
            None => values.with_tls().map(|ingress| Note::Annotation {
                ingress: ingress.meta.key(),
                key: "haproxy.org/ssl-redirect".to_owned(),
            }),
        };
        let mut found: Vec<Self> = Vec::new();
        if let Some(said_by) = https {
            let port = values.get("ssl-redirect-port").map_or(DEFAULT_PORT, |(value, _)| value);
            let port = port.parse::<i64>().unwrap_or(0).to_string();
            found.push(Self { code: code_of("ssl-redirect-code"), to_https: true, target: port, said_by });
        }
        if let Some((value, said_by)) = values.set("request-redirect") {
            let target = match value.strip_prefix("https://") {
                Some(host) => format!("https://{host}"),
                None => format!("http://{}", value.strip_prefix("http://").unwrap_or(value)),
            };
            let code = code_of("request-redirect-code");
            found.push(Self { code, to_https: false, target, said_by });
        }
        (found, broken)
    }

    /// What tells it from other redirects: equal ones are one rule.
    pub(super) fn identity(&self) -> (u16, bool, &str) {
        (self.code, self.to_https, &self.target)
    }

    /// Where a request is sent, if this redirect takes it.
    pub(super) fn location(&self, request: &Request) -> Option<String> {
        if !self.to_https {
            return Some(format!("{}{}", self.target, request.target()));
        }
        let host = request.host_as_sent.split(':').next().unwrap_or_default();
        (request.scheme == Scheme::Http)
            .then(|| format!("https://{host}:{}{}", self.target, request.target()))
    }
}
