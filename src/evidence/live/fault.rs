//! What can go wrong between this program and the API server, told apart by the error's type and
//! source chain, never by forwarding its text: an error of kube prints whole responses.
//!
//! A request fails in one of three ways: no answer came ([`Fault`]), the server answered with an error
//! ([`Refusal`]), or the request was not sent (guard, credentials). [`Failure::why`] turns each into
//! the [`Why`] of a gap.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use kube::core::Status;
use tokio_rustls::rustls;

use super::connect_error::ConnectError;
use super::guard::{PROBE_FLAG, Refused};
use super::redact;
use crate::model::gap::Why;

/// Why no usable answer of an API server came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing listens at the address.
    Refused,
    /// The server's name does not resolve.
    Dns,
    /// No route, network down.
    NoRoute,
    TimedOut {
        seconds: u32,
    },
    /// The connection broke before the answer was complete.
    Broken,
    Tls(TlsFault),
    /// The proxy on the way did not connect.
    Proxy {
        detail: String,
    },
    /// Something answered that is no Kubernetes API: a login page, a proxy, another service.
    NotKubernetes {
        status: u16,
    },
    /// The server speaks HTTPS and was spoken to in HTTP.
    PlainHttp,
    /// The API server has no capacity now, or has an error of its own.
    Server {
        status: u16,
        message: String,
    },
    Other {
        detail: String,
    },
}

/// Why a TLS connection did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFault {
    UnknownIssuer,
    NotValidForName,
    Expired,
    NotYetValid,
    /// The other end does not speak TLS.
    NoTls,
    /// The server did not accept the client certificate.
    ClientCertificate,
    Other {
        detail: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::Dns => f.write_str("the name does not resolve"),
            Self::NoRoute => f.write_str("no route to the address"),
            Self::TimedOut { seconds } => write!(f, "no answer within {seconds} s"),
            Self::Broken => f.write_str("the connection broke before the answer was complete"),
            Self::Tls(fault) => fault.fmt(f),
            Self::Proxy { detail } => write!(f, "the proxy on the way does not connect: {detail}"),
            // No status at all: the answer was not even HTTP.
            Self::NotKubernetes { status: 0 } => {
                f.write_str("this address is not a Kubernetes API: it does not speak HTTP")
            }
            Self::NotKubernetes { status } => {
                write!(f, "this address is not a Kubernetes API (login page or proxy?): HTTP {status}")
            }
            Self::PlainHttp => f.write_str("the server speaks HTTPS, the kubeconfig says http://"),
            Self::Server { status, message } if message.is_empty() => write!(f, "HTTP {status}"),
            Self::Server { status, message } => write!(f, "HTTP {status}: {message}"),
            Self::Other { detail } => f.write_str(detail),
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str("the server's certificate is not signed by a known CA"),
            Self::NotValidForName => f.write_str("the server's certificate is not valid for this name"),
            Self::Expired => f.write_str("the server's certificate has expired"),
            Self::NotYetValid => f.write_str("the server's certificate is not valid yet"),
            Self::NoTls => f.write_str("the server does not speak TLS"),
            Self::ClientCertificate => f.write_str("the server does not accept the client certificate"),
            Self::Other { detail } => write!(f, "TLS failed: {detail}"),
        }
    }
}

impl Fault {
    /// Reads an error of the HTTP client down to its root.
    pub(super) fn of(error: &(dyn StdError + 'static), read_seconds: u32) -> Self {
        let mut last = error;
        for error in chain(error) {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Self::Tls(TlsFault::of(error));
            }
            if let Some(error) = error.downcast_ref::<io::Error>()
                && let Some(fault) = Self::of_io(error, read_seconds)
            {
                return fault;
            }
            if error.is::<tokio::time::error::Elapsed>() {
                return Self::TimedOut { seconds: read_seconds };
            }
            if let Some(error) = error.downcast_ref::<hyper::Error>()
                && (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
            {
                return Self::Broken;
            }
            last = error;
        }
        let text = last.to_string();
        if chain(error).any(|error| error.to_string().starts_with("dns error")) {
            return Self::Dns;
        }
        if chain(error).any(|error| error.is::<hyper::Error>() && error.to_string().contains("invalid HTTP"))
        {
            return Self::NotKubernetes { status: 0 };
        }
        // hyper-util's tunnel errors are private types; their texts hold nothing of the request.
        match text.split_once("tunnel error").or_else(|| text.split_once("SOCKS")) {
            Some(_) => Self::Proxy { detail: redact::clean(&text) },
            None => Self::Other { detail: redact::clean(&text) },
        }
    }

    fn of_io(error: &io::Error, read_seconds: u32) -> Option<Self> {
        if let Some(inner) = error.get_ref() {
            if let Some(error) = inner.downcast_ref::<rustls::Error>() {
                return Some(Self::Tls(TlsFault::of(error)));
            }
            // The resolver's failures are plain texts in an uncategorised error.
            if inner.to_string().starts_with("failed to lookup address") {
                return Some(Self::Dns);
            }
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut { seconds: read_seconds }),
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => Some(Self::NoRoute),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Some(Self::Broken),
            _ => error.to_string().starts_with("failed to lookup address").then_some(Self::Dns),
        }
    }
}

impl TlsFault {
    fn of(error: &rustls::Error) -> Self {
        use rustls::{AlertDescription, CertificateError, Error};
        match error {
            Error::InvalidCertificate(error) => match error {
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Self::NotValidForName
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                other => Self::Other { detail: redact::clean(&other.to_string()) },
            },
            Error::InvalidMessage(_) => Self::NoTls,
            Error::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnknownCA
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::AccessDenied,
            ) => Self::ClientCertificate,
            other => Self::Other { detail: redact::clean(&other.to_string()) },
        }
    }
}

/// An error and its sources; bounded, since `source` may be anyone's code.
pub(super) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        // An `io::Error` answers `source` with the source of what it wraps, skipping the wrapped one.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
    .take(16)
}

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

    fn why(&self, about: &About, server: &str) -> Why {
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

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    Fault(Fault),
    Refusal(Box<Refusal>),
    /// The guard did not let it out.
    Guard(Refused),
    /// The credentials had expired and could not be renewed.
    Credentials(Box<ConnectError>),
    /// The answer was no JSON of the expected shape.
    Undecodable {
        detail: String,
    },
    TooLarge {
        limit: String,
    },
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Failure {
    /// Reads an error of kube's client.
    pub(super) fn of(error: &kube::Error, read_seconds: u32) -> Self {
        if let kube::Error::Api(status) = error {
            return Self::Refusal(Box::new(Refusal::of_status(status)));
        }
        for error in chain(error) {
            if let Some(refused) = error.downcast_ref::<Refused>() {
                return Self::Guard(*refused);
            }
        }
        Self::Fault(Fault::of(error, read_seconds))
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refusal(refusal) if refusal.code == 401 && !refusal.is_html)
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Fault(fault) => *fault == Fault::Broken,
            Self::Refusal(refusal) => matches!(refusal.code, 429 | 503 | 504),
            Self::Guard(_) | Self::Credentials(_) | Self::Undecodable { .. } | Self::TooLarge { .. } => false,
        }
    }

    /// How long the server wants the next request to wait.
    pub(super) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Refusal(refusal) => refusal.retry_after_s,
            Self::Fault(_)
            | Self::Guard(_)
            | Self::Credentials(_)
            | Self::Undecodable { .. }
            | Self::TooLarge { .. } => None,
        }
    }

    /// The reason as gaps carry it.
    pub(super) fn why(&self, about: &About, server: &str) -> Why {
        match self {
            Self::Fault(Fault::TimedOut { seconds }) => Why::TimedOut { seconds: *seconds },
            Self::Fault(fault) => Why::Unreachable { detail: format!("{server}: {fault}") },
            Self::Refusal(refusal) => refusal.why(about, server),
            Self::Guard(Refused::ProbesOff) => Why::Disabled { flag: PROBE_FLAG },
            Self::Guard(refused) => Why::Unsupported { detail: refused.to_string() },
            Self::Credentials(error) => Why::Unreachable { detail: error.message() },
            Self::Undecodable { detail } => Why::Malformed { detail: detail.clone() },
            Self::TooLarge { limit } => Why::TooMuch { limit: limit.clone() },
        }
    }

    /// The reason why there is no connection.
    pub(super) fn connect_error(self, context: &str, server: &str, plugin: Option<&str>) -> ConnectError {
        let (context, server) = (context.to_owned(), server.to_owned());
        let fault = match self {
            Self::Credentials(error) => return *error,
            Self::Refusal(refusal) if refusal.code == 401 && !refusal.is_html => {
                return ConnectError::Unauthorized { context, plugin: plugin.map(str::to_owned) };
            }
            Self::Fault(fault) => fault,
            Self::Refusal(refusal) if (300..400).contains(&refusal.code) => {
                Fault::NotKubernetes { status: refusal.code }
            }
            Self::Refusal(refusal)
                if refusal.message.starts_with("Client sent an HTTP request to an HTTPS server") =>
            {
                Fault::PlainHttp
            }
            Self::Refusal(refusal) if refusal.code == 404 && !refusal.is_status => {
                Fault::NotKubernetes { status: 404 }
            }
            Self::Refusal(refusal) => refusal.fault(),
            Self::Guard(refused) => Fault::Other { detail: refused.to_string() },
            Self::Undecodable { .. } => Fault::NotKubernetes { status: 200 },
            Self::TooLarge { limit } => Fault::Other { detail: limit },
        };
        ConnectError::Unreachable { context, server, fault }
    }
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

    #[test]
    fn faults_are_read_from_the_root_of_the_chain() {
        let kinds = [
            (io::ErrorKind::ConnectionRefused, Fault::Refused),
            (io::ErrorKind::TimedOut, Fault::TimedOut { seconds: 15 }),
            (io::ErrorKind::ConnectionReset, Fault::Broken),
            (io::ErrorKind::HostUnreachable, Fault::NoRoute),
        ];
        for (kind, fault) in kinds {
            let error = kube::Error::Service(Box::new(io::Error::other(io::Error::from(kind))));
            assert_eq!(Fault::of(&error, 15), fault, "{kind:?}");
        }
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = kube::Error::Service(Box::new(io::Error::new(io::ErrorKind::InvalidData, tls)));
        assert_eq!(Fault::of(&error, 15), Fault::Tls(TlsFault::UnknownIssuer));
        let error = kube::Error::Service(Box::new(io::Error::other(
            "failed to lookup address information: Name or service not known",
        )));
        assert_eq!(Fault::of(&error, 15), Fault::Dns);
    }

    #[test]
    fn the_guards_refusal_comes_through() {
        let error = kube::Error::Service(Box::new(Refused::ProbesOff));
        assert_eq!(Failure::of(&error, 15).why(&about(), "x"), Why::Disabled { flag: "--allow-probe" });
    }
}
