//! Probes: decided by analysis, performed by evidence.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};

use super::object::{Name, ObjectKey};
use super::request::Request;

/// How a probe travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    Direct,
    PortForward,
    Exec,
    /// Found in a capture, not sent.
    Recorded,
}

impl Via {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::PortForward => "port_forward",
            Self::Exec => "exec",
            Self::Recorded => "recorded",
        }
    }
}

/// What a probe is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The address clients use.
    Entry,
    Controller,
    Service,
    Pod,
}

impl Target {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Controller => "controller",
            Self::Service => "service",
            Self::Pod => "pod",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Entry, Self::Controller, Self::Service, Self::Pod].into_iter().find(|t| t.as_str() == text)
    }
}

/// One request to send, with everything that bounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbePlan {
    pub request: Request,
    pub via: Via,
    pub target: Target,
    /// The pod to start from (exec) or to forward to (port-forward).
    pub pod: Option<Name>,
    pub container: Option<String>,
    /// Where the request is sent: an address the cluster names (direct and exec), or a container port.
    pub address: Option<SocketAddr>,
    pub port: u16,
    pub tls: bool,
    /// Server name for TLS; the request's host when absent.
    pub sni: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeOutput {
    pub at: Option<DateTime<Utc>>,
    /// `client`, or the pod it started from.
    pub from: String,
    pub via: Via,
    pub target: Option<Target>,
    pub method: String,
    pub url: String,
    /// The object it was aimed at, where known.
    pub to: Option<ObjectKey>,
    /// `ip:port` the name resolved to.
    pub resolved_to: Option<String>,
    pub sni: Option<String>,
    /// `None` when no answer came; then `error` says why.
    pub status: Option<u16>,
    pub headers: Vec<(String, String)>,
    /// The head of the body, at most 16 KiB.
    pub body: String,
    pub error: Option<String>,
    /// Milliseconds until the first byte, where measured.
    pub millis: Option<u64>,
    /// Subject and validity of the served certificate, where TLS was used.
    pub certificate: Option<String>,
}

impl ProbeOutput {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}
