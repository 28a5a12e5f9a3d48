//! What a statement rests on, in the five shapes results use. Each names something that exists in the
//! cluster or capture.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::change::ChangeReport;
use super::object_ref::namespace_of;
use super::text::Text;
use super::time::Time;
use crate::model::citation::Citation;
use crate::model::object::{Name, ObjectKey};

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CitationReport {
    Object(CitedObject),
    Absent(CitedAbsence),
    Log(CitedLine),
    Probe(CitedProbe),
    Change(Box<ChangeReport>),
}

/// A field of an object; the value is null when the point is that the field is not set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CitedObject {
    pub kind: &'static str,
    pub namespace: Option<Text>,
    pub name: Text,
    pub uid: Text,
    pub field: Text,
    pub value: Option<Text>,
}

/// An object that should exist and does not, and the list that was read completely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CitedAbsence {
    pub kind: &'static str,
    pub namespace: Option<Text>,
    pub name: Text,
    pub looked_in: Text,
}

/// One representative line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CitedLine {
    pub namespace: Text,
    pub pod: Text,
    pub container: Text,
    pub at: Option<Time>,
    pub line: Text,
}

/// A request that was sent, and the status that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CitedProbe {
    pub at: Option<Time>,
    pub from: Text,
    pub url: Text,
    pub status: Option<u16>,
}

impl From<&Citation> for CitationReport {
    fn from(citation: &Citation) -> Self {
        match citation {
            Citation::Object { key, uid, field, value } => {
                let ObjectKey { kind, name: Name { namespace, name } } = key;
                Self::Object(CitedObject {
                    kind: kind.as_str(),
                    namespace: namespace_of(namespace),
                    name: Text::new(name),
                    uid: Text::new(uid),
                    field: Text::path(field),
                    value: value.as_ref().map(Text::from),
                })
            }
            Citation::Absent { key, looked_in } => {
                let ObjectKey { kind, name: Name { namespace, name } } = key;
                Self::Absent(CitedAbsence {
                    kind: kind.as_str(),
                    namespace: namespace_of(namespace),
                    name: Text::new(name),
                    looked_in: Text::new(looked_in),
                })
            }
            Citation::Log { namespace, pod, container, at, line } => Self::Log(CitedLine {
                namespace: Text::new(namespace),
                pod: Text::new(pod),
                container: Text::new(container),
                at: at.map(Time),
                line: Text::new(line),
            }),
            Citation::Probe { at, from, url, status } => Self::Probe(CitedProbe {
                at: at.map(Time),
                from: Text::new(from),
                url: Text::new(url),
                status: *status,
            }),
            Citation::Change(change) => Self::Change(Box::new(ChangeReport::from(change))),
        }
    }
}

impl fmt::Display for CitationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(CitedObject { kind, namespace, name, uid: _, field, value }) => {
                write_name(f, kind, namespace.as_ref(), name)?;
                match value {
                    Some(value) => write!(f, " {field} = \"{value}\""),
                    None => write!(f, " {field} is not set"),
                }
            }
            Self::Absent(CitedAbsence { kind, namespace, name, looked_in }) => {
                write_name(f, kind, namespace.as_ref(), name)?;
                write!(f, " is not in {looked_in}")
            }
            Self::Log(CitedLine { namespace, pod, container, at, line }) => {
                write!(f, "log {namespace}/{pod}/{container}")?;
                if let Some(at) = at {
                    write!(f, " at {at}")?;
                }
                write!(f, ": \"{line}\"")
            }
            Self::Probe(CitedProbe { at, from, url, status }) => {
                write!(f, "probe from {from} of {url}")?;
                if let Some(at) = at {
                    write!(f, " at {at}")?;
                }
                match status {
                    Some(status) => write!(f, ": {status}"),
                    None => f.write_str(": no answer"),
                }
            }
            Self::Change(change) => write!(f, "change {change}"),
        }
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, kind: &str, namespace: Option<&Text>, name: &Text) -> fmt::Result {
    match namespace {
        Some(namespace) => write!(f, "{kind} {namespace}/{name}"),
        None => write!(f, "{kind} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::change::{Act, Aspect, Change, ChangeSource};
    use crate::model::object::Kind;

    fn check(citation: &Citation, expected: &Value, text: &str) {
        let report = CitationReport::from(citation);
        assert_eq!(serde_json::to_value(&report).expect("json"), *expected);
        assert_eq!(report.to_string(), text);
    }

    #[test]
    fn an_object_is_cited_with_field_and_value() {
        let key = ObjectKey::new(Kind::Ingress, "shop", "web");
        let (uid, field) = ("u-1".to_owned(), "spec.ingressClassName".to_owned());
        let set = Citation::Object {
            key: key.clone(),
            uid: uid.clone(),
            field: field.clone(),
            value: Some("nginx".to_owned()),
        };
        check(
            &set,
            &json!({"object": {"kind": "Ingress", "namespace": "shop", "name": "web", "uid": "u-1",
                               "field": "spec.ingressClassName", "value": "nginx"}}),
            "Ingress shop/web spec.ingressClassName = \"nginx\"",
        );
        check(
            &Citation::Object { key, uid, field, value: None },
            &json!({"object": {"kind": "Ingress", "namespace": "shop", "name": "web", "uid": "u-1",
                               "field": "spec.ingressClassName", "value": null}}),
            "Ingress shop/web spec.ingressClassName is not set",
        );
    }

    #[test]
    fn an_absent_object_names_the_list_that_was_read() {
        check(
            &Citation::Absent {
                key: ObjectKey::new(Kind::IngressClass, "", "nginx"),
                looked_in: "ingressclasses".to_owned(),
            },
            &json!({"absent": {"kind": "IngressClass", "namespace": null, "name": "nginx",
                               "looked_in": "ingressclasses"}}),
            "IngressClass nginx is not in ingressclasses",
        );
    }

    #[test]
    fn a_log_line_is_cited_without_what_could_act() {
        check(
            &Citation::Log {
                namespace: "ingress-nginx".to_owned(),
                pod: "c-1".to_owned(),
                container: "controller".to_owned(),
                at: "2026-11-22T10:00:00Z".parse().ok(),
                line: "\u{1b}[31mGET /?token=abc 404".to_owned(),
            },
            &json!({"log": {"namespace": "ingress-nginx", "pod": "c-1", "container": "controller",
                            "at": "2026-11-22T10:00:00Z", "line": "␛[31mGET /?token=[redacted] 404"}}),
            "log ingress-nginx/c-1/controller at 2026-11-22T10:00:00Z: \"␛[31mGET /?token=[redacted] 404\"",
        );
    }

    #[test]
    fn a_probe_and_a_change_are_cited() {
        check(
            &Citation::Probe {
                at: None,
                from: "client".to_owned(),
                url: "http://shop.example.com/".to_owned(),
                status: Some(404),
            },
            &json!({"probe": {"at": null, "from": "client", "url": "http://shop.example.com/", "status": 404}}),
            "probe from client of http://shop.example.com/: 404",
        );
        check(
            &Citation::Change(Change {
                at: "2026-11-22T10:00:00Z".parse().expect("a time"),
                precision_s: 0,
                object: ObjectKey::new(Kind::Service, "shop", "web"),
                aspect: Aspect::Service,
                act: Act::Changed,
                field: String::new(),
                rule: None,
                before: None,
                after: None,
                by: None,
                via: ChangeSource::WatchReplay,
            }),
            &json!({"change": {"at": "2026-11-22T10:00:00Z", "precision_s": 0,
                               "object": {"kind": "Service", "namespace": "shop", "name": "web"},
                               "field": "", "before": null, "after": null, "by": null, "via": "watch_replay"}}),
            "change 2026-11-22T10:00:00Z Service shop/web (watch_replay)",
        );
    }
}
