//! What the lines that ingress-nginx writes about itself mean, and which object they name.
//!
//! Matched on the constant part of each message; versions from 0.20 to 1.15 differ in quotes, full
//! stops and case only. Sources: kubernetes/ingress-nginx v1.15.1 `internal/ingress/controller/`
//! (`controller.go`, `nginx.go`, `store/store.go`), `internal/ingress/errors`, `internal/admission`.

use crate::model::object::Name;

use super::klog::Structured;

mod kind;

pub use kind::{ClassError, MessageKind};

/// How loudly it was said; nginx's eight levels are folded into these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Info,
    Warning,
    Error,
    Fatal,
}

/// A message that says something about routing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    pub kind: MessageKind,
    pub subject: Subject,
    /// What else the message names: a class, an annotation, a port, nginx's complaint, …
    pub detail: Option<String>,
}

/// The object a message is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The controller itself, or nothing that is named.
    Controller,
    Ingress(Name),
    IngressClass(String),
    Service(Name),
    Secret(Name),
    ConfigMap(Name),
    /// An upstream by the controller's own name for it.
    Upstream(String),
    Host(String),
}

/// What a text of the controller means; `None` where it says nothing about routing.
#[must_use]
pub fn classify(level: Level, text: &str) -> Option<Message> {
    match Structured::read(text) {
        Some(structured) => of_structured(&structured).or_else(|| of_plain(&structured.text)),
        None if text.starts_with("Event(") => of_event(text),
        None => of_plain(text),
    }
    .or_else(|| {
        (level != Level::Info).then_some(Message {
            kind: MessageKind::Unclassified,
            subject: Subject::Controller,
            detail: None,
        })
    })
}

fn message(kind: MessageKind, subject: Subject, detail: Option<&str>) -> Message {
    Message { kind, subject, detail: detail.filter(|d| !d.is_empty()).map(short) }
}

/// Details are names and one-line reasons; longer ones are cut.
fn short(detail: &str) -> String {
    detail.lines().next().unwrap_or_default().chars().take(200).collect()
}

fn of_structured(read: &Structured<'_>) -> Option<Message> {
    let about = || match read.get("ingress").and_then(name) {
        Some(found) => Subject::Ingress(found),
        None => Subject::Controller,
    };
    let error = || read.get("err").or_else(|| read.get("error"));
    let found = match read.text.as_ref() {
        "Ignoring ingress because of error while validating ingress class" | "Ignoring ingress" => {
            let (kind, class) = class_error(error().unwrap_or_default());
            message(MessageKind::ClassIgnored(kind), about(), class.as_deref())
        }
        "Found valid IngressClass" => message(MessageKind::ClassAccepted, about(), read.get("ingressclass")),
        "ignoring ingressclass as the spec.controller is not the same of this ingress" => {
            let class = read.get("ingressclass").unwrap_or_default();
            message(MessageKind::IngressClassForeign, Subject::IngressClass(short(class)), None)
        }
        "removing ingress because of unknown ingressclass"
        | "removing ingress because of ingressclass changed to other ingress controller" => {
            message(MessageKind::IngressRemoved, about(), None)
        }
        "creating ingress" => message(MessageKind::IngressCreated, about(), read.get("ingressclass")),
        "Ignoring add for catch-all ingress because of --disable-catch-all"
        | "ignoring update for catch-all ingress because of --disable-catch-all"
        | "ignoring update for catch-all ingress and delete old one because of --disable-catch-all" => {
            message(MessageKind::CatchAllIgnored, about(), None)
        }
        "received invalid ingress" => message(MessageKind::InspectionRefused, about(), error()),
        "ingress contains invalid annotation value" => {
            message(MessageKind::AnnotationInvalid, about(), error())
        }
        "error reading Ingress annotation" => {
            message(MessageKind::AnnotationUnreadable, about(), read.get("name").or_else(error))
        }
        "invalid ingress configuration" => message(MessageKind::WebhookRejected, about(), error()),
        "successfully validated configuration, accepting" => {
            message(MessageKind::WebhookAccepted, about(), None)
        }
        _ => return None,
    };
    Some(found)
}

/// Messages that say all in their text. Old versions end some in a full stop.
fn of_plain(text: &str) -> Option<Message> {
    let controller = |kind| Some(message(kind, Subject::Controller, None));
    match text.trim_end_matches('.') {
        "Configuration changes detected, backend reload required" => {
            return controller(MessageKind::ReloadNeeded);
        }
        "Backend successfully reloaded" => return controller(MessageKind::ReloadSucceeded),
        "Initial sync, sleeping for 1 second" => return controller(MessageKind::InitialSync),
        "Starting NGINX Ingress controller" => return controller(MessageKind::Started),
        "Starting NGINX process" => return controller(MessageKind::ProxyStarted),
        "Shutting down controller queues" => return controller(MessageKind::Stopping),
        _ => {}
    }
    of_service(text)
        .or_else(|| of_annotation(text))
        .or_else(|| of_reload(text))
        .or_else(|| of_canary(text))
        .or_else(|| of_host(text))
        .or_else(|| of_certificate(text))
        .or_else(|| of_rights(text))
}

fn of_service(text: &str) -> Option<Message> {
    let service = |marker| quoted_after(text, marker).and_then(name).map(Subject::Service);
    if let Some(rest) = after(text, "does not have a port named ") {
        let subject = service("ervice ")?;
        return Some(message(MessageKind::PortNameMissing, subject, quoted(rest)));
    }
    if text.contains(" does not have any active Endpoint") {
        return Some(message(MessageKind::NoActiveEndpoints, service("Service ")?, None));
    }
    if text.contains(" of type ExternalName not allowed") {
        return Some(message(MessageKind::ExternalNameForbidden, service("Service ")?, None));
    }
    if let Some(rest) = text.strip_prefix("Error obtaining Endpoints for Service ") {
        return Some(message(MessageKind::EndpointsMissing, Subject::Service(name(quoted(rest)?)?), None));
    }
    if let Some(rest) =
        text.strip_prefix("Error obtaining Service ").or_else(|| text.strip_prefix("Error getting Service "))
    {
        return Some(message(MessageKind::ServiceMissing, Subject::Service(name(quoted(rest)?)?), None));
    }
    if let Some(rest) = text.strip_prefix("Error getting default backend ") {
        let subject = Subject::Service(name(quoted(rest)?)?);
        return Some(message(MessageKind::DefaultBackendMissing, subject, after(rest, "\": ")));
    }
    if let Some(rest) = text.strip_prefix("Error creating upstream ") {
        let subject = Subject::Upstream(short(quoted(rest)?));
        return Some(message(MessageKind::UpstreamFailed, subject, after(rest, "\": ")));
    }
    None
}

fn of_annotation(text: &str) -> Option<Message> {
    if let Some(rest) = text.strip_prefix("validation error on ingress ") {
        let (ingress, rest) = rest.split_once(": ")?;
        let key = after(rest, "annotation ").and_then(|rest| rest.split(' ').next());
        return Some(message(MessageKind::AnnotationInvalid, Subject::Ingress(name(ingress)?), key));
    }
    let (subject, rest) = match text.strip_prefix("skipping ingress ").and_then(|rest| rest.split_once(": "))
    {
        Some((ingress, rest)) => (name(ingress).map_or(Subject::Controller, Subject::Ingress), rest),
        None => (Subject::Controller, text),
    };
    if let Some((group, _)) = after(rest, "annotation group ")
        .and_then(|rest| rest.split_once(" contains risky annotation based on ingress configuration"))
    {
        return Some(message(MessageKind::AnnotationRisky, subject, Some(group)));
    }
    if rest.contains(" annotation contains invalid word ") {
        return Some(message(MessageKind::AnnotationBlockedWord, subject, Some(rest)));
    }
    if let Some((key, _)) = rest.split_once(" annotation cannot be used. Snippet directives are disabled") {
        return Some(message(MessageKind::SnippetsDisabled, subject, key.rsplit(' ').next()));
    }
    if let Some(rest) = text.strip_prefix("ignoring ingress ") {
        // `NAME in NAMESPACE based on annotation KEY: error`
        let (ingress, rest) = rest.split_once(" in ")?;
        let (namespace, rest) = rest.split_once(" based on annotation ")?;
        let (kind, class) = class_error(rest.split_once(": ").map_or("", |(_, error)| error));
        let subject = Subject::Ingress(Name::new(namespace, ingress));
        return Some(message(MessageKind::ClassIgnored(kind), subject, class.as_deref()));
    }
    (subject != Subject::Controller).then(|| message(MessageKind::IngressSkipped, subject, Some(rest)))
}

fn of_reload(text: &str) -> Option<Message> {
    if let Some(rest) = text.strip_prefix("Unexpected failure reloading the backend:") {
        return Some(message(MessageKind::ReloadFailed, Subject::Controller, emergency(rest)));
    }
    let failed = "Unexpected failure reconfiguring NGINX:";
    if let Some(rest) =
        text.strip_prefix("Dynamic reconfiguration failed").or_else(|| text.strip_prefix(failed))
    {
        let reason = rest.rsplit_once(": ").map(|(_, reason)| reason);
        return Some(message(MessageKind::ReconfigurationFailed, Subject::Controller, reason));
    }
    None
}

/// nginx's reason in a line of its configuration test: `duplicate location "/img/"` of
/// `nginx: [emerg] duplicate location "/img/" in /tmp/nginx/nginx-cfg146:3121`.
#[must_use]
pub fn emergency(text: &str) -> Option<&str> {
    let reason = after(text, "[emerg] ")?;
    // The error log puts `pid#tid: ` in front.
    let reason = match reason.split_once(": ") {
        Some((ids, reason)) if !ids.is_empty() && ids.bytes().all(|b| b.is_ascii_digit() || b == b'#') => {
            reason
        }
        _ => reason,
    };
    Some(without_place(reason.lines().next().unwrap_or_default()))
}

/// Drops ` in FILE:LINE`: the file's name is new each time.
#[must_use]
pub fn without_place(reason: &str) -> &str {
    match reason.rsplit_once(" in ") {
        Some((what, place)) if place.contains("nginx") && !place.contains(' ') => what,
        _ => reason,
    }
}

fn of_canary(text: &str) -> Option<Message> {
    if let Some(rest) = after(text, "unable to find real backend for alternative backend ") {
        let upstream = rest.split(". Deleting").next()?.trim_end_matches('.');
        return Some(message(MessageKind::CanaryWithoutPrimary, Subject::Upstream(short(upstream)), None));
    }
    if let Some(rest) = after(text, "cannot merge alternative backend ") {
        let (upstream, rest) = rest.split_once(" into hostname ")?;
        let host = rest.split(" that does not exist").next();
        return Some(message(MessageKind::CanaryHostMissing, Subject::Upstream(short(upstream)), host));
    }
    if let Some(rest) = text.strip_prefix("alternative upstream ") {
        let (_, rest) = rest.split_once(" in Ingress ")?;
        let (ingress, rest) = rest.split_once(" is primary upstream in Other Ingress for location ")?;
        let subject = Subject::Ingress(name(ingress)?);
        return Some(message(
            MessageKind::CanaryIsPrimaryElsewhere,
            subject,
            Some(rest.trim_end_matches('!')),
        ));
    }
    None
}

fn of_host(text: &str) -> Option<Message> {
    let ingress = || quoted_after(text, "(Ingress ").and_then(name).map(Subject::Ingress);
    let with = |kind, host: &str| {
        let (subject, detail) = match ingress() {
            Some(subject) => (subject, Some(host)),
            None => (Subject::Host(short(host)), None),
        };
        Some(message(kind, subject, detail))
    };
    if let Some(rest) = text.strip_prefix("Aliases already configured for server ") {
        return with(MessageKind::AliasSkipped, quoted(rest)?);
    }
    if let Some(rest) = text.strip_prefix("Server snippet already configured for server ") {
        return with(MessageKind::ServerSnippetSkipped, quoted(rest)?);
    }
    if let Some(rest) = text.strip_prefix("Already exists an Ingress with ") {
        return with(MessageKind::RedirectSkipped, quoted(rest)?);
    }
    if text.starts_with("Ignoring SSL Passthrough for location ") {
        return with(MessageKind::PassthroughIgnored, quoted_after(text, "in server ")?);
    }
    if let Some(rest) = text.strip_prefix("Location ")
        && text.contains(" already configured for server ")
    {
        let host = quoted_after(text, "for server ")?;
        let place = format!("{host}{}", quoted(rest)?);
        return with(MessageKind::DuplicateLocation, &place);
    }
    None
}

fn of_certificate(text: &str) -> Option<Message> {
    if let Some(rest) = text.strip_prefix("Error getting SSL certificate ") {
        return Some(message(MessageKind::CertificateMissing, Subject::Secret(name(quoted(rest)?)?), None));
    }
    if let Some(rest) = text.strip_prefix("Error obtaining X.509 certificate: no object matching key ") {
        return Some(message(MessageKind::CertificateMissing, Subject::Secret(name(quoted(rest)?)?), None));
    }
    if !text.contains("SSL certificate ") && !text.contains("SSL Certificate ") {
        return None;
    }
    let host = quoted_after(text, "for server ")?;
    if text.contains("does not contain a Common Name or Subject Alternative Name") {
        let subject = match quoted_after(text, "ertificate ").and_then(name) {
            Some(secret) => Subject::Secret(secret),
            None => Subject::Host(short(host)),
        };
        return Some(message(MessageKind::CertificateForOtherHost, subject, Some(host)));
    }
    let kind = if text.contains(" is about to expire") {
        MessageKind::CertificateExpiring
    } else if text.contains(" expired") {
        MessageKind::CertificateExpired
    } else {
        return None;
    };
    Some(message(kind, Subject::Host(short(host)), None))
}

fn of_rights(text: &str) -> Option<Message> {
    let (_, rest) = text.split_once(" is forbidden: ")?;
    let resource = quoted_after(rest, "cannot list resource ")
        .or_else(|| quoted_after(rest, "cannot watch resource "))?;
    Some(message(MessageKind::ListForbidden, Subject::Controller, Some(resource)))
}

/// `Event(v1.ObjectReference{Kind:"Ingress", Namespace:"shop", Name:"web", …}): type: 'Warning' reason: 'X' text`.
fn of_event(text: &str) -> Option<Message> {
    let kind = quoted_after(text, "Kind:")?;
    let object = Name::new(short(quoted_after(text, "Namespace:")?), short(quoted_after(text, ", Name:")?));
    let (_, rest) = text.split_once("reason: '")?;
    let (reason, said) = rest.split_once('\'')?;
    match (kind, reason) {
        ("Ingress", "AnnotationParsingFailed") => {
            Some(message(MessageKind::AnnotationUnreadable, Subject::Ingress(object), Some(said.trim())))
        }
        ("ConfigMap", "UPDATE" | "CREATE" | "DELETE") => {
            Some(message(MessageKind::ConfigMapChanged, Subject::ConfigMap(object), Some(reason)))
        }
        _ => None,
    }
}

/// The class error and the class it names.
fn class_error(error: &str) -> (ClassError, Option<String>) {
    if error.contains("ingress does not contain a valid IngressClass") {
        (ClassError::NoClass, None)
    } else if error.contains("ingress class annotation is not equal to the expected") {
        (ClassError::AnnotationDiffers, None)
    } else if let Some(class) = quoted_after(error, "no object matching key ") {
        (ClassError::NotInStore, Some(short(class)))
    } else {
        (ClassError::Other, Some(short(error)))
    }
}

fn after<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    text.split_once(marker).map(|(_, rest)| rest)
}

/// The quoted text at the start.
fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split_once('"').map(|(inner, _)| inner)
}

fn quoted_after<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    quoted(after(text, marker)?)
}

/// `namespace/name`.
fn name(text: &str) -> Option<Name> {
    let (namespace, name) = text.trim_matches('"').split_once('/')?;
    let plain = |part: &str| {
        (1..=253).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    (plain(namespace) && plain(name)).then(|| Name::new(namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingress(text: &str) -> Subject {
        Subject::Ingress(name(text).expect("name"))
    }

    fn service(text: &str) -> Subject {
        Subject::Service(name(text).expect("name"))
    }

    fn secret(text: &str) -> Subject {
        Subject::Secret(name(text).expect("name"))
    }

    fn check(text: &str, kind: MessageKind, subject: Subject, detail: Option<&str>) {
        let expected = Message { kind, subject, detail: detail.map(str::to_owned) };
        assert_eq!(classify(Level::Info, text), Some(expected), "{text}");
    }

    #[test]
    fn class_messages() {
        let prefix =
            r#""Ignoring ingress because of error while validating ingress class" ingress="media/x" error="#;
        check(
            &format!(r#"{prefix}"ingress does not contain a valid IngressClass""#),
            MessageKind::ClassIgnored(ClassError::NoClass),
            ingress("media/x"),
            None,
        );
        check(
            &format!(
                r#"{prefix}"ingress class annotation is not equal to the expected by Ingress Controller""#
            ),
            MessageKind::ClassIgnored(ClassError::AnnotationDiffers),
            ingress("media/x"),
            None,
        );
        check(
            &format!(r#"{prefix}"no object matching key \"ngnix\" in local store""#),
            MessageKind::ClassIgnored(ClassError::NotInStore),
            ingress("media/x"),
            Some("ngnix"),
        );
        check(
            "ignoring ingress nginx-ingress in dev based on annotation : ingress does not contain a valid IngressClass",
            MessageKind::ClassIgnored(ClassError::NoClass),
            ingress("dev/nginx-ingress"),
            None,
        );
        check(
            r#""Found valid IngressClass" ingress="shop/web" ingressclass="nginx""#,
            MessageKind::ClassAccepted,
            ingress("shop/web"),
            Some("nginx"),
        );
        check(
            r#""ignoring ingressclass as the spec.controller is not the same of this ingress" ingressclass="internal""#,
            MessageKind::IngressClassForeign,
            Subject::IngressClass("internal".to_owned()),
            None,
        );
        check(
            r#""removing ingress because of unknown ingressclass" ingress="shop/web""#,
            MessageKind::IngressRemoved,
            ingress("shop/web"),
            None,
        );
        check(
            r#""creating ingress" ingress="shop/web" ingressclass="nginx""#,
            MessageKind::IngressCreated,
            ingress("shop/web"),
            Some("nginx"),
        );
        check(
            r#""Ignoring add for catch-all ingress because of --disable-catch-all" ingress="shop/all""#,
            MessageKind::CatchAllIgnored,
            ingress("shop/all"),
            None,
        );
    }

    #[test]
    fn backend_messages() {
        check(
            r#"Service "billing/reports" does not have any active Endpoint."#,
            MessageKind::NoActiveEndpoints,
            service("billing/reports"),
            None,
        );
        check(
            r#"Error obtaining Endpoints for Service "shop/ghost": no object matching key "shop/ghost" in local store"#,
            MessageKind::EndpointsMissing,
            service("shop/ghost"),
            None,
        );
        check(
            r#"Error obtaining Service "shop/ghost": no object matching key "shop/ghost" in local store"#,
            MessageKind::ServiceMissing,
            service("shop/ghost"),
            None,
        );
        check(
            r#"service "shop/web" does not have a port named "htpp""#,
            MessageKind::PortNameMissing,
            service("shop/web"),
            Some("htpp"),
        );
        check(
            r#"Error creating upstream "shop-web-80": boom"#,
            MessageKind::UpstreamFailed,
            Subject::Upstream("shop-web-80".to_owned()),
            Some("boom"),
        );
        check(
            r#"Error getting default backend "ops/default": no object matching key "ops/default" in local store"#,
            MessageKind::DefaultBackendMissing,
            service("ops/default"),
            Some(r#"no object matching key "ops/default" in local store"#),
        );
        check(
            r#"Service "shop/ext" of type ExternalName not allowed due to Ingress configuration."#,
            MessageKind::ExternalNameForbidden,
            service("shop/ext"),
            None,
        );
    }

    #[test]
    fn annotation_messages() {
        check(
            "annotation group ServerSnippet contains risky annotation based on ingress configuration",
            MessageKind::AnnotationRisky,
            Subject::Controller,
            Some("ServerSnippet"),
        );
        check(
            "validation error on ingress media/bad-value: annotation rewrite-target contains invalid value /a;b",
            MessageKind::AnnotationInvalid,
            ingress("media/bad-value"),
            Some("rewrite-target"),
        );
        check(
            "skipping ingress gitlab/minio: nginx.ingress.kubernetes.io/configuration-snippet annotation contains invalid word proxy_pass",
            MessageKind::AnnotationBlockedWord,
            ingress("gitlab/minio"),
            Some(
                "nginx.ingress.kubernetes.io/configuration-snippet annotation contains invalid word proxy_pass",
            ),
        );
        check(
            "nginx.ingress.kubernetes.io/server-snippet annotation cannot be used. Snippet directives are disabled by the Ingress administrator",
            MessageKind::SnippetsDisabled,
            Subject::Controller,
            Some("nginx.ingress.kubernetes.io/server-snippet"),
        );
        check(
            "skipping ingress shop/web: some other reason",
            MessageKind::IngressSkipped,
            ingress("shop/web"),
            Some("some other reason"),
        );
        check(
            r#""received invalid ingress" err="invalid path" ingress="shop/web""#,
            MessageKind::InspectionRefused,
            ingress("shop/web"),
            Some("invalid path"),
        );
        check(
            r#""ingress contains invalid annotation value" err="annotation server-alias contains invalid value""#,
            MessageKind::AnnotationInvalid,
            Subject::Controller,
            Some("annotation server-alias contains invalid value"),
        );
        check(
            r#""error reading Ingress annotation" err="x" name="BasicDigestAuth" ingress="shop/web""#,
            MessageKind::AnnotationUnreadable,
            ingress("shop/web"),
            Some("BasicDigestAuth"),
        );
        check(
            r#"Event(v1.ObjectReference{Kind:"Ingress", Namespace:"shop", Name:"web", UID:"1", FieldPath:""}): type: 'Warning' reason: 'AnnotationParsingFailed' Error parsing annotations: x"#,
            MessageKind::AnnotationUnreadable,
            ingress("shop/web"),
            Some("Error parsing annotations: x"),
        );
    }

    #[test]
    fn reload_messages() {
        let us = || Subject::Controller;
        check(
            r#""Configuration changes detected, backend reload required""#,
            MessageKind::ReloadNeeded,
            us(),
            None,
        );
        check(
            "Configuration changes detected, backend reload required.",
            MessageKind::ReloadNeeded,
            us(),
            None,
        );
        check(r#""Backend successfully reloaded""#, MessageKind::ReloadSucceeded, us(), None);
        check("Backend successfully reloaded.", MessageKind::ReloadSucceeded, us(), None);
        check("Unexpected failure reloading the backend:", MessageKind::ReloadFailed, us(), None);
        check(
            "Dynamic reconfiguration failed (retrying; 14 retries left): unexpected error code: 500",
            MessageKind::ReconfigurationFailed,
            us(),
            Some("500"),
        );
        check("Unexpected failure reconfiguring NGINX:", MessageKind::ReconfigurationFailed, us(), None);
        check(r#""Initial sync, sleeping for 1 second""#, MessageKind::InitialSync, us(), None);
        check(r#""Starting NGINX Ingress controller""#, MessageKind::Started, us(), None);
        check(r#""Starting NGINX process""#, MessageKind::ProxyStarted, us(), None);
        check(r#""Shutting down controller queues""#, MessageKind::Stopping, us(), None);
        check(
            r#"Event(v1.ObjectReference{Kind:"ConfigMap", Namespace:"ingress-nginx", Name:"c", UID:"8"}): type: 'Normal' reason: 'UPDATE' ConfigMap ingress-nginx/c"#,
            MessageKind::ConfigMapChanged,
            Subject::ConfigMap(Name::new("ingress-nginx", "c")),
            Some("UPDATE"),
        );
    }

    #[test]
    fn canary_and_host_messages() {
        let upstream = |text: &str| Subject::Upstream(text.to_owned());
        check(
            "unable to find real backend for alternative backend media-beta-80. Deleting.",
            MessageKind::CanaryWithoutPrimary,
            upstream("media-beta-80"),
            None,
        );
        check(
            "cannot merge alternative backend media-beta-80 into hostname lonely.example.com that does not exist",
            MessageKind::CanaryHostMissing,
            upstream("media-beta-80"),
            Some("lonely.example.com"),
        );
        check(
            "alternative upstream shop-web-80 in Ingress shop/canary is primary upstream in Other Ingress for location a.b/c!",
            MessageKind::CanaryIsPrimaryElsewhere,
            ingress("shop/canary"),
            Some("a.b/c"),
        );
        check(
            r#"Aliases already configured for server "a.b", skipping (Ingress "shop/web")"#,
            MessageKind::AliasSkipped,
            ingress("shop/web"),
            Some("a.b"),
        );
        check(
            r#"Server snippet already configured for server "a.b", skipping (Ingress "shop/web")"#,
            MessageKind::ServerSnippetSkipped,
            ingress("shop/web"),
            Some("a.b"),
        );
        check(
            r#"Already exists an Ingress with "www.a.b" hostname. Skipping creation of redirection from "www.a.b" to "a.b"."#,
            MessageKind::RedirectSkipped,
            Subject::Host("www.a.b".to_owned()),
            None,
        );
        check(
            r#"Ignoring SSL Passthrough for location "/x" in server "a.b""#,
            MessageKind::PassthroughIgnored,
            Subject::Host("a.b".to_owned()),
            None,
        );
        check(
            r#"Location "/x" already configured for server "a.b" with upstream "shop-web-80" (Ingress "shop/young")"#,
            MessageKind::DuplicateLocation,
            ingress("shop/young"),
            Some("a.b/x"),
        );
    }

    #[test]
    fn certificate_webhook_and_rights_messages() {
        check(
            r#"Error getting SSL certificate "shop/tls": local SSL certificate shop/tls was not found. Using default certificate"#,
            MessageKind::CertificateMissing,
            secret("shop/tls"),
            None,
        );
        check(
            r#"Error obtaining X.509 certificate: no object matching key "shop/tls" in local store"#,
            MessageKind::CertificateMissing,
            secret("shop/tls"),
            None,
        );
        check(
            r#"SSL certificate for server "a.b" expired"#,
            MessageKind::CertificateExpired,
            Subject::Host("a.b".to_owned()),
            None,
        );
        check(
            r#"SSL certificate for server "a.b" is about to expire (2026-12-01)"#,
            MessageKind::CertificateExpiring,
            Subject::Host("a.b".to_owned()),
            None,
        );
        check(
            r#"SSL certificate "shop/tls" does not contain a Common Name or Subject Alternative Name for server "a.b": x509"#,
            MessageKind::CertificateForOtherHost,
            secret("shop/tls"),
            Some("a.b"),
        );
        check(
            r#""invalid ingress configuration" err="host \"a.b\" and path \"/\" is already defined in ingress shop/web" ingress="shop/late""#,
            MessageKind::WebhookRejected,
            ingress("shop/late"),
            Some(r#"host "a.b" and path "/" is already defined in ingress shop/web"#),
        );
        check(
            r#""successfully validated configuration, accepting" ingress="dev/x""#,
            MessageKind::WebhookAccepted,
            ingress("dev/x"),
            None,
        );
        check(
            r#"failed to list *v1.IngressClass: ingressclasses.networking.k8s.io is forbidden: User "system:serviceaccount:i:n" cannot list resource "ingressclasses" in API group "networking.k8s.io" at the cluster scope"#,
            MessageKind::ListForbidden,
            Subject::Controller,
            Some("ingressclasses"),
        );
    }

    #[test]
    fn nginxs_reason_is_read_without_its_place() {
        for (line, reason) in [
            (
                r#"nginx: [emerg] duplicate location "/img/" in nginx-cfg1463249708:3121"#,
                r#"duplicate location "/img/""#,
            ),
            (
                r#"2026/11/23 05:49:00 [emerg] 10514#10514: duplicate location "/img/" in /tmp/nginx/nginx-cfg146:3121"#,
                r#"duplicate location "/img/""#,
            ),
            ("[emerg] host not found in upstream \"x\"", "host not found in upstream \"x\""),
        ] {
            assert_eq!(emergency(line), Some(reason), "{line}");
        }
        assert_eq!(emergency("Error: exit status 1"), None);
    }

    #[test]
    fn warnings_of_no_known_meaning_are_counted_and_chatter_is_not() {
        assert_eq!(classify(Level::Error, "something new").map(|m| m.kind), Some(MessageKind::Unclassified));
        for text in [
            "",
            "something new",
            r#""New leader elected" identity="x""#,
            "Event(broken",
            "Service \"x\" does not have any active Endpoint",
        ] {
            assert_eq!(classify(Level::Info, text), None, "{text}");
        }
    }
}
