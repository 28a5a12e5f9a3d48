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
    /// As it is sent: method, host, path and headers.
    pub request: Request,
    pub target: Target,
    /// The Service, Pod or Ingress whose address is asked.
    pub to: ObjectKey,
    pub way: Way,
    /// The server name of TLS; `None` for plain HTTP.
    pub tls: Option<String>,
    /// The other end expects a PROXY protocol line first.
    pub proxy_protocol: bool,
}

/// The way a request takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// From this program to an address.
    Direct(Destination),
    /// From this program through the API server to a port of a pod.
    PortForward { pod: Name, port: u16 },
    /// From a pod, by the HTTP client it has, to an address.
    Exec { pod: Name, container: Option<String>, address: SocketAddr, commands: Box<Commands> },
}

impl Way {
    #[must_use]
    pub const fn via(&self) -> Via {
        match self {
            Self::Direct(_) => Via::Direct,
            Self::PortForward { .. } => Via::PortForward,
            Self::Exec { .. } => Via::Exec,
        }
    }
}

/// Where a direct request goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    Address(SocketAddr),
    /// A load balancer that the cluster names by host name only.
    Named {
        host: String,
        port: u16,
    },
}

/// The same request for each HTTP client a pod may have: argument vectors, never a shell's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    pub curl: Vec<String>,
    /// `None` where wget cannot send it: TLS, PROXY protocol.
    pub gnu_wget: Option<Vec<String>>,
    pub busybox_wget: Option<Vec<String>>,
    /// Without the time limit that some builds do not know.
    pub old_busybox_wget: Option<Vec<String>>,
}

/// An HTTP client in a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    Curl,
    GnuWget,
    BusyboxWget,
    OldBusyboxWget,
}

impl Client {
    /// Which wget printed this help.
    #[must_use]
    pub fn of_wget_help(help: &str) -> Self {
        match (help.contains("BusyBox"), help.contains("-T ")) {
            (false, _) => Self::GnuWget,
            (true, true) => Self::BusyboxWget,
            (true, false) => Self::OldBusyboxWget,
        }
    }
}

/// What a probe brought back, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        millis: u64,
        certificate: Option<String>,
    },
    /// What a client in a pod printed.
    Printed { client: Client, stdout: Vec<u8>, stderr: Vec<u8>, exit: Option<i32>, truncated: bool },
    /// The pod has neither curl nor wget, or none that can send this.
    NoClient,
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
