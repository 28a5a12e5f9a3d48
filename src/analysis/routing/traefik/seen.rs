//! A request as routers see it.

use crate::analysis::routing::{Decision, Note};
use crate::model::request::{Request, Scheme};

use super::entry_points::EntryPoint;
use super::pattern::folded;
use super::uri::{Malformed, Uri};

/// Where a request came in: the number of the entry point, and whether TLS was spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Listener {
    pub(in crate::analysis::routing) entry_point: u8,
    pub(in crate::analysis::routing) tls: bool,
}

#[derive(Debug, Clone)]
pub(in crate::analysis::routing) struct Seen<'r> {
    pub(in crate::analysis::routing) request: &'r Request,
    pub(in crate::analysis::routing) listener: Listener,
    /// In lower case, without port, with a trailing dot if there is one.
    pub(in crate::analysis::routing) host: String,
    pub(in crate::analysis::routing) uri: Uri,
    /// What rules are matched with.
    pub(in crate::analysis::routing) path: Vec<u8>,
    /// The same for patterns without regard to case.
    pub(in crate::analysis::routing) folded: Vec<u8>,
}

impl<'r> Seen<'r> {
    pub(in crate::analysis::routing) fn new(
        request: &'r Request,
        number: u8,
        entry_point: &EntryPoint,
    ) -> Result<Self, Malformed> {
        let mut uri = Uri::parse(request.path.as_str().as_bytes())?;
        if entry_point.normalises {
            uri.normalise();
        }
        if entry_point.sanitises {
            uri = uri.sanitise();
        }
        let path = if entry_point.normalises { uri.routing_path() } else { uri.path.clone() };
        Ok(Self::with(request, number, uri, path))
    }

    /// A request whose path nobody reads.
    pub(in crate::analysis::routing) fn unread(request: &'r Request, number: u8) -> Self {
        Self::with(request, number, Uri::default(), Vec::new())
    }

    fn with(request: &'r Request, number: u8, uri: Uri, path: Vec<u8>) -> Self {
        let host = request.host_as_sent.to_ascii_lowercase();
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Self {
            request,
            listener: Listener { entry_point: number, tls: request.scheme == Scheme::Https },
            host: inner.unwrap_or(&host).to_owned(),
            folded: folded(&path),
            uri,
            path,
        }
    }

    /// The values of a header.
    pub(in crate::analysis::routing) fn header(&self, name: &str) -> impl Iterator<Item = &'r str> {
        let headers = self.request.headers.iter();
        headers.filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The escaped path, as it is sent on where nothing changes it.
    pub(in crate::analysis::routing) fn escaped(&self) -> String {
        String::from_utf8_lossy(&self.uri.escaped()).into_owned()
    }

    /// Path and query as later handlers see them.
    pub(in crate::analysis::routing) fn request_uri(&self) -> String {
        match &self.request.query {
            Some(query) => format!("{}?{query}", self.escaped()),
            None => self.escaped(),
        }
    }

    /// Says in what form the request was matched.
    pub(in crate::analysis::routing) fn add_notes(&self, decision: &mut Decision, assumed: bool) {
        if self.path != self.request.path.as_str().as_bytes() {
            let to = String::from_utf8_lossy(&self.path).into_owned();
            decision.notes.push(Note::Normalised { to });
        }
        if assumed {
            decision.notes.push(Note::SettingsUnseen);
        }
    }
}
