//! `capture.json`: when a capture was taken, of what, and what could not be seen.
//!
//! `takenAt`, `serverVersion`, `context`, `errors` and `dns` are anybody's; `covered`, `absent` and
//! `replays` are what `routecause capture` adds, so that a capture answers what its source did: which
//! namespaces were listed where not all could be, which objects were looked for and not there, and how far
//! back the watches reached.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::model::gap::{Gap, Unseen, Why};
use crate::model::log::LogStream;
use crate::model::object::Kind;

/// `capture.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub taken_at: Option<DateTime<Utc>>,
    pub server_version: Option<String>,
    pub context: Option<String>,
    pub errors: Vec<ListError>,
    pub dns: Vec<DnsEntry>,
    /// By resource: the namespaces that were listed where not all could be.
    pub covered: BTreeMap<String, BTreeSet<String>>,
    /// Objects that were asked for by name and are not there.
    pub absent: Vec<Absent>,
    /// Watches that `history.jsonl` holds the events of.
    pub replays: Vec<Replayed>,
}

/// A list, object or log that the taker of the capture could not see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListError {
    pub resource: String,
    /// Empty: in all namespaces.
    pub namespace: String,
    /// Empty: all of them; of a log `POD/CONTAINER`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Of a log: of the container's previous run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub previous: bool,
    pub reason: String,
    pub message: String,
}

/// What a name resolved to when the capture was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsEntry {
    pub name: String,
    pub addresses: Vec<String>,
    pub at: Option<DateTime<Utc>>,
}

/// An object that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Absent {
    pub resource: String,
    pub namespace: String,
    pub name: String,
}

/// A watch of one kind, of one namespace or of all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Replayed {
    pub resource: String,
    pub namespace: Option<String>,
    /// Every event after this version is there; `None`: every one since the kind was first stored.
    pub oldest_resource_version: Option<u64>,
}

/// The resource of a log's error.
pub const LOGS: &str = "pods/log";
/// The resource of a file that could not be read.
pub const FILES: &str = "files";
/// Before the resource whose past could not be read.
pub const HISTORY: &str = "history/";

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    taken_at: Option<String>,
    server_version: Option<String>,
    context: Option<String>,
    #[serde(deserialize_with = "lenient")]
    errors: Vec<ListError>,
    dns: Vec<WireDns>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    covered: BTreeMap<String, BTreeSet<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    absent: Vec<Absent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replays: Vec<Replayed>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct WireDns {
    name: String,
    addresses: Vec<String>,
    at: Option<String>,
}

/// Errors whose members may be null.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<ListError>, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Loose {
        resource: String,
        namespace: Option<String>,
        name: Option<String>,
        previous: bool,
        reason: Option<String>,
        message: Option<String>,
    }
    let errors = Vec::<Loose>::deserialize(deserializer)?;
    let strict =
        errors.into_iter().map(|Loose { resource, namespace, name, previous, reason, message }| ListError {
            resource,
            namespace: namespace.unwrap_or_default(),
            name: name.unwrap_or_default(),
            previous,
            reason: reason.unwrap_or_default(),
            message: message.unwrap_or_default(),
        });
    Ok(strict.collect())
}

impl About {
    /// Reads `capture.json`, and tells what of it could not be used.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<(Self, Vec<String>), String> {
        let Wire { taken_at, server_version, context, errors, dns, covered, absent, replays } =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut notes = Vec::new();
        let mut time = |text: Option<String>| {
            let text = text?;
            let time = text.parse().ok();
            if time.is_none() {
                let text: String = text.chars().take(80).collect();
                notes.push(format!("{text:?} is no time such as 2026-11-22T10:15:00Z and does not count"));
            }
            time
        };
        let about = Self {
            taken_at: time(taken_at),
            server_version,
            context,
            errors,
            dns: dns
                .into_iter()
                .map(|entry| DnsEntry { name: entry.name, addresses: entry.addresses, at: time(entry.at) })
                .collect(),
            covered,
            absent,
            replays,
        };
        Ok((about, notes))
    }

    /// Files of the source that could not be read when this was taken.
    pub fn file_gaps(&self) -> impl Iterator<Item = Gap> + '_ {
        self.errors.iter().filter(|error| error.resource == FILES).map(|error| Gap {
            what: Unseen::File { path: error.name.clone() },
            why: error.why_of("get", "", FILES),
        })
    }

    /// The text of `capture.json`.
    #[must_use]
    pub fn write(&self) -> String {
        let Self { taken_at, server_version, context, errors, dns, covered, absent, replays } = self.clone();
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let wire = Wire {
            taken_at: taken_at.map(time),
            server_version,
            context,
            errors,
            dns: dns
                .into_iter()
                .map(|entry| WireDns { name: entry.name, addresses: entry.addresses, at: entry.at.map(time) })
                .collect(),
            covered,
            absent,
            replays,
        };
        // Texts, numbers and lists can always be written.
        let mut text = serde_json::to_string_pretty(&wire).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl ListError {
    /// The entry for a reason.
    #[must_use]
    pub fn new(resource: impl Into<String>, namespace: impl Into<String>, why: &Why) -> Self {
        let (reason, message) = match why {
            Why::Forbidden { verb, group: _, resource, namespace: _ } => {
                ("Forbidden", format!("this identity may not {verb} {resource}"))
            }
            Why::Unauthorized => ("Unauthorized", String::new()),
            Why::Unreachable { detail } | Why::NoAnswer { detail } => ("Unreachable", detail.clone()),
            Why::TimedOut { seconds } => ("TimedOut", format!("{seconds} s")),
            Why::NotCaptured
            | Why::Disabled { .. }
            | Why::WrittenElsewhere { .. }
            | Why::NotWritten { .. } => ("NotCaptured", String::new()),
            Why::NotInstalled => ("NotInstalled", String::new()),
            Why::Rotated => ("Rotated", String::new()),
            Why::Redacted => ("Redacted", String::new()),
            Why::Malformed { detail } => ("Malformed", detail.clone()),
            Why::TooMuch { limit } => ("TooMuch", limit.clone()),
            Why::Partial { detail } => ("Partial", detail.clone()),
            Why::Unsupported { detail } => ("Unsupported", detail.clone()),
        };
        Self {
            resource: resource.into(),
            namespace: namespace.into(),
            reason: reason.to_owned(),
            message,
            ..Self::default()
        }
    }

    /// The entry for one log.
    #[must_use]
    pub fn of_log(stream: &LogStream, why: &Why) -> Self {
        Self {
            name: format!("{}/{}", stream.pod, stream.container),
            previous: stream.previous,
            ..Self::new(LOGS, stream.namespace.as_str(), why)
        }
    }

    /// The entry for a file of a capture.
    #[must_use]
    pub fn of_file(Gap { what, why }: &Gap) -> Option<Self> {
        let Unseen::File { path } = what else { return None };
        Some(Self { name: path.clone(), ..Self::new(FILES, "", why) })
    }

    /// Whether a whole list of this kind is meant.
    #[must_use]
    pub fn is_list_of(&self, kind: Kind) -> bool {
        self.name.is_empty() && self.resource.split('.').next() == Some(kind.resource())
    }

    /// Whether this log could not be read, or not to its end.
    #[must_use]
    pub fn is_log(&self, stream: &LogStream) -> bool {
        self.name == format!("{}/{}", stream.pod, stream.container)
            && self.previous == stream.previous
            && self.is_log_of(&stream.namespace)
    }

    /// Whether the logs of a namespace are meant.
    #[must_use]
    pub fn is_log_of(&self, namespace: &str) -> bool {
        matches!(self.resource.as_str(), LOGS | "logs")
            && (self.namespace.is_empty() || self.namespace == namespace)
    }

    /// Why a list of a kind is missing.
    #[must_use]
    pub fn why(&self, kind: Kind) -> Why {
        let verb = if kind == Kind::ConfigMap { "get" } else { "list" };
        self.why_of(verb, kind.api_group(), kind.resource())
    }

    /// Why something else is missing.
    #[must_use]
    pub fn why_of(&self, verb: &'static str, group: &'static str, resource: &str) -> Why {
        let detail = || if self.message.is_empty() { self.reason.clone() } else { self.message.clone() };
        match self.reason.to_ascii_lowercase().as_str() {
            "forbidden" => Why::Forbidden {
                verb,
                group,
                resource: resource.to_owned(),
                namespace: (!self.namespace.is_empty()).then(|| self.namespace.clone()),
            },
            "unauthorized" => Why::Unauthorized,
            "notfound" | "notinstalled" => Why::NotInstalled,
            "notcaptured" => Why::NotCaptured,
            "rotated" => Why::Rotated,
            "redacted" => Why::Redacted,
            "malformed" => Why::Malformed { detail: detail() },
            "toomuch" => Why::TooMuch { limit: detail() },
            "partial" => Why::Partial { detail: detail() },
            "unsupported" => Why::Unsupported { detail: detail() },
            "timeout" | "timedout" => Why::TimedOut {
                seconds: self.message.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0),
            },
            _ => Why::Unreachable { detail: detail() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_as_it_was_written() {
        let group = Kind::Ingress.api_group();
        for why in [
            Why::Forbidden {
                verb: "list",
                group,
                resource: "ingresses".to_owned(),
                namespace: Some("shop".to_owned()),
            },
            Why::Unauthorized,
            Why::Unreachable { detail: "no route".to_owned() },
            Why::TimedOut { seconds: 15 },
            Why::NotCaptured,
            Why::NotInstalled,
            Why::Rotated,
            Why::Redacted,
            Why::Malformed { detail: "line 3".to_owned() },
            Why::TooMuch { limit: "128 MiB".to_owned() },
            Why::Partial { detail: "one entry".to_owned() },
            Why::Unsupported { detail: "no such thing".to_owned() },
        ] {
            let about = About { errors: vec![ListError::new("ingresses", "shop", &why)], ..About::default() };
            let (read, notes) = About::read(about.write().as_bytes()).expect("capture.json");
            assert_eq!((&read, notes), (&about, Vec::new()));
            assert_eq!(read.errors[0].why(Kind::Ingress), why);
        }
    }

    #[test]
    fn an_error_of_one_log_is_not_that_of_another() {
        let stream = |previous| LogStream {
            namespace: "edge".to_owned(),
            pod: "c-1".to_owned(),
            container: "controller".to_owned(),
            previous,
        };
        let error = ListError::of_log(&stream(true), &Why::Rotated);
        assert!(error.is_log(&stream(true)) && !error.is_log(&stream(false)));
        assert!(!error.is_list_of(Kind::Pod));
        assert!(!ListError::new("history/ingresses", "", &Why::Rotated).is_list_of(Kind::Ingress));
        assert!(ListError::new("ingresses.networking.k8s.io", "", &Why::Rotated).is_list_of(Kind::Ingress));
    }

    #[test]
    fn what_others_write_is_read_leniently() {
        let (read, notes) =
            About::read(br#"{"takenAt":"yesterday","errors":[{"resource":"pods","namespace":null}]}"#)
                .expect("capture.json");
        assert_eq!(read.errors, [ListError { resource: "pods".to_owned(), ..ListError::default() }]);
        assert_eq!((read.taken_at, notes.len()), (None, 1));
        assert!(About::read(b"{").is_err());
    }
}
