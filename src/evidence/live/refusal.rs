//! Error statuses: what the API server, or something in its place, answered, and what that means.
//!
//! Only a body that is a Kubernetes `Status` is the API server's word. An HTML page is somebody else's,
//! whatever its status code.

use kube::core::Status;

use super::fault::Fault;
use super::redact;
use crate::model::gap::Why;

/// An error status that a server answered with.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusal {
    pub code: u16,
    /// Whether the body was a Kubernetes `Status`; then the following are the API server's words.
    pub is_status: bool,
    pub reason: String,
    pub message: String,
    /// The object that the status is about; empty when it is about no object.
    pub object: String,
    /// The token with which an expired list may go on.
    pub continue_token: Option<String>,
    pub retry_after_s: Option<u64>,
    pub is_html: bool,
}

impl Refusal {
    /// Reads the body of an error answer.
    pub(super) fn read(code: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(value) if value.get("kind").and_then(|kind| kind.as_str()) == Some("Status") => {
                let text = |pointer: &str| {
                    value.pointer(pointer).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
                };
                Self {
                    code,
                    is_status: true,
                    reason: text("/reason"),
                    message: text("/message"),
                    object: text("/details/name"),
                    continue_token: Some(text("/metadata/continue")).filter(|token| !token.is_empty()),
                    retry_after_s: value
                        .pointer("/details/retryAfterSeconds")
                        .and_then(serde_json::Value::as_u64),
                    is_html: false,
                }
            }
            Ok(_) | Err(_) => {
                let head = String::from_utf8_lossy(body.get(..body.len().min(512)).unwrap_or_default());
                let head = head.trim();
                Self { code, message: head.to_owned(), is_html: looks_like_html(head), ..Self::default() }
            }
        }
    }

    /// What kube made of an error answer.
    pub(super) fn of_status(status: &Status) -> Self {
        // kube's words for a body that was no `Status`.
        let is_status = status.reason != "Failed to parse error data";
        Self {
            code: status.code,
            is_status,
            reason: if is_status { status.reason.clone() } else { String::new() },
            message: status.message.clone(),
            object: status.details.as_ref().map(|details| details.name.clone()).unwrap_or_default(),
            continue_token: None,
            retry_after_s: None,
            is_html: !is_status && looks_like_html(&status.message),
        }
    }

    /// The asked-for object is not there; its kind is.
    pub(super) fn is_absent_object(&self) -> bool {
        self.code == 404 && self.is_status && self.reason == "NotFound" && !self.object.is_empty()
    }

    /// A list or watch began too long ago.
    pub(super) fn is_expired(&self) -> bool {
        self.code == 410
    }

    pub(super) fn why(&self, about: &About, server: &str) -> Why {
        let unreachable = |fault: &Fault| Why::Unreachable { detail: format!("{server}: {fault}") };
        match self.code {
            300..=399 => unreachable(&Fault::NotKubernetes { status: self.code }),
            _ if self.is_html => unreachable(&Fault::NotKubernetes { status: self.code }),
            401 => Why::Unauthorized,
            403 => self.forbidden(about),
            404 if !self.is_status || self.object.is_empty() => Why::NotInstalled,
            400 if self.message.starts_with("Client sent an HTTP request to an HTTPS server") => {
                unreachable(&Fault::PlainHttp)
            }
            400 | 404..=428 => Why::Unsupported { detail: redact::clean(&self.message) },
            _ => unreachable(&self.fault()),
        }
    }

    /// The status as a fault of the server.
    pub(super) fn fault(&self) -> Fault {
        if self.is_html {
            return Fault::NotKubernetes { status: self.code };
        }
        Fault::Server { status: self.code, message: redact::clean(&self.message) }
    }

    fn forbidden(&self, about: &About) -> Why {
        // `as` in the kubeconfig: the right that is missing is not the asked-for one.
        if self.message.contains(" cannot impersonate") {
            return Why::Forbidden {
                verb: "impersonate",
                group: "",
                resource: "users".to_owned(),
                namespace: None,
            };
        }
        // Since 1.35 a stream into a pod needs `create` as well as `get`; the second check says nothing.
        let verb = if self.message.trim_end().ends_with("is forbidden:") {
            "create"
        } else {
            VERBS
                .into_iter()
                .find(|verb| self.message.contains(&format!(" cannot {verb} ")))
                .unwrap_or(about.verb)
        };
        Why::Forbidden {
            verb,
            group: about.group,
            resource: about.resource.clone(),
            namespace: about.namespace.clone(),
        }
    }
}

const VERBS: [&str; 4] = ["get", "list", "watch", "create"];

fn looks_like_html(head: &str) -> bool {
    let head = head.trim_start_matches('\u{feff}').trim_start().get(..9).unwrap_or(head).to_ascii_lowercase();
    head.starts_with("<!doctype")
        || head.starts_with("<html")
        || head.starts_with("<head")
        || head.starts_with("<?xml")
}

/// What a request is about, in the words of RBAC.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub verb: &'static str,
    pub group: &'static str,
    /// With its subresource: `pods/log`.
    pub resource: String,
    pub namespace: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About { verb: "get", group: "", resource: "pods/exec".to_owned(), namespace: Some("shop".to_owned()) }
    }

    fn check(code: u16, body: &str, why: &Why) {
        assert_eq!(&Refusal::read(code, body.as_bytes()).why(&about(), "api:6443"), why, "{code} {body}");
    }

    fn forbidden(verb: &'static str) -> Why {
        Why::Forbidden {
            verb,
            group: "",
            resource: "pods/exec".to_owned(),
            namespace: Some("shop".to_owned()),
        }
    }

    fn unreachable(detail: &str) -> Why {
        Why::Unreachable { detail: format!("api:6443: {detail}") }
    }

    #[test]
    fn a_refused_right_is_named() {
        let status = |message: &str| {
            serde_json::json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": message})
                .to_string()
        };
        check(
            403,
            &status(
                "pods \"a\" is forbidden: User \"u\" cannot get resource \"pods/exec\" in API group \"\"",
            ),
            &forbidden("get"),
        );
        check(
            403,
            &status("pods \"a\" is forbidden: User \"u\" cannot create resource"),
            &forbidden("create"),
        );
        check(403, &status("pods \"a\" is forbidden: "), &forbidden("create"));
        let impersonate =
            Why::Forbidden { verb: "impersonate", group: "", resource: "users".to_owned(), namespace: None };
        check(
            403,
            &status("users \"u\" is forbidden: User \"me\" cannot impersonate resource \"users\""),
            &impersonate,
        );
    }

    #[test]
    fn a_page_of_something_else_is_no_answer_of_kubernetes() {
        for code in [302, 401, 403, 404, 502] {
            let text = format!("this address is not a Kubernetes API (login page or proxy?): HTTP {code}");
            check(code, "\n<!DOCTYPE html><title>Sign in</title>", &unreachable(&text));
        }
    }

    #[test]
    fn a_missing_kind_is_told_from_a_missing_object() {
        check(404, "404 page not found\n", &Why::NotInstalled);
        check(
            404,
            r#"{"kind":"Status","code":404,"reason":"NotFound","message":"the server could not find the requested resource","details":{}}"#,
            &Why::NotInstalled,
        );
        let body = r#"{"kind":"Status","reason":"NotFound","message":"pods \"a\" not found","details":{"name":"a","kind":"pods"}}"#;
        assert!(Refusal::read(404, body.as_bytes()).is_absent_object());
        assert!(!Refusal::read(404, b"404 page not found\n").is_absent_object());
    }

    #[test]
    fn other_statuses_say_what_was_seen() {
        check(401, r#"{"kind":"Status","reason":"Unauthorized"}"#, &Why::Unauthorized);
        check(
            400,
            "Client sent an HTTP request to an HTTPS server.\n",
            &unreachable("the server speaks HTTPS, the kubeconfig says http://"),
        );
        check(
            429,
            "Too many requests, please try again later.\n",
            &unreachable("HTTP 429: Too many requests, please try again later."),
        );
        check(503, "", &unreachable("HTTP 503"));
        check(
            400,
            r#"{"kind":"Status","message":"field label not supported: spec.x"}"#,
            &Why::Unsupported { detail: "field label not supported: spec.x".to_owned() },
        );
    }
}
